"""One dataset of the published MediMeta-C: its files, image ids and class names."""

from __future__ import annotations

import contextlib
import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medimeta_c.building.medimetac.files import IMAGES, NpzSet, published
from medimeta_c.building.medimetac.matching import Classes, Rows, decide_classes, match_rows
from medimeta_c.building.medimetac.records import SplitRow
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import CLEAN, MEDIMETAC, Image, SetKey
from medimeta_c.io.records import canonical_json
from medimeta_c.sources.catalog import catalog
from medimeta_c.sources.files import checksum_of
from medimeta_c.sources.medimeta import open_medimeta
from medimeta_c.sources.npz import NpzArray, npz_rows
from medimeta_c.sources.rows import check_labels, row_id

__all__ = ["BY_POSITION", "LEFT_OUT", "PublishedDataset", "clean_of", "labels_follow", "open_published"]

BY_POSITION = "names by position, not checked against images"
LEFT_OUT = "files whose labels are not the clean file's are left out"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PublishedDataset:
    """One dataset. Made by `open_published`; can be pickled.

    Parameters
    ----------
    info : DatasetInfo
        With the paper's reference; its title says what was not checked.
    folder : Path
        The dataset's own.
    sets : mapping of SetKey to NpzSet
        Its files.
    ids : mapping of str to tuple of str
        The image ids of each split, in the order of rows.
    ids_matched : bool
        Whether they are MedIMeta's, and not row numbers.
    classes : Classes
        What labels are called.
    matches : tuple of SplitRow
        How many clean images were found in MedIMeta; empty where nobody looked.
    """

    info: DatasetInfo
    folder: Path
    sets: Mapping[SetKey, NpzSet]
    ids: Mapping[str, tuple[str, ...]]
    ids_matched: bool
    classes: Classes
    matches: tuple[SplitRow, ...]

    def checksum(self) -> str:
        """Return the digest of the files, and of what their rows and labels are taken for."""
        names = [file.path.relative_to(self.folder).as_posix() for file in self.sets.values()]
        taken = canonical_json({"ids": dict(self.ids), "class_names": self.classes.names})
        text = f"{checksum_of(self.folder, names)}\n{taken}"
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def rows(self, key: SetKey) -> Iterator[tuple[str, int, Image]]:
        """Yield image id, label and pixels of a set in the order of ids, reading its file to the end.

        Raises
        ------
        SourceError
            If the file turns out to be damaged, which may be only at its end.
        """
        file, ids = self.sets[key], self.ids[key.split]
        order = sorted(range(len(ids)), key=ids.__getitem__)
        stream: Iterator[Image] = npz_rows(file.path, IMAGES)
        with contextlib.closing(NpzArray(file.path, IMAGES)) as array:
            if order != list(range(len(ids))):
                deque(stream, maxlen=0)  # a stored array is mapped where it lies, past its checksum
                stream = (np.array(array.array()[row]) for row in order)
            for row, image in zip(order, stream, strict=True):
                yield ids[row], int(file.labels[row]), image


def clean_of(sets: Mapping[SetKey, NpzSet], key: SetKey) -> NpzSet:
    """Return the clean file beside a file."""
    return sets[SetKey(key.dataset, key.split, CLEAN, 0)]


def labels_follow(sets: Mapping[SetKey, NpzSet], key: SetKey) -> bool:
    """Return whether a file's labels are its clean file's, row by row."""
    return np.array_equal(sets[key].labels, clean_of(sets, key).labels)


def open_published(
    dataset: str, folder: Path, sets: Mapping[SetKey, NpzSet], data_dir: Path | None
) -> PublishedDataset:
    """Decide what the rows and labels of a dataset's files are.

    Parameters
    ----------
    dataset : str
        One of the seven.
    folder : pathlib.Path
        The folder of all datasets.
    sets : mapping of SetKey to NpzSet
        The dataset's files, checked.
    data_dir : pathlib.Path or None
        Where the clean MedIMeta data is, if it is at hand.

    Raises
    ------
    SourceError
        If a clean file or the MedIMeta data is damaged or missing, or a label matches two classes.
    """
    clean = {key.split: file for key, file in sets.items() if key.corruption == CLEAN}
    labels = [int(label) for file in clean.values() for label in file.labels]
    info, names = catalog()[dataset], published().class_names[dataset]
    matches: dict[str, Rows] = {}
    if data_dir is not None:
        source = open_medimeta(dataset, data_dir)
        info, names = source.info, source.info.class_names
        for file in sets.values():
            check_labels(f"{file.path}, array 'labels'", file.labels, names)
        for split, file in clean.items():
            matches[split] = match_rows(npz_rows(file.path, IMAGES), split, source)
        source.close()
    known = [one for rows in matches.values() for one in rows.classes] or [None] * len(labels)
    classes = decide_classes(dataset, names, labels, known)
    aligned = all(labels_follow(sets, key) for key in sets)
    ids_matched = bool(matches) and all(None not in rows.ids for rows in matches.values())
    notes = [BY_POSITION] * (not classes.checked) + [LEFT_OUT] * (not aligned)
    return PublishedDataset(
        info=info.model_copy(
            update={
                "kind": MEDIMETAC,
                "title": f"{info.title} ({'; '.join(notes)})" if notes else info.title,
                "class_names": classes.names,
                "channels": 3,
                "splits": {split: len(file.labels) for split, file in clean.items()},
                "citation": f"{info.citation}\n{published().citation}",
                "homepage": published().homepage,
            }
        ),
        folder=folder / dataset,
        sets=sets,
        ids={
            split: tuple(filter(None, matches[split].ids))
            if ids_matched
            else tuple(map(row_id, range(len(file.labels))))
            for split, file in clean.items()
        },
        ids_matched=ids_matched,
        classes=classes,
        matches=tuple(rows.found for rows in matches.values()),
    )
