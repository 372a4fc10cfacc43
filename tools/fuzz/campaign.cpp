#include "tools/fuzz/campaign.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <new>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codegen/kernels.h"
#include "ir/error.h"
#include "ir/ops/control.h"

namespace lathe::testing_support {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t chunk = 16;  // graphs that a process takes at once
// Seconds of processors that one graph may take in one way, and seconds in which it has to get them.
constexpr unsigned longest_test = 300, longest_wait = 3600;
constexpr std::size_t longest_message = 2000;
constexpr std::size_t most_rows = 512, most_ways = 16;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// What takes long ends the process, and so does what waits for ever.
void limit_time(unsigned processors, unsigned wait) {
    const itimerval once{{0, 0}, {processors, 0}};
    setitimer(ITIMER_PROF, &once, nullptr);
    alarm(wait);
}

// What a process says of a fault, in one piece.
struct Message {
    std::uint64_t seed;
    std::size_t way, binding;
    std::array<char, longest_message> what;
};
static_assert(sizeof(Message) <= 4096, "pipes take as much at once");

// What a process is at, so that another may go on where it has ended.
struct Worker {
    std::uint64_t first = 0, count = 0;  // the seeds that it has taken
    std::array<bool, chunk> left_out{};  // of those, by others that ended there
    std::atomic<std::uint64_t> seed{0};
    std::atomic<std::size_t> way{0};
    pid_t process = 0;
};

struct Shared {
    std::atomic<std::uint64_t> next{0}, tested{0}, kernels{0};
    std::atomic<bool> stops{false};
    std::array<std::atomic<std::uint64_t>, most_rows> rows{};
    std::array<std::atomic<std::uint64_t>, most_ways + 1> nanoseconds{};  // by way; the last: drawing
    std::array<Worker, 64> workers{};
};

class SharedMemory {
public:
    SharedMemory() : memory_(mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        if (memory_ == MAP_FAILED) throw ResourceError("there is no memory for processes to share");
        shared_ = new (memory_) Shared;
    }
    ~SharedMemory() { munmap(memory_, sizeof(Shared)); }
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;
    Shared& operator*() const { return *shared_; }

private:
    void* memory_;
    Shared* shared_ = nullptr;
};

void count_rows(const ir::Graph& graph, Shared& shared) {
    static const std::map<const ir::OpDef*, std::size_t> places = [] {
        std::map<const ir::OpDef*, std::size_t> all;
        for (const ir::OpDef* op : ir::op_table()) all.emplace(op, all.size());
        return all;
    }();
    for (const ir::Node& node : graph.nodes()) {
        ++shared.rows[places.at(node.op)];
        for (const ir::Graph* region : ir::regions_of(node)) count_rows(*region, shared);
    }
}

// A process: takes seeds until there are no more.
class Work {
public:
    Work(const CampaignRequest& request, Shared& shared, Worker& me, int pipe, Clock::time_point start)
        : request_(request), shared_(shared), me_(me), pipe_(pipe), start_(start) {}

    void run() {
        if (me_.count > 0) test();  // what another has left
        while (!shared_.stops && (request_.seconds <= 0 || since(start_) < request_.seconds)) {
            const std::uint64_t taken = shared_.next.fetch_add(chunk);
            if (taken >= request_.graphs) return;
            me_.first = request_.first_seed + taken;
            me_.left_out.fill(false);
            me_.count = std::min<std::uint64_t>(chunk, request_.graphs - taken);
            test();
        }
    }

private:
    void test() {
        std::vector<DrawnGraph> graphs;
        about(me_.first, most_ways);
        timed(most_ways, [&] {
            for (std::uint64_t i = 0; i < me_.count; ++i) {
                if (me_.left_out[i]) continue;
                about(me_.first + i, most_ways);
                try {
                    graphs.push_back(draw_graph(me_.first + i));
                    count_rows(*graphs.back().sample.graph, shared_);
                } catch (const std::exception& e) {
                    say(me_.first + i, most_ways, {0, e.what()});
                }
            }
        });
        for (std::size_t w = 0; w < request_.ways.size(); ++w)
            timed(w, [&] {
                for (std::span<const DrawnGraph> rest = graphs; !rest.empty() && !shared_.stops;) {
                    const auto found = request_.ways[w]->run(rest, [&](std::size_t g) { about(rest[g].seed, w); });
                    if (!found) break;
                    say(rest[found->first].seed, w, found->second);
                    rest = rest.subspan(found->first + 1);
                }
            });
        shared_.tested += graphs.size();
        shared_.kernels += codegen::KernelCache::shared().compiled() - kernels_;
        kernels_ = codegen::KernelCache::shared().compiled();
        me_.count = 0;
        limit_time(0, 0);
    }
    void about(std::uint64_t seed, std::size_t way) {
        me_.seed = seed;
        me_.way = way;
        limit_time(longest_test, longest_wait);
    }
    void say(std::uint64_t seed, std::size_t way, const Fault& fault) {
        Message message{seed, way, fault.binding, {}};
        std::strncpy(message.what.data(), fault.what.c_str(), message.what.size() - 1);
        if (write(pipe_, &message, sizeof message) != sizeof message) _exit(1);
    }
    template <class F>
    void timed(std::size_t way, const F& f) {
        const Clock::time_point start = Clock::now();
        f();
        shared_.nanoseconds[way] += static_cast<std::uint64_t>(1e9 * since(start));
    }

