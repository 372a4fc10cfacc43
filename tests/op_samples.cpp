#include "tests/op_samples.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "ir/ops/control.h"

namespace lathe::testing_support {

using namespace ir;  // NOLINT(google-build-using-namespace): this file speaks of nothing else

namespace {

// Attributes by meaning, each meaning's in the row's order; a dtype is the sample's where none is given.
using Given = std::map<AttributeMeaning, std::vector<Attribute>>;

Attributes attributes_for(const OpDef& op, Dtype dtype, Given given) {
    Attributes result;
    for (const AttributeDef& def : op.attributes) {
        if (std::vector<Attribute>& values = given[def.meaning]; !values.empty()) {
            result.push_back(std::move(values.front()));
            values.erase(values.begin());
        } else {
            EXPECT_EQ(def.meaning, AttributeMeaning::dtype)
                << op.name << " has an attribute that no sample gives: " << def.name;
            result.emplace_back(dtype);
        }
    }
    return result;
}

// Rows differ in how many axes they take, and in whether those may be empty.
bool is_accepted(const OpDef& op, std::vector<Type> operands, const Attributes& attributes) {
    for (Type& t : operands) t.dtype = Dtype::f32;  // a test gives rows dtypes that they refuse
    TypeContext context(op, operands, attributes, {}, nullptr);
    try {
        infer_types(context);
        return true;
    } catch (const TypeError&) {
        return false;
    }
}

// Regions that only exchange what they get.
Call control_call(const OpDef& op, const Type& type) {
    const auto region = [](const std::vector<Type>& parameters, const std::vector<std::size_t>& outputs) {
        auto graph = std::make_shared<Graph>();
        for (const Type& t : parameters) graph->add_parameter("x", t);
        for (const std::size_t i : outputs) graph->add_output("y", graph->parameters()[i]);
        return Region{std::move(graph)};
    };
    const Type decision{Dtype::boolean, {}};
    switch (op.control) {
        case Control::branch:
            return {{decision, type, type}, {region({type, type}, {0, 1}), region({type, type}, {1, 0})}};
        case Control::loop_while: {  // once, or not at all
            const std::vector<Type> all{decision, type, type};
            const auto body = std::make_shared<Graph>();
            for (const Type& t : all) body->add_parameter("x", t);
            body->add_output("p", body->constant(splat_literal(Dtype::boolean, {}, std::int64_t{0})));
            for (const std::size_t i : {2U, 1U}) body->add_output("y", body->parameters()[i]);
            return {all, {region(all, {0}), Region{body}}};
        }
        case Control::scan:
            return {{type, stack_type(type, 3), type},
                    {region({type, type, type}, {1, 0, 2}), Shape{3}, std::int64_t{1}, std::int64_t{1}, true}};
        case Control::none:
            break;
    }
    ADD_FAILURE() << op.name << " has no samples";
    return {};
}

}  // namespace

std::vector<Call> samples(const OpDef& op, Dtype d) {
    using enum AttributeMeaning;
    const auto call = [&](std::vector<Type> operands, Given given = {}) {
        return Call{std::move(operands), attributes_for(op, d, std::move(given))};
    };
    std::vector<Call> calls;
    const auto has = [&](AttributeMeaning meaning) {
        return std::ranges::find(op.attributes, meaning, &AttributeDef::meaning) != op.attributes.end();
    };
    switch (op.lowering) {
        case Lowering::source:
            break;
        case Lowering::opaque:
            for (const auto& [shape, along] : std::vector<std::pair<Shape, std::int64_t>>{{{5}, 0},
                                                                                          {{300}, 0},
                                                                                          {{3, 4}, 0},
                                                                                          {{4, 3}, -1},
                                                                                          {{2, 3, 4}, 1},
                                                                                          {{1}, 0},
                                                                                          {{0, 3}, 0},
                                                                                          {{3, 0}, 0}})
                for (const bool set : {false, true})
                    calls.push_back(call({{d, shape}}, {{axis, {along}}, {flag, {set}}}));
            break;
        case Lowering::control:
            for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 0}}) calls.push_back(control_call(op, {d, shape}));
            break;
        case Lowering::elementwise: {
            const std::vector<std::vector<Shape>> shapes = {{{}, {}, {}},
                                                            {{0}, {0}, {}},
                                                            {{1}, {1}, {1}},
                                                            {{7}, {7}, {7}},
                                                            {{2, 3}, {3}, {}},
                                                            {{2, 1}, {1, 3}, {2, 3}},
                                                            {{3, 1, 2}, {4, 1}, {3, 4, 2}}};
            for (const auto& set : shapes) {
                std::vector<Type> types;
                for (int i = 0; i < op.arity.minimum; ++i) types.push_back({d, set[static_cast<std::size_t>(i)]});
                if (op.arity.minimum == 3) types[0].dtype = Dtype::boolean;
                calls.push_back(call(types));
            }
            break;
        }
        case Lowering::index:
            for (const Shape& shape : {Shape{5}, Shape{2, 3}, Shape{0, 2}})
                calls.push_back(call({}, {{AttributeMeaning::shape, {shape}}, {axis, {std::int64_t{0}}}}));
            break;
        case Lowering::reduction:
            for (const auto& [shape, axes] : std::vector<std::pair<Shape, Integers>>{{{5}, {0}},
                                                                                     {{300}, {0}},
                                                                                     {{3, 4}, {0}},
                                                                                     {{3, 4}, {-1}},
                                                                                     {{3, 4}, {0, 1}},
                                                                                     {{2, 3, 4}, {0, 2}},
                                                                                     {{2, 3, 4}, {1}},
                                                                                     {{0, 3}, {0}},
                                                                                     {{3, 0}, {0}}})
                for (const bool set : {false, true}) {
                    if (set && !has(flag)) continue;
                    Call sample = call({{d, shape}}, {{AttributeMeaning::axes, {axes}}, {flag, {set}}});
                    if (is_accepted(op, sample.operands, sample.attributes)) calls.push_back(std::move(sample));
                }
            break;
        case Lowering::contraction: {
            const auto dot = [&](Shape a, Shape b, Integers ab, Integers bb, Integers ac, Integers bc) {
                calls.push_back(call({{d, a}, {d, b}}, {{axes, {ab, bb, ac, bc}}}));
            };
            dot({3, 4}, {4, 2}, {}, {}, {1}, {0});
            dot({4}, {4}, {}, {}, {0}, {0});
            dot({3, 4}, {4}, {}, {}, {1}, {0});
            dot({4}, {2, 4}, {}, {}, {0}, {1});
            dot({2, 3, 4}, {4, 2, 5}, {0}, {1}, {2}, {0});
            dot({3, 2, 4}, {4, 3}, {}, {}, {2, 0}, {0, 1});
            dot({3}, {2}, {}, {}, {}, {});
            dot({2, 0}, {0, 3}, {}, {}, {1}, {0});
            dot({2, 3}, {2, 3}, {0}, {0}, {1}, {1});
            break;
        }
        case Lowering::scatter:
            calls.push_back(call({{d, {4, 3}}, {Dtype::i32, {5}}, {d, {5, 3}}}, {{axis, {std::int64_t{0}}}}));
            calls.push_back(call({{d, {2, 4}}, {Dtype::i64, {2, 2}}, {d, {2, 2, 2}}}, {{axis, {std::int64_t{1}}}}));
            break;
        case Lowering::relayout:
            calls.push_back(call({{d, {2, 3, 4}}}, {{permutation, {Integers{2, 0, 1}}}}));
            calls.push_back(call({{d, {5}}}, {{permutation, {Integers{0}}}}));
            break;
        case Lowering::view:
            if (has(permutation)) {
                calls.push_back(call({{d, {2, 3, 4}}}, {{permutation, {Integers{2, 0, 1}}}}));
                calls.push_back(call({{d, {}}}, {{permutation, {Integers{}}}}));
            } else if (has(starts)) {
                calls.push_back(
                    call({{d, {5, 4}}}, {{starts, {Shape{1, 0}}}, {sizes, {Shape{2, 4}}}, {steps, {Integers{2, 1}}}}));
                calls.push_back(call({{d, {5}}}, {{starts, {Shape{4}}}, {sizes, {Shape{3}}}, {steps, {Integers{-2}}}}));
                calls.push_back(call({{d, {7}}}, {{starts, {Shape{0}}}, {sizes, {Shape{3}}}, {steps, {Integers{3}}}}));
                calls.push_back(call({{d, {5}}}, {{starts, {Shape{5}}}, {sizes, {Shape{0}}}, {steps, {Integers{1}}}}));
            } else if (has(padding)) {
                calls.push_back(call({{d, {2, 3}}, {d, {}}}, {{padding, {Shape{1, 0}, Shape{0, 2}}}}));
                calls.push_back(call({{d, {5}}, {d, {}}}, {{padding, {Shape{-2}, Shape{1}}}}));
            } else if (has(bound)) {
                for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{0, 3}})
                    calls.push_back(
                        call({{d, shape}}, {{bound, {Shape{4}}}, {AttributeMeaning::name, {std::string("label")}}}));
            } else if (has(axis) && op.arity.variadic) {
                calls.push_back(
                    call({{d, {2, 3}}, {d, {1, 3}}, {d, {0, 3}}, {d, {4, 3}}}, {{axis, {std::int64_t{0}}}}));
                calls.push_back(call({{d, {2, 3}}, {d, {2, 1}}}, {{axis, {std::int64_t{1}}}}));
            } else if (has(axis)) {
                calls.push_back(call({{d, {4, 3}}, {Dtype::i64, {2, 2}}}, {{axis, {std::int64_t{0}}}}));
                calls.push_back(call({{d, {2, 4}}, {Dtype::u8, {}}}, {{axis, {std::int64_t{1}}}}));
            } else if (has(AttributeMeaning::shape)) {
                // Rows differ in which shapes become which.
                const std::pair<Shape, Shape> changes[] = {
                    {{2, 6}, {3, 4}}, {{2, 3, 4}, {6, 1, 4}}, {{1}, {}}, {{3, 1}, {2, 3, 4}}, {{}, {2}}};
                for (const auto& [from, to] : changes)
                    if (is_accepted(op, {{d, from}}, {to}))
                        calls.push_back(call({{d, from}}, {{AttributeMeaning::shape, {to}}}));
            }
            break;
    }
    return calls;
}

}  // namespace lathe::testing_support
