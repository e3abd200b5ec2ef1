"""From an evaluated result to the board's page, through a pull request on a loopback Hub."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import yaml
from hub_server import READER_TOKEN, TOKEN, HubServer, hub_environment, run_client
from submissions_on_disk import PLAIN
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.leaderboard import model_eval_yaml, write_accepted
from medimeta_c.leaderboard.accepted import Accepted
from medimeta_c.leaderboard.submission import described, write_submission
from medimeta_c.results.folder.saved import SavedResult

BOARD = "org/leaderboard"
MODEL = "lab/tiny-clip"
BENCHMARK = "org/MediMeta-C"


@pytest.fixture
def hub(accepted: Accepted, tmp_path: Path) -> Iterator[HubServer]:
    """A hub with a board that accepts the tiny benchmark, and a model's repository."""
    write_accepted(tmp_path / "board/accepted.yaml", accepted)
    with HubServer() as server:
        server.store.add_repo("dataset", BOARD, tmp_path / "board")
        server.store.add_repo("model", MODEL, {"README.md": "a model"})
        yield server


@pytest.fixture
def result(saved: SavedResult, tmp_path: Path) -> Path:
    """A result's folder, reports and all, and a submission.yaml beside it."""
    folder = Path(shutil.copytree(saved.path, tmp_path / "result"))
    (folder / "report.html").write_text("<p>not sent</p>")
    write_submission(tmp_path / "mine.yaml", described(PLAIN, declared=True))
    return folder


