// What checkpoints hold: tensors, and the Python values around them, as a tree.
//
//   CheckpointValue root = load_checkpoint("resnet.pt").root;
//   Tensor weight = root.at("model").at("conv1.weight").tensor();
//   for (const auto& [name, tensor] : root.at("model").flatten()) ...
//
// Copies share what they hold, and nothing of it changes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/tensor/named_tensor.h"

namespace lathe {

class CheckpointValue {
public:
    enum class Kind : std::uint8_t { none, boolean, integer, number, text, tensor, list, dict };
    using List = std::vector<CheckpointValue>;
    using Dict = std::vector<std::pair<std::string, CheckpointValue>>;  // in the file's order

    CheckpointValue();  // none
    explicit CheckpointValue(bool value);
    explicit CheckpointValue(std::int64_t value);
    explicit CheckpointValue(double value);
    explicit CheckpointValue(std::string value);
    explicit CheckpointValue(Tensor value);
    // Throw UserError where values nest deeper than 256 levels, or hold more than 2^24 values counted with repetition.
    explicit CheckpointValue(List values, Where where = Where::current());
    // `class_name`: of the Python object that the dict was.
    explicit CheckpointValue(Dict entries, std::string class_name = "", Where where = Where::current());

    Kind kind() const;
    bool is_none() const { return kind() == Kind::none; }
    // TypeError where the value is of another kind. An integer is a number, too.
    bool boolean(Where where = Where::current()) const;
    std::int64_t integer(Where where = Where::current()) const;
    double number(Where where = Where::current()) const;
    std::string text(Where where = Where::current()) const;
    Tensor tensor(Where where = Where::current()) const;
    const List& list(Where where = Where::current()) const&;
    List list(Where where = Where::current()) const&& { return list(where); }
    const Dict& dict(Where where = Where::current()) const&;
    Dict dict(Where where = Where::current()) const&& { return dict(where); }
    std::string class_name() const;  // "torch.nn.modules.linear.Linear", or empty

    // A part: UserError names what is there instead.
    CheckpointValue at(std::string_view key, Where where = Where::current()) const;
    CheckpointValue at(std::size_t index, Where where = Where::current()) const;
    bool contains(std::string_view key) const;  // false of what is no dict

    // The tensors of the tree in order, each by its path: "encoder.0.weight". A tensor by itself has the name "".
    // Throws UserError where the paths have more than 2^28 bytes together.
    std::vector<NamedTensor> flatten(Where where = Where::current()) const;

private:
    struct Node;
    const Node& node_of(Kind kind, Where where) const;
    std::shared_ptr<const Node> node_;  // null: none
};

}  // namespace lathe
