"""Read NumPy's npz archives without pickle and without loading whole arrays."""

from __future__ import annotations

import contextlib
import functools
import math
import struct
import tempfile
import zipfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import SourceError, short
from medimeta_c.format.keys import Image

__all__ = ["ArrayHeader", "NpzArray", "npz_headers", "npz_rows"]

_CHUNK = 1 << 20
_KEPT = 3  # a dataset has three splits
_LOCAL_HEADER = struct.Struct("<26xHH")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayHeader:
    """What an npz member says of its array.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : numpy.dtype
        Its type; never objects.
    order : str
        ``"C"`` or ``"F"``.
    size : int
        Bytes of the header itself.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: str
    size: int

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


def npz_headers(path: Path) -> dict[str, ArrayHeader]:
    """Return the header of every array in an npz file, by array name.

    Raises
    ------
    SourceError
        If the file is not a whole zip archive, is encrypted, or holds anything but plain arrays.
    """
    headers = {}
    with _archive(path) as archive:
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name == member.filename or not name.isidentifier() or name in headers:
                raise SourceError(
                    f"{path} holds {member.filename!r}, which is not an array: replace the file"
                )
            with archive.open(member) as stream:
                header = _read_header(stream)
            if header.size + header.nbytes != member.file_size:
                raise SourceError(
                    f"{path}, array {name!r} is {member.file_size - header.size} bytes long where its header "
                    f"says {header.nbytes}: the file is damaged, replace it"
                )
            headers[name] = header
    return headers


def npz_rows(path: Path, name: str) -> Generator[NDArray[Any]]:
    """Yield the rows of one array in order, read as a stream: one row in memory, nothing on disk.

    For reading a large compressed array once, from its first row to its last.

    Parameters
    ----------
    path : pathlib.Path
        The npz file.
    name : str
        The array's name; it has at least one dimension.

    Yields
    ------
    ndarray of shape ``shape[1:]``
        A fresh array.

    Raises
    ------
    SourceError
        If the file is damaged, or the array is stored column by column and so has no rows to stream.
    """
    with _archive(path) as archive, archive.open(f"{name}.npy") as stream:
        header = _read_header(stream)
        count, *shape = header.shape
        if header.order != "C":
            raise SourceError(
                f"{path}, array {name!r} is stored column by column (Fortran order): save it again from "
                "np.ascontiguousarray"
            )
        size = math.prod(shape) * header.dtype.itemsize
        for row in range(count):
            data = stream.read(size)
            if len(data) != size:
                raise SourceError(f"{path}, array {name!r} ends in row {row} of {count}: replace the file")
            yield np.frombuffer(data, dtype=header.dtype).reshape(shape).copy()
        if stream.read(1):  # reading to the very end is also what makes zipfile compare the checksum
            raise SourceError(f"{path}, array {name!r} has data after its {count} rows: replace the file")


class NpzArray:
    """One array of an npz file, on disk rather than in memory.

    An array stored as it is gets mapped where it lies. A compressed one is decompressed once in a process,
    in small pieces, into an unnamed temporary file which is then mapped: that takes its full size in the
    temporary folder (``TMPDIR``), and memory only for the rows in use.

    Parameters
    ----------
    path : pathlib.Path
        The npz file.
    name : str
        The array's name.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._array: NDArray[Any] | None = None

    def array(self) -> NDArray[Any]:
        """Return the read-only array, mapping it on first use.

        Raises
        ------
        SourceError
            If it is damaged, or the temporary folder is full.
        """
        if self._array is None:
            with _archive(self._path) as archive:
                member = archive.getinfo(f"{self._name}.npy")
                if member.compress_type == zipfile.ZIP_STORED:
                    self._array = _map_in_place(self._path, archive, member)
                else:
                    stat = self._path.stat()
                    self._array = _unpacked(self._path, self._name, (stat.st_mtime_ns, stat.st_size))
        return self._array

    def image(self, row: int) -> Image:
        """Return a row of an array of images, freshly allocated; raises as `array` does."""
        return np.array(self.array()[row], dtype=np.uint8)

    def files(self, rows: Sequence[int]) -> list[str]:
        """Return the name of the file, whichever rows are meant."""
        del rows
        return [self._path.name]

    def close(self) -> None:
        """Let go of the mapping, and of every temporary file; they are made again when needed."""
        self._array = None
        _unpacked.cache_clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_array": None}


def _map_in_place(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as stream:  # also checks that the local header is where it should be
        header = _read_header(stream)
    with path.open("rb") as file:
        file.seek(member.header_offset)
        name_size, extra_size = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        start = member.header_offset + _LOCAL_HEADER.size + name_size + extra_size + header.size
        return _mapped(file, header, start)


@functools.lru_cache(maxsize=_KEPT)
def _unpacked(path: Path, name: str, stamp: tuple[int, int]) -> NDArray[Any]:
    """Return a compressed array, mapped from a temporary file; `stamp` tells a replaced file from this one.

    A worker gets a fresh copy of the source with every set it renders, and would decompress it every time.
    """
    with _archive(path) as archive, archive.open(f"{name}.npy") as stream, tempfile.TemporaryFile() as file:
        header = _read_header(stream)
        while chunk := stream.read(_CHUNK):
            try:
                file.write(chunk)
                file.flush()
            except OSError as error:
                raise SourceError(
                    f"cannot unpack {name!r} of {path} into {tempfile.gettempdir()} ({error.strerror}): make "
                    f"{header.nbytes / 1e9:.1f} GB of room there, or set TMPDIR to another folder"
                ) from error
        return _mapped(file, header, 0)


def _mapped(file: IO[bytes], header: ArrayHeader, start: int) -> NDArray[Any]:
    order: Any = header.order
    return np.memmap(file, dtype=header.dtype, mode="r", offset=start, shape=header.shape, order=order)


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (SourceError, MemoryError):
        raise
    except (
        Exception
    ) as error:  # damaged streams raise zipfile's, zlib's, lzma's, bz2's and NumPy's own errors
        raise SourceError(f"{path} is not a complete npz file ({short(error)}): replace it") from error


def _read_header(stream: IO[bytes]) -> ArrayHeader:
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"npy format version {version} is unknown")
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are never unpickled")
    if any(side < 0 for side in shape):
        raise ValueError(f"shape {shape} is negative")
    return ArrayHeader(shape=shape, dtype=dtype, order="F" if fortran else "C", size=stream.tell())
