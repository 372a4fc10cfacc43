// lathe run: computes the outputs of a model, or of a program as text, from files.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "codegen/compile.h"
#include "codegen/executable_memory.h"
#include "codegen/target.h"
#include "frontend/formats/atomic_file.h"
#include "frontend/formats/csv.h"
#include "frontend/formats/file_kind.h"
#include "frontend/formats/npy.h"
#include "frontend/formats/npz.h"
#include "frontend/formats/read_file.h"
#include "frontend/inspect/inspect.h"
#include "frontend/onnx/onnx.h"
#include "ir/ascii.h"
#include "ir/error.h"
#include "ir/graph/interpret.h"
#include "ir/program/interpret.h"
#include "ir/program/text.h"
#include "runtime/parallel.h"
#include "runtime/system_reason.h"
#include "tools/lathe/commands.h"
#include "tools/lathe/inputs.h"
#include "tools/lathe/lir.h"
#include "tools/lathe/models.h"

namespace lathe::tools {
namespace {

struct Request {
    std::string path, output;
    std::vector<std::string> inputs, off;
    std::string target = "host";
    int threads = 0;
    bool interpret = false, stats = false;
    std::vector<NamedInput> given = {};  // what `inputs` says, read
};

ir::Type type_of(const Array& array) {
    ir::Type type{array.dtype, {}};
    for (const std::int64_t extent : array.shape) type.shape.push_back(extent);
    return type;
}

// What is given and what results, by name.
struct Interface {
    std::vector<std::string> inputs, outputs, symbols;
    std::vector<ir::Type> types;  // of the inputs
};

Interface interface_of(const Model& model) {
    Interface out;
    const ir::Graph& graph = model.graph();
    out.inputs = model.input_names();
    for (std::size_t i = 0, sized = 0; out.types.size() < out.inputs.size(); ++i) {
        if (sized == model.sized().size() || model.sized()[sized].first != i) {
            out.types.push_back(graph.parameters()[i].type());
            continue;
        }
        const SizedInput& s = model.sized()[sized++];
        out.types.push_back({s.dtype, ir::Shape(std::vector<ir::Dim>(s.rank, static_cast<std::int64_t>(s.count)))});
        i += s.count - 1;
    }
    for (std::size_t i = 0; i < model.result_count(); ++i) out.outputs.push_back(graph.output_name(i));
    out.symbols = graph.symbols;
    return out;
}

Interface interface_of(const ir::Program& program) {
    Interface out;
    for (std::size_t i = 0; i < program.input_count(); ++i) {
        out.inputs.push_back(program.buffers[i].name);
        out.types.push_back(program.buffers[i].type);
    }
    for (const ir::Program::Result& r : program.results) out.outputs.push_back(r.name);
    out.symbols = program.symbols;
    return out;
}

// An input's array, checked against its type as far as that is known without the others.
Array array_of(const NamedInput& given, const Interface& names, std::size_t input) {
    const ir::Type& wanted = names.types[input];
    const std::string& file = given.file;
    Array array = given.array            ? *given.array
                  : is_onnx_tensor(file) ? read_onnx_tensor(file, Where())
                                         : read_csv(file, wanted.dtype, Where());
    bool fits = array.dtype == wanted.dtype && array.shape.size() == wanted.shape.rank();
    for (std::size_t axis = 0; fits && axis < array.shape.size(); ++axis)
        fits = !wanted.shape[axis].is_constant() || wanted.shape[axis].constant() == array.shape[axis];
    if (array.shape.size() > ir::max_rank) throw FormatError(file + ": has more than 8 dimensions");
    if (!fits)
        throw FormatError(file + ": is " + type_of(array).to_string() + ", but the input '" + names.inputs[input] +
                          "' is " + wanted.to_string(names.symbols));
    return array;
}

std::vector<Array> arrays_of(const Interface& names, const Request& request) {
    std::vector<Array> arrays(names.inputs.size());
    std::vector<bool> given(names.inputs.size());
    for (const NamedInput& input : request.given) {
        const auto i = static_cast<std::size_t>(std::ranges::find(names.inputs, input.name) - names.inputs.begin());
        if (i == names.inputs.size()) throw CLI::ValidationError(request.path + " has no input '" + input.name + "'");
        if (given[i]) throw CLI::ValidationError("the input '" + input.name + "' is given twice");
        arrays[i] = array_of(input, names, i);
        given[i] = true;
    }
    for (std::size_t i = 0; i < given.size(); ++i)
        if (!given[i]) throw CLI::ValidationError("the input '" + names.inputs[i] + "' is missing");
    return arrays;
}

// What the run took, in bytes: values between inputs and outputs share the workspace.
void put_stats(const CompiledModel& compiled, const std::vector<Array>& inputs) {
    const runtime::Plan& plan = compiled.executable().plan;
    std::vector<std::span<const std::int64_t>> shapes;
    for (const Array& array : inputs) shapes.emplace_back(array.shape);
    const auto sizes = detail::sizes_of_run(compiled.executable(), runtime::symbols_of(plan, shapes));
    const auto line = [](const char* what, std::uint64_t value) { put(fmt::format("{} {}\n", what, value)); };
    line("kernels", plan.kernels.size());
    const auto constant_bytes =
        std::accumulate(plan.constant_bytes.begin(), plan.constant_bytes.end(), std::int64_t{0});
    line("constant bytes", static_cast<std::uint64_t>(constant_bytes));
    if (!sizes) return;
    line("input bytes", sizes->input_bytes);
    line("output bytes", sizes->output_bytes);
    line("workspace bytes", sizes->workspace_bytes);
    line("intermediate bytes", sizes->intermediate_bytes);
}

std::vector<Array> compute(const Model& model, const std::vector<Array>& inputs, const Request& request) {
    if (!codegen::target_named(request.target).runs_here)
        throw UserError("this processor does not run the target " + request.target);
    if (!codegen::executable_memory().allowed)
        std::fprintf(stderr, "lathe: %s; the kernels are interpreted, which is slow\n",
                     codegen::executable_memory().refusal.c_str());
    std::optional<runtime::ThreadLimit> limit;
    if (request.threads > 0) limit.emplace(request.threads);
    std::vector<Tensor> tensors;
    for (const Array& array : inputs) tensors.push_back(Tensor::from(array));
    std::vector<Array> outputs;
    const CompiledModel compiled = model.compile({.target = request.target, .off = request.off}, Where());
    for (const Tensor& result : compiled(tensors, Where())) outputs.push_back(result.to_array());
    if (request.stats) put_stats(compiled, inputs);
    return outputs;
}

std::vector<ir::Literal> literals_of(const std::vector<Array>& arrays) {
    std::vector<ir::Literal> out;
    for (const Array& array : arrays) out.push_back(ir::make_literal(type_of(array), array.bytes));
    return out;
}

std::vector<Array> arrays_of(const std::vector<ir::Literal>& results) {
    std::vector<Array> outputs;
    for (const ir::Literal& result : results) {
        Array array{result.type.dtype, {}, {}};
        std::size_t count = 1;
        for (const ir::Dim extent : result.type.shape) {
            array.shape.push_back(extent.constant());
            count *= static_cast<std::size_t>(extent.constant());
        }
        if (result.is_splat())
            for (; count > 0; --count)
                array.bytes.insert(array.bytes.end(), result.bytes->begin(), result.bytes->end());
        else
            array.bytes = *result.bytes;
        outputs.push_back(std::move(array));
    }
    return outputs;
}

std::vector<Array> compute_by_interpreter(const Model& model, std::vector<Array> inputs) {
    if (!model.sized().empty()) {
        std::vector<Tensor> given;
        for (const Array& array : inputs) given.push_back(Tensor::from(array));
        inputs.clear();
        for (const Tensor& value : model.expand(given)) inputs.push_back(value.to_array());
    }
    inputs.insert(inputs.end(), model.weights().begin(), model.weights().end());
    std::vector<Tensor> outputs;
    for (const Array& array : arrays_of(ir::interpret(model.graph(), literals_of(inputs))))
        outputs.push_back(Tensor::from(array));
    std::vector<Array> results;
    for (const Tensor& result : model.cut(std::move(outputs))) results.push_back(result.to_array());
    return results;
}

// An output's name comes from a file: it may not lead out of the folder.
std::string file_name_of(const std::string& output) {
    std::string name;
    for (const char c : output) {
        const bool plain = ir::is_alphanumeric(c) || c == '_' || c == '-' || (c == '.' && !name.empty());
        name += plain ? c : '_';
    }
    return (name.empty() ? "output" : name) + ".npy";
}

void write_archive(const Interface& names, const std::vector<Array>& outputs, const std::string& path) {
    std::map<std::string, Array> arrays;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (!arrays.try_emplace(names.outputs[i], outputs[i]).second)
            throw UserError(path + ": two outputs have the name '" + names.outputs[i] + "'");
    }
    write_npz(path, arrays, {}, Where());
}

// All files, or none.
void write_folder(const Interface& names, const std::vector<Array>& outputs, const std::string& folder) {
    std::map<std::string, std::string> files;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const std::string path = std::filesystem::path(folder) / file_name_of(names.outputs[i]);
        if (outputs[i].dtype == ir::Dtype::bf16)
            throw UserError(path + ": .npy files do not hold bf16, the type of the output");
        if (!files.try_emplace(path, npy_bytes(outputs[i])).second)
            throw UserError("two outputs would be written to " + path);
    }
    std::error_code error;
    const bool made = std::filesystem::create_directories(folder, error);
    if (error) throw ResourceError(folder + ": " + runtime::system_reason(error.value()));
    try {
        std::vector<std::unique_ptr<AtomicFile>> written;
        for (const auto& [path, bytes] : files) {
            written.push_back(std::make_unique<AtomicFile>(path));
            written.back()->write(bytes);
        }
        for (const auto& file : written) file->commit();
    } catch (...) {
        if (made) std::filesystem::remove(folder, error);  // where it is empty
        throw;
    }
}

