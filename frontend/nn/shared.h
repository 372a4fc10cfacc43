// Handles that share what they stand for, and clone(), which makes copies that do not.
//
//   nn::Linear tied = layer;                  // the same weights
//   nn::Linear other = nn::clone(layer);      // weights of its own, with the same values
//
// Within clone(), copying a Parameter, a Buffer or a Shared makes a new one; what occurs twice in the original is one
// thing in the copy, too, so that tied weights stay tied. A class of handles needs no code for it: its own copy
// constructor does it all. A plain Tensor goes on to stand for the same variable: hold variables as parameters and
// buffers. Generators stay shared: copies that drew the same random numbers would depend on each other.
#pragma once

#include <map>
#include <memory>
#include <type_traits>

#include "frontend/tensor/tensor.h"

namespace lathe {

namespace detail {

// The copies that one clone() has made so far, by what they are copies of.
class CloneScope {
public:
    explicit CloneScope(Where where) : where_(where), previous_(current_) { current_ = this; }
    ~CloneScope() { current_ = previous_; }
    CloneScope(const CloneScope&) = delete;
    CloneScope& operator=(const CloneScope&) = delete;

    static CloneScope* current() { return current_; }

    // A variable with the value that this one has.
    Tensor copy(const Tensor& variable);
    template <class T>
    std::shared_ptr<T> copy(const std::shared_ptr<T>& shared) {
        if (!shared) return {};
        if (const auto known = copies_.find(shared.get()); known != copies_.end())
            return std::static_pointer_cast<T>(known->second);
        auto made = std::make_shared<std::remove_const_t<T>>(*shared);
        copies_.emplace(shared.get(), made);
        return made;
    }

private:
    std::map<const void*, std::shared_ptr<void>> copies_;
    std::map<const Node*, Tensor> variables_;
    Where where_;
    CloneScope* previous_;
    static constinit thread_local CloneScope* current_;
};

}  // namespace detail

namespace nn {

// An object that copies of the handle share.
template <class T>
class Shared {
public:
    Shared() : object_(std::make_shared<T>()) {}
    explicit Shared(T object) : object_(std::make_shared<T>(std::move(object))) {}
    Shared(const Shared& other)
        : object_(detail::CloneScope::current() != nullptr ? detail::CloneScope::current()->copy(other.object_)
                                                           : other.object_) {}
    Shared(Shared&&) noexcept = default;
    Shared& operator=(const Shared&) = delete;
    Shared& operator=(Shared&&) noexcept = default;
    ~Shared() = default;

    T& operator*() const { return *object_; }
    T* operator->() const { return object_.get(); }
    friend bool operator==(const Shared&, const Shared&) = default;

private:
    std::shared_ptr<T> object_;
};

// A variable that belongs to a module; empty where the module has none. It takes what is registered for it, and no
// other: set() gives it another value, and registering a parameter of another module ties the two.
class Variable : public Tensor {
public:
    Variable() = default;
    explicit Variable(Tensor variable) : Tensor(std::move(variable)) {}
    Variable(const Variable& other)
        : Tensor(detail::CloneScope::current() != nullptr && other.is_variable()
                     ? detail::CloneScope::current()->copy(static_cast<const Tensor&>(other))
                     : static_cast<const Tensor&>(other)) {}
    Variable(Variable&&) = default;
    Variable& operator=(const Variable&) = delete;
    Variable& operator=(Variable&&) = default;
    ~Variable() = default;
};
// How PyTorch lays out what is the same parameter there.
enum class Layout : std::uint8_t {
    same,
    transposed,  // with the last two axes exchanged
};
// One that optimisers train.
class Parameter final : public Variable {
public:
    Parameter() = default;
    explicit Parameter(Tensor variable, Layout layout = Layout::same)
        : Variable(std::move(variable)), layout_(layout) {}
    Layout layout() const { return layout_; }

private:
    Layout layout_ = Layout::same;
};
// One that the module sets itself, as a running mean.
class Buffer final : public Variable {
public:
    using Variable::Variable;
};

// A copy that shares nothing with the original but generators: variables have values of their own, and so have modes.
template <class M>
M clone(const M& original, Where where = Where::current()) {
    const detail::CloneScope scope(where);
    return original;
}

}  // namespace nn
}  // namespace lathe
