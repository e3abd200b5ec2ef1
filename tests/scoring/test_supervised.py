"""A classifier is scored by the outputs of its own head: no prompts, the outputs in the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from PIL import Image  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

import medimeta_c as mc  # noqa: E402
from medimeta_c.cli import app  # noqa: E402
from medimeta_c.errors import ConfigError, ModelError  # noqa: E402
from medimeta_c.results.identity import HeadOutput, first_difference  # noqa: E402

MODULE = """
import torch
import medimeta_c as mc
from test_supervised import brightness, transform

classifier = mc.wrap(classify=brightness, scores="logits", classes=["class1", "class0", "other"],
                     transform=transform, name="named")
encoder = mc.wrap(encode_image=brightness, transform=transform, name="blind")

class Lacking:
    def classify(self, pixels):
        return pixels
"""


def transform(image: Image.Image) -> Any:
    pixels = np.asarray(image.convert("RGB").resize((4, 4)), dtype=np.float32)
    return torch.from_numpy(pixels.transpose(2, 0, 1) / 255)


def brightness(pixels: Any) -> Any:
    """Three logits: light, dark, and one that would always win."""
    light = 40 * (pixels.mean((1, 2, 3)) - 0.4)
    return torch.stack([light, -light, light.abs() + 9], dim=1)


def named(**changes: Any) -> Any:
    given = {"classes": ["class1", "class0", "other"], "scores": "logits", "name": "named"}
    return mc.wrap(classify=brightness, transform=transform, **{**given, **changes})


def config(small: Path, out: Path, **changes: Any) -> mc.EvaluateConfig:
    values = {"model": named(), "benchmark": small, "baseline": "none", "out": out, "device": "cpu"}
    return mc.EvaluateConfig(**{**values, **changes})


@pytest.fixture(scope="module")
def scored(small: Path, tmp_path_factory: pytest.TempPathFactory) -> mc.SavedResult:
    return mc.evaluate(config(small, tmp_path_factory.mktemp("scored")))


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_classifiers.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return "my_classifiers"


def run(*arguments: object, code: int = 0) -> str:
    """Run a command; return stdout, or the last line of stderr when it must fail."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stdout if code == 0 else result.stderr.strip().splitlines()[-1]


def test_probabilities_are_of_the_outputs_of_the_classes(scored: mc.SavedResult, small: Path) -> None:
    """By name, in label order; the output that stands for no class is left out, however high."""
    for key, cell in scored.predictions.items():
        images = mc.open_benchmark(small)["rays", key.corruption, key.severity]
        pixels = torch.stack([transform(Image.fromarray(sample.image)) for sample in images])
        expected = torch.softmax(brightness(pixels).double()[:, [1, 0]], dim=1)
        assert cell.probabilities is not None
        np.testing.assert_allclose(cell.probabilities, expected.numpy(), rtol=1e-6)
    assert len(scored.predictions) == 3


def test_the_result_says_what_stood_for_the_classes(scored: mc.SavedResult) -> None:
    """No prompts; each output by its place and name, in the file and in the reports, and the user's word."""
    run = scored.result.run
    assert run.prompts is None
    assert run.outputs == {"rays": (HeadOutput(index=1, name="class0"), HeadOutput(index=0, name="class1"))}
    assert mc.read_result(scored.path).result == scored.result
    written = json.loads((scored.path / "result.json").read_text())
    assert written["schema_version"] == 2
    for name in ("report.md", "report.html"):
        text = (scored.path / name).read_text()
        assert "class1: output 0 (class1)" in text
        assert "identity is its user" in text


def test_other_outputs_make_another_run(scored: mc.SavedResult, small: Path, tmp_path: Path) -> None:
    """The same names in another order are other columns, so cells are never mixed."""
    turned = mc.evaluate(config(small, tmp_path, model=named(classes=["class0", "class1", "other"])))
    found = first_difference(scored.result.run, turned.result.run)
    assert found is not None
    assert found[0] == "outputs"


