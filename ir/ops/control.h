// Ops that run regions: all but custom are of class control. Whatever a region uses from outside is an operand of its
// node and a parameter of the region, so that the node is like any other to passes that do not care.
//
//   %4 = cond(%0, %1, %2) : f32[n] {
//     graph then() {
//       %0 = parameter "x" : f32[n]
//       ...
//       return "y" = %2
//     }
//     graph else() { ... }
//   }
#pragma once

#include "ir/ops/forward.h"

namespace lathe::ir::ops {

inline constexpr RegionAttribute<0> cond_then{"then", "runs where p is true"};
inline constexpr RegionAttribute<1> cond_else{"else", "runs where it is not"};
inline constexpr AttributeDef cond_attributes[] = {cond_then, cond_else};
Types cond_types(TypeContext& c);
std::vector<Sample> cond_samples(Dtype d);
inline constexpr OpDef cond = {
    .name = "cond",
    .doc = "p ? then(x...) : else(x...)\nOne of the two runs. Both take the operands behind p, and give alike types.",
    .arity = at_least(1),
    .lowering = Lowering::control,
    .dtypes = any_dtype,
    .attributes = cond_attributes,
    .type = [](TypeContext& c) -> Type { return cond_types(c)[0]; },
    .result_types = cond_types,
    .control = Control::branch,
    .gradient = through_regions(),
    .samples = cond_samples,
};

inline constexpr RegionAttribute<0> while_condition{"condition", "a bool of rank 0: whether to go on"};
inline constexpr RegionAttribute<1> while_body{"body", "what is carried into the next iteration"};
inline constexpr AttributeDef while_attributes[] = {while_condition, while_body};
Types while_types(TypeContext& c);
std::vector<Sample> while_samples(Dtype d);
inline constexpr OpDef while_loop = {
    .name = "while_loop",
    .doc =
        "while condition(x..., c...) { x... = body(x..., c...) }\nThe body gives as many values as are carried, "
        "x..., and of their types; the operands behind those, c..., stay as they are.",
    .arity = at_least(1),
    .lowering = Lowering::control,
    .dtypes = any_dtype,
    .attributes = while_attributes,
    .type = [](TypeContext& c) -> Type { return while_types(c)[0]; },
    .result_types = while_types,
    .control = Control::loop_while,
    .gradient = no_grad("how often it runs is not known before it has; use scan"),
    .samples = while_samples,
};

inline constexpr RegionAttribute<0> scan_body{"body", "gives what is carried into the next iteration, then ys"};
inline constexpr BoundAttribute<1> scan_length{"length", "how many iterations: the extent of axis 0 of xs and ys"};
inline constexpr NumberAttribute<2> scan_carried{"carried", "how many operands are carried"};
inline constexpr NumberAttribute<3> scan_sequences{"sequences", "how many operands behind those are xs"};
inline constexpr FlagAttribute<4> scan_reverse{"reverse", "whether the last slice is first", 0, Presence::optional};
inline constexpr AttributeDef scan_attributes[] = {scan_body, scan_length, scan_carried, scan_sequences, scan_reverse};
Types scan_types(TypeContext& c);
std::vector<Sample> scan_samples(Dtype d);
inline constexpr OpDef scan = {
    .name = "scan",
    .doc =
        "for i { h..., y... = body(h..., xs[i]..., c...); ys[i]... = y... }\nOperands are h..., which are carried "
        "from one iteration to the next, xs..., and c..., which stay as they are. The results are the last h..., "
        "and ys....",
    .arity = at_least(0),
    .lowering = Lowering::control,
    .dtypes = any_dtype,
    .attributes = scan_attributes,
    .type = [](TypeContext& c) -> Type { return scan_types(c)[0]; },
    .result_types = scan_types,
    .control = Control::scan,
    .gradient = through_regions(),
    .samples = scan_samples,
};

inline constexpr RegionAttribute<0> checkpoint_body{"body", "runs once"};
inline constexpr AttributeDef checkpoint_attributes[] = {checkpoint_body};
Types checkpoint_types(TypeContext& c);
std::vector<Sample> checkpoint_samples(Dtype d);
inline constexpr OpDef checkpoint = {
    .name = "checkpoint",
    .doc =
        "body(x...)\nWhat the derivatives need of the body's values is computed again, not kept. Nothing in the body "
        "is\nthe same as anything outside.",
    .arity = at_least(1),
    .lowering = Lowering::control,
    .dtypes = any_dtype,
    .attributes = checkpoint_attributes,
    .type = [](TypeContext& c) -> Type { return checkpoint_types(c)[0]; },
    .result_types = checkpoint_types,
    .control = Control::once,
    .gradient = through_regions(),
    .samples = checkpoint_samples,
};

inline constexpr RegionAttribute<0> custom_body{"body", "what it computes"};
inline constexpr RegionAttribute<1> custom_pull_back{
    "pull_back", "of results, cotangents of float results, and operands: cotangents of the first float operands"};
inline constexpr AttributeDef custom_attributes[] = {custom_body, custom_pull_back};
Types custom_types(TypeContext& c);
Values custom_expansion(const ExpandContext& c);
Value custom_transpose(const GradientContext& g, std::span<const Value> ct, std::size_t operand);
std::vector<Sample> custom_samples(Dtype d);
inline constexpr OpDef custom = {
    .name = "custom",
    .doc = "body(x...)\nWith a rule of the user's for its derivatives, in reverse.",
    .arity = at_least(1),
    .lowering = Lowering::composite,
    .dtypes = any_dtype,
    .attributes = custom_attributes,
    .type = [](TypeContext& c) -> Type { return custom_types(c)[0]; },
    .result_types = custom_types,
    .expand = custom_expansion,
    .gradient = only_reverse(custom_transpose),
    .samples = custom_samples,
};

inline constexpr auto control = std::to_array<const OpDef*>({&cond, &while_loop, &scan, &checkpoint, &custom});

}  // namespace lathe::ir::ops

namespace lathe::ir {

// The regions of a node, in the order of its row.
std::vector<const Graph*> regions_of(const Node& node);
std::vector<const Graph*> regions_of(std::span<const Attribute> attributes);
// The outputs of a region, recorded in a graph for these values of its parameters.
Values inlined(Graph& into, const Graph& region, std::span<const Value> parameters);
inline bool has_regions(const Node& node) { return node.op->lowering == Lowering::control; }

// The parts of a scan's operands and results.
struct ScanParts {
    std::size_t carried = 0, sequences = 0, captures = 0, stacked = 0;
};
ScanParts parts_of_scan(const Node& node);

// The first parameter of a loop's regions that is the same in all iterations, as all behind it are; of what is no loop,
// no parameter.
std::size_t first_invariant(const Node& node);

// A type without, or with, a first axis.
Type slice_type(const Type& type);
Type stack_type(const Type& type, Dim length);

}  // namespace lathe::ir
