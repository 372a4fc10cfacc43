// Models compiled ahead of time give the bits of the same models compiled in this process.
#include "codegen/aot.h"

#include <bit>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <thread>
#include <xmmintrin.h>

#include <gtest/gtest.h>

#include "frontend/formats/atomic_file.h"
#include "frontend/formats/read_file.h"
#include "ir/graph/text.h"
#include "lathe.h"
#include "runtime/aot.h"
#include "tests/command.h"
#include "tests/targets.h"

namespace lathe {
namespace {

using testing_support::Outcome;

Model mlp() {
    nn::Generator random(7);
    const nn::Sequential net(nn::Linear(24, 40, random), nn::GELU(), nn::Linear(40, 5, random));
    return trace([&](const Tensor& x) { return net(x); }, {{"x", Dtype::f32, {"batch", 24}}},
                 {.name = "mlp", .weights = net.named_parameters()});
}

Model model_of(const std::string& text) {
    auto graph = ir::parse_graph(text, "text");
    const std::size_t inputs = graph->parameters().size();
    return {std::move(graph), inputs, {}};
}

Tensor rows(std::int64_t batch, std::int64_t columns = 24) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < batch * columns; ++i)
        values.push_back(static_cast<float>((i * 7919) % 1013) / 337.0F - 1.5F);
    return Tensor::from(values, {batch, columns});
}

// A caller in C: runs batches 1 to LAST of rows.bin and writes all outputs to out.bin, with threads if asked to.
constexpr const char* c_caller = R"(
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "mlp.h"
typedef struct part { lathe_range body; void* context; int64_t begin, end; int32_t worker; } part;
static void* work(void* p) { part* t = p; t->body(t->context, t->begin, t->end, t->worker); return 0; }
static int loops = 0;
static void in_threads(void* pool, int64_t trips, int64_t grain, lathe_range body, void* context) {
    pthread_t other;
    part a = {body, context, 0, trips / 2, 0}, b = {body, context, trips / 2, trips, 1};
    (void)pool; (void)grain;
    ++loops;
    if (pthread_create(&other, 0, work, &a) != 0) exit(3);
    work(&b);
    pthread_join(other, 0);
}
int main(int count, char** arguments) {
    int64_t batch, last = atoll(arguments[1]);
    FILE *in = fopen("rows.bin", "rb"), *out = fopen("out.bin", "wb");
    float* x = malloc(last * 24 * sizeof(float));
    if (fread(x, sizeof(float), last * 24, in) != (size_t)last * 24) return 4;
    for (batch = last > 17 ? last : 1; batch <= last; ++batch) {
        const void* inputs[] = {x};
        float* y = malloc(batch * 5 * sizeof(float));
        void* outputs[] = {y};
        const lathe_pool pool = {in_threads, NULL, 2};
        int64_t bytes = mlp_plan_size();
        void *plan, *workspace;
        if (bytes < 0) return 5;
        plan = malloc(bytes);
        if (mlp_bind(&batch, plan) != LATHE_STATUS_OK) return 7;
        bytes = mlp_workspace_size(plan, 2);
        workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
        if (mlp_run(plan, inputs, outputs, workspace, count > 2 ? &pool : NULL, NULL) != LATHE_STATUS_OK) return 6;
        fwrite(y, sizeof(float), batch * 5, out);
        free(workspace); free(plan); free(y);
    }
    if (count > 2) printf("%d", loops > 0);
    return fclose(out);
}
)";

class Aot : public testing_support::InFolder {
protected:
    std::string path(const std::string& file) const { return (folder_ / file).string(); }
    void write_rows(std::int64_t batch) const {
        const Array x = rows(batch).to_array();
        write("rows.bin", {reinterpret_cast<const char*>(x.bytes.data()), x.bytes.size()});
    }
    // What the caller in C has to write.
    static std::string expected(const Model& model, std::int64_t last) {
        std::string bytes;
        for (std::int64_t batch = last > 17 ? last : 1; batch <= last; ++batch) {
            const Array y = model(rows(batch)).to_array();
            bytes.append(reinterpret_cast<const char*>(y.bytes.data()), y.bytes.size());
        }
        return bytes;
    }
};

