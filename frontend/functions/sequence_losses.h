// Losses of sequences whose parts are not aligned.
#pragma once

#include "frontend/functions/losses.h"

namespace lathe {

struct CtcOptions {
    std::int64_t blank = 0;      // the class that is no label
    bool zero_infinity = false;  // targets that do not fit into their input count as 0, with derivatives of 0
    Reduction reduction = Reduction::mean;  // a mean is of losses divided by the lengths of their targets
};
// Connectionist temporal classification (Graves and others, 2006): minus the logarithm of the probability of all ways
// in which a sequence of classes, with blanks between and labels repeated, reads as the target. `log_probabilities` is
// [times, sequences, classes], targets are integers [sequences, labels], and the lengths, integers [sequences], say how
// much of both counts. The derivative is that of this function; PyTorch's takes it together with log_softmax.
Tensor ctc_loss(const Tensor& log_probabilities, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, CtcOptions options = {}, Where where = Where::current());

}  // namespace lathe
