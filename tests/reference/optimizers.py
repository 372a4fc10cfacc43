#!/usr/bin/env python3
"""Writes what PyTorch's optimisers and schedules do, for optimizers_test and schedules_test.

    apt-get install python3-torch
    /usr/bin/python3 tests/reference/optimizers.py trajectories > tests/reference/optimizers.txt
    /usr/bin/python3 tests/reference/optimizers.py rates > tests/reference/schedules.txt

A line is a case, a step, and all elements of the parameters, f64; or a schedule and its rates. It is no part of the test
suite: it needs PyTorch. The cases have the names that the tests give them; the objective is the tests' own.
"""
import math
import sys

import torch

torch.set_default_dtype(torch.float64)
optim, schedules = torch.optim, torch.optim.lr_scheduler
SHAPES = [(3,), (2, 3), ()]


def formula(f, offset, shape, k):
    return torch.tensor([f(offset + j + 10 * k) for j in range(math.prod(shape))]).reshape(shape)


def parameters():
    return [formula(math.sin, 1, s, k).requires_grad_() for k, s in enumerate(SHAPES)]


def objective(ps):
    total = 0
    for k, p in enumerate(ps):
        target = formula(math.cos, 2, p.shape, k)
        curvature = formula(lambda i: 0.5 + i % 3, 0, p.shape, k)
        total = total + (curvature * (p - target) ** 2).sum() / 2 + (3 * p).cos().sum() / 10
    return total


