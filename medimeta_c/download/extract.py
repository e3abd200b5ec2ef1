"""Safe extraction of untrusted zip archives."""

from __future__ import annotations

import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath

from medimeta_c.download.workdir import check_space
from medimeta_c.errors import DownloadError

__all__ = ["extract_zip"]

_CHUNK = 1 << 20
_RESERVE_BYTES = 64 << 20
"""Left free on the disk after extraction."""
_MAX_MEMBERS = 2_000_000
_MAX_RATIO = 200
"""Declared bytes per byte of archive. Photographs and scans stay below 20; a bomb has a thousand."""
_RATIO_ALLOWANCE_BYTES = 16 << 20
"""Small archives may compress better than `_MAX_RATIO`: there is nothing to fear below this total."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PORTABLE = re.compile(
    r"(?!(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])(?:\.|\Z))"  # a device of Windows
    r"""[^\\:*?"<>|\x00-\x1f\x7f-\x9f]*(?<![. ])""",
    re.IGNORECASE,
)
"""A path component that names the same plain file on every system."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, UnicodeError, NotImplementedError, RuntimeError)


class _Unsafe(Exception):
    """Why an archive is refused."""


def extract_zip(
    archive: Path,
    folder: Path,
    *,
    top: str,
    required: str,
    on_bytes: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Extract a zip into `folder`, which must not exist yet.

    The members may all lie in one folder named `top`, which is then left out, or at the archive's root.
    Every name and every size is checked before the first byte is written. Only regular files and folders
    are made, with default permissions; the caller gives `folder` its final name afterwards.

    Parameters
    ----------
    archive, folder : Path
        The zip file, and the folder to make.
    top : str
        Name of the enclosing folder that the archive may have.
    required : str
        A file that must be among the members, below `top`.
    on_bytes : callable
        Called with (bytes written, bytes in all).

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    DownloadError
        If the archive is damaged, refuses to fit on the disk, or holds anything but plain files at safe,
        distinct relative paths within their declared sizes.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            files = _checked_files(opened.infolist(), top)
            if PurePosixPath(required) not in files:
                raise _Unsafe(f"it has no {required}, neither at its root nor in {top}/")
            total = _checked_total(files.values(), archive.stat().st_size)
            check_space(folder.parent, total + _RESERVE_BYTES, f"to extract {archive}")
            folder.mkdir()
            done = 0
            for relative, info in files.items():
                path = folder / relative
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(info) as packed, path.open("xb") as file:
                    # zipfile never yields more than the declared size, and checks the CRC at the end.
                    while chunk := packed.read(_CHUNK):
                        done += file.write(chunk)
                        on_bytes(done, total)
            return done
    except (_Unsafe, *_DAMAGE) as error:
        why = error if isinstance(error, _Unsafe) else f"it is damaged: {error}"
        raise DownloadError(
            f"{archive} was not extracted: {why}; do not unpack it by hand, report it to its publisher"
        ) from error


def _checked_files(infos: list[zipfile.ZipInfo], top: str) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Return the members that are files, by path below `top`; refuse unsafe and ambiguous names."""
    if len(infos) > _MAX_MEMBERS:
        raise _Unsafe(f"it lists {len(infos)} members, more than {_MAX_MEMBERS}")
    paths = [_checked_path(info) for info in infos]
    if all(path.parts[0] == top for path in paths):
        paths = [path.relative_to(top) for path in paths]
    files: dict[PurePosixPath, tuple[PurePosixPath, zipfile.ZipInfo]] = {}
    folders: set[PurePosixPath] = set()
    for path, info in zip(paths, infos, strict=True):
        # Names that are equal on some file system count as equal.
        name = PurePosixPath(unicodedata.normalize("NFC", str(path)).casefold())
        folders.update(name.parents)
        if info.is_dir():
            folders.add(name)
        elif name in files:
            raise _Unsafe(f"two members are named {str(path)!r}")
        else:
            files[name] = path, info
    if clash := sorted(folders & files.keys()):
        raise _Unsafe(f"{str(clash[0])!r} is both a file and a folder")
    return dict(files.values())


def _checked_path(info: zipfile.ZipInfo) -> PurePosixPath:
    # orig_filename is the name as stored: zipfile cuts filename at a NUL and may change separators.
    name = info.orig_filename.removesuffix("/")
    parts = name.split("/")
    plain = stat.S_IFDIR if info.orig_filename.endswith("/") else stat.S_IFREG
    refusals = {
        "would leave the dataset's folder": {"", ".", ".."}.intersection(parts),
        "has a name that is not portable or not safe": any(
            len(part.encode()) > 255 or not _PORTABLE.fullmatch(part) for part in parts
        ),
        "is a link or a device, not a plain file": stat.S_IFMT(info.external_attr >> 16) not in (0, plain),
        "is encrypted": info.flag_bits & 0x1,
        f"is compressed by method {info.compress_type}": info.compress_type not in _METHODS,
    }
    for why, refused in refusals.items():
        if refused:
            raise _Unsafe(f"the member {info.orig_filename!r} {why}")
    return PurePosixPath(name)


def _checked_total(infos: Collection[zipfile.ZipInfo], size: int) -> int:
    """Return the bytes that the members declare; refuse more than an archive of `size` bytes can hold."""
    total = sum(info.file_size for info in infos)
    if any(info.header_offset < 0 for info in infos):  # to which zipfile would seek
        raise _Unsafe("it is damaged: a member begins before the archive does")
    if sum(info.compress_size for info in infos) > size:
        raise _Unsafe("its members overlap, as in a zip bomb")
    if total > max(_MAX_RATIO * size, _RATIO_ALLOWANCE_BYTES):
        raise _Unsafe(f"its {size} bytes claim to hold {total}, as in a zip bomb")
    return total
