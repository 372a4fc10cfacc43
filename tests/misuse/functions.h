// Public functions, called in ways that are right for some operands and wrong for others. A family of functions is a
// file; messages_test calls each with operands of all kinds, and fails where a function of docs/functions.md is
// missing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "frontend/tensor/tensor.h"

namespace lathe::misuse {

using Tensors = std::vector<Tensor>;

struct Function {
    std::string name;  // that errors have to speak in
    std::size_t operands = 0;
    std::function<Tensor(const Tensors&, Where)> call;
};

// What axes, extents and the like may be by mistake.
inline constexpr std::int64_t wrong_numbers[] = {-9, -5, -1, 0, 1, 7, std::int64_t{1} << 61, INT64_MAX, INT64_MIN};
inline constexpr double wrong_reals[] = {-1, 0, 0.5, 2, 1e300};

class Table {
public:
    template <class F>
    void add(std::string name, std::size_t operands, F call) {
        functions_.push_back({std::move(name), operands, std::move(call)});
    }
    void unary(const std::string& name, Tensor (*f)(const Tensor&, Where)) {
        add(name, 1, [f](const Tensors& t, Where w) { return f(t[0], w); });
    }
    void binary(const std::string& name, Tensor (*f)(const Tensor&, const Tensor&, Where)) {
        add(name, 2, [f](const Tensors& t, Where w) { return f(t[0], t[1], w); });
    }
    // Operands may be numbers: one of them, too.
    void binary(const std::string& name, Tensor (*f)(const detail::Operand&, const detail::Operand&)) {
        add(name, 2, [f](const Tensors& t, Where w) { return f({t[0], w}, {t[1], w}); });
        add(name, 1, [f](const Tensors& t, Where w) { return f({t[0], w}, {1.5, w}); });
        add(name, 1, [f](const Tensors& t, Where w) { return f({-1, w}, {t[0], w}); });
    }
    void ternary(const std::string& name,
                 Tensor (*f)(const detail::Operand&, const detail::Operand&, const detail::Operand&)) {
        add(name, 3, [f](const Tensors& t, Where w) { return f({t[0], w}, {t[1], w}, {t[2], w}); });
        add(name, 1, [f](const Tensors& t, Where w) { return f({t[0], w}, {-1, w}, {1.5, w}); });
    }
    const std::vector<Function>& functions() const { return functions_; }

private:
    std::vector<Function> functions_;
};

inline Tensor first(const Tensors& parts) { return parts.empty() ? Tensor() : parts[0]; }

void add_elementwise(Table& table);
void add_reductions(Table& table);
void add_shapes(Table& table);
void add_positions(Table& table);
void add_products(Table& table);
void add_images(Table& table);
void add_losses(Table& table);
void add_signals(Table& table);
void add_random(Table& table);

// All of them.
Table functions();

}  // namespace lathe::misuse
