#include "frontend/data/progress.h"

#include <algorithm>
#include <chrono>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

namespace lathe::data {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds between_lines{100};
constexpr std::int64_t bar_width = 20;
constexpr double kept = 0.98;  // of a running value, from step to step

std::string as_time(double seconds) {
    const auto all = static_cast<std::int64_t>(seconds + 0.5);
    if (all >= 3600) return fmt::format("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
    return fmt::format("{}:{:02}", all / 60, all % 60);
}

}  // namespace

struct Progress::State {
    struct Running {
        std::string name;
        double sum = 0, weight = 0;
    };

    std::int64_t total, done = 0;
    std::string label;
    std::FILE* out;
    Clock::time_point begin = Clock::now(), shown{};
    std::vector<Running> values{};

    void add(std::string_view name, double value) {
        const auto found = std::ranges::find(values, name, &Running::name);
        Running& r = found != values.end() ? *found : values.emplace_back(Running{std::string(name)});
        r.sum = kept * r.sum + (1 - kept) * value;
        r.weight = kept * r.weight + (1 - kept);
    }

    void show() const {
        const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
        const std::int64_t full = total > 0 ? std::min(bar_width, done * bar_width / total) : bar_width;
        std::string line = fmt::format("\r{}{}[{:<{}}]  {}/{}", label, label.empty() ? "" : "  ",
                                       std::string(static_cast<std::size_t>(full), '=') + (full < bar_width ? ">" : ""),
                                       bar_width, done, total);
        if (rate > 0) line += rate >= 10 ? fmt::format("  {:.0f}/s", rate) : fmt::format("  {:.2g}/s", rate);
        line += done < total && rate > 0 ? "  " + as_time(static_cast<double>(total - done) / rate) + " left"
                                         : "  " + as_time(seconds);
        for (const Running& r : values) line += fmt::format("  {} {:.4g}", r.name, r.sum / r.weight);
        line += "\x1b[K";
        std::fwrite(line.data(), 1, line.size(), out);
        std::fflush(out);
    }
};

Progress::Progress(std::int64_t total, std::string label, ProgressOptions options) {
    if (!options.always && isatty(fileno(options.out)) == 0) return;
    state_ = std::make_unique<State>(State{.total = total, .label = std::move(label), .out = options.out});
}

Progress::~Progress() {
    if (!state_) return;
    state_->show();
    std::fputc('\n', state_->out);
}

void Progress::step(std::initializer_list<std::pair<std::string_view, double>> values) {
    if (!state_) return;
    ++state_->done;
    for (const auto& [name, value] : values) state_->add(name, value);
    const Clock::time_point now = Clock::now();
    if (now - state_->shown < between_lines) return;
    state_->shown = now;
    state_->show();
}

}  // namespace lathe::data
