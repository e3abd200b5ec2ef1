"""``medimeta-c features``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import (
    ALL,
    BenchmarkArgument,
    BenchmarkOption,
    DeviceOption,
    JsonOption,
    OfBenchmarkOption,
    benchmark_of,
    several,
    severities,
)
from medimeta_c.errors import importing_models

__all__ = ["features"]

_MIDDLE = ["3"]


def features(
    model: Annotated[str, typer.Option(help="Model, as in [b]evaluate[/b].")],
    where: BenchmarkArgument = None,
    benchmark: BenchmarkOption = None,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("features.parquet"),
    dataset: OfBenchmarkOption = ALL,
    severity: Annotated[
        list[str],
        several(
            "[b]all[/b], or severities such as 1,3. The clean sets are always embedded too.",
            metavar="NUMBERS",
            completed="severity",
        ),
    ] = _MIDDLE,
    split: Annotated[str, typer.Option(help="The one split to embed.")] = "test",
    images: Annotated[int, typer.Option(help="Maximum number of images of each set.")] = 200,
    device: DeviceOption = "auto",
    json: JsonOption = False,
) -> None:
    """Save a model's features of clean and corrupted images, for the feature map of [b]figures[/b].

    [b]Examples[/b]

      medimeta-c features MediMeta-C --model ViT-B-16/openai --out features.parquet

      medimeta-c figures MediMeta-C --features features.parquet --only feature_map
    """
    with importing_models("medimeta-c features"):
        from medimeta_c.scoring.features import FeaturesConfig, extract
    from medimeta_c.io.hub_client import settle_client

    config = FeaturesConfig(
        model=model,
        benchmark=benchmark_of(where, benchmark),
        out=out.expanduser(),
        datasets=tuple(dataset),
        severities=severities(severity),
        split=split,
        images=images,
        device=device,
    )
    settle_client()
    with console.counting("sets") as show:
        saved = extract(config, on_progress=lambda done, total: show("embedding", done, total))
    if json:
        console.say_json(
            {
                "out": str(config.out),
                "model": saved.model,
                "images": len(saved.rows),
                "dimensions": int(saved.vectors.shape[1]),
            }
        )
        return
    console.say(f"{config.out}: {len(saved.rows)} features of {saved.vectors.shape[1]} dimensions")
    console.say(f"next: medimeta-c figures {config.benchmark} --features {config.out} --only feature_map")
