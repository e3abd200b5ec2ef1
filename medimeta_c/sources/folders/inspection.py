"""Inspect the files in a folder of pictures: channels, frames, and the patients that DICOM names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from medimeta_c.errors import Remedy, SourceError
from medimeta_c.sources.contract import Channels, Reading
from medimeta_c.sources.folders.layout import Layout, Picture
from medimeta_c.sources.folders.names import split_of, words_of_a_person
from medimeta_c.sources.pictures import picture_headers, read_picture

__all__ = ["Inspection", "inspect", "named_people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a look into every file's header found.

    Parameters
    ----------
    channels : {1, 3}
        Of the images.
    mode : {"source", "rgb", "grey", "luma"}
        How each file is to be read for that.
    pictures : tuple of (str, str, Picture)
        Split, id by path, and every image; each frame by itself if so asked.
    dicom : bool
        Whether any file is DICOM.
    subjects : dict of str to str
        Whom each file is of, as DICOM says it; of all files or of none.
    warnings : tuple of str
        What whoever uses the data should know.
    """

    channels: Literal[1, 3]
    mode: Channels
    pictures: tuple[tuple[str, str, Picture], ...]
    dicom: bool
    subjects: dict[str, str]
    warnings: tuple[str, ...]


def inspect(root: Path, layout: Layout, reading: Reading) -> Inspection:
    """Look into every file of a folder; problems go to the layout's."""
    first: dict[int, str] = {}
    pictures: list[tuple[str, str, Picture]] = []
    subjects: dict[str, str] = {}
    dicom = False
    mode, window = reading.channels, reading.shades
    places = [(split, *one) for split, own in layout.splits.items() for one in own.items()]
    for split, image_id, picture in places:
        path = root / picture.file
        try:
            headers = picture_headers(path, window=window, each_frame=reading.frames == "each")
            frames = range(len(headers)) if len(headers) > 1 else (None,)
            first.setdefault(headers[0].channels, picture.file)
            dicom = dicom or headers[0].format == "DICOM"
            if headers[0].patient:
                subjects[picture.file] = headers[0].patient
            for frame in frames:
                if mode == "grey":
                    read_picture(path, mode=mode, window=window, frame=frame)
                pictures.append((split, image_id, replace(picture, frame=frame)))
        except SourceError as error:
            layout.problems.append(error)
    channels, mode = _common_channels(root, first, mode, layout.problems)
    warning = "" if layout.patients or layout.problems else _lacking(subjects, len(places))
    return Inspection(
        channels=channels,
        mode=mode,
        pictures=tuple(pictures),
        dicom=dicom,
        subjects={} if layout.patients or warning else subjects,
        warnings=(warning,) if warning else (),
    )


def _common_channels(
    root: Path, first: dict[int, str], mode: Channels, problems: list[str | SourceError]
) -> tuple[Literal[1, 3], Channels]:
    """Return the channels of the images, and how each file is to be read."""
    if mode in ("grey", "luma"):
        return 1, mode
    if len(first) < 2:
        return (1 if 1 in first else 3), "source"
    if mode == "source":
        problems.append(
            SourceError(
                f"{root} mixes grey and RGB images ({first[1]} is grey, {first[3]} is RGB)",
                remedy=[
                    Remedy("make them all colour with {channels}", channels="rgb"),
                    Remedy("make them all grey with {channels}", channels="luma"),
                    Remedy("convert them all"),
                ],
            )
        )
    return 3, mode


def _lacking(subjects: dict[str, str], files: int) -> str:
    """Return why the PatientIDs of DICOM files cannot group the images; empty if there is no reason."""
    if subjects and len(subjects) < files:
        return (
            f"{files - len(subjects)} of {files} files have no PatientID, so images are not grouped by "
            "patient: put each patient's images into a folder <class>/<patient>"
        )
    if files > 1 and len(set(subjects.values())) == 1:
        return (
            f"all {files} files have the same PatientID (anonymised?), so images are not grouped by "
            "patient: put each patient's images into a folder <class>/<patient>"
        )
    return ""


def named_people(root: Path, layout: Layout) -> str:
    """Return a sentence about files that seem to be named after people; empty if none do.

    Names of classes and splits, and words that many files have in common, are not counted.
    """
    found: dict[str, str] = {}
    files = [picture.file for own in layout.splits.values() for picture in own.values()]
    for file in files:
        parts = PurePosixPath(file).with_suffix("").parts
        own = (part for part in parts if part not in layout.classes and split_of(part) is None)
        words = next(filter(None, (words_of_a_person(part, layout.classes) for part in own)), "")
        if words:
            found[file] = words
    usual = {words for words, count in Counter(found.values()).items() if count > max(20, len(files) // 5)}
    people = [file for file, words in found.items() if words not in usual]
    if not people:
        return ""
    return (
        f"{len(people)} of {len(files)} files have names that look like people's (first: "
        f"{root / people[0]}), and file names become image ids, which are published: rename them, or "
        "sort images into folders <class>/<patient>/<image>, which get running numbers as ids"
    )
