"""``medimeta-c leaderboard``: commands for the maintainers of a leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medimeta_c.cli import console
from medimeta_c.cli.command import Command, Group
from medimeta_c.cli.common import DebugOption, QuietOption, VerboseOption, everywhere, settle
from medimeta_c.cli.options import BenchmarkArgument, JsonOption, benchmark_of
from medimeta_c.errors import ResultError, printable

if TYPE_CHECKING:
    from medimeta_c.format.benchmark import Benchmark
    from medimeta_c.leaderboard import Finding

__all__ = ["app"]

app = typer.Typer(
    cls=Group,
    help="Maintain a leaderboard: check submissions, build the site, freeze releases, accept benchmarks.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

BenchmarkOption = Annotated[
    str | None,
    typer.Option(
        "--benchmark", help="Directory of a built benchmark, or ORG/NAME on the Hub.", show_default=False
    ),
]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Allow a benchmark that lacks sets of its suite.")
]


@app.callback()
def _options(quiet: QuietOption = False, verbose: VerboseOption = False, debug: DebugOption = False) -> None:
    settle(quiet=quiet, verbose=verbose, debug=debug)


@app.command(cls=Command)
@everywhere
def validate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Submissions, folders with submissions at any depth, or patterns such as 'results/*'."
        ),
    ],
    benchmark: BenchmarkOption = None,
    partial: PartialOption = False,
    accepted: Annotated[
        Path | None,
        typer.Option(help="The board's accepted.yaml: fingerprints and labels.", show_default=False),
    ] = None,
    among: Annotated[
        Path | None,
        typer.Option(
            help="Results of the current board. Refused: copies of its entries, and results in the place of "
            "another entry. Not checked again: unchanged entries.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check submissions: schema, fingerprints, labels, and every number against the predictions.

    Each is read in its own process, with limited memory and time. Exits with 1 if any has a problem.

    [b]Examples[/b]

      medimeta-c leaderboard validate results/my-model/0a1b2c3d4e5f --benchmark MediMeta-C

      medimeta-c leaderboard validate results --accepted accepted.yaml

      medimeta-c leaderboard validate pull/results --accepted accepted.yaml --among results --json
    """
    from medimeta_c.leaderboard import accept, read_accepted
    from medimeta_c.leaderboard import validate as run

    taken = None if accepted is None else read_accepted(accepted.expanduser())
    if benchmark is not None:
        taken = accept(_opened(benchmark, partial=partial), held=taken)
    found = run(
        [path.expanduser() for path in paths],
        taken,
        among=None if among is None else among.expanduser(),
        isolated=True,
    )
    bad = [one for one in found if not one.ok]
    if json:
        console.say_json({"ok": not bad, "submissions": [_values(one) for one in found]})
    else:
        for one in (one for one in found if not one.unchanged):
            console.say(f"{'ok     ' if one.ok else 'REFUSED'} {printable(one.folder)}")
            for problem in one.problems:
                console.say(f"        {printable(problem)}")
            for warning in one.warnings:
                console.say(f"        warning: {printable(warning)}")
            for note in one.notes:
                console.say(f"        note: {printable(note)}")
        same = sum(one.unchanged for one in found)
        if same:
            console.say(f"{same} unchanged on the board, not checked again")
    if bad:
        first = printable(bad[0].folder)
        raise ResultError(f"{len(bad)} of {len(found)} submissions have problems, first {first}")


