"""``medimeta-c import-medimetac``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.common import prints_tables
from medimeta_c.cli.options import AVAILABLE, TEST, JobsOption, JsonOption, several

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from medimeta_c.building.medimetac.records import Audit, DatasetAudit, FileAudit
    from medimeta_c.io.tables.table import Table

__all__ = ["import_medimetac"]

_NAMES = {"matched": "checked against images", "position": "by position, not checked against images"}
_IDS = {"medimeta": "MedIMeta's", "rows": "row numbers"}
_CLEAN = {True: "grey stored as RGB", False: "in colour", None: "not checked"}


@prints_tables
def import_medimetac(
    directory: Annotated[
        Path,
        typer.Argument(help="MediMeta-C as published: <dataset>/<split>/<corruption>_severity_<1-5>.npz."),
    ],
    out: Annotated[Path, typer.Option(help="Directory of the benchmark.")] = Path("MediMeta-C-published"),
    dataset: Annotated[
        list[str],
        several(
            "Dataset ids, comma-separated; [b]available[/b]: those in the folder; "
            "[b]all[/b]: the benchmark's five, all required."
        ),
    ] = AVAILABLE,
    split: Annotated[list[str], several("[b]test[/b], [b]val[/b], or [b]all[/b] for both.")] = TEST,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Clean MedIMeta datasets; images with equal pixels get their ids and class names.",
            show_default=False,
        ),
    ] = None,
    jobs: JobsOption = -1,
    force: Annotated[bool, typer.Option("--force", help="Import finished sets again.")] = False,
    json: JsonOption = False,
) -> None:
    """Import the MediMeta-C files that its authors published, and audit them.

    Pixels are not changed. The audit checks whether the rows of corrupted files follow the clean file, which
    class each label means, and whether each file holds the corruption in its name. It is printed and written
    to OUT.audit.json. Without --data, class names are assigned in MedIMeta's order without a check, and
    every report says so.

    [b]Examples[/b]

      medimeta-c import-medimetac ~/MediMeta-C --data ~/medimeta --out MediMeta-C-published

      medimeta-c evaluate --model ViT-B-16/openai --benchmark MediMeta-C-published --prompts reference-order
    """
    from medimeta_c.building.medimetac.importing import MedimetacConfig
    from medimeta_c.building.medimetac.importing import import_medimetac as run

    config = MedimetacConfig(
        folder=directory.expanduser(),
        out=out.expanduser(),
        datasets=tuple(dataset),
        splits=tuple(split),
        data_dir=data.expanduser() if data else None,
        jobs=jobs,
        force=force,
    )
    with console.counting("images") as show:
        report = run(
            config,
            on_progress=console.by_sets("importing", show),
            on_audit=lambda done, total: show("auditing", done, total),
        )
    if not json:
        _say_audit(report.audit)
    console.say_build(report.build, json=json, done="imported", more={"audit": str(report.audit_path)})


def _say_audit(audit: Audit) -> None:
    for one in audit.datasets:
        console.say(
            f"{one.dataset}: clean images {_CLEAN[one.grey]}; ids are {_IDS[one.ids]}; class names "
            f"{_NAMES[one.names]}"
        )
        for split in one.splits:
            console.say(
                f"  {split.split}: {split.matched} of {split.rows} images found in MedIMeta, "
                f"{split.elsewhere} of them in another split; {split.duplicates} duplicates"
            )
    console.show(_labels(audit), _files(audit))


def _labels(audit: Audit) -> Table:
    from medimeta_c.io.tables.table import Cell, Column, Table

    return Table(
        name="Labels",
        caption="MedIMeta: the label of the same images there; images: how many of all confirm it.",
        columns=(
            Column("dataset", "label"),
            Column("label", "label"),
            Column("class", "text"),
            Column("MedIMeta"),
            Column("images"),
        ),
        rows=tuple(
            (
                Cell(one.dataset),
                Cell(str(row.label)),
                Cell(row.class_name),
                Cell("not checked" if row.medimeta_label is None else str(row.medimeta_label)),
                Cell(f"{row.matched}/{row.images}"),
            )
            for one in audit.datasets
            for row in one.labels
        ),
    )


def _files(audit: Audit) -> Table:
    from medimeta_c.io.tables.table import Column, Table, texts

    return Table(
        name="Files",
        caption="rows follow: files with rows in the order of the clean file; as defined: files that match "
        "the definition; furthest: the severity that differs most, with its share of equal values, or the "
        "noise's mean ± deviation and its correlation r between channels (as defined: in brackets).",
        columns=(
            Column("dataset", "label"),
            Column("split", "label"),
            Column("corruption", "label"),
            Column("rows follow"),
            Column("as defined"),
            Column("furthest", "text"),
        ),
        rows=tuple(texts(*row) for one in audit.datasets for row in _file_rows(one)),
    )


def _file_rows(one: DatasetAudit) -> Iterator[Sequence[str]]:
    """Yield a row for each corruption: the number of correct files, and the worst one."""
    groups: dict[tuple[str, str], list[FileAudit]] = {}
    for file in one.files:
        groups.setdefault((file.split, file.corruption), []).append(file)
    for (split, corruption), files in groups.items():
        measured = [file for file in files if file.as_defined is not None]
        yield (
            one.dataset,
            split,
            corruption,
            f"{sum(file.aligned for file in files)}/{len(files)}",
            f"{sum(bool(file.as_defined) for file in measured)}/{len(files)}",
            _worst(measured),
        )


def _worst(files: Sequence[FileAudit]) -> str:
    """Return the values of the file that differs most from its definition."""
    if not files:
        return "not measured"
    worst = max(files, key=lambda file: file.distance)
    if worst.equal is not None:
        return f"{worst.severity}: {100 * worst.equal:.2f} % equal"
    assert worst.measured is not None
    assert worst.defined is not None
    found, due = worst.measured, worst.defined
    r, due_r = found.channel_correlation or 0.0, due.channel_correlation or 0.0
    return (
        f"{worst.severity}: {found.mean:.1f} ({due.mean:.1f}) ± {found.deviation:.1f} ({due.deviation:.1f}), "
        f"r {r:.2f} ({due_r:.2f})"
    )
