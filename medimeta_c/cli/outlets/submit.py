"""``medimeta-c submit``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import JsonOption
from medimeta_c.errors import printable

if TYPE_CHECKING:
    from medimeta_c.leaderboard import Finding, SubmissionPreview, SubmitReport

__all__ = ["submit"]


def _text(help: str) -> Any:
    return typer.Option(help=help, show_default=False, rich_help_panel="Instead of --submission")


def submit(
    result: Annotated[Path, typer.Argument(help="Folder of a result, or a pattern that matches one.")],
    repo: Annotated[
        str | None,
        typer.Option(
            help="The leaderboard's dataset repository, ORG/NAME; required to submit.", show_default=False
        ),
    ] = None,
    init: Annotated[
        bool,
        typer.Option(
            "--init",
            help="Only write a commented submission.yaml to fill in: into the folder, or where --submission "
            "says. Never overwrites a file.",
        ),
    ] = False,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Only check, and show the board with this row; send nothing."),
    ] = False,
    among: Annotated[
        Path | None,
        typer.Option(
            help="With --preview: a clone of the board's repository, for the other rows.", show_default=False
        ),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            help="With --preview: directory of the benchmark, or ORG/NAME, for patients and sample images.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="With --preview: folder of the pages; default: preview.", show_default=False),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="With --preview: denominator of CE; [b]published[/b] (default), [b]none[/b] or a result.",
            show_default=False,
        ),
    ] = None,
    submission: Annotated[
        Path | None,
        typer.Option(
            help="A submission.yaml; default: the one in the folder. Example: docs/leaderboard.md.",
            show_default=False,
        ),
    ] = None,
    model_repo: Annotated[
        str | None,
        typer.Option(
            help="The model's repository; its .eval_results are proposed there too.", show_default=False
        ),
    ] = None,
    benchmark_repo: Annotated[
        str | None,
        typer.Option(
            help="The benchmark's repository; default: that of the scored benchmark.", show_default=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check; send nothing.")] = False,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the model on the board, in place of that of submission.yaml.", show_default=False
        ),
    ] = None,
    date: Annotated[str | None, _text("Day of the evaluation, YYYY-MM-DD.")] = None,
    organisation: Annotated[str | None, _text("Who made the model.")] = None,
    contact: Annotated[str | None, _text("Mail or web address for questions; not shown.")] = None,
    submitted_by: Annotated[str | None, _text("Who submits, if not the makers of the model.")] = None,
    backbone: Annotated[str | None, _text("Image encoder, e.g. ViT-B/16.")] = None,
    adaptation: Annotated[str | None, _text("base, few-shot or fine-tuned.")] = None,
    training_kind: Annotated[str | None, _text("general, medical or general-and-medical.")] = None,
    training_data: Annotated[str | None, _text("The training data, in one line.")] = None,
    overlap: Annotated[
        str | None, _text("Benchmark images in the training data: none, train, test or unknown.")
    ] = None,
    overlap_statement: Annotated[str | None, _text("The overlap, in one sentence.")] = None,
    trained_on: Annotated[
        str | None,
        _text("Names of the training data, comma-separated; required of a classifier or trained head."),
    ] = None,
    code: Annotated[str | None, _text("Web address of the code.")] = None,
    paper: Annotated[str | None, _text("Web address of the paper.")] = None,
    declare: Annotated[
        bool,
        typer.Option(
            "--declare",
            help="Declare: no choice was based on test results, and the predictions may be published.",
            rich_help_panel="Instead of --submission",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check a result and submit it to a leaderboard as a pull request.

    Only the result, its predictions and submission.yaml are sent. A second run finds the open pull request.
    The token comes from HF_TOKEN or `hf auth login`.

    [b]Examples[/b]

      medimeta-c submit results/mine/0a1b2c3d4e5f --init

      medimeta-c submit results/mine/0a1b2c3d4e5f --preview --among path/to/leaderboard

      medimeta-c submit results/mine/0a1b2c3d4e5f --submission mine.yaml --repo their-org/leaderboard

      medimeta-c submit results/mine/0a1b2c3d4e5f --repo their-org/leaderboard --dry-run

      medimeta-c submit results/mine/0a1b2c3d4e5f --repo their-org/leaderboard --model-repo my-org/mine
    """
    from medimeta_c.errors import ConfigError
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.io.hub_client import settle_client
    from medimeta_c.leaderboard import SubmissionPreview, SubmitConfig
    from medimeta_c.leaderboard import submit as run
    from medimeta_c.leaderboard.submit import place_submission
    from medimeta_c.results.baseline_choice import PUBLISHED
    from medimeta_c.results.folder.places import result_folder

    folder = result_folder(result)
    given = submission.expanduser() if submission is not None else None
    if init and preview:
        raise ConfigError("--init and --preview are both given: choose one")
    of_previews = {"--among": among, "--benchmark": benchmark, "--out": out, "--baseline": baseline}
    alone = [option for option, value in of_previews.items() if value is not None and not preview]
    if alone:
        raise ConfigError(f"{alone[0]} is only for previews: add --preview, or leave it out")
    described_by = {
        "organisation": organisation,
        "contact": contact,
        "submitted_by": submitted_by,
        "date": date,
        "backbone": backbone,
        "adaptation": adaptation,
        "kind": training_kind,
        "description": training_data,
        "overlap": overlap,
        "statement": overlap_statement,
        "trained_on": trained_on,
        "code": code,
        "paper": paper,
    }
    fields = {key: value for key, value in described_by.items() if value is not None}
    if init:
        if fields or declare:
            raise ConfigError(
                "--init writes a file to fill in: of the options that describe it, give --name only"
            )
        _init(folder, given, name, json=json)
        return
    name = _described(folder, given, name, fields, declare=declare)
    if preview:
        place_submission(folder, given, name)
        opened = None if benchmark is None else open_benchmark(benchmark)
        config = SubmissionPreview(
            folder=folder,
            out=(out or Path("preview")).expanduser(),
            among=None if among is None else among.expanduser(),
            baseline=baseline or PUBLISHED,
            benchmark=opened,
        )
        _preview(config, repo, json=json)
        return
    if repo is None:
        raise ConfigError("--repo is missing: name the leaderboard's repository, ORG/NAME")
    settle_client()
    report = run(
        SubmitConfig(
            folder=folder,
            repo_id=repo,
            submission=given,
            name=name,
            model_repo=model_repo,
            benchmark_repo=benchmark_repo,
            dry_run=dry_run,
        )
    )
    if json:
        console.say_json(_values(report))
        return
    console.say(f"checked: every number of {folder} follows from its predictions")
    _say_remarks(report.finding)
    for note in report.notes:
        console.say(f"note: {note}")
    if report.model_file is not None:
        console.say(f"written {report.model_file}, for the model's repository")
    if report.pull_request is None:
        for path in report.files:
            console.say(f"would send {path}")
        return
    console.say(f"pull request {'opened' if report.opened else 'is already open'}: {report.pull_request}")
    if report.model_pull_request is not None:
        console.say(f"pull request in the model's repository: {report.model_pull_request}")


