#include "tools/fuzz/describe.h"

#include <algorithm>
#include <cstring>

#include "ir/graph/text.h"
#include "ir/text/element.h"
#include "tools/fuzz/values.h"

namespace lathe::testing_support {
namespace {

using ir::Literal;

std::string describe_inputs(const ir::Graph& graph, std::span<const Literal> inputs) {
    constexpr std::size_t most = 24;  // elements
    std::string text;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Literal& x = inputs[i];
        text += "// " + graph.parameter_name(i) + " : " + x.type.to_string();
        const std::size_t size = size_of(x.type.dtype);
        const std::vector<std::byte> bytes = elements_of(x);
        for (std::size_t k = 0; k < std::min(bytes.size() / size, most); ++k) {
            std::uint64_t bits = 0;
            std::memcpy(&bits, bytes.data() + k * size, size);
            text += (k == 0 ? " = " : ", ") + ir::print_element(x.type.dtype, bits);
        }
        text += bytes.size() / size > most ? ", ...\n" : "\n";
    }
    return text;
}

}  // namespace

std::string describe(const GraphCase& c) { return ir::print(*c.graph) + describe_inputs(*c.graph, c.inputs); }

std::string describe(const RandomGraph& sample) {
    std::string text = ir::print(*sample.graph);
    for (const std::vector<Literal>& inputs : sample.inputs) text += describe_inputs(*sample.graph, inputs);
    return text;
}

}  // namespace lathe::testing_support