def test_compare_shows_a_classifier_beside_another(
    scored: mc.SavedResult, small: Path, tmp_path: Path
) -> None:
    """Side by side through the command line, with what to be careful of."""
    other = mc.evaluate(config(small, tmp_path, model=named(name="other", classes=["class0", "class1", "x"])))
    text = run("compare", scored.path, other.path)
    assert "wrap:named" in text
    assert "identity is its user" in " ".join(text.split())


def test_a_classifier_and_an_encoder_through_the_command_line(
    small: Path, tmp_path: Path, module: str, scored: mc.SavedResult
) -> None:
    """`python:` finds both; the encoder is told what it is for, and an object what it lacks."""
    common = ["--benchmark", small, "--baseline", "none", "--out", tmp_path / "out", "--workers", 0]
    evaluate = ["evaluate", *common, "--device", "cpu", "--model"]
    found = json.loads(run(*evaluate, f"python:{module}:classifier", "--json"))
    assert found["scores"] == json.loads((scored.path / "result.json").read_text())["scores"]
    assert "`medimeta-c probe`" in run(*evaluate, f"python:{module}:encoder", code=1)
    lacking = run(*evaluate, f"python:{module}:Lacking", code=1)
    assert "columns() is missing; preprocess() is missing" in lacking
    assert "outputs is missing" in lacking
    assert "leave out --prompts" in run(
        *evaluate, f"python:{module}:classifier", "--prompts", "ensemble", code=2
    )


def test_a_head_without_the_classes_is_refused_before_any_work(small: Path, tmp_path: Path) -> None:
    """Neither a folder nor a cell is written."""
    with pytest.raises(ModelError, match="no output for 'class1' of rays"):
        mc.evaluate(config(small, tmp_path / "out", model=named(classes=["class0", "b", "c"])))
    with pytest.raises(ConfigError, match="reads no text: leave out `prompts`"):
        mc.evaluate(config(small, tmp_path / "out", prompts="ensemble"))
    assert not (tmp_path / "out").exists()


class Own:
    """A classifier of one's own, with changes."""

    def __init__(self, inner: Any, **changes: Any) -> None:
        self.inner = inner
        self.__dict__.update(changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def to(self, device: Any, dtype: Any) -> Own:
        return self


@pytest.mark.parametrize("columns", [(0,), (0, 0), (0, 3), (-1, 0), ("a", "b")])
def test_columns_that_are_none_are_refused(small: Path, tmp_path: Path, columns: tuple[Any, ...]) -> None:
    """A class of an object of one's own needs an output of its own that the head has."""
    model: Any = Own(named(), columns=lambda dataset, names: columns)
    with pytest.raises(ModelError, match=r"columns\(\) must give each class an output of its own"):
        mc.evaluate(config(small, tmp_path / "again", model=model))


def test_scores_of_another_width_are_refused_in_the_run(small: Path, tmp_path: Path) -> None:
    """An object of one's own that changes its mind is one sentence, not a traceback."""
    inner = named(classes=None)
    model: Any = Own(
        inner,
        columns=lambda dataset, names: (0, 1),
        classify=lambda pixels: inner.classify(pixels)[:, : 3 if len(pixels) == 5 else 2],
    )
    with pytest.raises(ModelError, match=r"shape \(3, 2\) for 3 images: they must be \(3, 3\)"):
        mc.evaluate(config(small, tmp_path, model=model, batch_size=5))
    model = Own(inner, columns=lambda dataset, names: (0, 7))
    with pytest.raises(ModelError, match="gave 3 scores for an image, and its classes need at least 8"):
        mc.evaluate(config(small, tmp_path / "again", model=model))


def test_an_encoder_without_text_has_features(small: Path, tmp_path: Path) -> None:
    """What `features` and probes read: also of a classifier that has an encoder."""
    from medimeta_c.scoring.features import FeaturesConfig, extract

    alone = mc.wrap(encode_image=brightness, transform=transform, name="alone")
    both = named(encode_image=brightness)
    found = [
        extract(
            FeaturesConfig(model=model, benchmark=small, out=tmp_path / "f.parquet", device="cpu")
        ).vectors
        for model in (alone, both)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    with pytest.raises(ModelError, match="gives scores of its classes, no features"):
        extract(FeaturesConfig(model=named(), benchmark=small, out=tmp_path / "f.parquet", device="cpu"))
