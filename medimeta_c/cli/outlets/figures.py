"""``medimeta-c figures``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import NONE, JsonOption, several

__all__ = ["figures"]


def figures(
    directories: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="BENCHMARK",
            help="Directories of built benchmarks; two are drawn side by side.",
            show_default=False,
        ),
    ] = None,
    benchmark: Annotated[
        list[Path] | None,
        typer.Option(help="Same as the arguments. Repeatable.", show_default=False),
    ] = None,
    results: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder of a result, or of several, or a pattern such as 'results/*'; NAME=PATH sets the "
            "name shown. Repeatable.",
            show_default=False,
        ),
    ] = None,
    ablation: Annotated[
        Path | None,
        typer.Option(help="Folder of a few-shot ablation, written by [b]finetune[/b].", show_default=False),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(help="File of image features, written by [b]features[/b].", show_default=False),
    ] = None,
    paper: Annotated[bool, typer.Option("--paper", help="Draw the numbers printed in the paper.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the figures.")] = Path("figures"),
    only: Annotated[
        list[str],
        several(
            "Make only these figures and tables, comma-separated; their names are the file names.",
            show_default=False,
            completed="only",
        ),
    ] = NONE,
    images: Annotated[int, typer.Option(help="Maximum number of images of each set to decode.")] = 500,
    json: JsonOption = False,
) -> None:
    """Make the paper's figures (PNG, SVG, PDF, CSV) and tables (Markdown, CSV, LaTeX).

    Figures whose input is missing are left out and named. Without any input, the paper's numbers are drawn.

    [b]Examples[/b]

      medimeta-c figures MediMeta-C --results results --out figures

      medimeta-c figures MediMeta-C MedMNIST-C --only spectrum,pixel_density

      medimeta-c figures --paper --only table2,robustness_accuracy

      medimeta-c figures --results CLIP=results/vit-b-16-openai/0a1b2c3d4e5f --ablation ablation
    """
    from medimeta_c.errors import ConfigError
    from medimeta_c.figures.exhibit import Inputs, name_builds
    from medimeta_c.figures.gallery import make
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.paper import (
        built_datasets,
        find_results,
        published_datasets,
        published_fewshot,
        published_scores,
        read_fewshot,
        scores_of,
    )

    built = [*(directories or ()), *(benchmark or ())]
    paper = paper or not (built or results or ablation or features)
    if paper and (results or ablation):
        raise ConfigError(
            "--paper draws the paper's numbers: leave --results and --ablation out, or leave it out"
        )
    found = find_results(results or ())
    benchmarks = name_builds([open_benchmark(one.expanduser()) for one in built])
    manifests = [one.manifest for one in benchmarks.values()]
    inputs = Inputs(
        benchmarks=benchmarks,
        results=found,
        scores=published_scores() if paper else scores_of(found),
        fewshot=published_fewshot() if paper else read_fewshot(ablation.expanduser()) if ablation else (),
        datasets=published_datasets() if paper else built_datasets(manifests),
        features=features.expanduser() if features else None,
        printed="Numbers as printed in the paper (Imam, Marew and Yaqub, MIUA 2025)." if paper else "",
        images=images,
    )
    with console.counting("figures") as show:
        made = make(inputs, out.expanduser(), only=tuple(only), on_progress=show)
    if json:
        console.say_json({"files": [str(path) for path in made.files], "left_out": made.left_out})
        return
    for path in made.files:
        console.say(str(path))
    for name, reason in made.left_out.items():
        console.say(f"left out: {name}: {reason}")
