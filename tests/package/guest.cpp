// A program of somebody who installed Lathe: it has folders and headers of its own with names that Lathe uses.
#include <lathe/inspect.h>
#include <lathe/lathe.h>
#include <vector>

#include "ir/type.h"

int main() {
    const std::vector<float> numbers{1, 2, 3, 4};
    const lathe::Tensor x = lathe::Tensor::borrow(numbers.data(), {2, 2});
    lathe::Tensor y = lathe::tanh(x) * 0.0 + x[{lathe::Range{.step = -1}}];
    y += 1.0;
    const auto doubled = lathe::jit([](const lathe::Tensor& t) { return lathe::sum(t * 2.0, -1); });
    bool right = doubled(y).to_vector<float>() == std::vector<float>{18, 10};
    const lathe::Inspection seen = lathe::inspect(doubled);
    right = right && seen.statistics().kernels == 1 &&
            seen.text(lathe::Stage::loops).find("reduce sum") != std::string::npos;
    return right && HostType().value == 5 ? 0 : 1;
}
