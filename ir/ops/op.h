// The op table's mechanism: an op is one constexpr record. The row is at once the public function, the textual op, the
// verifier's rule, the gradient's rule, the semantics of interpreter and code generator, the manual entry, and the
// source of property tests. Passes and code generation look at the lowering class and the rules of the row, never at
// its name.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attribute.h"
#include "ir/error.h"
#include "ir/graph/graph.h"
#include "ir/ops/scalar.h"

namespace lathe::ir {

// A field that the author of a row cannot leave out.
template <class T>
struct Required {
    T value;
    template <std::convertible_to<T> U>
    constexpr Required(U v) : value(v) {}  // NOLINT(google-explicit-constructor): reads as the field itself
};

// How an op becomes loops.
enum class Lowering : std::uint8_t {
    source,       // parameter, constant: data that exists before the graph runs
    elementwise,  // out[i] = scalar(x0[i], x1[i], ...), operands broadcast as in NumPy
    index,        // out[i] = a value computed from i itself (iota)
    view,         // out[i] = one element of one operand, or a fill value, chosen by index arithmetic
    reduction,    // folds a Reducer over some axes of its operand
    contraction,  // folds a Reducer over products of elements of two operands
    relayout,     // its operand, in memory of another layout
    scatter,      // a copy of the first operand into which updates are accumulated, in ascending order
    control,      // runs regions
    opaque,       // a function of the library computes it, from operands in memory to results in memory
    composite,    // other ops compute it: one node until gradients are taken and batches made, then what it expands to
};

struct Arity {
    int minimum = 0;
    bool variadic = false;                  // more than the minimum may follow
    constexpr Arity(int n) : minimum(n) {}  // NOLINT(google-explicit-constructor)
    constexpr Arity(int n, bool more) : minimum(n), variadic(more) {}
};
constexpr Arity at_least(int n) { return {n, true}; }

// ---- type rules

// What a type rule sees, and where it reports. Symbols unify: an equality that cannot be proved is recorded as a
// precondition where the context allows it (tracing, text), and is an error where it does not.
class TypeContext {
public:
    // The function that the op is a part of: errors speak in its name, and of its operands.
    struct Voice {
        std::string (*name)() = nullptr;
        std::vector<Type> (*operands)() = nullptr;  // empty: those of the op
    };

    TypeContext(const OpDef& op, std::span<const Type> operands, std::span<const Attribute> attributes, Loc loc,
                std::vector<Precondition>* preconditions, std::span<const std::string> symbol_names = {},
                const Voice* voice = nullptr)
        : op_(op),
          operands_(operands),
          attributes_(attributes),
          loc_(loc),
          preconditions_(preconditions),
          symbol_names_(symbol_names),
          voice_(voice) {}

    std::size_t operand_count() const { return operands_.size(); }
    const Type& operand(std::size_t i) const { return operands_[i]; }
    std::span<const Type> operands() const { return operands_; }
    template <AttributeMeaning meaning, std::size_t at>
    const auto& attribute(const AttributeOf<meaning, at>& which) const {
        return which(attributes_);
    }
    // The axis, or the axes in their order, that an attribute names, counted from the front.
    template <std::size_t at>
    std::size_t axis(const AxisAttribute<at>& which) const {
        return static_cast<std::size_t>(axis(which(attributes_), rank_of(which)));
    }
    template <std::size_t at>
    Integers axes(const AxesAttribute<at>& which) const {
        Integers axes = which(attributes_);
        for (std::int64_t& a : axes) a = axis(a, rank_of(which));
        return axes;
    }
    // The rank of the tensor that an attribute speaks of.
    std::size_t rank_of(const AttributeDef& def) const;
    std::span<const Attribute> attributes() const { return attributes_; }
    const OpDef& op() const { return op_; }

