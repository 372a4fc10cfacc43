// Memory that is not there: an error at the call that wanted it, not the end of the process; then everything works on.
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "codegen/compile.h"
#include "ir/graph/interpret.h"
#include "ir/ops/ops.h"
#include "lathe.h"
#include "runtime/memory_room.h"
#include "tests/command.h"

namespace lathe {
namespace {

constexpr std::uint64_t gigabyte = 1ULL << 30;

// ---- what the system has, by files that are laid out here

class Room : public testing_support::InFolder {
protected:
    void lay_out(const std::string& file, const std::string& text) const {
        std::filesystem::create_directories((folder_ / file).parent_path());
        std::ofstream(folder_ / file) << text;
    }
    // What is left of it for Lathe.
    static std::uint64_t of(std::uint64_t bytes) { return bytes - bytes / 32; }
    std::uint64_t room() const { return lathe_memory_room(folder_.c_str()); }
};

TEST_F(Room, IsThatOfTheMachine) {
    EXPECT_EQ(room(), UINT64_MAX) << "nothing is known";
    lay_out("proc/meminfo", "MemTotal: 9000 kB\nMemFree:  10 kB\nMemAvailable:    4096 kB\nSwapFree: 1024 kB\n");
    EXPECT_EQ(room(), of(5120 * 1024));
    EXPECT_GT(lathe_memory_room(""), 0U);
}

TEST_F(Room, IsTheLeastOfAllGroupsAbove) {
    lay_out("proc/meminfo", "MemAvailable: 100000000 kB\n");
    lay_out("proc/self/cgroup", "0::/outer/inner\n");
    lay_out("sys/fs/cgroup/outer/inner/memory.max", "max\n");
    lay_out("sys/fs/cgroup/outer/inner/memory.current", "7\n");
    lay_out("sys/fs/cgroup/outer/memory.max", "1000000000\n");
    lay_out("sys/fs/cgroup/outer/memory.current", "500000000\n");
    lay_out("sys/fs/cgroup/outer/memory.stat", "anon 1\nfile 1\ninactive_file 100000000\nactive_file 50000000\n");
    EXPECT_EQ(room(), of(650'000'000));
    lay_out("sys/fs/cgroup/outer/inner/memory.max", "200000000\n");
    EXPECT_EQ(room(), of(199'999'993));
    lay_out("sys/fs/cgroup/outer/memory.current", "2000000000\n");
    EXPECT_EQ(room(), 0U) << "more than the limit is used";
}

TEST_F(Room, IsThatOfGroupsOfTheFirstVersion) {
    lay_out("proc/meminfo", "MemAvailable: 100000000 kB\n");
    lay_out("proc/self/cgroup", "5:cpu,cpuacct:/job\n4:memory:/job/1\n0::/\n");
    lay_out("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    lay_out("sys/fs/cgroup/memory/job/1/memory.limit_in_bytes", "3000000\n");
    lay_out("sys/fs/cgroup/memory/job/1/memory.usage_in_bytes", "1000000\n");
    lay_out("sys/fs/cgroup/memory/job/1/memory.stat",
            "inactive_file 9\ntotal_inactive_file 64\ntotal_active_file 36\n");
    EXPECT_EQ(room(), of(2'000'100));
    // In a container, the group's own folder is where its groups begin.
    lay_out("proc/self/cgroup", "4:memory:/not/to/be/seen\n");
    lay_out("sys/fs/cgroup/memory/memory.limit_in_bytes", "4000000\n");
    lay_out("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000000\n");
    EXPECT_EQ(room(), of(3'000'000));
}

// ---- what happens where it does not suffice

std::uint64_t room_of_test = 0;

class Memory : public testing::Test {
protected:
    Memory() { runtime::trim_memory(); }
    ~Memory() override {
        limit_memory(~std::uint64_t{0});
        runtime::set_system_memory(runtime::default_system_memory());
        runtime::trim_memory();
    }
    static void have(std::uint64_t bytes) {
        room_of_test = bytes;
        runtime::SystemMemory memory = runtime::default_system_memory();
        memory.room = [] { return room_of_test; };
        runtime::set_system_memory(memory);
    }
    // A ResourceError that names this line and all that is expected.
    template <class F>
    static void expect_none(F&& f, std::initializer_list<std::string> expected,
                            std::source_location where = std::source_location::current()) {
        try {
            f();
            ADD_FAILURE() << "there was memory, line " << where.line();
        } catch (const ResourceError& e) {
            const std::string message = e.what();
            EXPECT_NE(message.find("memory_test.cpp:" + std::to_string(where.line())), std::string::npos) << message;
            for (const std::string& part : expected) EXPECT_NE(message.find(part), std::string::npos) << message;
        } catch (const std::exception& e) {
            ADD_FAILURE() << e.what();
        }
        EXPECT_EQ((ones({3}) + 1.0).to_vector<float>(), (std::vector<float>{2, 2, 2})) << "all works on";
    }
};

TEST_F(Memory, ThatNoMachineHas) {
    const std::string type = "f32[1099511627776]", bytes = "4398046511104 bytes were asked for";
    expect_none([] { ones({1LL << 40}).eval(); }, {": broadcast_to: ", type, bytes});
    expect_none([] { (void)ones({1LL << 40}).to_vector<float>(); }, {type, bytes});
    expect_none([] { (void)ones({1LL << 40}).to_array(); }, {type, bytes});
    expect_none([] { (void)(ones({1LL << 40}) * 2.0).to_string(); }, {type, bytes});
    expect_none([] { (void)random_normal(1, {1LL << 40}).eval(); }, {type, bytes});
    expect_none([] { jit([](const Tensor& x) { return broadcast_to(x, {1LL << 40}); })(ones({1})); }, {type, bytes});
    expect_none([] { trace([](const Tensor& x) { return exp(x); }, {{"x", Dtype::f32, {"n"}}})(ones({1LL << 40})); },
                {type, bytes});
}

TEST_F(Memory, OfAModelsOutputsAndWorkspace) {
    const Model wide = trace([](const Tensor& x) { return matmul(x, x.t()); }, {{"x", Dtype::f32, {"n", 1}}});
    EXPECT_THROW(wide(ones({1 << 20, 1})), ResourceError);
    const auto narrow = jit([](const Tensor& x) { return sum(matmul(x, x.t()), {0, 1}); });
    const Tensor x = ones({1 << 20, 1});
    try {
        narrow(x);
        ADD_FAILURE() << "there was memory";
    } catch (const ResourceError& e) {
        EXPECT_NE(std::string(e.what()).find("memory_test.cpp:"), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("workspace: "), std::string::npos) << e.what();
    }
    EXPECT_EQ(narrow(ones({10, 1})).item<float>(), 100);
}

TEST_F(Memory, OfSeveralTensorsTogether) {
    have(3 * gigabyte);
    // Nothing is written to before there is room for all.
    const Tensor x = Tensor::scalar(1.0F);
    std::vector<Tensor> all;
    for (int i = 0; i < 4; ++i) all.push_back(broadcast_to(x * static_cast<double>(i), {1 << 28}));
    EXPECT_THROW(eval(all), ResourceError);
    EXPECT_EQ(x.item<float>(), 1);
}

TEST_F(Memory, OfTheInterpreter) {
    have(gigabyte);
    ir::Graph g;
    const ir::Value x = g.add_parameter("x", {Dtype::f32, {}});
    const ir::Value wide = {&g.add(ir::ops::broadcast_to, {{x}}, {ir::Shape{1 << 29}}), 0};
    g.add_output("y", {&g.add(ir::ops::exp, {{wide}}), 0});
    const ir::Literal one = ir::splat_literal(Dtype::f32, {}, 1.0);
    EXPECT_THROW(ir::interpret(g, {{one}}), ResourceError);
}

TEST_F(Memory, OfAConstant) {
    const std::vector<std::byte> bytes(8 << 20, std::byte{1});
    ir::Graph g;
    const ir::Value x = g.add_parameter("x", {Dtype::f32, {2 << 20}});
    const ir::Value c = g.constant(ir::make_literal({Dtype::f32, {2 << 20}}, bytes));
    g.add_output("y", ir::Value::record(ir::ops::mul, std::vector{x, c}, {}, {}));
    limit_memory(runtime::memory_use().reserved + (1 << 20));
    try {
        codegen::compile(g);
        ADD_FAILURE() << "there was memory";
    } catch (const ResourceError& e) {
        EXPECT_NE(std::string(e.what()).find("constant f32[2097152]"), std::string::npos) << e.what();
    }
}

TEST_F(Memory, WithinTheHostsLimit) {
    EXPECT_EQ(memory_limit(), ~std::uint64_t{0});
    limit_memory(100 << 20);
    EXPECT_EQ(memory_limit(), 100U << 20);
    const Tensor a = ones({10 << 20}).eval();
    expect_none([] { ones({30 << 20}).eval(); }, {"broadcast_to: the limit on memory is reached", "f32[31457280]"});
    const Tensor b = (a + 1.0).eval();
    expect_none([&] { (a + 2.0).eval(); }, {"add: the limit on memory is reached", "f32[10485760]"});
    EXPECT_EQ(sum(a, {0}).item<float>() + sum(b, {0}).item<float>(), 3.0F * (10 << 20)) << "what was there is there";
    const auto f = jit([](const Tensor& x) { return x * 3.0; });
    EXPECT_THROW(f(a), ResourceError);
    limit_memory(~std::uint64_t{0});
    EXPECT_EQ(f(a).shape(), (std::vector<std::int64_t>{10 << 20}));
}

TEST_F(Memory, OfAProcessWithARlimit) {
#ifdef LATHE_SANITIZED
    GTEST_SKIP() << "sanitizers need all addresses";
#endif
    const pid_t child = fork();
    if (child == 0) {
        const rlimit limit{4 * gigabyte, 4 * gigabyte};
        setrlimit(RLIMIT_AS, &limit);
        int right = 0;
        try {
            ones({1 << 30}).eval();
        } catch (const ResourceError&) {
            ++right;
        }
        if ((ones({5}) * 2.0).to_vector<float>() == std::vector<float>(5, 2)) ++right;
        _exit(right == 2 ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace lathe
