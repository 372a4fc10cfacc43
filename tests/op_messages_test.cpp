// What the text form says of every misuse of every op: the rows' samples, made wrong in one way each. The messages are
// kept in op_messages.txt without the line that they show, each with the misuses and ops that it answers; the op's name
// in it is written OP. LATHE_REWRITE_EXPECTATIONS=1 writes that file.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ir/error.h"
#include "ir/graph/text.h"
#include "ir/ops/ops.h"
#include "ir/ops/samples.h"
#include "ir/text/attributes.h"
#include "tests/kept_text.h"

namespace lathe::testing_support {
namespace {

using ir::AttributeMeaning;
using ir::Dtype;
using ir::OpDef;
using ir::Sample;
using ir::Type;

// A node as a text has it: every part may be wrong.
struct Written {
    std::vector<Type> operands;
    std::vector<std::pair<std::string, std::string>> attributes;  // name, value
    std::string results;
    std::vector<std::string> regions;  // whole, with their indentation
    std::string symbols = "";
};

// Misuses and the message that answers each.
using Answers = std::map<std::string, std::map<std::string, std::set<std::string>>>;  // message, misuse, ops

Dtype usual_dtype(const OpDef& op) {
    for (const Dtype d : {Dtype::f32, Dtype::i32, Dtype::u64, Dtype::boolean})
        if (op.dtypes.contains(d)) return d;
    return Dtype::f32;
}

// The sample with the most dimensions among those that have elements.
Sample usual_sample(const OpDef& op) {
    std::vector<Sample> samples = ir::samples::of(op, usual_dtype(op));
    const auto rank = [](const Sample& s) {
        std::size_t total = 0;
        for (const Type& t : s.operands) {
            if (t.shape.element_count() == ir::Dim(0)) return std::size_t{0};
            total += 1 + t.shape.rank();
        }
        return total;
    };
    return *std::ranges::max_element(samples, {}, rank);
}

Written written(const OpDef& op, const Sample& sample) {
    // Printed, and taken apart again: regions are texts of several lines.
    ir::Graph graph;
    std::vector<ir::Value> operands;
    for (const Type& t : sample.operands) operands.push_back(graph.add_parameter("x", t));
    const ir::Node& node = graph.add(op, operands, sample.attributes);
    Written out{sample.operands, {}, "", {}, ""};
    for (const Type& t : node.results) out.results += (out.results.empty() ? "" : ", ") + t.to_string();
    for (const ir::AttributeDef& def : op.attributes)
        if (def.kind() != ir::AttributeKind::region) {
            const std::string one =
                ir::print_attributes({&def, 1}, std::span(node.attributes).subspan(def.slot, 1), {});
            const std::size_t equals = one.find(" = ");
            out.attributes.emplace_back(def.name, one.substr(equals + 3, one.size() - equals - 4));
        } else {
            const auto& region = std::get<ir::Region>(node.attributes[def.slot]);
            const std::vector<std::string> no_symbols;
            out.regions.push_back(ir::print(*region.graph, ir::Locs::hide, ir::Literals::whole, no_symbols, "    "));
        }
    return out;
}

std::string answer_to(const std::string& text) {
    try {
        (void)ir::parse_graph(text, "m.lir");
        return "";
    } catch (const FormatError& e) {
        return e.what();
    } catch (const std::exception& e) {
        ADD_FAILURE() << "no fault of a text: " << e.what() << "\n" << text;
        return "";
    }
}

std::string text_of(const OpDef& op, const Written& w) {
    std::string text = "graph main(" + w.symbols + ") {\n", list;
    for (std::size_t i = 0; i < w.operands.size(); ++i) {
        text += "  %" + std::to_string(i) + " = parameter \"x" + std::to_string(i) +
                "\" : " + w.operands[i].to_string() + "\n";
        list += (i == 0 ? "%" : ", %") + std::to_string(i);
    }
    const std::string name = "%" + std::to_string(w.operands.size());
    text += "  " + name + " = " + std::string(op.name) + (list.empty() ? "" : "(" + list + ")");
    for (std::size_t i = 0; i < w.attributes.size(); ++i)
        text += (i == 0 ? " {" : ", ") + w.attributes[i].first + " = " + w.attributes[i].second;
    text += (w.attributes.empty() ? " : " : "} : ") + w.results;
    if (!w.regions.empty()) {
        text += " {\n";
        for (const std::string& region : w.regions) text += region;
        text += "  }";
    }
    return text + "\n  return \"y\" = " + name + "#0\n}\n";
}

// The message with which the text is refused; empty where it is not.
std::string answer(const OpDef& op, const Written& w) { return answer_to(text_of(op, w)); }

// The name of the op as a whole word becomes OP.
std::string without_name(std::string message, const OpDef& op) {
    const std::string name(op.name);
    const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    for (std::size_t at = message.find(name); at != std::string::npos; at = message.find(name, at + 1)) {
        const std::size_t end = at + name.size();
        const bool whole = (at == 0 || !is_word(message[at - 1])) && (end == message.size() || !is_word(message[end]));
        if (whole) message.replace(at, name.size(), "OP");
    }
    return message;
}

// Keeps a message with what it answers; it has to show the place in the text, the line itself and what in it is meant.
void keep(Answers& answers, const OpDef& op, const std::string& misuse, const std::string& message) {
    EXPECT_TRUE(message.starts_with("m.lir:")) << message;
    EXPECT_NE(message.find("\n  "), std::string::npos) << message;
    EXPECT_NE(message.find('^'), std::string::npos) << message;
    answers[without_name(message.substr(0, message.find('\n')), op)][misuse].insert(std::string(op.name));
}

class Misuses {
public:
    Misuses(const OpDef& op, Answers& answers) : op_(op), answers_(answers) {}

