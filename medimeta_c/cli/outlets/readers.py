"""``medimeta-c readers``: studies with human readers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.command import Command, Group
from medimeta_c.cli.common import (
    DebugOption,
    QuietOption,
    VerboseOption,
    everywhere,
    prints_tables,
    settle,
)
from medimeta_c.cli.options import (
    ALL,
    BenchmarkArgument,
    BenchmarkOption,
    JsonOption,
    OfBenchmarkOption,
    benchmark_of,
    several,
    severities,
)

__all__ = ["app"]

app = typer.Typer(
    cls=Group,
    help="Find out what a severity means to human readers: make a study's page, score the answers.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.callback()
def _options(quiet: QuietOption = False, verbose: VerboseOption = False, debug: DebugOption = False) -> None:
    settle(quiet=quiet, verbose=verbose, debug=debug)


@app.command(cls=Command)
@everywhere
def make(
    where: BenchmarkArgument = None,
    benchmark: BenchmarkOption = None,
    dataset: OfBenchmarkOption = ALL,
    corruption: Annotated[
        list[str],
        several("Corruptions that were built, or [b]all[/b].", "--corruption", completed="corruption"),
    ] = ALL,
    severity: Annotated[
        list[str], several("Severities 1 to 5 that were built, or [b]all[/b].", completed="severity")
    ] = ALL,
    question: Annotated[
        list[str],
        several(
            "[b]compare[/b]: which of two images is worse; [b]read[/b]: can this image still be read; or "
            "[b]all[/b]."
        ),
    ] = ALL,
    split: Annotated[str, typer.Option(help="Split that images are from.")] = "test",
    trials: Annotated[
        int,
        typer.Option(help="Trials with a corruption, spread evenly over question, corruption and severity."),
    ] = 140,
    catch: Annotated[int, typer.Option(help="Trials without corruption, for false alarms.")] = 14,
    seed: Annotated[int, typer.Option(help="Seed for choosing images, sides and order.")] = 0,
    out: Annotated[
        Path,
        typer.Option(
            help="File of the page; OUT.study.json beside it is for scoring: do not send it to readers."
        ),
    ] = Path("readers.html"),
    json: JsonOption = False,
) -> None:
    """Write a page that asks readers about images: one file that loads and sends nothing.

    The page contains images of the benchmark: give it only to people who may see them.

    [b]Examples[/b]

      medimeta-c readers make MediMeta-C --dataset pbc --out pbc-readers.html

      medimeta-c readers make MediMeta-C --corruption contrast,zoom_blur --question compare --trials 60
    """
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.readers import StudyConfig, make_study
    from medimeta_c.readers.study import QUESTIONS

    config = StudyConfig(
        out=out,
        datasets=tuple(dataset),
        corruptions=tuple(corruption),
        severities=severities(severity),
        questions=QUESTIONS if question == ALL else tuple(question),
        split=split,
        trials=trials,
        catch=catch,
        seed=seed,
    )
    opened = open_benchmark(benchmark_of(where, benchmark))
    with console.counting("sets") as show:
        report = make_study(opened, config, on_progress=lambda done, total: show("reading", done, total))
    study = report.study
    if json:
        console.say_json(
            {
                "page": str(report.page),
                "study_file": str(report.file),
                "study": study.digest,
                "trials": len(study.trials),
                "phantoms": list(study.phantoms),
            }
        )
        return
    console.say(f"{report.page}: {len(study.trials)} trials, for the readers")
    console.say(f"{report.file}: the right answers; keep it, to score with it")
    if study.phantoms:
        console.say(f"generated images, not medical ones: {', '.join(study.phantoms)}")


@app.command(cls=Command)
@everywhere
@prints_tables
def score(
    answers: Annotated[list[Path], typer.Argument(help="Files that readers exported from the page.")],
    study: Annotated[
        Path, typer.Option(help="The .study.json that was written beside the page.", show_default=False)
    ],
    resamples: Annotated[int, typer.Option(help="Resamples of readers and trials, for intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the resamples.")] = 0,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown on stdout.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compute agreement, just-noticeable and limit-of-reading severities from readers' answers.

    [b]Examples[/b]

      medimeta-c readers score answers-*.json --study readers.study.json

      medimeta-c readers score answers-*.json --study readers.study.json --json
    """
    from medimeta_c.errors import ConfigError, printable
    from medimeta_c.metrics.resampling import Resampling
    from medimeta_c.readers import score_readers
    from medimeta_c.readers.tables import all_tables, markdown_report, sentences

    if markdown and json:
        raise ConfigError("--markdown and --json are both given: choose one")
    plan = Resampling(resamples=resamples, seed=seed)
    paths = [path.expanduser() for path in answers]
    scores = score_readers(study.expanduser(), paths, resampling=plan)
    if json:
        console.say_json(scores.to_dict())
        return
    if markdown:
        console.say(markdown_report(scores).rstrip())
        return
    console.show(*all_tables(scores))
    for sentence in sentences(scores):
        console.say(printable(sentence))
