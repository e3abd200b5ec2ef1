"""Corrupt image files: files in, PNG files out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

from medimeta_c.errors import ConfigError, Remedy, unknown_name
from medimeta_c.format import png
from medimeta_c.format.keys import SetKey
from medimeta_c.format.seeding import generator
from medimeta_c.io.files import write_atomic
from medimeta_c.io.settings import StrPath, as_path, several
from medimeta_c.sources.contract import Frames
from medimeta_c.sources.pictures import picture_headers, read_picture
from medimeta_corruptions import CORRUPTIONS
from medimeta_corruptions import corrupt as corrupt_image

__all__ = ["corrupt_files"]


def corrupt_files(  # noqa: PLR0913  (each of them is one choice of the user's)
    images: StrPath | Iterable[StrPath],
    corruption: str,
    severity: int,
    out: StrPath,
    *,
    seed: int = 0,
    frames: str = "one",
) -> list[Path]:
    """Corrupt image files and write the results as PNG.

    An image's random numbers derive from the seed, its file name, the corruption and the severity: the same
    file gives the same pixels whatever else is corrupted with it.

    Parameters
    ----------
    images : str or path, or several
        8-bit grey or RGB image files; names must differ.
    corruption : str
        A registered corruption.
    severity : int
        1 to 5.
    out : str or path
        Folder written to, as ``<stem>_<corruption>_<severity>.png``.
    seed : int, optional
        Root of every image's seed.
    frames : {"one", "each"}, optional
        Whether a file of several frames is refused, or each frame of a DICOM file is an image, written as
        ``<stem>_frame<number>_<corruption>_<severity>.png`` with random numbers of its own.

    Returns
    -------
    list of Path
        The files written, in the order of `images`.

    Raises
    ------
    ConfigError
        If the corruption or severity is unknown, a file's name is not valid Unicode, or two images would be
        written to one file, or one over another's original.
    SourceError
        If an image cannot be read.
    WriteError
        If a file cannot be written.
    """
    if corruption not in CORRUPTIONS:
        raise unknown_name("corruption", corruption, CORRUPTIONS)
    if severity not in range(1, 6):
        raise ConfigError(f"unknown severity {severity}: use 1 to 5")
    if frames not in get_args(Frames):
        raise unknown_name("frames", frames, get_args(Frames))
    folder = as_path(out, "out")
    files = [as_path(image, "image") for image in several(images)]
    parts = [(path, frame) for path in files for frame in _frames(path, each=frames == "each")]
    targets = [folder / f"{path.stem}{_mark(frame)}_{corruption}_{severity}.png" for path, frame in parts]
    _check_targets([path for path, _ in parts], targets)
    key = SetKey("files", "input", corruption, severity)
    for (path, frame), target in zip(parts, targets, strict=True):
        image = read_picture(path, frame=frame)
        result = corrupt_image(image, corruption, severity, generator(seed, key, path.name + _mark(frame)))
        write_atomic(target, png.encode(result))
    return targets


def _frames(path: Path, *, each: bool) -> Sequence[int | None]:
    count = len(picture_headers(path, each_frame=True)) if each else 1
    return range(count) if count > 1 else (None,)


def _mark(frame: int | None) -> str:
    return "" if frame is None else f"_frame{frame}"


def _check_targets(images: Sequence[Path], targets: Sequence[Path]) -> None:
    """Refuse targets that would cost a file, before anything is written."""
    originals, taken = {path.resolve() for path in images}, set()
    for path, target in zip(images, targets, strict=True):
        if any("\ud800" <= char <= "\udfff" for char in path.name):
            raise ConfigError(f"{path.name!r} is no valid file name in UTF-8: rename it")
        if target in taken:
            raise ConfigError(f"two images would be written to {target}: corrupt them into different folders")
        if target.resolve() in originals:
            raise ConfigError(
                f"{target} is itself to be corrupted and would be written over",
                remedy=Remedy("choose another {out}"),
            )
        taken.add(target)
