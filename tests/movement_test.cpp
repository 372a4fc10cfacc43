// Functions that move elements, against loops over every index: lazily, compiled for any extents, differentiated twice,
// and for each of a batch.
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/functions/functions.h"
#include "frontend/trace/grad.h"
#include "frontend/trace/jit.h"
#include "frontend/trace/vmap.h"

namespace lathe {
namespace {

using Extents = std::vector<std::int64_t>;

std::int64_t count_of(const Extents& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}
std::int64_t position(const Extents& shape, const Extents& index) {
    std::int64_t at = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) at = at * shape[i] + index[i];
    return at;
}

// For each element of a result the row-major position in x that it has, or -1 where it is 0.
struct Moved {
    Extents shape;
    std::vector<std::int64_t> from;
};
Moved moved(const Extents& x, const Extents& shape, const std::function<std::int64_t(const Extents&)>& from) {
    Moved out{shape, {}};
    Extents index(shape.size(), 0);
    for (std::int64_t k = 0; k < count_of(shape); ++k) {
        out.from.push_back(from(index));
        for (std::size_t i = shape.size(); i-- > 0 && ++index[i] == shape[i];) index[i] = 0;
    }
    for (std::int64_t p : out.from) EXPECT_LT(p, count_of(x));
    return out;
}

struct Function {
    std::function<Tensor(const Tensor&)> f;
    std::function<Moved(const Extents&)> expected;
};

// 1, 2, ...
Tensor counted(const Extents& shape) { return reshape(convert(arange(count_of(shape)), Dtype::f64), shape) + 1.0; }

std::vector<double> values_of(const Moved& m) {
    std::vector<double> values;
    for (std::int64_t p : m.from) values.push_back(static_cast<double>(p + 1));
    return values;
}
// How often each element of x is in the result.
std::vector<double> uses(const Moved& m, const Extents& x) {
    std::vector<double> times(static_cast<std::size_t>(count_of(x)));
    for (std::int64_t p : m.from)
        if (p >= 0) ++times[static_cast<std::size_t>(p)];
    return times;
}

// The shapes are of one rank and have the same places of extents of 0 and 1.
void expect(const Function& function, const std::vector<Extents>& shapes) {
    const auto compiled = jit(function.f);
    const auto squares = [&](const Tensor& x) {
        const Tensor y = function.f(x);
        return sum(y * y);
    };
    const auto first = jit([&](const Tensor& x) { return grad(squares)(x); });
    const auto second =
        jit([&](const Tensor& x) { return grad([&](const Tensor& t) { return sum(grad(squares)(t)); })(x); });
    for (const Extents& shape : shapes) {
        const Tensor x = counted(shape);
        const Moved wanted = function.expected(shape);
        SCOPED_TRACE(x.type().to_string());
        for (const Tensor& y : {function.f(x), compiled(x)}) {
            EXPECT_EQ(y.shape(), wanted.shape);
            EXPECT_EQ(y.to_vector<double>(), values_of(wanted));
        }
        std::vector<double> slopes = uses(wanted, shape), curvatures = slopes;
        for (std::size_t i = 0; i < slopes.size(); ++i) {
            slopes[i] *= 2 * static_cast<double>(i + 1);
            curvatures[i] *= 2;
        }
        EXPECT_EQ(first(x).to_vector<double>(), slopes);
        EXPECT_EQ(second(x).to_vector<double>(), curvatures);
        if (shape.size() > 6 || wanted.shape.size() > 6) continue;
        const Tensor pair[] = {x, x * 0.0 - 1.0};
        const Tensor batch = vmap(function.f)(stack(pair));
        EXPECT_EQ(batch[{0}].to_vector<double>(), values_of(wanted));
    }
    EXPECT_EQ(compiled.statistics().traces, 1) << "other extents do not trace anew";
}

const std::vector<Extents> vectors = {{5}, {2}, {17}}, matrices = {{3, 4}, {2, 7}, {9, 2}},
                           cubes = {{2, 3, 4}, {3, 2, 5}, {4, 2, 3}};

// The same shape, with the index changed.
Function reordered(std::function<Tensor(const Tensor&)> f,
                   std::function<Extents(Extents index, const Extents& shape)> rule) {
    return {std::move(f), [rule = std::move(rule)](const Extents& shape) {
                return moved(shape, shape, [&](const Extents& i) { return position(shape, rule(i, shape)); });
            }};
}
// The same order, in another shape.
Function reshaped(std::function<Tensor(const Tensor&)> f, std::function<Extents(const Extents&)> to) {
    return {std::move(f), [to = std::move(to)](const Extents& shape) {
                const Extents out = to(shape);
                return moved(shape, out, [&](const Extents& i) { return position(out, i); });
            }};
}
// The axes in another order.
Function permuted(std::function<Tensor(const Tensor&)> f, std::vector<std::size_t> order) {
    return {std::move(f), [order = std::move(order)](const Extents& shape) {
                Extents out;
                for (std::size_t axis : order) out.push_back(shape[axis]);
                return moved(shape, out, [&](const Extents& i) {
                    Extents in(shape.size());
                    for (std::size_t k = 0; k < order.size(); ++k) in[order[k]] = i[k];
                    return position(shape, in);
                });
            }};
}

TEST(Movement, changes_shapes) {
    const auto join = [](std::size_t first, std::size_t last) {
        return [=](Extents s) {
            for (std::size_t i = last; i > first; --i) {
                s[i - 1] *= s[i];
                s.erase(s.begin() + static_cast<std::ptrdiff_t>(i));
            }
            return s;
        };
    };
    expect(reshaped([](const Tensor& x) { return flatten(x); }, join(0, 2)), cubes);
    expect(reshaped([](const Tensor& x) { return flatten(x, 1); }, join(1, 2)), cubes);
    expect(reshaped([](const Tensor& x) { return flatten(x, 0, -2); }, join(0, 1)), cubes);
    EXPECT_EQ(flatten(ones({})).shape(), (Extents{1}));
    EXPECT_EQ(flatten(ones({2, 0, 3}), 1).shape(), (Extents{2, 0}));
    expect(reshaped([](const Tensor& x) { return unflatten(x, 1, {2, -1}); },
                    [](const Extents& s) { return Extents{s[0], 2, s[1] / 2}; }),
           {{3, 4}, {2, 8}});
    expect(reshaped([](const Tensor& x) { return unsqueeze(x, 0); },
                    [](Extents s) {
                        s.insert(s.begin(), 1);
                        return s;
                    }),
           matrices);
    expect(reshaped([](const Tensor& x) { return unsqueeze(x, {-1, 1}); },
                    [](const Extents& s) { return Extents{s[0], 1, s[1], 1}; }),
           matrices);
    const std::vector<Extents> narrow = {{1, 3, 1, 2}, {1, 2, 1, 5}};
    expect(reshaped([](const Tensor& x) { return squeeze(x); }, [](const Extents& s) { return Extents{s[1], s[3]}; }),
           narrow);
    expect(reshaped([](const Tensor& x) { return squeeze(x, -2); },
                    [](const Extents& s) { return Extents{1, s[1], s[3]}; }),
           narrow);
    EXPECT_EQ(squeeze(ones({1, 1})).shape(), Extents{});
    EXPECT_EQ(squeeze(ones({0, 1})).shape(), Extents{0});
}

TEST(Movement, stretches) {
    const Function row{[](const Tensor& x) { return expand(x, {3, -1, 4, -1}); },
                       [](const Extents& s) {
                           return moved(s, {3, s[0], 4, s[2]},
                                        [&](const Extents& i) { return position(s, {i[1], 0, i[3]}); });
                       }};
    expect(row, {{2, 1, 3}, {3, 1, 5}});
    expect({[](const Tensor& x) { return tile(x, {2, 3}); },
            [](const Extents& s) {
                return moved(s, {2 * s[0], 3 * s[1]},
                             [&](const Extents& i) { return position(s, {i[0] % s[0], i[1] % s[1]}); });
            }},
           matrices);
    expect({[](const Tensor& x) { return tile(x, {2, 1, 3}); },
            [](const Extents& s) {
                return moved(s, {2, s[0], 3 * s[1]},
                             [&](const Extents& i) { return position(s, {i[1], i[2] % s[1]}); });
            }},
           matrices);
    expect({[](const Tensor& x) { return tile(x, {2}); },
            [](const Extents& s) {
                return moved(s, {s[0], 2 * s[1]}, [&](const Extents& i) { return position(s, {i[0], i[1] % s[1]}); });
            }},
           matrices);
    EXPECT_EQ(tile(ones({2}), {0}).shape(), Extents{0});
    for (const std::size_t axis : {0, 1, 2})
        expect({[=](const Tensor& x) { return repeat_interleave(x, 3, static_cast<std::int64_t>(axis)); },
                [=](const Extents& s) {
                    Extents out = s;
                    out[axis] *= 3;
                    return moved(s, out, [&](Extents i) {
                        i[axis] /= 3;
                        return position(s, i);
                    });
                }},
               cubes);
    const Tensor x = arange(6).reshape({3, 2}), times = Tensor::from({2, 0, 3});
    EXPECT_EQ(repeat_interleave(x, times, 0).to_vector<int>(), (std::vector{0, 1, 0, 1, 4, 5, 4, 5, 4, 5}));
    EXPECT_EQ(repeat_interleave(x, 0, 1).shape(), (Extents{3, 0}));
}

TEST(Movement, changes_the_order_of_axes) {
    expect(permuted([](const Tensor& x) { return permute(x, {2, 0, -2}); }, {2, 0, 1}), cubes);
    expect(permuted([](const Tensor& x) { return movedim(x, 0, -1); }, {1, 2, 0}), cubes);
    expect(permuted([](const Tensor& x) { return movedim(x, {2, 0}, {0, 1}); }, {2, 0, 1}), cubes);
    expect(permuted([](const Tensor& x) { return movedim(x, {0, 1}, {1, 2}); }, {2, 0, 1}), cubes);
    expect(permuted([](const Tensor& x) { return swapaxes(x, 0, -1); }, {2, 1, 0}), cubes);
}

TEST(Movement, changes_the_order_of_elements) {
    const auto turned = [](std::vector<std::size_t> axes) {
        return [axes = std::move(axes)](Extents i, const Extents& s) {
            for (std::size_t a : axes) i[a] = s[a] - 1 - i[a];
            return i;
        };
    };
    expect(reordered([](const Tensor& x) { return flip(x); }, turned({0, 1, 2})), cubes);
    expect(reordered([](const Tensor& x) { return flip(x, -1); }, turned({2})), cubes);
    expect(reordered([](const Tensor& x) { return flip(x, {0, 1}); }, turned({0, 1})), cubes);
    EXPECT_EQ(flip(ones({0, 2})).shape(), (Extents{0, 2}));
    EXPECT_EQ(flip(Tensor::scalar(3.0)).item<double>(), 3.0);
    for (const std::int64_t shift : {0, 1, -1, 3, -7, 100})
        for (const std::size_t axis : {0, 1}) {
            const auto rolled = [=](Extents i, const Extents& s) {
                i[axis] = ((i[axis] - shift) % s[axis] + s[axis]) % s[axis];
                return i;
            };
            expect(reordered([=](const Tensor& x) { return roll(x, shift, static_cast<std::int64_t>(axis)); }, rolled),
                   matrices);
        }
    expect({[](const Tensor& x) { return roll(x, 2); },
            [](const Extents& s) {
                const std::int64_t n = count_of(s);
                return moved(s, s, [&](const Extents& i) { return ((position(s, i) - 2) % n + n) % n; });
            }},
           matrices);
    EXPECT_EQ(roll(ones({0}), 1).shape(), Extents{0});
    EXPECT_EQ(roll(Tensor::from({1}), 5).item<int>(), 1);
    for (const std::int64_t turns : {-1, 0, 1, 2, 3, 6})
        expect({[=](const Tensor& x) { return rot90(x, turns, {0, 2}); },
                [=](const Extents& s) {
                    const std::int64_t k = (turns % 4 + 4) % 4;
                    const Extents out = k % 2 == 0 ? s : Extents{s[2], s[1], s[0]};
                    return moved(s, out, [&](const Extents& i) {
                        const Extents in = k == 0   ? i
                                           : k == 1 ? Extents{i[2], i[1], s[2] - 1 - i[0]}
                                           : k == 2 ? Extents{s[0] - 1 - i[0], i[1], s[2] - 1 - i[2]}
                                                    : Extents{s[0] - 1 - i[2], i[1], i[0]};
                        return position(s, in);
                    });
                }},
               cubes);
}

TEST(Movement, reads_with_any_strides) {
    struct Case {
        Extents shape, strides;
        std::int64_t offset;
    };
    const std::vector<Case> cases{{{2, 3}, {-1, 2}, 1}, {{4, 3}, {1, 1}, 0},  {{3, 2}, {0, -5}, 5},
                                  {{}, {}, 4},          {{1, 6}, {-9, 1}, 0}, {{2, 0}, {-7, 3}, 2}};
    for (const Case& c : cases) {
        const auto as_shape = [](const Extents& list) { return Shape(std::vector<Dim>(list.begin(), list.end())); };
        expect({[=](const Tensor& x) { return as_strided(x, as_shape(c.shape), as_shape(c.strides), c.offset); },
                [=](const Extents& s) {
                    return moved(s, c.shape, [&](const Extents& i) {
                        std::int64_t at = c.offset;
                        for (std::size_t a = 0; a < i.size(); ++a) at += i[a] * c.strides[a];
                        return at;
                    });
                }},
               {{2, 3}, {3, 4}, {5, 2}});
    }
}

TEST(Movement, pads_with_its_own_elements) {
    const auto outside = [](PadMode mode, std::int64_t i, std::int64_t n) {
        switch (mode) {
            case PadMode::reflect:
                return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
            case PadMode::replicate:
                return std::min(std::max<std::int64_t>(i, 0), n - 1);
            default:
                return (i + n) % n;
        }
    };
    for (const PadMode mode : {PadMode::reflect, PadMode::replicate, PadMode::circular}) {
        expect({[=](const Tensor& x) { return pad(x, {2, 0}, {1, 1}, mode); },
                [=](const Extents& s) {
                    return moved(s, {s[0] + 3, s[1] + 1}, [&](const Extents& i) {
                        return position(s, {outside(mode, i[0] - 2, s[0]), outside(mode, i[1], s[1])});
                    });
                }},
               {{3, 4}, {5, 2}, {9, 20}});
        EXPECT_EQ(pad(ones({2, 0}), {1, 0}, {0, 0}, mode).shape(), (Extents{3, 0}));
    }
    EXPECT_EQ(pad(Tensor::from({7}), {2}, {3}, PadMode::replicate).to_vector<int>(), std::vector<int>(6, 7));
}

TEST(Movement, joins_and_takes_apart) {
    expect({[](const Tensor& x) { return stack({x, x * 0.0, x}, 1); },
            [](const Extents& s) {
                return moved(s, {s[0], 3, s[1]},
                             [&](const Extents& i) { return i[1] == 1 ? -1 : position(s, {i[0], i[2]}); });
            }},
           matrices);
    // Parts in the reverse order.
    expect({[](const Tensor& x) {
                std::vector<Tensor> parts = split(x, {1, x.dim(0) - 1});
                std::ranges::reverse(parts);
                return concat(parts, 0);
            },
            [](const Extents& s) {
                return moved(s, s, [&](const Extents& i) { return position(s, {(i[0] + 1) % s[0], i[1]}); });
            }},
           matrices);
    const Tensor x = arange(10);
    std::vector<Extents> shapes;
    for (const Tensor& part : chunk(x, 4)) shapes.push_back(part.shape());
    EXPECT_EQ(shapes, (std::vector<Extents>{{3}, {3}, {3}, {1}}));
    EXPECT_EQ(chunk(arange(5), 4).size(), 3U);  // as PyTorch
    const auto chunks = jit([](const Tensor& t) {
        std::vector<Tensor> parts = chunk(t, 4);
        parts.push_back(parts[1]);
        return concat(parts, 0);
    });
    EXPECT_EQ(chunks(x).to_vector<int>(), (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 4, 5}));
    EXPECT_EQ(chunks(arange(5)).to_vector<int>(), (std::vector{0, 1, 2, 3, 4, 2, 3}));
    EXPECT_EQ(chunks.statistics().traces, 1);

