#include "frontend/onnx/onnx.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "frontend/formats/read_file.h"
#include "frontend/model/trace_model.h"
#include "frontend/onnx/graph_runner.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {
namespace {

using onnx::Value;
using onnx::ValueInfo;

// An input of the model.
struct Input {
    std::string name;
    TensorSpec spec;
    bool is_known = false;  // its value is given, and decides something
    bool is_sized = false;  // its elements are extents, which are not known: symbols
};

// An input of the file: a tensor, the tensors of a sequence, or an optional value that is left out.
struct Declared {
    std::string_view name;
    onnx::ValueType::Kind kind;
    bool is_there = true;
    std::uint32_t first = 0, count = 1;  // of the model's inputs
};

std::string in_quotes(std::string_view name) { return "'" + ir::printable_line(std::string(name)) + "'"; }
std::string part_name(std::string_view sequence, std::size_t i) { return fmt::format("{}.{}", sequence, i); }

// Of a tensor, or of one in a sequence. There a name of a dimension says what it is, and not that it is the same in
// all.
TensorSpec spec_of(const ValueInfo& info, const std::string& name, const OnnxOptions& options) {
    const std::optional<Dtype> dtype = onnx::dtype_of(info.type.data_type);
    if (!dtype)
        throw onnx::Malformed("the input " + in_quotes(name) + " has elements of " +
                              onnx::data_type_name(info.type.data_type) + ", which are not supported");
    TensorSpec spec{name, *dtype, {}};
    const auto given = options.inputs.find(name);
    if (!info.type.shape) {
        if (given == options.inputs.end())
            throw onnx::Malformed("the input " + in_quotes(name) + " has no shape, not even a rank");
        for (const std::int64_t d : given->second.shape) spec.dims.emplace_back(d);
        return spec;
    }
    for (std::size_t i = 0; i < info.type.shape->size(); ++i) {
        const onnx::Dimension& d = (*info.type.shape)[i];
        const bool is_named = !d.name.empty() && info.type.kind == onnx::ValueType::Kind::tensor;
        const std::string symbol = is_named ? std::string(d.name) : part_name(name, i);
        if (d.extent && *d.extent < 0) throw onnx::Malformed("the input " + in_quotes(name) + " has a negative extent");
        if (d.extent)
            spec.dims.emplace_back(*d.extent);
        else if (const auto fixed = options.dims.find(symbol); fixed != options.dims.end())
            spec.dims.emplace_back(fixed->second);
        else
            spec.dims.emplace_back(symbol);
    }
    return spec;
}

constexpr std::int64_t longest = 4096;  // sequence

std::uint32_t length_of(std::string_view sequence, const OnnxOptions& options) {
    std::int64_t length = 0;
    if (const auto given = options.lengths.find(std::string(sequence)); given != options.lengths.end()) {
        length = given->second;
    } else {
        while (options.inputs.contains(part_name(sequence, static_cast<std::size_t>(length)))) ++length;
        if (length == 0)
            throw onnx::Malformed("the input " + in_quotes(sequence) +
                                  " is a sequence, whose length has to be known when the model is imported");
    }
    if (length < 0 || length > longest)
        throw onnx::Malformed(
            fmt::format("the input {} is a sequence of {} tensors, not 0 to {}", in_quotes(sequence), length, longest));
    return static_cast<std::uint32_t>(length);
}

// Inputs whose elements can be symbols: a few integers, or one.
std::size_t size_count(const TensorSpec& spec) {
    return spec.dims.empty() ? 1 : static_cast<std::size_t>(std::get<std::int64_t>(spec.dims[0]));
}
bool may_be_sized(const TensorSpec& spec) {
    if ((spec.dtype != Dtype::i64 && spec.dtype != Dtype::i32) || spec.dims.size() > 1) return false;
    if (spec.dims.empty()) return true;
    const auto* const extent = std::get_if<std::int64_t>(&spec.dims[0]);
    return extent != nullptr && *extent >= 1 && *extent <= 2 * static_cast<std::int64_t>(ir::max_rank);
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
            if (!initializers.contains(info.name)) declare(info);
        }
        const auto require = [&](const std::string& name, const char* what, const auto& is_so) {
            if (std::ranges::none_of(declared_, [&](const Declared& d) { return d.name == name && is_so(d); }))
                throw onnx::Malformed("there is no input " + in_quotes(name) + " that is " + what);
        };
        for (const auto& [name, length] : options.lengths)
            require(name, "a sequence", [](const Declared& d) { return d.kind == onnx::ValueType::Kind::sequence; });
        for (const std::string& name : options.absent)
            require(name, "optional", [](const Declared& d) { return !d.is_there; });
    }

    // Inputs whose values turn out to be needed become constants, one round after the other.
    OnnxModel run() {
        while (true) {
            try {
                Model model = attempt();
                std::vector<std::string> constants;
                for (const Input& i : inputs_)
                    if (i.is_known) constants.push_back(i.name);
                return {std::move(model), std::move(constants), std::move(lengths_), std::move(absent_)};
            } catch (const onnx::NeedsInputs& needs) {
                for (const std::uint32_t i : needs.inputs) {
                    Input& input = inputs_.at(i);
                    if (options_.inputs.contains(input.name))
                        input.is_known = true;
                    else if (needs.as_extents && !input.is_sized && may_be_sized(input.spec))
                        input.is_sized = true;
                    else
                        throw FormatError(needs.message + ", and so does the input " + in_quotes(input.name),
                                          needs.loc);
                }
            }
        }
    }

