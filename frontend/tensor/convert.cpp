#include "frontend/tensor/convert.h"

#include <cstring>

#include "ir/float_environment.h"
#include "ir/ops/ops.h"

namespace lathe::detail {

void normalize(ir::Dtype dtype, void* elements, std::size_t bytes) {
    if (dtype != ir::Dtype::boolean) return;
    auto* const first = static_cast<std::uint8_t*>(elements);
    for (std::uint8_t* b = first; b != first + bytes; ++b) *b = *b != 0 ? 1 : 0;
}

void convert_elements(ir::Dtype from, const void* source, ir::Dtype to, void* target, std::size_t count) {
    if (count == 0) return;
    if (from == to) {
        std::memcpy(target, source, count * size_of(from));
        return;
    }
    const ir::FloatEnvironment floats;
    const ir::Dtype operands[] = {from};
    const ir::Attribute attributes[] = {to};
    const ir::ScalarProgram& program = ir::scalar_program(ir::ops::convert, operands, attributes, to);
    std::vector<std::uint64_t> scratch;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t in = 0;
        std::uint64_t out = 0;
        std::memcpy(&in, static_cast<const std::byte*>(source) + i * size_of(from), size_of(from));
        ir::execute(program, std::span(&in, 1), std::span(&out, 1), scratch);
        std::memcpy(static_cast<std::byte*>(target) + i * size_of(to), &out, size_of(to));
    }
}

}  // namespace lathe::detail
