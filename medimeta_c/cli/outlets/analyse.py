"""``medimeta-c analyse``."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.common import loudness, prints_tables
from medimeta_c.cli.options import (
    ALL,
    TEST,
    BenchmarkArgument,
    BenchmarkOption,
    JsonOption,
    OfBenchmarkOption,
    benchmark_of,
    several,
)

__all__ = ["analyse"]

_SHORT = {"Severity": "Sev."}


@prints_tables
def analyse(
    where: BenchmarkArgument = None,
    benchmark: BenchmarkOption = None,
    dataset: OfBenchmarkOption = ALL,
    split: Annotated[list[str], several("Splits to pool, comma-separated, or [b]all[/b].")] = TEST,
    images: Annotated[
        int, typer.Option(help="Maximum number of images of each dataset to decode, for the energy.")
    ] = 500,
    seed: Annotated[int, typer.Option(help="Seed for choosing the images to decode.")] = 0,
    severities: Annotated[
        bool, typer.Option("--severities", help="Show each severity, not only the mean.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the result as Markdown on stdout.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Measure how corruptions change low, mid and high frequencies, with 95 % intervals.

    Every image is compared with its clean version. Shares describe the spectrum's shape, energy its size:
    blur raises the share of the low band, although it takes energy from nearly every band.

    [b]Examples[/b]

      medimeta-c analyse MediMeta-C

      medimeta-c analyse MediMeta-C --dataset pbc --severities

      medimeta-c analyse MediMeta-C --json
    """
    from medimeta_c.analysis import analyse as run
    from medimeta_c.errors import ConfigError
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.reports.frequency import QUESTION, effect_table, markdown_report, sentences

    if markdown and json:
        raise ConfigError("--markdown and --json are both given: choose one")
    with console.counting("sets") as show:
        analysis = run(
            open_benchmark(benchmark_of(where, benchmark)),
            datasets=tuple(dataset),
            splits=tuple(split),
            images=images,
            seed=seed,
            on_progress=lambda done, total: show("analysing", done, total),
        )
    if json:
        console.say_json(asdict(analysis))
    elif markdown:
        console.say(markdown_report(analysis).rstrip())
    else:
        for name, count in analysis.images.items():
            mark = ", phantoms" if name in analysis.phantoms else ""
            where = ", ".join(analysis.splits[name])
            title = f"{name}{mark}: {count} images ({where}), {analysis.decoded[name]} decoded for energy"
            table = replace(effect_table(analysis, name, severities=severities), name=title)
            if severities and loudness.tsv:
                console.show(table)
                continue
            # Drop the mid band: it follows from the other two, and the tables must fit 80 columns.
            shorter = (replace(each, header=_SHORT.get(each.header, each.header)) for each in table.columns)
            table = replace(table, columns=tuple(shorter))
            which = ("Corruption", "Sev.") if severities else ("Corruption",)
            shares = table.only(*which, "Low share, points", "High share, points")
            energy = table.only(*which, "Low energy, factor", "High energy, factor")
            console.show(shares, replace(energy, name=""))
        console.say(QUESTION)
        for sentence in sentences(analysis):
            console.say(f"  {sentence}")
