#include "frontend/nn/summary.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "frontend/tensor/blame.h"
#include "frontend/trace/trace.h"
#include "ir/error.h"

namespace lathe::nn {
namespace {

using Row = std::array<std::string, 4>;

// What modules compute, by module: the last call counts.
class Calls final : public detail::CallObserver {
public:
    void called(const AnyModule& module, const std::vector<Tensor>& results) override {
        std::string types;
        for (const Tensor& t : results) types += (types.empty() ? "" : ", ") + t.type().to_string();
        calls_.emplace_back(module, std::move(types));
    }
    std::string results_of(const AnyModule& module) const {
        const auto last =
            std::find_if(calls_.rbegin(), calls_.rend(), [&](const auto& c) { return c.first.is(module); });
        return last == calls_.rend() ? "" : last->second;
    }

private:
    std::vector<std::pair<AnyModule, std::string>> calls_;
};

std::string with_separators(std::int64_t n) {
    std::string digits = std::to_string(n);
    for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
    return digits;
}

// Columns as wide as they need to be, the last one to the right.
std::string table(const std::vector<Row>& rows) {
    std::array<std::size_t, std::tuple_size_v<Row>> widths{};
    for (const Row& row : rows)
        for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
    std::string out;
    for (const Row& row : rows)
        out += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}\n", row[0], widths[0], row[1], widths[1], row[2], widths[2],
                           row[3], widths[3]);
    return out;
}

}  // namespace

std::string internal::summary(const AnyModule& model, const std::vector<ir::Type>& inputs,
                              const detail::TensorFunction& call, Where where) {
    if (inputs.empty()) throw UserError("summary: wants the type of one input or more", detail::blame(where));
    Calls calls;
    {
        Trace trace("summary", where);
        std::vector<Tensor> tensors;
        for (const ir::Type& type : inputs)
            tensors.emplace_back(trace.add_input("x" + std::to_string(tensors.size()), type));
        call(tensors);
    }
    std::vector<Row> rows{{"module", "class", "result", "parameters"}};
    for (const auto& [path, module] : model.named_modules())
        rows.push_back({path.empty() ? "(model)" : path, module.class_name(), calls.results_of(module),
                        with_separators(module.own_parameter_count())});
    const std::int64_t all = model.parameter_count(), trained = model.parameter_count(true);
    return table(rows) +
           fmt::format("parameters: {}, of which {} are trainable\n", with_separators(all), with_separators(trained));
}

}  // namespace lathe::nn
