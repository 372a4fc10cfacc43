#include "frontend/checkpoint/checkpoint_value.h"

#include <algorithm>
#include <array>
#include <variant>

#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {
namespace {

constexpr std::uint64_t most_levels = 256, most_values = std::uint64_t{1} << 24,
                        most_path_bytes = std::uint64_t{1} << 28;

constexpr std::array<std::string_view, 8> kind_names = {"none",   "a boolean", "an integer", "a number",
                                                        "a text", "a tensor",  "a list",     "a dict"};

std::string name_of(CheckpointValue::Kind kind) { return std::string(kind_names[static_cast<std::size_t>(kind)]); }

// The keys of a dict for a message: the first of them.
std::string some_keys(const CheckpointValue::Dict& entries) {
    constexpr std::size_t shown = 10;
    std::string out;
    for (std::size_t i = 0; i < std::min(entries.size(), shown); ++i)
        out += (i == 0 ? "'" : ", '") + entries[i].first + "'";
    return entries.size() > shown ? out + " and " + std::to_string(entries.size() - shown) + " more" : out;
}

}  // namespace

struct CheckpointValue::Node {
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Tensor, List, Dict> value;
    std::string class_name;
    std::uint64_t levels = 1, values = 1;  // values: counted once for each path to them, so that trees stay small

    void add(const CheckpointValue& part, Where where) {
        if (part.node_) levels = std::max(levels, part.node_->levels + 1);
        values += part.node_ ? part.node_->values : 1;
        if (levels > most_levels)
            throw UserError("the values of a checkpoint nest deeper than " + std::to_string(most_levels) + " levels",
                            detail::blame(where));
        if (values > most_values)
            throw UserError("a checkpoint holds more than " + std::to_string(most_values) + " values",
                            detail::blame(where));
    }
};

CheckpointValue::CheckpointValue() = default;
CheckpointValue::CheckpointValue(bool value) : node_(std::make_shared<Node>(Node{value, {}})) {}
CheckpointValue::CheckpointValue(std::int64_t value) : node_(std::make_shared<Node>(Node{value, {}})) {}
CheckpointValue::CheckpointValue(double value) : node_(std::make_shared<Node>(Node{value, {}})) {}
CheckpointValue::CheckpointValue(std::string value) : node_(std::make_shared<Node>(Node{std::move(value), {}})) {}
CheckpointValue::CheckpointValue(Tensor value) : node_(std::make_shared<Node>(Node{std::move(value), {}})) {}
CheckpointValue::CheckpointValue(List values, Where where) {
    Node node;
    for (const CheckpointValue& value : values) node.add(value, where);
    node.value = std::move(values);
    node_ = std::make_shared<Node>(std::move(node));
}
CheckpointValue::CheckpointValue(Dict entries, std::string class_name, Where where) {
    Node node;
    for (const auto& [key, value] : entries) node.add(value, where);
    node.value = std::move(entries);
    node.class_name = std::move(class_name);
    node_ = std::make_shared<Node>(std::move(node));
}

CheckpointValue::Kind CheckpointValue::kind() const {
    return node_ ? static_cast<Kind>(node_->value.index()) : Kind::none;
}

const CheckpointValue::Node& CheckpointValue::node_of(Kind wanted, Where where) const {
    if (kind() != wanted || !node_)
        throw TypeError("a value of a checkpoint is " + name_of(kind()) + ", not " + name_of(wanted),
                        detail::blame(where));
    return *node_;
}

bool CheckpointValue::boolean(Where where) const { return std::get<bool>(node_of(Kind::boolean, where).value); }
std::int64_t CheckpointValue::integer(Where where) const {
    return std::get<std::int64_t>(node_of(Kind::integer, where).value);
}
double CheckpointValue::number(Where where) const {
    if (kind() == Kind::integer) return static_cast<double>(integer(where));
    return std::get<double>(node_of(Kind::number, where).value);
}
std::string CheckpointValue::text(Where where) const { return std::get<std::string>(node_of(Kind::text, where).value); }
Tensor CheckpointValue::tensor(Where where) const { return std::get<Tensor>(node_of(Kind::tensor, where).value); }
const CheckpointValue::List& CheckpointValue::list(Where where) const& {
    return std::get<List>(node_of(Kind::list, where).value);
}
const CheckpointValue::Dict& CheckpointValue::dict(Where where) const& {
    return std::get<Dict>(node_of(Kind::dict, where).value);
}
std::string CheckpointValue::class_name() const { return node_ ? node_->class_name : std::string(); }

CheckpointValue CheckpointValue::at(std::string_view key, Where where) const {
    const Dict& entries = dict(where);
    for (const auto& [name, value] : entries)
        if (name == key) return value;
    throw UserError("a checkpoint's dict has no '" + std::string(key) + "'" +
                        (entries.empty() ? ": it is empty" : "; it has " + some_keys(entries)),
                    detail::blame(where));
}

CheckpointValue CheckpointValue::at(std::size_t index, Where where) const {
    const List& values = list(where);
    if (index >= values.size())
        throw UserError(
            "a checkpoint's list has no value " + std::to_string(index) + "; it has " + std::to_string(values.size()),
            detail::blame(where));
    return values[index];
}

bool CheckpointValue::contains(std::string_view key) const {
    return kind() == Kind::dict && std::ranges::any_of(dict(), [&](const auto& entry) { return entry.first == key; });
}

std::vector<NamedTensor> CheckpointValue::flatten(Where where) const {
    std::vector<NamedTensor> out;
    std::uint64_t bytes = 0;
    const auto visit = [&](const auto& self, const CheckpointValue& value, const std::string& path) -> void {
        bytes += path.size();
        if (bytes > most_path_bytes)
            throw UserError("the paths of a checkpoint's values have more than " + std::to_string(most_path_bytes) +
                                " bytes together",
                            detail::blame(where));
        const std::string prefix = path.empty() ? path : path + ".";
        if (value.kind() == Kind::tensor) out.emplace_back(path, value.tensor());
        if (value.kind() == Kind::list)
            for (std::size_t i = 0; const CheckpointValue& part : value.list())
                self(self, part, prefix + std::to_string(i++));
        if (value.kind() == Kind::dict)
            for (const auto& [key, part] : value.dict()) self(self, part, prefix + key);
    };
    visit(visit, *this, "");
    return out;
}

}  // namespace lathe