    const CampaignRequest& request_;
    Shared& shared_;
    Worker& me_;
    int pipe_;
    Clock::time_point start_;
    std::uint64_t kernels_ = 0;
};

std::string what_ended(int status) {
    if (!WIFSIGNALED(status)) return "the process ends with status " + std::to_string(WEXITSTATUS(status));
    switch (WTERMSIG(status)) {
        case SIGPROF:
            return "it takes more than " + std::to_string(longest_test) + " s of processors";
        case SIGALRM:
            return "it takes more than " + std::to_string(longest_wait) + " s";
        default:
            return std::string("the process ends: ") + strsignal(WTERMSIG(status));
    }
}

class Supervisor {
public:
    Supervisor(const CampaignRequest& request, const std::function<void(const Campaign&)>& progress)
        : request_(request), progress_(progress) {
        if (ir::op_table().size() > most_rows || request.ways.size() > most_ways)
            throw InternalError("more rows or ways than a campaign counts");
        if (pipe(pipe_.data()) != 0) throw ResourceError("there is no pipe to be had");
    }
    ~Supervisor() {
        for (const int end : pipe_) close(end);
    }
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    Campaign run() {
        const auto jobs =
            std::clamp<std::size_t>(static_cast<std::size_t>(std::max(request_.jobs, 1)), 1, (*memory_).workers.size());
        const std::span<Worker> workers = std::span((*memory_).workers).first(jobs);
        for (Worker& worker : workers) begin(worker);
        for (std::size_t running = jobs; running > 0;) {
            read_messages(200);
            for (Worker& worker : workers) {
                int status = 0;
                if (worker.process == 0 || waitpid(worker.process, &status, WNOHANG) == 0) continue;
                worker.process = 0;
                if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
                    --running;
                    continue;
                }
                add_end(worker, status);
                if ((*memory_).stops)
                    --running;
                else
                    begin(worker);
            }
            update();
            progress_(campaign_);
        }
        read_messages(0);
        update();
        return campaign_;
    }

private:
    void begin(Worker& worker) {
        const pid_t process = fork();
        if (process < 0) throw ResourceError("no process can be started");
        if (process == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            Work(request_, *memory_, worker, pipe_[1], start_).run();
            _exit(0);
        }
        worker.process = process;
    }

    // A process that has ended where it should not have.
    void add_end(Worker& worker, int status) {
        const std::uint64_t seed = worker.seed;
        add({seed, way_at(worker.way), 0, what_ended(status)});
        if (seed >= worker.first && seed - worker.first < chunk) worker.left_out[seed - worker.first] = true;
    }
    const Way* way_at(std::size_t way) const { return way < request_.ways.size() ? request_.ways[way] : nullptr; }

    void read_messages(int milliseconds) {
        for (pollfd ready{pipe_[0], POLLIN, 0}; poll(&ready, 1, milliseconds) > 0; milliseconds = 0) {
            Message message;
            if (read(pipe_[0], &message, sizeof message) != sizeof message) return;
            add({message.seed, way_at(message.way), message.binding, message.what.data()});
        }
    }
    void add(Finding finding) {
        const bool known = std::ranges::any_of(
            campaign_.findings, [&](const Finding& f) { return f.seed == finding.seed && f.way == finding.way; });
        if (known || campaign_.findings.size() == most_findings) return;
        campaign_.findings.push_back(std::move(finding));
        if (campaign_.findings.size() == most_findings) (*memory_).stops = true;
    }
    void update() {
        const Shared& shared = *memory_;
        campaign_.tested = shared.tested;
        campaign_.kernels = shared.kernels;
        campaign_.seconds = since(start_);
        campaign_.rows.assign(shared.rows.begin(), shared.rows.begin() + std::ssize(ir::op_table()));
        campaign_.draw_seconds = static_cast<double>(shared.nanoseconds[most_ways]) / 1e9;
        campaign_.way_seconds.clear();
        for (std::size_t w = 0; w < request_.ways.size(); ++w)
            campaign_.way_seconds.push_back(static_cast<double>(shared.nanoseconds[w]) / 1e9);
    }

    const CampaignRequest& request_;
    const std::function<void(const Campaign&)>& progress_;
    SharedMemory memory_;
    std::array<int, 2> pipe_{};
    Clock::time_point start_ = Clock::now();
    Campaign campaign_;
};

// Whether a case fails, or ends the process that tries it.
bool fails_apart(const Check& check, const GraphCase& c) {
    const pid_t process = fork();
    if (process < 0) throw ResourceError("no process can be started");
    if (process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        limit_time(longest_test, longest_wait);
        _exit(check(c) ? 1 : 0);
    }
    int status = 0;
    waitpid(process, &status, 0);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

}  // namespace

Campaign run_campaign(const CampaignRequest& request, const std::function<void(const Campaign&)>& progress) {
    return Supervisor(request, progress).run();
}

std::optional<GraphCase> reduce_finding(const Finding& finding) {
    if (finding.way == nullptr) return std::nullopt;
    const auto drawn = std::make_shared<DrawnGraph>(draw_graph(finding.seed));
    const Check check = finding.way->check(finding.seed);
    const auto fails = [&](const GraphCase& c) { return fails_apart(check, c); };
    for (std::size_t i = 0; i < drawn->sample.inputs.size(); ++i) {
        const std::size_t binding = (finding.binding + i) % drawn->sample.inputs.size();
        const GraphCase failing{{drawn, drawn->sample.graph.get()}, drawn->sample.inputs[binding]};
        if (fails(failing)) return reduce(failing, fails);
    }
    return std::nullopt;
}

}  // namespace lathe::testing_support
