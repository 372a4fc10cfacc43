#include "frontend/nn/module.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "frontend/tensor/blame.h"
#include "frontend/tensor/node.h"
#include "frontend/trace/traced_flag.h"
#include "ir/error.h"

namespace lathe {

constinit thread_local detail::CallObserver* detail::CallObserver::current_ = nullptr;

namespace nn {

struct AnyModule::State {
    explicit State(bool library) : of_library(library) {}

    struct NamedParameter {
        std::string name;
        Parameter variable;
    };
    struct NamedBuffer {
        std::string name;
        Buffer variable;
        bool persistent;
    };
    struct NamedModule {
        std::string name;
        AnyModule module;
    };
    bool has(const std::string& wanted) const {
        return std::ranges::find(parameters, wanted, &NamedParameter::name) != parameters.end() ||
               std::ranges::find(buffers, wanted, &NamedBuffer::name) != buffers.end() ||
               std::ranges::find(children, wanted, &NamedModule::name) != children.end();
    }

    std::vector<NamedParameter> parameters;
    std::vector<NamedBuffer> buffers;
    std::vector<NamedModule> children;
    detail::TracedFlag training{true};
    std::string name;
    const std::type_info* type = nullptr;  // of the whole module, once that is known
    bool of_library = false;
    bool is_list = false;  // is not called itself: its children are, by whoever has it
};

namespace {

void require_name(const std::string& name, bool taken, Where where) {
    const char* const why = name.empty()                          ? "is empty"
                            : name.find('.') != std::string::npos ? "has a dot, which joins the names of a path"
                            : taken                               ? "is taken"
                                                                  : nullptr;
    if (why != nullptr) throw UserError(fmt::format("register: the name \"{}\" {}", name, why), detail::blame(where));
}

Tensor as_variable(const Tensor& value, const std::string& name, bool trainable, Where where) {
    return value.is_empty() || value.is_variable() ? value : variable(value, name, trainable, where);
}

std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

}  // namespace

AnyModule::AnyModule() : state_(State(false)) {}
AnyModule::AnyModule(OfLibrary) : state_(State(true)) {}
AnyModule::AnyModule(const AnyModule& other) = default;
AnyModule::AnyModule(AnyModule&& other) noexcept = default;
AnyModule& AnyModule::operator=(AnyModule&&) noexcept = default;
AnyModule::~AnyModule() = default;

void AnyModule::set_name(std::string name) { state_->name = std::move(name); }
const std::string& AnyModule::name() const { return state_->name; }
std::string AnyModule::class_name() const {
    const bool whole = typeid(*this) != typeid(AnyModule);
    return detail::class_name(whole || state_->type == nullptr ? typeid(*this) : *state_->type);
}

Parameter AnyModule::register_parameter(const std::string& name, const Tensor& value, Layout layout, Where where) {
    require_name(name, state_->has(name), where);
    Parameter parameter(as_variable(value, name, true, where), layout);
    state_->parameters.push_back({name, parameter});
    return parameter;
}

Buffer AnyModule::register_buffer(const std::string& name, const Tensor& value, bool persistent, Where where) {
    require_name(name, state_->has(name), where);
    Buffer buffer(as_variable(value, name, false, where));
    state_->buffers.push_back({name, buffer, persistent});
    return buffer;
}

void AnyModule::register_child(const std::string& name, const AnyModule& module, Where where) {
    require_name(name, state_->has(name), where);
    for (const auto& [path, within] : module.named_modules())
        if (within.state_ == state_)
            throw UserError(fmt::format("register: \"{}\" contains the module itself", name), detail::blame(where));
    if (typeid(module) != typeid(AnyModule)) module.state_->type = &typeid(module);
    state_->children.push_back({name, module});
}

void AnyModule::adopt_name(const std::string& name) const {
    if (state_->name.empty()) state_->name = name;
    if (state_->is_list) adopt_names();
}
void AnyModule::adopt_names() const {
    for (const auto& child : state_->children) {
        std::string& name = child.module.state_->name;
        if (name.empty() || name == child.name) name = joined(state_->name, child.name);
    }
}

void AnyModule::become_list() const { state_->is_list = true; }

template <class Visit>
void AnyModule::visit_modules(Visits visits, const Visit& visit) const {
    std::set<const State*> seen;
    const auto walk = [&](const auto& self, const std::string& path, const AnyModule& module) -> void {
        if (!seen.insert(&*module.state_).second && visits == Visits::once) return;
        visit(path, module);
        for (const auto& child : module.state_->children) self(self, joined(path, child.name), child.module);
    };
    walk(walk, "", *this);
}

namespace {

// In order, without those that are empty or have come before.
class DifferentTensors {
public:
    void add(std::string path, const Tensor& t) {
        if (!t.is_empty() && seen_.insert(t.node().get()).second) list_.emplace_back(std::move(path), t);
    }
    std::vector<NamedTensor> take() && { return std::move(list_); }

private:
    std::set<const detail::Node*> seen_;
    std::vector<NamedTensor> list_;
};

std::vector<Tensor> without_names(std::vector<NamedTensor> named) {
    std::vector<Tensor> out;
    out.reserve(named.size());
    for (auto& [path, tensor] : named) out.push_back(std::move(tensor));
    return out;
}

}  // namespace

std::vector<NamedTensor> AnyModule::named_parameters() const {
    DifferentTensors out;
    visit_modules(Visits::once, [&](const std::string& path, const AnyModule& module) {
        for (const auto& p : module.state_->parameters) out.add(joined(path, p.name), p.variable);
    });
    return std::move(out).take();
}

std::vector<NamedTensor> AnyModule::named_buffers() const {
    DifferentTensors out;
    visit_modules(Visits::once, [&](const std::string& path, const AnyModule& module) {
        for (const auto& b : module.state_->buffers) out.add(joined(path, b.name), b.variable);
    });
    return std::move(out).take();
}

std::vector<std::pair<std::string, AnyModule>> AnyModule::named_modules() const {
    if (typeid(*this) != typeid(AnyModule)) state_->type = &typeid(*this);
    std::vector<std::pair<std::string, AnyModule>> out;
    visit_modules(Visits::once,
                  [&](const std::string& path, const AnyModule& module) { out.emplace_back(path, module); });
    return out;
}

std::vector<std::pair<std::string, AnyModule>> AnyModule::named_children() const {
    std::vector<std::pair<std::string, AnyModule>> out;
    for (const auto& child : state_->children) out.emplace_back(child.name, child.module);
    return out;
}

std::vector<Tensor> AnyModule::parameters() const { return without_names(named_parameters()); }
std::vector<Tensor> AnyModule::buffers() const { return without_names(named_buffers()); }

std::vector<StateEntry> AnyModule::state() const {
    std::vector<StateEntry> out;
    visit_modules(Visits::by_every_path, [&](const std::string& path, const AnyModule& module) {
        for (const auto& p : module.state_->parameters)
            if (!p.variable.is_empty()) out.push_back({joined(path, p.name), p.variable, p.variable.layout()});
        for (const auto& b : module.state_->buffers)
            if (b.persistent && !b.variable.is_empty()) out.push_back({joined(path, b.name), b.variable});
    });
    return out;
}

std::int64_t AnyModule::parameter_count(bool trainable_only) const {
    std::int64_t count = 0;
    for (const Tensor& p : parameters())
        if (!trainable_only || p.is_trainable()) count += p.size();
    return count;
}

std::int64_t AnyModule::own_parameter_count() const {
    std::int64_t count = 0;
    for (const auto& p : state_->parameters)
        if (!p.variable.is_empty()) count += p.variable.size();
    return count;
}

void AnyModule::train(bool training) const {
    visit_modules(Visits::once, [&](const std::string&, const AnyModule& m) { m.state_->training.set(training); });
}
bool AnyModule::is_training() const { return state_->training.read(); }

void AnyModule::freeze(Where where) const {
    for (const Tensor& p : parameters()) p.set_trainable(false, where);
}
void AnyModule::unfreeze(Where where) const {
    for (const Tensor& p : parameters()) p.set_trainable(true, where);
}
void AnyModule::zero_grad(Where where) const {
    for (const Tensor& p : parameters()) p.zero_grad(where);
}

void AnyModule::call(std::string_view name, std::int64_t index, std::span<const Tensor* const> operands, Where where,
                     const std::function<void()>& body) const {
    using detail::Frame;
    const bool of_library = state_->of_library;
    const Frame frame(of_library ? Frame::Code::library : Frame::Code::user, where, &typeid(*this),
                      name.empty() && index < 0 ? std::string_view(state_->name) : name, index, operands);
    if (of_library && std::ranges::any_of(operands, &Tensor::is_empty))
        throw UserError(detail::spoken("forward") + ": an empty tensor was used", detail::blame({}));
    body();
}

}  // namespace nn
}  // namespace lathe
