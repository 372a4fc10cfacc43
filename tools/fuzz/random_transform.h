// Random graphs, differentiated and batched: what gradients and batches of random calls compute is drawn as well.
#pragma once

#include "tools/fuzz/random_graph.h"

namespace lathe::testing_support {

// The graph itself, or what reverse mode, forward mode or a batch makes of it, with inputs for its new parameters. The
// same for the same seed. A graph that a transform refuses, or that would grow too large, stays as it is.
RandomGraph transformed(RandomGraph sample, std::uint64_t seed);

}  // namespace lathe::testing_support