    void try_all() {
        const Sample sample = usual_sample(op_);
        right_ = written(op_, sample);
        ASSERT_EQ(answer(op_, right_), "") << text_of(op_, right_);
        operands();
        dtypes();
        shapes();
        symbols();
        for (std::size_t i = 0; i < right_.attributes.size(); ++i) attribute(i);
        attributes();
        regions();
        change("a result of another type", [](Written& w) { w.results = "u16[77]"; });
        EXPECT_GT(refused_, 3) << op_.name;
    }

private:
    template <class F>
    void change(const std::string& misuse, const F& f) {
        Written wrong = right_;
        f(wrong);
        const std::string message = answer(op_, wrong);
        if (message.empty()) return;
        ++refused_;
        keep(answers_, op_, misuse, message);
    }

    void operands() {
        change("no operands", [](Written& w) { w.operands.clear(); });
        change("an operand too few", [](Written& w) {
            if (!w.operands.empty()) w.operands.pop_back();
        });
        change("an operand too many", [](Written& w) {
            if (!w.operands.empty()) w.operands.push_back(w.operands.back());
        });
    }

    void dtypes() {
        const Dtype usual = usual_dtype(op_);
        for (const Dtype d : {Dtype::boolean, Dtype::i32, Dtype::f32}) {
            if (op_.dtypes.contains(d)) continue;
            change("a dtype that is not taken", [&](Written& w) {
                for (Type& t : w.operands)
                    if (t.dtype == usual) t.dtype = d;
            });
        }
        for (std::size_t i = 0; i < right_.operands.size(); ++i)
            for (const Dtype d : {Dtype::f64, Dtype::f32, Dtype::i64, Dtype::boolean})
                if (d != right_.operands[i].dtype && right_.operands.size() > 1)
                    change("operand " + std::to_string(i) + " of another dtype",
                           [&](Written& w) { w.operands[i].dtype = d; });
    }

    void shapes() {
        for (std::size_t i = 0; i < right_.operands.size(); ++i) {
            const std::string who = "operand " + std::to_string(i);
            change(who + " of rank 0", [&](Written& w) { w.operands[i].shape = {}; });
            change(who + " with a dimension more", [&](Written& w) {
                ir::Shape shape{2};
                for (const ir::Dim d : w.operands[i].shape) shape.push_back(d);
                w.operands[i].shape = shape;
            });
            for (std::size_t k = 0; k < right_.operands[i].shape.rank(); ++k)
                change(who + " with another extent",
                       [&](Written& w) { w.operands[i].shape[k] = w.operands[i].shape[k] + 3; });
        }
    }