    std::string name() const;
    // The message becomes "add: <why> (f32[2, 3] and f32[4])".
    [[noreturn]] void fail(const std::string& why) const;
    // Throws where the Dims are known to differ, and says along which axis where one is named; records a precondition
    // where they may.
    static constexpr std::int64_t no_axis = std::numeric_limits<std::int64_t>::min();
    void require_equal(Dim a, Dim b, std::string_view what, std::int64_t axis = no_axis);
    void require_at_most(Dim a, Dim b, std::string_view what);     // a <= b, in the same way
    std::int64_t axis(std::int64_t axis, std::size_t rank) const;  // checks [-rank, rank) and wraps negatives

private:
    const OpDef& op_;
    std::span<const Type> operands_;
    std::span<const Attribute> attributes_;
    Loc loc_;
    std::vector<Precondition>* preconditions_;
    std::span<const std::string> symbol_names_;
    const Voice* voice_;
};

// The result types of an op for given operands: arity, what attributes are and mean, and the type rule, checked.
std::vector<Type> infer_types(TypeContext& context);

// The rank of the tensor that an attribute of a call speaks of.
std::size_t rank_of(const AttributeDef& def, const OpDef& op, std::span<const Type> operands,
                    std::span<const Attribute> attributes);
// Counts axes from the front. What is out of range stays, for the type rule to refuse.
void normalize(const OpDef& op, std::span<const Type> operands, std::span<Attribute> attributes);

using Types = std::vector<Type>;
// One result is the rule, so it avoids the vector; ops with several set `result_types` instead.
using TypeRule = Type (*)(TypeContext&);
using ResultTypesRule = Types (*)(TypeContext&);

// ---- semantics

// Operands of a scalar rule and what it may consult.
struct ScalarContext {
    ScalarBuilder& b;
    std::span<const Scalar> x;
    std::span<const Attribute> attributes;
    Dtype result;  // dtype of the node's first result
};
using ScalarRule = Scalars (*)(const ScalarContext&);

// The greatest distance from the exact result, in units of its last place: of finite operands, before the one rounding
// of f16 and bf16. Where both are 0 the result is exact, or what IEEE 754 has for the operation. Tests hold rows to it.
struct Accuracy {
    double f32 = 0, f64 = 0;
    std::string_view of = {};  // what it is said of, where that is not everything
};

// The data of a source that has them in itself.
using LiteralRule = const Literal& (*)(std::span<const Attribute> attributes);

// What a reducer's rules see. Of the attributes they may consult numbers, flags and dtypes.
struct FoldContext {
    ScalarBuilder& b;
    Dtype element;      // of the first operand
    Dtype accumulator;  // what the reducer says for it
    std::span<const Attribute> attributes;
};
// A fold with a defined order. What it accumulates is one or more scalars, of dtypes that `init` fixes.
struct Reducer {
    // The dtype in which elements of a dtype are folded, and that of the first accumulator: a sum of bf16 is one of
    // f32 until it is finished. It decides how many lanes a fold has, too (ir/loops/order.h).
    Dtype (*accumulator)(Dtype element) = nullptr;
    Scalars (*init)(const FoldContext&) = nullptr;
    // Folds one element in: `x` has one scalar per operand (a sum has 1, a contraction 2), each in the accumulator's
    // dtype; `index` is the i64 position of the element among the reduced ones (flattened, row-major), greater than
    // that of every element that is in `acc`.
    Scalars (*step)(const FoldContext&, std::span<const Scalar> acc, std::span<const Scalar> x, Scalar index) = nullptr;
    // Merges two partial results; the first comes from earlier elements or the lower lane.
    Scalars (*combine)(const FoldContext&, std::span<const Scalar> earlier, std::span<const Scalar> later) = nullptr;
    Scalars (*finish)(const FoldContext&, std::span<const Scalar> acc) = nullptr;
    // Whether it has a second accumulator: the position of the element that the first one holds, as i64.
    bool keeps_position = false;
    constexpr explicit operator bool() const { return init != nullptr; }
};
// Of `accumulator`: that of the elements.
constexpr Dtype same_dtype(Dtype element) { return element; }

// Index maps of views: which operand element an output element is. Pieces are tried in order; the first whose guards
// are all >= 0 is taken; the last piece has no guards and is the default.
struct ViewPiece {
    std::size_t operand = 0;
    std::vector<Dim> index;   // one per dimension of that operand, in terms of the output's index
    std::vector<Dim> guards;  // all >= 0, or the piece does not apply
};
// An index read from memory: the rule asks for element `index` of operand `operand` and gets a Dim that stands for it,
// clamped to [0, bound) where the loaded value is out of range (a fault is recorded).
class ViewContext {
public:
    // `index` says where in the operand, `bound` what the element has to stay below.
    virtual Dim loaded_index(std::size_t operand, std::vector<Dim> index, Dim bound) const = 0;
    std::span<const Type> operands;
    const Type* result = nullptr;
    std::span<const Attribute> attributes;

protected:
    ~ViewContext() = default;
};
// What messages about an index of a node out of range call it, as "gather: index": the node's text, where it has one.
std::string index_name(const Node& node);
// An operand that holds indices, integers in [0, bound): views load them, and tests draw them from there.
struct Indices {
    std::size_t operand = 0;
    Dim (*bound)(std::span<const Type> operands, std::span<const Attribute> attributes) = nullptr;
    constexpr explicit operator bool() const { return bound != nullptr; }
};
using ViewRule = std::vector<ViewPiece> (*)(const ViewContext&, std::span<const Dim> out_index);

// What a composite op is made of: its results, recorded in the graph of the operands.
struct ExpandContext {
    const Node& node;          // for its attributes
    std::span<const Value> x;  // operands
};
using ExpandRule = std::vector<Value> (*)(const ExpandContext&);

// A call of a function of the library, which has the ABI of kernels (runtime/abi.h): what an opaque op becomes.
struct HostCall {
    std::string_view function;  // see runtime/calls/calls.h
    std::vector<Dim> extents;   // all numbers that the function is told, in its order
    Dim iterations = 1;         // of its parallel loop
    Dim picoseconds = 0;        // that one of them takes, about
    Dim workspace = 0;          // bytes that each worker has for itself
    // Where a few iterations would be long, it runs in phases, one after the other, each with a parallel loop of its
    // own. Then the function has some memory in common for all of them as its last operand, and is told the number of
    // the phase behind the extents: 0 is that of the above.
    struct Phases {
        std::int64_t count = 0;  // besides the first; 0: there are no phases
        Dim iterations = 0, picoseconds = 0;
        Dim scratch = 0;  // bytes in common
    } phases = {};
};
struct CallContext {
    std::span<const Type> operands;
    std::span<const Attribute> attributes;
    const std::vector<bool>& wanted;  // by result: whether anybody reads it. The function gets no memory for others
};
using CallRule = HostCall (*)(const CallContext&);
// The results, as the op's doc defines them: the function has to give the same bits. All types are constant.
struct ReferenceContext {
    std::span<const Literal> operands;
    std::span<const Attribute> attributes;
    std::span<const Type> results;
};
using ReferenceRule = std::vector<Literal> (*)(const ReferenceContext&);

// Roles of the dimensions of a contraction: which operand dimension each loop of its nest runs over. The nest's loops
// are the output's dimensions in order, followed by the contracted ones.
struct ContractionMaps {
    std::size_t contracted = 0;                      // how many loops are contracted
    std::vector<std::vector<std::size_t>> operands;  // [operand][dimension] -> loop
    std::vector<Dim> contracted_extents;
};
using ContractionRule = ContractionMaps (*)(std::span<const Type> operands, std::span<const Attribute> attributes);
// An operand of i32 that is bytes less a zero.
struct BytesLessZero {
    Value bytes;  // u8 or i8
    Value zero;   // i32, broadcasts to the bytes; empty where it is 0
};
struct BytesContext {
    const Node& node;
    std::span<const BytesLessZero> x;  // operands
};
// The result of a contraction of such operands as one of words of four bytes: the same integers. Empty where the row
// has none that is faster.
using BytesRule = Value (*)(const BytesContext&);
// Axes that a reduction folds, ascending.
using AxesRule = Integers (*)(std::span<const Type> operands, std::span<const Attribute> attributes);

// ---- gradients

using Values = std::vector<Value>;
struct GradientContext {
    const Node& node;
    std::span<const Value> x;  // operands
    std::span<const Value> y;  // results
};
// t times d y[0] / d x_i, element by element: a tangent or a cotangent of y's shape, which is summed over broadcast
// dimensions generically. The row says how to multiply: t / y is finite where 1 / y is not. x, y and t come in the
// dtype that sums accumulate in, and what the rule gives is rounded once.
using Partial = Value (*)(const GradientContext&, const Value& t);
// Cotangent of operand i, given the cotangents of the results. An empty Value stands for zero.
using Transpose = Value (*)(const GradientContext&, std::span<const Value> cotangents, std::size_t operand);
// Tangent of y[0], given the tangents of the operands; must be linear in them. VJP follows by transposition.
using Jvp = Value (*)(const GradientContext&, std::span<const Value> tangents);

// Exactly one form, or a reason why there is none.
struct Gradient {
    bool through_regions = false;  // regions are differentiated: see passes/graph/differentiate_regions
    static constexpr std::size_t max_partials = 3;
    Partial partial[max_partials] = {};
    Transpose transpose = nullptr;
    bool only_reverse = false;  // the op is not linear: this is the transpose of its derivative, at the operands
    bool multilinear = false;   // linear in each operand while the others stay; else in all of them together
    Jvp jvp = nullptr;
    std::string_view none_because = {};
    bool stops = false;  // nothing behind the op is kept for derivatives
};
constexpr Gradient partials(Partial a, Partial b = nullptr, Partial c = nullptr) { return {.partial = {a, b, c}}; }
constexpr Gradient linear(Transpose t) { return {.transpose = t}; }
constexpr Gradient multilinear(Transpose t) { return {.transpose = t, .multilinear = true}; }
constexpr Gradient jvp(Jvp j) { return {.jvp = j}; }
constexpr Gradient only_reverse(Transpose t) { return {.transpose = t, .only_reverse = true}; }
// All derivatives are zero, on purpose.
constexpr Gradient stopped() {
    return {.transpose = [](const GradientContext&, std::span<const Value>, std::size_t) { return Value{}; },
            .stops = true};
}
constexpr Gradient through_regions() { return {.through_regions = true}; }
constexpr Gradient no_grad(std::string_view why) { return {.none_because = why}; }

// ---- samples for property tests

struct Domain {  // where operands are drawn from; also where the gradient is finite and smooth
    double low = -2, high = 2;
};
// A call that the row's type rule accepts.
struct Sample {
    std::vector<Type> operands;
    Attributes attributes = {};
};
// Awkward shapes: rank 0, extents of 0 and 1, every way in which the op treats dimensions. The dtype is that of the
// operands that carry the computation; for one that the row does not take, nothing else is wrong.
using SampleRule = std::vector<Sample> (*)(Dtype dtype);

// ---- batches: one node for the operands of many, whose first axis says which

struct BatchContext {
    const Node& node;                  // as it is for one of them, without that axis
    std::span<const Value> x;          // in the new graph: operands with it where `batched`, else as they are
    const std::vector<bool>& batched;  // some are
    Dim extent;
};
// The first result, with the axis. Each element has the bits of its own node.
using BatchRule = Value (*)(const BatchContext&);

// How the regions of a node of class control run.
enum class Control : std::uint8_t {
    none,
    branch,      // one of two
    loop_while,  // the second, for as long as the first gives true
    scan,        // one, for each slice of some operands
    once,        // one, as it is; what derivatives need of it is computed again
};

// ---- the row

struct DtypeSet {
    std::uint16_t bits = 0;
    constexpr bool contains(Dtype d) const { return (bits >> static_cast<unsigned>(d)) & 1U; }
    friend constexpr DtypeSet operator|(DtypeSet a, DtypeSet b) {
        return {static_cast<std::uint16_t>(a.bits | b.bits)};
    }
};
constexpr DtypeSet dtypes_where(bool (*predicate)(Dtype)) {
    DtypeSet s;
    for (Dtype d : all_dtypes())
        if (predicate(d)) s.bits = static_cast<std::uint16_t>(s.bits | (1U << static_cast<unsigned>(d)));
    return s;
}
inline constexpr DtypeSet floats = dtypes_where(is_float);
inline constexpr DtypeSet integers = dtypes_where(is_integer);
inline constexpr DtypeSet booleans = dtypes_where([](Dtype d) { return d == Dtype::boolean; });
inline constexpr DtypeSet numbers = floats | integers;
inline constexpr DtypeSet any_dtype = numbers | booleans;
// Why a dtype is not taken: "operand 1 is f32, not one of i64 i32; convert() makes it one".
std::string dtype_refusal(std::string_view who, Dtype dtype, DtypeSet allowed);

// Operands that leave the other one as it is, every bit of it: op(x, right) = x, op(left, x) = x. In the dtype of x.
struct Identity {
    std::optional<double> left = {}, right = {};
};
// A value that equals the node's first result bit for bit, built from the node's operands in the node's graph; or none.
using Rewrite = Value (*)(const Node&);

// A node as a text of an older version of its row has it, on its way to the present one.
struct WrittenNode {
    std::vector<Value> operands;
    Attributes attributes;
};
// From one version of a row to the next. What this library wrote has to mean later what it meant then.
struct Upgrade {
    std::span<const AttributeDef> attributes = {};  // that the row had in the older version
    void (*apply)(WrittenNode&) = nullptr;          // makes operands and attributes those of the next version
};

struct OpDef {
    std::string_view name;
    int version = 1;
    std::string_view doc;  // first line: the formula; then what is not obvious
    Arity arity;
    Lowering lowering;
    DtypeSet dtypes;  // of the operands that carry the computation (rules check the rest)
    std::span<const AttributeDef> attributes = {};
    Required<TypeRule> type;
    ResultTypesRule result_types = nullptr;  // for several results; then `type` gives the first
    LiteralRule literal = nullptr;           // source: its data, where those are known before anything runs
    ScalarRule scalar = nullptr;             // elementwise, index (x[0] is the i64 index along the attribute axis)
    Accuracy accuracy = {};                  // elementwise, of real numbers
    Reducer reducer = {};                    // reduction, contraction, scatter
    AxesRule axes = nullptr;                 // reduction: what is folded; index: the one axis
    ContractionRule contraction = nullptr;   // contraction
    BytesRule of_bytes = nullptr;            // contraction, and composites that become one: of i32 that are bytes
    ViewRule view = nullptr;                 // view; scatter: where in operand 0 an element of the last operand goes
    Control control = Control::none;         // control
    CallRule call = nullptr;                 // opaque: the function that computes it
    ReferenceRule reference = nullptr;       // opaque: what it computes
    ExpandRule expand = nullptr;             // composite
    Indices indices = {};                    // view, scatter: the operand that the rule loads indices from
    bool commutative = false;                // exchanging the operands keeps every bit
    bool involution = false;                 // op(op(x)) is x
    bool associative = false;                // variadic: op(a, b, c) is op(op(a, b), c)
    Identity identity = {};                  // binary elementwise: neutral operands
    Rewrite rewrite = nullptr;               // a simplification of a node of this op
    Required<Gradient> gradient;
    BatchRule batch = nullptr;  // where the class has no rule that fits: passes/graph/vmap.h
    Domain domain = {};
    SampleRule samples = nullptr;            // of operands of one dtype that broadcast where there is none
    std::span<const Upgrade> upgrades = {};  // one for each older version, the first first

