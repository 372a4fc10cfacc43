#!/usr/bin/env python3
"""Writes tests/reference/modules.json: what PyTorch's modules compute, for nn_reference_test.

No test: it needs PyTorch (on Debian python3-torch). Inputs and variables follow a formula that the test knows, too, so
that results alone are kept.
"""
import json
import math
import pathlib

import torch
from torch import nn


def wave(shape, phase, step):
    count = math.prod(shape)
    return torch.tensor([0.4 * math.sin(step * i + phase) for i in range(count)], dtype=torch.float32).reshape(shape)


def fill(module):
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.dtype != torch.float32:
                continue
            values = wave(value.shape, sum(map(ord, name)), 1.7)
            value.copy_(values.abs() + 0.5 if name.endswith("running_var") else values)


def inputs(shapes):
    return [wave(shape, number, 0.9) for number, shape in enumerate(shapes)]


def mask(rows, columns):
    return torch.tensor([[(3 * r + c) % 4 == 3 for c in range(columns)] for r in range(rows)])


CASES = {
    "Linear": (nn.Linear(4, 3), [(2, 4)]),
    "Linear without bias": (nn.Linear(4, 3, bias=False), [(4,)]),
    "Bilinear": (nn.Bilinear(3, 2, 4), [(2, 3), (2, 2)]),
    "Conv1d": (nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), [(2, 4, 7)]),
    "Conv2d": (nn.Conv2d(2, 3, (3, 2), dilation=(1, 2), padding=1), [(1, 2, 5, 4)]),
    "Conv2d same": (nn.Conv2d(2, 2, 3, padding="same", bias=False), [(1, 2, 4, 4)]),
    "Conv2d reflect": (nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), [(1, 2, 4, 4)]),
    "Conv1d circular same": (nn.Conv1d(2, 2, 4, padding="same", padding_mode="circular"), [(1, 2, 6)]),
    "Conv3d": (nn.Conv3d(1, 2, 2), [(1, 1, 3, 3, 3)]),
    "ConvTranspose1d": (nn.ConvTranspose1d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2), [(1, 4, 4)]),
    "ConvTranspose2d": (nn.ConvTranspose2d(2, 3, 2, stride=2), [(1, 2, 2, 3)]),
    "ConvTranspose3d": (nn.ConvTranspose3d(1, 2, 2, dilation=2), [(1, 1, 2, 2, 2)]),
    "MaxPool1d": (nn.MaxPool1d(3, stride=2, padding=1), [(2, 2, 7)]),
    "MaxPool2d": (nn.MaxPool2d(2, ceil_mode=True), [(1, 2, 5, 5)]),
    "MaxPool3d": (nn.MaxPool3d(2, stride=1), [(1, 1, 3, 3, 3)]),
    "AvgPool1d": (nn.AvgPool1d(2), [(1, 2, 6)]),
    "AvgPool2d": (nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), [(1, 2, 5, 5)]),
    "AvgPool3d": (nn.AvgPool3d(2), [(1, 1, 4, 4, 4)]),
    "LPPool1d": (nn.LPPool1d(2, 3), [(1, 2, 6)]),
    "LPPool2d": (nn.LPPool2d(2, 2), [(1, 2, 4, 4)]),
    "AdaptiveAvgPool1d": (nn.AdaptiveAvgPool1d(3), [(1, 2, 7)]),
    "AdaptiveAvgPool2d": (nn.AdaptiveAvgPool2d((2, 3)), [(1, 2, 5, 7)]),
    "AdaptiveAvgPool3d": (nn.AdaptiveAvgPool3d(1), [(1, 2, 2, 3, 2)]),
    "AdaptiveMaxPool1d": (nn.AdaptiveMaxPool1d(2), [(1, 2, 5)]),
    "AdaptiveMaxPool2d": (nn.AdaptiveMaxPool2d(2), [(1, 2, 5, 3)]),
    "AdaptiveMaxPool3d": (nn.AdaptiveMaxPool3d(1), [(1, 2, 2, 2, 3)]),
    "BatchNorm1d": (nn.BatchNorm1d(3), [(4, 3)]),
    "BatchNorm1d of sequences": (nn.BatchNorm1d(3, momentum=None), [(2, 3, 4)]),
    "BatchNorm2d": (nn.BatchNorm2d(2, affine=False), [(2, 2, 3, 2)]),
    "BatchNorm3d": (nn.BatchNorm3d(2, track_running_stats=False), [(2, 2, 2, 2, 2)]),
    "LayerNorm": (nn.LayerNorm((3, 4)), [(2, 3, 4)]),
    "GroupNorm": (nn.GroupNorm(2, 4), [(2, 4, 3)]),
    "InstanceNorm1d": (nn.InstanceNorm1d(2, affine=True), [(2, 2, 5)]),
    "InstanceNorm2d": (nn.InstanceNorm2d(2), [(2, 2, 3, 3)]),
    "InstanceNorm3d": (nn.InstanceNorm3d(2), [(2, 2, 2, 2, 2)]),
    "LocalResponseNorm": (nn.LocalResponseNorm(3, alpha=0.5), [(1, 5, 4)]),
    "ReLU": (nn.ReLU(), [(2, 5)]),
    "ReLU6": (nn.ReLU6(), [(2, 5)]),
    "LeakyReLU": (nn.LeakyReLU(0.2), [(2, 5)]),
    "PReLU": (nn.PReLU(3), [(2, 3, 2)]),
    "ELU": (nn.ELU(1.5), [(2, 5)]),
    "CELU": (nn.CELU(1.5), [(2, 5)]),
    "SELU": (nn.SELU(), [(2, 5)]),
    "GELU": (nn.GELU(), [(2, 5)]),
    "GELU by tanh": (nn.GELU(approximate="tanh"), [(2, 5)]),
    "SiLU": (nn.SiLU(), [(2, 5)]),
    "Mish": (nn.Mish(), [(2, 5)]),
    "Sigmoid": (nn.Sigmoid(), [(2, 5)]),
    "Tanh": (nn.Tanh(), [(2, 5)]),
    "Softplus": (nn.Softplus(beta=2), [(2, 5)]),
    "Softsign": (nn.Softsign(), [(2, 5)]),
    "LogSigmoid": (nn.LogSigmoid(), [(2, 5)]),
    "Hardtanh": (nn.Hardtanh(-0.2, 0.3), [(2, 5)]),
    "Hardsigmoid": (nn.Hardsigmoid(), [(2, 5)]),
    "Hardswish": (nn.Hardswish(), [(2, 5)]),
    "Softshrink": (nn.Softshrink(0.1), [(2, 5)]),
    "Hardshrink": (nn.Hardshrink(0.1), [(2, 5)]),
    "Tanhshrink": (nn.Tanhshrink(), [(2, 5)]),
    "Threshold": (nn.Threshold(0.1, 20.0), [(2, 5)]),
    "GLU": (nn.GLU(), [(2, 6)]),
    "Softmax": (nn.Softmax(0), [(3, 4)]),
    "Softmin": (nn.Softmin(1), [(3, 4)]),
    "LogSoftmax": (nn.LogSoftmax(-1), [(3, 4)]),
    "Flatten": (nn.Flatten(), [(2, 3, 2)]),
    "Unflatten": (nn.Unflatten(1, (2, 3)), [(2, 6)]),
    "Upsample": (nn.Upsample(scale_factor=2, mode="bilinear"), [(1, 2, 3, 3)]),
    "PixelShuffle": (nn.PixelShuffle(2), [(1, 4, 2, 2)]),
    "PixelUnshuffle": (nn.PixelUnshuffle(2), [(1, 1, 4, 4)]),
    "ChannelShuffle": (nn.ChannelShuffle(2), [(1, 4, 2, 2)]),
    "Sequential": (nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)), [(3, 4)]),
    "RNN": (nn.RNN(3, 4, num_layers=2, nonlinearity="relu"), [(5, 2, 3)]),
    "RNN of one sequence": (nn.RNN(3, 4), [(5, 3)]),
    "LSTM": (nn.LSTM(3, 4, num_layers=2, bidirectional=True), [(4, 2, 3)]),
    "LSTM batch first": (nn.LSTM(3, 2, batch_first=True, bias=False), [(2, 4, 3)]),
    "GRU": (nn.GRU(3, 4, bidirectional=True), [(4, 2, 3)]),
    "GRU from a state": (nn.GRU(3, 4, num_layers=2), [(4, 2, 3), (2, 2, 4)]),
    "RNNCell": (nn.RNNCell(3, 4), [(2, 3), (2, 4)]),
    "LSTMCell": (nn.LSTMCell(3, 4), [(2, 3)]),
    "GRUCell": (nn.GRUCell(3, 4), [(2, 3), (2, 4)]),
    "MultiheadAttention": (nn.MultiheadAttention(6, 2), [(3, 2, 6), (4, 2, 6), (4, 2, 6)]),
    "MultiheadAttention of other widths": (
        nn.MultiheadAttention(4, 2, kdim=3, vdim=5, batch_first=True, bias=False),
        [(2, 3, 4), (2, 4, 3), (2, 4, 5)],
    ),
    "MultiheadAttention masked": (nn.MultiheadAttention(6, 3, batch_first=True), [(2, 4, 6)]),
    "TransformerEncoderLayer": (
        nn.TransformerEncoderLayer(6, 2, dim_feedforward=8, dropout=0.0, activation="gelu"),
        [(3, 2, 6)],
    ),
    "TransformerEncoder": (
        nn.TransformerEncoder(
            nn.TransformerEncoderLayer(4, 2, dim_feedforward=5, dropout=0.0, batch_first=True, norm_first=True),
            2,
            nn.LayerNorm(4),
        ),
        [(2, 3, 4)],
    ),
    "TransformerDecoder": (
        nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, dim_feedforward=5, dropout=0.0), 2),
        [(3, 2, 4), (5, 2, 4)],
    ),
}


