// Arguments and results of compiled and differentiated functions: tensors, and vectors, arrays, pairs, tuples,
// optionals, variants and maps of them, nested at will. A type of your own joins in by a member
//     template <class Visit> void visit_tensors(Visit&& visit) { visit(weight); visit(bias); visit(layers); }
// in a const and a non-const form (or one template over both), and by being copyable. `visit` takes whole trees.
//
// The structure of a tree is all of it but the tensors: sizes of vectors, keys of maps, which alternatives of variants,
// optionals and tensors are empty. Where a type of your own holds more that its functions look at, as a flag, a member
// `structure()` returns that, as something that compares by ==.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "frontend/tensor/tensor.h"
#include "ir/error.h"

namespace lathe {

template <class Visit>
void visit_tensors(const Tensor& t, Visit&& visit) {
    visit(t);
}
template <class Visit>
void visit_tensors(Tensor& t, Visit&& visit) {
    visit(t);
}
template <class T, class Visit>
    requires requires(T& t, Visit& v) { t.visit_tensors(v); }
void visit_tensors(T& t, Visit&& visit);

template <class T, class Visit>
void visit_tensors(std::vector<T>& v, Visit&& visit);
template <class T, class Visit>
void visit_tensors(const std::vector<T>& v, Visit&& visit);
template <class T, std::size_t N, class Visit>
void visit_tensors(std::array<T, N>& v, Visit&& visit);
template <class T, std::size_t N, class Visit>
void visit_tensors(const std::array<T, N>& v, Visit&& visit);
template <class A, class B, class Visit>
void visit_tensors(std::pair<A, B>& v, Visit&& visit);
template <class A, class B, class Visit>
void visit_tensors(const std::pair<A, B>& v, Visit&& visit);
template <class... A, class Visit>
void visit_tensors(std::tuple<A...>& v, Visit&& visit);
template <class... A, class Visit>
void visit_tensors(const std::tuple<A...>& v, Visit&& visit);
template <class T, class Visit>
void visit_tensors(std::optional<T>& v, Visit&& visit);
template <class T, class Visit>
void visit_tensors(const std::optional<T>& v, Visit&& visit);
template <class... A, class Visit>
void visit_tensors(std::variant<A...>& v, Visit&& visit);
template <class... A, class Visit>
void visit_tensors(const std::variant<A...>& v, Visit&& visit);
template <class K, class T, class Visit>
void visit_tensors(std::map<K, T>& v, Visit&& visit);
template <class K, class T, class Visit>
void visit_tensors(const std::map<K, T>& v, Visit&& visit);

template <class T, class Visit>
    requires requires(T& t, Visit& v) { t.visit_tensors(v); }
void visit_tensors(T& t, Visit&& visit) {
    t.visit_tensors([&](auto& part) { visit_tensors(part, visit); });
}
template <class T, class Visit>
void visit_tensors(std::vector<T>& v, Visit&& visit) {
    for (T& x : v) visit_tensors(x, visit);
}
template <class T, class Visit>
void visit_tensors(const std::vector<T>& v, Visit&& visit) {
    for (const T& x : v) visit_tensors(x, visit);
}
template <class T, std::size_t N, class Visit>
void visit_tensors(std::array<T, N>& v, Visit&& visit) {
    for (T& x : v) visit_tensors(x, visit);
}
template <class T, std::size_t N, class Visit>
void visit_tensors(const std::array<T, N>& v, Visit&& visit) {
    for (const T& x : v) visit_tensors(x, visit);
}
template <class A, class B, class Visit>
void visit_tensors(std::pair<A, B>& v, Visit&& visit) {
    visit_tensors(v.first, visit);
    visit_tensors(v.second, visit);
}
template <class A, class B, class Visit>
void visit_tensors(const std::pair<A, B>& v, Visit&& visit) {
    visit_tensors(v.first, visit);
    visit_tensors(v.second, visit);
}
template <class... A, class Visit>
void visit_tensors(std::tuple<A...>& v, Visit&& visit) {
    std::apply([&](auto&... x) { (visit_tensors(x, visit), ...); }, v);
}
template <class... A, class Visit>
void visit_tensors(const std::tuple<A...>& v, Visit&& visit) {
    std::apply([&](const auto&... x) { (visit_tensors(x, visit), ...); }, v);
}
template <class T, class Visit>
void visit_tensors(std::optional<T>& v, Visit&& visit) {
    if (v) visit_tensors(*v, visit);
}
template <class T, class Visit>
void visit_tensors(const std::optional<T>& v, Visit&& visit) {
    if (v) visit_tensors(*v, visit);
}
template <class... A, class Visit>
void visit_tensors(std::variant<A...>& v, Visit&& visit) {
    std::visit([&](auto& x) { visit_tensors(x, visit); }, v);
}
template <class... A, class Visit>
void visit_tensors(const std::variant<A...>& v, Visit&& visit) {
    std::visit([&](const auto& x) { visit_tensors(x, visit); }, v);
}
template <class K, class T, class Visit>
void visit_tensors(std::map<K, T>& v, Visit&& visit) {
    for (auto& [key, x] : v) visit_tensors(x, visit);
}
template <class K, class T, class Visit>
void visit_tensors(const std::map<K, T>& v, Visit&& visit) {
    for (const auto& [key, x] : v) visit_tensors(x, visit);
}

template <class T>
concept Tree = requires(T& t) { visit_tensors(t, [](const Tensor&) {}); };

// Whether two trees of one type have the same structure.
template <class T>
bool same_structure(const T& a, const T& b);

namespace detail {

// A part of a tree, of any type.
struct TreePart {
    const void* part;
    bool (*same)(const void* a, const void* b);  // one function for each type