// A loaded shared library.
class Library {
public:
    explicit Library(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {}
    ~Library() {
        if (handle_) dlclose(handle_);
    }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    explicit operator bool() const { return handle_ != nullptr; }
    template <class F>
    F get(const char* name) const {
        return reinterpret_cast<F>(dlsym(handle_, name));
    }

    // The plan of a model for these sizes, and a workspace for so many threads.
    struct Bound {
        int status = LATHE_STATUS_OK;
        std::vector<std::uint64_t> plan;
        std::int64_t workspace_bytes = 0;
        runtime::Buffer workspace;
    };
    Bound bind(const std::string& model, const std::vector<std::int64_t>& symbols, std::int32_t workers = 1) const {
        Bound out;
        const std::int64_t bytes = get<lathe_model_plan_size_function>((model + "_plan_size").c_str())();
        if (bytes < 0) return {static_cast<int>(-bytes), {}, 0, {}};
        out.plan.resize(static_cast<std::size_t>(bytes + 7) / 8);
        out.status = get<lathe_model_bind_function>((model + "_bind").c_str())(symbols.data(), out.plan.data());
        if (out.status != LATHE_STATUS_OK) return out;
        out.workspace_bytes =
            get<lathe_model_workspace_size_function>((model + "_workspace_size").c_str())(out.plan.data(), workers);
        EXPECT_GE(out.workspace_bytes, 0);
        out.workspace = runtime::allocate(static_cast<std::size_t>(out.workspace_bytes) + 1);
        return out;
    }
    int run(const std::string& model, const Bound& bound, const void* const* inputs, void* const* outputs,
            lathe_fault* fault = nullptr, const lathe_pool* pool = nullptr) const {
        return get<lathe_model_run_function>((model + "_run").c_str())(bound.plan.data(), inputs, outputs,
                                                                       bound.workspace.data(), pool, fault);
    }

private:
    void* handle_;
};

TEST_F(Aot, ExecutableGivesTheBitsOfTheJit) {
    const Model model = mlp();
    compile_model(model, path("mlp"));
    for (std::int64_t batch = 1; batch <= 17; ++batch) {
        write_npy(path("x.npy"), rows(batch).to_array());
        ASSERT_EQ(run_here("./mlp --output y.npy x.npy"), (Outcome{0, ""}));
        EXPECT_EQ(read_npy(path("y.npy")), model(rows(batch)).to_array()) << batch;
    }
    write("short.csv", "1,2\n");
    const Outcome bad = run_here("./mlp --output bad.npy short.csv");
    EXPECT_EQ(bad, (Outcome{1, "mlp: short.csv: row 1 has 2 columns, the model takes 24\n"}));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "bad.npy"));
    EXPECT_EQ(run_here("LATHE_CPU_DENY=FMA ./mlp x.npy"),
              (Outcome{3, "mlp: this processor lacks FMA, which the model was compiled for\n"}));
}

