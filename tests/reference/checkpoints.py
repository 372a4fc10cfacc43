#!/usr/bin/env python3
"""What the files of torch.save in a folder hold, by Python's own unpickler: writes tests/checkpoints.txt.

    tests/reference/checkpoints.py ../shared/testdata/checkpoints > tests/checkpoints.txt

Only for files that are trusted. Each value is a line: its path, its type, and a checksum of a tensor's elements in
row-major order. Files of many values have one checksum of all their lines.
"""
import collections
import glob
import io
import itertools
import pickle
import struct
import sys
import zipfile
import zlib

STORAGES = {
    "FloatStorage": ("f32", 4), "DoubleStorage": ("f64", 8), "HalfStorage": ("f16", 2), "BFloat16Storage": ("bf16", 2),
    "LongStorage": ("i64", 8), "IntStorage": ("i32", 4), "ShortStorage": ("i16", 2), "CharStorage": ("i8", 1),
    "ByteStorage": ("u8", 1), "BoolStorage": ("bool", 1),
}
MOST_LINES = 60


class Tensor:
    def __init__(self, storage, offset, size, stride, *_):
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def elements(self):
        width = self.storage["width"]
        for index in itertools.product(*map(range, self.size)):
            at = (self.offset + sum(i * step for i, step in zip(index, self.stride))) * width
            yield self.storage["bytes"][at:at + width]


class OrderedDict(collections.OrderedDict):
    def __setstate__(self, state):
        pass


class Unpickler(pickle.Unpickler):
    storages = None

    def find_class(self, module, name):
        if name in STORAGES:
            return STORAGES[name]
        return {"OrderedDict": OrderedDict, "_rebuild_tensor_v2": Tensor,
                "_rebuild_parameter": lambda data, requires_grad, hooks: data}[name]

    def persistent_load(self, identity):
        _, (dtype, width), key, _, count = identity[:5]
        return self.storages.setdefault(key, {"dtype": dtype, "width": width, "count": count})


def load(path):
    storages = {}
    if zipfile.is_zipfile(path):
        archive = zipfile.ZipFile(path)
        member = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        unpickler = Unpickler(io.BytesIO(archive.read(member)))
        unpickler.storages = storages
        value = unpickler.load()
        for key, storage in storages.items():
            storage["bytes"] = archive.read(member[:-len("data.pkl")] + "data/" + key)
        return value
    with open(path, "rb") as file:
        for _ in range(3):
            pickle.Unpickler(file).load()
        unpickler = Unpickler(file)
        unpickler.storages = storages
        value = unpickler.load()
        for key in pickle.Unpickler(file).load():
            count, = struct.unpack("<q", file.read(8))
            assert count == storages[key]["count"]
            storages[key]["bytes"] = file.read(count * storages[key]["width"])
        assert not file.read()
    return value


def lines_of(value, path):
    inner = path + "." if path else ""
    if isinstance(value, Tensor):
        extents = ", ".join(map(str, value.size))
        yield f"{path}: {value.storage['dtype']}[{extents}] {zlib.crc32(b''.join(value.elements())):08x}"
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from lines_of(part, inner + str(key))
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from lines_of(part, inner + str(index))
    elif isinstance(value, bool):
        yield f"{path}: boolean {str(value).lower()}"
    elif isinstance(value, int):
        yield f"{path}: integer {value}"
    elif isinstance(value, float):
        yield f"{path}: number {value}"
    elif isinstance(value, str):
        yield f"{path}: text {value}"
    else:
        assert value is None
        yield f"{path}: none"


def main():
    root = sys.argv[1].rstrip("/") + "/"
    for path in sorted(glob.glob(root + "**/*.pt*", recursive=True)):
        if path.endswith("/broken.pt"):
            continue
        print(path[len(root):])
        lines = list(lines_of(load(path), ""))
        if len(lines) > MOST_LINES:
            lines = [f"{len(lines)} values: {zlib.crc32(''.join(line + chr(10) for line in lines).encode()):08x}"]
        for line in lines:
            print("    " + line)


main()
