"""Your own images: one sub-folder per class, with or without a folder per split above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from medimeta_c.errors import ConfigError, Remedy, SourceError, printable, unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import Image, check_name
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Record
from medimeta_c.sources.contract import Reading
from medimeta_c.sources.files import checksum_of
from medimeta_c.sources.folders.ids import Entry, ids_key, keyed, read_ids, running_numbers, write_ids
from medimeta_c.sources.folders.inspection import Inspection, inspect, named_people
from medimeta_c.sources.folders.layout import NOTES, Picture, find_root, raise_problems
from medimeta_c.sources.folders.scanning import scan
from medimeta_c.sources.pictures import read_picture, shows_grey

__all__ = ["ImagefolderSource", "open_imagefolder", "said_title"]

_Line = Annotated[str, AfterValidator(printable)]
_NOTES = Reader(remedy="correct it, with texts in quotes", error=SourceError, aliases=True)


class _Notes(Record):
    """What the user says of an image folder; class names by class folder."""

    title: _Line = ""
    modality: _Line = ""
    task: _Line = ""
    license: _Line = ""
    citation: _Line = ""
    homepage: _Line = ""
    class_names: dict[str, Annotated[_Line, Field(min_length=1)]] = Field(default_factory=dict)


def open_imagefolder(
    dataset: str, data_dir: Path, *, task: str | None = None, reading: Reading | None = None
) -> ImagefolderSource:
    """Open a folder of images.

    ``<data_dir>/<dataset>/<split>/<class>/<image>`` with splits called train, val and test, or
    ``<data_dir>/<dataset>/<class>/<image>``, which is one split called test. Usual spellings of splits will
    do (``Training``, ``valid``, ``test_images``). If there is no folder of the dataset's name and `data_dir`
    has that name itself, it is the dataset. Classes are numbered in the order of their folders' names.
    Instead of class folders, a ``metadata.csv`` (in the dataset's folder or each split's) may list
    ``file_name``, ``label``, ``split`` and ``patient``. Between class and image there may be a folder for
    each patient. An optional ``info.yaml`` (or ``medimeta.yaml``) in the dataset's folder may give title,
    modality, task, license, citation, homepage, and class_names (folder to name).

    Every file is looked at here, and its header read: nothing that is not an image is passed over silently,
    but for what cameras and operating systems leave in folders. All problems are named at once.

    Parameters
    ----------
    dataset : str
        The dataset's id.
    data_dir : pathlib.Path
        The folder of all datasets, or the dataset's own.
    task : str, optional
        Accepted only if it is the one the notes name, or ``"class"``.
    reading : Reading, optional
        How pictures are read; by default grey and RGB are kept, and not mixed.

    Raises
    ------
    ConfigError
        If the id is not usable, or the task is another.
    SourceError
        If there is no such folder, its layout is ambiguous, a file in it is no usable image, two images
        would have the same id, grey and RGB images are mixed where channels are kept, or one shows colours
        where grey is asked for.
    """
    check_name("dataset", dataset)
    reading = reading or Reading()
    root = find_root(dataset, Path(data_dir), data_is_dataset=reading.data_is_dataset)
    layout = scan(root, reading.classes_are)
    found = inspect(root, layout, reading)
    raise_problems(root, layout.problems)
    files, notes = _read_notes(root, layout.classes)
    known_task = notes.task or "class"
    if task not in (None, known_task):
        raise ConfigError(
            f"{dataset} has only the task {known_task!r}", value=task, remedy=Remedy("leave out {task}")
        )
    info = DatasetInfo(
        dataset=dataset,
        kind="imagefolder",
        title=notes.title or dataset,
        modality=notes.modality or "Medical Image",
        task=known_task,
        class_names=tuple(notes.class_names.get(name, name) for name in layout.classes),
        channels=found.channels,
        splits=dict(Counter(split for split, _, _ in found.pictures)),
        license=notes.license,
        citation=notes.citation,
        homepage=notes.homepage,
    )
    numbered = found.dicom or bool(layout.patients)
    key = ids_key(reading.ids, new=reading.new_ids) if numbered else None
    splits = layout.splits if key is None else _numbered(dataset, found, key, reading.ids)
    people = "" if numbered else named_people(root, layout)
    return ImagefolderSource(
        info,
        root,
        splits,
        notes=[*files, *layout.tables],
        reading=replace(reading, channels=found.mode),
        key=key,
        warnings=(*found.warnings, *filter(None, [people])),
    )


def said_title(root: Path) -> str:
    """Return the title that a dataset's folder gives itself, empty if it gives none; no picture is read.

    Raises
    ------
    SourceError
        If its notes cannot be read.
    """
    present = [root / name for name in NOTES if (root / name).is_file()]
    return _NOTES.read(present[0], _Notes).title if present else ""


class ImagefolderSource:
    """Images of one folder, labelled by the sub-folder they are in. Made by `open_imagefolder`.

    Image ids are ``<class folder>/<file name without ending>``, with characters other than letters,
    digits, ``.``, ``_`` and ``-`` replaced by ``_``; or running numbers, where patients are known or a file
    is DICOM. Objects can be pickled; no file stays open.

    Attributes
    ----------
    numbered : bool
        Whether image ids are running numbers.
    warnings : tuple of str
        What whoever uses the data should know.
    """

    def __init__(  # noqa: PLR0913  (made in one place, from values already checked)
        self,
        info: DatasetInfo,
        root: Path,
        splits: Mapping[str, Mapping[str, Picture]],
        *,
        notes: list[str],
        reading: Reading,
        key: bytes | None,
        warnings: tuple[str, ...],
    ) -> None:
        self.info, self.numbered, self.warnings = info, key is not None, warnings
        self._root = root
        self._splits = splits
        self._notes = notes
        self._reading = reading
        self._key = key

    def ids(self, split: str) -> tuple[str, ...]:
        """Return the image ids of a split, sorted; raises ConfigError if there is no such split."""
        return tuple(self._pictures(split))

    def label(self, split: str, image_id: str) -> int:
        """Return an image's label, an index into ``info.class_names``."""
        return self._picture(split, image_id).label

    def image(self, split: str, image_id: str) -> Image:
        """Return an image's pixels: uint8, (H, W) or (H, W, 3), freshly allocated.

        Raises
        ------
        ConfigError
            If the split does not hold the image.
        SourceError
            If the file is damaged, or partly transparent.
        """
        picture = self._picture(split, image_id)
        return read_picture(
            self._root / picture.file,
            channels=self.info.channels,
            mode=self._reading.channels,
            window=self._reading.shades,
            frame=picture.frame,
        )

    def shows_grey(self, split: str, image_id: str) -> bool:
        """Return whether an image is grey, or RGB that shows grey; compression may have coloured it a bit."""
        picture = self._picture(split, image_id)
        return shows_grey(self._root / picture.file, window=self._reading.shades, frame=picture.frame)

    def groups(self, split: str) -> dict[str, int]:
        """Return the number of the patient of each image of a split; none where patients are not known."""
        numbers = {image_id: picture.group for image_id, picture in self._pictures(split).items()}
        return {image_id: number for image_id, number in numbers.items() if number is not None}

    def checksum(self) -> str:
        """Return the digest of every image, of the notes if there are any, and of the key of ids."""
        images = [picture.file for pictures in self._splits.values() for picture in pictures.values()]
        checksum = checksum_of(self._root, [*self._notes, *dict.fromkeys(images)])
        return checksum if self._key is None else keyed(checksum, self._key)

    def keep_ids(self) -> None:
        """Write the table that leads from running numbers back to files and patients."""
        if self._key is not None and self._reading.ids is not None:
            entries = (
                _entry(picture, split, image_id)
                for split, pictures in self._splits.items()
                for image_id, picture in pictures.items()
            )
            write_ids(self._reading.ids, self.info.dataset, entries)

    def _pictures(self, split: str) -> Mapping[str, Picture]:
        if split not in self._splits:
            raise unknown_name(f"split of {self.info.dataset}", split, self._splits)
        return self._splits[split]

    def _picture(self, split: str, image_id: str) -> Picture:
        pictures = self._pictures(split)
        if image_id not in pictures:
            raise ConfigError(
                f"no image {image_id!r} in split {split!r} of {self.info.dataset}: "
                f"ids are like {next(iter(pictures))!r}"
            )
        return pictures[image_id]