private:
    void declare(const ValueInfo& info) {
        using Kind = onnx::ValueType::Kind;
        const Kind kind = info.type.kind;
        if (kind != Kind::tensor && kind != Kind::sequence)
            throw onnx::Malformed("the input " + in_quotes(info.name) +
                                  " is neither a tensor nor a sequence of tensors, which is not supported");
        Declared d{info.name, kind, true, static_cast<std::uint32_t>(inputs_.size()), 1};
        if (info.type.is_optional && options_.absent.contains(std::string(info.name))) {
            d.is_there = false;
            d.count = 0;
        } else if (kind == Kind::sequence) {
            d.count = length_of(info.name, options_);
        }
        for (std::uint32_t i = 0; i < d.count; ++i) {
            const std::string name = kind == Kind::sequence ? part_name(info.name, i) : std::string(info.name);
            inputs_.push_back({name, spec_of(info, name, options_), false});
        }
        declared_.push_back(d);
    }

    // What the names of the file's inputs stand for. `tensors` are those that are not known.
    std::unordered_map<std::string_view, Value> values_of(std::span<const Tensor> tensors) const {
        std::vector<Value> parts;
        std::size_t next = 0;
        for (std::uint32_t i = 0; i < inputs_.size(); ++i) {
            const Input& input = inputs_[i];
            if (input.is_sized) {
                onnx::KnownIntegers sizes{input.spec.dtype, {}, {}};
                for (std::size_t k = 0; k < size_count(input.spec); ++k)
                    sizes.elements.push_back(tensors[next++].type().shape[0]);
                if (!input.spec.dims.empty()) sizes.shape = {static_cast<std::int64_t>(sizes.elements.size())};
                parts.emplace_back(std::move(sizes)).set_origins({i});
                continue;
            }
            Value& v =
                parts.emplace_back(input.is_known ? Tensor::from(options_.inputs.at(input.name)) : tensors[next++]);
            if (!input.is_known) v.set_origins({i});
        }
        std::unordered_map<std::string_view, Value> values;
        for (const Declared& d : declared_) {
            Value v;
            if (d.kind == onnx::ValueType::Kind::sequence && d.is_there) {
                onnx::Origins origins;
                const auto first = parts.begin() + d.first;
                for (std::uint32_t i = 0; i < d.count; ++i) origins = onnx::united(origins, first[i].origins());
                v = Value::sequence({first, first + d.count});
                v.set_origins(std::move(origins));
            } else if (d.is_there) {
                v = parts[d.first];
            }
            values.emplace(d.name, std::move(v));
        }
        return values;
    }

    // The tensors of an output, with their names.
    std::vector<std::pair<std::string, Value>> results_of(const Value& v, const ValueInfo& info) {
        const std::string name(info.name);
        if (v.is_tensor()) return {{name, v}};
        if (v.is_missing()) {
            if (!info.type.is_optional) throw onnx::Malformed("the output " + in_quotes(name) + " is left out");
            absent_.insert(name);
            return {};
        }
        std::vector<std::pair<std::string, Value>> results;
        for (const Value& element : v.elements()) {
            if (!element.is_tensor())
                throw onnx::Malformed("the output " + in_quotes(name) +
                                      " is a sequence of others than tensors, which is not supported");
            results.emplace_back(part_name(name, results.size()), element);
        }
        lengths_.emplace(name, static_cast<std::int64_t>(results.size()));
        return results;
    }

    // The tensors of results, and behind them the counts of those that are counted.
    static std::vector<Tensor> with_counts(std::span<const Value> results, TraceOptions& trace) {
        std::vector<Tensor> tensors, counts;
        for (const Value& v : results) tensors.push_back(v.tensor());
        std::set<std::string> names(trace.outputs.begin(), trace.outputs.end());
        for (std::size_t i = 0; i < results.size(); ++i) {
            if (!results[i].counted()) continue;
            const auto& [axis, count] = *results[i].counted();
            std::size_t k = 0;
            while (k < counts.size() && counts[k].node() != count.node()) ++k;
            trace.counted.push_back({i, axis, results.size() + k});
            if (k < counts.size()) continue;
            counts.push_back(count);
            std::string name = trace.outputs[i] + ".count";
            while (!names.insert(name).second) name += "_";
            trace.outputs.push_back(name);
        }
        tensors.insert(tensors.end(), counts.begin(), counts.end());
        return tensors;
    }

    Model attempt() {
        std::vector<TensorSpec> specs;
        TraceOptions trace;
        for (const Input& i : inputs_) {
            if (i.is_known) continue;
            if (!i.is_sized) {
                specs.push_back(i.spec);
                continue;
            }
            const std::size_t count = size_count(i.spec);
            trace.sized.push_back({specs.size(), count, i.spec.dtype, i.spec.dims.size()});
            for (std::size_t k = 0; k < count; ++k) {
                const std::string name = part_name(i.name, k);
                specs.push_back({name, Dtype::boolean, {name, std::int64_t{0}}});
            }
        }
        trace.name =
            graph_.name.empty() ? std::filesystem::path(source_.path()).stem().string() : std::string(graph_.name);
        onnx::GraphRunner runner(source_);
        const auto body = [&](std::span<const Tensor> tensors) {
            lengths_.clear();
            absent_.clear();
            std::vector<Value> results;
            const std::vector<Value> outputs = runner.run(graph_, values_of(tensors));
            for (std::size_t i = 0; i < outputs.size(); ++i) {
                const ValueInfo info = onnx::read_value_info(graph_.outputs[i]);
                for (auto& [name, value] : results_of(outputs[i], info)) {
                    trace.outputs.push_back(std::move(name));
                    results.push_back(std::move(value));
                }
            }
            const std::vector<Tensor> tensors_of_results = with_counts(results, trace);
            trace.weights = runner.weights();
            return tensors_of_results;
        };
        const auto take = [&](const Tensor& weight) { return runner.take_weight(weight); };
        return detail::trace_model(body, specs, trace, take, where_);
    }

    const onnx::Source& source_;
    const OnnxOptions& options_;
    Where where_;
    onnx::Graph graph_;
    std::vector<Input> inputs_;
    std::vector<Declared> declared_;
    // Of the outputs of the last attempt.
    std::map<std::string, std::int64_t> lengths_;
    std::set<std::string> absent_;
};

}  // namespace