TEST_F(Aot, ExecutablesTakeInputsAndGiveOutputsByName) {
    const Model model = model_of(
        "graph two(n, m) {\n  %0 = parameter \"a\" : f32[n, 2, m]\n  %1 = parameter \"b\" : f32[m]\n"
        "  %2 = broadcast_to(%1) {shape = [n, 2, m]} : f32[n, 2, m]\n  %3 = add(%0, %2) : f32[n, 2, m]\n"
        "  %4 = neg(%1) : f32[m]\n  return \"sum/all\" = %3, \"negated\" = %4\n}\n");
    compile_model(model, path("two"));
    const Tensor a = random_uniform(RandomKey(1), {3, 2, 5}), b = random_uniform(RandomKey(2), {5});
    write_npy(path("a.npy"), a.to_array());
    write_npy(path("b.npy"), b.to_array());
    ASSERT_EQ(run_here("./two --input b=b.npy --input a=a.npy --output results"), (Outcome{0, ""}));
    const std::vector<Tensor> expected = model(std::vector{a, b});
    EXPECT_EQ(read_npy(path("results/sum_all.npy")), expected[0].to_array());
    EXPECT_EQ(read_npy(path("results/negated.npy")), expected[1].to_array());
    write("b.csv", "1\n2\n3\n4\n5\n");
    EXPECT_EQ(run_here("./two --input a=a.npy --input b=b.csv --output y.npy"), (Outcome{0, ""}));
    EXPECT_EQ(run_here("./two a.npy"),
              (Outcome{2, "two: the model has 2 inputs: --input NAME=FILE gives each, see --help\n"}));
    EXPECT_EQ(run_here("./two --input a=a.npy"), (Outcome{2, "two: the input 'b' is missing, see --help\n"}));
    EXPECT_EQ(run_here("./two --input c=a.npy"),
              (Outcome{2, "two: 'c=a.npy' is no NAME=FILE of an input, see --help\n"}));
    EXPECT_EQ(run_here("./two --input a=a.npy --input a=a.npy"),
              (Outcome{2, "two: the input 'a' is given twice, see --help\n"}));
    EXPECT_EQ(run_here("./two --input a=b.csv --input b=b.csv"),
              (Outcome{1, "two: b.csv: is no .npy file, and rows of 'a' have no fixed length\n"}));
    write("short.csv", "1\n2\n");
    EXPECT_EQ(run_here("./two --input a=a.npy --input b=short.csv"),
              (Outcome{1, "two: short.csv: dimension 0 is 2, but 'm' is 5 elsewhere\n"}));
    EXPECT_NE(run_here("./two --help").output.find("a                  f32[n, 2, m]\n"), std::string::npos);
}

TEST_F(Aot, ObjectsOfEachLevelServeCPrograms) {
    const Model model = mlp();
    write("caller.c", c_caller);
    for (const char* const target : {"avx2", "avx512"})
        for (const char* const file : {"mlp.o", "mlp.a"}) {
            compile_model(model, path(file), {.targets = {target}, .header = path("mlp.h")});
            ASSERT_EQ(
                run_here("cc -std=gnu11 -Wall -Wextra -Werror caller.c " + std::string(file) + " -lpthread -o caller"),
                (Outcome{0, ""}));
            if (!testing_support::runs_here(codegen::target_named(target))) {
                write_rows(17);
                EXPECT_EQ(run_here("./caller 17").status, 5) << "the processor is refused, not crashed";
                continue;
            }
            for (const std::int64_t last : {17, 3000}) {
                write_rows(last);
                ASSERT_EQ(run_here("./caller " + std::to_string(last)), (Outcome{0, ""}));
                EXPECT_TRUE(read_file(path("out.bin")) == expected(model, last)) << target << " " << file;
                const Outcome threads = run_here("./caller " + std::to_string(last) + " threads");
                EXPECT_EQ(threads.status, 0);
                if (last == 3000) {
                    EXPECT_EQ(threads.output, "1") << "a loop ran in parallel";
                }
                EXPECT_TRUE(read_file(path("out.bin")) == expected(model, last)) << target << " threads";
            }
        }
}

TEST_F(Aot, NeedsNothingButLibc) {
    for (const bool driver : {false, true}) {
        const Model model = mlp();
        compile_model(model, path("mlp.o"));
        const Outcome undefined = run_here("nm -u mlp.o");
        EXPECT_EQ(undefined.status, 0);
        EXPECT_TRUE(undefined.output.empty() || undefined.output == "                 U memcpy\n") << undefined.output;
        if (driver) {
            compile_model(model, path("mlp"));
            EXPECT_EQ(run_here("ldd mlp | grep -v -e libc.so -e vdso -e ld-linux").output, "");
        }
    }
}

