// Loop nest to LLVM IR. One emitter writes one kernel; its methods are spread over emit_*.cpp by subject.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codegen/target.h"
#include "ir/loops/loops.h"
#include "ir/loops/workspace.h"

namespace llvm {
struct Align;
class AllocaInst;
class BasicBlock;
class Function;
class IRBuilderBase;
class Module;
class Type;
class Value;
}  // namespace llvm

namespace lathe::codegen {

// A value in a register: one for all lanes, or a vector with an element for each lane of the vector loop around.
struct Register {
    llvm::Value* value = nullptr;
    bool varying = false;
};
using Registers = std::vector<Register>;
using Values = std::vector<llvm::Value*>;

class Emitter {
public:
    Emitter(const ir::LoopNest& nest, const Target& target, llvm::Module& module, llvm::IRBuilderBase& builder);
    void emit_kernel(std::string_view symbol);

private:
    // ---- state that ends with a scope: what is known in the scope being written
    struct Scope {
        int width = 1;                       // lanes of the vector loop around; 1 outside of one
        llvm::Value* mask = nullptr;         // active lanes; null: all
        llvm::Value* whole = nullptr;        // true where all lanes are active after all; null: unknown
        ir::Symbol vector_var = 0;           // meaningful where width > 1, as is the following
        llvm::Value* vector_base = nullptr;  // value of vector_var in lane 0
        int depth = 0;                       // loops around that are loops in the code as well
    };
    class ScopeGuard;

    struct Symbol {
        Register value;                // i64
        int depth = 0;                 // of the loop that defines it
        std::optional<ir::Dim> below;  // a loop's extent, which its variable stays below
    };
    struct Array {
        llvm::Value* data = nullptr;
        int lanes = 1;  // scratch that is allocated within a vector loop has this many copies, interleaved
        bool scratch = false;
    };
    struct ReduceCode;
    // A stretch of an array that the lanes of a vector loop walk side by side.
    struct Staged {
        ir::BufferId buffer = -1;
        ir::Dim rest;  // where it begins
        bool loaded = false, stored = false;
        llvm::Value* base = nullptr;  // its address while the loop is being written
    };

    // ---- emit_nest.cpp: the frame, loops and statements
    void emit(const ir::Statements& statements);
    void statement(const ir::Stmt& stmt);
    void loop(const ir::Loop& l);
    void parallel_loop(const ir::Loop& l);
    void unrolled_loop(const ir::Loop& l);
    void bind(const ir::BindIndex& b);
    // `first` runs where there is a fault, before anything else does.
    void record_fault(const Register& wrong, const Register& index, const Register& bound, const ir::BindIndex& b,
                      const std::function<void()>& first = {});
    // for (i = begin; i < end; i += step) carried = body(i, carried), with the test at the bottom; `known` where it
    // runs at least once. Gives the final values.
    Values counted_loop(llvm::Value* begin, llvm::Value* end, std::int64_t step, bool known, Values initial,
                        const std::function<Values(llvm::Value*, const Values&)>& body);
    // The same with a body that says how far the next iteration is.
    struct Step {
        llvm::Value* step = nullptr;
        Values next;
    };
    Values loop_in_steps(llvm::Value* begin, llvm::Value* end, bool known, Values initial,
                         const std::function<Step(llvm::Value*, const Values&)>& body);
    // if (condition) otherwise = body()
    Values only_if(llvm::Value* condition, Values otherwise, const std::function<Values()>& body);
    void define(ir::Symbol s, Register value, std::optional<ir::Dim> below = std::nullopt);
    // Whether d >= 1 follows from the extents of the loops around.
    bool positive(ir::Dim d, int attempts = 6) const;
    llvm::AllocaInst* stack_array(llvm::Type* element, std::uint64_t count);

    // ---- emit_vector_loop.cpp
    void vector_loop(const ir::Loop& l);
    // Writes `body` for the lanes base + [0, width) of the loop over `var`; lanes from `remaining` on are masked (null:
    // none). `may_be_whole` where the mask often has all lanes.
    void vector_step(ir::Symbol var, int width, llvm::Value* base, llvm::Value* remaining,
                     const std::function<void()>& body, bool may_be_whole = false);
    void staged_loop(const ir::Loop& l, llvm::Value* extent, std::vector<Staged> staged);
    bool collect_staged(const ir::Loop& l, std::vector<Staged>& staged) const;
    void prefetch_stores(const ir::Loop& l, const std::vector<Staged>& staged, llvm::Value* i, int copies);
    void masked_loop(const ir::Loop& l, llvm::Value* begin, llvm::Value* end);
    int chains_together(const ir::Loop& l) const;
    std::size_t weight(const ir::Statements& statements) const;
    bool needs_an_active_lane(const ir::Statements& statements, ir::Symbol vector_var) const;

    // ---- emit_index.cpp: index expressions
    Register index(ir::Dim d);              // i64
    llvm::Value* uniform_index(ir::Dim d);  // of a Dim that does not vary
    Register condition(std::span<const ir::Dim> guards);
    bool varies(ir::Dim d) const;
    Register product(const ir::Dim::Term& term);
    Register atom(const ir::Dim::Atom& a);
    Register floor_division(const Register& a, const Register& b, ir::Dim dividend, ir::Dim divisor);
    // Quotients in the body of a loop whose dividends grow by 1 from one iteration to the next.
    std::vector<ir::Dim::Atom> running_quotients(const ir::Loop& l) const;
    // Of an atom that runs along: its quotient and rest in the first iteration, and so many later, within its divisor.
    struct Quotient {
        llvm::Value *quotient = nullptr, *rest = nullptr, *divisor = nullptr;
    };
    Quotient first_quotient(const ir::Dim::Atom& a, ir::Symbol var);
    Quotient quotient_after(const Quotient& q, llvm::Value* iterations);
    Register safe_divisor(const Register& b, ir::Dim divisor);
    template <class F>
    Register lift(Register a, Register b, F&& f);  // in vectors where one of them is
    // base + d elements, where d does not vary but for the vector variable, which counts as its lane 0. The sum is
    // built from what changes least to what changes most often, so that loops hoist all but the last part.
    llvm::Value* element_address(llvm::Value* base, llvm::Type* element, ir::Dim d, std::int64_t scale = 1);
    llvm::Value* lane_numbers(int width, bool narrow);

