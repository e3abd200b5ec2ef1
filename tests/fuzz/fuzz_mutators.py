"""Change files so that they are still files of their kind: one mutator for each container, and one for bytes.

Every mutator takes the bytes of a valid file and a generator, and returns other bytes. Most results pass the
container's own checks (lengths, checksums, syntax), so that the reader behind it is reached.
"""

from __future__ import annotations

import contextlib
import copy
import csv
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

Mutator = Callable[[bytes, random.Random], bytes]

VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 2, 7, 2**31, -(2**63), 2**64, 10**30, 0.5, -0.0, 1e308, 1e-320),
    *("", " ", "a", "..", "../../x", "/etc/passwd", "\u202e", "\x00", "é" * 300, "1", "nan", "2026-01-01"),
    *([], {}, [[]], [None], {"a": 1}, "0" * 64, "clean", "contrast", "test", "cells", "rays", 1.5),
)
"""What a value is replaced by."""


# The safe ones of libyaml, where PyYAML was built with it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _table(data: bytes) -> pa.Table:
    return pq.ParquetFile(io.BytesIO(data)).read(use_threads=False)


def flip(data: bytes, draw: random.Random) -> bytes:
    """Change bytes without a look at what they mean: flips, cuts, insertions, repetitions."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        place = draw.randrange(len(changed) + 1)
        length = draw.choice((1, 2, 4, 16, 200))
        match draw.randrange(5):
            case 0 if place < len(changed):
                changed[place] ^= 1 << draw.randrange(8)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = draw.randbytes(length)
            case 3:
                changed[place : place + length] = bytes(length)
            case _:
                changed[place:place] = changed[max(0, place - length) : place]
    return bytes(changed if draw.random() < 0.8 else changed[: draw.randrange(len(changed) + 1)])


def changed_tree(values: Any, draw: random.Random) -> Any:
    """Change one to three places of nested values."""
    values = copy.deepcopy(values)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        values = _changed_place(values, draw)
    return values


def _value(draw: random.Random) -> Any:
    """Return a copy of one of `VALUES`, so that a later change leaves them as they are."""
    return copy.deepcopy(draw.choice(VALUES))


def _changed_place(values: Any, draw: random.Random) -> Any:
    places = list(_places(values))
    if not places:
        return _value(draw)
    holder, key = draw.choice(places)
    value = holder[key]
    match draw.randrange(7):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[draw.choice(("", "extra", "schema_version", str(key).upper()))] = value
        case 1:
            holder.insert(draw.randrange(len(holder) + 1), copy.deepcopy(value))
        case 2:
            holder[key] = _nudged(value, draw)
        case 3:
            other, name = draw.choice(places)
            with contextlib.suppress(LookupError):
                holder[key] = copy.deepcopy(other[name])
        case 4:
            holder[key] = [value] if draw.random() < 0.5 else {"": value}
        case _:
            holder[key] = _value(draw)
    return values


def _places(values: Any) -> list[tuple[Any, Any]]:
    """Every holder and key, level by level."""
    found: list[tuple[Any, Any]] = []
    todo = [values]
    while todo:
        holder = todo.pop()
        keys = (
            list(holder)
            if isinstance(holder, dict)
            else range(len(holder))
            if isinstance(holder, list)
            else ()
        )
        for key in keys:
            found.append((holder, key))
            todo.append(holder[key])
    return found


def _nudged(value: Any, draw: random.Random) -> Any:
    """Return a value near another: of its type, but not what belongs there."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + draw.choice((-1, 1, -value, 2**16, -2 * value))
    if isinstance(value, float):
        return value * draw.choice((-1, 0, 2, 1e9, 1.0000001))
    if isinstance(value, str):
        place = draw.randrange(len(value) + 1)
        return (
            value[:place]
            + draw.choice(("", "\n", "/", "\u0000", "x", value))
            + value[place + draw.randrange(2) :]
        )
    return value


def json_values(data: bytes, draw: random.Random) -> bytes:
    """Change the values of a JSON text."""
    changed = changed_tree(json.loads(data), draw)
    text = json.dumps(changed, ensure_ascii=draw.random() < 0.5)
    if draw.random() < 0.03:
        text = text.replace("{", '{"a":1,"a":2,', 1)
    return text.encode("utf-8", "surrogatepass")


