"""``medimeta-c probe``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

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
    DataOption,
    DeviceOption,
    IdsOption,
    JsonOption,
    OfBenchmarkOption,
    PrecisionOption,
    PreprocessingOption,
    PromptsOption,
    ResultsOption,
    ScoredBenchmarkOption,
    WorkersOption,
    benchmark_of,
    data_dir,
    number,
    several,
)
from medimeta_c.errors import importing_models

if TYPE_CHECKING:
    from medimeta_c.models import Activation, Precision
    from medimeta_c.probing.config import DrawnFrom

__all__ = ["probe"]

_SHOTS, _SEEDS = ["1", "2", "4", "8", "16", "all"], ["0", "1", "2"]


@prints_tables
def probe(
    model: Annotated[
        str, typer.Option(help="Model, as in [b]evaluate[/b]; its text encoder is optional here.")
    ],
    where: BenchmarkArgument = None,
    benchmark: ScoredBenchmarkOption = None,
    data: DataOption = None,
    dataset: OfBenchmarkOption = ALL,
    head: Annotated[
        list[str],
        several(
            "Heads, comma-separated: [b]zero-shot[/b], [b]linear[/b], [b]lp++[/b], [b]knn[/b], [b]ncm[/b], "
            "[b]tip[/b], [b]tip-f[/b], [b]clip-adapter[/b]; default: all that the model can have.",
            completed="head",
            show_default=False,
        ),
    ] = NONE,
    shots: Annotated[
        list[str],
        several("Training images of each class; several, comma-separated, or [b]all[/b].", metavar="NUMBERS"),
    ] = _SHOTS,
    seeds: Annotated[
        list[str],
        several(
            "Seeds for choosing images; several, comma-separated: one fit each.",
            "--seeds",
            "--seed",
            metavar="NUMBERS",
        ),
    ] = _SEEDS,
    draw_from: Annotated[
        str,
        typer.Option("--from", help="Split to draw images from: [b]train[/b], or [b]val[/b]."),
    ] = "train",
    split: Annotated[str, typer.Option(help="The one split to score.")] = "test",
    baseline: BaselineOption = "published",
    prompts: PromptsOption = "paper",
    out: ResultsOption = Path("results"),
    ids: IdsOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "fp32",
    activation: ActivationOption = None,
    preprocessing: PreprocessingOption = None,
    batch_size: BatchSizeOption = None,
    workers: WorkersOption = -1,
    json: JsonOption = False,
) -> None:
    """Train heads on a model's frozen features of a few clean images, and score each on every set.

    Features are computed once. Shots come from train, settings are chosen on val, and the sets scored are not
    opened before the last head is trained.

    After an interruption, run the same command again to resume.

    [b]Examples[/b]

      medimeta-c probe MediMeta-C --model hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224

      medimeta-c probe MediMeta-C --model ViT-B-16/openai --data ./data --head linear,tip --shots 4,16,all

      medimeta-c probe MediMeta-C --model local-dir:./my-clip --dataset pbc --seeds 0,1,2,3,4 --baseline none
    """
    with importing_models("medimeta-c probe"):
        from medimeta_c.probing import ProbeConfig
        from medimeta_c.probing import probe as run
        from medimeta_c.probing.outputs import TABLE_NAME, notes, probe_tables
    from medimeta_c.io.hub_client import settle_client
    from medimeta_c.io.records import dump

    config = ProbeConfig(
        model=model,
        benchmark=benchmark_of(where, benchmark, "MediMeta-C"),
        data_dir=data_dir(data),
        datasets=tuple(dataset),
        split=split,
        heads=tuple(head) or None,
        shots=tuple(part if part == "all" else number(part, int, "--shots") for part in shots),
        seeds=tuple(number(part, int, "--seeds") for part in seeds),
        draw_from=cast("DrawnFrom", draw_from),
        ids=ids.expanduser() if ids else None,
        baseline=baseline,
        prompts=prompts,
        out=out.expanduser(),
        device=device,
        precision=cast("Precision", precision),
        batch_size=batch_size,
        workers=workers,
        activation=cast("Activation | None", activation),
        preprocessing=preprocessing,
    )
    settle_client()
    with console.counting("images") as show:
        probes = run(config, on_progress=show)
    if json:
        console.say_json(dump(probes))
        return
    console.show(*probe_tables(probes))
    for note in notes(probes):
        console.say(note)
    console.say(f"table and figure: {probes.folder_in(config.out) / TABLE_NAME}")
