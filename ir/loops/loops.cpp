#include "ir/loops/loops.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ir/ascii.h"
#include "ir/loops/interpret.h"
#include "ir/loops/text.h"
#include "ir/loops/walk.h"

namespace lathe::ir {

Symbol LoopNest::add_symbol(SymbolRole role, std::string name) {
    symbols.push_back({role, std::move(name)});
    return static_cast<Symbol>(symbols.size() - 1);
}

BufferId LoopNest::add_buffer(Buffer buffer) {
    buffers.push_back(std::move(buffer));
    return static_cast<BufferId>(buffers.size() - 1);
}

ValueId LoopNest::add_value(Dtype dtype) {
    value_dtypes.push_back(dtype);
    return static_cast<ValueId>(value_dtypes.size() - 1);
}

std::size_t LoopNest::extent_count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(symbols, [](const LoopSymbol& s) { return s.role == SymbolRole::extent; }));
}

std::size_t LoopNest::argument_count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(buffers, [](const Buffer& b) { return b.role != BufferRole::scratch; }));
}

std::vector<std::string> LoopNest::symbol_names() const {
    std::vector<std::string> names;
    names.reserve(symbols.size());
    for (const LoopSymbol& s : symbols) names.push_back("%" + s.name);
    return names;
}

const Loop* LoopNest::parallel_loop() const {
    const Loop* found = nullptr;
    for_each_statement(body, [&](const Stmt& s) {
        const auto* const loop = std::get_if<Loop>(&s.node);
        if (found == nullptr && loop != nullptr && loop->kind == LoopKind::parallel) found = loop;
    });
    return found;
}

const ScalarProgram& program_of(const Compute& c, std::span<const Dtype> operands, Dtype result) {
    if (c.part == ComputePart::scalar) return scalar_program(*c.op, operands, c.attributes, result);
    return reducer_program(*c.op, static_cast<ReducerPart>(static_cast<int>(c.part) - 1), c.elements, c.attributes);
}

const ScalarProgram& program_of(const Reduce& r, ReducerPart part) {
    if (r.merges && part == ReducerPart::step) part = ReducerPart::combine;
    return reducer_program(*r.op, part, r.elements, r.attributes);
}

std::int64_t parallel_trips(const LoopNest& nest, std::span<const std::int64_t> extents) {
    const Loop* const loop = nest.parallel_loop();
    if (loop == nullptr) return 1;
    const auto extent = loop->extent.evaluate(extents);
    if (!extent) throw InternalError("kernel " + nest.name + ": the extent of its parallel loop has no value");
    return *extent <= 0 ? 0 : (*extent - 1) / loop->step + 1;
}

namespace {

// Distinct names that the text form can hold; a clash or an unfit name gets a suffix.
class NameTable {
public:
    explicit NameTable(std::string_view fallback) : fallback_(fallback) {}
    std::string claim(std::string_view wanted) {
        std::string base;
        for (char c : wanted)
            if (is_alphanumeric(c) || c == '_' || c == '.') base += c;
        if (base.empty() || is_digit(base[0])) base = std::string(fallback_) + base;
        std::string name = base;
        for (int i = 1; !taken_.insert(name).second; ++i) name = base + "_" + std::to_string(i);
        return name;
    }

private:
    std::string_view fallback_;
    std::unordered_set<std::string> taken_;
};

class Canonicalizer {
public:
    Canonicalizer(const LoopNest& nest, Names names) : from_(nest), names_(names) {}

    LoopNest run() {
        to_ = from_;
        to_.symbols.clear();
        to_.value_dtypes.clear();
        to_.buffers.clear();
        if (names_ == Names::anonymous) to_.name = "kernel";
        for (std::size_t s = 0; s < from_.symbols.size(); ++s)
            if (from_.symbols[s].role == SymbolRole::extent) define(static_cast<Symbol>(s));
        for (std::size_t b = 0; b < from_.buffers.size(); ++b)
            if (from_.buffers[b].role != BufferRole::scratch) define_buffer(static_cast<BufferId>(b));
        renumber(to_.body);
        return std::move(to_);
    }

private:
    void define(Symbol s) {
        if (s >= from_.symbols.size()) throw InternalError("kernel " + from_.name + ": undeclared symbol");
        if (symbols_.contains(s)) return;
        const LoopSymbol& old = from_.symbols[s];
        const std::string_view role = old.role == SymbolRole::extent ? "n" : old.role == SymbolRole::loop ? "i" : "g";
        std::string name = symbol_names_.claim(names_ == Names::keep ? std::string_view(old.name) : role);
        symbols_[s] = to_.add_symbol(old.role, std::move(name));
    }

    void define_buffer(BufferId b) {
        if (b < 0 || static_cast<std::size_t>(b) >= from_.buffers.size())
            throw InternalError("kernel " + from_.name + ": undeclared buffer");
        if (buffers_.contains(b)) return;
        Buffer copy = from_.buffers[static_cast<std::size_t>(b)];
        copy.name = buffer_names_.claim(names_ == Names::keep ? std::string_view(copy.name) : "b");
        for (std::size_t d = 0; d < copy.type.shape.rank(); ++d) copy.type.shape[d] = map(copy.type.shape[d]);
        buffers_[b] = to_.add_buffer(std::move(copy));
    }

    Dim map(Dim d) {
        return d.substitute([this](Symbol s) {
            define(s);
            return Dim::symbol(symbols_[s]);
        });
    }

    ValueId map_value(ValueId v) {
        const auto at = values_.find(v);
        if (at == values_.end()) throw InternalError("kernel " + from_.name + ": use of a value before its definition");
        return at->second;
    }

    struct Renumber {
        Canonicalizer& c;
        void uses(ValueId& v) { v = c.map_value(v); }
        void index(Dim& d) { d = c.map(d); }
        void access(BufferId& b, Effect, std::vector<Dim>& index, std::vector<Dim>& guards) {
            for (Dim& d : index) d = c.map(d);
            for (Dim& d : guards) d = c.map(d);
            allocates(b);
        }
        void allocates(BufferId& b) {
            c.define_buffer(b);
            b = c.buffers_[b];
        }
        void defines(ValueId& v) {
            if (v < 0 || static_cast<std::size_t>(v) >= c.from_.value_dtypes.size())
                throw InternalError("kernel " + c.from_.name + ": undeclared value");
            const ValueId fresh = c.to_.add_value(c.from_.value_dtypes[static_cast<std::size_t>(v)]);
            c.values_[v] = fresh;
            v = fresh;
        }
        void defines(Symbol& s, SymbolRole) {
            c.define(s);
            s = c.symbols_[s];
        }
        void body(Statements& statements) { c.renumber(statements); }
    };

    void renumber(Statements& statements) {
        for (Stmt& s : statements) describe(s, Renumber{*this});
    }

    const LoopNest& from_;
    Names names_;
    LoopNest to_;
    std::unordered_map<Symbol, Symbol> symbols_;
    std::unordered_map<BufferId, BufferId> buffers_;
    std::unordered_map<ValueId, ValueId> values_;
    NameTable symbol_names_{"s"}, buffer_names_{"b"};
};

}  // namespace

LoopNest canonical(const LoopNest& nest, Names names) { return Canonicalizer(nest, names).run(); }

}  // namespace lathe::ir
