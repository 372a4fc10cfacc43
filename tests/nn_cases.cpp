#include "tests/nn_cases.h"

#include <cmath>
#include <numeric>

#include "frontend/functions/functions.h"

namespace lathe::testing_support {
namespace {

Tensor wave(const std::vector<std::int64_t>& shape, double phase, double step, bool positive = false) {
    std::vector<float> values;
    const auto count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    for (std::int64_t i = 0; i < count; ++i) {
        const auto value = static_cast<float>(0.4 * std::sin(step * static_cast<double>(i) + phase));
        values.push_back(positive ? std::abs(value) + 0.5F : value);
    }
    return Tensor::from(values, shape);
}

template <class M>
std::vector<Tensor> call(const M& module, std::span<const Tensor> x) {
    if constexpr (requires { module(x[0]); })
        if (x.size() == 1) return tensors_of(module(x[0]));
    if constexpr (requires { module(x[0], x[1]); })
        if (x.size() == 2) return tensors_of(module(x[0], x[1]));
    if constexpr (requires { module(x[0], x[1], x[2]); })
        if (x.size() == 3) return tensors_of(module(x[0], x[1], x[2]));
    throw std::logic_error("a case has inputs that its module does not take");
}

template <class M>
BuiltModule built(const M& module) {
    return {.module = module,
            .call = [module](std::span<const Tensor> x) { return call(module, x); },
            .copy = [module] { return built(M(module)); },
            .clone = [module] { return built(nn::clone(module)); }};
}

// Attention with masks, as modules.py has them. Its parameters have the paths of the attention itself.
class MaskedAttention final : public nn::ModuleOf<Tensor(Tensor)> {
public:
    explicit MaskedAttention(nn::MultiheadAttention attention) : attention_(std::move(attention)) {
        for (const char* const name : {"in_proj_weight", "in_proj_bias"})
            for (const auto& [path, variable] : attention_.named_parameters())
                if (path == name) register_parameter(path, variable);
        register_module("out_proj", attention_.out_proj);
    }

private:
    Tensor forward(const Tensor& x) const override {
        const Tensor mask = (unsqueeze(arange(4), 1) * 3 + unsqueeze(arange(4), 0)) % 4 == 3;
        const Tensor padding = (unsqueeze(arange(2), 1) * 4 + unsqueeze(arange(4), 0)) == 7;
        return attention_(x, {.attn_mask = mask, .key_padding_mask = padding});
    }
    nn::MultiheadAttention attention_;
};

struct Table {
    std::vector<ModuleCase> cases;

