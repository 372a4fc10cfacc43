#include "ir/program/interpret.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "ir/error.h"
#include "ir/float_environment.h"
#include "ir/graph/interpret.h"
#include "ir/loops/interpret.h"
#include "ir/loops/text.h"
#include "ir/loops/walk.h"
#include "ir/ops/op.h"
#include "ir/program/index_maps.h"

namespace lathe::ir {
namespace {

// All elements of a literal.
std::vector<std::byte> elements_of(const Literal& literal, std::size_t bytes) {
    std::vector<std::byte> out(bytes);
    const std::vector<std::byte>& from = *literal.bytes;
    for (std::size_t at = 0; at < bytes; at += from.size())
        std::memcpy(out.data() + at, from.data(), std::min(from.size(), bytes - at));
    return out;
}

class Interpreter {
public:
    Interpreter(const Program& program, std::span<const Literal> inputs) : program_(program) {
        bind(inputs);
        memory_.resize(program.buffers.size());
        for (std::size_t b = 0; b < program.buffers.size(); ++b) {
            const Program::Buffer& buffer = program.buffers[b];
            const std::size_t bytes = bytes_of(buffer.memory_type());
            if (buffer.origin == Program::Origin::input)
                memory_[b] = elements_of(inputs[b], bytes);
            else if (buffer.origin == Program::Origin::constant)
                memory_[b] = elements_of(buffer.constant, bytes);
            else
                memory_[b].assign(bytes, std::byte{0x5A});  // whatever was there
        }
    }

    std::vector<Literal> run() {
        run(program_.steps);
        std::vector<Literal> out;
        for (const Program::Result& r : program_.results)
            out.push_back(make_literal(concrete(program_.buffers[r.buffer].type), memory_[r.buffer]));
        return out;
    }

private:
    void run(const std::vector<Program::Step>& steps) {
        for (const Program::Step& step : steps)
            std::visit(
                Overloaded{[&](const Program::Fused& f) { fused(f); }, [&](const Program::Kernel& k) { kernel(k); },
                           [&](const Program::Call& c) { call(c); },
                           [&](const Program::Batch& b) {  // in any order: the last first
                               for (std::size_t i = b.kernels.size(); i-- > 0;) kernel(b.kernels[i]);
                           },
                           [&](const Program::Branch& b) {
                               run(memory_[b.predicate][0] != std::byte{0} ? b.then_steps : b.else_steps);
                           },
                           [&](const Program::Loop& l) { loop(l); }},
                step.node);
    }

    void loop(const Program::Loop& l) {
        std::int64_t& i = symbols_[l.iteration];
        for (i = 0; !l.trips || i < value_of(*l.trips); ++i) {
            run(l.test);
            if (l.goes_on && memory_[*l.goes_on][0] == std::byte{0}) break;
            run(l.body);
            for (const Program::Loop::Stacked& s : l.stacked) {
                const std::vector<std::byte>& slice = memory_[s.slice];
                const auto at = static_cast<std::size_t>(value_of(s.index));
                if (!slice.empty() && at >= memory_[s.stack].size() / slice.size())
                    throw InternalError("a slice lies outside of its stack");
                std::ranges::copy(slice, memory_[s.stack].begin() + static_cast<std::ptrdiff_t>(at * slice.size()));
            }
            for (const Program::Loop::Carried& c : l.carried) std::swap(memory_[c.current], memory_[c.next]);
        }
    }

    // Values of the symbols, as graphs have them.
    void bind(std::span<const Literal> inputs) {
        Graph signature;
        signature.symbols.assign(program_.symbols.begin(),
                                 program_.symbols.begin() + static_cast<std::ptrdiff_t>(program_.symbol_count()));
        signature.preconditions = program_.preconditions;
        std::vector<Type> types;
        for (std::size_t i = 0; i < program_.input_count(); ++i)
            signature.add_parameter(program_.buffers[i].name, program_.buffers[i].type);
        for (const Literal& x : inputs) types.push_back(x.type);
        symbols_ = bind_symbols(signature, types);
        symbols_.resize(program_.symbols.size(), 0);
    }

    std::int64_t value_of(Dim d) const {
        if (const auto value = d.evaluate(symbols_)) return *value;
        throw InternalError("an extent of the program has no value: " + d.to_string(program_.symbols));
    }
    Type concrete(Type type) const {
        for (std::size_t i = 0; i < type.shape.rank(); ++i) type.shape[i] = value_of(type.shape[i]);
        return type;
    }
    std::size_t bytes_of(const Type& type) const {
        const Type sized = concrete(type);
        const bool fits =
            sized.is_addressable() && std::ranges::none_of(sized.shape, [](Dim d) { return d.constant() < 0; });
        if (!fits) throw InternalError("no memory is " + sized.to_string());
        return static_cast<std::size_t>(sized.shape.element_count().constant()) * size_of(type.dtype);
    }

    // ---- groups, by the nodes' own interpreter

    void fused(const Program::Fused& f) {
        values_.clear();
        for (std::size_t i = 0; i < f.inputs.size(); ++i) values_[key(f.group.inputs[i])] = from_memory(f.inputs[i]);
        for (const Node* member : f.group.members) compute(*member);
        std::vector<std::vector<std::byte>> results;
        for (const Value& v : f.group.outputs) results.push_back(to_memory(value(v), layout_of(v)));
        for (std::size_t i = 0; i < results.size(); ++i) memory_[f.outputs[i]] = std::move(results[i]);
    }

