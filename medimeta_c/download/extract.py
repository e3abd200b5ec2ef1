"""Take a zip archive from outside apart without trusting it."""

from __future__ import annotations

import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

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
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Member:
    info: zipfile.ZipInfo
    path: PurePosixPath


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
            members = _plan(opened, archive, top)
            if PurePosixPath(required) not in {member.path for member in members}:
                raise _refused(archive, f"it has no {required}, neither at its root nor in {top}/")
            total = _checked_total(members, archive)
            _check_space(folder.parent, total, archive)
            return _write(opened, members, folder, total, on_bytes)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        UnicodeError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise _refused(archive, f"it is damaged: {error}") from error


def _refused(archive: Path, why: str) -> DownloadError:
    return DownloadError(
        f"{archive} was not extracted: {why}; do not unpack it by hand, report it to its publisher"
    )


def _plan(opened: zipfile.ZipFile, archive: Path, top: str) -> list[_Member]:
    infos = opened.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise _refused(archive, f"it lists {len(infos)} members, more than {_MAX_MEMBERS}")
    paths = [_checked_path(info, archive) for info in infos]
    enclosed = all(path.parts[0] == top for path in paths)
    members = [
        _Member(info, path.relative_to(top) if enclosed else path)
        for info, path in zip(infos, paths, strict=True)
    ]
    _check_distinct(members, archive)
    return [member for member in members if not member.info.is_dir()]


def _checked_path(info: zipfile.ZipInfo, archive: Path) -> PurePosixPath:
    # orig_filename is the name as stored: zipfile cuts filename at a NUL and may change separators.
    name = info.orig_filename.removesuffix("/")
    parts = name.split("/")
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise _refused(archive, f"the member {info.orig_filename!r} would leave the dataset's folder")
    if any(not _is_plain(part) for part in parts):
        raise _refused(archive, f"the member name {info.orig_filename!r} is not portable or not safe")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG):
        raise _refused(archive, f"the member {name!r} is a link or a device, not a plain file")
    if info.flag_bits & 0x1:
        raise _refused(archive, f"the member {name!r} is encrypted")
    if info.compress_type not in _METHODS:
        raise _refused(archive, f"the member {name!r} is compressed by method {info.compress_type}")
    return PurePosixPath(name)


def _is_plain(part: str) -> bool:
    """Whether a path component names the same plain file on every system (no drive, stream or device)."""
    return (
        len(part.encode()) <= 255
        and not any(char in '\\:*?"<>|' or unicodedata.category(char) in ("Cc", "Cs") for char in part)
        and part[-1] not in ". "
        and not _DEVICES.fullmatch(part)
    )


def _check_distinct(members: list[_Member], archive: Path) -> None:
    """Refuse names that some file system takes for the same, and files that are also folders."""
    files: set[str] = set()
    folders: set[str] = set()
    for member in members:
        name = unicodedata.normalize("NFC", str(member.path)).casefold()
        if member.info.is_dir():
            folders.add(name)
        elif name in files:
            raise _refused(archive, f"two members are named {str(member.path)!r}")
        else:
            files.add(name)
        folders.update(str(parent) for parent in PurePosixPath(name).parents)
    if clash := sorted(files & folders):
        raise _refused(archive, f"{clash[0]!r} is both a file and a folder")


def _checked_total(members: list[_Member], archive: Path) -> int:
    total = sum(member.info.file_size for member in members)
    packed = sum(member.info.compress_size for member in members)
    size = archive.stat().st_size
    if packed > size:
        raise _refused(archive, "its members overlap, as in a zip bomb")
    if total > max(_MAX_RATIO * size, _RATIO_ALLOWANCE_BYTES):
        raise _refused(archive, f"its {size} bytes claim to hold {total}, as in a zip bomb")
    return total


def _check_space(parent: Path, total: int, archive: Path) -> None:
    free = shutil.disk_usage(parent).free
    if total + _RESERVE_BYTES > free:
        raise DownloadError(
            f"not enough disk space to extract {archive}: it needs {total / 1e6:,.0f} MB in {parent}, "
            f"{free / 1e6:,.0f} MB are free; make room, or choose another folder with --data, and run again"
        )


def _write(
    opened: zipfile.ZipFile,
    members: list[_Member],
    folder: Path,
    total: int,
    on_bytes: Callable[[int, int], None],
) -> int:
    folder.mkdir()
    done = 0
    for member in members:
        path = folder / member.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(member.info) as packed, path.open("xb") as file:
            # zipfile never yields more than the declared size, and checks the CRC at the end.
            while chunk := packed.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                on_bytes(done, total)
    return done