    template <class Make>
    ModuleCase& add(std::string name, std::vector<std::vector<std::int64_t>> inputs, Make make) {
        cases.push_back({.name = std::move(name), .inputs = std::move(inputs), .make = [make](Dtype dtype) {
                             nn::Generator random(1);
                             return built(make(dtype, random));
                         }});
        return cases.back();
    }
    // Of a class that takes neither a dtype nor a generator.
    template <class M>
    void add_function(std::string name, std::vector<std::vector<std::int64_t>> inputs, M module) {
        add(std::move(name), std::move(inputs), [module](Dtype, nn::Generator&) { return module; });
    }
};

void add_products(Table& t) {
    t.add("Linear", {{2, 4}}, [](Dtype d, nn::Generator& r) { return nn::Linear(4, 3, {.dtype = d}, r); });
    t.add("Linear without bias", {{4}},
          [](Dtype d, nn::Generator& r) { return nn::Linear(4, 3, {.bias = false, .dtype = d}, r); });
    t.add("Bilinear", {{2, 3}, {2, 2}},
          [](Dtype d, nn::Generator& r) { return nn::Bilinear(3, 2, 4, {.dtype = d}, r); });
    t.add("Embedding", {{2, 3}}, [](Dtype d, nn::Generator& r) {
         return nn::Embedding(5, 3, {.padding_idx = -1, .dtype = d}, r);
     }).integers = true;
    t.cases.back().in_pytorch = false;
    t.add("Sequential", {{3, 4}}, [](Dtype d, nn::Generator& r) {
        return nn::Sequential(nn::Linear(4, 5, {.dtype = d}, r), nn::Tanh(), nn::Linear(5, 2, {.dtype = d}, r));
    });
    t.add("RMSNorm", {{2, 4}}, [](Dtype d, nn::Generator&) { return nn::RMSNorm(4, {.dtype = d}); }).in_pytorch = false;
}

void add_convolutions(Table& t) {
    t.add("Conv1d", {{2, 4, 7}}, [](Dtype d, nn::Generator& r) {
        return nn::Conv1d(4, 6, {.kernel = 3, .stride = 2, .padding = 1, .groups = 2, .dtype = d}, r);
    });
    t.add("Conv2d", {{1, 2, 5, 4}}, [](Dtype d, nn::Generator& r) {
        return nn::Conv2d(2, 3, {.kernel = {3, 2}, .padding = 1, .dilation = {1, 2}, .dtype = d}, r);
    });
    t.add("Conv2d same", {{1, 2, 4, 4}}, [](Dtype d, nn::Generator& r) {
        return nn::Conv2d(2, 2, {.kernel = 3, .padding = Padding::same(), .bias = false, .dtype = d}, r);
    });
    t.add("Conv2d reflect", {{1, 2, 4, 4}}, [](Dtype d, nn::Generator& r) {
        return nn::Conv2d(2, 2, {.kernel = 3, .padding = 1, .padding_mode = PadMode::reflect, .dtype = d}, r);
    });
    t.add("Conv1d circular same", {{1, 2, 6}}, [](Dtype d, nn::Generator& r) {
        return nn::Conv1d(2, 2,
                          {.kernel = 4, .padding = Padding::same(), .padding_mode = PadMode::circular, .dtype = d}, r);
    });
    t.add("Conv3d", {{1, 1, 3, 3, 3}},
          [](Dtype d, nn::Generator& r) { return nn::Conv3d(1, 2, {.kernel = 2, .dtype = d}, r); });
    t.add("ConvTranspose1d", {{1, 4, 4}}, [](Dtype d, nn::Generator& r) {
        return nn::ConvTranspose1d(
            4, 2, {.kernel = 3, .stride = 2, .padding = 1, .output_padding = 1, .groups = 2, .dtype = d}, r);
    });
    t.add("ConvTranspose2d", {{1, 2, 2, 3}}, [](Dtype d, nn::Generator& r) {
        return nn::ConvTranspose2d(2, 3, {.kernel = 2, .stride = 2, .dtype = d}, r);
    });
    t.add("ConvTranspose3d", {{1, 1, 2, 2, 2}}, [](Dtype d, nn::Generator& r) {
        return nn::ConvTranspose3d(1, 2, {.kernel = 2, .dilation = 2, .dtype = d}, r);
    });
}

void add_pooling(Table& t) {
    t.add_function("MaxPool1d", {{2, 2, 7}}, nn::MaxPool1d(3, {.stride = 2, .padding = 1}));
    t.add_function("MaxPool2d", {{1, 2, 5, 5}}, nn::MaxPool2d(2, {.ceil_mode = true}));
    t.add_function("MaxPool3d", {{1, 1, 3, 3, 3}}, nn::MaxPool3d(2, {.stride = 1}));
    t.add_function("AvgPool1d", {{1, 2, 6}}, nn::AvgPool1d(2));
    t.add_function("AvgPool2d", {{1, 2, 5, 5}},
                   nn::AvgPool2d(3, {.stride = 2, .padding = 1, .count_include_pad = false}));
    t.add_function("AvgPool3d", {{1, 1, 4, 4, 4}}, nn::AvgPool3d(2));
    t.add_function("LPPool1d", {{1, 2, 6}}, nn::LPPool1d(2, 3));
    t.add_function("LPPool2d", {{1, 2, 4, 4}}, nn::LPPool2d(2, 2));
    t.add_function("AdaptiveAvgPool1d", {{1, 2, 7}}, nn::AdaptiveAvgPool1d(3));
    t.add_function("AdaptiveAvgPool2d", {{1, 2, 5, 7}}, nn::AdaptiveAvgPool2d({2, 3}));
    t.add_function("AdaptiveAvgPool3d", {{1, 2, 2, 3, 2}}, nn::AdaptiveAvgPool3d(1));
    t.add_function("AdaptiveMaxPool1d", {{1, 2, 5}}, nn::AdaptiveMaxPool1d(2));
    t.add_function("AdaptiveMaxPool2d", {{1, 2, 5, 3}}, nn::AdaptiveMaxPool2d(2));
    t.add_function("AdaptiveMaxPool3d", {{1, 2, 2, 2, 3}}, nn::AdaptiveMaxPool3d(1));
    t.add_function("Flatten", {{2, 3, 2}}, nn::Flatten());
    t.add_function("Unflatten", {{2, 6}}, nn::Unflatten(1, {2, 3}));
    t.add_function("Upsample", {{1, 2, 3, 3}}, nn::Upsample({.scale_factor = {2}, .mode = InterpolationMode::linear}));
    t.add_function("PixelShuffle", {{1, 4, 2, 2}}, nn::PixelShuffle(2));
    t.add_function("PixelUnshuffle", {{1, 1, 4, 4}}, nn::PixelUnshuffle(2));
    t.add_function("ChannelShuffle", {{1, 4, 2, 2}}, nn::ChannelShuffle(2));
}

void add_normalization(Table& t) {
    t.add("BatchNorm1d", {{4, 3}}, [](Dtype d, nn::Generator&) { return nn::BatchNorm1d(3, {.dtype = d}); });
    t.add("BatchNorm1d of sequences", {{2, 3, 4}},
          [](Dtype d, nn::Generator&) { return nn::BatchNorm1d(3, {.momentum = {}, .dtype = d}); });
    t.add("BatchNorm2d", {{2, 2, 3, 2}},
          [](Dtype d, nn::Generator&) { return nn::BatchNorm2d(2, {.affine = false, .dtype = d}); });
    t.add("BatchNorm3d", {{2, 2, 2, 2, 2}},
          [](Dtype d, nn::Generator&) { return nn::BatchNorm3d(2, {.track_running_stats = false, .dtype = d}); });
    t.add("LayerNorm", {{2, 3, 4}},
          [](Dtype d, nn::Generator&) { return nn::LayerNorm(std::vector<std::int64_t>{3, 4}, {.dtype = d}); });
    t.add("GroupNorm", {{2, 4, 3}}, [](Dtype d, nn::Generator&) { return nn::GroupNorm(2, 4, {.dtype = d}); });
    t.add("InstanceNorm1d", {{2, 2, 5}},
          [](Dtype d, nn::Generator&) { return nn::InstanceNorm1d(2, {.affine = true, .dtype = d}); });
    t.add_function("InstanceNorm2d", {{2, 2, 3, 3}}, nn::InstanceNorm2d(2));
    t.add_function("InstanceNorm3d", {{2, 2, 2, 2, 2}}, nn::InstanceNorm3d(2));
    t.add_function("LocalResponseNorm", {{1, 5, 4}}, nn::LocalResponseNorm(3, {.alpha = 0.5}));
}

void add_activations(Table& t) {
    const std::vector<std::vector<std::int64_t>> x{{2, 5}};
    t.add_function("ReLU", x, nn::ReLU());
    t.add_function("ReLU6", x, nn::ReLU6());
    t.add_function("LeakyReLU", x, nn::LeakyReLU(0.2));
    t.add("PReLU", {{2, 3, 2}}, [](Dtype d, nn::Generator&) { return nn::PReLU({.count = 3, .dtype = d}); });
    t.add_function("ELU", x, nn::ELU(1.5));
    t.add_function("CELU", x, nn::CELU(1.5));
    t.add_function("SELU", x, nn::SELU());
    t.add_function("GELU", x, nn::GELU());
    t.add_function("GELU by tanh", x, nn::GELU({.tanh = true}));
    t.add_function("SiLU", x, nn::SiLU());
    t.add_function("Mish", x, nn::Mish());
    t.add_function("Sigmoid", x, nn::Sigmoid());
    t.add_function("Tanh", x, nn::Tanh());
    t.add_function("Softplus", x, nn::Softplus({.beta = 2}));
    t.add_function("Softsign", x, nn::Softsign());
    t.add_function("LogSigmoid", x, nn::LogSigmoid());
    t.add_function("Hardtanh", x, nn::Hardtanh({.low = -0.2, .high = 0.3}));
    t.add_function("Hardsigmoid", x, nn::Hardsigmoid());
    t.add_function("Hardswish", x, nn::Hardswish());
    t.add_function("Softshrink", x, nn::Softshrink(0.1));
    t.add_function("Hardshrink", x, nn::Hardshrink(0.1));
    t.add_function("Tanhshrink", x, nn::Tanhshrink());
    t.add_function("Threshold", x, nn::Threshold(0.1, 20));
    t.add_function("GLU", {{2, 6}}, nn::GLU());
    t.add_function("Softmax", {{3, 4}}, nn::Softmax(0));
    t.add_function("Softmin", {{3, 4}}, nn::Softmin(1));
    t.add_function("LogSoftmax", {{3, 4}}, nn::LogSoftmax());
}

void add_dropout(Table& t) {
    const auto add = [&](const char* name, std::vector<std::vector<std::int64_t>> x, auto make) {
        ModuleCase& c = t.add(name, std::move(x), [make](Dtype, nn::Generator& r) { return make(r); });
        c.draws = true;
        c.in_pytorch = false;
    };
    add("Dropout", {{4, 5}}, [](nn::Generator& r) { return nn::Dropout(0.3, r); });
    add("Dropout1d", {{2, 3, 2}}, [](nn::Generator& r) { return nn::Dropout1d(0.3, r); });
    add("Dropout2d", {{2, 3, 2, 2}}, [](nn::Generator& r) { return nn::Dropout2d(0.3, r); });
    add("Dropout3d", {{2, 3, 2, 1, 2}}, [](nn::Generator& r) { return nn::Dropout3d(0.3, r); });
    add("AlphaDropout", {{4, 5}}, [](nn::Generator& r) { return nn::AlphaDropout(0.3, r); });
}

void add_recurrent(Table& t) {
    t.add("RNN", {{5, 2, 3}}, [](Dtype d, nn::Generator& r) {
        return nn::RNN(3, 4, {.layers = 2, .activation = nn::RecurrentActivation::relu, .dtype = d}, r);
    });
    t.add("RNN of one sequence", {{5, 3}}, [](Dtype d, nn::Generator& r) { return nn::RNN(3, 4, {.dtype = d}, r); });
    t.add("LSTM", {{4, 2, 3}}, [](Dtype d, nn::Generator& r) {
        return nn::LSTM(3, 4, {.layers = 2, .bidirectional = true, .dtype = d}, r);
    });
    t.add("LSTM batch first", {{2, 4, 3}}, [](Dtype d, nn::Generator& r) {
        return nn::LSTM(3, 2, {.bias = false, .batch_first = true, .dtype = d}, r);
    });
    t.add("GRU", {{4, 2, 3}},
          [](Dtype d, nn::Generator& r) { return nn::GRU(3, 4, {.bidirectional = true, .dtype = d}, r); });
    t.add("GRU from a state", {{4, 2, 3}, {2, 2, 4}},
          [](Dtype d, nn::Generator& r) { return nn::GRU(3, 4, {.layers = 2, .dtype = d}, r); });
    t.add("RNNCell", {{2, 3}, {2, 4}}, [](Dtype d, nn::Generator& r) { return nn::RNNCell(3, 4, {.dtype = d}, r); });
    t.add("LSTMCell", {{2, 3}}, [](Dtype d, nn::Generator& r) { return nn::LSTMCell(3, 4, {.dtype = d}, r); });
    t.add("GRUCell", {{2, 3}, {2, 4}}, [](Dtype d, nn::Generator& r) { return nn::GRUCell(3, 4, {.dtype = d}, r); });
    ModuleCase& dropped = t.add("GRU with dropout", {{4, 2, 3}}, [](Dtype d, nn::Generator& r) {
        return nn::GRU(3, 4, {.layers = 2, .dropout = 0.4, .dtype = d}, r);
    });
    dropped.draws = true;
    dropped.in_pytorch = false;
}

void add_attention(Table& t) {
    t.add("MultiheadAttention", {{3, 2, 6}, {4, 2, 6}, {4, 2, 6}},
          [](Dtype d, nn::Generator& r) { return nn::MultiheadAttention(6, 2, {.dtype = d}, r); });
    t.add("MultiheadAttention of other widths", {{2, 3, 4}, {2, 4, 3}, {2, 4, 5}}, [](Dtype d, nn::Generator& r) {
        return nn::MultiheadAttention(4, 2, {.bias = false, .kdim = 3, .vdim = 5, .batch_first = true, .dtype = d}, r);
    });
    t.add("MultiheadAttention masked", {{2, 4, 6}}, [](Dtype d, nn::Generator& r) {
        return MaskedAttention(nn::MultiheadAttention(6, 3, {.batch_first = true, .dtype = d}, r));
    });
    ModuleCase& dropped = t.add("MultiheadAttention with dropout", {{3, 2, 6}}, [](Dtype d, nn::Generator& r) {
        return nn::MultiheadAttention(6, 2, {.dropout = 0.3, .dtype = d}, r);
    });
    dropped.draws = true;
    dropped.in_pytorch = false;
    t.add("TransformerEncoderLayer", {{3, 2, 6}}, [](Dtype d, nn::Generator& r) {
        return nn::TransformerEncoderLayer(
            6, 2, {.dim_feedforward = 8, .dropout = 0, .activation = nn::TransformerActivation::gelu, .dtype = d}, r);
    });
    t.add("TransformerEncoder", {{2, 3, 4}}, [](Dtype d, nn::Generator& r) {
        return nn::TransformerEncoder(
            nn::TransformerEncoderLayer(
                4, 2, {.dim_feedforward = 5, .dropout = 0, .batch_first = true, .norm_first = true, .dtype = d}, r),
            2, nn::LayerNorm(4, {.dtype = d}));
    });
    t.add("TransformerDecoder", {{3, 2, 4}, {5, 2, 4}}, [](Dtype d, nn::Generator& r) {
        return nn::TransformerDecoder(
            nn::TransformerDecoderLayer(4, 2, {.dim_feedforward = 5, .dropout = 0, .dtype = d}, r), 2);
    });
}

}  // namespace

std::vector<Tensor> ModuleCase::make_inputs(Dtype dtype) const {
    std::vector<Tensor> out;
    for (const auto& shape : inputs) {
        const Tensor x = wave(shape, static_cast<double>(out.size()), 0.9);
        out.push_back(integers ? convert(abs(x) * 10.0, Dtype::i64).eval() : convert(x, dtype).eval());
    }
    return out;
}

const std::vector<ModuleCase>& module_cases() {
    static const std::vector<ModuleCase> cases = [] {
        Table t;
        add_products(t);
        add_convolutions(t);
        add_pooling(t);
        add_normalization(t);
        add_activations(t);
        add_dropout(t);
        add_recurrent(t);
        add_attention(t);
        return std::move(t.cases);
    }();
    return cases;
}

void fill_as_reference(const nn::AnyModule& module) {
    for (const auto& [path, variable, layout] : module.state()) {
        if (!is_float(variable.dtype())) continue;
        std::vector<std::int64_t> shape = variable.shape();
        const bool transposed = layout == nn::Layout::transposed;
        if (transposed) std::swap(shape[shape.size() - 2], shape.back());
        const double phase = std::accumulate(path.begin(), path.end(), 0.0);
        const Tensor values = convert(wave(shape, phase, 1.7, path.ends_with("running_var")), variable.dtype());
        variable.set(transposed ? values.t() : values);
    }
}

}  // namespace lathe::testing_support
