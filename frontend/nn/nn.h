// Neural networks: modules, and what they begin with.
//
//   nn::Generator random(42);
//   auto model = nn::Sequential(nn::Linear(64, 128, random), nn::ReLU(), nn::Linear(128, 10, random));
//   Tensor logits = model(x);                  // x: f32[batch, 64]
//   for (auto& [name, p] : model.named_parameters()) ...      // "0.weight", "0.bias", "2.weight", ...
//
// Names are those of torch.nn. Options follow the numbers that a layer cannot do without, and what draws its first
// weights comes last: nn::Conv2d(3, 64, {.kernel = 3, .padding = 1}, random).
#pragma once

#include "frontend/nn/activations.h"
#include "frontend/nn/attention.h"
#include "frontend/nn/containers.h"
#include "frontend/nn/convolution.h"
#include "frontend/nn/dropout.h"
#include "frontend/nn/embedding.h"
#include "frontend/nn/function_module.h"
#include "frontend/nn/generator.h"
#include "frontend/nn/init.h"
#include "frontend/nn/linear.h"
#include "frontend/nn/module.h"
#include "frontend/nn/normalization.h"
#include "frontend/nn/pooling.h"
#include "frontend/nn/recurrent.h"
#include "frontend/nn/shapes.h"
#include "frontend/nn/shared.h"
#include "frontend/nn/summary.h"
#include "frontend/nn/transformer.h"
#include "frontend/nn/var_store.h"