    // Of each extent in turn, that all of its length are n, but this one n + 1; and ranks that are as high as there
    // are.
    void symbols() {
        const ir::Dim n = ir::Dim::symbol(0);
        for (std::size_t i = 0; i < right_.operands.size(); ++i)
            for (std::size_t k = 0; k < right_.operands[i].shape.rank(); ++k) {
                Written wrong = right_;
                const ir::Dim extent = wrong.operands[i].shape[k];
                wrong.symbols = "n";
                for (Type& t : wrong.operands)
                    for (std::size_t d = 0; d < t.shape.rank(); ++d)
                        if (t.shape[d] == extent) t.shape[d] = n;
                wrong.operands[i].shape[k] = n + 1;
                const std::string message = answer(op_, wrong);
                // That the result is another one, too, is no news.
                if (message.find(" gives ") != std::string::npos || message.empty()) continue;
                keep(answers_, op_, "operand " + std::to_string(i) + " with n + 1 where others have n", message);
            }
        change("operands of the highest rank", [](Written& w) {
            for (Type& t : w.operands) t.shape = ir::Shape(std::vector<std::int64_t>(ir::max_rank, 1));
        });
    }

    void attribute(std::size_t i) {
        const std::string name = right_.attributes[i].first;
        const auto def = std::ranges::find(op_.attributes, name, &ir::AttributeDef::name);
        const auto with = [&](const std::string& misuse, const std::vector<std::string>& values) {
            for (const std::string& value : values)
                change(misuse + ": " + value, [&](Written& w) { w.attributes[i].second = value; });
        };
        const std::string what = std::string(meaning_name(def->meaning));
        change(what + " left out",
               [&](Written& w) { w.attributes.erase(w.attributes.begin() + static_cast<long>(i)); });
        change(what + " given twice", [&](Written& w) { w.attributes.push_back(w.attributes[i]); });
        with(what + " of another kind", {"true", "7", "[7]", "\"seven\"", "f32[] 7", "nonsense", "f99"});
        switch (def->meaning) {
            case AttributeMeaning::axis:
                with(what, {"9", "-9"});
                break;
            case AttributeMeaning::axes:
            case AttributeMeaning::permutation:
                with(what, {"[9]", "[-9]", "[0, 0]", "[0]", "[]", "[0, 1, 2, 3]"});
                break;
            case AttributeMeaning::shape:
            case AttributeMeaning::sizes:
            case AttributeMeaning::starts:
            case AttributeMeaning::strides:
            case AttributeMeaning::padding:
            case AttributeMeaning::bound: {
                with(what, {"[]", "[1, 2, 3, 4, 5, 6, 7]"});
                ir::Lexer lexer(right_.attributes[i].second, "m.lir");
                lexer.first_line();
                const std::size_t entries = ir::parse_shape(lexer, {}).rank();
                for (const std::string entry : {"-99", "99"}) {
                    std::string list = "[";
                    for (std::size_t k = 0; k < entries; ++k) list += (k == 0 ? "" : ", ") + entry;
                    with(what, {list + "]"});
                }
                break;
            }
            case AttributeMeaning::steps:
            case AttributeMeaning::blocks: {
                with(what, {"[]", "[1, 2, 3, 4, 5, 6, 7]"});
                const auto entries = static_cast<std::size_t>(std::ranges::count(right_.attributes[i].second, ',') + 1);
                for (const std::string entry : {"0", "-1", "4294967296"}) {
                    std::string list = "[";
                    for (std::size_t k = 0; k < entries; ++k) list += (k == 0 ? "" : ", ") + entry;
                    with(what, {list + "]"});
                }
                break;
            }
            case AttributeMeaning::number:
                with(what, {"-1", "0", "99", "9223372036854775807"});
                break;
            case AttributeMeaning::dtype:
                with(what, {"bool", "f32", "i8"});
                break;
            case AttributeMeaning::flag:
            case AttributeMeaning::literal:
            case AttributeMeaning::name:
            case AttributeMeaning::region:
                break;
        }
    }

