"""``medimeta-c finetune``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from medimeta_c.cli import console
from medimeta_c.cli.completion import COMPLETED
from medimeta_c.cli.options import (
    ALL,
    NONE,
    DataOption,
    DatasetOption,
    DeviceOption,
    JsonOption,
    ProfileOption,
    PromptsOption,
    SourceOption,
    TaskOption,
    data_dir,
    number,
    several,
)
from medimeta_c.errors import ConfigError, importing_models

if TYPE_CHECKING:
    from medimeta_c.finetuning import (
        Ablation,
        AblationConfig,
        FinetuneConfig,
        FinetuneProgress,
        FinetuneReport,
    )

__all__ = ["finetune"]

_TENTH, _ZERO = ["0.1"], ["0"]


def finetune(
    model: Annotated[str, typer.Option(help="Base model, as in [b]evaluate[/b].")],
    out: Annotated[Path, typer.Option(help="Folder of the run, or of all runs.")],
    dataset: DatasetOption = ALL,
    fewshot: Annotated[
        list[str],
        several(
            "Share of each dataset's images to train on, above 0 up to 1; several, comma-separated.",
            metavar="SHARES",
        ),
    ] = _TENTH,
    draw_from: Annotated[
        str,
        typer.Option(
            "--from", help="Split to draw images from: [b]train[/b], or [b]val[/b] as in the paper's code."
        ),
    ] = "train",
    seed: Annotated[
        list[str],
        several(
            "Seed for choosing images and starting adapters; several, comma-separated: one run each.",
            metavar="NUMBERS",
        ),
    ] = _ZERO,
    seeds: Annotated[list[str], several("Same as --seed.", hidden=True)] = NONE,
    data: DataOption = None,
    source: SourceOption = None,
    task: TaskOption = None,
    rank: Annotated[int, typer.Option(help="Rank of the adapters.")] = 16,
    alpha: Annotated[
        float | None,
        typer.Option(help="Adapters are scaled by alpha / rank; default: the rank.", show_default=False),
    ] = None,
    targets: Annotated[
        list[str],
        several(
            "Layers to adapt: some of [b]q,k,v[/b], or [b]conv-centre[/b], or [b]conv[/b] (whole "
            "kernels); default: q,k,v, or conv-centre in a ResNet.",
            show_default=False,
        ),
    ] = NONE,
    epochs: Annotated[int, typer.Option(help="Passes over the images.")] = 20,
    lr: Annotated[float, typer.Option(help="Adam's learning rate.")] = 1e-4,
    schedule: Annotated[str, typer.Option(help="[b]constant[/b] or [b]cosine[/b].")] = "constant",
    batch_size: Annotated[int, typer.Option(help="Images per step.")] = 256,
    micro_batch: Annotated[
        int | None,
        typer.Option(
            help="Images in memory at a time; gradients are accumulated. Default: the batch, or what fits.",
            show_default=False,
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Divides the cosine similarity; default: 1 / the logit scale.", show_default=False),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop after N epochs without a better validation accuracy.", show_default=False),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            help="Corrupt training images at random with this suite's corruptions: core, clinical or "
            "imagenet_c. The paper uses none.",
            autocompletion=COMPLETED["suite"],
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    prompts: PromptsOption = "paper",
    benchmark: Annotated[
        str | None,
        typer.Option(
            help="Built benchmark to score the base model and every adapter on; adds mCE to the table.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        str, typer.Option(help="Denominator of CE, with --benchmark; as in [b]evaluate[/b].")
    ] = "published",
    device: DeviceOption = "auto",
    precision: Annotated[str, typer.Option(help="auto (bf16 on CUDA), fp32 or bf16.")] = "auto",
    json: JsonOption = False,
) -> None:
    """Fine-tune the image encoder with LoRA on a few images per class (RobustMedCLIP).

    Trains on the train split, or with --from val on a part of val, and selects the checkpoint on val. Test
    images are not read.

    After an interruption, run the same command again to resume.

    Several shares or seeds, or --benchmark, produce the ablation table.

    [b]Examples[/b]

      medimeta-c finetune --model hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224 --out rmc

      medimeta-c finetune --model local-dir:./my-clip --dataset pbc,fundus --fewshot 0.1 --rank 8 --out a

      medimeta-c finetune --model ViT-B-16/openai --fewshot 0.01,0.1 --seed 0,1,2 --benchmark B --out C
    """
    with importing_models("medimeta-c finetune"):
        from medimeta_c.finetuning import AblationConfig, FinetuneConfig
        from medimeta_c.finetuning.config import Schedule, TrainingPrecision
        from medimeta_c.finetuning.fewshot import FewShotSplit
        from medimeta_c.lora import Target
        from medimeta_c.results.baseline_choice import PUBLISHED
    from medimeta_c.io.hub_client import settle_client

    fractions = tuple(number(part, float, "--fewshot") for part in fewshot)
    if seeds and seed != _ZERO:
        raise ConfigError("give --seed or --seeds, not both")
    if benchmark is None and baseline != PUBLISHED:
        raise ConfigError("--baseline is used only with --benchmark: give --benchmark too")
    chosen = tuple(number(part, int, "--seed") for part in seeds or seed)
    config = FinetuneConfig(
        model=model,
        datasets=tuple(dataset),
        out=out.expanduser(),
        data_dir=data_dir(data),
        source=source,
        task=task,
        rank=rank,
        alpha=alpha,
        targets=cast("tuple[Target, ...]", tuple(targets)) or None,
        draw_from=cast("FewShotSplit", draw_from),
        epochs=epochs,
        lr=lr,
        schedule=cast("Schedule", schedule),
        batch_size=batch_size,
        micro_batch=micro_batch,
        temperature=temperature,
        patience=patience,
        augment=augment or False,
        profile=profile,
        prompts=prompts,
        device=device,
        precision=cast("TrainingPrecision", precision),
    )
    settle_client()
    if len(fractions) == 1 and len(chosen) == 1 and not seeds and benchmark is None:
        _one(replace(config, fraction=fractions[0], seed=chosen[0]), json)
    else:
        _several(
            AblationConfig(
                run=config, fractions=fractions, seeds=chosen, benchmark=benchmark, baseline=baseline
            ),
            json,
        )


def _one(config: FinetuneConfig, json: bool) -> None:
    from medimeta_c.finetuning import finetune as run
    from medimeta_c.lora.robustmedclip import adapted_spec

    with console.counting("images") as show:
        report = run(config, on_progress=lambda now: show(now.text, now.images_done, now.images_total))
    if json:
        console.say_json(_values(report))
        return
    progress, before = report.progress, report.epochs_before
    if before is not None:
        console.say(f"resumed after epoch {before}" if before < progress.last.epoch else "already finished")
    console.say(f"{report.path}: {report.size}")
    counts = ", ".join(f"{len(ids)} of {name}" for name, ids in report.few_shot.ids.items())
    console.say(f"  trained on {len(report.few_shot)} images ({counts}), {progress.seconds / 3600:.2f} h")
    console.say(
        f"  validation accuracy {100 * progress.epochs[0].val_accuracy:.1f} % before, "
        f"{100 * progress.best.val_accuracy:.1f} % at epoch {progress.best.epoch}, which was kept"
    )
    # A model must be scored with the prompts of its training: with others it loses much accuracy.
    prompts = "" if config.prompts == "paper" else f" --prompts {config.prompts}"
    console.say(f"next: medimeta-c evaluate --model {adapted_spec(report.path, config.model)}{prompts}")


def _several(config: AblationConfig, json: bool) -> None:
    from medimeta_c.finetuning import ablate
    from medimeta_c.scoring.jobs.progress import JobProgress

    with console.counting("images") as show:

        def on_progress(name: str, now: FinetuneProgress | JobProgress) -> None:
            if isinstance(now, JobProgress):
                text = f"scoring {now.cells_done}/{now.cells_total} cells"
            else:
                text = now.text
            show(f"{name}: {text}", now.images_done, now.images_total)

        ablation = ablate(config, on_progress=on_progress)
    if json:
        console.say_json(ablation.model_dump(mode="json"))
    else:
        _show_table(config, ablation)


def _show_table(config: AblationConfig, ablation: Ablation) -> None:
    from medimeta_c.finetuning.ablationtable import TABLE_NAME

    console.say((config.run.out / TABLE_NAME).read_text(encoding="utf-8").rstrip())
    console.say()
    console.say(f"{config.run.out}: {len(ablation.runs)} runs")


def _values(report: FinetuneReport) -> dict[str, Any]:
    return {
        "out": str(report.path),
        "epochs_before": report.epochs_before,
        "best_epoch": report.progress.best.epoch,
        "trainable_parameters": report.size.trainable_parameters,
        "total_parameters": report.size.total_parameters,
        "layers": report.size.layers,
        "images": {name: len(ids) for name, ids in report.few_shot.ids.items()},
        "fewshot_digest": report.few_shot.digest,
        "run": report.progress.run.model_dump(mode="json"),
        "epochs": [one.model_dump(mode="json") for one in report.progress.epochs],
    }
