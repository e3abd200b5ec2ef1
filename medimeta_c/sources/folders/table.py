"""Read ``metadata.csv``, a table of pictures in the form that the library ``datasets`` uses."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from medimeta_c.errors import SourceError, printable, short
from medimeta_c.sources.folders.names import normal, split_of

__all__ = ["TABLE", "Listed", "listed_in"]

TABLE = "metadata.csv"
"""The table's file name: in the dataset's folder, or in each folder of a split."""

_SEVERAL = re.compile(r"[|;]|^\[.*\]$")
_LONGEST = 255  # bytes of a name, in every usual file system
_ONE_HOT = {"0", "1", "0.0", "1.0", "true", "false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A picture that a table lists.

    Parameters
    ----------
    where : str
        Table and line, for messages.
    path : Path
        The picture.
    label : str
        Its class.
    split : str or None
        Where the table, its folder or the picture's says so.
    patient : str
        Empty if not said.
    """

    where: str
    path: Path
    label: str
    split: str | None
    patient: str


def listed_in(
    table: Path, folder_split: str | None, problems: list[str | SourceError], mentioned: set[Path]
) -> list[Listed]:
    """Return the pictures of a table; what is wrong with it goes to `problems`.

    Parameters
    ----------
    table : Path
        The file.
    folder_split : str or None
        The split of the folder that it is in, if that is a split's.
    problems : list of str or SourceError
        Extended by a sentence for each line that cannot be used.
    mentioned : set of Path
        Extended by every file named, in whatever line.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
            columns = [str(name) for name in reader.fieldnames or ()]  # of an empty file, it reads on for it
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(f"{table} cannot be read as CSV in UTF-8 ({short(error)}): correct it")
        return []
    if missing := {"file_name", "label"} - set(columns):
        others = [name for name in columns if name not in ("file_name", "split", "patient")]
        values = {str(row[name]).lower() for _, row in rows for name in others}
        several = len(others) > 1 and rows and values <= _ONE_HOT
        reason = "is multi-label (a column for each class); an image here has one class, so " * bool(several)
        problems.append(
            f"{table} {reason}has no column {' and no column '.join(sorted(missing))} (its columns are "
            f"{', '.join(map(printable, columns)) or 'none'}): add it"
        )
        return []
    mentioned |= {table.parent / (row["file_name"] or "").strip() for _, row in rows}
    found = (_listed(table, line, row, folder_split, problems) for line, row in rows)
    return [one for one in found if one is not None]


def _listed(
    table: Path,
    line: int,
    row: dict[str | None, str | None],
    folder_split: str | None,
    problems: list[str | SourceError],
) -> Listed | None:
    where = f"{table}, line {line}"
    cells = {name: (row.get(name) or "").strip() for name in ("file_name", "label", "split", "patient")}
    wrong = list(_faults(cells, table.parent, extra=None in row))
    problems += [f"{where}: {fault}" for fault in wrong]
    if wrong:
        return None
    first = PurePosixPath(cells["file_name"]).parts[0]
    return Listed(
        where=where,
        path=table.parent / cells["file_name"],
        label=normal(printable(cells["label"])),
        split=split_of(cells["split"]) or folder_split or split_of(first),
        patient=normal(cells["patient"]),
    )


def _faults(cells: dict[str, str], folder: Path, *, extra: bool) -> Iterator[str]:
    name, label, split = cells["file_name"], cells["label"], cells["split"]
    if extra:
        yield "has more cells than the table has columns: put texts with commas in quotes"
    parts = PurePosixPath(name).parts
    unusable = name.startswith("/") or ".." in parts or "\\" in name or "\0" in name
    if not name or unusable or any(len(part.encode()) > _LONGEST for part in parts):
        yield f"file_name {short(name)!r} is not a path below {folder}: correct it"
    elif not (folder / name).is_file():
        yield f"there is no file {printable(str(folder / name))}: correct file_name, or add the file"
    if not label:
        yield "label is empty: say which class the image is of"
    elif _SEVERAL.search(label):
        yield f"label {printable(label)!r} is multi-label, and an image here has one class: choose one"
    if split and split_of(split) is None:
        yield f"split {printable(split)!r} is unknown: use train, val or test"