TEST_F(Aot, KernelsAreTheVeryBytesOfTheJit) {
    const Model model = mlp();
    compile_model(model, path("mlp.a"));
    const std::string archive = read_file(path("mlp.a"));
    for (const char* const target : {"avx2", "avx512"}) {
        codegen::CompileOptions options;
        options.target = codegen::target_named(target);
        const auto compiled = codegen::compile_objects(*model.closed_graph(), options);
        EXPECT_FALSE(compiled->kernels.empty());
        for (const auto& kernel : compiled->kernels) {
            const std::string bytes(reinterpret_cast<const char*>(kernel->object->data()), kernel->object->size());
            EXPECT_NE(archive.find(bytes), std::string::npos) << target << " " << kernel->symbol;
        }
    }
}

// The functions that a model calls are a part of its object; others are not.
TEST_F(Aot, CarriesTheFunctionsThatItCalls) {
    const Model model = trace(
        [](const Tensor& x) {
            const Tensor y = x * 1.5;
            const Tensor places = searchsorted(sort(y), y, {.right = true});
            return concat(
                std::vector{sort(y, 0), convert(argsort(y), Dtype::f32), cumsum(y, 0), cumsum(y, 1), topk(y, 5).first,
                            convert(topk(y, 5).second, Dtype::f32), convert(places, Dtype::f32)},
                1);
        },
        {{"x", Dtype::f32, {"batch", 24}}}, {.name = "ordered"});
    compile_model(model, path("ordered"));
    for (const std::int64_t batch : {1, 9, 300}) {
        write_npy(path("x.npy"), rows(batch).to_array());
        ASSERT_EQ(run_here("./ordered --output y.npy x.npy"), (Outcome{0, ""}));
        EXPECT_EQ(read_npy(path("y.npy")), model(rows(batch)).to_array()) << batch;
    }
    compile_model(
        trace([](const Tensor& x) { return cumsum(x); }, {{"x", Dtype::f32, {"batch", 24}}}, {.name = "sums"}),
        path("sums.o"));
    const std::string undefined = run_here("nm -u sums.o | grep -v -e memcpy -e memset").output;
    EXPECT_EQ(undefined, "");
    compile_model(
        trace([](const Tensor& x) { return rfft(x); }, {{"x", Dtype::f32, {"batch", 24}}}, {.name = "spectra"}),
        path("spectra.o"));
    EXPECT_EQ(run_here("nm -u spectra.o | grep -v -e memcpy -e memset").output, "");
    const std::string symbols = run_here("nm sums.o").output;
    EXPECT_NE(symbols.find("lathe_call_cumsum_v2"), std::string::npos) << symbols;
    EXPECT_EQ(symbols.find("lathe_call_sort_v2"), std::string::npos) << symbols;
}

// A caller's threads: the ranges of a loop go round among the workers, each of which is a thread of its own.
class Workers {
public:
    explicit Workers(std::int32_t count) : pool_{&parallel_for, this, count} {}
    const lathe_pool* pool() const { return &pool_; }
    int loops() const { return loops_; }  // that had ranges for several workers, or would have

private:
    static void parallel_for(void* context, std::int64_t trips, std::int64_t grain, lathe_range body, void* of_body) {
        auto& self = *static_cast<Workers*>(context);
        self.loops_ += trips > grain ? 1 : 0;
        const auto work = [&](std::int32_t worker) {
            for (std::int64_t at = worker * grain; at < trips; at += self.pool_.workers * grain)
                body(of_body, at, std::min(at + grain, trips), worker);
        };
        std::vector<std::jthread> others;
        for (std::int32_t worker = 1; worker < self.pool_.workers; ++worker) others.emplace_back(work, worker);
        work(0);
    }
    lathe_pool pool_;
    int loops_ = 0;
};