    template <class T>
    static TreePart of(const T& part) {
        return {&part, [](const void* a, const void* b) {
                    return same_structure(*static_cast<const T*>(a), *static_cast<const T*>(b));
                }};
    }
};
template <class T>
std::vector<TreePart> parts_of(const T& tree) {
    std::vector<TreePart> parts;
    tree.visit_tensors([&](const auto& part) { parts.push_back(TreePart::of(part)); });
    return parts;
}

template <class T>
struct StructureOf {  // types of the user's
    static bool same(const T& a, const T& b) {
        if constexpr (requires { a.structure() == b.structure(); })
            if (!(a.structure() == b.structure())) return false;
        const std::vector<TreePart> as = parts_of(a), bs = parts_of(b);
        return std::equal(as.begin(), as.end(), bs.begin(), bs.end(), [](const TreePart& x, const TreePart& y) {
            return x.same == y.same && x.same(x.part, y.part);
        });
    }
};
template <std::derived_from<Tensor> T>
struct StructureOf<T> {
    static bool same(const Tensor& a, const Tensor& b) { return a.is_empty() == b.is_empty(); }
};
template <class Range>
struct StructureOfRange {
    static bool same(const Range& a, const Range& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](const auto& x, const auto& y) { return same_structure(x, y); });
    }
};
template <class T>
struct StructureOf<std::vector<T>> : StructureOfRange<std::vector<T>> {};
template <class T, std::size_t N>
struct StructureOf<std::array<T, N>> : StructureOfRange<std::array<T, N>> {};
template <class T>
struct StructureOf<std::optional<T>> {
    static bool same(const std::optional<T>& a, const std::optional<T>& b) {
        return a.has_value() == b.has_value() && (!a || same_structure(*a, *b));
    }
};
template <class A, class B>
struct StructureOf<std::pair<A, B>> {
    static bool same(const std::pair<A, B>& a, const std::pair<A, B>& b) {
        return same_structure(a.first, b.first) && same_structure(a.second, b.second);
    }
};
template <class... A>
struct StructureOf<std::tuple<A...>> {
    static bool same(const std::tuple<A...>& a, const std::tuple<A...>& b) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return (same_structure(std::get<I>(a), std::get<I>(b)) && ...);
        }(std::index_sequence_for<A...>{});
    }
};
template <class... A>
struct StructureOf<std::variant<A...>> {
    static bool same(const std::variant<A...>& a, const std::variant<A...>& b) {
        return a.index() == b.index() && std::visit(
                                             [&b](const auto& x) {
                                                 using X = std::decay_t<decltype(x)>;
                                                 return same_structure(x, std::get<X>(b));
                                             },
                                             a);
    }
};
template <class K, class T>
struct StructureOf<std::map<K, T>> {
    static bool same(const std::map<K, T>& a, const std::map<K, T>& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
            return !(x.first < y.first) && !(y.first < x.first) && same_structure(x.second, y.second);
        });
    }
};

}  // namespace detail

template <class T>
bool same_structure(const T& a, const T& b) {
    return detail::StructureOf<T>::same(a, b);
}

namespace detail {

// A function of trees, as one of their tensors in a row.
using TensorFunction = std::function<std::vector<Tensor>(std::span<const Tensor>)>;

}  // namespace detail

template <class List, Tree... T>
void append_tensors(List& list, const T&... trees) {
    std::size_t count = 0;
    [[maybe_unused]] const auto look = [&](const Tensor& t) { count += t.is_empty() ? 0 : 1; };
    (visit_tensors(trees, look), ...);
    list.reserve(list.size() + count);
    [[maybe_unused]] const auto add = [&](const Tensor& t) {
        if (!t.is_empty()) list.push_back(t);
    };
    (visit_tensors(trees, add), ...);
}

// The tensors of a tree, in order, without those that are empty.
template <Tree... T>
std::vector<Tensor> tensors_of(const T&... trees) {
    std::vector<Tensor> out;
    append_tensors(out, trees...);
    return out;
}

// A copy of a tree with other tensors, taken from `next` on; those that are empty stay so.
template <Tree T>
T with_tensors(const T& tree, std::span<const Tensor>& next) {
    T copy = tree;
    visit_tensors(copy, [&](Tensor& t) {
        if (t.is_empty()) return;
        if (next.empty()) throw InternalError("a tree of tensors has more of them than there are values");
        t = next.front();
        next = next.subspan(1);
    });
    return copy;
}

}  // namespace lathe
