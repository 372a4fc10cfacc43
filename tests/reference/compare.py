#!/usr/bin/env python3
"""Compares every op that NumPy or PyTorch has, too, with theirs, and writes the worst errors as a table.

    python3 -m venv ../peers && ../peers/bin/pip install numpy mpmath torch
    ../peers/bin/python tests/reference/compare.py build/lathe > docs/accuracy.md

Inputs are random and special: the whole range of the dtype, numbers around 1, zeros of both signs, infinities, NaN,
denormals, the largest and the least. What is exact there has to be equal here. Of the others the error is given in units
in the last place of the dtype: against x87's 80 bits (NumPy's longdouble), or against mpmath where NumPy has no such
function. It is no part of the test suite: it needs Python packages, and takes some minutes.
"""
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import mpmath
import numpy as np
import torch

lathe = sys.argv[1] if len(sys.argv) > 1 else "build/lathe"
random = np.random.default_rng(1)
longdouble = np.longdouble
mpmath.mp.prec = 120
faults = []

FLOATS = ["f64", "f32", "f16", "bf16"]
INTEGERS = ["i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8"]
NUMPY = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "i64": np.int64, "i32": np.int32, "i16": np.int16,
         "i8": np.int8, "u64": np.uint64, "u32": np.uint32, "u16": np.uint16, "u8": np.uint8, "bool": np.bool_}