// Few and long lines are shared by threads, in phases.
TEST_F(Aot, CallsInPhasesGiveTheBitsOfTheJit) {
    const Model model = trace(
        [](const Tensor& x) {
            return std::vector<Tensor>{sort(x),
                                       argsort(x, -1, {.descending = true}),
                                       cumsum(x),
                                       cumsum(x, -1, {.reverse = true}),
                                       fft(make_complex(x)),
                                       ifft(make_complex(x), {.axis = 0}),
                                       irfft(rfft(x), {.n = x.dim(1)})};
        },
        {{"x", Dtype::f32, {"lines", "n"}}}, {.name = "ordered"});
    compile_model(model, path("ordered.so"));
    const Library library(path("ordered.so"));
    ASSERT_TRUE(library) << dlerror();
    for (const auto& [lines, n] : {std::pair<std::int64_t, std::int64_t>{1, 4 * 65536 + 77}, {3, 90000}, {2, 1000}}) {
        const Tensor x = rows(lines, n);
        const auto in_process = model(std::span(&x, 1));
        for (const std::int32_t workers : {0, 1, 3}) {  // 0: no pool
            Workers threads(workers);
            const Library::Bound bound = library.bind("ordered", {lines, n}, std::max(workers, 1));
            ASSERT_EQ(bound.status, LATHE_STATUS_OK);
            const Array input = x.to_array();
            const void* inputs[] = {input.bytes.data()};
            std::vector<Array> results;
            std::vector<void*> outputs;
            for (const Tensor& y : in_process) {
                results.push_back(y.to_array());
                std::ranges::fill(results.back().bytes, std::byte{0x5a});
            }
            for (Array& r : results) outputs.push_back(r.bytes.data());
            ASSERT_EQ(
                library.run("ordered", bound, inputs, outputs.data(), nullptr, workers == 0 ? nullptr : threads.pool()),
                LATHE_STATUS_OK);
            for (std::size_t i = 0; i < results.size(); ++i)
                EXPECT_TRUE(results[i] == in_process[i].to_array())
                    << "result " << i << ", " << lines << " x " << n << ", " << workers << " workers";
            // Ten phases of each sort of f32, two of each sum.
            if (workers > 0) {
                EXPECT_EQ(threads.loops() >= 2 * 10 + 2 * 2, n > 65536) << threads.loops();
            }
        }
    }
}

TEST_F(Aot, TwoModelsLinkIntoOneProgram) {
    compile_model(mlp(), path("one.o"), {.name = "one", .header = path("one.h")});
    compile_model(mlp(), path("two.o"), {.name = "two", .header = path("two.h")});
    write("both.c",
          "#include \"one.h\"\n#include \"two.h\"\n"
          "int main(void) { return one_info()->symbol_count + two_info()->symbol_count == 2 ? 0 : 1; }\n");
    EXPECT_EQ(run_here("cc both.c one.o two.o -o both && ./both"), (Outcome{0, ""}));
}

TEST_F(Aot, SharedLibraryTellsOfItselfAndRefusesSizes) {
    compile_model(mlp(), path("mlp.so"));
    const Library library(path("mlp.so"));
    ASSERT_TRUE(library) << dlerror();
    const lathe_model_info* const info = library.get<lathe_model_info_function>("mlp_info")();
    EXPECT_EQ(info->format_version, std::uint32_t{LATHE_AOT_VERSION});
    EXPECT_EQ(info->numerics_version, 2U);
    EXPECT_STREQ(info->name, "mlp");
    EXPECT_EQ(info->cpu_level, 1);
    ASSERT_EQ(info->symbol_count, 1);
    EXPECT_STREQ(info->symbols[0], "batch");
    ASSERT_EQ(info->input_count, 1);
    EXPECT_STREQ(info->inputs[0].name, "x");
    EXPECT_EQ(info->inputs[0].dims[0], -1);
    EXPECT_EQ(info->inputs[0].dims[1], 24);

    const auto dims_of = library.get<lathe_model_output_dims_function>("mlp_output_dims");
    std::int64_t dims[LATHE_MAX_RANK] = {};
    const Library::Bound seven = library.bind("mlp", {7});
    ASSERT_EQ(seven.status, LATHE_STATUS_OK);
    EXPECT_EQ(dims_of(seven.plan.data(), 0, dims), LATHE_STATUS_OK);
    EXPECT_EQ(dims[0], 7);
    EXPECT_EQ(dims[1], 5);
    EXPECT_EQ(dims_of(seven.plan.data(), 1, dims), LATHE_STATUS_SIZE) << "there is one output";
    const auto size = library.get<lathe_model_workspace_size_function>("mlp_workspace_size");
    EXPECT_EQ(size(seven.plan.data(), 0), -LATHE_STATUS_SIZE) << "somebody has to work";
    for (const std::int64_t bad : {std::int64_t{-1}, std::int64_t{1} << 62, INT64_MAX, INT64_MIN})
        EXPECT_EQ(library.bind("mlp", {bad}).status, LATHE_STATUS_SIZE);
}

