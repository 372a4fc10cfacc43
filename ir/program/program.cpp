#include "ir/program/program.h"

#include <algorithm>

#include "ir/loops/walk.h"
#include "ir/ops/memory.h"
#include "ir/program/text.h"

namespace lathe::ir {

Program::BufferId Program::add_buffer(Buffer buffer) {
    buffers.push_back(std::move(buffer));
    return static_cast<BufferId>(buffers.size() - 1);
}

std::vector<Program::BufferId> Program::Kernel::arguments_of(BufferRole role) const {
    std::vector<BufferId> out;
    for (std::size_t i = 0; i < arguments.size() && i < nest.buffers.size(); ++i)
        if (nest.buffers[i].role == role) out.push_back(arguments[i]);
    return out;
}

std::size_t Program::input_count() const {
    return static_cast<std::size_t>(std::ranges::count(buffers, Origin::input, &Buffer::origin));
}

bool Program::depends_on_iteration(Dim d) const {
    std::vector<Symbol> used;
    d.collect_symbols(used);
    return std::ranges::any_of(used, [this](Symbol s) { return s >= symbol_count(); });
}

std::optional<std::int64_t> Program::typical(Dim d) const {
    if (d.is_constant()) return d.constant();
    return typical_symbols.empty() ? std::nullopt : d.evaluate(typical_symbols);
}
std::optional<std::int64_t> Program::typical(const Kernel& kernel, Dim d) const {
    std::vector<Symbol> used;
    d.collect_symbols(used);
    const bool is_known = std::ranges::all_of(used, [&](Symbol s) { return s < kernel.extents.size(); });
    return is_known ? typical(kernel.over_program(d)) : std::nullopt;
}

Symbol Program::Kernel::add_extent(Dim over_program) {
    const auto added = static_cast<Symbol>(nest.extent_count());
    struct Parts : IgnoredParts {
        std::function<Symbol(Symbol)> moved;
        DimSubstitution of{[this](Symbol s) { return Dim::symbol(moved(s)); }};
        using IgnoredParts::defines;
        void index(Dim& d) { d = of(d); }
        void access(ir::BufferId&, Effect, std::vector<Dim>& index, std::vector<Dim>& guards) {
            for (Dim& d : index) d = of(d);
            for (Dim& d : guards) d = of(d);
        }
        void defines(Symbol& s, SymbolRole) { s = moved(s); }
    } parts;
    parts.moved = [added](Symbol s) { return s < added ? s : s + 1; };
    for_each_statement(nest.body, [&](Stmt& s) { describe(s, parts); });
    nest.symbols.insert(nest.symbols.begin() + static_cast<std::ptrdiff_t>(added),
                        {SymbolRole::extent, "n" + std::to_string(added)});
    extents.push_back(over_program);
    return added;
}

Program program_of(LoopNest nest) {
    Program program;
    program.name = nest.name;
    Program::Kernel kernel;
    for (std::size_t i = 0; i < nest.extent_count(); ++i) {
        program.symbols.push_back(nest.symbols[i].name);
        kernel.extents.push_back(Dim::symbol(static_cast<Symbol>(i)));
    }
    kernel.arguments.resize(nest.argument_count());
    for (const BufferRole role : {BufferRole::input, BufferRole::output})
        for (std::size_t i = 0; i < kernel.arguments.size(); ++i) {
            const Buffer& array = nest.buffers[i];
            if (array.role != role) continue;
            const bool is_input = role == BufferRole::input;
            kernel.arguments[i] = program.add_buffer({array.name,
                                                      is_input ? Program::Origin::input : Program::Origin::output,
                                                      array.type,
                                                      {},
                                                      {},
                                                      {},
                                                      {},
                                                      false});
            if (!is_input) program.results.push_back({array.name, kernel.arguments[i]});
        }
    kernel.nest = std::move(nest);
    program.steps.push_back({std::move(kernel), {}});
    return program;
}

std::string_view name(Program::Origin origin) {
    static constexpr std::string_view names[] = {"input", "constant", "output", "temporary"};
    return names[static_cast<std::size_t>(origin)];
}

bool holds_nodes(const Program& program) {
    bool found = false;
    for_each_step(program.steps, [&](const Program::Step& step) {
        found = found || std::holds_alternative<Program::Fused>(step.node) ||
                std::holds_alternative<Program::Call>(step.node);
    });
    return found;
}

Layout layout_of(Value v) {
    Layout out;
    if (v.node->op->lowering != Lowering::relayout) return out;
    for (const std::int64_t from : ops::relayout_permutation(v.node->attributes))
        out.permutation.push_back(static_cast<std::uint8_t>(from));
    const Integers& blocks = ops::relayout_blocks(v.node->attributes);
    if (std::ranges::any_of(blocks, [](std::int64_t b) { return b > 1; }))
        for (const std::int64_t b : blocks) out.blocks.push_back(static_cast<std::uint16_t>(b));
    return out;
}

HostCall host_call(const Node& node, std::span<const std::uint32_t> results) {
    std::vector<bool> wanted(node.results.size(), false);
    for (const std::uint32_t r : results) wanted[r] = true;
    const std::vector<Type> types = operand_types(node);
    return node.op->call({types, node.attributes, wanted});
}

}  // namespace lathe::ir
