"""``medimeta-c evaluate``."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from medimeta_c.cli import console
from medimeta_c.cli.common import prints_tables
from medimeta_c.cli.options import (
    ALL,
    NONE,
    ActivationOption,
    BaselineOption,
    BatchSizeOption,
    BenchmarkArgument,
    DeviceOption,
    JsonOption,
    OfBenchmarkOption,
    PrecisionOption,
    PreprocessingOption,
    PromptsOption,
    ResultsOrUrlOption,
    ScoredBenchmarkOption,
    WorkersOption,
    benchmark_of,
    several,
)
from medimeta_c.errors import ConfigError, ResultError, importing_models

if TYPE_CHECKING:
    from medimeta_c.results.folder.saved import SavedResult
    from medimeta_c.scoring.config import EvaluateConfig
    from medimeta_c.scoring.given import PredictionsConfig
    from medimeta_c.scoring.jobs.progress import JobProgress
    from medimeta_c.scoring.preview import PlannedCells

__all__ = ["evaluate"]

PARAPHRASES = "paraphrases"  # as in medimeta_c.prompts.paraphrases, which `--help` need not import


@prints_tables
def evaluate(
    model: Annotated[
        list[str],
        typer.Option(
            help="hf-hub:ORG/NAME, local-dir:PATH, ARCH/PRETRAINED, transformers:NAME_OR_PATH, "
            "robustmedclip:PATH_OR_REPO, python:MODULE:ATTRIBUTE, model:ALIAS, …; [b]models[/b] lists all. "
            "Repeat it for several models.",
            show_default=False,
        ),
    ] = NONE,
    where: BenchmarkArgument = None,
    benchmark: ScoredBenchmarkOption = None,
    dataset: OfBenchmarkOption = ALL,
    split: Annotated[str, typer.Option(help="The one split to score; a result is of one split.")] = "test",
    baseline: BaselineOption = "published",
    prompts: PromptsOption = "paper",
    prompts_sweep: Annotated[
        bool,
        typer.Option(
            "--prompts-sweep",
            help="Also score many wordings of the prompts on the same image embeddings: how far the numbers "
            "vary, in files beside the result.",
        ),
    ] = False,
    paraphrases: Annotated[
        str,
        typer.Option(
            help="With --prompts-sweep: its wordings, [b]paraphrases[/b] or a YAML file of templates."
        ),
    ] = PARAPHRASES,
    out: ResultsOrUrlOption = "results",
    device: DeviceOption = "auto",
    devices: Annotated[
        list[str],
        several(
            "Devices of this machine that share the cells, comma-separated, such as cuda:0,cuda:1.",
            show_default=False,
        ),
    ] = NONE,
    engine: Annotated[
        str,
        typer.Option(help="local (this machine) or dask: every worker of a cluster, with its own device."),
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="With --engine dask: address of the running scheduler; its workers must see the same paths.",
            show_default=False,
        ),
    ] = None,
    precision: PrecisionOption = "fp32",
    activation: ActivationOption = None,
    preprocessing: PreprocessingOption = None,
    batch_size: BatchSizeOption = None,
    workers: WorkersOption = -1,
    metrics: Annotated[
        list[str],
        several("More metrics: nll, brier, aurc, or plug-ins', comma-separated.", show_default=False),
    ] = NONE,
    sweep: Annotated[
        Path | None,
        typer.Option(help="A YAML file of models and benchmarks, instead of --model.", show_default=False),
    ] = None,
    from_predictions: Annotated[
        Path | None,
        typer.Option(
            help="Score a Parquet or CSV file of predictions made elsewhere, instead of a model: marked "
            "unverified, ranked nowhere.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="With --from-predictions: what the result calls the model.", show_default=False),
    ] = None,
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
    render: Annotated[
        bool,
        typer.Option(
            "--render",
            help="Render corrupted images from the clean ones: only these and manifest.json are needed.",
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            help="Score only the first N images of each set: a trial, marked as such, in OUT/first-N.",
            show_default=False,
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Score only part I of N, for jobs on many machines; with several OUT, "
            "[b]medimeta-c merge[/b] joins them.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be scored; load no model.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Score models: top-1, CE and mCE with intervals, per cell and overall.

    Finished cells are kept. After an interruption, run the same command again to resume. The same command may
    run several times at once, also on several machines: each cell is scored once.

    [b]Examples[/b]

      medimeta-c evaluate --model hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224

      medimeta-c evaluate --model ViT-B-16/openai --baseline none --device cuda --precision bf16

      medimeta-c evaluate --model local-dir:./my-clip --benchmark MediMeta-C --dataset pbc,oct

      medimeta-c evaluate --model ViT-B-16/openai --benchmark ORG/NAME --render

      medimeta-c evaluate --model ViT-B-16/openai --prompts-sweep

      medimeta-c evaluate --model ViT-B-16/openai --benchmark s3://bucket/MediMeta-C --out s3://bucket/results

      medimeta-c evaluate --sweep models.yaml

      medimeta-c evaluate --from-predictions answers.csv --name our-model
    """
    from medimeta_c.io.hub_client import settle_client
    from medimeta_c.models import Activation, Precision
    from medimeta_c.results.result import RESULT_NAME
    from medimeta_c.scoring.given import PredictionsConfig

    _check_one_way(model, sweep, from_predictions)
    if paraphrases != PARAPHRASES and not prompts_sweep:
        raise ConfigError("--paraphrases are the wordings of --prompts-sweep: add it, or leave them out")
    settle_client()
    place = benchmark_of(where, benchmark, "MediMeta-C")
    if from_predictions is not None:
        for option, is_given in {
            "--limit": limit is not None,
            "--render": render,
            "--part": part is not None,
            "--devices": bool(devices),
            "--engine": engine != "local",
            "--scheduler": scheduler is not None,
        }.items():
            if is_given:
                raise ConfigError(f"{option} is for models: a file of predictions is scored whole")
        if prompts_sweep:
            raise ConfigError("--prompts-sweep is for models: a file of predictions has no prompts")
        given = PredictionsConfig(
            predictions=from_predictions,
            name=name,
            benchmark=place,
            datasets=tuple(dataset),
            split=split,
            baseline=baseline,
            out=out,
            metrics=tuple(metrics),
        )
        _score_file(given, json=json)
        return
    with importing_models("medimeta-c evaluate"):
        from medimeta_c.scoring.config import EvaluateConfig
        from medimeta_c.scoring.evaluation import evaluate as run
        from medimeta_c.scoring.sweep import configs_of
        from medimeta_c.scoring.words.questions import Decode
    common = partial(
        EvaluateConfig,
        benchmark=place,
        datasets=tuple(dataset),
        split=split,
        baseline=baseline,
        prompts=prompts,
        prompts_sweep=paraphrases if prompts_sweep else None,
        out=out,
        device=device,
        devices=tuple(devices),
        engine=cast("Literal['local', 'dask']", engine),
        scheduler=scheduler,
        precision=cast("Precision", precision),
        batch_size=batch_size,
        workers=workers,
        activation=cast("Activation | None", activation),
        preprocessing=preprocessing,
        metrics=tuple(metrics),
        limit=limit,
        render=render,
        part=part,
        decode=cast("Decode | None", decode),
        orders=orders,
        confidence=confidence,
        question=question,
    )
    several = [common(model=one) for one in model] if sweep is None else configs_of(sweep, common)
    if dry_run:
        from medimeta_c.scoring.preview import plan

        _say_plan([each for one in several for each in plan(one)], json=json)
        return
    if len(several) > 1 or sweep is not None:
        _sweep(several, json=json)
        return
    with console.counting("images") as show:

        def on_progress(progress: JobProgress) -> None:
            show(*progress.view)

        saved = run(several[0], on_progress=on_progress)
    if part is not None and not (saved.path / RESULT_NAME).is_file():
        _say_part(saved, part, Path(out), json=json)
        return
    _say_result(saved, baseline, place, json=json)


