// Takes a network that others trained with PyTorch, keeps its body as it is, and trains a new head for other data.
//
//   fine_tune [--quick] CHECKPOINT     a state_dict of Burn's example mnist-inference, such as mnist.pt
//
// The network knows MNIST's digits. Those of tools/data come from other writers and another scanner, at 8 x 8 pixels:
// it is judged as it came, and with the new head.
#include "lathe.h"
#include "tools/examples/arguments.h"

namespace {

using namespace lathe;

nn::Sequential make_body(nn::Generator& random) {
    nn::Sequential body;
    body.append("conv1", nn::Conv2d(1, 8, {.kernel = 3}, random)).append(nn::ReLU());
    body.append("conv2", nn::Conv2d(8, 16, {.kernel = 3}, random)).append(nn::ReLU());
    body.append("conv3", nn::Conv2d(16, 24, {.kernel = 3}, random)).append(nn::ReLU());
    body.append("norm1", nn::BatchNorm2d(24)).append(nn::Flatten());
    body.append("fc1", nn::Linear(24 * 22 * 22, 32, random)).append(nn::ReLU());
    return body;
}
nn::Sequential make_head(nn::Generator& random) {
    nn::Sequential head;
    head.append("fc2", nn::Linear(32, 10, random)).append("norm2", nn::BatchNorm1d(10));
    return head;
}

// Rows of 64 grey levels up to 16 as MNIST has digits: 20 x 20 pixels in the middle of 28 x 28, by its mean and
// deviation.
Tensor as_mnist(const Tensor& levels) {
    const Tensor small = levels.reshape({levels.dim(0), 1, 8, 8}) / 16.0;
    const Tensor digits = interpolate(small, {.size = {20, 20}, .mode = InterpolationMode::linear});
    return (pad(digits, {0, 0, 4, 4}, {0, 0, 4, 4}) - 0.1307) / 0.3081;
}

int tune(const examples::Arguments& arguments) {
    nn::Generator random(1);
    const nn::Sequential body = make_body(random), its_head = make_head(random);
    const CheckpointValue checkpoint = load_checkpoint(arguments.path_of("a checkpoint")).root;
    const LoadReport rest = load_into(body, checkpoint, {.strict = false});
    load_into(its_head, checkpoint, {.strict = false});
    fmt::print("checkpoint             {} parameters of the body, {} values for the head\n", body.parameter_count(),
               rest.unexpected.size());

    const Tensor table = random_shuffle(1, Tensor::from(read_csv(LATHE_SOURCE_DIR "/tools/data/digits.csv.gz"))).eval();
    const Tensor images = table[{ellipsis, Range{0, 64}}].eval(), labels = convert(table[{ellipsis, 64}], Dtype::i64);
    const std::int64_t learn = arguments.quick ? 256 : 1400;
    const data::Rows train(std::pair(images[{Range{0, learn}}].eval(), labels[{Range{0, learn}}].eval()));
    const Tensor test_images = as_mnist(images[{Range{1400}}]).eval(), test_labels = labels[{Range{1400}}].eval();

    body.freeze();
    body.eval();
    its_head.eval();
    const auto body_of = jit([&](const Tensor& x) { return body(x); });
    const auto accuracy_of = [&](const nn::Module& head) {
        return data::accuracy(head(body_of(test_images)), test_labels).item<double>();
    };
    const double before = accuracy_of(its_head);

    const nn::Linear head(32, 10, random);
    optim::AdamW optimizer(head.parameters(), {.learning_rate = 1e-2});
    const auto step = jit([&](const Tensor& levels, const Tensor& labels) {
        Tensor loss = cross_entropy(head(body(as_mnist(levels))), labels);
        loss.backward();
        optimizer.step();
        return loss;
    });
    const Array features = body_of(test_images).to_array();
    const std::int64_t epochs = arguments.quick ? 3 : 10;
    const data::DataLoader loader(train, {.batch = 32, .shuffle = random});
    data::Progress progress(epochs * loader.size(), "training");
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
        for (const auto& [levels, digits] : loader) progress.step({{"loss", step(levels, digits).item<float>()}});

    const double after = accuracy_of(head);
    const bool equal = body_of(test_images).to_array() == features;
    fmt::print("as it came             {:.2f} % of {} digits of other writers\n", 100 * before, test_labels.size());
    fmt::print("with a new head        {:.2f} % after {} epochs of {} digits\n", 100 * after, epochs, learn);
    fmt::print("body                   {} what it was, bit for bit\n", equal ? "equals" : "DIFFERS from");
    return equal && after > before ? 0 : 1;
}

}  // namespace

int main(int count, char** words) { return lathe::examples::run("fine_tune", count, words, tune); }
