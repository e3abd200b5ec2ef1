"""A sweep over prompts in a result's folder: add cells while it is locked, resume, and finish.

::

    <the result's folder>/
      prompts-sweep.json      the numbers
      prompts-sweep.parquet   every prediction
      .prompts-sweep/         only while unfinished: one file a finished cell, and what they depend on
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.errors import Remedy, ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.io.files import identity, writing
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import Name, Record, Sha256, Text, write_record
from medimeta_c.prompts.texts import ClassPrompts
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.paraphrases.cells import (
    CELLS_NAME,
    SweptCell,
    cells_sha256,
    read_swept_cells,
    write_swept_cells,
)
from medimeta_c.results.paraphrases.numbers import dataset_sweep
from medimeta_c.results.paraphrases.record import (
    SWEEP_NAME,
    AdapterSeed,
    OverallSweep,
    Paraphrase,
    PromptsSweep,
    baseline_sha256,
    origin_of,
    overall_spreads,
    overall_variance,
    read_swept,
    write_prompts_sweep,
)
from medimeta_c.results.result import Result
from medimeta_c.results.scoring import Groups

__all__ = ["AskedParaphrases", "SweptFolder", "Wordings"]

_FOLDER = ".prompts-sweep"
_ORIGINS = "origins.json"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedParaphrases:
    """The paraphrases of a sweep.

    Parameters
    ----------
    name, revision : str, int
        Of the template set.
    prompts : mapping of str to sequence of ClassPrompts
        By dataset; each has one text a class.
    adapter : AdapterSeed or None
        Of the model swept.
    """

    name: str
    revision: int
    prompts: Mapping[str, Sequence[ClassPrompts]]
    adapter: AdapterSeed | None = None

    @property
    def texts(self) -> dict[str, list[dict[str, str]]]:
        """By dataset, each paraphrase's text by class name."""
        return {
            dataset: [
                {name: text for name, (text,) in zip(one.class_names, one.prompts, strict=True)}
                for one in prompts
            ]
            for dataset, prompts in self.prompts.items()
        }

    @property
    def wordings(self) -> Wordings:
        """The texts alone, as a file holds them."""
        return Wordings(name=self.name, revision=self.revision, texts=self.texts, adapter=self.adapter)


class Wordings(Record):
    """The texts of a sweep, and what else its numbers state.

    Attributes
    ----------
    name, revision, adapter
        As `AskedParaphrases` has them.
    texts : dict
        By dataset, each paraphrase's text by class name.
    """

    name: Text
    revision: int
    texts: dict[Name, list[dict[Text, Text]]]
    adapter: AdapterSeed | None = None


class _Origins(Record):
    """What unfinished cells depend on, by dataset."""

    origins: dict[Name, Sha256]


