// Versions of ops: texts and files say which they speak, and rows say what becomes of nodes of older ones.
#include <bit>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"
#include "ir/graph/interpret.h"
#include "ir/graph/text.h"
#include "ir/graph/verify.h"
#include "ir/loops/order.h"
#include "ir/ops/ops.h"
#include "lathe.h"
#include "tests/command.h"

namespace lathe {
namespace {

// ---- a row with a past
//
//   version 1   lift(x) offset=n                 n - x
//   version 2   lift(x) bias=n                   n - x
//   version 3   lift(x) bias=n doubled=false     n + x, twice that if doubled

using namespace ir;  // NOLINT(google-build-using-namespace): rows are written in its words

constexpr NumberAttribute<0> offset{"offset", "what x is taken from", 0, Presence::optional};
constexpr NumberAttribute<0> bias{"bias", "what is added"};
constexpr FlagAttribute<1> doubled{"doubled", "whether the sum is", 0, Presence::optional};
constexpr AttributeDef first_attributes[] = {offset}, second_attributes[] = {bias}, attributes[] = {bias, doubled};
constexpr Upgrade upgrades[] = {
    {first_attributes, [](WrittenNode&) {}},
    {second_attributes,
     [](WrittenNode& node) {
         node.operands[0] = ops::neg(node.operands[0]);
         node.attributes.emplace_back(false);
     }},
};
constexpr OpDef lift = {
    .name = "lift",
    .version = 3,
    .doc = "x + bias, or twice that.",
    .arity = 1,
    .lowering = Lowering::elementwise,
    .dtypes = numbers,
    .attributes = attributes,
    .type = [](TypeContext& c) -> Type { return c.operand(0); },
    .scalar = [](const ScalarContext& c) -> Scalars {
        const Scalar sum = c.x[0] + c.b.constant(c.result, static_cast<double>(bias(c.attributes)));
        return {doubled(c.attributes) ? sum + sum : sum};
    },
    .gradient = no_grad("only this test has it"),
    .upgrades = upgrades,
};
const OpDef* find(std::string_view name) { return name == lift.name ? &lift : find_op(name); }

std::unique_ptr<Graph> read(const std::string& text) { return parse_graph(text, "t.lir", find); }
std::string with_node(const std::string& versions, const std::string& node) {
    return versions + "graph main(n) {\n  %0 = parameter \"x\" : i32[n]\n  %1 = " + node +
           " : i32[n]\n  return \"y\" = %1\n}\n";
}
// For x = 3.
std::int32_t result(const Graph& graph) {
    for (const std::string& fault : verify(graph))
        EXPECT_NE(fault.find("lift: the op is not in the table"), std::string::npos) << fault;
    const Literal y = interpret(graph, {{splat_literal(Dtype::i32, {1}, std::int64_t{3})}})[0];
    std::int32_t value = 0;
    std::memcpy(&value, y.bytes->data(), sizeof value);
    return value;
}
std::string refusal(const std::string& text) {
    try {
        read(text);
    } catch (const FormatError& e) {
        return e.what();
    }
    return {};
}

TEST(OpVersions, OlderNodesAreUpgradedStepByStep) {
    const std::string now = with_node("ops lift@3, parameter@1\n", "lift(%0) {bias = 10, doubled = false}");
    EXPECT_EQ(result(*read(now)), 13);
    EXPECT_EQ(result(*read(with_node("ops lift@3, parameter@1\n", "lift(%0) {bias = 10, doubled = true}"))), 26);
    EXPECT_EQ(result(*read(with_node("ops lift@2, parameter@1\n", "lift(%0) {bias = 10}"))), 7);
    EXPECT_EQ(result(*read(with_node("ops lift@1, parameter@1\n", "lift(%0) {offset = 10}"))), 7);
    EXPECT_EQ(result(*read(with_node("ops lift@1, parameter@1\n", "lift(%0)"))), -3) << "the default of that time";
    // Without a list: the present ones.
    EXPECT_EQ(result(*read(with_node("", "lift(%0) {bias = 10}"))), 13);
}

TEST(OpVersions, UpgradedNodesAreOrdinaryAndKeepTheirLines) {
    const auto graph = read(with_node("ops parameter@1, lift@1\n", "lift(%0) {offset = 10}"));
    ASSERT_EQ(graph->nodes().size(), 3U);
    EXPECT_EQ(graph->nodes()[1].op, &ops::neg);
    for (const std::size_t i : {1U, 2U}) EXPECT_EQ(graph->nodes()[i].loc.to_string(), "t.lir:4");
    EXPECT_FALSE(graph->default_loc.known());

    EXPECT_EQ(print_op_versions(*graph), "ops lift@3, neg@1, parameter@1\n");
    const std::string text = print_op_versions(*graph) + print(*graph);
    const auto again = read(text);
    EXPECT_EQ(print_op_versions(*again) + print(*again), text);
    EXPECT_EQ(result(*again), result(*graph));
}

TEST(OpVersions, HoldWithinRegions) {
    const std::string region = R"({
    graph then() {
      %0 = parameter "x" : i32[n]
      %1 = lift(%0) {offset = 10} : i32[n]
      return "y" = %1
    }
    graph else() {
      %0 = parameter "x" : i32[n]
      return "y" = %0
    }
  })";
    const auto graph =
        read("ops cond@1, lift@1, parameter@1, constant@1\ngraph main(n) {\n" +
             std::string("  %0 = parameter \"x\" : i32[n]\n  %1 = constant {value = bool[] true} : bool[]\n") +
             "  %2 = cond(%1, %0) : i32[n] " + region + "\n  return \"y\" = %2\n}\n");
    EXPECT_EQ(result(*graph), 7);
    EXPECT_EQ(print_op_versions(*graph), "ops cond@1, constant@1, lift@3, neg@1, parameter@1\n");
}