@pytest.fixture
def submit(hub: HubServer, result: Path, tmp_path: Path) -> Callable[..., Any]:
    """Run ``medimeta-c submit`` as a user who may write nowhere; no output may hold a token."""

    def call(*options: object, token: str | None = READER_TOKEN) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "medimeta_c", "submit", str(result), "--repo", BOARD]
        done = subprocess.run(
            [*command, *map(str, options)],
            env=hub_environment(hub, tmp_path, token=token),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert TOKEN not in done.stdout + done.stderr
        assert READER_TOKEN not in done.stdout + done.stderr
        return done

    return call


def merge(hub: HubServer, tmp_path: Path, repo: str, kind: str, number: int) -> None:
    """Merge a pull request as the board's maintainer."""
    script = """
    from huggingface_hub import HfApi
    repo, kind, number = arguments
    report(outcome(HfApi().merge_pull_request, repo, int(number), repo_type=kind))
    """
    assert run_client(script, hub_environment(hub, tmp_path), repo, kind, number) == "done"


def held(hub: HubServer, target: Path) -> Path:
    """The board's repository as its maintainer's clone has it."""
    repo = hub.store.repo(BOARD)
    for path in repo.paths():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(repo.read(path))
    return target


def test_from_a_result_to_the_page(
    hub: HubServer, submit: Callable[..., Any], result: Path, tmp_path: Path, benchmark: Benchmark
) -> None:
    """Dry run, submit, again, merge, validate, build: the page shows the model, and the model its numbers."""
    place = f"results/example-laboratory/tiny-clip/{benchmark.fingerprint[:12]}"
    described_by = [
        "--submission",
        tmp_path / "mine.yaml",
        "--model-repo",
        MODEL,
        "--benchmark-repo",
        BENCHMARK,
    ]
    dry = submit(*described_by, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert f"would send {place}/predictions.parquet" in dry.stdout
    assert not hub.store.repo(BOARD).discussions

    done = submit(*described_by, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["opened"]
    assert said["pull_request"] == f"{hub.url}/datasets/{BOARD}/discussions/1"
    assert said["model_pull_request"].endswith(f"{MODEL}/discussions/1")
    proposed = [path for path in hub.store.repo(BOARD).paths("refs/pr/1") if path.startswith("results/")]
    assert proposed == [
        f"{place}/{name}" for name in ("predictions.parquet", "result.json", "submission.yaml")
    ]

    again = submit(*described_by)
    assert "pull request is already open" in again.stdout
    assert len(hub.store.repo(BOARD).discussions) == len(hub.store.repo(MODEL, "model").discussions) == 1

    merge(hub, tmp_path, BOARD, "dataset", 1)
    refused = submit(*described_by)
    assert refused.returncode == 1
    assert "holds exactly these files already" in refused.stderr
    clone = held(hub, tmp_path / "clone")
    checked = CliRunner().invoke(
        app, ["leaderboard", "validate", str(clone), "--accepted", str(clone / "accepted.yaml"), "--json"]
    )
    assert checked.exit_code == 0, checked.output
    assert [one["place"] for one in json.loads(checked.stdout)["submissions"]] == [place]
    site = tmp_path / "site"
    built = CliRunner().invoke(
        app, ["leaderboard", "build", str(clone), "--out", str(site), "--benchmark", benchmark.name]
    )
    assert built.exit_code == 0, built.output
    assert "1 measured, 0 reported in the paper" in built.stdout
    assert ">Tiny CLIP</a>" in (site / "index.html").read_text(encoding="utf-8")
    (page,) = (site / "models").glob("other-images-*")
    assert "data:image/jpeg;base64," in page.read_text(encoding="utf-8")

    # What the model's repository is offered is what the client itself reads back.
    text = hub.store.repo(MODEL, "model").read(".eval_results/medimeta-c.yaml", "refs/pr/1").decode()
    entries = huggingface_hub.parse_eval_result_entries(yaml.safe_load(text))
    scores = json.loads((result / "result.json").read_text())["scores"]["datasets"]
    assert {one.task_id: one.value for one in entries} == {
        name: round(100 * one["average_accuracy"]["value"], 2) for name, one in scores.items()
    }
    assert {one.dataset_id for one in entries} == {BENCHMARK}
    assert entries[0].source_url == f"{hub.url}/datasets/{BOARD}/tree/main/{place}"


def test_a_result_that_fails_is_not_sent(
    hub: HubServer, submit: Callable[..., Any], result: Path, tmp_path: Path
) -> None:
    """No token, no description, no accepted fingerprint, no true number: one sentence, and no request."""
    mine = ["--submission", tmp_path / "mine.yaml"]
    assert "there is no Hub token" in submit(*mine, token=None).stderr
    (result / "submission.yaml").unlink()
    missing = submit().stderr
    assert "submission.yaml is missing: write one to fill in with --init, or give the file with" in missing
    assert "the organisation of the submission is not valid" in submit("--name", "x").stderr
    text = (result / "result.json").read_text()
    number = json.loads(text)["scores"]["overall"]["average_accuracy"]["value"]
    (result / "result.json").write_text(text.replace(str(number), str(number + 0.001)))
    lied = submit(*mine)
    assert lied.returncode == 1
    assert "that predictions.parquet does not give" in lied.stderr
    assert lied.stderr.count("\n") == 1
    assert "nothing was sent" in lied.stderr
    assert not hub.store.repo(BOARD).discussions


def test_a_hub_that_refuses_is_explained(hub: HubServer, submit: Callable[..., Any], tmp_path: Path) -> None:
    """A commit the Hub refuses ends in one sentence; the next run succeeds."""
    hub.fail_next(r"/commit/", 403)
    options = ["--submission", tmp_path / "mine.yaml"]
    refused = submit(*options)
    assert refused.returncode == 1
    assert "may not do this" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "pull request opened" in submit(*options).stdout


def test_options_describe_a_model(submit: Callable[..., Any], result: Path) -> None:
    """Without a file, options make the same submission.yaml."""
    options = {
        "training-kind": "medical",
        "training-data": "made-up images",
        "overlap-statement": PLAIN["statement"],
    }
    same = ("name", "organisation", "contact", "backbone", "adaptation", "overlap", "code")
    options |= {name: PLAIN[name] for name in same}
    given = [text for name, value in options.items() for text in (f"--{name}", value)]
    done = submit(*given, "--declare", "--dry-run")
    assert done.returncode == 0, done.stderr
    write_submission(result / "other.yaml", described(PLAIN, declared=True))
    assert (result / "submission.yaml").read_text() == (result / "other.yaml").read_text()


def test_phantoms_are_called_so_on_a_models_page(saved: SavedResult) -> None:
    """What the Hub shows of a model says where a number is of generated images."""
    run = saved.result.run
    entries = tuple(one.model_copy(update={"kind": "phantoms"}) for one in run.benchmark.datasets[:1])
    benchmark = run.benchmark.model_copy(update={"datasets": (*entries, *run.benchmark.datasets[1:])})
    result = saved.result.model_copy(update={"run": run.model_copy(update={"benchmark": benchmark})})
    values = yaml.safe_load(model_eval_yaml(result, BENCHMARK, "https://example.org/result"))
    said = {one["dataset"]["task_id"]: "phantoms, not medical images" in one["notes"] for one in values}
    assert said == {"cells": True, "rays": False}


def test_validate_exits_with_one_sentence(result: Path, tmp_path: Path) -> None:
    """A refused submission is listed with its reason, and the exit code is 1."""
    write_submission(result / "submission.yaml", described(PLAIN, declared=True))
    (result / "predictions.parquet").write_bytes(b"rubbish")
    done = CliRunner().invoke(app, ["leaderboard", "validate", str(result)])
    assert done.exit_code == 1
    assert f"REFUSED {result}" in done.stdout
    assert "1 of 1 submissions have problems" in done.stderr
    accepted = tmp_path / "accepted.yaml"
    accepted.write_text("schema_version: 1\ndatasets: {}\n")
    done = CliRunner().invoke(app, ["leaderboard", "validate", str(result), "--accepted", str(accepted)])
    assert "accepted.yaml is not valid at datasets" in done.stderr
