// Which digit an image shows: classify MODEL IMAGE..., with MODEL mnist-8.onnx, and images of any size (JPEG, PNG).
//
// The function that is traced takes the bytes of an image: levelling and resizing are part of the compiled program,
// which serves images of every size. `classify MODEL --compile digit.o` writes it with a header, digit.h, for programs
// without Lathe: ahead/classify.c is one. `--compile digit` writes an executable.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

#include "images.h"
#include "inspect.h"
#include "lathe.h"

namespace {

using namespace lathe;
using Clock = std::chrono::steady_clock;

// pixels: u8 [height, width, 3]. The digit, i64, and how probable it is, f32: both of rank 0.
std::pair<Tensor, Tensor> classify(const Model& mnist, const Tensor& pixels) {
    const Tensor luma = Tensor::from({0.299F, 0.587F, 0.114F});  // ITU-R BT.601
    const Tensor grey = sum(convert(pixels, Dtype::f32) * luma, -1);
    // 0 the lightest, 1 the darkest; the paper, of which there is more than ink, has to be 0.
    const Tensor darkness = (max(grey) - grey) / maximum(max(grey) - min(grey), 1.0F);
    const Tensor ink = where(mean(darkness) > 0.5F, 1.0F - darkness, darkness);
    const Tensor image = interpolate(unsqueeze(ink, {0, 1}), {.size = {28, 28}, .mode = InterpolationMode::area});
    const Tensor scores = softmax(mnist(255.0F * image), -1);
    return {reshape(argmax(scores, -1), {}), max(scores)};
}

Tensor read_pixels(const std::string& path) { return Tensor::from(read_image(path)); }

int run(std::span<char* const> words) {
    if (words.size() < 2) {
        fmt::print(stderr, "usage: classify MODEL IMAGE... | classify MODEL --compile FILE\n");
        return 2;
    }
    const Model mnist = Model::load(words[0]);
    words = words.subspan(1);
    const Model model =
        trace([&](const Tensor& pixels) { return classify(mnist, pixels); },
              {{"pixels", Dtype::u8, {"height", "width", 3}}}, {.name = "digit", .outputs = {"digit", "probability"}});
    if (std::string_view(words[0]) == "--compile") {
        if (words.size() != 2) throw std::runtime_error("--compile takes one file");
        const std::filesystem::path file = words[1];
        compile_model(model, file,
                      {.header = file.has_extension() ? std::filesystem::path(file).replace_extension(".h") : ""});
        return 0;
    }
    for (const char* const image : words) {
        const Tensor pixels = read_pixels(image);
        const auto start = Clock::now();
        const std::vector<Tensor> results = model(std::vector{pixels});
        const auto digit = results[0].item<std::int64_t>();
        const double milliseconds = std::chrono::duration<double>(Clock::now() - start).count() * 1e3;
        fmt::print("{}: {} ({:.9g})\n", image, digit, results[1].item<float>());
        fmt::print(stderr, "{} in {:.2f} ms\n", image, milliseconds);
    }
    fmt::print(stderr, "{} kernels, compiled once\n", inspect(model).statistics().compiled);
    return 0;
}

}  // namespace

int main(int count, char** words) {
    try {
        return run(std::span(words, static_cast<std::size_t>(count)).subspan(1));
    } catch (const lathe::Error& e) {
        std::fprintf(stderr, "classify: %s\n", e.message().c_str());
        return 1;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "classify: %s\n", e.what());
        return 1;
    }
}
