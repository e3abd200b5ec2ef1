"""Draw every figure and table of the paper that the inputs allow, and write them as files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib import get_cachedir

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.figures import FIGURES
from medimeta_c.figures.drawing import style
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture
from medimeta_c.io.files import write_atomic
from medimeta_c.io.settings import StrPath, as_path, several
from medimeta_c.io.tables.csv import csv_text, data_csv
from medimeta_c.io.tables.latex import latex
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.io.tables.table import Table

__all__ = ["CAPTIONS", "Made", "exhibits", "make", "write_exhibit"]

CAPTIONS = "captions.md"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a gallery wrote, and what it left out.

    Parameters
    ----------
    files : tuple of Path
        Every file written.
    left_out : dict of str to str
        Entries that were not made, and what to give for them.
    """

    files: tuple[Path, ...]
    left_out: dict[str, str]


def make(
    inputs: Inputs,
    out: StrPath,
    *,
    only: str | Iterable[str] = (),
    on_progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> Made:
    """Draw what the inputs allow: PNG, SVG and PDF with the data as CSV, or tables in three forms.

    Parameters
    ----------
    inputs : Inputs
        What there is.
    out : str or path
        Folder of the files; files of the same names are replaced.
    only : str, or several
        Names of figures; by default all for which there is input.
    on_progress : callable, optional
        Called with the entry's name, the number done and the total.

    Returns
    -------
    Made

    Raises
    ------
    ConfigError
        If an entry is unknown, was asked for by name without its input, or nothing can be made.
    WriteError
        If a file cannot be written.
    """
    folder, asked = as_path(out, "out"), several(only)
    for name in asked:
        FIGURES.find(name)
    names = list(asked or FIGURES)
    files: list[Path] = []
    captions: list[str] = []
    left_out: dict[str, str] = {}
    for done, name in enumerate(names):
        on_progress(name, done, len(names))
        try:
            for exhibit in exhibits(name, inputs):
                files += write_exhibit(folder, exhibit)
                captions.append(f"**{exhibit.name}.** {exhibit.caption}")
        except Lacking as reason:
            if asked:
                raise ConfigError(f"{name} cannot be drawn: {reason}") from None
            left_out[name] = str(reason)
    on_progress("done", len(names), len(names))
    if not files:
        raise ConfigError(
            "there is nothing to draw",
            remedy=Remedy("give a built benchmark, {results}, {ablation} or {paper}", paper=True),
        )
    write_atomic(folder / CAPTIONS, ("\n\n".join(captions) + "\n").encode())
    letters = style.undrawn("".join(inputs.models()))
    if letters:
        _log.warning(
            "no font here has the letters %s of a model's name, so PNG and PDF show boxes: install Noto Sans "
            "CJK and let Matplotlib list fonts again (its list is in %s), or %s",
            letters[:12],
            get_cachedir(),
            Remedy("name the model by {results}", results="NAME=PATH"),
        )
    return Made(files=(*files, folder / CAPTIONS), left_out=left_out)


def exhibits(name: str, inputs: Inputs) -> Iterator[Picture | Table]:
    """Yield the pictures or tables of a figure; without its input raises Lacking, which says what to give."""
    figure = FIGURES[name]
    try:
        yield from figure.function(inputs)
    except Lacking as reason:
        raise Lacking(str(reason) or figure.needs) from None


def write_exhibit(out: Path, exhibit: Picture | Table) -> list[Path]:
    """Write one exhibit's files into a folder, each atomically, and return their paths."""
    if isinstance(exhibit, Picture):
        data = {
            "png": exhibit.png(),
            **{kind: style.vector(exhibit.drawn(), kind) for kind in ("svg", "pdf")},
            "csv": data_csv(exhibit.header, exhibit.rows).encode(),
        }
    else:
        data = {
            "md": f"{markdown(exhibit)}\n\n{exhibit.caption}\n".encode(),
            "csv": csv_text(exhibit).encode(),
            "tex": latex(exhibit).encode(),
        }
    files = {out / f"{exhibit.name}.{ending}": content for ending, content in data.items()}
    for path, content in files.items():
        write_atomic(path, content)
    return list(files)