TORCH = {"f64": torch.float64, "f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
DIGITS = {"f64": 53, "f32": 24, "f16": 11, "bf16": 8}
LEAST_EXPONENT = {"f64": -1022, "f32": -126, "f16": -14, "bf16": -126}
LARGEST = {d: float(torch.finfo(TORCH[d]).max) for d in FLOATS}


def carrier(dtype):
    """The dtype of the file: .npy has no bf16, all of whose values f32 has."""
    return "f32" if dtype == "bf16" else dtype


def shape_text(array):
    return "[" + ", ".join(map(str, array.shape)) + "]"


class Program:
    """A graph as text, with its inputs."""

    def __init__(self):
        self.lines, self.inputs, self.outputs, self.count = [], {}, [], 0

    def line(self, text, dtype, shape):
        self.lines.append(f"  %{self.count} = {text} : {dtype}{shape}")
        self.count += 1
        return f"%{self.count - 1}"

    def input(self, array, dtype):
        name = f"x{len(self.inputs)}"
        self.inputs[name] = array.astype(NUMPY[carrier(dtype)])
        return name

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            returned = ", ".join(f'"{name}" = {value}' for name, value in self.outputs)
            (folder / "graph.lir").write_text("graph main() {\n" + "\n".join(self.lines) + f"\n  return {returned}\n}}\n")
            command = [lathe, "run", str(folder / "graph.lir"), "--output", str(folder / "out")]
            for name, array in self.inputs.items():
                np.save(folder / f"{name}.npy", array)
                command += ["--input", f"{name}={folder / name}.npy"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"{done.stderr}\n{(folder / 'graph.lir').read_text()}")
            return {name: np.load(folder / "out" / f"{name}.npy") for name, _ in self.outputs}


def compute(calls, arrays, dtypes):
    """Results of calls (name, op, attributes, result dtype or None, result shape or None), all on the same operands.

    Of an op with several results both are lists, and the results are called name0, name1 ...
    """
    program = Program()
    operands = []
    for array, dtype in zip(arrays, dtypes):
        name = program.input(array, dtype)
        operands.append(program.line(f'parameter "{name}"', carrier(dtype), shape_text(array)))
    for i, (array, dtype) in enumerate(zip(arrays, dtypes)):
        if dtype != carrier(dtype):
            operands[i] = program.line(f"convert({operands[i]}) {{dtype = {dtype}}}", dtype, shape_text(array))
    for name, op, attributes, result, shape in calls:
        if isinstance(result, list):
            types = ", ".join(d + s for d, s in zip(result, shape))
            value = program.line(f"{op}({', '.join(operands)}) {{{attributes}}}", types, "")
            program.outputs += [(f"{name}{i}", f"{value}#{i}") for i in range(len(result))]
            continue
        dtype, extents = result or dtypes[0], shape or shape_text(arrays[0])
        value = program.line(f"{op}({', '.join(operands)})" + (f" {{{attributes}}}" if attributes else ""), dtype, extents)
        if dtype != carrier(dtype):
            value = program.line(f"convert({value}) {{dtype = {carrier(dtype)}}}", carrier(dtype), extents)
        program.outputs.append((name, value))
    return program.run()


# ---- inputs


def rounded(array, dtype):
    """Values of the dtype, in NumPy's dtype for them."""
    array = np.asarray(array, np.float64)
    if dtype == "bf16":
        return torch.from_numpy(array).to(torch.bfloat16).to(torch.float32).numpy()
    with np.errstate(over="ignore"):
        return array.astype(NUMPY[dtype])


def special(dtype):
    least = 2.0 ** LEAST_EXPONENT[dtype]
    tiny = least * 2.0 ** (1 - DIGITS[dtype])
    positive = [0, 1, 2, 3, 0.5, 0.25, 1.5, 2.5, 3.5, 10, 100, 0.1, math.pi, math.pi / 2, math.e, least, tiny, 3 * tiny,
                LARGEST[dtype], 1 - 2.0 ** -DIGITS[dtype], 1 + 2.0 ** (1 - DIGITS[dtype]), math.inf, 170, 88.7, 11]
    return rounded(positive + [-x for x in positive] + [math.nan], dtype)


def floats(dtype, count):
    low, high = LEAST_EXPONENT[dtype] - DIGITS[dtype], math.log2(LARGEST[dtype])
    wide = np.exp2(random.uniform(low, high, count // 4)) * random.choice([-1, 1], count // 4)
    parts = [wide, random.uniform(-1, 1, count // 4), random.normal(0, 4, count // 4), random.uniform(0, 3, count // 4)]
    return np.concatenate([special(dtype), rounded(np.concatenate(parts), dtype)])


def integers(dtype, count):
    info = np.iinfo(NUMPY[dtype])
    extreme = np.array([info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3, 7, info.max // 2], NUMPY[dtype])
    small = random.integers(max(info.min, -20), 21, count // 2).astype(NUMPY[dtype])
    wide = random.integers(info.min, info.max, count // 2, NUMPY[dtype], endpoint=True)
    return np.concatenate([extreme, small, wide])


def pairs(values, count=4000):
    """Every special value with every other, then random pairs."""
    few = values[:51]
    a, b = np.meshgrid(few, few)
    return (np.concatenate([a.ravel(), random.choice(values, count)]),
            np.concatenate([b.ravel(), random.choice(values, count)]))


# ---- errors


def ulps(ours, exact, dtype):
    """The greatest distance in units in the last place; where one is NaN or infinite, the other has to be alike."""
    exact = np.atleast_1d(np.asarray(exact, longdouble))
    ours = np.atleast_1d(np.asarray(ours, longdouble))
    overflow = longdouble(LARGEST[dtype]) * (1 + longdouble(2) ** -DIGITS[dtype])
    exact = np.where(np.abs(exact) >= overflow, np.copysign(longdouble(np.inf), exact), exact)
    same = (ours == exact) | (np.isnan(ours) & np.isnan(exact))
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.maximum(np.abs(exact), longdouble(2) ** LEAST_EXPONENT[dtype])))
        unit = np.exp2(exponent - (DIGITS[dtype] - 1))
        error = np.where(same, 0, np.abs(ours - exact) / unit)
    # The largest number and infinity are neighbours.
    ends = np.isinf(ours) & ~np.isinf(exact) & ~np.isnan(exact) & (np.abs(exact) > LARGEST[dtype] * 0.999)
    error = np.where(ends, 1, error)
    other = np.isinf(exact) & (np.abs(ours) == LARGEST[dtype])
    error = np.where(other, 1, error)
    error = np.where(np.isnan(error), np.inf, error)
    worst = int(np.argmax(error))
    return float(error[worst]), worst


def equal(ours, exact):
    ours, exact = np.asarray(ours), np.asarray(exact)
    if ours.shape != exact.shape:
        return False
    if ours.dtype.kind == "f":
        same = (ours == exact) & (np.signbit(ours) == np.signbit(exact))
        return bool(np.all(same | (np.isnan(ours) & np.isnan(exact))))
    return bool(np.all(ours == exact))


def with_mpmath(function):
    def apply(x):
        out = np.empty(x.shape, longdouble)
        for i, v in np.ndenumerate(np.asarray(x, np.float64)):
            try:
                y = function(mpmath.mpf(float(v)))
                out[i] = longdouble(str(mpmath.nstr(y, 25))) if not isinstance(y, mpmath.mpc) else np.nan
            except (ValueError, ZeroDivisionError, OverflowError):
                out[i] = np.nan
        return out
    return apply


# ---- tables

EXACT_UNARY = {"neg": np.negative, "abs": np.abs, "floor": np.floor, "ceil": np.ceil, "round": np.rint,
               "trunc": np.trunc, "sign": np.sign}
UNARY = {"exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
         "log1p": np.log1p, "sqrt": np.sqrt, "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "tan": np.tan,
         "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh,
         "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "cbrt": np.cbrt,
         "rsqrt": lambda x: 1 / np.sqrt(x), "sigmoid": lambda x: 1 / (1 + np.exp(-x))}
SLOW_UNARY = {"erf": mpmath.erf, "erfc": mpmath.erfc, "erfinv": mpmath.erfinv,
              "lgamma": lambda x: mpmath.log(abs(mpmath.gamma(x))) if x < 1e5 else mpmath.re(mpmath.loggamma(x)),
              "digamma": mpmath.digamma}
# Where the table speaks of some arguments alone, and why.
DOMAIN = {
    "erfinv": (lambda x: np.abs(x) < 1, "in (-1, 1)"),
    "lgamma": (lambda x: (x > 0) & np.isfinite(x) & (np.abs(x - 1) > 0.1) & (np.abs(x - 2) > 0.1), "above 0, but near its roots"),
    "digamma": (lambda x: (x > 0) & np.isfinite(x) & (np.abs(x - 1.4616321) > 0.1), "above 0, but near its root"),
    "erf": (np.isfinite, "of finite numbers"), "erfc": (lambda x: np.abs(x) < 100, "below 100"),
    # NumPy's longdouble reduces arguments with 66 bits of pi.
    "sin": (lambda x: np.abs(x) < 1e9, "below 1e9"), "cos": (lambda x: np.abs(x) < 1e9, "below 1e9"),
    "tan": (lambda x: np.abs(x) < 1e9, "below 1e9"),
}
NEAR_ROOT = (lambda a, b, y: (np.abs(y) > np.maximum(np.abs(a), np.abs(b)) / 2) | ~np.isfinite(y),
             "but where the result is near 0 between others that are not")
BINARY_DOMAIN = {"logaddexp": NEAR_ROOT, "logaddexp2": NEAR_ROOT}
BINARY = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power, "atan2": np.arctan2,
          "hypot": np.hypot, "logaddexp": np.logaddexp, "logaddexp2": np.logaddexp2}
# Results that are no rounding of what longdouble gives, but exact in the dtype itself.
EXACT_BINARY = {"rem": np.fmod, "copysign": np.copysign, "nextafter": np.nextafter}
COMPARISONS = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
               "ge": np.greater_equal}
INTEGER_BINARY = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "max": np.maximum, "min": np.minimum,
                  "bit_and": np.bitwise_and, "bit_or": np.bitwise_or, "bit_xor": np.bitwise_xor}


def report_elementwise():
    rows = {}

    def note(op, dtype, text):
        rows.setdefault(op, {})[dtype] = text

    for dtype in FLOATS:
        count = 40000 if dtype in ("f64", "f32") else 8000
        x = floats(dtype, count)
        wide = x.astype(longdouble)
        names = list(EXACT_UNARY) + list(UNARY)
        ours = compute([(op, op, "", None, None) for op in names], [x], [dtype])
        with np.errstate(all="ignore"):
            for op, function in EXACT_UNARY.items():
                expected = function(x)
                if op == "sign":
                    expected = np.where(np.isnan(x), np.nan, np.where(x > 0, 1, np.where(x < 0, -1, 0)))
                    same = bool(np.all((ours[op] == expected) | np.isnan(x)))
                else:
                    same = equal(ours[op], expected.astype(ours[op].dtype))
                note(op, dtype, "exact" if same else "differs")
                if not same:
                    faults.append(f"{op} {dtype}")
            for op, function in UNARY.items():
                chosen = DOMAIN[op][0](x) if op in DOMAIN else np.ones(len(x), bool)
                error, _ = ulps(ours[op][chosen], function(wide[chosen]), dtype)
                note(op, dtype, f"{error:.2f}")
        few = x[:: max(1, len(x) // 1500)] if dtype != "bf16" else x[::8]
        slow = compute([(op, op, "", None, None) for op in SLOW_UNARY], [few], [dtype])
        for op, function in SLOW_UNARY.items():
            chosen = DOMAIN[op][0](few)
            error, _ = ulps(slow[op][chosen], with_mpmath(function)(few[chosen]), dtype)
            note(op, dtype, f"{error:.2f}")

        a, b = pairs(x)
        names = list(BINARY) + list(EXACT_BINARY)
        ours = compute([(op, op, "", None, None) for op in names], [a, b], [dtype, dtype])
        truth = compute([(op, op, "", "bool", None) for op in COMPARISONS], [a, b], [dtype, dtype])
        with np.errstate(all="ignore"):
            for op, function in BINARY.items():
                expected = function(a.astype(longdouble), b.astype(longdouble))
                chosen = BINARY_DOMAIN[op][0](a, b, expected) if op in BINARY_DOMAIN else np.ones(len(a), bool)
                error, _ = ulps(ours[op][chosen], expected[chosen], dtype)
                note(op, dtype, f"{error:.2f}")
            for op, function in EXACT_BINARY.items():
                if dtype == "bf16" and op == "nextafter":
                    expected = torch.nextafter(torch.from_numpy(a).bfloat16(), torch.from_numpy(b).bfloat16()).float().numpy()
                else:
                    expected = function(a, b)
                same = equal(ours[op], expected.astype(ours[op].dtype))
                note(op, dtype, "exact" if same else "differs")
                if not same:
                    faults.append(f"{op} {dtype}")
            for op, function in COMPARISONS.items():
                same = equal(truth[op], function(a, b))
                note(op, dtype, "exact" if same else "differs")
                if not same:
                    faults.append(f"{op} {dtype}")

    for dtype in INTEGERS:
        a, b = pairs(integers(dtype, 4000))
        ours = compute([(op, op, "", None, None) for op in INTEGER_BINARY], [a, b], [dtype, dtype])
        truth = compute([(op, op, "", "bool", None) for op in COMPARISONS], [a, b], [dtype, dtype])
        nonzero = b.copy()
        nonzero[nonzero == 0] = 3
        if dtype[0] == "i":
            nonzero[(a == np.iinfo(NUMPY[dtype]).min) & (nonzero == -1)] = 5
        floor = compute([("floor_divide", "floor_divide", "", None, None), ("rem", "rem", "", None, None)], [a, nonzero], [dtype, dtype])
        with np.errstate(all="ignore"):
            expected = {op: f(a, b) for op, f in INTEGER_BINARY.items()} | {op: f(a, b) for op, f in COMPARISONS.items()}
            expected |= {"floor_divide": a // nonzero, "rem": np.fmod(a, nonzero)}
        for op, value in {**ours, **truth, **floor}.items():
            same = equal(value, expected[op])
            if not same:
                faults.append(f"{op} {dtype}")
            note(op, "integers", "exact" if same and rows.get(op, {}).get("integers") != "differs" else "differs")

    print("## Elementwise\n\nUnits in the last place; *exact*: equal in every bit.\n")
    print("| op | f64 | f32 | f16 | bf16 | integers | where |\n| --- | --- | --- | --- | --- | --- | --- |")
    for op, by in rows.items():
        print(f"| `{op}` | " + " | ".join(by.get(d, "") for d in FLOATS + ["integers"]) +
              f" | {(DOMAIN | BINARY_DOMAIN).get(op, ('', ''))[1]} |")
    print()


def report_folds():
    """Errors in units of the sum of magnitudes times 2^-digits; NumPy's longdouble is the reference."""
    shapes = [((7,), (0,)), ((300, 70), (1,)), ((300, 70), (0,)), ((12, 33, 9), (0, 2)), ((5000,), (0,)), ((3, 100000), (1,))]
    rows = {}
    for dtype in FLOATS:
        worst = {}
        for shape, axes in shapes:
            x = rounded(random.normal(0, 1, shape), dtype)
            kept = "[" + ", ".join(str(n) for i, n in enumerate(shape) if i not in axes) + "]"
            text = f"axes = [{', '.join(map(str, axes))}]"
            ours = compute([("sum", "sum", text, None, kept), ("reduce_max", "reduce_max", text, None, kept),
                            ("reduce_min", "reduce_min", text, None, kept)] +
                           ([("argmax", "argmax", text, "i64", kept)] if len(axes) == 1 else []), [x], [dtype])
            wide = x.astype(longdouble)
            exact, size = wide.sum(axis=axes), np.abs(wide).sum(axis=axes)
            half = np.abs(exact) * longdouble(2) ** (-DIGITS[dtype]) if dtype in ("f16", "bf16") else 0
            error = float(np.max((np.abs(ours["sum"].astype(longdouble) - exact) - half) /
                                 (size * longdouble(2) ** (-max(DIGITS[dtype], 24)))))
            worst["sum"] = max(worst.get("sum", 0), error)
            for op, function in (("reduce_max", np.max), ("reduce_min", np.min)):
                if not equal(ours[op], function(x, axis=axes)):
                    faults.append(f"{op} {dtype}")
                worst[op] = "exact"
            if len(axes) == 1:
                if not equal(ours["argmax"], np.argmax(x, axis=axes[0])):
                    faults.append(f"argmax {dtype}")
                worst["argmax"] = "exact"
            small = rounded(1 + 0.01 * random.normal(0, 1, shape), dtype)
            if x.shape[0] <= 300 and len(shape) < 3 and shape[-1] <= 300:
                product = compute([("prod", "prod", text, None, kept)], [small], [dtype])["prod"]
                error, _ = ulps(product, small.astype(longdouble).prod(axis=axes), dtype)
                worst["prod"] = max(worst.get("prod", 0), error / small.size ** 0.5)
        for m, k, n in [(5, 7, 3), (64, 64, 64), (33, 3000, 17), (1, 784, 10)]:
            a, b = rounded(random.normal(0, 1, (m, k)), dtype), rounded(random.normal(0, 1, (k, n)), dtype)
            ours = compute([("dot", "dot_general", "lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [0]",
                             None, f"[{m}, {n}]")], [a, b], [dtype, dtype])["dot"]
            exact = a.astype(longdouble) @ b.astype(longdouble)
            size = np.abs(a.astype(longdouble)) @ np.abs(b.astype(longdouble))
            half = np.abs(exact) * longdouble(2) ** (-DIGITS[dtype]) if dtype in ("f16", "bf16") else 0
            error = float(np.max((np.abs(ours.astype(longdouble) - exact) - half) / (size * longdouble(2) ** (-max(DIGITS[dtype], 24)))))
            worst["dot_general"] = max(worst.get("dot_general", 0), error)
        for op, value in worst.items():
            rows.setdefault(op, {})[dtype] = value if isinstance(value, str) else f"{value:.2f}"
    print("## Folds\n\nUnits of the sum of magnitudes times 2^-53 for f64, else 2^-24, beside the one rounding of f16 and bf16;\n"
          "`prod`: units in the last place over the root of the number of factors.\n")
    print("| op | f64 | f32 | f16 | bf16 |\n| --- | --- | --- | --- | --- |")
    for op, by in rows.items():
        print(f"| `{op}` | " + " | ".join(by.get(d, "") for d in FLOATS) + " |")
    print()


def report_movement():
    """What moves, orders or chooses elements: equal to NumPy's for every dtype."""
    rows = {}
    for dtype in [d for d in FLOATS if d != "bf16"] + INTEGERS + ["bool"]:
        def draw(*shape):
            if dtype == "bool":
                return random.integers(0, 2, shape).astype(np.bool_)
            source = integers(dtype, 400) if dtype in INTEGERS else floats(dtype, 400)
            return random.choice(source, shape)

        def check(op, attributes, arrays, dtypes, expected, result=None):
            expected = np.asarray(expected)
            ours = compute([("y", op, attributes, result or dtype, shape_text(expected))], arrays, dtypes)["y"]
            if not equal(ours, expected):
                faults.append(f"{op} {dtype}")
                rows.setdefault(op, []).append(dtype)
            else:
                rows.setdefault(op, [])

        x, y = draw(4, 6, 5), draw(4, 2, 5)
        def check_both(op, attributes, arrays, dtypes, expected):
            """Values and their positions."""
            shapes = [shape_text(e) for e in expected]
            ours = compute([("y", op, attributes, [dtype, "i64"], shapes)], arrays, dtypes)
            rows.setdefault(op, [])
            # Zeros of either sign are equal to sorts.
            if not (np.array_equal(ours["y0"], expected[0], equal_nan=dtype in FLOATS) and equal(ours["y1"], expected[1])):
                faults.append(f"{op} {dtype}")
                rows[op].append(dtype)

        check("reshape", "shape = [24, 5]", [x], [dtype], x.reshape(24, 5))
        check("transpose", "permutation = [2, 0, 1]", [x], [dtype], x.transpose(2, 0, 1))
        check("broadcast_to", "shape = [3, 4, 6, 5]", [x], [dtype], np.broadcast_to(x, (3, 4, 6, 5)))
        check("slice", "start = [3, 1, 0], size = [2, 3, 2], step = [-2, 2, 3]", [x], [dtype], x[3::-2, 1::2, 0:4:3][:, :3])
        check("concat", "axis = 1", [x, y], [dtype, dtype], np.concatenate([x, y], 1))
        check("diagonal", "rows = 0, columns = 2, offset = 1", [x], [dtype], np.diagonal(x, 1, 0, 2))
        flat = draw(12)
        check("as_strided", "shape = [3, 4], strides = [2, 1]", [flat], [dtype],
              np.lib.stride_tricks.as_strided(flat, (3, 4), (2 * flat.itemsize, flat.itemsize)))
        indices = random.integers(0, 6, (2, 3))
        check("gather", "axis = 1", [x, indices], [dtype, "i64"], np.take(x, indices, 1))
        along = random.integers(0, 6, (4, 3, 5))
        check("take_along_axis", "axis = 1", [x, along], [dtype, "i64"], np.take_along_axis(x, along, 1))
        unique = np.argsort(random.random((4, 6, 5)), 1)[:, :2, :]
        put = x.copy()
        np.put_along_axis(put, unique, y, 1)
        check("put_along_axis", "axis = 1", [x, unique, y], [dtype, "i64", dtype], put)
        line = draw(60)
        places = np.argsort(line, kind="stable")
        check_both("sort", "axis = 0", [line], [dtype], [line[places], places])
        check_both("topk", "axis = 0, count = 7, smallest = true", [line], [dtype], [line[places[:7]], places[:7]])
        padded = compute([("y", "pad", "low = [1, 0, 2], high = [0, 3, 1]", dtype, "[5, 9, 8]")],
                         [x, np.zeros((), NUMPY[dtype])], [dtype, dtype])["y"]
        if not equal(padded, np.pad(x, ((1, 0), (0, 3), (2, 1)))):
            faults.append(f"pad {dtype}")
        rows.setdefault("pad", [])
        check("dynamic_slice", "size = [2, 6, 3], batch = 0", [x, np.array([1, 0, 2])], [dtype, "i64"], x[1:3, :, 2:5])
        check("scatter_set", "axis = 1", [x, np.array([3, 1]), y], [dtype, "i64", dtype],
              np.concatenate([x[:, :1], y[:, 1:], x[:, 2:3], y[:, :1], x[:, 4:]], 1))
        condition, z = random.integers(0, 2, (4, 6, 5)).astype(np.bool_), draw(4, 6, 5)
        check("select", "", [condition, x, z], ["bool", dtype, dtype], np.where(condition, x, z))
        if dtype == "bool":
            check("all", "axes = [1]", [x], [dtype], x.all(1))
            check("any", "axes = [1]", [x], [dtype], x.any(1))
        if dtype != "bool":
            with np.errstate(all="ignore"):
                for op, function in {"max": np.maximum, "min": np.minimum}.items():
                    a, b = np.where(x == 0, 1, x).astype(x.dtype), np.where(z == 0, 2, z).astype(x.dtype)
                    check(op, "", [a, b], [dtype, dtype], function(a, b))
            highest = np.maximum.accumulate(x, 1)
            ours = compute([("y", "cummax", "axis = 1", [dtype, "i64"], ["[4, 6, 5]"] * 2)], [x], [dtype])["y0"]
            rows.setdefault("cummax", [])
            if not np.array_equal(ours, highest, equal_nan=dtype in FLOATS):
                faults.append(f"cummax {dtype}")
            finite = line[np.isfinite(line)] if dtype in FLOATS else line
            ordered = np.sort(finite + 0)
            values = draw(20)
            values = values[np.isfinite(values)] if dtype in FLOATS else values
            for right in (False, True):
                check("searchsorted", f"right = {str(right).lower()}", [ordered, values], [dtype, dtype],
                      np.searchsorted(ordered, values, "right" if right else "left"), "i64")
        if dtype in INTEGERS:
            wide = np.uint64 if dtype[0] == "u" else np.int64
            with np.errstate(all="ignore"):
                check("cumsum", "axis = 1", [x], [dtype], np.cumsum(x, 1, dtype=wide), "u64" if dtype[0] == "u" else "i64")
                check("sum", "axes = [0, 2]", [x], [dtype], x.sum((0, 2), dtype=wide), "u64" if dtype[0] == "u" else "i64")
                at = random.integers(0, 6, 2)
                for op, function in {"scatter_add": np.add, "scatter_multiply": np.multiply, "scatter_max": np.maximum,
                                     "scatter_min": np.minimum}.items():
                    scattered = x.copy()
                    function.at(scattered, (slice(None), at), y)
                    check(op, "axis = 1", [x, at, y], [dtype, "i64", dtype], scattered)
                check("cumprod", "axis = 1", [x], [dtype], np.cumprod(x, 1, dtype=wide), "u64" if dtype[0] == "u" else "i64")
                amounts = random.integers(0, 8 * x.itemsize, x.shape).astype(x.dtype)
                check("shift_left", "", [x, amounts], [dtype, dtype], np.left_shift(x, amounts))
                check("shift_right", "", [x, amounts], [dtype, dtype], np.right_shift(x, amounts))
        if dtype in FLOATS:
            powers = random.integers(-30, 30, x.shape).astype(np.int32)
            with np.errstate(all="ignore"):
                check("ldexp", "", [x, powers], [dtype, "i32"], np.ldexp(x, powers))
    print("## Movement, order and choice\n\nEqual to NumPy's in every bit, for all dtypes but bf16, which is no dtype of NumPy's:\n")
    print(", ".join(f"`{op}`" + (f" (but {', '.join(bad)})" if bad else "") for op, bad in rows.items()) + ".\n")


def report_conversions():
    worst = []
    for source in ["f64", "f32", "f16"]:
        x = floats(source, 4000)
        ours = compute([(d, "convert", f"dtype = {d}", d, None) for d in ["f64", "f32", "f16"]], [x], [source])
        with np.errstate(all="ignore"):
            for d, value in ours.items():
                if not equal(value, x.astype(NUMPY[d])):
                    worst.append(f"{source} to {d}")
        through = compute([("y", "convert", "dtype = bf16", "bf16", None)], [x], [source])["y"]
        # PyTorch rounds an f64 to f32 first.
        if source != "f64" and not equal(through, torch.from_numpy(x).to(torch.bfloat16).float().numpy()):
            worst.append(f"{source} to bf16")
        finite = rounded(random.uniform(-120, 120, 3000), source)
        for d in ["i64", "i32", "i16", "i8"]:
            if not equal(compute([("y", "convert", f"dtype = {d}", d, None)], [finite], [source])["y"], finite.astype(NUMPY[d])):
                worst.append(f"{source} to {d}")
    for source in INTEGERS:
        x = integers(source, 2000)
        ours = compute([(d, "convert", f"dtype = {d}", d, None) for d in INTEGERS + ["f64", "f32"]], [x], [source])
        for d, value in ours.items():
            if not equal(value, x.astype(NUMPY[d])):
                worst.append(f"{source} to {d}")
    faults.extend("convert " + w for w in worst)
    print("## Conversions\n\n`convert` equals NumPy's between all dtypes of NumPy's"
          + (f", but for {', '.join(worst)}" if worst else "")
          + ", and PyTorch's to bf16; of floats to integers\nwhere the value fits.\n")


print("# Accuracy against NumPy and mpmath\n\nWritten by `tests/reference/compare.py`; reference: NumPy "
      f"{np.__version__}, mpmath {mpmath.__version__}, PyTorch {torch.__version__.split('+')[0]}.\n"
      "Bounds that the tests hold to are in `ops.md`; these are the worst errors that were seen.\n")
report_elementwise()
report_folds()
report_movement()
report_conversions()
if faults:
    print("differs: " + ", ".join(faults), file=sys.stderr)
    sys.exit(1)
