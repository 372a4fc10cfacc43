// Pooling as modules; see functions/pooling.h for what they compute.
#pragma once

#include "frontend/functions/pooling.h"
#include "frontend/nn/function_module.h"

namespace lathe::nn {

class MaxPool1d final : public FunctionModule<max_pool1d, PerExtent, MaxPoolOptions> {
public:
    explicit MaxPool1d(PerExtent size, MaxPoolOptions options = {})
        : FunctionModule(std::move(size), std::move(options)) {}
};
class MaxPool2d final : public FunctionModule<max_pool2d, PerExtent, MaxPoolOptions> {
public:
    explicit MaxPool2d(PerExtent size, MaxPoolOptions options = {})
        : FunctionModule(std::move(size), std::move(options)) {}
};
class MaxPool3d final : public FunctionModule<max_pool3d, PerExtent, MaxPoolOptions> {
public:
    explicit MaxPool3d(PerExtent size, MaxPoolOptions options = {})
        : FunctionModule(std::move(size), std::move(options)) {}
};

class AvgPool1d final : public FunctionModule<avg_pool1d, PerExtent, AveragePoolOptions> {
public:
    explicit AvgPool1d(PerExtent size, AveragePoolOptions options = {})
        : FunctionModule(std::move(size), std::move(options)) {}
};
class AvgPool2d final : public FunctionModule<avg_pool2d, PerExtent, AveragePoolOptions> {
public:
    explicit AvgPool2d(PerExtent size, AveragePoolOptions options = {})
        : FunctionModule(std::move(size), std::move(options)) {}
};
class AvgPool3d final : public FunctionModule<avg_pool3d, PerExtent, AveragePoolOptions> {
public:
    explicit AvgPool3d(PerExtent size, AveragePoolOptions options = {})
        : FunctionModule(std::move(size), std::move(options)) {}
};

class LPPool1d final : public FunctionModule<lp_pool1d, double, PerExtent, PowerPoolOptions> {
public:
    LPPool1d(double p, PerExtent size, PowerPoolOptions options = {})
        : FunctionModule(p, std::move(size), std::move(options)) {}
};
class LPPool2d final : public FunctionModule<lp_pool2d, double, PerExtent, PowerPoolOptions> {
public:
    LPPool2d(double p, PerExtent size, PowerPoolOptions options = {})
        : FunctionModule(p, std::move(size), std::move(options)) {}
};

class AdaptiveAvgPool1d final : public FunctionModule<adaptive_avg_pool1d, PerExtent> {
public:
    explicit AdaptiveAvgPool1d(PerExtent count) : FunctionModule(std::move(count)) {}
};
class AdaptiveAvgPool2d final : public FunctionModule<adaptive_avg_pool2d, PerExtent> {
public:
    explicit AdaptiveAvgPool2d(PerExtent count) : FunctionModule(std::move(count)) {}
};
class AdaptiveAvgPool3d final : public FunctionModule<adaptive_avg_pool3d, PerExtent> {
public:
    explicit AdaptiveAvgPool3d(PerExtent count) : FunctionModule(std::move(count)) {}
};
class AdaptiveMaxPool1d final : public FunctionModule<adaptive_max_pool1d, PerExtent> {
public:
    explicit AdaptiveMaxPool1d(PerExtent count) : FunctionModule(std::move(count)) {}
};
class AdaptiveMaxPool2d final : public FunctionModule<adaptive_max_pool2d, PerExtent> {
public:
    explicit AdaptiveMaxPool2d(PerExtent count) : FunctionModule(std::move(count)) {}
};
class AdaptiveMaxPool3d final : public FunctionModule<adaptive_max_pool3d, PerExtent> {
public:
    explicit AdaptiveMaxPool3d(PerExtent count) : FunctionModule(std::move(count)) {}
};

}  // namespace lathe::nn
