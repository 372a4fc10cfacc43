// Arguments and results of compiled and differentiated functions: tensors, and vectors, arrays, pairs, tuples and maps
// of them, nested at will. A type of your own joins in by a member
//     template <class Visit> void visit_tensors(Visit&& visit) { visit(weight); visit(bias); }
// in a const and a non-const form (or one template over both), and by being default constructible or copyable.
#pragma once

#include <array>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "frontend/tensor.h"

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
void visit_tensors(T& t, Visit&& visit) {
    t.visit_tensors(visit);
}

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
template <class K, class T, class Visit>
void visit_tensors(std::map<K, T>& v, Visit&& visit);
template <class K, class T, class Visit>
void visit_tensors(const std::map<K, T>& v, Visit&& visit);

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

// The tensors of a tree, in order.
template <Tree... T>
std::vector<Tensor> tensors_of(const T&... trees) {
    std::vector<Tensor> out;
    const auto add = [&](const Tensor& t) { out.push_back(t); };
    (visit_tensors(trees, add), ...);
    return out;
}

// A copy of a tree with other tensors, taken from `next` on.
template <Tree T>
T with_tensors(const T& tree, std::span<const Tensor>& next) {
    T copy = tree;
    visit_tensors(copy, [&](Tensor& t) {
        if (next.empty()) throw UserError("a tree of tensors has fewer of them than at the first call");
        t = next.front();
        next = next.subspan(1);
    });
    return copy;
}

}  // namespace lathe