def _check_one_way(models: list[str], sweep: Path | None, predictions: Path | None) -> None:
    """Refuse no model, and two ways of naming it."""
    ways = {"--model": models, "--sweep": sweep, "--from-predictions": predictions}
    given = [name for name, value in ways.items() if value]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)} are given: use one of them")
    if not given:
        raise ConfigError("no model is given: name one with --model, or use --sweep or --from-predictions")


def _say_result(saved: SavedResult, baseline: str, place: str | Path, *, json: bool) -> None:
    """Say what the reports say: beside the same baseline, and with the same patients."""
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.io.records import dump
    from medimeta_c.reports import HTML_NAME
    from medimeta_c.reports.terminal import result_view
    from medimeta_c.results.assessment.loss import assess
    from medimeta_c.results.baseline_choice import choose_baseline
    from medimeta_c.results.paraphrases.views import readable_sweep

    if json:
        swept = readable_sweep(saved.path, saved.result)
        console.say_json(dump(saved.result) | ({} if swept is None else {"prompts_sweep": dump(swept)}))
        return
    run = saved.result.run
    chosen = choose_baseline(baseline, run.benchmark, run.split)
    found = assess(saved, chosen, open_benchmark(place).groups(run.split))
    console.show(*result_view(found))
    console.say(f"report: {(saved.stored or saved.path) / HTML_NAME}")


def _say_part(saved: SavedResult, part: str, out: Path, *, json: bool) -> None:
    """Say what is there of a result of which other parts are missing."""
    cells, wanted = len(saved.predictions), len(saved.result.scope.cells())
    if json:
        console.say_json({"out": str(out), "part": part, "cells": cells, "cells_wanted": wanted})
        return
    console.say(f"{saved.path}: part {part} is finished, {cells} of {wanted} cells are there")
    console.say(f"next, when all parts are finished: medimeta-c merge {out}")


def _score_file(config: PredictionsConfig, *, json: bool) -> None:
    from medimeta_c.scoring.given import score_predictions

    with console.counting("images") as show:
        saved = score_predictions(config, on_progress=lambda now: show(*now.view))
    _say_result(saved, str(config.baseline), config.benchmark, json=json)


def _sweep(configs: list[EvaluateConfig], *, json: bool) -> None:
    """Score all; failures are listed at the end, and end the command with 1."""
    from medimeta_c.io.records import dump
    from medimeta_c.results.paraphrases.views import seeds_table
    from medimeta_c.scoring.sweep import sweep

    with console.counting("images") as show:

        def on_progress(config: EvaluateConfig, now: JobProgress) -> None:
            text, done, total = now.view
            show(f"{config.model}: {text}", done, total)

        report = sweep(configs, on_progress=on_progress)
    if json:
        results = [str(one.path) for one in report.scored]
        failures = [asdict(each) for each in report.failures]
        said = {"csv": str(report.path), "results": results, "failures": failures}
        seeds = {"prompts_seeds": [dump(each) for each in report.seeds]} if report.seeds else {}
        console.say_json(said | seeds)
    else:
        for one in report.scored:
            console.say(f"{one.result!r}: {one.path}")
        console.say(f"all numbers: {report.path}")
        for split in report.seeds:
            console.show(seeds_table(split))
    if report.failures:
        what = "; ".join(f"{one.model} on {one.benchmark}: {one.reason}" for one in report.failures)
        raise ResultError(f"{len(report.failures)} of {len(configs)} evaluations failed: {what}")


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