def call(name, module, x):
    if name == "MultiheadAttention masked":
        padding = torch.tensor([[False] * 4, [False, False, False, True]])
        return module(x[0], x[0], x[0], attn_mask=mask(4, 4), key_padding_mask=padding)[0]
    if name.startswith("MultiheadAttention"):
        return module(*x)[0]
    return module(*x)


def flat(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [t for part in result for t in flat(part)]


def kept(t):
    return {"shape": list(t.shape), "values": [float(f"{v:.6g}") for v in t.detach().double().flatten().tolist()]}


def main():
    torch.manual_seed(0)
    out = {}
    for name, (module, shapes) in CASES.items():
        fill(module)
        x = inputs(shapes)
        results = {"inputs": [list(s) for s in shapes]}
        module.train()
        results["train"] = [kept(t) for t in flat(call(name, module, x))]
        after = {k: kept(v) for k, v in module.state_dict().items() if "running" in k}
        if after:
            results["state"] = after
        module.eval()
        with torch.no_grad():
            evaluated = [kept(t) for t in flat(call(name, module, x))]
        if evaluated != results["train"]:
            results["eval"] = evaluated
        out[name] = results
    path = pathlib.Path(__file__).with_name("modules.json")
    path.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in out.items()) + "\n}\n")


if __name__ == "__main__":
    main()
