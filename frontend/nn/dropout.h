// Dropout: in training elements are 0 with a probability, and the others larger by as much; in evaluation nothing is
// done. Keys come from the generator that the module was made with, which it shares: a compiled step takes the next
// ones at every call.
#pragma once

#include "frontend/nn/generator.h"
#include "frontend/nn/module.h"

namespace lathe::nn {

class Dropout final : public Module {
public:
    Dropout(double p, Generator& random, Where where = Where::current());
    explicit Dropout(Generator& random, Where where = Where::current()) : Dropout(0.5, random, where) {}

private:
    Tensor forward(const Tensor& x) const override;
    double p_;
    Generator random_;
};

// Whole channels of images: [images, channels, extents..].
class ChannelDropout : public Module {
protected:
    ChannelDropout(std::string_view layer, std::size_t extents, double p, Generator& random, Where where);

private:
    Tensor forward(const Tensor& x) const final;
    std::string_view layer_;
    std::size_t extents_;
    double p_;
    Generator random_;
};
class Dropout1d final : public ChannelDropout {
public:
    Dropout1d(double p, Generator& random, Where where = Where::current())
        : ChannelDropout("Dropout1d", 1, p, random, where) {}
};
class Dropout2d final : public ChannelDropout {
public:
    Dropout2d(double p, Generator& random, Where where = Where::current())
        : ChannelDropout("Dropout2d", 2, p, random, where) {}
};
class Dropout3d final : public ChannelDropout {
public:
    Dropout3d(double p, Generator& random, Where where = Where::current())
        : ChannelDropout("Dropout3d", 3, p, random, where) {}
};

// Elements become the limit of selu() at minus infinity, and the result is scaled so that mean and variance stay:
// Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", 2017.
class AlphaDropout final : public Module {
public:
    AlphaDropout(double p, Generator& random, Where where = Where::current());

private:
    Tensor forward(const Tensor& x) const override;
    double p_;
    Generator random_;
};

}  // namespace lathe::nn