    const std::vector<Tensor> columns = unbind(arange(6).reshape({2, 3}), -1);
    ASSERT_EQ(columns.size(), 3U);
    EXPECT_EQ(columns[1].to_vector<int>(), (std::vector{1, 4}));
    EXPECT_TRUE(unbind(ones({0, 2})).empty());
    const Tensor a = Tensor::from({1, 2}), b = Tensor::from({3, 4});
    EXPECT_EQ(hstack({a, b}).to_vector<int>(), (std::vector{1, 2, 3, 4}));
    EXPECT_EQ(vstack({a, b}).shape(), (Extents{2, 2}));
    EXPECT_EQ(hstack({vstack({a, b}), ones({2, 1}, Dtype::i32)}).to_vector<int>(), (std::vector{1, 2, 1, 3, 4, 1}));
    EXPECT_EQ(hstack({Tensor::scalar(1), Tensor::scalar(2)}).to_vector<int>(), (std::vector{1, 2}));

    const std::vector<Tensor> ij = meshgrid({a, Tensor::from({5, 6, 7})});
    EXPECT_EQ(ij[0].to_vector<int>(), (std::vector{1, 1, 1, 2, 2, 2}));
    EXPECT_EQ(ij[1].to_vector<int>(), (std::vector{5, 6, 7, 5, 6, 7}));
    const std::vector<Tensor> xy = meshgrid({a, Tensor::from({5, 6, 7})}, MeshIndexing::xy);
    EXPECT_EQ(xy[0].shape(), (Extents{3, 2}));
    EXPECT_EQ(xy[0].to_vector<int>(), (std::vector{1, 2, 1, 2, 1, 2}));
    EXPECT_EQ(xy[1].to_vector<int>(), (std::vector{5, 5, 6, 6, 7, 7}));
    expect({[](const Tensor& v) { return narrow(v, 1, 1, v.dim(1) - 1); },
            [](const Extents& s) {
                return moved(s, {s[0], s[1] - 1}, [&](const Extents& i) { return position(s, {i[0], i[1] + 1}); });
            }},
           matrices);
}

