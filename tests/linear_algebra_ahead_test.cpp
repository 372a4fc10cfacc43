// Models with decompositions, compiled ahead of time: executables and libraries hold what they call, objects are linked
// with the library that has it, and that needs nothing but libc.
#include <cstring>
#include <filesystem>

#include <gtest/gtest.h>

#include "frontend/formats/read_file.h"
#include "frontend/functions/linear_algebra.h"
#include "lathe.h"
#include "tests/command.h"

namespace lathe {
namespace {

using testing_support::Outcome;

constexpr std::int64_t n = 5;

// Of rows of n^2 numbers: every function of the library.
Model model() {
    return trace(
        [](const Tensor& rows) {
            const Dim batch = rows.dim(0);
            const Tensor x = reshape(rows, Shape{batch, n, n}), definite = matmul(x, swapaxes(x, 1, 2)) + eye(n);
            const auto [u, s, vt] = svd(x);
            const auto [w, v] = eigh(x);
            const auto [values, vectors] = eig(x);
            const auto [q, r] = qr(x);
            const Tensor numbers = stack({sum(u, Axes{1, 2}), sum(s, 1), sum(vt, Axes{1, 2}), sum(w, 1),
                                          sum(v, Axes{1, 2}), sum(values, Axes{1, 2}), sum(vectors, Axes{1, 2, 3}),
                                          sum(q, Axes{1, 2}), sum(r, Axes{1, 2}), sum(solve(definite, x), Axes{1, 2}),
                                          sum(cholesky(definite), Axes{1, 2}), sum(matrix_exp(x), Axes{1, 2}), det(x)},
                                         1);
            return numbers;
        },
        {{"x", Dtype::f32, {"batch", n * n}}}, {.name = "decompose"});
}

constexpr const char* caller = R"(
#include <stdio.h>
#include <stdlib.h>
#include "decompose.h"
int main(void) {
    int64_t batch = 40;
    static float x[40 * 25], y[40 * 13];
    FILE *in = fopen("rows.bin", "rb"), *out = fopen("out.bin", "wb");
    const void* inputs[] = {x};
    void *outputs[] = {y}, *plan, *workspace;
    if (fread(x, sizeof(float), 40 * 25, in) != 40 * 25) return 4;
    plan = malloc(decompose_plan_size());
    if (decompose_bind(&batch, plan) != LATHE_STATUS_OK) return 7;
    workspace = aligned_alloc(64, (decompose_workspace_size(plan, 1) + 63) / 64 * 64);
    if (decompose_run(plan, inputs, outputs, workspace, NULL, NULL) != LATHE_STATUS_OK) return 6;
    fwrite(y, sizeof(float), 40 * 13, out);
    return fclose(out);
}
)";

class LinearAlgebraAhead : public testing_support::InFolder {
protected:
    void SetUp() override {
#ifdef LATHE_SANITIZED
        GTEST_SKIP() << "the sanitizers' checks keep calls of operator new that the optimiser finds to be dead";
#endif
    }
    std::string path(const std::string& file) const { return (folder_ / file).string(); }
    static std::string library() { return std::string(LATHE_BINARY_DIR) + "/liblathe_linear_algebra.a"; }
};

TEST_F(LinearAlgebraAhead, ObjectsAndArchivesLinkWithTheLibrary) {
    const Model m = model();
    const Tensor x = random_normal(31, {40, n * n});
    const Array rows = x.to_array(), expected = m(x).to_array();
    write("rows.bin", {reinterpret_cast<const char*>(rows.bytes.data()), rows.bytes.size()});
    write("main.c", caller);
    for (const char* const file : {"decompose.o", "decompose.a", "decompose.so"}) {
        compile_model(m, path(file), {.header = path("decompose.h")});
        const bool is_whole = std::string(file).ends_with(".so");
        ASSERT_EQ(run_here("cc -std=c11 -Wall -Werror main.c ./" + std::string(file) +
                           (is_whole ? " -Wl,-rpath,." : " " + library()) + " -o main"),
                  (Outcome{0, ""}));
        EXPECT_EQ(run_here("ldd main | grep -v -e libc.so -e vdso -e ld-linux -e decompose.so").output, "");
        ASSERT_EQ(run_here("./main"), (Outcome{0, ""}));
        const std::string out = read_file(path("out.bin"));
        ASSERT_EQ(out.size(), expected.bytes.size());
        EXPECT_EQ(std::memcmp(out.data(), expected.bytes.data(), out.size()), 0) << file;
    }
    EXPECT_NE(read_file(path("decompose.h")).find("liblathe_linear_algebra.a"), std::string::npos);
}

TEST_F(LinearAlgebraAhead, ExecutablesHoldWhatTheyCall) {
    const Model m = model();
    compile_model(m, path("decompose"));
    EXPECT_EQ(run_here("ldd decompose | grep -v -e libc.so -e vdso -e ld-linux").output, "");
    std::string row;
    std::vector<float> values;
    for (int i = 0; i < n * n; ++i) {
        values.push_back(static_cast<float>(i * 7 % 11) - 4);
        row += (i > 0 ? "," : "") + std::to_string(i * 7 % 11 - 4);
    }
    write("rows.csv", row + "\n");
    const Outcome outcome = run_here("./decompose --logits rows.csv");
    ASSERT_EQ(outcome.status, 0) << outcome.output;
    const std::vector<float> expected = m(Tensor::from(values, {1, n * n})).to_vector<float>();
    std::string rest = outcome.output;
    for (const float e : expected) {
        EXPECT_EQ(std::strtof(rest.c_str(), nullptr), e);
        rest = rest.substr(std::min(rest.size(), rest.find(',') + 1));
    }
}

// Only what calls a decomposition is told to link with it.
TEST_F(LinearAlgebraAhead, OthersNeedNoLibrary) {
    const Model m = trace([](const Tensor& x) { return exp(x); }, {{"x", Dtype::f32, {"batch", 4}}}, {.name = "plain"});
    compile_model(m, path("plain.o"), {.header = path("plain.h")});
    EXPECT_EQ(read_file(path("plain.h")).find("liblathe_linear_algebra"), std::string::npos);
    EXPECT_EQ(run_here("nm -u plain.o | grep -v memcpy").output, "");
}

TEST_F(LinearAlgebraAhead, TheLibraryNeedsNothingButLibc) {
    ASSERT_TRUE(std::filesystem::exists(library()));
    // What is undefined in all of it together, and no function of libc.
    const Outcome undefined = run_here("ld -r --whole-archive " + library() +
                                       " -o all.o && nm -u all.o | grep -v -w -e memcpy -e memset -e memmove -e memcmp "
                                       "-e malloc -e free -e _GLOBAL_OFFSET_TABLE_");
    EXPECT_EQ(undefined.output, "");
}

}  // namespace
}  // namespace lathe
