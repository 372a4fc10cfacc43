// x[{...}] against loops over every index, over random shapes and indices: lazily, compiled, traced, and
// differentiated.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "frontend/functions/functions.h"
#include "frontend/model/model.h"
#include "frontend/trace/grad.h"
#include "frontend/trace/jit.h"

namespace lathe {
namespace {

using Extents = std::vector<std::int64_t>;

// An index as the reference sees it.
struct Part {
    Index::Kind kind = Index::Kind::position;
    std::int64_t position = 0;
    std::optional<std::int64_t> start, stop;
    std::int64_t step = 1;

    Index index() const {
        switch (kind) {
            case Index::Kind::position:
                return position;
            case Index::Kind::ellipsis:
                return ellipsis;
            case Index::Kind::new_axis:
                return new_axis;
            default: {
                Range r{.step = step};
                if (start) r.start = *start;
                if (stop) r.stop = *stop;
                return r;
            }
        }
    }
};

// What Python's slice.indices() says, by counting.
std::vector<std::int64_t> taken_by(const Part& p, std::int64_t extent) {
    if (p.kind == Index::Kind::position) return {p.position < 0 ? p.position + extent : p.position};
    const std::int64_t low = p.step > 0 ? 0 : -1, high = p.step > 0 ? extent : extent - 1;
    const auto clip = [&](std::int64_t at) { return std::min(std::max(at < 0 ? at + extent : at, low), high); };
    std::vector<std::int64_t> out;
    const std::int64_t first = p.start ? clip(*p.start) : p.step > 0 ? low : high;
    const std::int64_t end = p.stop ? clip(*p.stop) : p.step > 0 ? high : low;
    for (std::int64_t i = first; p.step > 0 ? i < end : i > end; i += p.step) out.push_back(i);
    return out;
}

struct Reference {
    Extents shape;
    std::vector<std::int64_t> elements;  // row-major positions in x
};

Reference reference(const Extents& shape, const std::vector<Part>& parts) {
    std::size_t given = 0;
    bool has_ellipsis = false;
    for (const Part& p : parts) {
        given += p.kind == Index::Kind::position || p.kind == Index::Kind::range ? 1 : 0;
        has_ellipsis = has_ellipsis || p.kind == Index::Kind::ellipsis;
    }
    Reference out;
    std::vector<std::vector<std::int64_t>> axes;
    const auto whole = [&](std::size_t count) {
        for (; count > 0; --count) {
            axes.push_back(taken_by({.kind = Index::Kind::range, .start = {}, .stop = {}}, shape[axes.size()]));
            out.shape.push_back(shape[axes.size() - 1]);
        }
    };
    for (const Part& p : parts) {
        if (p.kind == Index::Kind::new_axis) {
            out.shape.push_back(1);
        } else if (p.kind == Index::Kind::ellipsis) {
            whole(shape.size() - given);
        } else {
            axes.push_back(taken_by(p, shape[axes.size()]));
            if (p.kind == Index::Kind::range) out.shape.push_back(static_cast<std::int64_t>(axes.back().size()));
        }
    }
    whole(shape.size() - axes.size());
    out.elements = {0};
    for (std::size_t a = 0; a < axes.size(); ++a) {
        std::vector<std::int64_t> next;
        for (std::int64_t before : out.elements)
            for (std::int64_t i : axes[a]) next.push_back(before * shape[a] + i);
        out.elements = std::move(next);
    }
    return out;
}

class Cases {
public:
    explicit Cases(unsigned seed) : random_(seed) {}
    std::int64_t number(std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
    }
    Extents shape() {
        Extents out(static_cast<std::size_t>(number(0, 4)));
        for (std::int64_t& e : out) e = number(0, 9) == 0 ? 0 : number(1, 6);
        return out;
    }
    std::vector<Part> parts(const Extents& shape) {
        std::vector<Part> out;
        bool has_ellipsis = false;
        std::size_t axis = 0;
        // An index of an axis behind an ellipsis counts from the end.
        const auto used = static_cast<std::size_t>(number(0, static_cast<std::int64_t>(shape.size())));
        while (axis < used || number(0, 3) == 0) {
            const std::int64_t kind = number(0, 9);
            if (kind == 0 && !has_ellipsis) {
                has_ellipsis = true;
                out.push_back({.kind = Index::Kind::ellipsis, .start = {}, .stop = {}});
            } else if (kind == 1 && out.size() < shape.size() + 2) {
                out.push_back({.kind = Index::Kind::new_axis, .start = {}, .stop = {}});
            } else if (axis < used) {
                const std::int64_t extent = shape[has_ellipsis ? shape.size() - used + axis : axis];
                ++axis;
                Part p{.kind = Index::Kind::range, .start = {}, .stop = {}};
                if (kind < 5 && extent > 0) {
                    p.kind = Index::Kind::position;
                    p.position = number(-extent, extent - 1);
                } else {
                    if (number(0, 2) > 0) p.start = number(-extent - 2, extent + 2);
                    if (number(0, 2) > 0) p.stop = number(-extent - 2, extent + 2);
                    while ((p.step = number(-3, 3)) == 0) {
                    }
                    if (number(0, 1) == 0) p.step = 1;
                }
                out.push_back(p);
            }
        }
        return out;
    }

private:
    std::mt19937 random_;
};

Tensor part_of(const Tensor& x, const std::vector<Part>& parts) {
    std::vector<Index> i;
    for (const Part& p : parts) i.push_back(p.index());
    switch (i.size()) {
        case 0:
            return x[{}];
        case 1:
            return x[{i[0]}];
        case 2:
            return x[{i[0], i[1]}];
        case 3:
            return x[{i[0], i[1], i[2]}];
        case 4:
            return x[{i[0], i[1], i[2], i[3]}];
        case 5:
            return x[{i[0], i[1], i[2], i[3], i[4]}];
        case 6:
            return x[{i[0], i[1], i[2], i[3], i[4], i[5]}];
        default:
            return x[{i[0], i[1], i[2], i[3], i[4], i[5], i[6]}];
    }
}

Tensor counted(const Extents& shape) {
    std::int64_t count = 1;
    for (std::int64_t e : shape) count *= e;
    return reshape(convert(arange(count), Dtype::f32), shape);
}

void expect_reference(const Tensor& got, const Extents& shape, const std::vector<Part>& parts) {
    const Reference wanted = reference(shape, parts);
    EXPECT_EQ(got.shape(), wanted.shape);
    EXPECT_EQ(got.to_vector<std::int64_t>(), wanted.elements);
}

TEST(Indexing, takes_what_loops_take) {
    Cases cases(1);
    for (int i = 0; i < 300; ++i) {
        SCOPED_TRACE(i);
        const Extents shape = cases.shape();
        const std::vector<Part> parts = cases.parts(shape);
        if (parts.size() > 7) continue;
        expect_reference(part_of(counted(shape), parts), shape, parts);
    }
}

TEST(Indexing, compiled_for_any_extents_takes_what_loops_take) {
    Cases cases(2);
    int again = 0;
    for (int i = 0; i < 60; ++i) {
        SCOPED_TRACE(i);
        const Extents shape = cases.shape();
        const std::vector<Part> parts = cases.parts(shape);
        if (parts.size() > 7) continue;
        const auto f = jit([&](const Tensor& x) { return part_of(x, parts); });
        const auto g = jit([&](const Tensor& x) {
            return grad([&](const Tensor& y) {
                const Tensor part = part_of(y, parts);
                return sum(part * part);
            })(x);
        });
        for (int pass = 0; pass < 3; ++pass) {
            Extents other = shape;
            if (pass > 0)
                for (std::int64_t& e : other) e += e > 1 ? cases.number(0, 3) : 0;
            expect_reference(f(counted(other)), other, parts);
            // The derivative of each element is twice what it is, as often as it was taken.
            std::vector<float> wanted(counted(other).to_vector<float>().size());
            for (std::int64_t e : reference(other, parts).elements)
                wanted[static_cast<std::size_t>(e)] += 2.0F * static_cast<float>(e);
            EXPECT_EQ(g(counted(other)).to_vector<float>(), wanted);
        }
        again += f.statistics().traces == 1 ? 1 : 0;
    }
    EXPECT_GT(again, 40) << "other extents do not trace anew";
}

TEST(Indexing, in_a_model_with_symbolic_extents) {
    const Model model = trace(
        [](const Tensor& x) {
            return x[{Range{.start = 1}}] - x[{Range{.stop = -1}}] +
                   x[{-1, new_axis, ellipsis}] * x[{Range{.start = -2, .step = -1}}];
        },
        {{"x", Dtype::f32, {"rows", 3}}});
    for (const std::int64_t rows : {2, 3, 7}) {
        const Tensor x = counted({rows, 3});
        const Tensor y = model(x);
        EXPECT_EQ(y.shape(), (Extents{rows - 1, 3}));
        const auto in = x.to_vector<float>(), out = y.to_vector<float>();
        for (std::int64_t r = 0; r + 1 < rows; ++r)
            for (std::int64_t c = 0; c < 3; ++c) {
                const auto at = [&](std::int64_t row) { return in[static_cast<std::size_t>(row * 3 + c)]; };
                EXPECT_EQ(out[static_cast<std::size_t>(r * 3 + c)], 3.0F + at(rows - 1) * at(rows - 2 - r));
            }
    }
}

TEST(Indexing, extents_of_a_trace_are_positions) {
    const auto half = jit([](const Tensor& x, const Tensor& y) { return x[{Range{.stop = y.dim(0)}}]; });
    EXPECT_EQ(half(arange(6), zeros({3})).to_vector<int>(), (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(half(arange(6), zeros({9})).to_vector<int>(), (std::vector<int>{0, 1, 2, 3, 4, 5}));
    const auto pick = jit([](const Tensor& x, const Tensor& y) { return x[{y.dim(0)}]; });
    EXPECT_EQ(pick(arange(6), zeros({4})).item<int>(), 4);
    EXPECT_THROW(pick(arange(6), zeros({6})), UserError);
}

template <class F>
void expect_message(const F& f, const std::string& part) {
    try {
        f();
        ADD_FAILURE() << "nothing was thrown, for " << part;
    } catch (const UserError& e) {
        EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("indexing_test.cpp"), std::string::npos) << e.what();
    }
}

TEST(Indexing, says_what_is_wrong) {
    const Tensor x = zeros({2, 3});
    EXPECT_THROW((x[{2}]), IndexError);
    expect_message([&] { x[{0, 3}]; }, "index: index 3 is out of range for axis 1 of f32[2, 3]");
    expect_message([&] { x[{-3}]; }, "index: index -3 is out of range for axis 0 of f32[2, 3]");
    expect_message([&] { x[{std::uint64_t{1} << 63}]; }, "out of range");
    expect_message([&] { x[{0, 0, 0}]; }, "index: 3 indices are more than the 2 axes (f32[2, 3])");
    expect_message([&] { x[{ellipsis, ellipsis}]; }, "more than one ellipsis");
    expect_message([&] { x[{Range{.step = 0}}]; }, "a step of a range is 0");
    expect_message([&] { x[{Range{.step = INT64_MIN}}]; }, "a step of a range is");
    expect_message([&] { Tensor()[{0}]; }, "an empty tensor");
    EXPECT_EQ((x[{Range{INT64_MIN, INT64_MAX}}]).shape(), (Extents{2, 3}));
    EXPECT_EQ((x[{Range{INT64_MAX, INT64_MIN, -1}}]).shape(), (Extents{2, 3}));
    const auto f = jit([](const Tensor& t) { return t[{4}]; });
    EXPECT_EQ(f(arange(5)).item<int>(), 4);
    EXPECT_THROW(f(arange(4)), UserError);
}

}  // namespace
}  // namespace lathe