    // ---- emit_memory.cpp: loads and stores
    Register load(const ir::Load& l);
    llvm::Value* every(std::int64_t stride, llvm::Type* element, llvm::Value* address);
    void store(const ir::Store& s);
    void stream(llvm::Value* lanes, llvm::Value* address, llvm::Align align);
    ir::Dim offset(ir::BufferId b, std::span<const ir::Dim> index) const;
    struct Access;
    Access access(ir::BufferId b, std::span<const ir::Dim> index);
    llvm::Value* from_memory(llvm::Value* v, ir::Dtype d);
    llvm::Value* to_memory(llvm::Value* v, ir::Dtype d);
    llvm::Value* active_lanes();                        // the mask, all ones where there is none
    llvm::Value* both(llvm::Value* a, llvm::Value* b);  // conjunction of masks; null stands for true

    // ---- emit_transpose.cpp
    // The offset of what the unrolled loop reads, over the variable of the vector loop.
    std::optional<ir::Dim> across(const ir::Load& load, const ir::Loop& unrolled, const ir::Loop& vector) const;
    void load_across(const ir::Loop& unrolled);

    // ---- emit_reduce.cpp: accumulators are lists of values, one for each result of the reducer's init
    Registers reduce(const ir::Reduce& r);
    Values chain_block(const ReduceCode& code, llvm::Value* begin, llvm::Value* end);
    Values register_block(const ReduceCode& code, llvm::Value* begin, llvm::Value* end);
    Values memory_block(const ReduceCode& code, llvm::Value* begin, llvm::Value* end);
    Values single_lanes_block(const ReduceCode& code, llvm::Value* end);
    ReduceCode reduce_code(const ir::Reduce& r, int around);  // within a vector loop of so many lanes, or 1
    void chains_step(const ir::Loop& l, llvm::Value* base, int groups);
    Values combine_groups(const ReduceCode& code, const Values& earlier, const Values& later, int groups);
    Values blocks(const ReduceCode& code, int groups,
                  const std::function<Values(llvm::Value* begin, llvm::Value* end)>& one_block);
    Values step(const ReduceCode& code, const Values& acc);
    Values halve(const ReduceCode& code, std::vector<Values> groups);
    Values combine(const ReduceCode& code, const Values& earlier, const Values& later, int width);
    Values run(const ir::ScalarProgram& p, const Values& operands, int width);
    struct AccumulatorArrays;
    Values read(const AccumulatorArrays& arrays, llvm::Value* lane);
    void write(const AccumulatorArrays& arrays, llvm::Value* lane, const Values& values);

    // ---- emit_program.cpp
    Registers program(const ir::ScalarProgram& p, std::span<const Register> operands);
    llvm::Value* splat(const Register& r);

    llvm::Type* scalar_type(ir::Dtype d);  // in registers
    llvm::Type* memory_type(ir::Dtype d);
    ir::Dtype dtype(ir::ValueId v) const { return nest_.value_dtypes[static_cast<std::size_t>(v)]; }
    Register& value(ir::ValueId v) { return values_[static_cast<std::size_t>(v)]; }

    const ir::LoopNest& nest_;
    const Target& target_;
    const ir::Workspace workspace_;
    llvm::Module& module_;
    llvm::IRBuilderBase& b_;
    llvm::Function* function_ = nullptr;
    llvm::Value* fault_ = nullptr;
    llvm::Value* workspace_data_ = nullptr;
    llvm::Value* zeros_ = nullptr;  // a widest vector of zeros: where loads with a failed guard read
    bool streamed_ = false;
    Scope scope_;
    std::vector<Symbol> symbols_;
    Registers values_;
    std::vector<Array> arrays_;
    std::map<const ir::Load*, Values> across_;             // loaded for the iterations of the unrolled loop around
    std::size_t unrolled_ = 0;                             // which of those is being written
    std::vector<Staged> staged_;                           // in the loop that is being written
    std::unordered_map<std::uint64_t, Register> indices_;  // of Dims already computed in the scopes around
    std::vector<std::uint64_t> computed_;                  // keys of `indices_`, innermost scope last
    std::map<std::pair<std::uint64_t, std::uint64_t>, llvm::Value*> quotients_;  // that run along, by both operands
};

// Saves what ends with a scope.
class Emitter::ScopeGuard {
public:
    explicit ScopeGuard(Emitter& e) : e_(e), saved_(e.scope_), computed_(e.computed_.size()) {}
    ~ScopeGuard() {
        e_.scope_ = saved_;
        for (; e_.computed_.size() > computed_; e_.computed_.pop_back()) e_.indices_.erase(e_.computed_.back());
    }
    ScopeGuard(const ScopeGuard&) = delete;
    ScopeGuard& operator=(const ScopeGuard&) = delete;

private:
    Emitter& e_;
    Scope saved_;
    std::size_t computed_;
};

}  // namespace lathe::codegen
