"""`evaluate --prompts-sweep`: what the command and the reports show, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from tiny_results import (  # noqa: E402
    Score,
    copied,
)
from typer.testing import CliRunner  # noqa: E402

import medimeta_c as mc  # noqa: E402
from medimeta_c.cli import app  # noqa: E402
from medimeta_c.errors import ConfigError, ModelError  # noqa: E402
from medimeta_c.reports import write_reports  # noqa: E402
from medimeta_c.results.assessment.loss import assess  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult, read_saved  # noqa: E402
from medimeta_c.results.paraphrases.record import (  # noqa: E402
    PromptsSweep,
)

pytestmark = pytest.mark.usefixtures("no_reports")

RUNNER = CliRunner()


def test_both_reports_have_the_tables(swept: SavedResult, plain: SavedResult, tmp_path: Path) -> None:
    """Beside a sweep, and only there."""
    for saved, there in ((swept, True), (plain, False)):
        folder = copied(saved, tmp_path / str(there))
        write_reports(assess(read_saved(folder)))
        for name in ("report.md", "report.html"):
            text = (folder / name).read_text(encoding="utf-8")
            assert ("Wording of the prompts" in text) is there
            assert ("Variance by images and prompts" in text) is there


def test_the_command_says_it_in_words_and_as_json(benchmark: Path, tiny: Path, tmp_path: Path) -> None:
    """The shipped paraphrases, of which every dataset has at least twenty."""
    options = ["evaluate", "--model", f"local-dir:{tiny}", str(benchmark), "--baseline", "none"]
    options += ["--dataset", "rays", "--out", str(tmp_path), "--workers", "0", "--device", "cpu"]
    done = RUNNER.invoke(app, [*options, "--prompts-sweep"])
    assert done.exit_code == 0, done.output
    assert "Over 24 wordings of the prompts accuracy under corruption is" in " ".join(done.output.split())
    assert "Variance by images and prompts" in done.output
    said = json.loads(RUNNER.invoke(app, [*options, "--prompts-sweep", "--json"]).stdout)
    assert len(said["prompts_sweep"]["datasets"]["rays"]["paraphrases"]) == 24
    assert PromptsSweep.model_validate_json(json.dumps(said["prompts_sweep"])).prompts == "paraphrases"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--paraphrases", "mine.yaml"], "--paraphrases are the wordings of --prompts-sweep"),
        (["--prompts-sweep", "--paraphrases", "paraphrase"], "did you mean 'paraphrases'"),
        (["--prompts-sweep", "--paraphrases", "paper"], "a sweep needs two paraphrases or more"),
    ],
)
def test_what_cannot_be_swept_is_refused(
    options: list[str], message: str, benchmark: Path, tiny: Path, tmp_path: Path
) -> None:
    """One sentence, before any work."""
    given = ["evaluate", "--model", f"local-dir:{tiny}", str(benchmark), "--baseline", "none"]
    done = RUNNER.invoke(app, [*given, "--out", str(tmp_path / "out"), "--device", "cpu", *options])
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


def test_a_file_of_predictions_has_no_prompts_to_sweep(benchmark: Path, tmp_path: Path) -> None:
    given = ["evaluate", "--from-predictions", "answers.csv", str(benchmark), "--prompts-sweep"]
    done = RUNNER.invoke(app, given)
    assert (done.exit_code, "a file of predictions has no prompts" in done.stderr) == (2, True)


def test_a_model_without_prompts_refuses_the_sweep(score: Score, tmp_path: Path) -> None:
    """A classifier and an encoder alone: one sentence each."""

    def light(pixels: Any) -> Any:
        return torch.stack([pixels.mean((1, 2, 3)), -pixels.mean((1, 2, 3)), pixels.std((1, 2, 3))], dim=1)

    def transform(image: Any) -> Any:
        return torch.from_numpy(
            np.asarray(image.convert("RGB").resize((4, 4)), dtype=np.float32).transpose(2, 0, 1)
        )

    classes = ["class0", "class1", "class2"]
    classifier = mc.wrap(classify=light, scores="logits", classes=classes, transform=transform, name="light")
    encoder = mc.wrap(encode_image=light, transform=transform, name="blind")
    for model in (classifier, encoder):
        with pytest.raises(ConfigError, match="takes no prompts, so there are none to paraphrase"):
            score(tmp_path, model=model)


def test_a_paraphrase_too_long_for_the_model_is_refused_before_any_work(score: Score, tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    words = " ".join(["qz"] * 85)
    file.write_text(f"version: 1\ntemplates: ['{{class}}', 'a {words} {{class}}']\n", encoding="utf-8")
    with pytest.raises(ModelError, match="tokens"):
        score(tmp_path / "out", prompts_sweep=file)
    assert not (tmp_path / "out").exists()