TEST(OpVersions, OfNoSuchKindAreRefusedByNameAndFile) {
    const auto why = [](const std::string& versions) { return refusal(with_node(versions, "lift(%0) {bias = 10}")); };
    const auto expect_why = [&](const std::string& versions, std::string_view wanted) {
        EXPECT_TRUE(why(versions).starts_with(wanted)) << why(versions);
    };
    expect_why("ops lift@4, parameter@1\n",
               "t.lir:1:5: version 4 of lift is newer than this library, which knows versions up to 3\n");
    expect_why("ops lift@0, parameter@1\n", "t.lir:1:5: version 0 of lift was never used\n");
    expect_why("ops lift@-1, parameter@1\n", "t.lir:1:9: expected a version, as @1, not ");
    expect_why("ops lift@3, lift@2, parameter@1\n", "t.lir:1:13: lift is listed twice\n");
    expect_why("ops lift@3, drop@1, parameter@1\n", "t.lir:1:13: there is no op drop\n");
    expect_why("ops lift@3\n", "t.lir:3:8: the text's list of ops does not have parameter\n");
    expect_why("ops\n", "t.lir:3:8: the text's list of ops does not have parameter\n");
    const std::string two = why("ops lift@0, parameter@9\n");
    EXPECT_NE(two.find("version 0 of lift was never used"), std::string::npos) << two;
    EXPECT_NE(two.find("version 9 of parameter is newer"), std::string::npos) << two;
    for (const char* const bad : {"ops lift\n", "ops lift@\n", "ops lift@3,\n", "ops lift@x\n", "ops @3\n",
                                  "ops lift@3 parameter@1\n", "ops lift@99999999999999999999\n"})
        EXPECT_TRUE(why(bad).starts_with("t.lir:1:")) << bad << why(bad);
    EXPECT_NE(refusal("ops lift@3\n").find("no graph"), std::string::npos);
    // Attributes are those of the version that is listed.
    EXPECT_NE(refusal(with_node("ops lift@1, parameter@1\n", "lift(%0) {bias = 10}")).find("lift has no attribute"),
              std::string::npos);
}

// A row of the table: argmax took the first of equals before one could choose.
TEST(OpVersions, ArgmaxTookTheFirst) {
    const auto graph = parse_graph(
        "ops parameter@1, argmax@1\ngraph g() {\n  %0 = parameter \"x\" : f32[4]\n  %1 = argmax(%0) {axes = [0]} : "
        "i64[]\n"
        "  return \"y\" = %1\n}\n",
        "t.lir");
    EXPECT_NE(print(*graph).find("argmax(%0) {axes = [0], last = false}"), std::string::npos) << print(*graph);
    EXPECT_EQ(print_op_versions(*graph), "ops argmax@2, parameter@1\n");
}

// ---- files

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = ~0U;
    for (const char c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
    }
    return ~crc;
}

