"""Adapters of one recipe differ in their seed, and in what follows from it, alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the evaluate extra")

from medimeta_c.lora.record import AdapterRecord
from medimeta_c.prompts.record import PromptsRecord

PROMPTS = PromptsRecord.of("paper", {"oct": {"CNV": ("cnv",), "DME": ("dme",)}})


def record(seed: int, change: Callable[[dict[str, Any]], object] = lambda values: None) -> AdapterRecord:
    """What a run with this seed leaves."""
    digest = f"{seed:064x}"
    values: dict[str, Any] = {
        "base": {
            "spec": f"local-dir:here-{seed}",
            "family": "open_clip",
            "weights_sha256": "a" * 64,
            "architecture": "ViT",
            "parameters": 9,
        },
        "lora": {
            "rank": 4,
            "alpha": 4.0,
            "targets": ["q", "k", "v"],
            "seed": seed,
            "layers": 2,
            "trainable_parameters": 10,
            "total_parameters": 100,
        },
        "adapters_sha256": digest,
        "training": {
            "fewshot": {"fraction": 0.1, "seed": seed, "images": {"oct": 8}, "ids_sha256": digest},
            "datasets": ["oct"],
            "prompts": PROMPTS.to_dict(),
            "augmented": False,
            "selection": {
                "rule": "best",
                "split": "val",
                "metric": "accuracy",
                "value": seed / 10,
                "epoch": seed + 1,
            },
            "settings": {"lr": 1e-4},
        },
    }
    change(values)
    return AdapterRecord.model_validate(values, strict=False)


def test_seeds_of_a_run_are_one_recipe() -> None:
    """Other images, values, best epoch and place of the base: the recipe is equal."""
    assert record(0).recipe_sha256 == record(1).recipe_sha256


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values["lora"].update(rank=8, alpha=8.0),
        lambda values: values["base"].update(weights_sha256="b" * 64),
        lambda values: values["training"]["fewshot"].update(fraction=0.2),
        lambda values: values["training"]["settings"].update(lr=1e-3),
        lambda values: values["training"].update(augmented=True),
        lambda values: values.update(training=None),
    ],
)
def test_anything_else_is_another_recipe(change: Callable[[dict[str, Any]], object]) -> None:
    assert record(0).recipe_sha256 != record(0, change).recipe_sha256
