"""Your own images: one sub-folder per class, with or without a folder per split above them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from medimeta_c.errors import ConfigError, SourceError, printable, unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import Image, check_name
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Record
from medimeta_c.sources.contract import Channels, Reading
from medimeta_c.sources.files import checksum_of
from medimeta_c.sources.folders.ids import ids_key, keyed, running_numbers, write_ids
from medimeta_c.sources.folders.layout import NOTES, Layout, Picture, find_root, raise_problems, scan
from medimeta_c.sources.pictures import picture_channels, read_picture, shows_grey

__all__ = ["ImagefolderSource", "open_imagefolder"]

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
    channels, mode = _common_channels(root, layout, reading)
    raise_problems(root, layout.problems)
    files, notes = _read_notes(root, layout.classes)
    known_task = notes.task or "class"
    if task not in (None, known_task):
        raise ConfigError(f"{dataset} has only the task {known_task!r}: leave out --task")
    info = DatasetInfo(
        dataset=dataset,
        kind="imagefolder",
        title=notes.title or dataset,
        modality=notes.modality or "Medical Image",
        task=known_task,
        class_names=tuple(notes.class_names.get(name, name) for name in layout.classes),
        channels=channels,
        splits={split: len(pictures) for split, pictures in layout.splits.items()},
        license=notes.license,
        citation=notes.citation,
        homepage=notes.homepage,
    )
    key = ids_key(reading.ids, new=reading.new_ids) if layout.patients else None
    splits = layout.splits if key is None else _numbered(layout, key)
    texts = [*files, *layout.tables]
    reading = replace(reading, channels=mode)
    return ImagefolderSource(info, root, splits, notes=texts, reading=reading, key=key)


class ImagefolderSource:
    """Images of one folder, labelled by the sub-folder they are in. Made by `open_imagefolder`.

    Image ids are ``<class folder>/<file name without ending>``, with characters other than letters,
    digits, ``.``, ``_`` and ``-`` replaced by ``_``; or running
    numbers where patients are known. Objects can be pickled; no file stays open.
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
    ) -> None:
        self.info = info
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
        path = self._root / self._picture(split, image_id).file
        return read_picture(
            path, channels=self.info.channels, mode=self._reading.channels, window=self._reading.shades
        )

    def shows_grey(self, split: str, image_id: str) -> bool:
        """Return whether an image is grey, or RGB that shows grey; compression may have coloured it a bit."""
        path = self._root / self._picture(split, image_id).file
        return shows_grey(path, window=self._reading.shades)

    def groups(self, split: str) -> dict[str, int]:
        """Return the number of the patient of each image of a split; none where patients are not known."""
        numbers = {image_id: picture.group for image_id, picture in self._pictures(split).items()}
        return {image_id: number for image_id, number in numbers.items() if number is not None}

    def checksum(self) -> str:
        """Return the digest of every image, of the notes if there are any, and of the key of ids."""
        images = (picture.file for pictures in self._splits.values() for picture in pictures.values())
        checksum = checksum_of(self._root, [*self._notes, *images])
        return checksum if self._key is None else keyed(checksum, self._key)

    def keep_ids(self) -> None:
        """Write the table that leads from ids back to files and patients, if patients are known."""
        if self._key is not None and self._reading.ids is not None:
            files = {
                (split, image_id): (picture.file, picture.patient)
                for split, pictures in self._splits.items()
                for image_id, picture in pictures.items()
            }
            write_ids(self._reading.ids, self.info.dataset, files)

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


def _numbered(layout: Layout, key: bytes) -> dict[str, dict[str, Picture]]:
    """Return the images by split and id, images and patients with running numbers."""
    places = [(split, picture) for split, own in layout.splits.items() for picture in own.values()]
    numbers = running_numbers({picture.file for _, picture in places}, key)
    groups = running_numbers(layout.patients, key)
    splits: dict[str, dict[str, Picture]] = {split: {} for split in layout.splits}
    width = max(6, len(str(len(numbers))))  # so that ids sort as numbers do
    for split, picture in sorted(places, key=lambda place: numbers[place[1].file]):
        image_id = f"{numbers[picture.file]:0{width}d}"
        splits[split][image_id] = replace(picture, group=groups[picture.patient])
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
            f"{path}: class_names mentions {min(unknown)!r}, which is no class folder "
            f"({', '.join(classes)}): correct it"
        )
    shown = [notes.class_names.get(folder, folder) for folder in classes]
    if len(set(shown)) != len(shown):
        raise SourceError(f"{path}: two classes would have the same name ({', '.join(shown)}): correct it")
    return present, notes


def _common_channels(root: Path, layout: Layout, reading: Reading) -> tuple[Literal[1, 3], Channels]:
    """Return the channels of the images, and how each file is to be read; problems go to the layout's."""
    first: dict[int, str] = {}
    mode, window = reading.channels, reading.shades
    for file in (picture.file for pictures in layout.splits.values() for picture in pictures.values()):
        try:
            first.setdefault(picture_channels(root / file, window=window), file)
            if mode == "grey":
                read_picture(root / file, mode=mode, window=window)
        except SourceError as error:
            layout.problems.append(str(error))
    if mode in ("grey", "luma"):
        return 1, mode
    if len(first) < 2:
        return (1 if 1 in first else 3), "source"
    if mode == "source":
        layout.problems.append(
            f"{root} mixes grey and RGB images ({first[1]} is grey, {first[3]} is RGB): take them all as one "
            "of the two with --channels rgb or --channels luma, or convert them all"
        )
    return 3, mode
