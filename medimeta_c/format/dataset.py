"""Description of a dataset: what sources give, the catalogue lists and manifests keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from medimeta_c.format.keys import PHANTOMS
from medimeta_c.io.records import Count, Name, Record, Sha256, Since

__all__ = ["DatasetInfo", "DatasetRecord"]


class DatasetInfo(Record):
    """What a source, or a publisher, says of a dataset.

    Attributes
    ----------
    dataset : str
        The dataset's id, e.g. ``"pbc"``.
    kind : str
        The source family that reads it.
    title, modality, task : str
        Human-readable name, imaging modality, and the classification task read.
    class_names : tuple of str
        In label order: the name of label ``i`` is ``class_names[i]``.
    channels : int
        1 (grey) or 3 (RGB).
    splits : mapping of str to int
        Number of images in each split.
    license, citation, homepage : str
        Terms, references (one a line) and address, as the data's own files or its publisher state them.
    """

    dataset: str
    kind: str
    title: str
    modality: str
    task: str
    class_names: tuple[str, ...]
    channels: Literal[1, 3]
    splits: Mapping[str, Count]
    license: str
    citation: str
    homepage: str

    @property
    def single_label(self) -> bool:
        """Whether an image has exactly one class, which everything in this package needs."""
        return not self.task.startswith("multi-label")


class DatasetRecord(DatasetInfo):
    """A dataset that was read, and what was built from it.

    Attributes
    ----------
    checksum : str
        Digest of the files read.
    profile : str or None
        The imaging modality by which the suite chooses corruptions, where the suite has profiles.
    label_values : tuple of int
        The data's own label of each class, where they are not 0, 1, 2, …
    synthetic : bool
        Whether its images are generated, where the kind does not say so.
    fingerprint : str
        Of the sets built; empty while there are none.
    corruptions : tuple of str
        The suite's corruptions of this dataset, where they are not the same for every dataset.
    """

    checksum: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    profile: Annotated[str | None, Since(2)] = None
    label_values: Annotated[tuple[int, ...], Since(2)] = ()
    synthetic: Annotated[bool, Since(2)] = False
    fingerprint: Annotated[Sha256, Since(1)] = ""
    corruptions: Annotated[tuple[Name, ...], Since(2)] = ()

    @classmethod
    def of(cls, info: DatasetInfo, checksum: str, *, synthetic: bool = False) -> DatasetRecord:
        """Return the record of a dataset of which nothing is built yet."""
        # The kind "phantoms" says of itself that its images are synthetic.
        return cls(**dict(info), checksum=checksum, synthetic=synthetic and info.kind != PHANTOMS)

    @property
    def is_phantom(self) -> bool:
        """Whether its images are generated, not medical."""
        return self.synthetic or self.kind == PHANTOMS
