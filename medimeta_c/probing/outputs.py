"""Write what a probe found: ``probes.json``, ``probes.md``, and the figure with its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medimeta_c.figures.gallery import write_exhibit
from medimeta_c.figures.probes import pictures
from medimeta_c.io.files import write_atomic
from medimeta_c.io.markdown import environment
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.io.tables.table import Cell, Column, Row, Table, mean_cell
from medimeta_c.io.templating import templates_folder
from medimeta_c.results.probes import Overlap, ProbeRun, Probes, write_probes

__all__ = ["TABLE_NAME", "notes", "probe_tables", "write_outputs"]

TABLE_NAME = "probes.md"
_TEMPLATE = "probes.md.jinja"
_SCORES = {
    "Clean accuracy": "clean_accuracy",
    "Corruption accuracy": "average_accuracy",
    "Clean error": "clean_error",
    "mCE": "mce",
}


def write_outputs(out: Path, probes: Probes) -> None:
    """Write every file into a folder, each atomically."""
    template = environment(templates_folder()).get_template(_TEMPLATE)
    text = template.render(
        probes=probes,
        tables=[(table.name, markdown(table)) for table in probe_tables(probes)],
        seeds=sorted({run.seed for run in probes.runs}),
        notes=notes(probes),
    )
    write_atomic(out / TABLE_NAME, text.encode())
    for picture in pictures(probes):
        write_exhibit(out, picture)
    write_probes(out, probes)


def probe_tables(probes: Probes) -> list[Table]:
    """Return the few-shot table over all datasets, then that of each of several."""
    names = probes.datasets
    whole = ", ".join(names) if len(names) == 1 else "All datasets"
    return [_table(probes, whole, ""), *(_table(probes, name, name) for name in names if len(names) > 1)]


def notes(probes: Probes) -> list[str]:
    """Return what a reader has to know beside the numbers."""
    said = [_seen(name, one) for name, one in probes.overlap.items()]
    unknown = [name for name in probes.datasets if name not in probes.overlap]
    if unknown:
        said.append(f"Patients are not known of {', '.join(unknown)}: some may be in several splits.")
    said += [f"Left out: {head}, because {reason}." for head, reason in probes.left_out.items()]
    reasons = [run.scored.why_no_mce for run in probes.runs if run.scored.why_no_mce]
    return [*said, *(f"No mCE: {reason}." for reason in dict.fromkeys(reasons))]


def _seen(dataset: str, one: Overlap) -> str:
    if not one.shared:
        return f"{dataset}: none of the {one.groups} patients scored has images in train or val."
    return (
        f"{dataset}: {one.shared} of the {one.groups} patients scored ({one.shared_images} of {one.images} "
        "images) also have images in train or val: heads may know them."
    )


def _table(probes: Probes, name: str, dataset: str) -> Table:
    columns = (Column("Head", "label"), Column("Shots", "label"), *map(Column, _SCORES))
    rows = tuple(_row(runs, dataset) for runs in probes.grouped())
    caption = "Per cent; mean ± sample standard deviation over seeds."
    return Table(name=name, caption=caption, columns=columns, rows=rows, grouped=1)


def _row(runs: Sequence[ProbeRun], dataset: str) -> Row:
    first = runs[0]
    shots = "all" if first.shots is None else str(first.shots)
    scored = [run.datasets[dataset] if dataset else run.scored for run in runs]
    numbers = ([getattr(one, field) for one in scored] for field in _SCORES.values())
    return (
        Cell(first.title),
        Cell(shots),
        *(mean_cell([None if one is None else 100 * one for one in values]) for values in numbers),
    )