TEST(Movement, diagonals_and_triangles) {
    for (const std::int64_t offset : {0, 1, -1, 2, -3, 50, -50}) {
        SCOPED_TRACE(offset);
        const std::int64_t above = std::max<std::int64_t>(-offset, 0), left = std::max<std::int64_t>(offset, 0);
        const auto length = [=](std::int64_t rows, std::int64_t columns) {
            return std::max<std::int64_t>(0, std::min(rows - above, columns - left));
        };
        expect({[=](const Tensor& x) { return diagonal(x, offset); },
                [=](const Extents& s) {
                    return moved(s, {length(s[0], s[1])},
                                 [&](const Extents& i) { return position(s, {i[0] + above, i[0] + left}); });
                }},
               matrices);
        expect({[=](const Tensor& x) { return diagonal(x, offset, -1, 0); },
                [=](const Extents& s) {
                    return moved(s, {s[1], length(s[2], s[0])},
                                 [&](const Extents& i) { return position(s, {i[1] + left, i[0], i[1] + above}); });
                }},
               cubes);
        const auto embedded = [=](const Extents& s) {
            Extents out = s;
            out.back() += above + left;
            out.push_back(out.back());
            return moved(s, out, [&](const Extents& i) -> std::int64_t {
                const std::int64_t row = i[i.size() - 2], column = i.back();
                if (column - row != offset) return -1;
                Extents in(i.begin(), i.end() - 1);
                in.back() = row - above;
                return position(s, in);
            });
        };
        expect({[=](const Tensor& x) { return diag(x, offset); }, embedded}, vectors);
        expect({[=](const Tensor& x) { return diag_embed(x, offset); }, embedded}, matrices);
        for (const bool lower : {false, true})
            expect({[=](const Tensor& x) { return lower ? tril(x, offset) : triu(x, offset); },
                    [=](const Extents& s) {
                        return moved(s, s, [&](const Extents& i) {
                            const std::int64_t d = i[2] - i[1];
                            return (lower ? d <= offset : d >= offset) ? position(s, i) : -1;
                        });
                    }},
                   cubes);
    }
    const Tensor x = arange(12).reshape({3, 4});
    EXPECT_EQ(diag(x, 1).to_vector<int>(), (std::vector{1, 6, 11}));
    EXPECT_EQ(matrix_trace(x).item<int>(), 0 + 5 + 10);
    EXPECT_EQ(matrix_trace(x, -1).item<int>(), 4 + 9);
    EXPECT_EQ(diagonal(ones({0, 3})).shape(), Extents{0});
    EXPECT_EQ(diag(ones({0}), 1).to_vector<int>(), std::vector{0});
    const Tensor negative = Tensor::from({-0.0, 1.0, 2.0, -0.0}, {2, 2});
    EXPECT_TRUE(std::signbit(diagonal(negative).to_vector<double>()[1]));
}