CASES = {
    "sgd": (optim.SGD, {"lr": 0.02}),
    "sgd weight_decay": (optim.SGD, {"lr": 0.02, "weight_decay": 0.1}),
    "sgd momentum": (optim.SGD, {"lr": 0.02, "momentum": 0.9}),
    "sgd dampening": (optim.SGD, {"lr": 0.02, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    "sgd nesterov": (optim.SGD, {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "sgd maximize": (optim.SGD, {"lr": 0.001, "momentum": 0.5, "maximize": True, "weight_decay": 0.1}),
    "adam": (optim.Adam, {"lr": 0.02}),
    "adam betas": (optim.Adam, {"lr": 0.02, "betas": (0.8, 0.9), "eps": 1e-3}),
    "adam weight_decay": (optim.Adam, {"lr": 0.02, "weight_decay": 0.1}),
    "adam amsgrad": (optim.Adam, {"lr": 0.1, "betas": (0.9, 0.9), "amsgrad": True}),
    "adam maximize": (optim.Adam, {"lr": 0.02, "maximize": True, "weight_decay": 0.1}),
    "adamw": (optim.AdamW, {"lr": 0.02}),
    "adamw amsgrad": (optim.AdamW, {"lr": 0.02, "weight_decay": 0.1, "amsgrad": True}),
    "adamw maximize": (optim.AdamW, {"lr": 0.02, "weight_decay": 0.1, "maximize": True}),
    "adamax": (optim.Adamax, {"lr": 0.02}),
    "adamax weight_decay": (optim.Adamax, {"lr": 0.02, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    "adamax maximize": (optim.Adamax, {"lr": 0.02, "maximize": True}),
    "nadam": (optim.NAdam, {"lr": 0.02, "foreach": True}),
    "nadam weight_decay": (optim.NAdam, {"lr": 0.02, "weight_decay": 0.1, "momentum_decay": 0.05, "foreach": True}),
    "radam": (optim.RAdam, {"lr": 0.02}),
    "radam weight_decay": (optim.RAdam, {"lr": 0.02, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    "rmsprop": (optim.RMSprop, {"lr": 0.02}),
    "rmsprop centered": (optim.RMSprop, {"lr": 0.01, "centered": True, "alpha": 0.9, "eps": 0.1}),
    "rmsprop momentum": (optim.RMSprop, {"lr": 0.01, "momentum": 0.5, "weight_decay": 0.1}),
    "rmsprop all": (optim.RMSprop, {"lr": 0.01, "momentum": 0.5, "centered": True, "alpha": 0.9, "weight_decay": 0.1,
                                    "maximize": True}),
    "adagrad": (optim.Adagrad, {"lr": 0.1}),
    "adagrad decay": (optim.Adagrad, {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.1,
                                      "initial_accumulator_value": 0.5}),
    "adagrad maximize": (optim.Adagrad, {"lr": 0.1, "maximize": True}),
    "adadelta": (optim.Adadelta, {}),
    "adadelta weight_decay": (optim.Adadelta, {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1}),
    "adadelta maximize": (optim.Adadelta, {"maximize": True}),
    "groups": (lambda ps, **o: optim.AdamW([{"params": ps[:2]}, {"params": ps[2:], "weight_decay": 0.0, "lr": 0.1}],
                                           **o), {"lr": 0.02, "weight_decay": 0.1}),
    "lbfgs": (optim.LBFGS, {"lr": 0.3, "max_iter": 4}),
    "lbfgs history": (optim.LBFGS, {"lr": 0.2, "max_iter": 3, "history_size": 2}),
    "lbfgs strong_wolfe": (optim.LBFGS, {"max_iter": 3, "line_search_fn": "strong_wolfe"}),
    "lbfgs long steps": (optim.LBFGS, {"lr": 30, "max_iter": 3, "line_search_fn": "strong_wolfe"}),
}


def trajectories():
    for name, (make, options) in CASES.items():
        ps = parameters()
        optimizer = make(ps, **options)

        def closure():
            optimizer.zero_grad()
            loss = objective(ps)
            loss.backward()
            return loss

        for step in range(1, 101):
            optimizer.step(closure)
            if step in (1, 2, 3, 10, 100):
                elements = [x for p in ps for x in p.detach().flatten().tolist()]
                print(name.replace(" ", "_"), step, *(f"{x:.10g}" for x in elements))


def sequence(o):
    return schedules.SequentialLR(o, [schedules.LinearLR(o, start_factor=0.1, total_iters=5),
                                      schedules.ExponentialLR(o, gamma=0.9)], milestones=[5])


SCHEDULES = {
    "step": lambda o: schedules.StepLR(o, 7, gamma=0.5),
    "multi_step": lambda o: schedules.MultiStepLR(o, [3, 3, 11], gamma=0.5),
    "exponential": lambda o: schedules.ExponentialLR(o, 0.9),
    "constant": lambda o: schedules.ConstantLR(o, 0.25, total_iters=6),
    "linear": lambda o: schedules.LinearLR(o, start_factor=0.2, end_factor=0.8, total_iters=8),
    "polynomial": lambda o: schedules.PolynomialLR(o, total_iters=12, power=2.0),
    "cosine": lambda o: schedules.CosineAnnealingLR(o, 10, eta_min=0.01),
    "warm_restarts": lambda o: schedules.CosineAnnealingWarmRestarts(o, 4, T_mult=2, eta_min=0.01),
    "one_cycle": lambda o: schedules.OneCycleLR(o, 0.5, total_steps=30),
    "one_cycle_linear": lambda o: schedules.OneCycleLR(o, 0.5, total_steps=30, pct_start=0.4, anneal_strategy="linear",
                                                       div_factor=10, final_div_factor=100, three_phase=True),
    "lambda": lambda o: schedules.LambdaLR(o, lambda t: 1 / (1 + t)),
    "sequential": sequence,
}
PLATEAUS = {
    "plateau": {"factor": 0.5, "patience": 2},
    "plateau_max": {"mode": "max", "factor": 0.5, "patience": 1, "threshold": 0.1, "threshold_mode": "abs"},
    "plateau_cooldown": {"factor": 0.1, "patience": 0, "cooldown": 3, "min_lr": 0.002},
}


def rates():
    for name, make in SCHEDULES.items():
        optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.5)
        schedule = make(optimizer)
        seen = []
        for _ in range(30):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if len(seen) < 30:
                schedule.step()
        print(name, *(f"{x:.12g}" for x in seen))
    for name, options in PLATEAUS.items():
        optimizer = optim.SGD([torch.zeros(1)], lr=0.1)
        schedule = schedules.ReduceLROnPlateau(optimizer, **options)
        seen = []
        for t in range(30):
            schedule.step(1 + math.cos(t / 4) / (1 + t))
            seen.append(optimizer.param_groups[0]["lr"])
        print(name, *(f"{x:.12g}" for x in seen))


{"trajectories": trajectories, "rates": rates}[sys.argv[1]]()
