"""Two other pieces of code score the same weights on the same images: every cell must be equal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

import open_clip  # noqa: E402
from datasets import load_dataset  # noqa: E402
from model_factories import make_open_clip_folder  # noqa: E402
from sklearn.metrics import balanced_accuracy_score  # noqa: E402

from medimeta_c.building.build import BuildConfig, build  # noqa: E402
from medimeta_c.metrics.resampling import Resampling  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult  # noqa: E402
from medimeta_c.results.result import Result  # noqa: E402
from medimeta_c.scoring.config import EvaluateConfig  # noqa: E402
from medimeta_c.scoring.evaluation import evaluate  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "parity.md"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small open_clip model whose images must be resized and cropped: nothing is skipped on the way."""
    torch.set_num_threads(1)
    return make_open_clip_folder(tmp_path_factory.mktemp("models") / "tiny", seed=0, image_size=28)


@pytest.fixture(scope="module")
def benchmark(clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny image folders, a colour and a grey one, under three corruptions at two severities."""
    out = tmp_path_factory.mktemp("built") / "benchmark"
    corruptions = ("gaussian_noise", "contrast", "pixelate")
    config = BuildConfig(
        datasets=("cells", "rays"),
        source="imagefolder",
        data_dir=clean_dir,
        out=out,
        corruptions=corruptions,
        severities=(2, 5),
        jobs=1,
    )
    build(config)
    return out


@pytest.fixture(scope="module")
def saved(model: Path, benchmark: Path, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """The model scored on the tiny benchmark."""
    config = EvaluateConfig(
        model=f"local-dir:{model}",
        benchmark=str(benchmark),
        baseline="none",
        prompts="ensemble",
        out=tmp_path_factory.mktemp("results"),
        resampling=Resampling(resamples=100),
    )
    return evaluate(config)


@pytest.mark.slow
def test_the_documented_script_counts_the_same(
    saved: SavedResult, model: Path, benchmark: Path, tmp_path: Path
) -> None:
    """docs/parity.md, word for word: twenty lines of open_clip and `load_dataset`."""
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(script.splitlines()) == 20
    command = [
        sys.executable,
        "-c",
        script,
        str(benchmark),
        f"local-dir:{model}",
        str(saved.path / "result.json"),
    ]
    environment = {
        **os.environ,
        "HF_DATASETS_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode == 0, ran.stderr
    verdicts = Counter(line.split()[-1] for line in ran.stdout.splitlines())
    assert verdicts == {"equal": len(saved.result.scores.cells)}
    assert_right_and_wrong(saved.result)


def test_clip_benchmark_gives_the_same_accuracies(
    saved: SavedResult, model: Path, benchmark: Path, tmp_path: Path
) -> None:
    """CLIP_benchmark's classifier and logits: the same probabilities, right answers and recalls.

    Its own counting of them, the next line of its `evaluate`, fails on current NumPy.
    """
    zeroshot = pytest.importorskip(
        "clip_benchmark.metrics.zeroshot_classification",
        reason="needs CLIP_benchmark (pip install --no-deps clip_benchmark==1.6.2)",
    )
    network, _, transform = open_clip.create_model_and_transforms(f"local-dir:{model}")
    network.eval()
    tokenizer = open_clip.get_tokenizer(f"local-dir:{model}")
    result = saved.result
    for dataset, texts in result.run.prompts.texts.items():
        rows = load_dataset(str(benchmark), dataset, split="test", cache_dir=str(tmp_path / "cache"))
        names = rows.features["label"].names
        kinds = list(zip(list(rows["corruption"]), list(rows["severity"]), strict=True))
        classifier = zeroshot.zero_shot_classifier(
            network, tokenizer, names, {name: list(texts[name]) for name in names}, "cpu", amp=False
        )
        for cell in (one for one in result.scores.cells if one.dataset == dataset):
            own = [row for row, kind in enumerate(kinds) if kind == (cell.corruption, cell.severity)]
            images = torch.utils.data.DataLoader(_Images(rows.select(own), transform), batch_size=3)
            logits, labels = zeroshot.run_classification(network, classifier, images, "cpu", amp=False)
            predictions = logits.argmax(dim=1)
            assert int((predictions == labels).sum()) == cell.correct, cell.key
            # It scales cosines by 100 whatever the model says; the factory's models say 20.
            probabilities = torch.softmax(logits * 20 / 100, dim=1).numpy()
            own_probabilities = saved.predictions[cell.key].probabilities
            np.testing.assert_allclose(probabilities, own_probabilities, atol=1e-5, err_msg=str(cell.key))
            recall = balanced_accuracy_score(labels, predictions)
            assert recall == pytest.approx(cell.balanced_accuracy.value), cell.key
    assert_right_and_wrong(result)


def assert_right_and_wrong(result: Result) -> None:
    """The model is neither right nor wrong everywhere, so that equal counts say something."""
    assert len({cell.correct for cell in result.scores.cells}) > 2


class _Images(torch.utils.data.Dataset[Any]):
    """Rows of the benchmark as CLIP_benchmark takes them: a transformed image and a label."""

    def __init__(self, rows: Any, transform: Any) -> None:
        self.rows, self.transform = rows, transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        row = self.rows[index]
        return self.transform(row["image"]), row["label"]