    static std::string_view meaning_name(AttributeMeaning meaning) {
        const std::string_view text = ir::describe(meaning);
        return text.substr(0, text.find(':'));
    }

    void attributes() {
        change("an attribute that there is not",
               [](Written& w) { w.attributes.insert(w.attributes.begin(), {"nonsense", "1"}); });
        change("an attribute without a value",
               [](Written& w) { w.attributes.insert(w.attributes.begin(), {"nonsense", ""}); });
    }

    void regions() {
        change("a region where none belongs", [](Written& w) {
            w.regions.emplace_back(
                "    graph g() {\n      %0 = constant {value = f32[] 1} : f32[]\n"
                "      return \"y\" = %0\n    }\n");
        });
        for (std::size_t i = 0; i < right_.regions.size(); ++i) {
            const auto at = [i](Written& w) -> std::string& { return w.regions[i]; };
            change("a region left out", [&](Written& w) { w.regions.erase(w.regions.begin() + static_cast<long>(i)); });
            change("a region that takes nothing", [&](Written& w) {
                at(w) =
                    "    graph g() {\n      %0 = constant {value = f32[] 1} : f32[]\n      return \"y\" = %0\n    }\n";
            });
            change("a region that gives another type", [&](Written& w) {
                std::string& text = at(w);
                const std::size_t end = text.rfind("      return ");
                text = text.substr(0, end) +
                       "      %99 = constant {value = u8[2] 1} : u8[2]\n      return \"y\" = %99\n    }\n";
            });
            change("a region with symbols", [&](Written& w) {
                std::string& text = at(w);
                text.replace(text.find('('), 2, "(n)");
            });
            change("a region that gives a value more", [&](Written& w) {
                std::string& text = at(w);
                text.insert(text.find("return ") + 7, "\"more\" = %0, ");
            });
            change("a region that gives nothing", [&](Written& w) {
                std::string& text = at(w);
                text = text.substr(0, text.rfind("      return ")) + "    }\n";
            });
        }
    }