TEST_F(Aot, RunsWithTheDefaultRoundingAndPutsTheCallersBack) {
    const Model model = model_of(
        "graph tiny() {\n  %0 = parameter \"x\" : f32[4]\n  %1 = add(%0, %0) : f32[4]\n"
        "  return \"y\" = %1\n}\n");
    compile_model(model, path("tiny.so"));
    const Library library(path("tiny.so"));
    ASSERT_TRUE(library);
    const float x[4] = {1e-40F, 1.0F, -1e-41F, 3.0F};
    float y[4] = {};
    const Library::Bound bound = library.bind("tiny", {});
    const void* inputs[] = {x};
    void* outputs[] = {y};
    const unsigned before = _mm_getcsr();
    const unsigned flushing = (before | 0x8040U);
    _mm_setcsr(flushing);
    const int status = library.run("tiny", bound, inputs, outputs);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    EXPECT_EQ(status, LATHE_STATUS_OK);
    EXPECT_EQ(after & 0xffc0U, flushing & 0xffc0U);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(y[0]), 2 * std::bit_cast<std::uint32_t>(1e-40F)) << "denormals are kept";
}

TEST_F(Aot, ReportsIndicesThatAreOutOfRange) {
    const Model model = model_of(
        "graph pick(n) {\n  %0 = parameter \"table\" : f32[10, 4]\n  %1 = parameter \"i\" : i64[n]\n"
        "  %2 = gather(%0, %1) {axis = 0} : f32[n, 4]\n  return \"y\" = %2\n}\n");
    compile_model(model, path("pick.so"));
    const Library library(path("pick.so"));
    ASSERT_TRUE(library);
    std::vector<float> table(40), y(8);
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i);
    const Library::Bound bound = library.bind("pick", {2});
    ASSERT_EQ(bound.status, LATHE_STATUS_OK);
    for (const auto& [index, status] :
         {std::pair<std::int64_t, int>{3, LATHE_STATUS_OK}, {10, LATHE_STATUS_INDEX}, {-11, LATHE_STATUS_INDEX}}) {
        const std::int64_t indices[2] = {1, index};
        const void* inputs[] = {table.data(), indices};
        void* outputs[] = {y.data()};
        lathe_fault fault{-1, 0, 0, 0, 0};
        EXPECT_EQ(library.run("pick", bound, inputs, outputs), status) << index;
        EXPECT_EQ(library.run("pick", bound, inputs, outputs, &fault), status) << index;
        if (status == LATHE_STATUS_OK) {
            EXPECT_EQ(fault.site, -1);
            continue;
        }
        EXPECT_EQ(fault.index, index);
        EXPECT_EQ(fault.bound, 10);
        EXPECT_EQ(fault.position, 1);
        const lathe_model_info* const info = library.get<lathe_model_info_function>("pick_info")();
        ASSERT_LT(fault.site, info->site_count);
        EXPECT_TRUE(std::string_view(info->sites[fault.site]).ends_with("text:4: gather: index"))
            << info->sites[fault.site];
    }
}