class ModelVersions : public testing_support::InFolder {
protected:
    ModelVersions()
        : model_(trace([](const Tensor& x) { return exp(x) * 2.0; }, {{"x", Dtype::f32, {"n"}}}, {.name = "m"})) {
        model_.save(path());
        bytes_ = read_file(path());
    }
    std::string path() const { return (folder_ / "m.lathe").string(); }

    template <class T>
    static void put(std::string& bytes, std::size_t at, T value) {
        std::memcpy(bytes.data() + at, &value, sizeof value);
    }
    std::string text() const {
        std::uint64_t size = 0;
        std::memcpy(&size, bytes_.data() + 16, sizeof size);
        return bytes_.substr(40, size);
    }
    // The file with another text and other versions, intact.
    Model load(const std::string& text, std::uint32_t format, std::uint32_t numerics = ir::numerics_version) const {
        std::string bytes = bytes_.substr(0, 40) + text;
        bytes.resize((bytes.size() + 63) / 64 * 64);
        put(bytes, 8, format);
        put(bytes, 12, numerics);
        put(bytes, 16, static_cast<std::uint64_t>(text.size()));
        put(bytes, 36, 0U);
        put(bytes, 36, crc32(bytes));
        return Model::parse(bytes, "m.lathe");
    }
    std::string refusal(const std::string& text, std::uint32_t format = 2,
                        std::uint32_t numerics = ir::numerics_version) const {
        try {
            load(text, format, numerics);
        } catch (const FormatError& e) {
            return e.what();
        }
        return {};
    }

    Model model_;
    std::string bytes_;
};

TEST_F(ModelVersions, AreInTheFile) {
    EXPECT_TRUE(text().starts_with("ops constant@1, exp@1, mul@1, parameter@1\ngraph m(n) {\n")) << text();
    const Tensor x = Tensor::from({0.5F, -1.0F});
    EXPECT_EQ(load(text(), 2)(x).to_array(), model_(x).to_array());
}

TEST_F(ModelVersions, ThatAreUnknownAreNamed) {
    std::string newer = text();
    newer.replace(newer.find("exp@1"), 5, "exp@7");
    EXPECT_NE(refusal(newer).find("version 7 of exp is newer than this library, which knows versions up to 1"),
              std::string::npos)
        << refusal(newer);
    EXPECT_NE(refusal(text(), 4).find("format version 4; this library reads up to 3"), std::string::npos);
    EXPECT_NE(refusal(text(), 0).find("format version 0; this library reads versions 2 and 3 alone"),
              std::string::npos);
}

// An older definition of the bits is no obstacle: the model computes by the present one, and says so when it is saved.
TEST_F(ModelVersions, OfNumericsAreNoNewerThanTheLibrarys) {
    ASSERT_EQ(ir::numerics_version, 2);
    EXPECT_TRUE(refusal(text(), 2, 3)
                    .ends_with(": m.lathe: byte 12: the file has numerics version 3; this library computes version 2"))
        << refusal(text(), 2, 3);
    EXPECT_NE(refusal(text(), 2, 0xffffffff).find("numerics version 4294967295; this library computes version 2"),
              std::string::npos);
    EXPECT_NE(refusal(text(), 2, 0).find("numerics version 0; this library computes version 2"), std::string::npos);

    const Model older = load(text(), 2, 1);
    const Tensor x = Tensor::from({0.5F, -1.0F, 30.25F});
    EXPECT_EQ(older(x).to_array(), model_(x).to_array());
    older.save(path());
    EXPECT_EQ(read_file(path()), bytes_);
}

// Whatever stands in the list, the file is read or refused.
TEST_F(ModelVersions, DamagedListsAreRefused) {
    const std::string good = text();
    const std::size_t end = good.find('\n');
    std::size_t read = 0;
    for (std::size_t at = 0; at < end; ++at)
        for (const char c : {'\0', ' ', '\n', '@', ',', '0', '9', 'x', '\xff'}) {
            std::string bad = good;
            bad[at] = c;
            const std::string why = refusal(bad);
            if (why.empty()) ++read;
            EXPECT_TRUE(why.empty() || why.find("m.lathe:") != std::string::npos) << bad.substr(0, end) << why;
        }
    EXPECT_LT(read, 30U);
}

}  // namespace
}  // namespace lathe