def yaml_values(data: bytes, draw: random.Random) -> bytes:
    """Change the values of a YAML text; of a Markdown file with such a head, those of the head."""
    text = data.decode()
    head, mark, rest = ("", "", text) if not text.startswith("---\n") else text.partition("---\n")
    body, end, tail = rest.partition("\n---\n") if mark else (rest, "", "")
    # Through JSON, which refuses an alias of its own holder.
    plain = json.loads(json.dumps(yaml.load(body, _Loader), default=str))
    changed = changed_tree(plain, draw)
    with contextlib.suppress(yaml.YAMLError):
        body = yaml.dump(changed, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    if draw.random() < 0.1:
        body += draw.choice(
            ("a: &a [*a]\n", "<<: {a: 1}\n", "? [a]\n: b\n", "!!python/name:os.system a\n", "a: b: c\n")
        )
    return (head + mark + body + end + tail).encode()


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


def zipped(data: bytes, draw: random.Random) -> bytes:
    """Change, drop, rename, repeat or recompress the members of a zip archive; checksums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place = draw.randrange(len(members)) if members else 0
    name, content = members[place]
    match draw.randrange(7):
        case 0:
            del members[place]
        case 1:
            members.append((name, content))
        case 2:
            members[place] = (
                draw.choice(("../x", "/x", "a\\b", "", f"{name}/", "A" * 60_000, "con")),
                content,
            )
        case 3:
            members[place] = (name, flip(content, draw))
        case _:
            inner = MUTATORS.get(PurePosixPath(name).suffix.removeprefix("."), flip)
            members[place] = (name, inner(content, draw))
    stream = io.BytesIO()
    method = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name or "x")
            info.compress_type = method
            with contextlib.suppress(UserWarning, zipfile.LargeZipFile, ValueError):
                archive.writestr(info, content)
    return stream.getvalue()


def png(data: bytes, draw: random.Random) -> bytes:
    """Change, drop, repeat or move the chunks of a PNG; lengths and checksums are right."""
    chunks, place = [], 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    index = draw.randrange(len(chunks))
    kind, body = chunks[index]
    match draw.randrange(6):
        case 0:
            del chunks[index]
        case 1:
            chunks.insert(draw.randrange(len(chunks) + 1), (kind, body))
        case 2:
            width, height, *rest = struct.unpack(">IIBBBBB", chunks[0][1][:13].ljust(13, b"\0"))
            fields = [width, height, *rest]
            field = draw.randrange(7)
            fields[field] = (
                draw.choice((0, 1, 2, 3, 4, 8, 16))
                if field > 1
                else draw.choice((0, 1, width + 1, 60_000, 2**31))
            )
            chunks[0] = (b"IHDR", struct.pack(">IIBBBBB", *fields))
        case 3:
            chunks.insert(
                1,
                (
                    draw.choice((b"tRNS", b"PLTE", b"gAMA", b"tEXt", b"acTL", b"iCCP", b"eXIf")),
                    draw.randbytes(draw.choice((0, 3, 6, 40))),
                ),
            )
        case 4 if kind == b"IDAT":
            with contextlib.suppress(zlib.error):
                chunks[index] = (kind, zlib.compress(flip(zlib.decompress(body), draw)))
        case _:
            chunks[index] = (kind, flip(body, draw))
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return data[:8] + b"".join(parts)


def parquet(data: bytes, draw: random.Random) -> bytes:
    """Change values, types, columns, rows or metadata of a Parquet file, and write it anew."""
    table = _table(data)
    index = draw.randrange(table.num_columns)
    name = table.column_names[index]
    column = table.column(index)
    match draw.randrange(8):
        case 0:
            table = table.drop_columns([name])
        case 1:
            table = table.append_column(draw.choice((name, "extra")), column)
        case 2:
            kind = draw.choice((pa.string(), pa.int64(), pa.float64(), pa.binary(), pa.int8(), pa.bool_()))
            with contextlib.suppress(pa.ArrowException):
                table = table.set_column(index, name, column.cast(kind, safe=False))
        case 3:
            rows = draw.choice(([], [0], [*range(len(table)), 0], [*reversed(range(len(table)))]))
            table = table.take(pa.array([row for row in rows if row < len(table)], pa.int64()))
        case 4:
            metadata = dict(table.schema.metadata or {})
            if metadata:
                key = draw.choice(sorted(metadata))
                with contextlib.suppress(ValueError):
                    metadata[key] = json_values(metadata[key], draw)
            table = table.replace_schema_metadata(metadata if draw.random() < 0.8 else None)
        case _:
            values = column.to_pylist()
            for _ in range(draw.choice((1, 1, 3)) if values else 0):
                row = draw.randrange(len(values))
                values[row] = draw.choice(
                    (None, _nudged(values[row], draw), _value(draw), _changed_cell(values[row], draw))
                )
            with contextlib.suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
                table = table.set_column(index, table.schema.field(index), pa.array(values, column.type))
    stream = io.BytesIO()
    pq.write_table(
        table,
        stream,
        row_group_size=max(1, len(table) // draw.choice((1, 2, 7))),
        compression=draw.choice(("snappy", "none", "zstd")),
    )
    return stream.getvalue()


def _changed_cell(value: Any, draw: random.Random) -> Any:
    if isinstance(value, bytes):
        return flip(value, draw)
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        stored = value["bytes"]
        return {**value, "bytes": png(stored, draw) if stored.startswith(b"\x89PNG") else flip(stored, draw)}
    if isinstance(value, list):
        return changed_tree(value, draw)
    return value


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


def table_text(data: bytes, draw: random.Random) -> bytes:
    """Change cells, rows or columns of a CSV text."""
    rows = list(csv.reader(io.StringIO(data.decode())))
    row = draw.randrange(len(rows))
    match draw.randrange(6):
        case 0:
            rows.insert(row, list(rows[row]))
        case 1:
            del rows[row]
        case 2:
            column = draw.randrange(len(rows[0]))
            rows = [[*line[:column], *line[column + 1 :]] for line in rows]
        case 3:
            rows = [[*line, line[0] if line else ""] for line in rows]
        case _ if rows[row]:
            column = draw.randrange(len(rows[row]))
            rows[row][column] = str(draw.choice((_nudged(rows[row][column], draw), _value(draw))))
    stream = io.StringIO()
    csv.writer(stream, lineterminator=draw.choice(("\n", "\r\n"))).writerows(rows)
    return stream.getvalue().encode()


def lines(data: bytes, draw: random.Random) -> bytes:
    """Change, drop, repeat or swap the lines of a text."""
    texts = data.decode().split("\n")
    place = draw.randrange(len(texts))
    texts[place : place + 1] = draw.choice(
        (
            [],
            [texts[place]] * 2,
            [_nudged(texts[place], draw)],
            [draw.choice(texts)],
            [str(_value(draw))],
        )
    )
    return "\n".join(texts).encode()


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


def dicom(data: bytes, draw: random.Random) -> bytes:
    """Drop, or change the value of, the elements of a DICOM file."""
    import pydicom

    dataset = pydicom.dcmread(io.BytesIO(data))
    for _ in range(draw.choice((1, 1, 2))):
        element = draw.choice(list(dataset))
        if draw.random() < 0.3:
            del dataset[element.tag]
        elif isinstance(element.value, bytes):
            element._value = flip(element.value, draw)
        else:
            with contextlib.suppress(Exception):
                element.value = draw.choice(
                    (0, 1, 3, 8, 16, 60_000, "", "MONOCHROME1", "PALETTE COLOR", "YBR_FULL")
                )
    stream = io.BytesIO()
    try:
        dataset.save_as(stream)
    except Exception:  # a value that pydicom itself cannot write
        return flip(data, draw)
    return stream.getvalue()


MUTATORS: dict[str, Mutator] = {
    "bytes": flip,
    "csv": table_text,
    "dicom": dicom,
    "hdf5": hdf5,
    "json": json_values,
    "npy": npy,
    "parquet": parquet,
    "png": png,
    "safetensors": safetensors,
    "txt": lines,
    "yaml": yaml_values,
    "zip": zipped,
}


def passes(container: str, data: bytes) -> bool:
    """Return whether data is a file of a container, as an independent reader of it says."""
    try:
        match container:
            case "json":
                json.loads(data)
            case "yaml":
                text = data.decode()
                yaml.load(text.split("\n---\n")[0] if text.startswith("---\n") else text, _Loader)
            case "npy":
                np.load(io.BytesIO(data), allow_pickle=False)
            case "zip":
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    return archive.testzip() is None
            case "png":
                return _whole_png(data)
            case "parquet":
                _table(data)
            case "safetensors":
                (length,) = struct.unpack("<Q", data[:8])
                json.loads(data[8 : 8 + length])
            case "hdf5":
                with h5py.File(io.BytesIO(data)) as file:
                    list(file)
            case "dicom":
                import pydicom

                pydicom.dcmread(io.BytesIO(data))
            case "csv" | "txt":
                data.decode()
    except Exception:
        return False
    return True


def _whole_png(data: bytes) -> bool:
    place = 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        body = data[place + 4 : place + 8 + length]
        if data[place + 8 + length : place + 12 + length] != struct.pack(">I", zlib.crc32(body)):
            return False
        place += 12 + length
    return data.startswith(b"\x89PNG\r\n\x1a\n") and place == len(data)