TEST_F(Aot, ExecutablesNameTheIndexThatIsOutOfRange) {
    const Model model = model_of(
        "graph pick(n) {\n  %0 = parameter \"i\" : u64[n, 2]\n"
        "  %1 = constant {value = f32[3] [0, 1, 2]} : f32[3]\n"
        "  %2 = gather(%1, %0) {axis = 0} : f32[n, 2]\n  return \"y\" = %2\n}\n");
    compile_model(model, path("pick"));
    write("good.csv", "0,2\n1,1\n");
    EXPECT_EQ(run_here("./pick --logits good.csv"), (Outcome{0, "0,2\n1,1\n"}));
    write("bad.csv", "0,2\n1,18446744073709551615\n7,0\n");
    const Outcome bad = run_here("./pick --logits bad.csv");
    EXPECT_EQ(bad, (Outcome{1,
                            "pick: bad.csv: text:4: gather: index 18446744073709551615 at position 3 is out of "
                            "range for 3\n"}));
}

TEST_F(Aot, RefusesIndicesAlongAnEmptyAxis) {
    const Model model = model_of(
        "graph pick(m, n) {\n  %0 = parameter \"table\" : f32[m]\n  %1 = parameter \"i\" : i64[n]\n"
        "  %2 = gather(%0, %1) {axis = 0} : f32[n]\n  return \"y\" = %2\n}\n");
    compile_model(model, path("pick.so"));
    const Library library(path("pick.so"));
    ASSERT_TRUE(library);
    const auto run = [&](std::int64_t m, std::int64_t n) {
        const std::int64_t indices[] = {0};
        const float table[] = {3};
        float y[] = {7};
        const void* inputs[] = {table, indices};
        void* outputs[] = {y};
        const Library::Bound bound = library.bind("pick", {m, n});
        const int status = bound.status == LATHE_STATUS_OK ? library.run("pick", bound, inputs, outputs) : bound.status;
        return std::pair(status, y[0]);
    };
    EXPECT_EQ(run(1, 1), std::pair(static_cast<int>(LATHE_STATUS_OK), 3.0F));
    EXPECT_EQ(run(0, 0), std::pair(static_cast<int>(LATHE_STATUS_OK), 7.0F));
    EXPECT_EQ(run(0, 1), std::pair(static_cast<int>(LATHE_STATUS_SIZE), 7.0F));
}

TEST_F(Aot, TemporariesShareMemoryWithoutHarm) {
    // Products read all of a row for each element: they cannot be computed in place, though their sizes are equal.
    nn::Generator random(11);
    const nn::Sequential net(nn::Linear(24, 24, random), nn::Linear(24, 24, random), nn::Linear(24, 24, random),
                             nn::Linear(24, 5, random));
    const Model model = trace([&](const Tensor& x) { return net(x); }, {{"x", Dtype::f32, {"batch", 24}}},
                              {.name = "mlp", .weights = net.named_parameters()});
    write("caller.c", c_caller);
    AotOptions options{.header = path("mlp.h")};
    options.off = {"fuse"};
    compile_model(model, path("mlp.o"), options);
    ASSERT_EQ(run_here("cc -std=gnu11 caller.c mlp.o -lpthread -o caller"), (Outcome{0, ""}));
    write_rows(17);
    ASSERT_EQ(run_here("./caller 17"), (Outcome{0, ""}));
    EXPECT_TRUE(read_file(path("out.bin")) == expected(model, 17));

    compile_model(model, path("mlp.so"), options);
    const Library library(path("mlp.so"));
    ASSERT_TRUE(library);
    const std::int64_t batch = 4000;  // so many that the kernels' own scratch is little beside it
    const std::int64_t one = batch * 24 * 4;
    EXPECT_LT(library.bind("mlp", {batch}).workspace_bytes, 4 * one)
        << "there are more than four temporaries of this size";
}

