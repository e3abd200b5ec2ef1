"""Parts of an evaluation: what they are parts of, as a file beside their unfinished cells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from medimeta_c.errors import Remedy, ResultError
from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import Record, Text, write_record
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.results.paraphrases.folder import Wordings
from medimeta_c.results.result import StoredMark
from medimeta_c.results.unfinished import UNFINISHED

__all__ = ["PARTS_PATH", "Parted"]

PARTS_PATH = f"{UNFINISHED}/parts.json"
"""Below a result's folder."""


class Parted(Record):
    """What an evaluation in parts was asked for: all that its result depends on beside the predictions.

    Attributes
    ----------
    of : int
        The number of parts.
    benchmark : str
        The benchmark that was scored: a directory, a URL, or a repository on the Hub.
    scope : Scope
        The cells of all parts.
    baseline : str
        As `choose_baseline` takes it.
    resampling : Resampling
        How intervals are made.
    metrics : tuple of str
        What is computed of each cell.
    limit : int or None
        Only the first so many images of each set.
    marks, plugins
        As the result has them.
    wordings : Wordings or None
        Of a sweep over prompts.
    """

    of: Annotated[int, Field(ge=1)]
    benchmark: Text
    scope: Scope
    baseline: Text
    resampling: Resampling
    metrics: tuple[Text, ...]
    limit: Annotated[int, Field(ge=1)] | None = None
    marks: tuple[StoredMark, ...] = ()
    plugins: tuple[PluginRecord, ...] = ()
    wordings: Wordings | None = None

    @classmethod
    def read(cls, folder: Path) -> Parted | None:
        """Return the evaluation that the parts in a result's folder belong to; None if it has no parts.

        Raises
        ------
        ResultError
            If the file is damaged.
        """
        path = folder / PARTS_PATH
        return read_record(path, cls, f"delete {path} and evaluate again") if path.is_file() else None

    def write(self, folder: Path) -> None:
        """Write the record into a result's folder."""
        write_record(folder / PARTS_PATH, self)

    def agree(self, folder: Path) -> None:
        """Write the record, or compare it with the one of the parts that a result's folder holds.

        Raises
        ------
        ResultError
            If they are parts of another evaluation.
        """
        held = Parted.read(folder)
        if held is None:
            self.write(folder)
        elif found := self.difference(held):
            name, theirs, ours = found
            raise ResultError(
                f"{folder} holds parts of another evaluation: their {name} is {theirs}, not {ours}",
                remedy=[Remedy("give all parts the same"), Remedy("choose another {out}")],
            )

    def difference(self, held: Parted) -> tuple[str, Any, Any] | None:
        """Return the first difference of two evaluations, with both values; where the data is may differ."""
        for field, name in _COMPARED.items():
            theirs, ours = getattr(held, field), getattr(self, field)
            if theirs != ours:
                return name, _shown(theirs), _shown(ours)
        return None


_COMPARED = {
    "of": "number of parts",
    "scope": "list of cells",
    "limit": "limit",
    "baseline": "baseline",
    "metrics": "metrics",
    "resampling": "resampling",
    "wordings": "sweep over prompts",
    "marks": "marks",
    "plugins": "plug-ins",
}
_LONGEST = 80


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
