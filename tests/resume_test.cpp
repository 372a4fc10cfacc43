// A training that is cut off and goes on from its last file has the bits of one that never stopped: modules with
// buffers, an optimiser and its schedule, keys of dropout, and a loader in the middle of an epoch.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "lathe.h"
#include "tests/command.h"

namespace lathe {
namespace {

using Pair = std::pair<Tensor, Tensor>;

constexpr std::int64_t samples = 22, batch = 4, batches = 6, classes = 3;

data::Rows<Pair> images() {
    const Tensor x = random_normal(1, {samples, 1, 6, 6});
    return data::Rows(Pair(x, convert(random_uniform(2, {samples}, 0, classes), Dtype::i64)));
}

class Network final : public nn::Module {
public:
    explicit Network(nn::Generator& random)
        : conv_(register_module("conv", nn::Conv2d(1, 4, {.kernel = 3, .padding = 1}, random))),
          norm_(register_module("norm", nn::BatchNorm2d(4))),
          dropout_(register_module("dropout", nn::Dropout(0.25, random))),
          head_(register_module("head", nn::Linear(4 * 3 * 3, classes, random))) {}

private:
    Tensor forward(const Tensor& x) const override {
        const Tensor features = max_pool2d(relu(norm_(conv_(x))), 2);
        return head_(dropout_(flatten(features, 1)));
    }
    nn::Conv2d conv_;
    nn::BatchNorm2d norm_;
    nn::Dropout dropout_;
    nn::Linear head_;
};

enum class How : std::uint8_t { lazy, jitted };

// All objects of a training. Those of another seed begin with other numbers.
struct Training {
    Training(How how, std::uint64_t seed, bool one_generator)
        : random(seed),
          network(random),
          optimizer(network.parameters(), {.learning_rate = 1e-2}),
          schedule(optimizer, optim::CosineAnnealingLR{.period = 3 * batches}),
          average(network.parameters(), {.decay = 0.9}),
          loader(images(), {.batch = batch, .shuffle = one_generator ? random : nn::Generator(seed + 1)}) {
        state.add("network", network)
            .add("optimizer", optimizer)
            .add("schedule", schedule)
            .add("average", average)
            .add("random", random)
            .add("loader", loader);
        const auto body = [this](const Tensor& x, const Tensor& y) {
            const Tensor loss = cross_entropy(network(x), y);
            loss.backward();
            optimizer.step();
            average.update();
            return loss;
        };
        if (how == How::jitted)
            step = jit(body);
        else
            step = body;
    }
    Training(const Training&) = delete;
    Training& operator=(const Training&) = delete;

    // Until so many batches were taken; the state behind that batch, or behind the last of them all.
    std::vector<NamedTensor> run(std::int64_t until = 3 * batches) {
        while (taken < until)
            for (const auto& [x, y] : loader) {
                step(x, y).eval();
                schedule.step();
                if (++taken == until) break_state = state.tensors();
                if (taken >= until && taken % batches != 0) return break_state;
            }
        return state.tensors();
    }

