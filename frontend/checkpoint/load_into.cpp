#include "frontend/checkpoint/load_into.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "frontend/functions/elementwise.h"
#include "frontend/nn/module.h"
#include "frontend/tensor/blame.h"
#include "ir/error.h"

namespace lathe {
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

// The name that a variable has for a name of the checkpoint; empty: it is passed over.
std::string renamed(std::string name, const LoadOptions& options) {
    if (!name.starts_with(options.prefix)) return {};
    name.erase(0, options.prefix.size());
    for (const auto& [from, to] : options.replace) replace_all(name, from, to);
    return options.rename ? options.rename(name) : name;
}

// The lines of a message, all but the first few left out.
class Complaints {
public:
    void add(const std::string& line) {
        if (++count_ <= shown) lines_ += "\n  " + line;
    }
    std::size_t count() const { return count_; }
    std::string text() const {
        return count_ <= shown ? lines_ : lines_ + "\n  and " + std::to_string(count_ - shown) + " more";
    }

private:
    static constexpr std::size_t shown = 50;
    std::string lines_;
    std::size_t count_ = 0;
};

// Sets all variables, or none: `set` allocates, and may find no memory.
void set_all(const std::vector<std::pair<Tensor, Tensor>>& updates, Where where) {
    std::vector<Tensor> before;
    before.reserve(updates.size());
    for (const auto& [variable, value] : updates) before.push_back(detail::value_of(variable));
    std::size_t done = 0;
    try {
        for (; done < updates.size(); ++done) updates[done].first.set(updates[done].second, where);
    } catch (...) {
        while (done-- > 0) updates[done].first.set(before[done], where);
        throw;
    }
}

}  // namespace

LoadReport load_into(std::span<const LoadTarget> targets, const CheckpointValue& values, const LoadOptions& options,
                     Where where) try {
    const detail::LocScope scope(where);
    if (std::ranges::any_of(options.replace, [](const auto& pair) { return pair.first.empty(); }))
        throw UserError("load_into: an empty text cannot be replaced");
    Complaints complaints;
    LoadReport report;
    std::unordered_map<std::string, std::pair<std::string, Tensor>> given;  // by the variable's name
    std::vector<std::string> order;
    for (const auto& [name, tensor] : values.flatten(where)) {
        const std::string wanted = renamed(name, options);
        if (wanted.empty()) continue;
        const auto [place, fresh] = given.emplace(wanted, std::pair(name, tensor));
        if (fresh)
            order.push_back(wanted);
        else
            complaints.add("'" + place->second.first + "' and '" + name + "' would both be '" + wanted + "'");
    }

    std::vector<std::pair<Tensor, Tensor>> updates;
    std::unordered_map<std::string, bool> taken;
    for (const LoadTarget& target : targets) {
        if (!target.variable.is_variable()) throw UserError("load_into: '" + target.name + "' is no variable");
        if (!taken.emplace(target.name, true).second)
            throw UserError("load_into: two variables are called '" + target.name + "'");
        const auto found = given.find(target.name);
        if (found == given.end()) {
            report.missing.push_back(target.name);
            continue;
        }
        const ir::Type &wanted = target.variable.type(), has = found->second.second.type();
        const std::string in_file =
            "'" + target.name + "' is " + wanted.to_string() + ", the checkpoint has " + has.to_string();
        ir::Shape shape = has.shape;
        const std::size_t rank = shape.rank();
        if (target.transposed && rank >= 2) std::swap(shape[rank - 1], shape[rank - 2]);
        if (!(shape == wanted.shape)) {
            complaints.add(in_file + (target.transposed ? ", of which the transpose is taken" : ""));
        } else if (has.dtype != wanted.dtype && !options.convert) {
            complaints.add(in_file + "; the option 'convert' converts");
        } else {
            Tensor value = found->second.second;
            if (target.transposed && rank >= 2) value = value.t(where);
            if (has.dtype != wanted.dtype) value = convert(value, wanted.dtype, where);
            updates.emplace_back(target.variable, value);
        }
    }
    for (const std::string& name : order)
        if (!taken.contains(name)) report.unexpected.push_back(name);
    if (options.strict) {
        for (const std::string& name : report.missing) complaints.add("'" + name + "' is missing in the checkpoint");
        for (const std::string& name : report.unexpected) complaints.add("'" + name + "' is the name of no variable");
    }
    if (complaints.count() > 0)
        throw UserError("load_into: the checkpoint does not fit the variables:" + complaints.text());

    std::vector<Tensor> all;
    all.reserve(updates.size());
    for (const auto& [variable, value] : updates) all.push_back(value);
    eval(all, where);
    set_all(updates, where);
    return report;
} catch (...) {
    detail::rethrow(detail::blame(where));
}

LoadReport load_into(const std::vector<NamedTensor>& variables, const CheckpointValue& values,
                     const LoadOptions& options, Where where) {
    const std::vector<LoadTarget> targets(variables.begin(), variables.end());
    return load_into(targets, values, options, where);
}

}  // namespace lathe
