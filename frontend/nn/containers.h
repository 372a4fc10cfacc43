// Modules that hold others.
#pragma once

#include <concepts>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "frontend/nn/module.h"

namespace lathe::nn {

// A module of any class that is a Base.
template <std::derived_from<AnyModule> Base>
class Held {
public:
    template <std::derived_from<Base> M>
    explicit Held(M module)
        : module_(std::make_shared<const M>(std::move(module))),
          copy_([](const Base& original) -> std::shared_ptr<const Base> {
              return std::make_shared<const M>(static_cast<const M&>(original));
          }) {}
    Held(const Held& other)
        : module_(detail::CloneScope::current() != nullptr ? other.copy_(*other.module_) : other.module_),
          copy_(other.copy_) {}
    Held(Held&&) noexcept = default;
    Held& operator=(const Held&) = delete;
    Held& operator=(Held&&) noexcept = default;
    ~Held() = default;

    const Base& operator*() const { return *module_; }
    const Base* operator->() const { return module_.get(); }

private:
    std::shared_ptr<const Base> module_;
    std::shared_ptr<const Base> (*copy_)(const Base& original);
};

// One module after the other: nn::Sequential(nn::Linear(4, 8, random), nn::ReLU()). Their paths begin with their
// places, or names.
class Sequential final : public Module {
public:
    template <std::derived_from<Module>... M>
    explicit Sequential(M... modules) : Module(OfLibrary{}) {
        (append(std::move(modules)), ...);
    }
    template <std::derived_from<Module> M>
    Sequential& append(M module, Where where = Where::current()) {
        return append("", std::move(module), where);
    }
    template <std::derived_from<Module> M>
    Sequential& append(const std::string& name, M module, Where where = Where::current()) {
        register_child(name.empty() ? std::to_string(size()) : name, module, where);
        steps_->push_back({name, Held<Module>(std::move(module))});
        return *this;
    }
    std::size_t size() const { return steps_->size(); }
    // IndexError where there is none.
    const Module& at(std::size_t place, Where where = Where::current()) const;

private:
    Tensor forward(const Tensor& x) const override;
    struct Step {
        std::string name;
        Held<Module> module;
    };
    Shared<std::vector<Step>> steps_;
};

[[noreturn]] void refuse_place(const AnyModule& list, std::size_t place, std::size_t size, Where where);
[[noreturn]] void refuse_key(const AnyModule& dictionary, const std::string& key, Where where);

// Modules for whoever calls them one by one: all of one class, nn::ModuleList<Block>, or of any that is a Module.
template <std::derived_from<AnyModule> M = Module>
class ModuleList final : public AnyModule {
public:
    ModuleList() : AnyModule(OfLibrary{}) { become_list(); }
    template <std::derived_from<M> Item>
    ModuleList& append(Item module, Where where = Where::current()) {
        const std::string place = std::to_string(size());
        register_child(place, module, where);
        modules_->emplace_back(std::move(module));
        adopt_names();
        return *this;
    }
    std::size_t size() const { return modules_->size(); }
    const M& at(std::size_t place, Where where = Where::current()) const {
        if (place >= size()) refuse_place(*this, place, size(), where);
        return *(*modules_)[place];
    }

private:
    Shared<std::vector<Held<M>>> modules_;
};

// Modules by names.
template <std::derived_from<AnyModule> M = Module>
class ModuleDict final : public AnyModule {
public:
    ModuleDict() : AnyModule(OfLibrary{}) { become_list(); }
    template <std::derived_from<M> Item>
    ModuleDict& insert(const std::string& key, Item module, Where where = Where::current()) {
        register_child(key, module, where);
        modules_->emplace(key, std::move(module));
        adopt_names();
        return *this;
    }
    std::size_t size() const { return modules_->size(); }
    bool contains(const std::string& key) const { return modules_->contains(key); }
    const M& at(const std::string& key, Where where = Where::current()) const {
        const auto found = modules_->find(key);
        if (found == modules_->end()) refuse_key(*this, key, where);
        return *found->second;
    }

private:
    Shared<std::map<std::string, Held<M>>> modules_;
};

}  // namespace lathe::nn
