// Writes a plan's tables. Equal expressions get one number. A part that several sizes share is computed once, when the
// plan is bound: it becomes a symbol behind all others. Parts that depend on a loop's iteration stay where they are,
// and so does what is evaluated before there are such symbols: preconditions, and the shapes of inputs and outputs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "runtime/plan.h"

namespace lathe::runtime {

class TableWriter {
public:
    // Throws PlanError where a size is too complex.
    static PlanTables write(const Plan& plan);

private:
    // A distinct part of the sizes.
    struct Part {
        lathe_token token{};
        std::uint32_t a = 0, b = 0;  // of an operation: its operands
        std::uint32_t uses = 0;      // by other parts and by steps
        bool varies = false;         // from one iteration of a loop to the next
        std::int64_t symbol = -1;    // that holds its value
        bool is_operation() const { return token.code != lathe_size_constant && token.code != lathe_size_symbol; }
    };

    explicit TableWriter(const Plan& plan) : plan_(plan) {}

    void count_uses();
    std::uint32_t part(const SizeExpression::Node& node);
    void append(std::uint32_t part, std::vector<lathe_token>& tokens);
    void append_operation(std::uint32_t part, std::vector<lathe_token>& tokens);

    std::uint32_t expression(const std::vector<lathe_token>& tokens);
    std::uint32_t size(const SizeExpression& e);
    lathe_plan_tensor tensor(const PlanTensor& t);
    lathe_plan_step step(const PlanStep& s);

    const Plan& plan_;
    PlanTables tables_;
    std::vector<Part> parts_;
    std::map<std::tuple<std::int64_t, std::int64_t, std::uint32_t, std::uint32_t>, std::uint32_t> numbers_of_parts_;
    std::unordered_map<const SizeExpression::Node*, std::uint32_t> part_of_;
    std::unordered_map<std::string, std::uint32_t> numbers_;  // of expressions, by their tokens
};

}  // namespace lathe::runtime
