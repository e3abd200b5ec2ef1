"""``medimeta-c verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.common import prints_tables
from medimeta_c.cli.options import (
    BenchmarkOption,
    FolderArgument,
    IdsOption,
    JobsOption,
    JsonOption,
    benchmark_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from medimeta_c.building.checks.published import Comparison
    from medimeta_c.building.checks.report import VerificationReport
    from medimeta_c.format.signing.benchmark import Signed

__all__ = ["verify"]

_SHOWN = 20


@prints_tables
def verify(
    where: FolderArgument = None,
    benchmark: BenchmarkOption = None,
    rebuild: Annotated[
        int,
        typer.Option(
            min=0, help="Render N rows of each set again from the source, and compare pixels and labels."
        ),
    ] = 0,
    complete: Annotated[
        bool, typer.Option("--complete", help="Fail if the benchmark lacks sets of its suite.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the clean datasets, for --rebuild; default: the build's, otherwise "
            "MEDIMETA_DATA.",
            show_default=False,
        ),
    ] = None,
    ids: IdsOption = None,
    signer: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Public key that must have signed the manifest: its file, or its line of base64.",
            show_default=False,
        ),
    ] = None,
    jobs: JobsOption = -1,
    json: JsonOption = False,
) -> None:
    """Check that a built benchmark matches its manifest; exit with 1 if anything differs.

    [b]Examples[/b]

      medimeta-c verify MediMeta-C

      medimeta-c verify MediMeta-C --complete --rebuild 3 --data ~/medimeta

      medimeta-c verify MediMeta-C --signer maker.pub

      medimeta-c verify s3://bucket/MediMeta-C
    """
    from medimeta_c.building.verification import verify as run
    from medimeta_c.card.coverage import coverage, require_complete
    from medimeta_c.errors import Remedy, VerificationError
    from medimeta_c.format.display import title_of
    from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest
    from medimeta_c.io.stores.stored import StoredPath, as_place
    from medimeta_c.io.tables.table import Column, Table, texts
    from medimeta_c.io.text import counted

    directory = as_place(benchmark_of(where, benchmark), "benchmark")
    if isinstance(directory, StoredPath):
        directory = directory.settled()
    # First: a suite that is not known here is told before hours of reading.
    covered = coverage(read_manifest(directory / MANIFEST_NAME))
    with console.counting("images") as show:
        report = run(
            str(directory),
            rebuild=rebuild,
            data_dir=data.expanduser() if data else None,
            ids=ids.expanduser() if ids else None,
            signer=signer,
            jobs=jobs,
            on_progress=lambda done, total: show("verifying", done, total),
        )
    if json:
        console.say_json(
            {
                "directory": str(directory),
                "ok": report.ok,
                "title": title_of(report.manifest),
                "fingerprint": report.manifest.fingerprint,
                "sets": report.sets,
                "limited": report.manifest.limited,
                "images": report.images,
                "rows_rebuilt": report.rebuilt,
                "rows_near": report.near,
                "suite": {one.dataset: {"there": one.there, "wanted": one.wanted} for one in covered},
                "signed": _signed(report.signed),
                "published": dict(report.published),
                "problems": [
                    {"path": one.path, "set": str(one.key) if one.key else None, "message": one.message}
                    for one in report.problems
                ],
            }
        )
    else:
        for problem in report.problems[:_SHOWN]:
            console.say(str(problem))
        if len(report.problems) > _SHOWN:
            console.say(f"... and {len(report.problems) - _SHOWN} more (--json lists all)")
    if not report.ok:
        files = {problem.path for problem in report.problems}
        found = f"{counted(len(report.problems), 'problem')} in {counted(len(files), 'file')}"
        raise VerificationError(
            f"{directory} is not what its manifest says ({found}): restore these files from a copy, or "
            "move them away and run the build again"
        )
    if not json and covered:
        own = sorted({one.suite for one in covered if not one.listed})
        console.show(
            Table(
                name="Sets in this benchmark, of those wanted",
                caption=f"A dataset of no suite is built as those of {', '.join(own)}." if own else "",
                columns=tuple(Column(header, "label") for header in ("dataset", "suite", "sets")),
                rows=tuple(
                    texts(one.dataset, one.suite if one.listed else "none", f"{one.there} of {one.wanted}")
                    for one in covered
                ),
            )
        )
    if complete:
        require_complete(str(directory), report.manifest, Remedy("leave {complete} out"))
    if not json:
        equal = counted(report.rebuilt - report.near, "row")
        again = f", {equal} rendered again and equal" if rebuild else ""
        if report.near:
            again += (
                f", {report.near} within what another version of OpenCV or of the JPEG library than the "
                "build's explains"
            )
        checked = f"{counted(report.sets, 'set')}, {counted(report.images, 'image')}"
        console.say(f"{directory}: {checked}, all match the manifest{again}")
        if report.manifest.limited is not None:
            console.say(f"a trial: at most {report.manifest.limited} images of each split, not the benchmark")
        _say_what_it_is(report)


def _say_what_it_is(report: VerificationReport) -> None:
    """Print title and fingerprint, how it compares with the published one, and who signed."""
    from medimeta_c.format.display import title_of
    from medimeta_c.format.signing.benchmark import stored_signature

    console.say(f"title {title_of(report.manifest)}")
    console.say(f"fingerprint {report.manifest.fingerprint}")
    for sentence in _comparisons(report.published):
        console.say(sentence)
    if report.signed is not None:
        console.say(f"signed by the key {report.signed.key.name} ({report.signed.trusted_comment})")
    elif (signature := stored_signature(report.root)) is not None:
        console.say(
            f"a signature of the key {signature.key_name} was not checked: give its key with --signer"
        )


def _comparisons(published: Mapping[str, Comparison]) -> Iterator[str]:
    """Yield how the datasets compare with their published fingerprints, in as few sentences as can be."""
    sentences: dict[Comparison, str] = {
        "another": "another fingerprint than the published one",
        "equal": "equal to the published one",
        "unpublished": "no fingerprint is published for this selection",
    }
    for comparison, sentence in sentences.items():
        names = [name for name, found in published.items() if found == comparison]
        if names:
            yield sentence if len(names) == len(published) else f"{sentence}: {', '.join(names)}"


def _signed(signed: Signed | None) -> dict[str, str] | None:
    """Return a checked signature for JSON; None if none was asked for."""
    if signed is None:
        return None
    return {
        "key": signed.key.line,
        "key_id": signed.key.name,
        "trusted_comment": signed.trusted_comment,
    }
