"""Change files so that they are still files of their kind: one mutator for each container, and one for bytes.

Every mutator takes the bytes of a valid file and a generator, and returns other bytes. Most results pass the
container's own checks (lengths, checksums, syntax), so that the reader behind it is reached.
"""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from collections.abc import Callable

import h5py
import numpy as np
import yaml

from fuzz_mutators.archives import zipped
from fuzz_mutators.arrays import hdf5, npy, safetensors
from fuzz_mutators.pictures import dicom, is_whole_png, png
from fuzz_mutators.tables import parquet, table_of
from fuzz_mutators.texts import Loader, json_values, lines, table_text, yaml_values
from fuzz_mutators.values import flip

Mutator = Callable[[bytes, random.Random], bytes]

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
                yaml.load(text.split("\n---\n")[0] if text.startswith("---\n") else text, Loader)
            case "npy":
                np.load(io.BytesIO(data), allow_pickle=False)
            case "zip":
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    return archive.testzip() is None
            case "png":
                return is_whole_png(data)
            case "parquet":
                table_of(data)
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
