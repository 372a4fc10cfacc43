// x[{...}] and x.at({...}) with tensors of positions and masks, against loops over every index that follow NumPy's
// rules: lazily, compiled for any extents, differentiated, and for each of a batch.
#include <functional>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/functions/functions.h"
#include "frontend/model/model.h"
#include "frontend/trace/grad.h"
#include "frontend/trace/jit.h"
#include "frontend/trace/vmap.h"

namespace lathe {
namespace {

using Extents = std::vector<std::int64_t>;

std::int64_t count_of(const Extents& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}
template <class F>
void for_each_index(const Extents& shape, const F& f) {
    Extents index(shape.size(), 0);
    for (std::int64_t k = 0; k < count_of(shape); ++k) {
        f(index);
        for (std::size_t i = shape.size(); i-- > 0 && ++index[i] == shape[i];) index[i] = 0;
    }
}
std::int64_t position(const Extents& shape, const Extents& index) {
    std::int64_t at = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) at = at * shape[i] + index[i];
    return at;
}

// An index: a number, a whole axis or a part of it, or positions of some shape.
struct Part {
    enum class Kind { number, range, positions, new_axis } kind;
    std::int64_t number = 0;
    Range range = {};
    Extents shape = {};
    std::vector<std::int64_t> values = {};

    Tensor tensor() const { return Tensor::from(values, shape); }
    Index index(const Tensor& positions) const {
        switch (kind) {
            case Kind::number:
                return number;
            case Kind::range:
                return range;
            case Kind::positions:
                return positions;
            default:
                return new_axis;
        }
    }
};

struct Reference {
    Extents shape;
    std::vector<std::int64_t> elements;  // row-major positions in x
};

Reference reference(const Extents& x, const std::vector<Part>& parts) {
    // The positions' common shape, and where it is placed.
    Extents block;
    std::size_t first = parts.size(), last = 0, advanced = 0;
    for (std::size_t k = 0; k < parts.size(); ++k) {
        const Part& p = parts[k];
        if (p.kind != Part::Kind::positions && p.kind != Part::Kind::number) continue;
        first = std::min(first, k);
        last = k;
        ++advanced;
        if (block.size() < p.shape.size()) block.insert(block.begin(), p.shape.size() - block.size(), 1);
        for (std::size_t i = 0; i < p.shape.size(); ++i) {
            std::int64_t& extent = block[block.size() - p.shape.size() + i];
            if (extent == 1) extent = p.shape[i];
        }
    }
    const bool in_front = last - first + 1 != advanced;
    Reference out;
    if (in_front) out.shape = block;
    std::vector<std::size_t> places;  // of each part's dimension in the result
    std::size_t block_at = 0;
    for (std::size_t k = 0; k < parts.size(); ++k) {
        if (k == first && !in_front) {
            block_at = out.shape.size();
            out.shape.insert(out.shape.end(), block.begin(), block.end());
        }
        places.push_back(out.shape.size());
        std::size_t axis = 0;
        for (std::size_t i = 0; i < k; ++i) axis += parts[i].kind == Part::Kind::new_axis ? 0 : 1;
        if (parts[k].kind == Part::Kind::range) {
            const std::int64_t n = x[axis];
            std::int64_t size = 0;
            for (std::int64_t i = parts[k].range.step > 0 ? 0 : n - 1; i >= 0 && i < n; i += parts[k].range.step)
                ++size;
            out.shape.push_back(size);
        } else if (parts[k].kind == Part::Kind::new_axis) {
            out.shape.push_back(1);
        }
    }
    for_each_index(out.shape, [&](const Extents& index) {
        Extents in;
        for (std::size_t k = 0; k < parts.size(); ++k) {
            const Part& p = parts[k];
            if (p.kind == Part::Kind::new_axis) continue;
            const std::int64_t n = x[in.size()];
            if (p.kind == Part::Kind::range) {
                in.push_back((p.range.step > 0 ? 0 : n - 1) + index[places[k]] * p.range.step);
                continue;
            }
            std::int64_t at = p.number;
            if (p.kind == Part::Kind::positions) {
                Extents own;
                for (std::size_t i = 0; i < p.shape.size(); ++i)
                    own.push_back(p.shape[i] == 1 ? 0 : index[block_at + block.size() - p.shape.size() + i]);
                at = p.values[static_cast<std::size_t>(position(p.shape, own))];
            }
            in.push_back(at < 0 ? at + n : at);
        }
        out.elements.push_back(position(x, in));
    });
    return out;
}

class Cases {
public:
    explicit Cases(unsigned seed) : random_(seed) {}
    std::int64_t number(std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
    }
    std::vector<Part> parts(const Extents& x) {
        std::vector<Part> out;
        const Extents block = std::vector<Extents>{{}, {1}, {4}, {2, 3}, {0}}[static_cast<std::size_t>(number(0, 4))];
        for (const std::int64_t n : x) {
            const std::int64_t kind = number(0, 6);
            if (kind == 0) out.push_back({Part::Kind::new_axis});
            if (kind < 2 && n > 0) {
                out.push_back({Part::Kind::number, number(-n, n - 1)});
            } else if (kind < 5 && n > 0) {
                Part p{Part::Kind::positions};
                const auto skipped = static_cast<std::ptrdiff_t>(number(0, static_cast<std::int64_t>(block.size())));
                p.shape.assign(block.begin() + skipped, block.end());
                if (!p.shape.empty() && number(0, 3) == 0) p.shape[0] = 1;
                for (std::int64_t k = 0; k < count_of(p.shape); ++k) p.values.push_back(number(-n, n - 1));
                out.push_back(std::move(p));
            } else {
                out.push_back({Part::Kind::range, 0, {.step = kind == 5 ? -1 : kind == 6 ? 2 : 1}});
            }
        }
        return out;
    }
    Extents shape() {
        Extents out(static_cast<std::size_t>(number(1, 4)));
        for (std::int64_t& e : out) e = number(0, 9) == 0 ? 0 : number(1, 5);
        return out;
    }

private:
    std::mt19937 random_;
};

bool has_positions(const std::vector<Part>& parts) {
    return std::ranges::any_of(parts, [](const Part& p) { return p.kind == Part::Kind::positions; });
}

// Calls f with the list of indices, of which tensors are the given ones.
template <class F>
auto with_indices(const std::vector<Part>& parts, const std::vector<Tensor>& tensors, const F& f) {
    std::vector<Index> i;
    std::size_t next = 0;
    for (const Part& p : parts)
        i.push_back(p.index(p.kind == Part::Kind::positions ? tensors[next++] : Tensor::scalar(0)));
    switch (i.size()) {
        case 1:
            return f({i[0]});
        case 2:
            return f({i[0], i[1]});
        case 3:
            return f({i[0], i[1], i[2]});
        case 4:
            return f({i[0], i[1], i[2], i[3]});
        case 5:
            return f({i[0], i[1], i[2], i[3], i[4]});
        default:
            return f({i[0], i[1], i[2], i[3], i[4], i[5]});
    }
}
Tensor part_of(const Tensor& x, const std::vector<Part>& parts, const std::vector<Tensor>& tensors) {
    return with_indices(parts, tensors, [&](std::initializer_list<Index> i) { return x[i]; });
}
std::vector<Tensor> tensors_of(const std::vector<Part>& parts) {
    std::vector<Tensor> out;
    for (const Part& p : parts)
        if (p.kind == Part::Kind::positions) out.push_back(p.tensor());
    return out;
}

Tensor counted(const Extents& shape) { return reshape(convert(arange(count_of(shape)), Dtype::f64), shape); }

TEST(AdvancedIndexing, takes_what_loops_take) {
    Cases cases(1);
    int checked = 0;
    for (int i = 0; i < 400; ++i) {
        SCOPED_TRACE(i);
        const Extents shape = cases.shape();
        const std::vector<Part> parts = cases.parts(shape);
        if (parts.size() > 6 || !has_positions(parts)) continue;
        ++checked;
        const Reference wanted = reference(shape, parts);
        const Tensor y = part_of(counted(shape), parts, tensors_of(parts));
        EXPECT_EQ(y.shape(), wanted.shape);
        EXPECT_EQ(y.to_vector<std::int64_t>(), wanted.elements);
    }
    EXPECT_GT(checked, 150);
}

TEST(AdvancedIndexing, compiled_and_differentiated_and_in_batches) {
    Cases cases(2);
    for (int i = 0; i < 60; ++i) {
        SCOPED_TRACE(i);
        const Extents shape = cases.shape();
        const std::vector<Part> parts = cases.parts(shape);
        if (parts.size() > 6 || !has_positions(parts)) continue;
        const std::vector<Tensor> tensors = tensors_of(parts);
        const auto squares = [&](const Tensor& x) {
            const Tensor y = part_of(x, parts, tensors);
            return sum(y * y);
        };
        const auto f = jit([&](const Tensor& x) { return part_of(x, parts, tensors); });
        const auto g = jit([&](const Tensor& x) { return grad(squares)(x); });
        const auto h =
            jit([&](const Tensor& x) { return grad([&](const Tensor& t) { return sum(grad(squares)(t)); })(x); });
        Extents other = shape;
        for (std::int64_t& e : other) e += e > 1 ? 2 : 0;
        for (const Extents& s : {shape, other}) {
            const Reference wanted = reference(s, parts);
            EXPECT_EQ(f(counted(s)).to_vector<std::int64_t>(), wanted.elements);
            std::vector<double> slopes(static_cast<std::size_t>(count_of(s))), curvatures = slopes;
            for (std::int64_t e : wanted.elements) {
                slopes[static_cast<std::size_t>(e)] += 2 * static_cast<double>(e);
                curvatures[static_cast<std::size_t>(e)] += 2;
            }
            EXPECT_EQ(g(counted(s)).to_vector<double>(), slopes);
            EXPECT_EQ(h(counted(s)).to_vector<double>(), curvatures);
        }
        const Tensor batch = vmap([&](const Tensor& x) { return part_of(x, parts, tensors); })(
            stack({counted(shape) * 0.0, counted(shape)}));
        EXPECT_EQ(batch[{1}].to_vector<std::int64_t>(), reference(shape, parts).elements);
    }
}

// ---- updates

double met(Update how, double x, double y) {
    switch (how) {
        case Update::set:
            return y;
        case Update::add:
            return x + y;
        case Update::multiply:
            return x * y;
        case Update::min:
            return std::min(x, y);
        default:
            return std::max(x, y);
    }
}

TEST(Updates, do_what_loops_do) {
    Cases cases(3);
    for (int i = 0; i < 300; ++i) {
        SCOPED_TRACE(i);
        const Extents shape = cases.shape();
        const std::vector<Part> parts = cases.parts(shape);
        if (parts.empty() || parts.size() > 6) continue;
        const Reference where = reference(shape, parts);
        const auto how = static_cast<Update>(cases.number(0, 4));
        const Tensor x = counted(shape) * 0.5, y = reshape(arange(0, count_of(where.shape)), where.shape) % 7 - 2;
        const Tensor updates = convert(y, Dtype::f64);
        std::vector<double> wanted = x.to_vector<double>();
        const std::vector<double> values = updates.to_vector<double>();
        for (std::size_t k = 0; k < values.size(); ++k) {
            double& element = wanted[static_cast<std::size_t>(where.elements[k])];
            element = met(how, element, values[k]);
        }
        const std::vector<Tensor> tensors = tensors_of(parts);
        const auto update = [&](const Tensor& a, const Tensor& b) {
            return with_indices(parts, tensors, [&](std::initializer_list<Index> l) { return a.at(l).update(how, b); });
        };
        EXPECT_EQ(update(x, updates).to_vector<double>(), wanted);
        if (i % 5 != 0) continue;
        EXPECT_EQ(jit(update)(x, updates).to_vector<double>(), wanted);
        const Tensor batch = vmap(update)(stack({x * 0.0, x}), stack({updates, updates}));
        EXPECT_EQ(batch[{1}].to_vector<double>(), wanted);
    }
}

TEST(Updates, broadcast_and_take_numbers) {
    const Tensor x = arange(6).reshape({2, 3});
    EXPECT_EQ(x.at({0}).set(9).to_vector<int>(), (std::vector{9, 9, 9, 3, 4, 5}));
    EXPECT_EQ(
        (x.at({ellipsis, Range{.step = -2}}).add(Tensor::from({std::int64_t{10}, std::int64_t{20}}))).to_vector<int>(),
        (std::vector{20, 1, 12, 23, 4, 15}));
    const Tensor twice = Tensor::from({1, 1});
    EXPECT_EQ(x.at({twice}).multiply(2).to_vector<int>(), (std::vector{0, 1, 2, 12, 16, 20}));
    EXPECT_EQ(x.at({x > 3}).set(-1).to_vector<int>(), (std::vector{0, 1, 2, 3, -1, -1}));
    EXPECT_EQ(x.at({new_axis, 1}).min(3).to_vector<int>(), (std::vector{0, 1, 2, 3, 3, 3}));
    EXPECT_EQ(x.at({}).max(3).to_vector<int>(), (std::vector{3, 3, 3, 3, 4, 5}));
    EXPECT_EQ(x.to_vector<int>(), (std::vector{0, 1, 2, 3, 4, 5}));
    const Tensor yes = Tensor::from({true, false});
    EXPECT_EQ(yes.at({1}).set(true).to_vector<bool>(), (std::vector{true, true}));
}

// The derivative of each update, against what the element at its place does.
TEST(Updates, have_derivatives) {
    const Tensor x = Tensor::from({1.0, 2.0, 3.0, 4.0}), y = Tensor::from({5.0, 0.5, 7.0, 3.0});
    const Tensor places = Tensor::from({2, 0, 2, 3}), weights = Tensor::from({1.0, 10.0, 100.0, 1000.0});
    const auto slopes = [&](Update how) {
        const auto f = [&, how](const Tensor& a, const Tensor& b) {
            return sum(a.at({places}).update(how, b) * weights);
        };
        std::vector<std::vector<double>> out;
        out.push_back(grad([&](const Tensor& a) { return f(a, y); })(x).to_vector<double>());
        out.push_back(grad([&](const Tensor& b) { return f(x, b); })(y).to_vector<double>());
        return out;
    };
    using Slopes = std::vector<std::vector<double>>;
    EXPECT_EQ(slopes(Update::set), (Slopes{{0, 10, 0, 0}, {0, 1, 100, 1000}}));
    EXPECT_EQ(slopes(Update::add), (Slopes{{1, 10, 100, 1000}, {100, 1, 100, 1000}}));
    EXPECT_EQ(slopes(Update::multiply), (Slopes{{0.5, 10, 3500, 3000}, {2100, 1, 1500, 4000}}));
    EXPECT_EQ(slopes(Update::max), (Slopes{{1, 10, 0, 1000}, {0, 0, 100, 0}}));
    EXPECT_EQ(slopes(Update::min), (Slopes{{0, 10, 100, 0}, {0, 1, 0, 1000}}));

    // Zeros among the factors of one element, and the greatest more than once.
    const Tensor all = Tensor::from({0, 0, 0});
    const auto product = [&](const Tensor& b) { return sum(Tensor::from({2.0}).at({all}).multiply(b)); };
    EXPECT_EQ(grad(product)(Tensor::from({3.0, 0.0, 5.0})).to_vector<double>(), (std::vector{0.0, 30.0, 0.0}));
    EXPECT_EQ(grad(product)(Tensor::from({0.0, 0.0, 5.0})).to_vector<double>(), (std::vector{0.0, 0.0, 0.0}));
    const auto greatest = [&](const Tensor& b) { return sum(Tensor::from({2.0}).at({all}).max(b)); };
    EXPECT_EQ(grad(greatest)(Tensor::from({2.0, 1.0, 2.0})).to_vector<double>(), (std::vector{1.0 / 3, 0.0, 1.0 / 3}));
}

// ---- functions

TEST(AdvancedIndexing, masks) {
    const Tensor x = arange(6).reshape({2, 3}), rows = Tensor::from({false, true});
    EXPECT_EQ(x[{x % 2 == 0}].to_vector<int>(), (std::vector{0, 2, 4}));
    EXPECT_EQ((x[{rows, 1}]).to_vector<int>(), std::vector{4});
    EXPECT_EQ((x[{rows}]).shape(), (Extents{1, 3}));
    EXPECT_EQ((x[{x > 9}]).shape(), Extents{0});
    EXPECT_EQ((x[{ellipsis, Tensor::from({true, false, true})}]).to_vector<int>(), (std::vector{0, 2, 3, 5}));
    EXPECT_EQ(masked_select(x, Tensor::from({true, false, true})).to_vector<int>(), (std::vector{0, 2, 3, 5}));
    EXPECT_EQ(masked_select(Tensor::scalar(3), Tensor::from({true, false, true})).to_vector<int>(),
              (std::vector{3, 3}));
    EXPECT_EQ(masked_select(Tensor::scalar(3), Tensor::scalar(true)).to_vector<int>(), std::vector{3});
    EXPECT_EQ(masked_fill(x, rows.reshape({2, 1}), 7).to_vector<int>(), (std::vector{0, 1, 2, 7, 7, 7}));
    const auto slope = grad([&](const Tensor& t) { return sum(t[{Tensor::from({true, false, true})}] * 3.0); });
    EXPECT_EQ(slope(ones({3})).to_vector<float>(), (std::vector{3.0F, 0.0F, 3.0F}));
}

TEST(AdvancedIndexing, functions_of_one_axis) {
    const Tensor x = arange(12).reshape({3, 4}), places = Tensor::from({2, -1, 0});
    EXPECT_EQ(take(x, Tensor::from({-1, 0}), 0).to_vector<int>(), (std::vector{8, 9, 10, 11, 0, 1, 2, 3}));
    EXPECT_EQ(take(x, Tensor::from({-1, 5}, {2, 1})).to_vector<int>(), (std::vector{11, 5}));
    EXPECT_EQ(index_select(x, Tensor::from({3, 3}), -1).to_vector<int>(), (std::vector{3, 3, 7, 7, 11, 11}));
    EXPECT_EQ(index_add(x, Tensor::from({0, 0}), x[{Range{0, 2}}], 0)[{0}].to_vector<int>(),
              (std::vector{4, 7, 10, 13}));
    EXPECT_EQ(index_copy(x, Tensor::from({2, 2}), x[{Range{0, 2}}], 0)[{2}].to_vector<int>(),
              (std::vector{4, 5, 6, 7}));
    EXPECT_EQ(index_fill(x, Tensor::from({0, 3}), -1, 1)[{0}].to_vector<int>(), (std::vector{-1, 1, 2, -1}));
    EXPECT_EQ(take_along_axis(x, places.reshape({3, 1}), 1).to_vector<int>(), (std::vector{2, 7, 8}));
    EXPECT_EQ(take_along_axis(x, places.reshape({1, 3}), 1)[{0}].to_vector<int>(), (std::vector{2, 3, 0}));
    EXPECT_EQ(take_along_axis(x, argsort(x, 0, {.descending = true}), 0)[{0}].to_vector<int>(),
              (std::vector{8, 9, 10, 11}));
    EXPECT_EQ(put_along_axis(x, places.reshape({3, 1}), -5, 1).to_vector<int>(),
              (std::vector{0, 1, -5, 3, 4, 5, 6, -5, -5, 9, 10, 11}));
    const Tensor same = Tensor::from({1, 1}, {1, 2});
    EXPECT_EQ(
        put_along_axis(x, same, Tensor::from({std::int64_t{3}, std::int64_t{4}}), 1, Update::add)[{1}].to_vector<int>(),
        (std::vector{4, 12, 6, 7}));
    EXPECT_EQ(put_along_axis(x, same, 2, 1, Update::multiply)[{0}].to_vector<int>(), (std::vector{0, 4, 2, 3}));
    EXPECT_EQ(put_along_axis(x, same, 2, 1, Update::min)[{2}].to_vector<int>(), (std::vector{8, 2, 10, 11}));
    EXPECT_EQ(put_along_axis(x, same, 2, 1, Update::max)[{0}].to_vector<int>(), (std::vector{0, 2, 2, 3}));
}

TEST(AdvancedIndexing, lines_of_any_extents_compile_once) {
    const auto f = jit([](const Tensor& x, const Tensor& i, const Tensor& y) {
        return std::pair(take_along_axis(x, i, 0), put_along_axis(x, i, y, 0, Update::add));
    });
    std::mt19937 random(4);
    for (const Extents& s : std::vector<Extents>{{3, 4, 2}, {5, 2, 7}, {40, 33, 6}}) {
        const std::int64_t rows = s[0], columns = s[1], picks = s[2];
        std::vector<std::int32_t> at;
        for (std::int64_t k = 0; k < picks * columns; ++k)
            at.push_back(static_cast<std::int32_t>(
                static_cast<std::int64_t>(random() % static_cast<unsigned>(2 * rows)) - rows));
        const Tensor x = counted({rows, columns}), y = counted({picks, columns});
        const auto [taken, added] = f(x, Tensor::from(at, {picks, columns}), y);
        std::vector<double> wanted, total = x.to_vector<double>();
        for (std::int64_t k = 0; k < picks; ++k)
            for (std::int64_t c = 0; c < columns; ++c) {
                const std::int64_t i = at[static_cast<std::size_t>(k * columns + c)];
                const auto from = static_cast<std::size_t>((i < 0 ? i + rows : i) * columns + c);
                wanted.push_back(static_cast<double>(from));
                total[from] += static_cast<double>(k * columns + c);
            }
        EXPECT_EQ(taken.to_vector<double>(), wanted);
        EXPECT_EQ(added.to_vector<double>(), total);
    }
    EXPECT_EQ(f.statistics().traces, 1);
}

TEST(DynamicSlice, clamps_its_starts) {
    const Tensor x = arange(20).reshape({4, 5});
    const auto f = jit([](const Tensor& t, const Tensor& row, const Tensor& column) {
        return dynamic_slice(t, {row, column}, {2, 3});
    });
    const auto g = jit([](const Tensor& t, const Tensor& block, const Tensor& starts) {
        return dynamic_update_slice(t, block, starts);
    });
    for (const std::int32_t row : {-9, -4, -1, 0, 1, 2, 3, 100})
        for (const std::int32_t column : {-6, -5, -1, 0, 2, 4}) {
            const auto from = [](std::int64_t start, std::int64_t n, std::int64_t size) {
                return std::clamp<std::int64_t>(start < 0 ? start + n : start, 0, n - size);
            };
            const std::int64_t r = from(row, 4, 2), c = from(column, 5, 3);
            std::vector<int> wanted, updated = x.to_vector<int>();
            for (std::int64_t i = r; i < r + 2; ++i)
                for (std::int64_t j = c; j < c + 3; ++j) {
                    wanted.push_back(static_cast<int>(i * 5 + j));
                    updated[static_cast<std::size_t>(i * 5 + j)] = -1;
                }
            const Tensor block = full({2, 3}, -1, Dtype::i64), starts = Tensor::from({row, column});
            EXPECT_EQ(f(x, Tensor::scalar(row), Tensor::scalar(column)).to_vector<int>(), wanted);
            EXPECT_EQ(dynamic_slice(x, starts, {2, 3}).to_vector<int>(), wanted);
            EXPECT_EQ(g(x, block, starts).to_vector<int>(), updated);
            EXPECT_EQ(dynamic_update_slice(x, block, {Tensor::scalar(row), Tensor::scalar(column)}).to_vector<int>(),
                      updated);
        }
    EXPECT_EQ(dynamic_slice(x, Tensor::from({~std::uint64_t{0}, std::uint64_t{1}}), {1, 1}).item<int>(), 16);
    EXPECT_EQ(dynamic_slice(Tensor::scalar(3), Tensor::from(std::vector<int>(), {0}), {}).item<int>(), 3);
    // One start for each of a batch.
    const Tensor lines = vmap([](const Tensor& t, const Tensor& s) { return dynamic_slice(t, {s}, {2}); })(
        x, Tensor::from({0, 1, 2, 9}));
    EXPECT_EQ(lines.to_vector<int>(), (std::vector{0, 1, 6, 7, 12, 13, 18, 19}));
    const Tensor slope = grad([](const Tensor& t) {
        const Tensor part = dynamic_slice(t, Tensor::from({1, 3}), {2, 2});
        return sum(part * part);
    })(convert(x, Dtype::f64));
    EXPECT_EQ(slope[{1}].to_vector<double>(), (std::vector{0.0, 0.0, 0.0, 16.0, 18.0}));
}

TEST(Embedding, leaves_the_padding_alone) {
    const Tensor weights = convert(arange(8).reshape({4, 2}), Dtype::f32), tokens = Tensor::from({3, 1, 1, 0}, {2, 2});
    EXPECT_EQ(embedding(tokens, weights).shape(), (Extents{2, 2, 2}));
    EXPECT_EQ(embedding(tokens, weights)[{0}].to_vector<int>(), (std::vector{6, 7, 2, 3}));
    for (const std::int64_t padding : {1, -3}) {
        const auto slope = grad([&](const Tensor& w) { return sum(embedding(tokens, w, {.padding_idx = padding})); });
        EXPECT_EQ(slope(weights).to_vector<int>(), (std::vector{1, 1, 0, 0, 0, 0, 1, 1}));
    }
}

template <class E, class F>
void expect_message(const F& f, const std::string& message, Where where = Where::current()) {
    try {
        f();
        ADD_FAILURE() << "nothing was thrown, for " << message;
    } catch (const E& e) {
        EXPECT_EQ(e.what(), std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " + message);
    }
}

TEST(AdvancedIndexing, says_what_is_wrong) {
    const Tensor x = ones({2, 3}), far = Tensor::from({0, 1, -3}), yes = Tensor::from({true, false});
    expect_message<IndexError>([&] { (x[{far}]).eval(); }, "gather: index -3 at position 2 is out of range for 2");
    expect_message<IndexError>([&] { (x[{Tensor::from({1, 2, 0}), far}]).eval(); },
                               "index: index 2 at position 1 is out of range for 2");
    expect_message<IndexError>([&] { x.at({far}).set(0).eval(); },
                               "scatter_set: index -3 at position 2 is out of range for 2");
    expect_message<IndexError>([&] { take_along_axis(x, far.reshape({1, 3}), 0).eval(); },
                               "take_along_axis: index -3 at position 2 is out of range for 2");
    expect_message<TypeError>([&] { x[{x}]; },
                              "index: an index of f32[2, 3] is neither integers nor a mask (f32[2, 3])");
    expect_message<TypeError>([&] { x[{Tensor::scalar(true)}]; }, "index: a mask without dimensions (f32[2, 3])");
    expect_message<TypeError>([&] { x[{0, yes}]; },
                              "index: the mask bool[2] does not have the extents of what it chooses from (f32[2, 3])");
    expect_message<TypeError>([&] { x[{far, Tensor::from({0, 1})}]; },
                              "index: the shapes do not broadcast: 3 is not 2 along axis -1 (f32[2, 3])");
    expect_message<TypeError>([&] { x.at({0}).set(ones({2})); },
                              "at: the shape does not broadcast: 2 is not 3 along axis 0 (f32[2, 3] and f32[2])");
    expect_message<TypeError>([&] { x.at({0}).set(arange(3)); },
                              "at: the dtypes differ; convert() makes them the same (f32[2, 3] and i64[3])");
    expect_message<TypeError>([&] { arange(3).at({0}).add(0.5); }, "at: the number 0.5 is not one of i64");
    expect_message<TypeError>([&] { take(x, x, 0); },
                              "take: an index is f32, not one of i64 i32 i16 i8 u64 u32 u16 u8; convert() makes it one "
                              "(f32[2, 3] and f32[2, 3])");
    expect_message<TypeError>([&] { put_along_axis(x, far, 1, 0); },
                              "put_along_axis: the indices have rank 1, not 2 (f32[2, 3] and i32[3])");
    expect_message<TypeError>([&] { dynamic_slice(x, far, {1, 1}); },
                              "dynamic_slice: wants one start for each of 2 dimensions (f32[2, 3] and i32[3])");
    const std::string why1 =
        "dynamic_slice: the block is larger than its operand: 4 exceeds 3 along axis 1 (f32[2, 3])";
    expect_message<TypeError>([&] { dynamic_slice(x, {far[{0}], far[{0}]}, {1, 4}); }, why1);
    expect_message<TypeError>([&] { embedding(far, x, {.padding_idx = 2}); },
                              "embedding: padding_idx is 2, out of range for 2 rows (i32[3] and f32[2, 3])");
    const auto f = jit([](const Tensor& t) { return t[{t > 0.0}]; });
    try {
        f(x);
        ADD_FAILURE();
    } catch (const UserError& e) {
        EXPECT_NE(std::string(e.what()).find("index: how many elements a mask chooses is not known while its function "
                                             "is being traced; where() and nonzero_bounded() do without (f32["),
                  std::string::npos)
            << e.what();
    }
}

}  // namespace
}  // namespace lathe
