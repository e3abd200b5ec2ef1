"""`evaluate --prompts-sweep` of adapters of several seeds: variance by images, prompts and seeds."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from typer.testing import CliRunner  # noqa: E402

import medimeta_c as mc  # noqa: E402
from medimeta_c.cli import app  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.lora import LoraConfig  # noqa: E402
from medimeta_c.lora.adapterfile import write_adapter  # noqa: E402
from medimeta_c.lora.adapters import attach  # noqa: E402
from medimeta_c.metrics.variance import variance_split  # noqa: E402
from medimeta_c.models import load_model  # noqa: E402
from medimeta_c.models.torch_model import TorchModel  # noqa: E402
from medimeta_c.results.paraphrases.record import (  # noqa: E402
    read_swept,
)
from medimeta_c.scoring.sweep import sweep  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_reports")

RUNNER = CliRunner()


def adapters(base: Path, folder: Path, *, seed: int, rank: int = 2) -> str:
    """The spec of adapters of a seed, with values that change the image tower."""
    model = load_model(f"local-dir:{base}")
    assert isinstance(model, TorchModel)
    attached = attach(model, LoraConfig(rank=rank, alpha=8.0), seed=seed)
    draw = torch.Generator().manual_seed(seed)
    state = attached.state_dict()
    attached.load_state_dict(
        {name: each + torch.randn(each.shape, generator=draw) for name, each in state.items()}
    )
    write_adapter(folder, attached)
    return f"robustmedclip:{folder}"


def test_adapters_of_several_seeds_are_split_by_images_prompts_and_seeds(
    benchmark: Path, tiny: Path, wordings: Path, tmp_path: Path
) -> None:
    """Three seeds of one recipe are one array; a fourth adapter of another rank is not of that recipe."""
    specs = [adapters(tiny, tmp_path / f"seed-{seed}", seed=seed) for seed in range(3)]
    specs.append(adapters(tiny, tmp_path / "rank-3", seed=3, rank=3))
    options = [part for spec in specs for part in ("--model", spec)]
    options += [str(benchmark), "--baseline", "none", "--device", "cpu", "--workers", "0", "--json"]
    options += ["--out", str(tmp_path / "out"), "--prompts-sweep", "--paraphrases", str(wordings)]
    done = RUNNER.invoke(app, ["evaluate", *options])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    (split,) = said["prompts_seeds"]
    assert split["seeds"] == {spec: seed for seed, spec in enumerate(specs[:3])}
    file = json.loads((tmp_path / "out" / "prompts-seeds.json").read_text(encoding="utf-8"))
    assert file["splits"] == [split]
    arrays = {}
    for dataset in ("cells", "rays"):
        key = SetKey(dataset, "test", "clean", 0)
        tables = [read_swept(Path(path))[1][key].correct.T for path in said["results"][:3]]
        arrays[dataset] = np.stack(tables).astype(float)
    for dataset, array in arrays.items():
        own = variance_split([array])
        assert split["datasets"][dataset]["clean_accuracy"] == json.loads(own.model_dump_json())
    whole = variance_split(list(arrays.values()))
    assert split["overall"]["clean_accuracy"] == json.loads(whole.model_dump_json())
    assert whole.n_seeds == 3


def test_sweeps_of_seeds_over_other_wordings_are_left_out(
    benchmark: Path, tiny: Path, wordings: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One of the seeds was swept over more datasets earlier: the two are not one table."""
    specs = [adapters(tiny, tmp_path / f"seed-{seed}", seed=seed) for seed in range(2)]
    shared: dict[str, Any] = {
        "benchmark": benchmark,
        "baseline": "none",
        "device": "cpu",
        "out": tmp_path / "out",
    }
    mc.evaluate(mc.EvaluateConfig(model=specs[0], datasets="cells", prompts_sweep=wordings, **shared))
    configs = [
        mc.EvaluateConfig(model=spec, datasets="rays", prompts_sweep=wordings, **shared) for spec in specs
    ]
    with caplog.at_level(logging.WARNING):
        report = sweep(configs)
    assert report.seeds == ()
    assert "differ in more than the seed" in caplog.text
