#include "tests/op_samples.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

namespace lathe::testing_support {

using namespace ir;  // NOLINT(google-build-using-namespace): this file speaks of nothing else

namespace {

Attributes attributes_for(const OpDef& op, Dtype dtype, const std::map<std::string_view, Attribute>& given) {
    Attributes result;
    for (const AttributeDef& def : op.attributes) {
        if (const auto found = given.find(def.name); found != given.end()) {
            result.push_back(found->second);
        } else {
            EXPECT_EQ(def.kind, AttributeKind::dtype)
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

}  // namespace

std::vector<Call> samples(const OpDef& op, Dtype d) {
    const auto call = [&](std::vector<Type> operands, std::map<std::string_view, Attribute> given = {}) {
        return Call{std::move(operands), attributes_for(op, d, given)};
    };
    std::vector<Call> calls;
    const auto has = [&](std::string_view attribute) {
        return std::ranges::any_of(op.attributes, [&](const AttributeDef& a) { return a.name == attribute; });
    };
    switch (op.lowering) {
        case Lowering::source:
        case Lowering::control:
        case Lowering::opaque:
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
                calls.push_back(call({}, {{"shape", shape}, {"axis", std::int64_t{0}}}));
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
                if (is_accepted(op, {{d, shape}}, {axes})) calls.push_back(call({{d, shape}}, {{"axes", axes}}));
            break;
        case Lowering::contraction: {
            const auto dot = [&](Shape a, Shape b, Integers ab, Integers bb, Integers ac, Integers bc) {
                calls.push_back(
                    call({{d, a}, {d, b}},
                         {{"lhs_batch", ab}, {"rhs_batch", bb}, {"lhs_contract", ac}, {"rhs_contract", bc}}));
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
            calls.push_back(call({{d, {4, 3}}, {Dtype::i32, {5}}, {d, {5, 3}}}, {{"axis", std::int64_t{0}}}));
            calls.push_back(call({{d, {2, 4}}, {Dtype::i64, {2, 2}}, {d, {2, 2, 2}}}, {{"axis", std::int64_t{1}}}));
            break;
        case Lowering::relayout:
            calls.push_back(call({{d, {2, 3, 4}}}, {{"permutation", Integers{2, 0, 1}}}));
            calls.push_back(call({{d, {5}}}, {{"permutation", Integers{0}}}));
            break;
        case Lowering::view:
            if (has("permutation")) {
                calls.push_back(call({{d, {2, 3, 4}}}, {{"permutation", Integers{2, 0, 1}}}));
                calls.push_back(call({{d, {}}}, {{"permutation", Integers{}}}));
            } else if (has("start")) {
                calls.push_back(
                    call({{d, {5, 4}}}, {{"start", Shape{1, 0}}, {"size", Shape{2, 4}}, {"step", Integers{2, 1}}}));
                calls.push_back(call({{d, {5}}}, {{"start", Shape{4}}, {"size", Shape{3}}, {"step", Integers{-2}}}));
                calls.push_back(call({{d, {7}}}, {{"start", Shape{0}}, {"size", Shape{3}}, {"step", Integers{3}}}));
                calls.push_back(call({{d, {5}}}, {{"start", Shape{5}}, {"size", Shape{0}}, {"step", Integers{1}}}));
            } else if (has("low")) {
                calls.push_back(call({{d, {2, 3}}, {d, {}}}, {{"low", Shape{1, 0}}, {"high", Shape{0, 2}}}));
                calls.push_back(call({{d, {5}}, {d, {}}}, {{"low", Shape{-2}}, {"high", Shape{1}}}));
            } else if (has("bound")) {
                for (const Shape& shape : {Shape{}, Shape{5}, Shape{2, 3}, Shape{0, 3}})
                    calls.push_back(call({{d, shape}}, {{"bound", Shape{4}}, {"name", std::string("label")}}));
            } else if (has("axis") && op.arity.variadic) {
                calls.push_back(
                    call({{d, {2, 3}}, {d, {1, 3}}, {d, {0, 3}}, {d, {4, 3}}}, {{"axis", std::int64_t{0}}}));
                calls.push_back(call({{d, {2, 3}}, {d, {2, 1}}}, {{"axis", std::int64_t{1}}}));
            } else if (has("axis")) {
                calls.push_back(call({{d, {4, 3}}, {Dtype::i64, {2, 2}}}, {{"axis", std::int64_t{0}}}));
                calls.push_back(call({{d, {2, 4}}, {Dtype::u8, {}}}, {{"axis", std::int64_t{1}}}));
            } else if (has("shape") && op.name == "reshape") {
                calls.push_back(call({{d, {2, 6}}}, {{"shape", Shape{3, 4}}}));
                calls.push_back(call({{d, {2, 3, 4}}}, {{"shape", Shape{6, 1, 4}}}));
                calls.push_back(call({{d, {1}}}, {{"shape", Shape{}}}));
            } else if (has("shape")) {
                calls.push_back(call({{d, {3, 1}}}, {{"shape", Shape{2, 3, 4}}}));
                calls.push_back(call({{d, {}}}, {{"shape", Shape{2}}}));
            }
            break;
    }
    return calls;
}

}  // namespace lathe::testing_support
