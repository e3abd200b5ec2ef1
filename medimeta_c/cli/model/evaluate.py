"""``medimeta-c evaluate``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from medimeta_c.cli import console
from medimeta_c.cli.common import prints_tables
from medimeta_c.cli.options import (
    ALL,
    NONE,
    BenchmarkArgument,
    JsonOption,
    OfBenchmarkOption,
    benchmark_of,
    several,
)
from medimeta_c.errors import importing_models

if TYPE_CHECKING:
    from medimeta_c.scoring.preview import PlannedCells

__all__ = ["evaluate"]


@prints_tables
def evaluate(
    model: Annotated[
        str,
        typer.Option(
            help="hf-hub:ORG/NAME, local-dir:PATH, ARCH/PRETRAINED, transformers:NAME_OR_PATH, medclip:…, "
            "unimedclip:…, robustmedclip:PATH_OR_REPO, vlm:PATH_OR_REPO, openai:MODEL@URL or "
            "python:MODULE:ATTRIBUTE."
        ),
    ],
    where: BenchmarkArgument = None,
    benchmark: Annotated[
        str | None,
        typer.Option(help="Same as the argument BENCHMARK; default: MediMeta-C.", show_default=False),
    ] = None,
    dataset: OfBenchmarkOption = ALL,
    split: Annotated[str, typer.Option(help="The one split to score; a result is of one split.")] = "test",
    baseline: Annotated[
        str,
        typer.Option(help="Denominator of CE: [b]published[/b], [b]none[/b], or a result."),
    ] = "published",
    prompts: Annotated[
        str,
        typer.Option(
            help="[b]paper[/b], [b]reference[/b], [b]reference-order[/b], [b]ensemble[/b], or a YAML file."
        ),
    ] = "paper",
    out: Annotated[Path, typer.Option(help="Folder of all results.")] = Path("results"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32, bf16 or fp16.")] = "fp32",
    activation: Annotated[
        str | None,
        typer.Option(
            help="[b]quickgelu[/b] or [b]gelu[/b], for ARCH/PATH checkpoints that do not state it.",
            show_default=False,
        ),
    ] = None,
    preprocessing: Annotated[
        str | None,
        typer.Option(
            help="Replaces the model's own preprocessing: [b]big-vision[/b], for SigLIP models.",
            show_default=False,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Images per batch; default: 256 on CUDA, 64 elsewhere.", show_default=False),
    ] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that decode images; -1: as many as the device needs.")
    ] = -1,
    metrics: Annotated[
        list[str], several("Metrics of plug-ins, comma-separated.", show_default=False)
    ] = NONE,
    decode: Annotated[
        str | None,
        typer.Option(
            help="Of a model that answers in words: [b]likelihood[/b] or [b]generate[/b].",
            show_default=False,
        ),
    ] = None,
    orders: Annotated[
        int | None,
        typer.Option(
            help="Orders of the options for each image, with likelihoods; default: 8.", show_default=False
        ),
    ] = None,
    confidence: Annotated[
        bool, typer.Option("--confidence", help="Also ask how sure the model is, from 0 to 100.")
    ] = False,
    question: Annotated[
        str | None,
        typer.Option(help="The question, with {options}; may have {modality}.", show_default=False),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Score only the first N images of each set: a trial, marked as such, in OUT/first-N.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be scored; load no model.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Score a model: top-1, CE and mCE with intervals, per cell and overall.

    Finished cells are kept. After an interruption, run the same command again to resume.

    [b]Examples[/b]

      medimeta-c evaluate --model hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224

      medimeta-c evaluate --model ViT-B-16/openai --baseline none --device cuda --precision bf16

      medimeta-c evaluate --model local-dir:./my-clip --benchmark MediMeta-C --dataset pbc,oct
    """
    with importing_models("medimeta-c evaluate"):
        from medimeta_c.scoring.evaluation import EvaluateConfig
        from medimeta_c.scoring.evaluation import evaluate as run
    from medimeta_c.io.hub_client import settle_client
    from medimeta_c.io.records import dump
    from medimeta_c.models import Activation, Precision
    from medimeta_c.reports import HTML_NAME
    from medimeta_c.reports.terminal import result_view
    from medimeta_c.scoring.job import JobProgress
    from medimeta_c.scoring.words.questions import Decode

    config = EvaluateConfig(
        model=model,
        benchmark=benchmark_of(where, benchmark, "MediMeta-C"),
        datasets=tuple(dataset),
        split=split,
        baseline=baseline,
        prompts=prompts,
        out=out.expanduser(),
        device=device,
        precision=cast("Precision", precision),
        batch_size=batch_size,
        workers=workers,
        activation=cast("Activation | None", activation),
        preprocessing=preprocessing,
        metrics=tuple(metrics),
        limit=limit,
        decode=cast("Decode | None", decode),
        orders=orders,
        confidence=confidence,
        question=question,
    )
    settle_client()
    if dry_run:
        from medimeta_c.scoring.preview import plan

        _say_plan(plan(config), json=json)
        return
    with console.counting("images") as show:

        def on_progress(progress: JobProgress) -> None:
            show(*progress.view)

        saved = run(config, on_progress=on_progress)
    if json:
        console.say_json(dump(saved.result))
        return
    console.show(*result_view(saved))
    console.say(f"report: {saved.path / HTML_NAME}")


def _say_plan(planned: list[PlannedCells], *, json: bool) -> None:
    from medimeta_c.io.tables.table import Cell, Column, Table

    if json:
        console.say_json([asdict(each) for each in planned])
        return
    heads = (Column("dataset", "label"), Column("split", "label"), Column("cells"), Column("images"))
    rows = tuple(
        (
            Cell(each.dataset),
            Cell(each.split),
            Cell(f"{each.there} of {each.wanted}"),
            Cell(f"{each.images:,}", each.images),
        )
        for each in planned
    )
    console.show(Table(name="Cells to score, including finished ones", columns=heads, rows=rows))
    console.say(
        f"{sum(each.images for each in planned):,} images. The time depends on the model and the device: "
        "measure it with --limit 20."
    )
