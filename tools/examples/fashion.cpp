// Trains a convolutional network on Fashion-MNIST: 60,000 images of clothes to learn from and 10,000 to be judged by,
// 28 x 28 grey levels of ten classes (Xiao, Rasul and Vollgraf, "Fashion-MNIST", 2017).
//
//   fashion [--quick] [FOLDER]     the folder of its four files; without one where Debian's dataset-fashion-mnist is
//
// A data loader reads ahead and shuffles, the rate follows one cycle, and forward, backward and update are one compiled
// program, which takes the pixels as the bytes that they are.
#include <chrono>

#include "lathe.h"
#include "tools/examples/arguments.h"

namespace {

using namespace lathe;
using Clock = std::chrono::steady_clock;
using Images = data::Rows<std::pair<Tensor, Tensor>>;  // u8 [count, 28, 28], and labels, u8 [count]

Images read_images(const std::string& folder, const std::string& part, std::int64_t at_most) {
    const auto read = [&](const char* kind) {
        const Tensor all = Tensor::from(read_idx(folder + "/" + part + kind));
        return all[{Range{0, at_most}}].eval();
    };
    return Images(std::pair(read("-images-idx3-ubyte.gz"), read("-labels-idx1-ubyte.gz")));
}

nn::Sequential make_network(nn::Generator& random) {
    return nn::Sequential(nn::Conv2d(1, 32, {.kernel = 3, .padding = 1}, random), nn::ReLU(), nn::MaxPool2d(2),
                          nn::Conv2d(32, 64, {.kernel = 3, .padding = 1}, random), nn::ReLU(), nn::MaxPool2d(2),
                          nn::Flatten(), nn::Linear(64 * 7 * 7, 128, random), nn::ReLU(), nn::Dropout(0.3, random),
                          nn::Linear(128, 10, random));
}

int train_and_judge(const examples::Arguments& arguments) {
    const std::int64_t epochs = arguments.quick ? 2 : 6, images = arguments.quick ? 3000 : 60000;
    const std::string folder = arguments.path.empty() ? "/usr/share/datasets/fashion-mnist" : arguments.path;
    const Images train = read_images(folder, "train", images);
    const Images test = read_images(folder, "t10k", images);

    nn::Generator random(1);
    const nn::Sequential network = make_network(random);
    const auto logits_of = [&](const Tensor& pixels) {
        return network(convert(unsqueeze(pixels, 1), Dtype::f32) / 255.0);
    };
    optim::AdamW optimizer(network.parameters());
    const auto step = jit([&](const Tensor& pixels, const Tensor& labels) {
        Tensor loss = cross_entropy(logits_of(pixels), labels);
        loss.backward();
        optimizer.step();
        return loss;
    });

    const data::DataLoader loader(train, {.batch = 64, .shuffle = random});
    optim::Schedule schedule(optimizer, optim::OneCycleLR{.max_rate = 3e-3, .steps = epochs * loader.size()});
    const auto start = Clock::now();
    for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
        data::Progress progress(loader.size(), fmt::format("epoch {}", epoch));
        double total = 0;
        for (const auto& [pixels, labels] : loader) {
            const auto loss = step(pixels, labels).item<float>();
            schedule.step();
            progress.step({{"loss", loss}});
            total += loss;
        }
        fmt::print("epoch {}                mean loss {:.4f}\n", epoch, total / static_cast<double>(loader.size()));
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();

    network.eval();
    const auto count_right = jit([&](const Tensor& pixels, const Tensor& labels) {
        return sum(argmax(logits_of(pixels)) == convert(labels, Dtype::i64));
    });
    std::int64_t right = 0;
    for (const auto& [pixels, labels] : data::DataLoader(test, {.batch = 250}))
        right += count_right(pixels, labels).item<std::int64_t>();
    const double accuracy = static_cast<double>(right) / static_cast<double>(test.size());
    fmt::print("test accuracy          {:.2f} % ({} of {})\n", 100 * accuracy, right, test.size());
    fmt::print("training               {:.0f} images per second ({} parameters, {} threads, {:.0f} s)\n",
               static_cast<double>(epochs * train.size()) / seconds, network.parameter_count(), runtime::thread_count(),
               seconds);
    return accuracy >= (arguments.quick ? 0.7 : 0.91) ? 0 : 1;
}

}  // namespace

int main(int count, char** words) { return lathe::examples::run("fashion", count, words, train_and_judge); }