Array read_onnx_tensor(const std::string& path, Where where) try {
    return onnx::read_tensor(read_file(path));
} catch (const onnx::Malformed& e) {
    throw FormatError(path + ": " + e.what(), detail::blame(where));
} catch (...) {
    detail::rethrow(detail::blame(where));
}

void add_onnx_input(OnnxOptions& options, std::string_view model, const std::string& input, const std::string& path,
                    Where where) try {
    const onnx::Graph graph = onnx::read_graph(onnx::read_file(model).graph);
    onnx::ValueType type;  // a tensor where the model has no such input
    for (const onnx::Bytes bytes : graph.inputs)
        if (const ValueInfo info = onnx::read_value_info(bytes); info.name == input) type = info.type;
    const std::optional<std::vector<Array>> tensors = onnx::read_value(read_file(path), type);
    if (!tensors) {
        options.absent.insert(input);
    } else if (type.kind == onnx::ValueType::Kind::sequence) {
        options.lengths[input] = static_cast<std::int64_t>(tensors->size());
        for (std::size_t i = 0; i < tensors->size(); ++i)
            options.inputs.insert_or_assign(part_name(input, i), (*tensors)[i]);
    } else if (tensors->size() == 1) {
        options.inputs.insert_or_assign(input, tensors->front());
    } else {
        throw onnx::Malformed("holds a sequence, but the input " + in_quotes(input) + " is a tensor");
    }
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
