"""A result read back: its numbers, its predictions and its answers, which belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medimeta_c.errors import ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.io.settings import StrPath
from medimeta_c.io.stores.stored import StoredPath
from medimeta_c.results.folder.places import result_folder, result_name
from medimeta_c.results.predictions import PREDICTIONS_NAME, CellPredictions, read_predictions
from medimeta_c.results.result import RESULT_NAME, Result, read_result
from medimeta_c.results.words.answers import ANSWERS_NAME, CellAnswers, answers_sha256, read_answers

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SavedResult", "answers_of", "check_pair", "differing_cells", "read_saved"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedResult:
    """A result read back: numbers and predictions that belong together.

    Parameters
    ----------
    name : str
        ``<model-slug>/<fingerprint12>``, the last two folders of its path.
    path : Path
        Its folder.
    result : Result
        The numbers.
    predictions : mapping of SetKey to CellPredictions
        Every cell.
    stored : StoredPath or None
        Where it is, if it was written to an object store; `path` is then a copy, until the process ends.
    """

    name: str
    path: Path
    result: Result
    predictions: Mapping[SetKey, CellPredictions]
    stored: StoredPath | None = None

    def __repr__(self) -> str:
        return f"SavedResult({str(self.path)!r}: {self.result!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values, as ``result.json`` holds them."""
        return self.result.to_dict()

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each cell; see `Result.to_pandas`."""
        return self.result.to_pandas()

    def _repr_html_(self) -> str:
        """Return accuracies, mCE and cells of each dataset, for a notebook."""
        return self.result._repr_html_()


def read_saved(path: StrPath) -> SavedResult:
    """Read a result with its predictions.

    Parameters
    ----------
    path : str or path
        As in `result_folder`.

    Raises
    ------
    ResultError
        If a file is missing or damaged, or the two do not belong together.
    """
    folder = result_folder(path)
    result = read_result(folder)
    predictions = read_predictions(folder / PREDICTIONS_NAME)
    check_pair(folder, result, predictions)
    name = result_name(folder.resolve())
    return SavedResult(name=name, path=folder, result=result, predictions=predictions)


def answers_of(folder: Path, result: Result) -> dict[SetKey, CellAnswers]:
    """Read what a model that answers in words said; empty of a result that has no such file.

    Raises
    ------
    ResultError
        If the file is missing, damaged, or not the one of this result.
    """
    if result.answers_sha256 is None:
        return {}
    said = read_answers(folder / ANSWERS_NAME)
    if answers_sha256(said) != result.answers_sha256:
        raise ResultError(
            f"{RESULT_NAME} and {ANSWERS_NAME} in {folder} do not belong together: run the same evaluation "
            "again"
        )
    return said


def check_pair(folder: Path, result: Result, predictions: Mapping[SetKey, CellPredictions]) -> None:
    """Refuse numbers and predictions that do not belong together."""
    if differing := differing_cells(result, predictions):
        raise ResultError(
            f"{RESULT_NAME} and {PREDICTIONS_NAME} in {folder} do not belong together "
            f"(first at {differing[0]}): run the same evaluation again"
        )


def differing_cells(result: Result, predictions: Mapping[SetKey, CellPredictions]) -> list[SetKey]:
    """Return the cells that only one of the two has, or that were scored on other predictions."""
    cells = {cell.key: cell for cell in result.scores.cells}
    differing = sorted({*cells} ^ {*predictions})
    for key in sorted({*cells} & {*predictions}):
        rows, cell = predictions[key], cells[key]
        classes = len(result.run.benchmark.dataset(key.dataset).class_names)
        counts = (len(rows), int((~rows.finite).sum()), int(rows.correct.sum()), rows.classes or classes)
        scored = (cell.n, cell.invalid, cell.correct, classes)
        if counts != scored or rows.digest != cell.predictions_sha256:
            differing.append(key)
    return differing