// Only the interpreter checks every access: a program as text may say anything, and no file may corrupt memory.
std::vector<Array> compute(const ir::Program& program, const std::vector<Array>& inputs, const Request& request) {
    require_sound(program, request.path);
    return arrays_of(ir::interpret(program, literals_of(inputs)));
}

template <class Compute>
void run(const Interface& names, const Request& request, const Compute& compute) {
    const std::vector<Array> inputs = arrays_of(names, request);
    std::vector<Array> outputs;
    try {
        outputs = compute(inputs);
    } catch (const TypeError& e) {
        throw FormatError(request.path + ": the inputs do not fit together: " + e.what());
    } catch (const IndexError& e) {
        throw FormatError(request.path + ": the inputs do not fit: " + e.what());
    }
    (is_archive(request.output) ? write_archive : write_folder)(names, outputs, request.output);
}

void run(const Model& model, const Request& request) {
    run(interface_of(model), request, [&](const std::vector<Array>& inputs) {
        return request.interpret ? compute_by_interpreter(model, inputs) : compute(model, inputs, request);
    });
}

// What decides shapes is taken from the inputs that are given, and is no input of the model then.
void run_onnx(std::string bytes, Request& request) {
    OnnxOptions options;
    const std::vector<NamedInput> given = std::exchange(request.given, {});
    read_onnx_inputs(options, bytes, given);
    const OnnxModel imported = parse_onnx(bytes, request.path, options, Where());
    std::string().swap(bytes);  // the model has its weights
    // The inputs that the model has: of a sequence as many as it has tensors, and none of what is known.
    const auto add = [&](const std::string& name, const std::string& file) {
        if (std::ranges::find(imported.constants, name) != imported.constants.end()) return;
        const auto read = options.inputs.find(name);
        request.given.push_back(
            {name, file, read == options.inputs.end() ? std::nullopt : std::optional(read->second)});
    };
    for (const NamedInput& input : given)
        if (const auto sequence = options.lengths.find(input.name); sequence != options.lengths.end())
            for (std::int64_t i = 0; i < sequence->second; ++i) add(fmt::format("{}.{}", input.name, i), input.file);
        else if (!options.absent.contains(input.name))
            add(input.name, input.file);
    run(imported.model, request);
}