    const OpDef& op_;
    Answers& answers_;
    Written right_;
    int refused_ = 0;
};

// What makes values out of nothing has a form of its own: misuses, with the statement.
struct WrongSource {
    const OpDef& op;
    std::string misuse, statement;
};
const WrongSource wrong_sources[] = {
    {ir::ops::parameter, "no name", "parameter : f32[2]"},
    {ir::ops::parameter, "a name without quotes", "parameter x : f32[2]"},
    {ir::ops::parameter, "a name that stays open", "parameter \"x : f32[2]"},
    {ir::ops::parameter, "no type", "parameter \"x\""},
    {ir::ops::parameter, "two types", "parameter \"x\" : f32[2], f32[2]"},
    {ir::ops::parameter, "an unknown dtype", "parameter \"x\" : f12[2]"},
    {ir::ops::parameter, "no extents", "parameter \"x\" : f32"},
    {ir::ops::parameter, "an unknown symbol", "parameter \"x\" : f32[m]"},
    {ir::ops::parameter, "a negative extent", "parameter \"x\" : f32[-1]"},
    {ir::ops::parameter, "a fraction as an extent", "parameter \"x\" : f32[2.5]"},
    {ir::ops::parameter, "an extent of 70 bits", "parameter \"x\" : f32[999999999999999999999]"},
    {ir::ops::parameter, "nine dimensions", "parameter \"x\" : f32[1, 1, 1, 1, 1, 1, 1, 1, 1]"},
    {ir::ops::parameter, "an operand", "parameter(%0) \"x\" : f32[2]"},
    {ir::ops::parameter, "steady of another kind", "parameter \"x\" {steady = 7} : f32[2]"},
    {ir::ops::parameter, "steady twice", "parameter \"x\" {steady = true, steady = true} : f32[2]"},
    {ir::ops::parameter, "an attribute that there is not", "parameter \"x\" {nonsense = 1} : f32[2]"},
    {ir::ops::parameter, "a region where none belongs", "parameter \"x\" : f32[2] {"},
    {ir::ops::constant, "a name", "constant \"c\" {value = f32[] 1} : f32[]"},
    {ir::ops::constant, "no attribute", "constant : f32[]"},
    {ir::ops::constant, "no type", "constant {value = f32[] 1}"},
    {ir::ops::constant, "value of another kind", "constant {value = 7} : f32[]"},
    {ir::ops::constant, "value of another kind", "constant {value = [7]} : f32[]"},
    {ir::ops::constant, "value of another kind", "constant {value = \"seven\"} : f32[]"},
    {ir::ops::constant, "value of another kind", "constant {value = true} : f32[]"},
    {ir::ops::constant, "value twice", "constant {value = f32[] 1, value = f32[] 1} : f32[]"},
    {ir::ops::constant, "another type than the value's", "constant {value = f32[2] 1} : f32[3]"},
    {ir::ops::constant, "another dtype than the value's", "constant {value = f32[2] 1} : i32[2]"},
    {ir::ops::constant, "too few elements", "constant {value = f32[3] {1, 2}} : f32[3]"},
    {ir::ops::constant, "too many elements", "constant {value = f32[1] {1, 2}} : f32[1]"},
    {ir::ops::constant, "no element", "constant {value = f32[]} : f32[]"},
    {ir::ops::constant, "a word as an element", "constant {value = f32[] one} : f32[]"},
    {ir::ops::constant, "an element that the dtype does not hold", "constant {value = i8[] 300} : i8[]"},
    {ir::ops::constant, "a fraction among integers", "constant {value = i8[] 1.5} : i8[]"},
    {ir::ops::constant, "a negative unsigned element", "constant {value = u8[] -1} : u8[]"},
    {ir::ops::constant, "a number as a boolean", "constant {value = bool[] 7} : bool[]"},
    {ir::ops::constant, "a symbolic extent", "constant {value = f32[n] 1} : f32[n]"},
    {ir::ops::constant, "a negative extent", "constant {value = f32[-1] 1} : f32[-1]"},
    {ir::ops::constant, "an operand", "constant(%0) {value = f32[] 1} : f32[]"},
    {ir::ops::constant, "an attribute that there is not", "constant {value = f32[] 1, nonsense = 1} : f32[]"},
    {ir::ops::constant, "a region where none belongs", "constant {value = f32[] 1} : f32[] {"},
};

void misuse_sources(Answers& answers) {
    std::set<const OpDef*> misused;
    for (const WrongSource& wrong : wrong_sources) {
        const std::string message =
            answer_to("graph main(n) {\n  %0 = parameter \"a\" : f32[n]\n  %1 = " + wrong.statement +
                      "\n  return \"y\" = %1\n}\n");
        EXPECT_NE(message, "") << wrong.statement;
        if (!message.empty()) keep(answers, wrong.op, wrong.misuse, message);
        misused.insert(&wrong.op);
    }
    for (const OpDef* op : ir::op_table())
        EXPECT_TRUE(op->lowering != ir::Lowering::source || misused.contains(op)) << op->name;
}

TEST(OpMessages, OfTextsAreTheseForEveryMisuse) {
    Answers answers;
    for (const OpDef* op : ir::op_table())
        if (op->lowering != ir::Lowering::source) Misuses(*op, answers).try_all();
    misuse_sources(answers);
    std::map<std::string, std::string> by_misuse;
    for (const auto& [message, misuses] : answers) {
        std::string block = message + "\n";
        for (const auto& [misuse, ops] : misuses) {
            block += "    " + misuse + ":";
            for (const std::string& op : ops) block += " " + op;
            block += "\n";
        }
        by_misuse[misuses.begin()->first + "\n" + message] = block;
    }
    std::string text;
    for (const auto& [key, block] : by_misuse) text += block + "\n";
    expect_kept("tests/op_messages.txt", text);
}

}  // namespace
}  // namespace lathe::testing_support
