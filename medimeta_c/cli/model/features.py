"""``medimeta-c features``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.cli.options import ALL, BenchmarkArgument, BenchmarkOption, JsonOption, benchmark_of, several
from medimeta_c.errors import importing_models

__all__ = ["features"]


def features(
    model: Annotated[str, typer.Option(help="A model, as in [b]evaluate[/b].")],
    where: BenchmarkArgument = None,
    benchmark: BenchmarkOption = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("features.parquet"),
    dataset: Annotated[
        list[str],
        several(
            "Datasets of it, comma-separated, or [b]all[/b].",
            completed="dataset",
        ),
    ] = ALL,
    severity: Annotated[int, typer.Option(help="The severity embedded, beside the clean sets.")] = 3,
    split: Annotated[str, typer.Option(help="The split.")] = "test",
    images: Annotated[int, typer.Option(help="Images of each set at most.")] = 200,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    json: JsonOption = False,
) -> None:
    """Save a model's image features, clean and corrupted, for the feature map that figures draws.

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
        severity=severity,
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
