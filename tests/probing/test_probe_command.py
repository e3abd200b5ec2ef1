"""`medimeta-c probe`: what it prints, and its errors in one sentence with its own options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medimeta_c.cli import app

RUNNER = CliRunner()


@pytest.fixture
def options(tiny_model: str, images_dir: Path, benchmark_dir: Path, tmp_path: Path) -> list[str]:
    """A probe of the tiny model on one dataset."""
    return [
        *("probe", str(benchmark_dir), "--model", tiny_model, "--data", str(images_dir)),
        *("--dataset", "rays", "--out", str(tmp_path / "results"), "--baseline", "none"),
        *("--device", "cpu", "--workers", "0"),
    ]


def test_one_command_prints_the_few_shot_table_and_draws_it(options: list[str], tmp_path: Path) -> None:
    """Mean and spread over seeds; the same numbers as JSON, from what was kept."""
    told = [*options, "--head", "zero-shot,ncm", "--shots", "1,4", "--seeds", "0,1"]
    shown = RUNNER.invoke(app, told)
    assert shown.exit_code == 0, shown.output
    assert "Nearest class mean" in shown.stdout
    assert " ± " in shown.stdout
    assert "Patients are not known of rays" in shown.stdout
    (table,) = tmp_path.glob("results/*-probes/*/probes.md")
    assert shown.stdout.splitlines()[-1] == f"table and figure: {table}"
    assert table.with_suffix(".png").is_file()
    again = RUNNER.invoke(app, [*told, "--json", "--quiet"])
    values = json.loads(again.stdout)
    assert [(one["head"], one["shots"], one["seed"]) for one in values["runs"]] == [
        ("zero-shot", 0, 0),
        *[("ncm", shots, seed) for shots in (1, 4) for seed in (0, 1)],
    ]
    assert values == json.loads(table.with_suffix(".json").read_text())
    everything = [str(one) for one in tmp_path.glob("results/*/*") if not one.name.startswith(".")]
    compared = RUNNER.invoke(app, ["compare", *everything])  # the folder of the tables is among them
    assert compared.exit_code == 0, compared.output
    assert "ncm head, 4 shots of train, seed 1" in " ".join(compared.stdout.split())


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (["--head", "liner"], 2, "unknown head 'liner': did you mean 'linear'?"),
        (["--shots", "9"], 2, "'clear lung' has 8, 'dense lung' has 8: use at most --shots 8"),
        (["--shots", "few"], 2, "--shots 'few' is not a number: give numbers, comma-separated"),
        (["--from", "test"], 2, "unknown draw from 'test'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_request_that_is_wrong(options: list[str], more: list[str], code: int, sentence: str) -> None:
    result = RUNNER.invoke(app, [*options, *more])
    lines = result.stderr.strip().splitlines()
    assert result.exit_code == code, result.output
    assert sentence in lines[-1]
    assert "Traceback" not in result.output


def test_data_that_is_not_there_is_named(options: list[str]) -> None:
    place = options.index("--data") + 1
    result = RUNNER.invoke(app, [*options[:place], "nowhere", *options[place + 1 :]])
    assert (result.exit_code, "nowhere" in result.stderr) == (1, True), result.output
    assert "Traceback" not in result.output
