// Trains a small transformer to continue a text, character by character, and lets it write.
//
//   shakespeare [--quick] TEXT     a text of some hundred thousand characters, such as tinyshakespeare.txt
//
// The model is a decoder without memory: attention to what came before (Radford and others, "Improving language
// understanding by generative pre-training", 2018). Drawing a batch from the text is part of the compiled step, and
// drawing the next character part of the compiled model.
#include <map>

#include "lathe.h"
#include "tools/examples/arguments.h"

namespace {

using namespace lathe;

struct Size {
    std::int64_t layers = 4, width = 128, heads = 4, context = 128, batch = 16, steps = 1500;
};

class LanguageModel final : public nn::Module {
public:
    LanguageModel(std::int64_t characters, const Size& size, nn::Generator& random)
        : characters_(register_module("characters", nn::Embedding(characters, size.width, random))),
          places_(register_module("places", nn::Embedding(size.context, size.width, random))),
          encoder_(register_module("encoder", nn::TransformerEncoder(nn::TransformerEncoderLayer(
                                                                         size.width, size.heads,
                                                                         {.dim_feedforward = 4 * size.width,
                                                                          .dropout = 0,
                                                                          .activation = nn::TransformerActivation::gelu,
                                                                          .batch_first = true,
                                                                          .norm_first = true},
                                                                         random),
                                                                     size.layers, nn::LayerNorm(size.width)))),
          head_(register_module("head", nn::Linear(size.width, characters, random))) {
        nn::init::normal(random, {.stddev = 0.02}).fill(characters_.weight);
        nn::init::normal(random, {.stddev = 0.02}).fill(places_.weight);
    }

private:
    // [sequences, length] to [sequences, length, characters]: what follows each place.
    Tensor forward(const Tensor& ids) const override {
        const Tensor x = characters_(ids) + places_(arange(ids.dim(1)));
        return head_(encoder_(x, nn::AttentionMask{.is_causal = true}));
    }
    nn::Embedding characters_, places_;
    nn::TransformerEncoder encoder_;
    nn::Linear head_;
};

// The characters of a text by numbers.
struct Alphabet {
    explicit Alphabet(const std::string& text) {
        for (const char c : text) numbers.emplace(c, 0);
        for (auto& [c, number] : numbers) {
            number = static_cast<std::int64_t>(characters.size());
            characters += c;
        }
    }
    Tensor encode(const std::string& text) const {
        std::vector<std::int64_t> ids;
        for (const char c : text) ids.push_back(numbers.at(c));
        return Tensor::from(ids, {static_cast<std::int64_t>(ids.size())});
    }
    std::map<char, std::int64_t> numbers;
    std::string characters;
};

int train_and_write(const examples::Arguments& arguments) {
    const Size size =
        arguments.quick ? Size{.layers = 2, .width = 32, .heads = 2, .context = 32, .steps = 120} : Size{};
    const std::string text = read_text(arguments.path_of("a text"));
    const Alphabet alphabet(text);
    const Tensor all = alphabet.encode(text);
    const std::int64_t train_length = all.extent(0) * 9 / 10;
    const Tensor train = all[{Range{0, train_length}}].eval(), held_out = all[{Range{train_length}}].eval();

    nn::Generator random(1);
    const LanguageModel model(std::ssize(alphabet.characters), size, random);
    // The loss on windows at random places.
    const auto loss_on = [&](const Tensor& ids) {
        const Tensor starts = random_integers(random.next_key(), 0, ids.extent(0) - size.context, {size.batch, 1});
        const Tensor windows = ids[{starts + arange(size.context + 1)}];
        const Tensor inputs = windows[{ellipsis, Range{0, -1}}], targets = windows[{ellipsis, Range{1}}];
        return cross_entropy(model(inputs), targets);
    };
    optim::AdamW optimizer(model.parameters(), {.beta2 = 0.99, .weight_decay = 0.1});
    const auto step = jit([&](const Tensor& ids) {
        Tensor loss = loss_on(ids);
        loss.backward();
        optim::clip_grad_norm(model.parameters(), 1);
        optimizer.step();
        return loss;
    });
    const auto evaluate = jit(loss_on);
    const auto held_out_loss = [&] {
        double total = 0;
        for (int i = 0; i < 20; ++i) total += evaluate(held_out).item<float>() / 20;
        return total;
    };

    fmt::print("loss before training   {:.3f} ({} characters, {} parameters)\n", held_out_loss(),
               alphabet.characters.size(), model.parameter_count());
    optim::Schedule schedule(optimizer, optim::OneCycleLR{.max_rate = 3e-3, .steps = size.steps, .warm_up = 0.1});
    data::Progress progress(size.steps, "training");
    for (std::int64_t i = 0; i < size.steps; ++i) {
        progress.step({{"loss", step(train).item<float>()}});
        schedule.step();
    }
    fmt::print("loss after {:4} steps  {:.3f}\n\n", size.steps, held_out_loss());

    const auto next = jit([&](const Tensor& ids) {
        return random_categorical(random.next_key(), model(unsqueeze(ids, 0))[{0, -1}] / 0.8);
    });
    std::string written = "\n";
    for (int i = 0; i < (arguments.quick ? 100 : 500); ++i) {
        const std::string window = written.substr(written.size() - std::min<std::size_t>(written.size(), size.context));
        written += alphabet.characters.at(next(alphabet.encode(window)).item<std::size_t>());
    }
    fmt::print("{}\n", written.substr(1));
    return 0;
}

}  // namespace

int main(int count, char** words) { return lathe::examples::run("shakespeare", count, words, train_and_write); }
