// Modules: functions with variables of their own.
//
//   class Classifier : public nn::Module {
//   public:
//       explicit Classifier(nn::Generator& random)
//           : first_(register_module("first", nn::Linear(64, 128, random))),
//             scale_(register_parameter("scale", ones({10}))) {}
//
//   private:
//       Tensor forward(const Tensor& x) const override { return first_(x) * scale_; }
//       nn::Linear first_;
//       nn::Parameter scale_;
//   };
//   Tensor logits = classifier(x);
//   for (auto& [path, p] : classifier.named_parameters()) ...    // "scale", "first.weight", "first.bias"
//
// Modules are handles: copies share variables, children and mode. clone() makes one that shares nothing.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "frontend/nn/shared.h"
#include "frontend/tensor/named_tensor.h"
#include "frontend/tensor/tree.h"

namespace lathe::nn {

class AnyModule;

// A parameter or buffer by its path, as a file of weights has it.
struct StateEntry {
    std::string path;
    Tensor variable;
    Layout layout = Layout::same;
};

}  // namespace lathe::nn
namespace lathe::detail {

// Sees what the modules called on its thread compute, in the order in which they end.
class CallObserver {
public:
    CallObserver() : previous_(current_) { current_ = this; }
    virtual ~CallObserver() { current_ = previous_; }
    CallObserver(const CallObserver&) = delete;
    CallObserver& operator=(const CallObserver&) = delete;

    static CallObserver* current() { return current_; }
    virtual void called(const nn::AnyModule& module, const std::vector<Tensor>& results) = 0;

private:
    CallObserver* previous_;
    static constinit thread_local CallObserver* current_;
};

}  // namespace lathe::detail
namespace lathe::nn {

// A module of which no more is known than what it is made of. Copying a module to it keeps the handle, and loses what
// it computes.
class AnyModule {
public:
    AnyModule(const AnyModule& other);
    AnyModule(AnyModule&& other) noexcept;
    AnyModule& operator=(const AnyModule&) = delete;  // as of its parameters
    AnyModule& operator=(AnyModule&&) noexcept;
    virtual ~AnyModule();

    // What the module is called within its parent: "attention". It is the module's part of the path in errors. A module
    // that is registered without a name has that of its registration. Without a name the class stands there.
    void set_name(std::string name);
    const std::string& name() const;
    std::string class_name() const;

    // Paths are names joined by dots, own ones first, then those of children in order. A tied variable comes once,
    // under its first path.
    std::vector<NamedTensor> named_parameters() const;
    std::vector<NamedTensor> named_buffers() const;
    // The module itself, as "", and all within it, each once.
    std::vector<std::pair<std::string, AnyModule>> named_modules() const;
    std::vector<std::pair<std::string, AnyModule>> named_children() const;
    // Whether they are handles of one module.
    bool is(const AnyModule& other) const { return state_ == other.state_; }
    std::vector<Tensor> parameters() const;
    std::vector<Tensor> buffers() const;
    // Parameters and persistent buffers under all their paths: what files hold, PyTorch's state_dict().
    std::vector<StateEntry> state() const;
    // The number of elements, of what is tied once.
    std::int64_t parameter_count(bool trainable_only = false) const;
    // Of the module's own parameters, without those of children.
    std::int64_t own_parameter_count() const;

    // Training is the mode of a new module. Of all modules within it, too. A compiled function that has asked
    // is_training() is traced once for each mode.
    void train(bool training = true) const;
    void eval() const { train(false); }
    bool is_training() const;

    // Whether derivatives flow to the parameters; see Tensor::set_trainable().
    void freeze(Where where = Where::current()) const;
    void unfreeze(Where where = Where::current()) const;
    void zero_grad(Where where = Where::current()) const;

protected:
    AnyModule();
    // The library's own modules: what they call is blamed on the line that called them.
    struct OfLibrary {};
    explicit AnyModule(OfLibrary);

    // Names are unique among parameters, buffers and modules, not empty, and have no dot: UserError.
    // A variable with this first value; a variable is registered itself, and so tied to where it is registered before.
    // Empty: the module has no such parameter.
    Parameter register_parameter(const std::string& name, const Tensor& value, Layout layout = Layout::same,
                                 Where where = Where::current());
    // Likewise, of what the module sets itself. What is not persistent is no part of state().
    Buffer register_buffer(const std::string& name, const Tensor& value, bool persistent = true,
                           Where where = Where::current());
    template <std::derived_from<AnyModule> M>
    M register_module(const std::string& name, M module, Where where = Where::current()) {
        register_child(name, module, where);
        module.adopt_name(name);
        return module;
    }
    // As part of the paths of parameters alone: for whoever calls the module by call_as().
    void register_child(const std::string& name, const AnyModule& module, Where where = Where::current());

    // For a list of modules, which others call: errors call them by their paths from the list's parent. The list names
    // them when it has got another.
    void become_list() const;
    void adopt_names() const;

    // Runs `body` as the forward() of this module, which its parent calls by an index or a name, if not by its own.
    void call(std::string_view name, std::int64_t index, std::span<const Tensor* const> operands, Where where,
              const std::function<void()>& body) const;

private:
    struct State;
    // A name for what has none yet.
    void adopt_name(const std::string& name) const;
    enum class Visits : std::uint8_t { once, by_every_path };
    template <class Visit>
    void visit_modules(Visits visits, const Visit& visit) const;
    Shared<State> state_;
};

// A module that computes an Output from Inputs, which are trees of tensors (see tree.h): ModuleOf<Tensor(Tensor)>, or
// ModuleOf<std::pair<Tensor, Tensor>(Tensor, std::optional<Tensor>)>. Errors in a module's own code, and the inspection
// tools, name the lines of its forward(), the path of modules that it is in, and the calls that led there:
// "attention.cpp:20: matmul: ..., in blocks.2.attention, called at net.cpp:31".
template <class Signature>
class ModuleOf;

template <Tree Output, Tree... Inputs>
class ModuleOf<Output(Inputs...)> : public AnyModule {
public:
    Output operator()(const Inputs&... inputs, Where where = Where::current()) const {
        return call_as({}, -1, inputs..., where);
    }
    // The same as a child that its parent calls by a name or, where that is empty, an index.
    Output call_as(std::string_view name, std::int64_t index, const Inputs&... inputs, Where where) const {
        static constexpr std::size_t most_operands = 5;
        std::array<const Tensor*, most_operands> operands{};
        std::size_t count = 0;
        const auto add = [&]<class T>(const T& input) {
            visit_tensors(input, [&](const Tensor& t) {
                const bool left_out = t.is_empty() && !std::same_as<T, Tensor>;
                if (!left_out && count < most_operands) operands[count++] = &t;
            });
        };
        (add(inputs), ...);
        std::optional<Output> output;
        const auto body = [&] {
            output.emplace(forward(inputs...));
            visit_tensors(*output, [](Tensor& t) { t = detail::value_of(t); });
        };
        call(name, index, std::span(operands).first(count), where, std::ref(body));
        if (detail::CallObserver* const observer = detail::CallObserver::current()) [[unlikely]]
            observer->called(*this, tensors_of(*output));
        return *std::move(output);
    }

protected:
    // What the module computes; called by way of the module itself, which knows the caller's line.
    virtual Output forward(const Inputs&... inputs) const = 0;

    using AnyModule::AnyModule;
    ModuleOf() = default;
};

using Module = ModuleOf<Tensor(Tensor)>;

}  // namespace lathe::nn