void run(Request request) {
    request.given = read_named_inputs(request.inputs);
    std::string bytes = read_file(request.path);
    if (is_onnx(bytes)) return run_onnx(std::move(bytes), request);
    Source source = parse_source(bytes, request.path);
    if (const auto* const program = std::get_if<ir::Program>(&source))
        return run(interface_of(*program), request,
                   [&](const std::vector<Array>& inputs) { return compute(*program, inputs, request); });
    run(model_of(std::move(source), request.path), request);
}

}  // namespace

void add_run(CLI::App& app) {
    CLI::App* const command = app.add_subcommand("run", "compute a model's outputs from files");
    const auto request = std::make_shared<Request>();
    command->add_option("MODEL", request->path, "a .lathe, .onnx or .lir file; a program as text is interpreted")
        ->required();
    command->add_option("--input", request->inputs,
                        "NAME=FILE, for each input; .npy, .npz, .csv or .pb of ONNX; or FILE.npz, with all of them");
    command
        ->add_option("--output", request->output,
                     "the folder for the outputs, one .npy file each; or FILE.npz, for all of them")
        ->required();
    CLI::Option* const interpret =
        command->add_flag("--interpret", request->interpret, "use the reference interpreter: slow, compiles nothing");
    add_target_option(*command, request->target);
    CLI::Option* const stats = command->add_flag(
        "--stats", request->stats,
        "print what was compiled, and the bytes of inputs, outputs, constants, of the workspace, and of\n"
        "all intermediate values that share it");
    stats->excludes(interpret);
    command->add_option("--threads", request->threads, "how many threads may run (all)")->check(CLI::PositiveNumber);
    add_off_option(*command, request->off);
    command->footer(
        "example: lathe run digits.lathe --input x=rows.npy --output results\n"
        "example: lathe run mnist.onnx --input Input3=image.npy --output results\n"
        "example: lathe run yunet.onnx --input inputs.npz --output results.npz");
    command->callback([request] { run(*request); });
}

}  // namespace lathe::tools
