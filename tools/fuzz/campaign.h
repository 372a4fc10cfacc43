// Many random graphs in many ways, in processes of their own: a graph that ends its process is a finding like any
// other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tools/fuzz/ways.h"

namespace lathe::testing_support {

struct CampaignRequest {
    std::uint64_t first_seed = 0;
    std::uint64_t graphs = 100;
    double seconds = 0;  // after which no more graphs are drawn; 0: without a limit
    std::vector<const Way*> ways;
    int jobs = 1;  // processes
};

struct Finding {
    std::uint64_t seed = 0;
    const Way* way = nullptr;
    std::size_t binding = 0;  // which choice of the symbols' values; where a process ended, unknown
    std::string what;
};

struct Campaign {
    std::uint64_t tested = 0;  // graphs, in every way
    double seconds = 0;
    std::vector<Finding> findings;    // at most `most_findings`, after which it ends
    std::vector<std::uint64_t> rows;  // nodes of each row of the op table that were drawn, regions' too
    std::vector<double> way_seconds;  // of each way that was asked for, of all processes together
    double draw_seconds = 0;          // drawing graphs, and the reference
    std::uint64_t kernels = 0;        // that were compiled
};
inline constexpr std::size_t most_findings = 10;

// Calls `progress` now and then, and with each finding. Not to be called where other threads run: it forks.
Campaign run_campaign(const CampaignRequest& request, const std::function<void(const Campaign&)>& progress);

// A smaller case of a finding that still fails, each attempt in a process of its own; none where it does not fail
// there.
std::optional<GraphCase> reduce_finding(const Finding& finding);

}  // namespace lathe::testing_support