class SweptFolder:
    """The sweep in a result's folder, for the process that holds the folder's lock.

    Parameters
    ----------
    path : Path
        The result's folder.
    run : RunIdentity
        Who answers. Finished cells of the same model, images and texts are kept; others are computed again.
    asked : Wordings
        The paraphrases.
    alone : bool, optional
        Whether no other process evaluates into the folder.

    Raises
    ------
    ResultError
        If another process sweeps other wordings into the folder.
    """

    def __init__(self, path: Path, run: RunIdentity, asked: Wordings, *, alone: bool = True) -> None:
        self._path, self._run, self._asked = path, run, asked
        self._cells = path / _FOLDER
        self._texts: dict[str, Sequence[Mapping[str, str]]] = dict(asked.texts)
        self._origins = {dataset: self._origin(dataset) for dataset in self._texts}
        self._seen = identity(path / SWEEP_NAME)
        self._kept = self._read_kept()
        held = self._held_origins()
        if not alone and any(self._origins.get(name, each) != each for name, each in held.items()):
            raise ResultError(
                f"another process is sweeping other wordings into {path}",
                remedy=[Remedy("wait until it ends"), Remedy("choose another {out}")],
            )
        self._saved = self._read_saved(held)
        write_record(self._cells / _ORIGINS, _Origins(origins={**held, **self._origins}))

    @property
    def finished(self) -> frozenset[SetKey]:
        """The cells that are there."""
        return frozenset({*self._kept, *self._saved})

    def has(self, key: SetKey) -> bool:
        """Return whether a cell is there now, which another process may have added since."""
        if self._seen != (seen := identity(self._path / SWEEP_NAME)):
            self._seen, self._kept = seen, self._read_kept()
        return key in self._kept or self._file(key).is_file()

    def save(self, cell: SweptCell) -> None:
        """Save a finished cell, durably: it is whole or absent, whatever happens.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        if not (self._cells / _ORIGINS).is_file():  # another process finished, and removed what was there
            write_record(self._cells / _ORIGINS, _Origins(origins=self._origins))
        write_swept_cells(self._file(cell.key), (cell,))
        self._saved.add(cell.key)

    def load(self) -> Iterator[SweptCell]:
        """Yield the finished cells."""
        for key in sorted(self.finished):
            yield self._read(key)

    def finish(self, result: Result, chosen: ChosenBaseline | None, groups: Groups) -> PromptsSweep:
        """Compute the numbers and write both files; then the single cells of them are removed.

        Parameters
        ----------
        result : Result
            The result beside it.
        chosen : ChosenBaseline or None
            What CE divides by, the one of the result.
        groups : mapping
            Which images belong together.

        Raises
        ------
        ResultError
            If cells do not fit together.
        """
        corruptions = {name: each for name, each in result.scope.corruptions.items() if name in self._texts}
        scope = result.scope.model_copy(update={"corruptions": corruptions})
        cells = {key: self._read(key) for key in scope.cells() if key in self.finished}
        datasets = {
            name: dataset_sweep(
                name,
                {key: cell for key, cell in cells.items() if key.dataset == name},
                self._texts[name],
                scope=scope,
                chosen=chosen,
                groups=groups.get(name),
                origin=self._origins[name],
            )
            for name in scope.datasets
        }
        sweep = PromptsSweep(
            model=self._run.model,
            fingerprint=self._run.benchmark.fingerprint,
            prompts=self._asked.name,
            revision=self._asked.revision,
            scope=scope,
            baseline=None if result.baseline is None else result.baseline.name,
            baseline_sha256=baseline_sha256(result.baseline),
            adapter=self._asked.adapter,
            datasets=datasets,
            overall=OverallSweep(spreads=overall_spreads(datasets), variance=overall_variance(datasets)),
            predictions_sha256=cells_sha256(cells),
        )
        write_swept_cells(self._path / CELLS_NAME, cells.values())
        write_prompts_sweep(self._path, sweep)
        with writing(self._cells):
            for key in cells:
                self._file(key).unlink(missing_ok=True)
        if not any(self._cells.glob("*.parquet")):
            self._remove()
        return sweep

    def _read(self, key: SetKey) -> SweptCell:
        return self._kept[key] if key in self._kept else read_swept_cells(self._file(key))[key]

    def _origin(self, dataset: str) -> str:
        texts = self._texts[dataset]
        return origin_of(self._run, dataset, [Paraphrase.of(dataset, one, {}).digest for one in texts])

    def _read_kept(self) -> dict[SetKey, SweptCell]:
        """Return the cells of an earlier sweep that are still true, and take over its other datasets."""
        if not (self._path / SWEEP_NAME).is_file():
            return {}
        try:
            earlier, cells = read_swept(self._path)
        except ResultError as error:
            _logger.warning("computing the sweep over prompts again: %s", error)
            return {}
        for dataset, one in earlier.datasets.items():
            if dataset not in self._texts and dataset in self._run.scored:
                self._texts[dataset] = [each.texts for each in one.paraphrases]
                self._origins[dataset] = self._origin(dataset)
            if self._origins.get(dataset) != one.origin:
                _logger.warning(
                    "computing the sweep over prompts of %s again: the earlier one in %s was of other texts",
                    dataset,
                    self._path,
                )
                if dataset not in self._asked.texts:
                    self._texts.pop(dataset, None)
                    self._origins.pop(dataset, None)
        valid = {name for name, one in earlier.datasets.items() if self._origins.get(name) == one.origin}
        return {key: cell for key, cell in cells.items() if key.dataset in valid}

    def _held_origins(self) -> dict[str, str]:
        """Return what the unfinished cells depend on; where that is not known, they are removed."""
        try:
            return read_record(self._cells / _ORIGINS, _Origins, "delete it").origins
        except ResultError:
            self._remove()
            return {}

    def _read_saved(self, origins: Mapping[str, str]) -> set[SetKey]:
        """Return the unfinished sweep's cells that read back; the log names others, which are removed."""
        found = set()
        for path in sorted(self._cells.glob("[!.]*.parquet")):
            try:
                (key,) = read_swept_cells(path)
            except (ResultError, ValueError) as error:
                _logger.warning("computing a cell of the sweep over prompts again: %s", error)
                with writing(path):
                    path.unlink()
                continue
            wanted = self._origins.get(key.dataset)
            if path == self._file(key) and wanted is not None and origins.get(key.dataset) == wanted:
                found.add(key)
            elif wanted is not None:
                with writing(path):
                    path.unlink()
        return found

    def _remove(self) -> None:
        with writing(self._cells):
            if self._cells.exists():
                shutil.rmtree(self._cells)

    def _file(self, key: SetKey) -> Path:
        return self._cells / f"{key.dataset}-{key.split}-{key.corruption}-{key.severity}.parquet"
