"""``probes.json``: every head of a probe, with its shots, seed and scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from medimeta_c.io.reading import read_record
from medimeta_c.io.records import Count, Document, Name, Record, Sha256, Text, write_record
from medimeta_c.models.contract import model_slug
from medimeta_c.results.ablation import Scored

__all__ = ["PROBES_NAME", "Overlap", "ProbeRun", "Probes", "probes_folder", "read_probes", "write_probes"]

PROBES_NAME = "probes.json"


class Overlap(Record):
    """How many patients of the scored split also have images in a split that was learned from.

    Attributes
    ----------
    groups, shared : int
        Patients of the scored split, and those of them that have been seen.
    images, shared_images : int
        Images of the scored split, and those of the patients seen.
    """

    groups: Count
    shared: Count
    images: Count
    shared_images: Count


class ProbeRun(Record):
    """One head, as it was trained and scored.

    Attributes
    ----------
    head, title : str
        Its name, and what tables call it.
    shots : int or None
        Training images of each class; None for all, 0 for a head that is not trained.
    seed : int
        Which images those are.
    folder : str
        Of its result, below the root of all results.
    scored : Scored
        Over all datasets.
    datasets : dict of str to Scored
        Over each.
    """

    head: Text
    title: Text
    shots: Count | None
    seed: Count
    folder: Text
    scored: Scored
    datasets: dict[Name, Scored]


class Probes(Document):
    """``probes.json``.

    Attributes
    ----------
    model, benchmark : str
        What was probed, and what it was scored on.
    fingerprint : str
        The benchmark's.
    split : str
        The split scored.
    draw_from : {"train", "val"}
        The split that shots were drawn from.
    baseline : str or None
        What CE divides by.
    overlap : dict of str to Overlap
        By dataset; those whose patients are not known are absent.
    left_out : dict of str to str
        Heads that the model cannot have, and why.
    runs : tuple of ProbeRun
        Head by head.
    """

    model: Text
    benchmark: Text
    fingerprint: Sha256
    split: Name
    draw_from: Literal["train", "val"]
    baseline: Text | None
    overlap: dict[Name, Overlap]
    left_out: dict[Text, Text]
    runs: Annotated[tuple[ProbeRun, ...], Field(min_length=1)]

    def folder_in(self, out: Path) -> Path:
        """Return the folder of the probe's files, below the root of all results; see `probes_folder`."""
        return probes_folder(out, self.model, self.fingerprint)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets scored."""
        return tuple(self.runs[0].datasets)

    def grouped(self) -> list[Sequence[ProbeRun]]:
        """Return the runs of each head and number of shots, which differ by their seed."""
        found: dict[tuple[str, int | None], list[ProbeRun]] = {}
        for run in self.runs:
            found.setdefault((run.head, run.shots), []).append(run)
        return list(found.values())


def probes_folder(out: Path, model: str, fingerprint: str) -> Path:
    """Return the folder of a model's probes: ``<out>/<model-slug>-probes/<fingerprint12>``."""
    return out / f"{model_slug(model)}-probes" / fingerprint[:12]


def write_probes(folder: Path, probes: Probes) -> None:
    """Write ``probes.json`` into a folder, atomically."""
    write_record(folder / PROBES_NAME, probes)


def read_probes(path: Path) -> Probes:
    """Read the file of a probe, or that of its folder.

    Raises
    ------
    ResultError
        If it is missing or not such a file.
    """
    remedy = "give the folder that `medimeta-c probe` wrote"
    return read_record(path / PROBES_NAME if path.is_dir() else path, Probes, remedy)