    // The row is the public function: works on graph values and on whatever wraps them (see Recordable in graph.h).
    template <class T, class... More>
        requires Recordable<T> && (std::convertible_to<More, T> && ...)
    T operator()(const T& x, const More&... more) const {
        const T operands[] = {x, T(more)...};
        return Recorder<T>::record(*this, operands, {}, Loc{});
    }
    // The same for ops with attributes, which come in the row's order.
    template <class T, class... More>
        requires Recordable<T> && (std::convertible_to<More, T> && ...)
    T with(Attributes attributes_of_node, const T& x, const More&... more) const {
        const T operands[] = {x, T(more)...};
        return Recorder<T>::record(*this, operands, std::move(attributes_of_node), Loc{});
    }
};

// The data of a node that is a constant; null for others.
inline const Literal* literal_of(const Node& node) {
    return node.op->literal == nullptr ? nullptr : &node.op->literal(node.attributes);
}

// ---- the table

std::span<const OpDef* const> op_table();  // every row, in the order of the manual
// Rows that belong together, as the manual has them: all of the table, in its order.
struct OpFamily {
    std::string_view name;
    std::span<const OpDef* const> rows;
};
std::span<const OpFamily> op_families();
const OpDef* find_op(std::string_view name);  // null if unknown

// Programs of a row for given operand dtypes, built once per process and cached (lock-free after the first time).
const ScalarProgram& scalar_program(const OpDef& op, std::span<const Dtype> operands,
                                    std::span<const Attribute> attributes, Dtype result);
enum class ReducerPart : std::uint8_t { init, step, combine, finish };
// Parameters: init none; step acc..., x..., index; combine acc..., acc...; finish acc...
const ScalarProgram& reducer_program(const OpDef& op, ReducerPart part, std::span<const Dtype> elements,
                                     std::span<const Attribute> attributes);
// Whether scalar rules and reducers may depend on an attribute of some meaning.
constexpr bool reaches_scalars(AttributeMeaning meaning) {
    return meaning == AttributeMeaning::number || meaning == AttributeMeaning::flag ||
           meaning == AttributeMeaning::dtype;
}
// What of a node's attributes its reducer may depend on, in their places; what it may not is blank. Empty where it
// may depend on none: loops that fold alike are alike.
Attributes reducer_attributes(const OpDef& op, std::span<const Attribute> attributes);

}  // namespace lathe::ir
