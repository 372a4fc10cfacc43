// Trains a variational auto-encoder on handwritten digits, and draws digits that nobody wrote.
//
//   vae [--quick]
//
// The loss is the negative evidence lower bound of Kingma and Welling, "Auto-encoding variational Bayes", 2014: for an
// image x with the code z ~ N(mean(x), variance(x)), what z leaves unsaid of x, and how far the code's distribution is
// from N(0, 1). The data are the 1,797 images of tools/data.
#include "lathe.h"
#include "tools/examples/arguments.h"

namespace {

using namespace lathe;

constexpr std::int64_t side = 8, pixels = side * side, hidden = 256, code = 8;

// Images side by side, each pixel as two characters.
void draw(const Tensor& images) {
    constexpr std::string_view shades = " .:-=+*#%@";
    const std::int64_t count = images.extent(0);
    const std::vector<float> levels = images.reshape({count, side, side}).to_vector<float>();
    for (std::int64_t row = 0; row < side; ++row) {
        std::string line;
        for (std::int64_t i = 0; i < count; ++i) {
            for (std::int64_t column = 0; column < side; ++column) {
                const float level = levels[static_cast<std::size_t>((i * side + row) * side + column)];
                line.append(2, shades[static_cast<std::size_t>(level * 9.99F)]);
            }
            line += "  ";
        }
        fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
    }
}

int train_and_draw(const examples::Arguments& arguments) {
    const std::int64_t epochs = arguments.quick ? 5 : 150;
    const Tensor table = Tensor::from(read_csv(LATHE_SOURCE_DIR "/tools/data/digits.csv.gz"));
    nn::Generator random(1);
    const auto [train, held_out] =
        data::split(data::Rows(Tensor(table[{ellipsis, Range{0, pixels}}] / 16.0).eval()), 0.9, random);

    const nn::Sequential encoder(nn::Linear(pixels, hidden, random), nn::ReLU(), nn::Linear(hidden, 2 * code, random));
    const nn::Sequential decoder(nn::Linear(code, hidden, random), nn::ReLU(), nn::Linear(hidden, pixels, random));
    const auto loss_of = [&](const Tensor& x) {
        const Tensor encoded = encoder(x);
        const Tensor mu = encoded[{ellipsis, Range{0, code}}], log_variance = encoded[{ellipsis, Range{code}}];
        const Tensor z = mu + exp(0.5 * log_variance) * random_normal(random.next_key(), {x.dim(0), code});
        const Tensor unsaid = binary_cross_entropy_with_logits(decoder(z), x, {.reduction = Reduction::none});
        const Tensor divergence = 0.5 * (exp(log_variance) + mu * mu - 1.0 - log_variance);
        return mean(sum(unsaid, -1) + sum(divergence, -1));
    };
    optim::Adam optimizer({{.parameters = encoder.parameters()}, {.parameters = decoder.parameters()}});
    const auto step = jit([&](const Tensor& x) {
        Tensor loss = loss_of(x);
        loss.backward();
        optimizer.step();
        return loss;
    });
    const auto bound = [&] {
        const data::DataLoader all(held_out, {.batch = held_out.size()});
        return loss_of(*all.begin()).item<float>();
    };

    const float before = bound();
    const data::DataLoader loader(train, {.batch = 64, .shuffle = random});
    data::Progress progress(epochs * loader.size(), "training");
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
        for (const Tensor& x : loader) progress.step({{"loss", step(x).item<float>()}});
    const float after = bound();
    fmt::print("held-out bound         {:.2f} nats per image before, {:.2f} after {} epochs\n\n", before, after,
               epochs);

    draw(sigmoid(decoder(random_normal(random.next_key(), {6, code}))));
    return after < before ? 0 : 1;
}

}  // namespace

int main(int count, char** words) { return lathe::examples::run("vae", count, words, train_and_draw); }
