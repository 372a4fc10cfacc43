#include "ir/error.h"
#include "ir/graph/interpret.h"

namespace lathe::ir {

std::vector<std::int64_t> bind_symbols(const Graph& graph, std::span<const Type> parameters) {
    const auto wanted = graph.parameters();
    if (parameters.size() != wanted.size())
        throw TypeError(graph.name + " takes " + std::to_string(wanted.size()) + " inputs, not " +
                            std::to_string(parameters.size()),
                        Loc{});
    const auto fail = [&](std::size_t i) {
        throw TypeError("input " + graph.parameter_name(i) + " is " + parameters[i].to_string() + ", not " +
                            wanted[i].type().to_string(graph.symbols),
                        wanted[i].node->loc);
    };
    std::vector<std::int64_t> values(graph.symbols.size(), -1);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const Type& type = wanted[i].type();
        if (type.dtype != parameters[i].dtype || type.shape.rank() != parameters[i].shape.rank() ||
            !parameters[i].shape.is_constant())
            fail(i);
        for (std::size_t d = 0; d < type.shape.rank(); ++d)
            if (const auto s = type.shape[d].as_symbol(); s && values[*s] < 0)
                values[*s] = parameters[i].shape[d].constant();
    }
    // An extent like 2 * n gives n where nothing else does.
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        for (std::size_t d = 0; d < wanted[i].type().shape.rank(); ++d) {
            std::vector<Symbol> open;
            wanted[i].type().shape[d].collect_symbols(open);
            std::erase_if(open, [&](Symbol s) { return values[s] >= 0; });
            if (open.size() != 1) continue;
            const Symbol s = open[0];
            const auto affine = wanted[i].type().shape[d].affine_in(s);
            if (!affine) continue;
            const auto factor = affine->coefficient.evaluate(values), rest = affine->rest.evaluate(values);
            if (!factor || !rest || *factor == 0) continue;
            const std::int64_t left = parameters[i].shape[d].constant() - *rest;
            if (left % *factor == 0 && left / *factor >= 0) values[s] = left / *factor;
        }
    }
    for (std::size_t s = 0; s < values.size(); ++s)
        if (values[s] < 0)
            throw TypeError("no input says what the extent " + graph.symbols[s] + " of " + graph.name + " is", Loc{});
    for (std::size_t i = 0; i < wanted.size(); ++i)
        for (std::size_t d = 0; d < wanted[i].type().shape.rank(); ++d)
            if (wanted[i].type().shape[d].evaluate(values) != parameters[i].shape[d].constant()) fail(i);
    for (const Precondition& p : graph.preconditions) {
        const auto a = p.a.evaluate(values), b = p.b.evaluate(values);
        if (!a || !b || *a != *b)
            throw TypeError(p.what + ": " + p.a.to_string(graph.symbols) + " is not " + p.b.to_string(graph.symbols) +
                                (a && b ? " (" + std::to_string(*a) + " and " + std::to_string(*b) + ")" : ""),
                            p.loc);
    }
    return values;
}

}  // namespace lathe::ir