def _entry(picture: Picture, split: str = "", image_id: str = "") -> Entry:
    frame, group = ("" if number is None else str(number) for number in (picture.frame, picture.group))
    return Entry(split, image_id, picture.file, frame, picture.patient, group)


def _numbered(dataset: str, found: Inspection, key: bytes, ids: Path | None) -> dict[str, dict[str, Picture]]:
    """Return the images by split and id, images and patients with running numbers.

    What an earlier build with the same key has numbered keeps its numbers.
    """
    pictures = [
        (split, replace(picture, patient=keyed(found.subjects[picture.file], key)))
        if picture.file in found.subjects
        else (split, picture)
        for split, _, picture in found.pictures
    ]
    before = read_ids(ids, dataset)
    images = {entry.name: int(entry.image_id) for entry in before}
    images = running_numbers({_entry(picture).name for _, picture in pictures}, key, images)
    groups = {entry.patient: int(entry.group) for entry in before if entry.patient}
    groups = running_numbers({picture.patient for _, picture in pictures} - {""}, key, groups)
    splits: dict[str, dict[str, Picture]] = {split: {} for split, _ in pictures}
    width = max(6, len(str(max(images.values()))))  # so that ids sort as numbers do
    for split, picture in sorted(pictures, key=lambda place: images[_entry(place[1]).name]):
        number = images[_entry(picture).name]
        splits[split][f"{number:0{width}d}"] = replace(picture, group=groups.get(picture.patient))
    return splits


def _read_notes(root: Path, classes: tuple[str, ...]) -> tuple[list[str], _Notes]:
    """Return the name of the file of notes in a dataset's folder, if it has one, and the notes."""
    present = [name for name in NOTES if (root / name).is_file()]
    if not present:
        return present, _Notes()
    if len(present) > 1:
        raise SourceError(f"{root} has both {' and '.join(present)}: keep one of them")
    path = root / present[0]
    notes = _NOTES.read(path, _Notes)
    if unknown := notes.class_names.keys() - set(classes):
        raise SourceError(
            f"{path}: class_names mentions {min(unknown)!r}, which is not a class folder "
            f"({', '.join(classes)}): correct it"
        )
    shown = [notes.class_names.get(folder, folder) for folder in classes]
    if len(set(shown)) != len(shown):
        raise SourceError(f"{path}: two classes would have the same name ({', '.join(shown)}): correct it")
    return present, notes