@app.command(cls=Command)
@everywhere
def build(
    results: Annotated[
        Path, typer.Argument(help="A clone of the board's repository, or its results folder.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the site; replaces an earlier site there.")] = Path(
        "site"
    ),
    baseline: Annotated[
        str,
        typer.Option(help="Denominator of CE: [b]published[/b], [b]none[/b], or a result."),
    ] = "published",
    benchmark: BenchmarkOption = None,
    partial: PartialOption = False,
    repo: Annotated[
        str | None,
        typer.Option(
            help="ORG/NAME that receives submissions, for the page that explains how to submit.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compute every number from the predictions and write a static site.

    With --benchmark, the models' pages show images whose true class lost the most probability.

    [b]Examples[/b]

      medimeta-c leaderboard build results --out site

      medimeta-c leaderboard build . --benchmark MediMeta-C --repo my-org/leaderboard
    """
    from medimeta_c.io.hub_client import check_repo_id
    from medimeta_c.io.text import counted
    from medimeta_c.leaderboard import SiteConfig, build_site

    config = SiteConfig(
        results=results.expanduser(),
        out=out.expanduser(),
        baseline=baseline,
        benchmark=None if benchmark is None else _opened(benchmark, partial=partial),
        repository=None if repo is None else check_repo_id(repo),
    )
    with console.counting("submissions") as show:
        report = build_site(config, on_progress=lambda done, total: show("computing", done, total))
    if json:
        boards = [
            {"title": board.title, "baseline": board.baseline, "entries": [one.key for one in board.entries]}
            for board in report.boards
        ]
        console.say_json({"index": str(report.index), "pages": report.pages, "boards": boards})
        return
    for board in report.boards:
        measured = sum(entry.source == "measured" for entry in board.entries)
        console.say(
            f"{board.title}: {measured} measured, {len(board.entries) - measured} reported in the paper"
        )
    console.say(f"{counted(report.pages, 'page')}, open {report.index}")


@app.command(cls=Command)
@everywhere
def release(
    name: Annotated[
        str, typer.Argument(help="The release's name: lower-case letters, digits, dots and dashes.")
    ],
    results: Annotated[
        Path, typer.Argument(help="A clone of the board's repository, or its results folder.")
    ],
    baseline: Annotated[
        str,
        typer.Option(help="Denominator of CE: [b]published[/b], [b]none[/b], or a result."),
    ] = "published",
    benchmark: BenchmarkOption = None,
    partial: PartialOption = False,
    json: JsonOption = False,
) -> None:
    """Freeze the board under a name: an immutable copy of its numbers, in releases/NAME.

    Give the same --baseline and --benchmark as to [b]leaderboard build[/b]. Commit the folder: from then on,
    [b]leaderboard build[/b] publishes it at releases/NAME/ of the site.

    [b]Examples[/b]

      medimeta-c leaderboard release 2026-11 .

      medimeta-c leaderboard release v1.0 path/to/leaderboard --baseline none
    """
    from medimeta_c.io.text import counted
    from medimeta_c.leaderboard import ReleaseConfig
    from medimeta_c.leaderboard import release as run

    config = ReleaseConfig(
        name=name,
        results=results.expanduser(),
        baseline=baseline,
        benchmark=None if benchmark is None else _opened(benchmark, partial=partial),
    )
    with console.counting("submissions") as show:
        report = run(config, on_progress=lambda done, total: show("computing", done, total))
    made = report.release
    if json:
        values = {"path": str(report.path), "name": made.name, "date": made.date, "sha256": made.sha256}
        console.say_json({**values, "submissions": [one.place for one in made.submissions]})
        return
    frozen = counted(len(made.submissions), "submission")
    console.say(f"release {made.name} of {made.date}: {frozen} frozen")
    console.say(f"digest {made.sha256}")
    console.say(f"written {report.path}; commit it, and never change it")


@app.command(cls=Command)
@everywhere
def accept(
    where: BenchmarkArgument = None,
    benchmark: BenchmarkOption = None,
    accepted: Annotated[Path, typer.Option(help="File to which the benchmark is added.")] = Path(
        "accepted.yaml"
    ),
    split: Annotated[str, typer.Option(help="Split that results are scored on.")] = "test",
    partial: PartialOption = False,
    json: JsonOption = False,
) -> None:
    """Accept results on a benchmark: add its fingerprints, grids and label digest to a file.

    [b]Examples[/b]

      medimeta-c leaderboard accept MediMeta-C --accepted accepted.yaml
    """
    from medimeta_c.leaderboard import accept as run
    from medimeta_c.leaderboard import read_accepted, write_accepted

    target = accepted.expanduser()
    held = read_accepted(target) if target.exists() else None
    made = run(_opened(benchmark_of(where, benchmark), partial=partial), split, held=held)
    write_accepted(target, made)
    if json:
        console.say_json(made.model_dump(mode="json"))
        return
    for one in made.datasets:
        console.say(f"{one.dataset:<16} {one.fingerprint[:12]}  {one.images} images, {one.split} split")
    console.say(f"written to {target}")


def _opened(where: str, *, partial: bool) -> Benchmark:
    """Open the board's benchmark; with `partial`, allow one that lacks sets of its suite."""
    from medimeta_c.card.coverage import require_complete
    from medimeta_c.errors import Remedy
    from medimeta_c.format.benchmark import open_benchmark

    benchmark = open_benchmark(where)
    if not partial:
        require_complete(where, benchmark.manifest, Remedy("accept it with {partial}", partial=True))
    return benchmark


def _values(one: Finding) -> dict[str, Any]:
    return {
        "folder": str(one.folder),
        "ok": one.ok,
        "unchanged": one.unchanged,
        "place": one.place,
        "problems": list(one.problems),
        "warnings": list(one.warnings),
        "notes": list(one.notes),
    }
