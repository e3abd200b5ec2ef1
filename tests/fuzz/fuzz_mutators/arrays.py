"""Change files of arrays: NumPy, HDF5, safetensors."""

from __future__ import annotations

import contextlib
import io
import json
import random
import struct
from typing import Any

import h5py
import numpy as np

from fuzz_mutators.values import changed_tree, flip


def npy(data: bytes, draw: random.Random) -> bytes:
    """Change the type, shape or values of a NumPy file."""
    array = np.load(io.BytesIO(data), allow_pickle=False)
    stream = io.BytesIO()
    match draw.randrange(6):
        case 0:
            array = array.astype(draw.choice(("int64", "float32", "uint8", "bool", "complex64", "U3", ">i2")))
        case 1:
            array = array.reshape(draw.choice(((-1,), (1, *array.shape), (*array.shape, 1))))
        case 2:
            array = array[: draw.randrange(len(array) + 1)] if array.ndim else array
        case 3:
            array = np.concatenate([array, array]) if array.ndim else array
        case 4 if array.size:
            array = array.copy()
            flat = array.reshape(-1)
            with contextlib.suppress(ValueError, OverflowError):
                flat[draw.randrange(flat.size)] = draw.choice((-1, 255, 2**40, 3))
        case _:
            np.save(stream, array)
            written = stream.getvalue()
            shape = str(array.shape).encode()
            other = draw.choice((b"(0,)", b"(99999999999,)", b"(2, 2, 2)", b"(-1,)", b"(1e9,)"))
            return written.replace(shape, other[: len(shape)].ljust(len(shape)), 1)
    np.save(stream, array)
    return stream.getvalue()


def hdf5(data: bytes, draw: random.Random) -> bytes:
    """Write an HDF5 file anew, with another name, type, shape or layout of its one dataset."""
    with h5py.File(io.BytesIO(data)) as file:
        (name,) = file
        images = file[name][()]
    options: dict[str, Any] = {}
    match draw.randrange(7):
        case 0:
            name = draw.choice(("image", "images2", "a/images"))
        case 1:
            images = images.astype(draw.choice(("int16", "float32", "uint16", "bool", "S2")))
        case 2:
            images = images.reshape(draw.choice(((-1,), (1, *images.shape), images.shape[::-1])))
        case 3:
            images = images[: draw.randrange(len(images) + 1)]
        case 4:
            options = {"chunks": True, "compression": "gzip"}
        case 5:
            options = {"maxshape": (None, *images.shape[1:])}
        case _:
            images = np.moveaxis(images, -1, 1)
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_dataset(name, data=images, **options)
    return stream.getvalue() if draw.random() < 0.8 else flip(stream.getvalue(), draw)


def safetensors(data: bytes, draw: random.Random) -> bytes:
    """Change the header or the tensors of a safetensors file; the header's length is right."""
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    match draw.randrange(4):
        case 0:
            body = flip(body, draw)[: len(body)].ljust(len(body), b"\0")
        case 1:
            names = [name for name in header if name != "__metadata__"]
            first, second = draw.choice(names), draw.choice(names)
            header[first], header[second] = header[second], header[first]
        case 2:
            for entry in header.values():
                if "dtype" in entry and draw.random() < 0.3:
                    entry["dtype"] = draw.choice(("F32", "F16", "I32", "F64", "U8", "BOOL", "F8_E4M3"))
        case _:
            header = changed_tree(header, draw)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body
