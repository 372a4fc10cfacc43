// Modules that move elements, or make images of another size.
#pragma once

#include <cstdint>
#include <utility>

#include "frontend/functions/movement.h"
#include "frontend/functions/resize.h"
#include "frontend/nn/function_module.h"

namespace lathe::nn {

class Identity final : public Module {
public:
    Identity() : Module(OfLibrary{}) {}

private:
    Tensor forward(const Tensor& x) const override { return x; }
};
// The axes from `first` to `last` as one; all but the first, without more.
class Flatten final : public FunctionModule<flatten, std::int64_t, std::int64_t> {
public:
    explicit Flatten(std::int64_t first = 1, std::int64_t last = -1) : FunctionModule(first, last) {}
};
class Unflatten final : public FunctionModule<unflatten, std::int64_t, Shape> {
public:
    Unflatten(std::int64_t axis, const Shape& shape) : FunctionModule(axis, shape) {}
};
class Upsample final : public FunctionModule<interpolate, InterpolateOptions> {
public:
    explicit Upsample(InterpolateOptions options) : FunctionModule(std::move(options)) {}
};
class PixelShuffle final : public FunctionModule<pixel_shuffle, std::int64_t> {
public:
    explicit PixelShuffle(std::int64_t factor) : FunctionModule(factor) {}
};
class PixelUnshuffle final : public FunctionModule<pixel_unshuffle, std::int64_t> {
public:
    explicit PixelUnshuffle(std::int64_t factor) : FunctionModule(factor) {}
};
class ChannelShuffle final : public FunctionModule<channel_shuffle, std::int64_t> {
public:
    explicit ChannelShuffle(std::int64_t groups) : FunctionModule(groups) {}
};

}  // namespace lathe::nn