TEST(Movement, of_every_dtype) {
    for (const Dtype d : {Dtype::boolean, Dtype::u8, Dtype::i16, Dtype::bf16, Dtype::f16, Dtype::i64}) {
        const Tensor x = convert(Tensor::from({0, 1, 1, 0, 1, 1}, {2, 3}), d);
        const auto ints = [](const Tensor& t) { return convert(t, Dtype::i32).to_vector<int>(); };
        EXPECT_EQ(ints(roll(x, 1, 1)), (std::vector{1, 0, 1, 1, 0, 1}));
        EXPECT_EQ(ints(tril(x)), (std::vector{0, 0, 0, 0, 1, 0}));
        EXPECT_EQ(ints(diag_embed(x[{0}])), (std::vector{0, 0, 0, 0, 1, 0, 0, 0, 1}));
        EXPECT_EQ(ints(pad(x, {0, 1}, {0, 1}, PadMode::reflect)), (std::vector{1, 0, 1, 1, 1, 1, 0, 1, 1, 1}));
        EXPECT_EQ(ints(repeat_interleave(x, 2, 0)), (std::vector{0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1}));
    }
}

template <class F>
void expect_message(const F& f, const std::string& message, Where where = Where::current()) {
    try {
        f();
        ADD_FAILURE() << "nothing was thrown, for " << message;
    } catch (const TypeError& e) {
        EXPECT_EQ(e.what(), std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " + message);
    }
}

TEST(Movement, says_what_is_wrong) {
    const Tensor x = ones({2, 3}), v = ones({4});
    expect_message([&] { squeeze(x, 0); }, "squeeze: the extent of axis 0 is 2, not 1 (f32[2, 3])");
    expect_message([&] { unsqueeze(x, 3); }, "unsqueeze: axis 3 is out of range for rank 3 (f32[2, 3])");
    expect_message([&] { unsqueeze(x, {0, -4}); }, "unsqueeze: axis 0 occurs twice (f32[2, 3])");
    expect_message([&] { flatten(x, 1, 0); }, "flatten: axis 1 is behind axis 0 (f32[2, 3])");
    expect_message([&] { unflatten(v, 0, {3, -1}); }, "unflatten: 4 elements are no multiple of 3 (f32[4])");
    expect_message([&] { unflatten(v, 0, {3, 2}); }, "unflatten: the numbers of elements differ: 4 is not 6 (f32[4])");
    expect_message([&] { movedim(x, {0, 1}, 0); }, "movedim: 2 axes cannot move to 1 places (f32[2, 3])");
    expect_message([&] { roll(x, 1, 2); }, "roll: axis 2 is out of range for rank 2 (f32[2, 3])");
    expect_message([&] { rot90(x, 1, {0, 0}); }, "rot90: axis 0 occurs twice (f32[2, 3])");
    expect_message([&] { rot90(x, 1, 0); }, "rot90: wants two axes, not 1 (f32[2, 3])");
    expect_message([&] { tile(x, {2, -1}); }, "tile: a count is -1, less than 0 (f32[2, 3])");
    expect_message([&] { repeat_interleave(v, -2, 0); }, "repeat_interleave: count is -2, less than 0 (f32[4])");
    expect_message([&] { repeat_interleave(v, Tensor::from({1}), 0); },
                   "repeat_interleave: 1 counts, not one for each element along axis 0 (f32[4] and i32[1])");
    expect_message([&] { pad(x, {2, 0}, {0, 0}, PadMode::reflect); },
                   "pad: axis 0 has 1 elements to add, not 2 (f32[2, 3])");
    expect_message([&] { pad(x, {0, 0}, {0, 4}, PadMode::circular); },
                   "pad: axis 1 has 3 elements to add, not 4 (f32[2, 3])");
    expect_message([&] { pad(x, {0, -1}, {0, 0}, PadMode::replicate); },
                   "pad: -1 elements cannot be added along axis 1 (f32[2, 3])");
    expect_message([&] { pad(ones({0}), {1}, {0}, PadMode::replicate); }, "pad: axis 0 has no element to add (f32[0])");
    expect_message([&] { stack({x, v}); }, "stack: the types differ (f32[2, 3] and f32[4])");
    expect_message([&] { stack({x, x}, 3); }, "stack: axis 3 is out of range for rank 3 (f32[2, 3] and f32[2, 3])");
    expect_message([&] { split(v, {1, 2}); }, "split: the sizes add up to 3, not 4 (f32[4])");
    expect_message([&] { chunk(v, 0); }, "chunk: count is 0, less than 1 (f32[4])");
    expect_message([&] { meshgrid({x}); }, "meshgrid: wants vectors, of at most one dimension (f32[2, 3])");
    expect_message([&] { narrow(v, 0, 3, 2); }, "narrow: the slice ends behind its operand: 5 exceeds 4 (f32[4])");
    expect_message([&] { diagonal(v); }, "diagonal: axis 1 is out of range for rank 1 (f32[4])");
    expect_message([&] { diagonal(x, 0, 1, -1); }, "diagonal: axis 1 occurs twice (f32[2, 3])");
    expect_message([&] { diag(ones({1, 1, 1})); }, "diag: wants a vector or a matrix, not rank 3 (f32[1, 1, 1])");
    expect_message([&] { tril(v); }, "tril: wants two axes or more, not 1 (f32[4])");
    expect_message([&] { as_strided(x, {2, 2}, {3, 3}); },
                   "as_strided: the elements end behind those of x: 7 exceeds 6 (f32[2, 3])");
    expect_message([&] { as_strided(x, {2, 2}, {3}); },
                   "as_strided: strides has 1 entries, not one for each of 2 dimensions (f32[2, 3])");
    expect_message([&] { as_strided(x, {3}, {-1}); },
                   "as_strided: the slice starts before its operand: -2 is negative (f32[2, 3])");
    expect_message([&] { expand(x, {4, 2}); },
                   "expand: the shape does not broadcast: 2 is not 4 along axis 0 (f32[2, 3])");
}

}  // namespace
}  // namespace lathe
