#include "runtime/table_writer.h"

#include <algorithm>
#include <string_view>

namespace lathe::runtime {
namespace {

std::uint32_t count(const auto& list) { return static_cast<std::uint32_t>(list.size()); }

int depth_of(const std::vector<lathe_token>& tokens) {
    int depth = 0, most = 0;
    for (const lathe_token& t : tokens) {
        depth += t.code == lathe_size_constant || t.code == lathe_size_symbol ? 1 : -1;
        most = std::max(most, depth);
    }
    return most;
}

}  // namespace

PlanTables TableWriter::write(const Plan& plan) {
    TableWriter writer(plan);
    writer.count_uses();
    PlanTables& tables = writer.tables_;
    for (const PlanTensor& t : plan.inputs) tables.inputs.push_back(writer.tensor(t));
    for (const PlanTensor& t : plan.outputs) tables.outputs.push_back(writer.tensor(t));
    for (const PlanPrecondition& p : plan.preconditions) {
        tables.preconditions.push_back(writer.expression(p.a.tokens()));
        tables.preconditions.push_back(writer.expression(p.b.tokens()));
    }
    for (const PlanTemporary& t : plan.temporaries) tables.temporaries.push_back({writer.size(t.bytes), t.within});
    for (const PlanStep& s : plan.steps) tables.steps.push_back(writer.step(s));
    return std::move(tables);
}

void TableWriter::count_uses() {
    const auto use = [&](const SizeExpression& e) { ++parts_[part(e.node())].uses; };
    for (const PlanTemporary& t : plan_.temporaries) use(t.bytes);
    for (const PlanStep& s : plan_.steps) {
        for (const SizeExpression& e : s.extents) use(e);
        for (const SizeExpression* e : {&s.trips, &s.cost, &s.workspace}) use(*e);
    }
}

std::uint32_t TableWriter::part(const SizeExpression::Node& node) {
    if (const auto known = part_of_.find(&node); known != part_of_.end()) return known->second;
    Part p{.token = node.token};
    if (node.a != nullptr) {
        p.a = part(*node.a);
        p.b = part(*node.b);
        p.varies = parts_[p.a].varies || parts_[p.b].varies;
    } else {
        p.varies = node.token.code == lathe_size_symbol &&
                   node.token.value >= std::int64_t{plan_.symbol_count} + lathe_machine_symbols;
    }
    const auto [found, fresh] = numbers_of_parts_.try_emplace({p.token.code, p.token.value, p.a, p.b}, count(parts_));
    if (fresh) {
        if (p.is_operation())
            for (const std::uint32_t operand : {p.a, p.b}) ++parts_[operand].uses;
        parts_.push_back(p);
    }
    part_of_.emplace(&node, found->second);
    return found->second;
}

void TableWriter::append(std::uint32_t number, std::vector<lathe_token>& tokens) {
    const Part p = parts_[number];
    if (!p.is_operation()) {
        tokens.push_back(p.token);
        return;
    }
    if (p.uses < 2 || p.varies) {
        append_operation(number, tokens);
        return;
    }
    if (p.symbol < 0) {
        std::vector<lathe_token> own;
        append_operation(number, own);
        parts_[number].symbol =
            std::int64_t{plan_.symbol_count} + lathe_machine_symbols + plan_.iteration_count + count(tables_.shared);
        tables_.shared.push_back(expression(own));
    }
    tokens.push_back({parts_[number].symbol, lathe_size_symbol});
}

void TableWriter::append_operation(std::uint32_t number, std::vector<lathe_token>& tokens) {
    append(parts_[number].a, tokens);
    append(parts_[number].b, tokens);
    tokens.push_back(parts_[number].token);
}

std::uint32_t TableWriter::expression(const std::vector<lathe_token>& tokens) {
    if (depth_of(tokens) > lathe_size_stack) throw PlanError("a size is too complex");
    const std::string_view key(reinterpret_cast<const char*>(tokens.data()), tokens.size() * sizeof(lathe_token));
    const auto [found, fresh] = numbers_.try_emplace(std::string(key), count(tables_.expressions));
    if (fresh) {
        tables_.expressions.push_back({count(tables_.tokens), count(tokens)});
        tables_.tokens.insert(tables_.tokens.end(), tokens.begin(), tokens.end());
    }
    return found->second;
}

std::uint32_t TableWriter::size(const SizeExpression& e) {
    std::vector<lathe_token> tokens;
    append(part(e.node()), tokens);
    return expression(tokens);
}

lathe_plan_tensor TableWriter::tensor(const PlanTensor& t) {
    const std::uint32_t first = count(tables_.sizes);
    for (const SizeExpression& e : t.dims) tables_.sizes.push_back(expression(e.tokens()));
    return {t.element_size, first, count(t.dims)};
}

lathe_plan_step TableWriter::step(const PlanStep& s) {
    lathe_plan_step out{};
    out.kind = static_cast<std::uint32_t>(s.kind);
    out.target = s.target;
    out.kernel = s.kernel;
    out.first_operand = count(tables_.operands);
    out.operand_count = count(s.operands);
    tables_.operands.insert(tables_.operands.end(), s.operands.begin(), s.operands.end());
    out.first_extent = count(tables_.sizes);
    out.extent_count = count(s.extents);
    for (const SizeExpression& e : s.extents) tables_.sizes.push_back(size(e));
    tables_.extent_count += out.extent_count;
    out.trips = size(s.trips);
    out.cost = size(s.cost);
    out.workspace = size(s.workspace);
    out.symbol = s.symbol;
    out.first_site = s.first_site;
    out.is_dynamic = s.is_dynamic ? 1 : 0;
    out.repeats = s.repeats ? 1 : 0;
    return out;
}

}  // namespace lathe::runtime
