"""Corrupt image files and write the results as PNG files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

from medimeta_c.errors import ConfigError, Remedy, SourceError, unknown_name
from medimeta_c.format import png
from medimeta_c.format.keys import SetKey, check_distinct
from medimeta_c.format.seeding import generator
from medimeta_c.format.suites import CORE, SUITES, require_of_suite
from medimeta_c.io.files import write_atomic
from medimeta_c.io.settings import StrPath, as_path, several
from medimeta_c.sources.contract import Frames
from medimeta_c.sources.pictures import Window, picture_headers, read_picture
from medimeta_corruptions import CORRUPTIONS
from medimeta_corruptions import corrupt as corrupt_image

__all__ = ["corrupt_files"]


def corrupt_files(  # noqa: PLR0913  (each of them is one choice of the user's)
    images: StrPath | Iterable[StrPath],
    corruptions: str | Sequence[str] | None,
    severities: int | Sequence[int],
    out: StrPath,
    *,
    suite: str = CORE.name,
    profile: str | None = None,
    seed: int = 0,
    frames: str = "one",
    window: Window | str | None = None,
) -> list[Path]:
    """Corrupt image files and write the results as PNG.

    An image's random numbers derive from the seed, its file name, the corruption and the severity: the same
    file gives the same pixels whatever else is corrupted with it.

    Parameters
    ----------
    images : str or path, or several
        8-bit grey or RGB image files; names must differ.
    corruptions : str or sequence of str, or None
        The suite's corruptions, or registered ones that no suite has; None for all of the suite.
    severities : int or sequence of int
        1 to 5.
    out : str or path
        Folder written to, as ``<stem>_<corruption>_<severity>.png``.
    suite : str, optional
        What the corruptions are of.
    profile : str, optional
        What the images show, where the suite has profiles and all corruptions are wanted.
    seed : int, optional
        Root of every image's seed.
    frames : {"one", "each"}, optional
        Whether a file of several frames is refused, or each frame of a DICOM file is an image, written as
        ``<stem>_frame<number>_<corruption>_<severity>.png`` with random numbers of its own.
    window : Window or str, optional
        How grey values of more than eight bits become shades, as `read_image` takes it.

    Returns
    -------
    list of Path
        The files written: those of the first image, by corruption and severity, then the next image's.

    Raises
    ------
    ConfigError
        If a corruption or severity is unknown or given twice, a file's name is not valid Unicode, or two
        images would be written to one file, or one over another's original.
    SourceError
        If an image cannot be read.
    WriteError
        If a file cannot be written.
    """
    chosen = SUITES.find(suite)
    if corruptions is None:
        corruptions = chosen.corruptions_of("these images", profile)
    keys = _keys(corruptions, severities)
    require_of_suite((key.corruption for key in keys), chosen)
    if frames not in get_args(Frames):
        raise unknown_name("frames", frames, get_args(Frames))
    shades = Window.parse(window) if isinstance(window, str) else window
    folder = as_path(out, "out")
    files = [as_path(image, "image") for image in several(images)]
    if not files:
        raise ConfigError("no image is given: give one or more")
    parts = [(path, frame) for path in files for frame in _frames(path, shades, each=frames == "each")]
    targets = [
        folder / f"{path.stem}{_mark(frame)}_{key.corruption}_{key.severity}.png"
        for path, frame in parts
        for key in keys
    ]
    _check_targets(files, [path for path, _ in parts for _ in keys], targets)
    due = iter(targets)
    for path, frame in parts:
        image = read_picture(path, window=shades, frame=frame)
        for key in keys:
            rng = generator(seed, key, path.name + _mark(frame), chosen.seed_scheme)
            try:
                result = corrupt_image(image, key.corruption, key.severity, rng)
            except ValueError as error:  # an image that this fault cannot occur in
                raise SourceError(f"{path}: {error}") from error
            write_atomic(next(due), png.encode(result))
    return targets


def _keys(corruptions: str | Sequence[str], severities: int | Sequence[int]) -> list[SetKey]:
    """Return the sets that single images seed their generators by."""
    names = [corruptions] if isinstance(corruptions, str) else list(corruptions)
    numbers = [severities] if isinstance(severities, int) else list(severities)
    for name in names:
        if name not in CORRUPTIONS:
            raise unknown_name("corruption", name, CORRUPTIONS)
    for number in numbers:
        if number not in range(1, 6):
            raise ConfigError(f"unknown severity {number!r}: use 1 to 5")
    for kind, values in (("corruption", names), ("severity", numbers)):
        check_distinct(kind, values)
    return [SetKey("files", "input", name, number) for name in names for number in numbers]


def _frames(path: Path, window: Window | None, *, each: bool) -> Sequence[int | None]:
    count = len(picture_headers(path, window=window, each_frame=True)) if each else 1
    return range(count) if count > 1 else (None,)


def _mark(frame: int | None) -> str:
    return "" if frame is None else f"_frame{frame}"


def _check_targets(images: Sequence[Path], originals: Sequence[Path], targets: Sequence[Path]) -> None:
    """Refuse targets that would overwrite a file that is needed, before anything is written."""
    resolved, taken = {path.resolve() for path in images}, set()
    if len(set(images)) < len(images):
        twice = next(path for path in images if images.count(path) > 1)
        raise ConfigError(f"duplicate image: {twice}")
    for path, target in zip(originals, targets, strict=True):
        if any("\ud800" <= char <= "\udfff" for char in path.name):
            raise ConfigError(f"{path.name!r} is not a valid UTF-8 file name: rename it")
        if target in taken:
            raise ConfigError(f"two images would be written to {target}: corrupt them into different folders")
        if target.resolve() in resolved:
            raise ConfigError(
                f"{target} is one of the images to corrupt and would be overwritten",
                remedy=Remedy("choose another {out}"),
            )
        taken.add(target)
