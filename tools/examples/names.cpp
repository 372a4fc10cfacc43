// Trains an LSTM on names, and makes up new ones.
//
//   names [--quick] NAMES     a file with a name of lower case letters on each line
//
// Names of any length are rows of one width, whose rest the loss passes over. Making up names is one compiled program:
// a scan over the letters of many names at once, which draws each from what the network says of those before.
#include "lathe.h"
#include "tools/examples/arguments.h"

namespace {

using namespace lathe;

constexpr std::int64_t longest = 15, symbols = 27;  // 0 begins and ends a name; 1 to 26 are letters
constexpr std::int64_t nothing = -1;                // behind the end

class Speller final : public nn::ModuleOf<std::pair<Tensor, nn::LSTMState>(Tensor, std::optional<nn::LSTMState>)> {
public:
    Speller(std::int64_t width, nn::Generator& random)
        : letters_(register_module("letters", nn::Embedding(symbols, 32, random))),
          lstm_(register_module("lstm", nn::LSTM(32, width, {.batch_first = true}, random))),
          head_(register_module("head", nn::Linear(width, symbols, random))) {}

private:
    // What follows each of the symbols [names, length], as logits [names, length, symbols], and the state behind them.
    std::pair<Tensor, nn::LSTMState> forward(const Tensor& ids,
                                             const std::optional<nn::LSTMState>& state) const override {
        const auto [hidden, last] = lstm_(letters_(ids), state);
        return {head_(hidden), last};
    }
    nn::Embedding letters_;
    nn::LSTM lstm_;
    nn::Linear head_;
};

// Symbols i64 [names, longest + 2].
Tensor read_names(const std::string& path) {
    std::vector<std::int64_t> symbols_of_all;
    std::int64_t count = 0;
    for (const std::string& name : read_lines(path)) {
        if (name.empty() || std::ssize(name) > longest) continue;
        if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos)
            throw UserError(path + ": '" + name + "' has other characters than a to z");
        std::vector<std::int64_t> row(longest + 2, nothing);
        row[0] = row[name.size() + 1] = 0;
        for (std::size_t i = 0; i < name.size(); ++i) row[i + 1] = name[i] - 'a' + 1;
        symbols_of_all.insert(symbols_of_all.end(), row.begin(), row.end());
        ++count;
    }
    return Tensor::from(symbols_of_all, {count, longest + 2});
}

int train_and_spell(const examples::Arguments& arguments) {
    const std::int64_t epochs = arguments.quick ? 1 : 8, width = arguments.quick ? 32 : 128;
    nn::Generator random(1);
    const auto [train, held_out] =
        data::split(data::Rows(read_names(arguments.path_of("a file of names"))), 0.9, random);
    const Speller speller(width, random);
    const auto loss_of = [&](const Tensor& ids) {
        const Tensor inputs = maximum(ids[{ellipsis, Range{0, -1}}], 0), targets = ids[{ellipsis, Range{1}}];
        return cross_entropy(speller(inputs, std::nullopt).first, targets, {.ignore_index = nothing});
    };
    optim::AdamW optimizer(speller.parameters());
    const auto step = jit([&](const Tensor& ids) {
        Tensor loss = loss_of(ids);
        loss.backward();
        optimizer.step();
        return loss;
    });
    const auto evaluate = jit(loss_of);
    const auto held_out_loss = [&] {
        const data::DataLoader loader(held_out, {.batch = 1000});
        double total = 0;
        for (const Tensor& ids : loader) total += evaluate(ids).item<float>();
        return total / static_cast<double>(loader.size());
    };

    fmt::print("loss before training   {:.3f} per letter\n", held_out_loss());
    const data::DataLoader loader(train, {.batch = 64, .shuffle = random, .drop_last = true});
    optim::Schedule schedule(optimizer, optim::OneCycleLR{.max_rate = 5e-3, .steps = epochs * loader.size()});
    for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) {
        data::Progress progress(loader.size(), fmt::format("epoch {}", epoch));
        for (const Tensor& ids : loader) {
            progress.step({{"loss", step(ids).item<float>()}});
            schedule.step();
        }
    }
    fmt::print("loss after {} epochs    {:.3f} per letter\n", epochs, held_out_loss());

    constexpr std::int64_t made_up = 10;
    const auto make_up = jit([&] {
        using Carried = std::pair<nn::LSTMState, Tensor>;  // what the network remembers, and the last symbol of each
        const auto spell = [&](const Carried& before, const Tensor& key) {
            const auto [logits, state] = speller(unsqueeze(before.second, 1), before.first);
            const Tensor drawn = random_categorical(key, squeeze(logits, 1));
            return std::pair(Carried(state, drawn), drawn);
        };
        const Tensor no_state = zeros({1, made_up, width});
        const Carried begin({no_state, no_state}, zeros({made_up}, Dtype::i64));
        return scan(spell, begin, split_key(random.next_key(), longest)).second.t();  // [names, longest]
    });
    const std::vector<std::int64_t> drawn = make_up().to_vector<std::int64_t>();
    for (std::size_t row = 0; row < drawn.size(); row += longest) {
        std::string name;
        for (std::size_t i = row; i < row + longest && drawn[i] != 0; ++i)
            name += static_cast<char>('a' + drawn[i] - 1);
        fmt::print("{}\n", name);
    }
    return 0;
}

}  // namespace

int main(int count, char** words) { return lathe::examples::run("names", count, words, train_and_spell); }
