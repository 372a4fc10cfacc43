// Convolutions: images are [images, channels, extents..], or [channels, extents..] for a single one. Weights are laid
// out as PyTorch's. They begin uniform in +-1/sqrt(elements of a window times the channels that it covers).
#pragma once

#include <optional>
#include <string_view>

#include "frontend/functions/convolution.h"
#include "frontend/functions/movement.h"
#include "frontend/nn/generator.h"
#include "frontend/nn/module.h"

namespace lathe::nn {

struct ConvOptions {
    PerExtent kernel = {};  // sizes of a window; must be given
    PerExtent stride = 1;
    Padding padding = 0;
    PerExtent dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
    std::optional<PadMode> padding_mode = {};  // what is padded with; zeros without it
    Dtype dtype = Dtype::f32;
};

class Convolution : public Module {
public:
    Parameter weight;  // [outputs, inputs / groups, kernel..]
    Parameter bias;    // [outputs]; empty where there is none

protected:
    using Plain = Tensor (*)(const Tensor&, const Tensor&, ConvolutionOptions, Where);
    using Biased = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, ConvolutionOptions, Where);
    struct Kind {
        std::string_view layer;
        std::size_t extents;
        Plain plain;
        Biased biased;
    };
    Convolution(const Kind& kind, std::int64_t inputs, std::int64_t outputs, const ConvOptions& options,
                Generator& random, Where where);

private:
    Tensor forward(const Tensor& x) const final;
    Kind kind_;
    ConvolutionOptions options_;
    std::optional<PadMode> padding_mode_;
    Shape low_, high_;  // of that
};

class Conv1d final : public Convolution {
public:
    Conv1d(std::int64_t inputs, std::int64_t outputs, const ConvOptions& options, Generator& random,
           Where where = Where::current())
        : Convolution({"Conv1d", 1, conv1d, conv1d}, inputs, outputs, options, random, where) {}
};
class Conv2d final : public Convolution {
public:
    Conv2d(std::int64_t inputs, std::int64_t outputs, const ConvOptions& options, Generator& random,
           Where where = Where::current())
        : Convolution({"Conv2d", 2, conv2d, conv2d}, inputs, outputs, options, random, where) {}
};
class Conv3d final : public Convolution {
public:
    Conv3d(std::int64_t inputs, std::int64_t outputs, const ConvOptions& options, Generator& random,
           Where where = Where::current())
        : Convolution({"Conv3d", 3, conv3d, conv3d}, inputs, outputs, options, random, where) {}
};

struct ConvTransposeOptions {
    PerExtent kernel = {};  // must be given
    PerExtent stride = 1;
    PerExtent padding = 0;
    PerExtent output_padding = 0;
    PerExtent dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
    Dtype dtype = Dtype::f32;
};

class TransposedConvolution : public Module {
public:
    Parameter weight;  // [inputs, outputs / groups, kernel..]
    Parameter bias;    // [outputs]; empty where there is none

protected:
    using Plain = Tensor (*)(const Tensor&, const Tensor&, TransposedConvolutionOptions, Where);
    using Biased = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, TransposedConvolutionOptions, Where);
    struct Kind {
        std::string_view layer;
        std::size_t extents;
        Plain plain;
        Biased biased;
    };
    TransposedConvolution(const Kind& kind, std::int64_t inputs, std::int64_t outputs,
                          const ConvTransposeOptions& options, Generator& random, Where where);

private:
    Tensor forward(const Tensor& x) const final;
    Kind kind_;
    TransposedConvolutionOptions options_;
};

class ConvTranspose1d final : public TransposedConvolution {
public:
    ConvTranspose1d(std::int64_t inputs, std::int64_t outputs, const ConvTransposeOptions& options, Generator& random,
                    Where where = Where::current())
        : TransposedConvolution({"ConvTranspose1d", 1, conv_transpose1d, conv_transpose1d}, inputs, outputs, options,
                                random, where) {}
};
class ConvTranspose2d final : public TransposedConvolution {
public:
    ConvTranspose2d(std::int64_t inputs, std::int64_t outputs, const ConvTransposeOptions& options, Generator& random,
                    Where where = Where::current())
        : TransposedConvolution({"ConvTranspose2d", 2, conv_transpose2d, conv_transpose2d}, inputs, outputs, options,
                                random, where) {}
};
class ConvTranspose3d final : public TransposedConvolution {
public:
    ConvTranspose3d(std::int64_t inputs, std::int64_t outputs, const ConvTransposeOptions& options, Generator& random,
                    Where where = Where::current())
        : TransposedConvolution({"ConvTranspose3d", 3, conv_transpose3d, conv_transpose3d}, inputs, outputs, options,
                                random, where) {}
};

}  // namespace lathe::nn
