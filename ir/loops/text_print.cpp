#include <cstdio>

#include "ir/loops/text.h"
#include "ir/loops/walk.h"
#include "ir/text/attributes.h"

namespace lathe::ir {

namespace {

std::string hex(std::uint64_t bits) {
    char text[20];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(bits));
    return text;
}

class Printer {
public:
    explicit Printer(const LoopNest& nest) : nest_(nest), names_(nest.symbol_names()) {}

    std::string run() {
        out_ = in_quotes_unless_word(nest_.name) + "(";
        bool first = true;
        for (std::size_t s = 0; s < nest_.symbols.size(); ++s) {
            if (nest_.symbols[s].role != SymbolRole::extent) continue;
            out_ += (first ? "" : ", ") + names_[s];
            first = false;
        }
        out_ += ") {\n";
        for (const Buffer& b : nest_.buffers) {
            out_ += b.role == BufferRole::input ? "  in " : b.role == BufferRole::output ? "  out " : "  scratch ";
            out_ += b.name + ": " + b.type.to_string(names_) + "\n";
        }
        body(nest_.body, 1);
        return out_ + "}\n";
    }

private:
    std::string dim(Dim d) const { return d.to_string(names_); }
    std::string symbol(Symbol s) const { return nest_.symbols[s].name; }
    std::string type(ValueId v) const { return std::string(name(nest_.value_dtypes[static_cast<std::size_t>(v)])); }
    static std::string value(ValueId v) { return std::string("%").append(std::to_string(v)); }

    template <class Range, class F>
    static std::string list(const Range& items, F&& f) {
        std::string out;
        for (const auto& item : items) out += (out.empty() ? "" : ", ") + f(item);
        return out;
    }
    std::string values(const std::vector<ValueId>& ids) const { return list(ids, value); }
    std::string types(const std::vector<ValueId>& ids) const {
        return list(ids, [this](ValueId v) { return type(v); });
    }
    std::string dims(const std::vector<Dim>& ds) const {
        return list(ds, [this](Dim d) { return dim(d); });
    }
    static std::string dtypes(const std::vector<Dtype>& ds) {
        return list(ds, [](Dtype d) { return std::string(name(d)); });
    }
    std::string element(BufferId b, const std::vector<Dim>& index) const {
        return nest_.buffers[static_cast<std::size_t>(b)].name + "[" + dims(index) + "]";
    }
    std::string conditions(const std::vector<Dim>& guards) const {
        return list(guards, [this](Dim d) { return dim(d) + " >= 0"; });
    }
    std::string guarded(const std::vector<Dim>& guards) const {
        return guards.empty() ? "" : " if " + conditions(guards);
    }

    // Of a reducer: what it sees.
    std::string attributes(const OpDef& op, const Attributes& all, bool of_reducer) const {
        return print_attributes(op.attributes, all, names_, Literals::whole, of_reducer ? reaches_scalars : nullptr);
    }

    std::string compute(const Compute& c) const {
        static constexpr std::string_view parts[] = {"", ".init", ".step", ".combine", ".finish"};
        std::string out = values(c.results) + " = " + std::string(c.op->name);
        out += parts[static_cast<std::size_t>(c.part)];
        out += "(" + values(c.operands) + ")";
        out += attributes(*c.op, c.attributes, c.part != ComputePart::scalar);
        if (!c.elements.empty()) out += " of " + dtypes(c.elements);
        return out + " : " + types(c.results);
    }

    std::string loop_header(const Loop& l) const {
        std::string kind;
        switch (l.kind) {
            case LoopKind::serial:
                kind = "serial";
                break;
            case LoopKind::parallel:
                kind = "parallel";
                break;
            case LoopKind::vector:
                kind = "vector(" + std::to_string(l.width) + ")";
                break;
            case LoopKind::unroll:
                kind = "unroll";
                break;
        }
        return kind + " " + symbol(l.var) + " in " + dim(l.extent) +
               (l.step == 1 ? "" : " step " + std::to_string(l.step)) + (l.only ? " only " + dim(*l.only) : "") + " {";
    }

    std::string reduce_header(const Reduce& r) const {
        std::string out = values(r.results) + " = reduce " + std::string(r.op->name) +
                          attributes(*r.op, r.attributes, true) + " of " + dtypes(r.elements) + " over " +
                          symbol(r.var) + " in " + dim(r.extent) + " lanes " + std::to_string(r.lanes) + " block " +
                          std::to_string(r.block);
        if (r.width > 1) out += " width " + std::to_string(r.width);
        if (r.index_base != Dim(0)) out += " base " + dim(r.index_base);
        if (r.merges) out += " merging";
        if (!r.finish) out += " partial";
        return out + " : " + types(r.results) + " {";
    }

    void body(const Statements& statements, int depth) {
        const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
        for (const Stmt& s : statements) {
            out_ += indent;
            std::visit(
                Overloaded{
                    [&](const Load& l) {
                        out_ += value(l.result) + " = load " + element(l.buffer, l.index) + guarded(l.guards);
                    },
                    [&](const Store& st) {
                        out_ += "store " + element(st.buffer, st.index) + ", " + value(st.value) +
                                (st.streaming ? " streaming" : "") + guarded(st.guards);
                    },
                    [&](const Compute& c) { out_ += compute(c); },
                    [&](const Constant& c) {
                        out_ += value(c.result) + " = constant " + hex(c.bits) + " : " + type(c.result);
                    },
                    [&](const IndexValue& i) { out_ += value(i.result) + " = index " + dim(i.index); },
                    [&](const Condition& c) { out_ += value(c.result) + " = condition " + conditions(c.guards); },
                    [&](const BindIndex& b) {
                        out_ += "bind " + symbol(b.symbol) + " = " + value(b.value) + " in " + dim(b.bound) + " at " +
                                dim(b.position) + " site " + std::to_string(b.site) + guarded(b.guards);
                    },
                    [&](const Alloc& a) { out_ += "alloc " + nest_.buffers[static_cast<std::size_t>(a.buffer)].name; },
                    [&](const Loop& l) {
                        out_ += loop_header(l) + "\n";
                        body(l.body, depth + 1);
                        out_ += indent + "}";
                    },
                    [&](const Reduce& r) {
                        out_ += reduce_header(r) + "\n";
                        body(r.body, depth + 1);
                        out_ += indent + "  fold " + values(r.element) + "\n" + indent + "}";
                    },
                },
                s.node);
            out_ += "\n";
        }
    }

    const LoopNest& nest_;
    std::vector<std::string> names_;
    std::string out_;
};

}  // namespace

std::string print(const LoopNest& nest) { return Printer(canonical(nest)).run(); }

}  // namespace lathe::ir