TEST_F(Aot, OutputsThatAreOneValueAreAllWritten) {
    const Model model = model_of(
        "graph twice(n) {\n  %0 = parameter \"x\" : f32[n]\n  %1 = exp(%0) : f32[n]\n"
        "  return \"a\" = %1, \"b\" = %1\n}\n");
    compile_model(model, path("twice.so"));
    const Library library(path("twice.so"));
    ASSERT_TRUE(library);
    EXPECT_EQ(library.get<lathe_model_info_function>("twice_info")()->output_count, 2);
    const Library::Bound bound = library.bind("twice", {3});
    const float x[3] = {0.0F, 1.0F, 2.0F};
    float a[3] = {}, b[3] = {};
    const void* inputs[] = {x};
    void* outputs[] = {a, b};
    ASSERT_EQ(library.run("twice", bound, inputs, outputs), LATHE_STATUS_OK);
    EXPECT_EQ(a[0], 1.0F);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i]));
}

TEST_F(Aot, ChecksSizesThatHaveToBeEqual) {
    const Model model = model_of(
        "graph pair(a, b) {\n  require a == b : \"add: the shapes differ\"\n  %0 = parameter \"x\" : f32[a]\n"
        "  %1 = parameter \"y\" : f32[b]\n  %2 = exp(%0) : f32[a]\n  %3 = exp(%1) : f32[b]\n"
        "  return \"u\" = %2, \"v\" = %3\n}\n");
    compile_model(model, path("pair.so"));
    const Library library(path("pair.so"));
    ASSERT_TRUE(library);
    EXPECT_EQ(library.bind("pair", {3, 3}).status, LATHE_STATUS_OK);
    EXPECT_EQ(library.bind("pair", {3, 4}).status, LATHE_STATUS_SIZE);
}

TEST_F(Aot, LeavesNothingBehindWhicheverCallOfTheSystemFails) {
    static int calls = 0, failing = 0;
    const auto fail = [](auto&&... ignored) {
        ((void)ignored, ...);
        errno = ENOSPC;
        return -1;
    };
    static const auto refuse = fail;
    FileSystem broken = default_file_system();
    broken.open_temporary = [](char* path) {
        return ++calls == failing ? refuse() : default_file_system().open_temporary(path);
    };
    broken.write = [](int file, const void* data, std::size_t bytes) {
        return ++calls == failing ? ssize_t{refuse()} : default_file_system().write(file, data, bytes);
    };
    broken.synchronise = [](int file) {
        return ++calls == failing ? refuse() : default_file_system().synchronise(file);
    };
    broken.rename = [](const char* from, const char* to) {
        return ++calls == failing ? refuse() : default_file_system().rename(from, to);
    };
    const Model model = mlp();
    const std::size_t before = entries();
    set_file_system(broken);
    int failures = 0;
    for (failing = 1;; ++failing) {
        calls = 0;
        try {
            compile_model(model, path("m.a"), {.targets = {"avx2"}, .header = path("m.h")});
            break;
        } catch (const ResourceError&) {
            ++failures;
            EXPECT_EQ(entries(), before) << failing;
        }
    }
    set_file_system(default_file_system());
    EXPECT_EQ(failures, 8) << "opening, writing, synchronising and renaming two files";
    EXPECT_EQ(entries(), before + 2);
}

TEST_F(Aot, SaysWhatItCannotDo) {
    const std::size_t before = entries();
    EXPECT_THROW(compile_model(mlp(), path("m.o"), {.name = "a-b"}), UserError);
    EXPECT_THROW(compile_model(mlp(), path("m.o"), {.targets = {"sse2"}}), UserError);
    EXPECT_THROW(compile_model(mlp(), path("m.o"), {.targets = {}}), UserError);
    EXPECT_THROW(compile_model(mlp(), path("absent/m.o")), ResourceError);
    EXPECT_THROW(compile_model(mlp(), path("m.o"), {.header = path("absent/m.h")}), ResourceError);
    EXPECT_THROW(compile_model(mlp(), "/dev/full"), ResourceError);
    const Model sum = model_of(
        "graph sum(n) {\n  %0 = parameter \"x\" : f32[2*n]\n  %1 = neg(%0) : f32[2*n]\n  return \"z\" = %1\n}\n");
    EXPECT_THROW(compile_model(sum, path("sum")), UserError) << "the input does not tell n";
    EXPECT_EQ(entries(), before);
}

}  // namespace
}  // namespace lathe
