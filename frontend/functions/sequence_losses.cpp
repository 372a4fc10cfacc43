#include "frontend/functions/sequence_losses.h"

#include <limits>
#include <string>

#include <fmt/format.h>

#include "frontend/functions/creation.h"
#include "frontend/functions/elementwise.h"
#include "frontend/functions/indexing.h"
#include "frontend/functions/joining.h"
#include "frontend/functions/movement.h"
#include "frontend/functions/operand_checks.h"
#include "frontend/functions/reductions.h"
#include "frontend/tensor/record.h"
#include "frontend/trace/control.h"
#include "ir/functions/basic.h"

namespace lathe {
namespace {

using detail::blaming;
using detail::LocScope;

// Beside it every logarithm of a probability is nothing; unlike -inf it has differences.
constexpr double nothing = -1e30;

void require(bool holds, const char* why, Where where) {
    if (!holds) detail::refuse("ctc_loss", why, where);
}

// [sequences, states], each state's number that of the one `by` before it.
Tensor from_before(const Tensor& x, std::int64_t by) {
    const Dim states = x.type().shape[1];
    return narrow(pad(x, {0, by}, {0, 0}, nothing), 1, 0, states);
}

Tensor log_of_sum(const Tensor& a, const Tensor& b) {
    const Tensor top = stop_gradient(maximum(a, b));
    return log(exp(a - top) + exp(b - top)) + top;
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probabilities, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, CtcOptions options, Where where) {
    const LocScope scope(where, "ctc_loss", log_probabilities, targets, input_lengths, target_lengths);
    return blaming(where, "ctc_loss", [&] {
        const Tensor &p = log_probabilities, &y = targets;
        detail::require_dtype("ctc_loss", "operand 0", ir::floats, p);
        require(p.rank() == 3, "wants log_probabilities of [times, sequences, classes]", where);
        detail::require_dtype("ctc_loss", "operand 1", ir::integers, y);
        require(y.rank() == 2, "wants targets of [sequences, labels]", where);
        detail::require_dtype("ctc_loss", "operand 2", ir::integers, input_lengths);
        detail::require_dtype("ctc_loss", "operand 3", ir::integers, target_lengths);
        for (const Tensor* t : {&input_lengths, &target_lengths})
            require(t->rank() == 1 && ir::functions::may_be_equal(t->type().shape[0], p.type().shape[1]),
                    "wants a length for each sequence", where);
        require(ir::functions::may_be_equal(y.type().shape[0], p.type().shape[1]),
                "probabilities and targets are of different numbers of sequences", where);
        const Dim classes = p.type().shape[2];
        if (options.blank < 0 || (classes.is_constant() && options.blank >= classes.constant()))
            detail::refuse("ctc_loss",
                           fmt::format("blank is {}, not one of {} classes", options.blank, classes.to_string()),
                           where);
        const Dim sequences = p.type().shape[1], labels = y.type().shape[1], times = p.type().shape[0];
        const Dim states = labels * 2 + 1;
        const Tensor x = convert(p, ir::accumulator_of(p.dtype()));

        // The labels with blanks before, between and behind; which states a way may reach past a blank.
        const Tensor label = convert(y, Dtype::i64),
                     blank = full(Shape{sequences, 1}, static_cast<double>(options.blank), Dtype::i64);
        const Tensor pairs = stack({broadcast_to(blank, Shape{sequences, labels}), label}, 2);
        const Tensor state = concat({reshape(pairs, Shape{sequences, labels * 2}), blank}, 1);
        const Tensor two_before = narrow(pad(state, {0, 2}, {0, 0}, static_cast<double>(options.blank)), 1, 0, states);
        const Tensor skips = logical_and(state != options.blank, state != two_before);
        // What each state's class has at each time: [times, sequences, states].
        const Tensor emitted = take_along_axis(
            x, broadcast_to(reshape(state, Shape{1, sequences, states}), Shape{times, sequences, states}), 2);

        const Tensor place = arange(states);
        const Tensor lowest = zeros_like(emitted[{0}]) + nothing;
        const Tensor begin = lathe::where(place < 2, emitted[{0}], lowest);
        const Tensor input_end = reshape(convert(input_lengths, Dtype::i64), Shape{sequences, 1});
        using Inputs = std::pair<Tensor, Tensor>;
        const auto step = [&](const Tensor& ways, const Inputs& now) {
            const Tensor one = from_before(ways, 1), two = lathe::where(skips, from_before(ways, 2), lowest);
            const Tensor top = stop_gradient(maximum(maximum(ways, one), two));
            const Tensor all = log(exp(ways - top) + exp(one - top) + exp(two - top)) + top + now.first;
            return std::pair(lathe::where(now.second < input_end, all, ways), Tensor(now.second));
        };
        const Tensor later = narrow(emitted, 0, 1, times - 1);
        const Tensor last = scan(step, begin, Inputs(later, arange(Dim(1), times))).first;

        const Tensor length = reshape(convert(target_lengths, Dtype::i64), Shape{sequences, 1});
        const Tensor at_blank = take_along_axis(last, length * 2, 1);
        const Tensor at_label = lathe::where(length > 0, take_along_axis(last, maximum(length * 2 - 1, 0), 1), nothing);
        Tensor losses = reshape(-log_of_sum(at_blank, at_label), Shape{sequences});
        const Tensor impossible = losses > -0.5 * nothing;
        losses = lathe::where(impossible, options.zero_infinity ? 0 : std::numeric_limits<double>::infinity(), losses);
        if (options.reduction == Reduction::mean)
            losses = losses / maximum(convert(reshape(length, Shape{sequences}), losses.dtype()), 1.0);
        const Tensor result = options.reduction == Reduction::none  ? losses
                              : options.reduction == Reduction::sum ? sum(losses)
                                                                    : mean(losses);
        return convert(result, p.dtype());
    });
}

}  // namespace lathe
