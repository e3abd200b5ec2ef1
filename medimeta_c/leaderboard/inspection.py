"""Inspect a submission's files before reading them: type, size, and size after decompression."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from medimeta_c.errors import ResultError
from medimeta_c.io.text import flaw_of_text
from medimeta_c.leaderboard.submission import FILES, SUBMISSION_NAME
from medimeta_c.results.predictions import PREDICTIONS_NAME
from medimeta_c.results.result import RESULT_NAME, Result

__all__ = ["check_files", "check_predictions_file", "check_result", "stray_files"]

_MAX_BYTES = {SUBMISSION_NAME: 64 << 10, RESULT_NAME: 32 << 20, PREDICTIONS_NAME: 1 << 30}
_MAX_ID_BYTES = 300
# Per row, its four texts, three numbers and the levels of its list; per probability, itself and its levels.
_MAX_ROW_BYTES = 4 * _MAX_ID_BYTES
_MAX_VALUE_BYTES = 16
_MAX_RESAMPLES = 10_000
_MAX_PARAMETERS = 10**14
_STRINGS = ("dataset", "split", "corruption", "image_id")


def check_files(folder: Path) -> None:
    """Check that a submission's files are there, and are small enough files of its own folder.

    Raises
    ------
    ResultError
        Naming the first that is not.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise ResultError(f"{folder} is not a folder: give the folder that holds {', '.join(FILES)}")
    for name, limit in _MAX_BYTES.items():
        path = folder / name
        try:
            found = path.lstat()
        except FileNotFoundError:
            raise ResultError(f"{path} is missing: a submission holds {', '.join(FILES)}") from None
        if not stat.S_ISREG(found.st_mode):
            raise ResultError(f"{path} is a link or not a regular file: a submission holds its own files")
        if found.st_size > limit:
            raise ResultError(
                f"{path} has {found.st_size} bytes, more than any submission needs ({limit}); refused"
            )


def stray_files(folder: Path) -> list[str]:
    """Return the names of entries in a submission's folder that do not belong to it."""
    return sorted(path.name for path in folder.iterdir() if path.name not in FILES)


def check_result(result: Result) -> None:
    """Check that a result can be shown and recomputed: plain names, numbers of a plausible size.

    Raises
    ------
    ResultError
        Naming the first text or number that is not.
    """
    sizes = {
        "resampling.resamples": (result.resampling.resamples, _MAX_RESAMPLES),
        "run.model.parameters": (result.run.model.parameters, _MAX_PARAMETERS),
    }
    for where, (number, limit) in sizes.items():
        if number > limit:
            raise ResultError(f"{RESULT_NAME} is not valid at {where}: a board takes no more than {limit:,}")
    for where, text in _texts(result):
        flaw = flaw_of_text(text)
        if flaw:
            raise ResultError(f"{RESULT_NAME} is not valid at {where}: {flaw}; evaluate under a plain name")


def check_predictions_file(path: Path, result: Result) -> None:
    """Check the size that a file of predictions states, and the size of its texts, before reading it.

    Dictionary encoding lets a file of a few kB stand for terabytes of text; extension types may name code.

    Raises
    ------
    ResultError
        If it is no Parquet file, has extension types, another number of rows or probabilities than the
        result, or texts that are not names.
    """
    entries = {entry.dataset: len(entry.class_names) for entry in result.run.benchmark.datasets}
    rows = sum(cell.n for cell in result.scores.cells)
    values = sum(cell.n * entries[cell.dataset] for cell in result.scores.cells)
    try:
        with pq.ParquetFile(path) as file:
            _check_schema(path, file.schema_arrow)
            claimed = _claimed(file.metadata)
            # Where a model answers in words there are no probabilities: one null a row.
            if claimed not in ((rows, values), (rows, rows)):
                raise ResultError(
                    f"{path} holds {claimed[0]} rows and {claimed[1]} probabilities, {RESULT_NAME} is of "
                    f"{rows} and {values}: submit the two files of one evaluation"
                )
            limit = (1 << 20) + rows * _MAX_ROW_BYTES + values * _MAX_VALUE_BYTES
            if _unfolded(file.metadata) > limit:
                raise ResultError(f"{path} decompresses to more than {rows} rows can need; refused")
        with pq.ParquetFile(path, read_dictionary=list(_STRINGS)) as file:
            _check_names(path, file)
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0][:200]
        raise ResultError(f"{path} is not valid Parquet ({reason}): evaluate the model again") from error


def _check_schema(path: Path, schema: pa.Schema) -> None:
    for field in schema:
        if isinstance(field.type, pa.BaseExtensionType) or b"ARROW:extension:name" in (field.metadata or {}):
            raise ResultError(
                f"{path} has a column of an extension type ({str(field.name)[:60]}): predictions are plain "
                "texts and numbers"
            )
    plain = [
        field.name for field in schema if field.type in (pa.string(), pa.dictionary(pa.int32(), pa.string()))
    ]
    missing = [name for name in _STRINGS if plain.count(name) != 1]
    if missing:
        raise ResultError(f"{path} has no text column {missing[0]}: evaluate the model again")


def _claimed(meta: pq.FileMetaData) -> tuple[int, int]:
    """Return rows and probabilities by the file's own account."""
    groups = [meta.row_group(index) for index in range(meta.num_row_groups)]
    return meta.num_rows, sum(group.column(group.num_columns - 1).num_values for group in groups)


def _unfolded(meta: pq.FileMetaData) -> int:
    """Return how many bytes the columns are once decompressed, by the file's own account."""
    return sum(meta.row_group(index).total_byte_size for index in range(meta.num_row_groups))


def _check_names(path: Path, file: pq.ParquetFile) -> None:
    """Read the dictionaries of the text columns only, and refuse texts that are too long for names."""
    for batch in file.iter_batches(batch_size=1 << 16, columns=list(_STRINGS)):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            words = column.dictionary if pa.types.is_dictionary(column.type) else column
            longest = pc.max(pc.binary_length(words)).as_py() or 0
            if longest > _MAX_ID_BYTES:
                raise ResultError(f"{path} has a text of {longest} bytes in {name}: no name is that long")


def _texts(result: Result) -> Iterator[tuple[str, str]]:
    """Yield where a text stands, and the text."""
    run = result.run
    for name in ("spec", "family", "revision", "weights_sha256", "architecture"):
        text = getattr(run.model, name)
        if text is not None:
            yield f"run.model.{name}", text
    for name in ("preprocessing_variant", "activation"):
        yield f"run.{name}", getattr(run, name) or "none"
    for used in run.outputs.values():
        for output in used:
            yield "run.outputs", output.name or "none"
    for plugin in result.plugins:
        yield "plugins", f"{plugin.name} {plugin.distribution} {plugin.version}"
    if run.benchmark.suite is not None:
        yield "run.benchmark.suite", f"{run.benchmark.suite.name} {run.benchmark.suite.version}"
    yield "run.benchmark.name", run.benchmark.name
    yield "run.benchmark.version", run.benchmark.version
    yield "run.package_version", run.package_version
    for entry in run.benchmark.datasets:
        yield f"the title of {entry.dataset}", entry.title
    yield "environment.device", result.environment.device
    for package, version in result.environment.packages.items():
        yield "environment.packages", f"{package} {version}"
    if result.baseline is not None:
        for name in ("name", "model", "source", "note"):
            yield f"baseline.{name}", getattr(result.baseline, name)
