#include "ir/ops/samples.h"

#include <array>

namespace lathe::ir::samples {

std::vector<Sample> of(const OpDef& op, Dtype d) {
    if (op.samples != nullptr) return op.samples(d);
    if (op.lowering == Lowering::source) return {};
    return broadcast(std::vector<Dtype>(static_cast<std::size_t>(op.arity.minimum), d));
}

std::vector<Sample> broadcast(std::span<const Dtype> dtypes) {
    const std::array<Shape, 3> shapes[] = {{Shape{}, Shape{}, Shape{}},
                                           {Shape{0}, Shape{0}, Shape{}},
                                           {Shape{1}, Shape{1}, Shape{1}},
                                           {Shape{7}, Shape{7}, Shape{7}},
                                           {Shape{2, 3}, Shape{3}, Shape{}},
                                           {Shape{2, 1}, Shape{1, 3}, Shape{2, 3}},
                                           {Shape{3, 1, 2}, Shape{4, 1}, Shape{3, 4, 2}},
                                           {Shape{2, 1, 3, 1, 2}, Shape{4, 3, 2, 1}, Shape{2, 4, 3, 2, 2}}};
    std::vector<Sample> samples;
    for (const auto& of_operands : shapes) {
        Sample& sample = samples.emplace_back();
        for (std::size_t i = 0; i < dtypes.size(); ++i) sample.operands.push_back({dtypes[i], of_operands[i]});
    }
    return samples;
}

std::vector<Sample> with_attributes(std::vector<Sample> samples, const Attributes& attributes) {
    for (Sample& sample : samples) sample.attributes = attributes;
    return samples;
}

std::vector<Sample> reductions_of_something(Dtype d) {
    return {{{{d, {5}}}, {Integers{0}}},
            {{{d, {300}}}, {Integers{0}}},
            {{{d, {3, 4}}}, {Integers{0}}},
            {{{d, {3, 4}}}, {Integers{-1}}},
            {{{d, {3, 4}}}, {Integers{0, 1}}},
            {{{d, {2, 3, 4}}}, {Integers{0, 2}}},
            {{{d, {2, 3, 4}}}, {Integers{1}}},
            {{{d, {3, 0}}}, {Integers{0}}},
            {{{d, {2, 3, 1, 4, 2}}}, {Integers{2}}},
            {{{d, {2, 3, 1, 4, 2}}}, {Integers{1, 3, 4}}}};
}

std::vector<Sample> reductions(Dtype d) {
    std::vector<Sample> samples = reductions_of_something(d);
    samples.push_back({{{d, {0, 3}}}, {Integers{0}}});
    return samples;
}

std::vector<Sample> lines(Dtype d) {
    const std::pair<Shape, std::int64_t> along[] = {{{5}, 0},     {{300}, 0},     {{3, 4}, 0},
                                                    {{4, 3}, -1}, {{2, 3, 4}, 1}, {{1}, 0},
                                                    {{0, 3}, 0},  {{3, 0}, 0},    {{2, 1, 3, 2, 2}, 2}};
    std::vector<Sample> samples;
    for (const auto& [shape, axis] : along)
        for (const bool flag : {false, true}) samples.push_back({{{d, shape}}, {axis, flag}});
    return samples;
}

std::vector<Sample> permutations(Dtype d) {
    return {{{{d, {2, 3, 4}}}, {Integers{2, 0, 1}}},
            {{{d, {5}}}, {Integers{0}}},
            {{{d, {}}}, {Integers{}}},
            {{{d, {2, 3, 1, 2, 4}}}, {Integers{4, 0, 3, 2, 1}}}};
}

std::vector<Sample> layouts(Dtype d) {
    return {{{{d, {2, 3, 4}}}, {Integers{2, 0, 1}, Integers{1, 1, 1}}},
            {{{d, {5, 7}}}, {Integers{1, 0}, Integers{1, 4}}},
            {{{d, {3, 18}}}, {Integers{0, 1}, Integers{2, 16}}},
            {{{d, {0, 3}}}, {Integers{1, 0}, Integers{1, 2}}},
            {{{d, {}}}, {Integers{}, Integers{}}}};
}

}  // namespace lathe::ir::samples