def _described(
    folder: Path, given: Path | None, name: str | None, fields: dict[str, str], *, declare: bool
) -> str | None:
    """Write the submission that options describe; return the name that is still to replace that of a file."""
    from medimeta_c.errors import ConfigError
    from medimeta_c.leaderboard.submission import SUBMISSION_NAME, described, write_submission

    has_file = given is not None or (folder / SUBMISSION_NAME).is_file()
    if not fields and not declare and (name is None or has_file):
        return name
    if given is not None:
        raise ConfigError(
            "--submission already describes the model: leave out the options that describe it, except --name"
        )
    values = fields if name is None else {"name": name, **fields}
    write_submission(folder / SUBMISSION_NAME, described(values, declared=declare))
    return None


def _init(folder: Path, path: Path | None, name: str | None, *, json: bool) -> None:
    from medimeta_c.leaderboard import init_submission

    written = init_submission(folder, path, name=name)
    if json:
        console.say_json({"submission": str(written)})
        return
    console.say(f"written {written}: fill in its blanks")
    option = "" if path is None else f" --submission {path}"
    console.say(f"next: medimeta-c submit {folder}{option} --preview")


def _preview(config: SubmissionPreview, repo: str | None, *, json: bool) -> None:
    from medimeta_c.io.hub_client import settle_client
    from medimeta_c.leaderboard import preview as run
    from medimeta_c.leaderboard import read_accepted
    from medimeta_c.leaderboard.accepted import ACCEPTED_NAME
    from medimeta_c.leaderboard.submit import fetch_accepted

    notes: tuple[str, ...] = ()
    accepted = None
    if repo is not None:
        settle_client()
        accepted, notes = fetch_accepted(repo, offline=True)
    elif config.among is not None and (config.among / ACCEPTED_NAME).is_file():
        accepted = read_accepted(config.among)
    config = replace(config, accepted=accepted)
    with console.counting("submissions") as show:
        report = run(config, on_progress=lambda done, total: show("computing", done, total))
    if json:
        rows = [
            {"board": board.title, "entry": entry.key, "ranks": entry.ranks, "page": str(page)}
            for (board, entry), page in zip(report.rows, report.pages, strict=True)
        ]
        remarks = {"warnings": list(report.finding.warnings), "notes": [*report.finding.notes, *notes]}
        console.say_json(
            {"index": str(report.site.index), "rows": rows, "unranked": report.unranked, **remarks}
        )
        return
    console.say(f"checked: every number of {config.folder} follows from its predictions")
    _say_remarks(report.finding)
    for note in notes:
        console.say(f"note: {note}")
    console.show(report.table)
    if report.unranked:
        console.say(f"it has no rank: it is {report.unranked}")
    for page in report.pages:
        console.say(f"its page: {page}")
    console.say(f"nothing was sent; open {report.site.index}")


def _say_remarks(finding: Finding) -> None:
    for warning in finding.warnings:
        console.say(f"warning: {printable(warning)}")
    for note in finding.notes:
        console.say(f"note: {note}")


def _values(report: SubmitReport) -> dict[str, Any]:
    return {
        "place": report.finding.place,
        "files": {path: str(source) for path, source in report.files.items()},
        "warnings": list(report.finding.warnings),
        "notes": [*report.finding.notes, *report.notes],
        "pull_request": report.pull_request,
        "opened": report.opened,
        "model_file": None if report.model_file is None else str(report.model_file),
        "model_pull_request": report.model_pull_request,
    }