    using Key = std::uint64_t;
    static Key key(Value v) { return (std::uint64_t{v.node->id} << 32) | v.index; }

    // Nodes that are no members are index arithmetic: computed where they are needed. Chains of those are short.
    const Literal& value(Value v) {
        if (const auto found = values_.find(key(v)); found != values_.end()) return found->second;
        compute(*v.node);
        return values_.at(key(v));
    }
    void compute(const Node& node) {
        std::vector<Literal> operands;
        const std::vector<bool> reads = reads_operands(node);
        for (std::size_t i = 0; i < node.operands.size(); ++i)
            operands.push_back(reads[i] ? value(node.operands[i]) : nothing(node.operands[i].type()));
        std::vector<Literal> results = interpret_node(node, operands, symbols_);
        for (std::uint32_t r = 0; r < results.size(); ++r) values_[key({&node, r})] = std::move(results[r]);
    }

    // Stands for what nobody reads.
    Literal nothing(const Type& type) const {
        return make_literal(concrete(type), std::vector<std::byte>(bytes_of(type)));
    }

    // Elements in the value's order, and in the memory's.
    Literal from_memory(Program::BufferId b) const {
        const Program::Buffer& buffer = program_.buffers[b];
        const Type type = concrete(buffer.type);
        std::vector<std::byte> bytes(bytes_of(type));
        for_each_element(type, buffer.layout, [&](std::size_t in_value, std::size_t in_memory, std::size_t size) {
            std::memcpy(bytes.data() + in_value, memory_[b].data() + in_memory, size);
        });
        return make_literal(type, bytes);
    }
    std::vector<std::byte> to_memory(const Literal& literal, const Layout& layout) const {
        const std::vector<std::byte> elements = elements_of(literal, bytes_of(literal.type));
        std::vector<std::byte> out(bytes_of({literal.type.dtype, layout.memory_shape(literal.type.shape)}));
        for_each_element(literal.type, layout, [&](std::size_t in_value, std::size_t in_memory, std::size_t n) {
            std::memcpy(out.data() + in_memory, elements.data() + in_value, n);
        });
        return out;
    }
    template <class F>
    static void for_each_element(const Type& type, const Layout& layout, F&& f) {
        const std::size_t size = size_of(type.dtype);
        const auto count = static_cast<std::size_t>(type.shape.element_count().constant());
        const Shape memory_shape = layout.memory_shape(type.shape);
        std::vector<Dim> index(type.shape.rank());
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t rest = i;
            for (std::size_t d = index.size(); d-- > 0;) {
                const auto extent = static_cast<std::size_t>(type.shape[d].constant());
                index[d] = static_cast<std::int64_t>(rest % extent);
                rest /= extent;
            }
            const Dim at = linear_offset(memory_shape, layout.memory_index(index));
            f(i * size, static_cast<std::size_t>(at.constant()) * size, size);
        }
    }

    // ---- calls, by their node's reference

    void call(const Program::Call& c) {
        std::vector<Literal> operands;
        for (const Program::BufferId b : c.inputs) operands.push_back(from_memory(b));
        const std::vector<Literal> results = interpret_node(*c.node, operands, symbols_);
        for (std::size_t i = 0; i < c.outputs.size(); ++i) memory_[c.outputs[i]] = to_memory(results[c.results[i]], {});
    }

    // ---- kernels

    void kernel(const Program::Kernel& k) {
        std::vector<std::int64_t> extents;
        for (Dim d : k.extents) extents.push_back(value_of(d));
        std::vector<void*> arguments;
        for (std::size_t i = 0; i < k.arguments.size(); ++i) {
            std::vector<std::byte>& memory = memory_[k.arguments[i]];
            const Type& array = k.nest.buffers[i].type;
            const auto count = array.shape.element_count().evaluate(extents);
            if (!count || *count < 0 || static_cast<std::size_t>(*count) > memory.size() / size_of(array.dtype))
                throw InternalError("kernel " + k.nest.name + ": the memory of " + k.nest.buffers[i].name +
                                    " is smaller than its array");
            arguments.push_back(memory.data());
        }
        const std::int64_t trips = parallel_trips(k.nest, extents);
        // In two parts, the later one first: their order must not matter.
        for (const auto& [begin, end] : {std::pair(trips / 2, trips), std::pair(std::int64_t{0}, trips / 2)}) {
            const Fault fault = interpret(k.nest, arguments, extents, begin, end);
            if (fault.site < 0) continue;
            const Program::Site& site = k.sites.at(static_cast<std::size_t>(fault.site));
            throw IndexError(site.name + " " + fault.to_string(), site.loc);
        }
    }

    const Program& program_;
    std::vector<std::int64_t> symbols_;
    std::vector<std::vector<std::byte>> memory_;  // by buffer
    std::unordered_map<Key, Literal> values_;     // of the group that runs
};

}  // namespace

std::vector<Literal> interpret(const Program& program, std::span<const Literal> inputs) {
    const FloatEnvironment floats;
    return Interpreter(program, inputs).run();
}

}  // namespace lathe::ir
