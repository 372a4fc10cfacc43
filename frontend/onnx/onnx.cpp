#include "frontend/onnx/onnx.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "frontend/formats/read_file.h"
#include "frontend/onnx/graph_runner.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {
namespace {

using onnx::Value;
using onnx::ValueInfo;

struct Input {
    std::string name;
    TensorSpec spec;
    bool is_known = false;  // its value is given, and decides something
};

std::string in_quotes(std::string_view name) { return "'" + ir::printable_line(std::string(name)) + "'"; }

TensorSpec spec_of(const ValueInfo& info, const OnnxOptions& options) {
    if (info.type.kind != onnx::ValueType::Kind::tensor)
        throw onnx::Malformed("the input " + in_quotes(info.name) + " is no tensor, which is not supported");
    const std::optional<Dtype> dtype = onnx::dtype_of(info.type.data_type);
    if (!dtype)
        throw onnx::Malformed("the input " + in_quotes(info.name) + " has elements of " +
                              onnx::data_type_name(info.type.data_type) + ", which are not supported");
    TensorSpec spec{std::string(info.name), *dtype, {}};
    const auto given = options.inputs.find(spec.name);
    if (!info.type.shape) {
        if (given == options.inputs.end())
            throw onnx::Malformed("the input " + in_quotes(info.name) + " has no shape, not even a rank");
        for (const std::int64_t d : given->second.shape) spec.dims.emplace_back(d);
        return spec;
    }
    for (std::size_t i = 0; i < info.type.shape->size(); ++i) {
        const onnx::Dimension& d = (*info.type.shape)[i];
        const std::string name = d.name.empty() ? fmt::format("{}.{}", info.name, i) : std::string(d.name);
        if (d.extent && *d.extent < 0)
            throw onnx::Malformed("the input " + in_quotes(info.name) + " has a negative extent");
        if (d.extent)
            spec.dims.emplace_back(*d.extent);
        else if (const auto fixed = options.dims.find(name); fixed != options.dims.end())
            spec.dims.emplace_back(fixed->second);
        else
            spec.dims.emplace_back(name);
    }
    return spec;
}

class Import {
public:
    Import(const onnx::Source& source, const OnnxOptions& options, Where where)
        : source_(source), options_(options), where_(where), graph_(onnx::read_graph(source.file().graph)) {
        // Before IR version 4 every initializer is listed as an input, too.
        std::set<std::string_view> initializers;
        for (const onnx::Bytes tensor : graph_.initializers) initializers.insert(onnx::read_tensor_header(tensor).name);
        for (const onnx::Bytes input : graph_.inputs) {
            const ValueInfo info = onnx::read_value_info(input);
            if (!initializers.contains(info.name))
                inputs_.push_back({std::string(info.name), spec_of(info, options), false});
        }
        for (const onnx::Bytes output : graph_.outputs) outputs_.emplace_back(onnx::read_value_info(output).name);
    }

    // Inputs whose values turn out to be needed become constants, one round after the other.
    OnnxModel run() {
        while (true) {
            try {
                Model model = attempt();
                std::vector<std::string> constants;
                for (const Input& i : inputs_)
                    if (i.is_known) constants.push_back(i.name);
                return {std::move(model), std::move(constants)};
            } catch (const onnx::NeedsInputs& needs) {
                for (const std::uint32_t i : needs.inputs) {
                    Input& input = inputs_.at(i);
                    if (!options_.inputs.contains(input.name))
                        throw FormatError(needs.message + ", and so does the input " + in_quotes(input.name),
                                          needs.loc);
                    input.is_known = true;
                }
            }
        }
    }

private:
    Model attempt() {
        std::vector<TensorSpec> specs;
        for (const Input& i : inputs_)
            if (!i.is_known) specs.push_back(i.spec);
        TraceOptions trace;
        trace.name =
            graph_.name.empty() ? std::filesystem::path(source_.path()).stem().string() : std::string(graph_.name);
        trace.outputs = outputs_;
        onnx::GraphRunner runner(source_);
        const auto body = [&](std::span<const Tensor> tensors) {
            std::unordered_map<std::string_view, Value> values;
            std::size_t next = 0;
            for (std::uint32_t i = 0; i < inputs_.size(); ++i) {
                const Input& input = inputs_[i];
                Value v(input.is_known ? Tensor::from(options_.inputs.at(input.name)) : tensors[next++]);
                if (!input.is_known) v.set_origins({i});
                values.emplace(input.name, std::move(v));
            }
            std::vector<Tensor> results;
            const std::vector<Value> outputs = runner.run(graph_, std::move(values));
            for (std::size_t i = 0; i < outputs.size(); ++i) {
                if (!outputs[i].is_tensor())
                    throw onnx::Malformed("the output " + in_quotes(outputs_[i]) +
                                          " is no tensor, which is not supported");
                results.push_back(outputs[i].tensor());
            }
            trace.weights = runner.weights();
            return results;
        };
        return detail::trace_model(body, specs.size(), specs, trace, where_);
    }

    const onnx::Source& source_;
    const OnnxOptions& options_;
    Where where_;
    onnx::Graph graph_;
    std::vector<Input> inputs_;
    std::vector<std::string> outputs_;
};

}  // namespace

Array read_onnx_tensor(const std::string& path, Where where) try {
    return onnx::read_tensor(read_file(path));
} catch (const onnx::Malformed& e) {
    throw FormatError(path + ": " + e.what(), detail::blame(where));
} catch (...) {
    detail::rethrow(detail::blame(where));
}

OnnxModel parse_onnx(std::string_view bytes, const std::string& path, const OnnxOptions& options, Where where) try {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    const onnx::Source source(bytes, path, folder.empty() ? "." : folder);
    if (const std::int64_t opset = onnx::opset_of("", source.file().opsets); opset > onnx::newest_opset)
        throw onnx::Malformed(
            fmt::format("opset {} is newer than {}, the newest that is known", opset, onnx::newest_opset));
    if (const std::vector<std::string> missing = source.unsupported(); !missing.empty())
        throw onnx::Malformed(fmt::format("operators that are not supported: {}", fmt::join(missing, ", ")));
    return Import(source, options, where).run();
} catch (const onnx::Malformed& e) {
    throw FormatError(path + ": " + e.what(), detail::blame(where));
}

Model import_onnx(const std::string& path, const OnnxOptions& options, Where where) try {
    return parse_onnx(read_file(path), path, options, where).model;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

}  // namespace lathe