    nn::Generator random;
    Network network;
    optim::AdamW optimizer;
    optim::Schedule schedule;
    optim::WeightAverage average;
    data::DataLoader<data::Rows<Pair>> loader;
    TrainingState state;
    std::function<Tensor(const Tensor&, const Tensor&)> step;
    std::vector<NamedTensor> break_state;
    std::int64_t taken = 0;
};

std::vector<std::pair<std::string, Array>> bits_of(const std::vector<NamedTensor>& tensors) {
    std::vector<std::pair<std::string, Array>> out;
    for (const auto& [name, tensor] : tensors) out.emplace_back(name, tensor.to_array());
    return out;
}

class Resume : public testing_support::InFolder {};

TEST_F(Resume, has_the_bits_of_a_training_that_never_stopped) {
    for (const How how : {How::lazy, How::jitted})
        for (const bool one_generator : {false, true}) {
            Training whole(how, 7, one_generator);
            const auto expected = bits_of(whole.run());
            for (const std::int64_t cut : {std::int64_t{0}, std::int64_t{1}, batches + 2, 2 * batches}) {
                SCOPED_TRACE(testing::Message() << (how == How::lazy ? "lazy" : "jitted") << ", cut after " << cut
                                                << (one_generator ? ", one generator" : ""));
                const std::string path = (folder_ / "run").string();
                const CheckpointFolder folder(path, {.keep = 1});
                {
                    Training first(how, 7, one_generator);
                    folder.save(cut, first.run(cut));
                }
                Training second(how, 100, one_generator);
                const auto saved = folder.latest();
                ASSERT_TRUE(saved.has_value());
                second.state.load(saved->checkpoint.root);
                second.taken = saved->step;
                EXPECT_EQ(bits_of(second.run()), expected);
                std::filesystem::remove_all(path);
            }
        }
}

// Each part counts: without it the bits are others.
TEST_F(Resume, needs_every_part) {
    Training whole(How::jitted, 7, false);
    const auto expected = bits_of(whole.run());
    Training first(How::jitted, 7, false);
    const std::vector<NamedTensor> saved = first.run(batches + 2);
    for (const std::string part : {"network", "optimizer", "schedule", "average", "random", "loader"}) {
        Training second(How::jitted, 100, false);
        std::vector<NamedTensor> tensors;
        for (const auto& own : second.state.tensors())
            if (own.first.starts_with(part + ".")) tensors.push_back(own);
        for (const auto& other : saved)
            if (!other.first.starts_with(part + ".")) tensors.push_back(other);
        second.state.load(detail::checkpoint_of(tensors, {}, {}).root);
        second.taken = batches + 2;
        EXPECT_NE(bits_of(second.run()), expected) << "without " << part;
    }
}

TEST_F(Resume, changes_nothing_where_a_state_does_not_fit) {
    Training training(How::lazy, 7, false), other(How::lazy, 8, false);
    const auto before = bits_of(training.state.tensors());
    std::vector<NamedTensor> tensors = other.state.tensors();
    const auto load = [&] { training.state.load(detail::checkpoint_of(tensors, {}, {}).root); };

    tensors.pop_back();
    EXPECT_THROW(load(), TypeError);  // of the loader, the last part
    EXPECT_EQ(bits_of(training.state.tensors()), before);
    tensors = other.state.tensors();
    tensors.emplace_back("scaler.scale", ones({}));
    EXPECT_THROW(load(), UserError);
    tensors.back().first = "scale";
    EXPECT_THROW(load(), UserError);
    EXPECT_EQ(bits_of(training.state.tensors()), before);
    tensors.pop_back();
    load();
    EXPECT_EQ(bits_of(training.state.tensors()), bits_of(other.state.tensors()));
}

TEST_F(Resume, refuses_names_of_parts_that_are_none) {
    nn::Generator random(1);
    TrainingState state;
    state.add("random", random);
    for (const char* name : {"", "random", "a.b"}) EXPECT_THROW(state.add(name, random), UserError) << name;
}

// Files of modules are laid out as PyTorch's.
TEST_F(Resume, modules_go_through_files_in_the_layout_of_pytorch) {
    nn::Generator random(3), others(4);
    const Network network(random), copy(others);
    EXPECT_EQ(network.parameters().back().shape(), std::vector<std::int64_t>{classes});
    for (const char* name : {"network.safetensors", "network.npz"}) {
        const std::string path = (folder_ / name).string();
        save_checkpoint(path, state_dict(network));
        const CheckpointValue root = load_checkpoint(path).root;
        EXPECT_EQ(root.at("head.weight").tensor().shape(), (std::vector<std::int64_t>{classes, 36}));
        EXPECT_EQ(root.at("norm.running_var").tensor().shape(), std::vector<std::int64_t>{4});
        load_into(copy, root);
        EXPECT_EQ(bits_of(state_dict(copy)), bits_of(state_dict(network)));
        EXPECT_EQ(bits_of(copy.named_parameters()), bits_of(network.named_parameters()));
    }
    const CheckpointValue root = load_checkpoint((folder_ / "network.npz").string()).root;
    EXPECT_THROW(load_into(copy, root, {.prefix = "module."}), UserError);
}

TEST(LoaderState, is_between_epochs_where_a_loop_was_left) {
    data::DataLoader loader(images(), {.batch = batch});
    const auto position = [&] { return loader.named_state().at(0).second.item<std::int64_t>(); };
    EXPECT_EQ(position(), -1);
    for ([[maybe_unused]] const Pair& first : loader) {
        EXPECT_EQ(position(), 1);
        break;
    }
    EXPECT_EQ(position(), -1);
    loader.load_state({{"position", Tensor::scalar(std::int64_t{batches - 1})}});
    EXPECT_EQ(position(), batches - 1);
    std::int64_t count = 0;
    for (const Pair& last : loader) {
        EXPECT_EQ(last.first.extent(0), samples % batch);
        ++count;
    }
    EXPECT_EQ(count, 1);
    EXPECT_EQ(position(), -1);
    EXPECT_THROW(loader.load_state({{"position", Tensor::scalar(std::int64_t{batches + 1})}}), UserError);
    EXPECT_THROW(loader.load_state({{"order", Tensor::scalar(std::int64_t{0})}}), TypeError);
}

}  // namespace
}  // namespace lathe
