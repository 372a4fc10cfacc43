// The C header of a model that is compiled ahead of time.

#include "codegen/aot.h"
#include "codegen/embedded.h"
#include "ir/ascii.h"
#include "ir/dtype.h"
#include "runtime/aot.h"

namespace lathe::codegen {
namespace {

// The declarations that all models share, from the library's own headers: their guards let several of them meet.
std::string shared_declarations() {
    std::string text(reinterpret_cast<const char*>(embedded::abi_header), embedded::abi_header_size);
    text += '\n';
    const std::string aot(reinterpret_cast<const char*>(embedded::aot_header), embedded::aot_header_size);
    constexpr std::string_view include = "#include \"runtime/abi.h\"\n";
    const std::size_t at = aot.find(include);
    text += aot.substr(0, at);
    if (at != std::string::npos) text += aot.substr(at + include.size());
    return text;
}

// Names come from files: they may not end the comment that they are in.
std::string comment(const std::string& name) {
    std::string out;
    for (const char c : name) out += ir::is_printable(c) && c != '*' ? c : '?';
    return out;
}

const char* c_type(int dtype) {
    static constexpr const char* names[LATHE_DTYPE_COUNT] = {"double",   "float",   "uint16_t", "uint16_t", "int64_t",
                                                             "int32_t",  "int16_t", "int8_t",   "uint64_t", "uint32_t",
                                                             "uint16_t", "uint8_t", "uint8_t"};
    return names[dtype];
}

std::string shape_of(const AotTensor& t, std::span<const std::string> symbols) {
    std::string out;
    for (const std::int64_t d : t.shown) {
        out += out.empty() ? "" : ", ";
        out += d == LATHE_COMPUTED ? "?"
               : d < 0             ? comment(symbols[static_cast<std::size_t>(-1 - d)])
                                   : std::to_string(d);
    }
    return "[" + out + "]";
}

std::string list(const char* array, std::span<const AotTensor> tensors, std::span<const std::string> symbols) {
    std::string out;
    for (std::size_t i = 0; i < tensors.size(); ++i)
        out += "     " + std::string(array) + "[" + std::to_string(i) + "]  " + comment(tensors[i].name) + ": " +
               std::string(ir::name(static_cast<ir::Dtype>(tensors[i].dtype))) + shape_of(tensors[i], symbols) + ", " +
               c_type(tensors[i].dtype) +
               (tensors[i].counted_by == 0
                    ? ""
                    : ", of which " + std::string(array) + "[" + std::to_string(tensors[i].counted_by) +
                          "] counts how much of axis " + std::to_string(tensors[i].counted_axis) + " there is") +
               "\n";
    return out;
}

}  // namespace

std::string c_header(const AotInterface& model) {
    const std::string& n = model.name;
    std::string symbols;
    for (std::size_t i = 0; i < model.symbols.size(); ++i)
        symbols += "     symbols[" + std::to_string(i) + "]  " + comment(model.symbols[i]) + "\n";
    std::string sizes, names, upper;
    for (std::size_t i = 0; i < model.symbols.size(); ++i) sizes += (i ? ", " : "") + std::string("32");
    for (std::size_t i = 0; i < model.inputs.size(); ++i) names += (i ? ", in" : "in") + std::to_string(i);
    for (const char c : n) upper += ir::to_upper(c);
    std::string outs;
    for (std::size_t i = 0; i < model.outputs.size(); ++i) outs += (i ? ", out" : "out") + std::to_string(i);

    std::string out = "/* The model '" + n + "', compiled by Lathe " + "ahead of time. Plain C.\n\n";
    out += list("inputs", model.inputs, model.symbols) + list("outputs", model.outputs, model.symbols) + symbols;
    if (model.calls_linear_algebra)
        out +=
            "\n   It calls functions of linear algebra: programs that link its object (.o) or library (.a) link\n"
            "   liblathe_linear_algebra.a too, behind it; that needs nothing but libc.\n";
    out +=
        "\n   Example:\n\n"
        "     const int64_t symbols[] = {" +
        (sizes.empty() ? "0" : sizes) +
        "};\n"
        "     const void* inputs[] = {" +
        names +
        "};\n"
        "     void* outputs[] = {" +
        outs +
        "};\n"
        "     if (" +
        n +
        "_plan_size() < 0) return 1; // the processor does not fit the model\n"
        "     void* plan = malloc(" +
        n +
        "_plan_size());\n"
        "     if (" +
        n +
        "_bind(symbols, plan) != LATHE_STATUS_OK) return 1; // the sizes do not\n"
        "     int64_t bytes = " +
        n +
        "_workspace_size(plan, 1);\n"
        "     void* workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);\n"
        "     int status = " +
        n +
        "_run(plan, inputs, outputs, workspace, NULL, NULL); // as often as you like\n"
        "     free(workspace);\n"
        "     free(plan);\n"
        "     return status == LATHE_STATUS_OK ? 0 : 1;\n\n"
        "   What the functions promise is explained below, where they are called NAME_.... */\n";
    out += "#ifndef LATHE_MODEL_" + upper + "_H\n#define LATHE_MODEL_" + upper + "_H\n\n";
    out += shared_declarations();
    out += "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
    out += "const lathe_model_info* " + n + "_info(void);\n";
    out += "int64_t " + n + "_plan_size(void);\n";
    out += "int " + n + "_bind(const int64_t* symbols, void* plan);\n";
    out += "int " + n + "_output_dims(const void* plan, int32_t output, int64_t* dims);\n";
    out += "int64_t " + n + "_workspace_size(const void* plan, int32_t workers);\n";
    out += "int " + n +
           "_run(const void* plan, const void* const* inputs, void* const* outputs, void* workspace,\n"
           "    const lathe_pool* pool, lathe_fault* fault);\n";
    out += "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
    return out;
}

}  // namespace lathe::codegen
