// lathe fuzz: random graphs, run in every way that the compiler has, against the reference interpreter.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <unistd.h>

#include <fmt/format.h>

#include "ir/error.h"
#include "ir/ops/op.h"
#include "tools/fuzz/campaign.h"
#include "tools/fuzz/describe.h"
#include "tools/lathe/commands.h"

namespace lathe::tools {
namespace {

using testing_support::Campaign;
using testing_support::Finding;
using testing_support::Way;

struct Request {
    std::uint64_t graphs = 1000, seed = 0;
    double seconds = 0;
    int jobs = 1;
    std::vector<std::string> ways;
    bool reduce = false, verbose = false, print = false;
    std::string folder = ".";
};

std::string way_of(const Finding& f) { return f.way == nullptr ? "drawing" : std::string(f.way->name); }

std::string again(const Finding& f) {
    const std::string ways = f.way == nullptr ? "" : fmt::format(" --configurations {}", f.way->name);
    return fmt::format("lathe fuzz --graphs 1 --seed {}{}", f.seed, ways);
}

void put_finding(const Finding& f) {
    put(fmt::format("seed {}, {}: {}\n  again: {} --reduce\n", f.seed, way_of(f), f.what, again(f)));
}

// The smallest case as a text, with how it was found.
void write_reduced(const Finding& f, const std::string& folder) {
    const auto reduced = testing_support::reduce_finding(f);
    if (!reduced) return put(fmt::format("seed {}, {}: does not fail again by itself\n", f.seed, way_of(f)));
    const std::string path = fmt::format("{}/fuzz-{}-{}.lir", folder, f.seed, way_of(f));
    std::ofstream file(path);
    file << "// " << again(f) << "\n// " << f.what.substr(0, f.what.find('\n')) << "\n"
         << testing_support::describe(*reduced);
    if (!file.flush()) throw ResourceError(path + ": cannot be written");
    put(fmt::format("seed {}, {}: reduced to {}\n", f.seed, way_of(f), path));
}

void put_rows(const Campaign& campaign) {
    std::vector<std::pair<std::uint64_t, std::string_view>> rows;
    for (std::size_t i = 0; i < campaign.rows.size(); ++i) rows.emplace_back(campaign.rows[i], ir::op_table()[i]->name);
    std::ranges::sort(rows);
    put("\nnodes drawn of each row:\n");
    for (const auto& [count, name] : rows) put(fmt::format("{:>10} {}\n", count, name));
}

void put_times(const Campaign& campaign, std::span<const Way* const> ways) {
    const double graphs = std::max(1.0, static_cast<double>(campaign.tested));
    const auto line = [&](std::string_view name, double seconds) {
        put(fmt::format("{:>10.2f} ms {}\n", 1e3 * seconds / graphs, name));
    };
    put("\ntime for each graph:\n");
    line("drawing, and the reference", campaign.draw_seconds);
    for (std::size_t w = 0; w < ways.size(); ++w) line(ways[w]->name, campaign.way_seconds[w]);
    put(fmt::format("{:>10.2f}    kernels compiled for each graph\n", static_cast<double>(campaign.kernels) / graphs));
}

void print_graphs(const Request& request) {
    using namespace testing_support;
    for (std::uint64_t seed = request.seed; seed - request.seed < request.graphs; ++seed)
        put(fmt::format("// seed {}\n{}\n", seed, describe(random_graph(seed, small_graphs))));
}

void run(const Request& request) {
    if (request.print) return print_graphs(request);
    testing_support::CampaignRequest campaign_request{request.seed, request.graphs, request.seconds, {}, request.jobs};
    for (const Way& way : testing_support::ways())
        if (request.ways.empty() ? way.usual : std::ranges::find(request.ways, way.name) != request.ways.end())
            campaign_request.ways.push_back(&way);
    const bool shows_progress = isatty(STDERR_FILENO) != 0;
    std::size_t told = 0;
    const auto progress = [&](const Campaign& c) {
        for (; told < c.findings.size(); ++told) put_finding(c.findings[told]);
        std::fflush(stdout);
        if (shows_progress)
            std::fprintf(stderr, "\r%llu of %llu graphs, %.0f s ", static_cast<unsigned long long>(c.tested),
                         static_cast<unsigned long long>(request.graphs), c.seconds);
    };
    const Campaign campaign = testing_support::run_campaign(campaign_request, progress);
    progress(campaign);
    if (shows_progress) std::fprintf(stderr, "\r\x1b[K");
    if (request.reduce)
        for (const Finding& f : campaign.findings) write_reduced(f, request.folder);
    put(fmt::format("{} graphs from seed {} in {:.1f} s: {}\n", campaign.tested, request.seed, campaign.seconds,
                    campaign.findings.empty() ? "no difference" : "differences"));
    if (request.verbose) {
        put_times(campaign, campaign_request.ways);
        put_rows(campaign);
    }
    if (!campaign.findings.empty())
        throw UserError(
            fmt::format("{} differences{}", campaign.findings.size(),
                        campaign.findings.size() == testing_support::most_findings ? ", then stopped" : ""));
}

}  // namespace

void add_fuzz(CLI::App& app) {
    CLI::App* const command =
        app.add_subcommand("fuzz", "run random graphs in every way, and compare with the reference bit for bit");
    const auto request = std::make_shared<Request>();
    std::string listed;
    std::vector<std::string> all;
    for (const Way& way : testing_support::ways()) {
        all.emplace_back(way.name);
        listed += fmt::format("  {:<10} {}{}\n", way.name, way.doc, way.usual ? "" : " (only by name)");
    }
    command->add_option("--graphs", request->graphs, "how many")->check(CLI::NonNegativeNumber)->capture_default_str();
    command->add_option("--seed", request->seed, "the first; each graph has one of its own")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    command->add_option("--time", request->seconds, "seconds after which no more graphs are drawn")
        ->check(CLI::PositiveNumber);
    command->add_option("--jobs", request->jobs, "processes")->check(CLI::Range(1, 64))->capture_default_str();
    command->add_option("--configurations", request->ways, "which ways, separated by commas (all that are usual)")
        ->delimiter(',')
        ->check(CLI::IsMember(all));
    CLI::Option* const reduce =
        command->add_flag("--reduce", request->reduce, "write the smallest case of each difference as a .lir text");
    command->add_option("--output", request->folder, "the folder of those")->capture_default_str();
    command->add_flag("--verbose", request->verbose, "show what each way costs, and how often each op was drawn");
    command
        ->add_flag("--print", request->print,
                   "print the graphs and the first elements of their inputs, and run nothing")
        ->excludes(reduce);
    command->footer("configurations:\n" + listed +
                    "\nexit status 1: there are differences; each is told with its seed\n" +
                    "example: lathe fuzz --graphs 200 --seed 1000 --configurations jit,aot --reduce\n" +
                    "example: lathe fuzz --graphs 1 --seed 1042 --print");
    command->callback([request] { run(*request); });
}

}  // namespace lathe::tools
