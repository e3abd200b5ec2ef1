"""What corruptions do to frequencies: paired, with intervals, against numbers computed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from medimeta_c.analysis import ALL_SEVERITIES, Effect, analyse, paired_effect, verdict
from medimeta_c.cli import app
from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.spectrum import luma, spectrum
from medimeta_c.reports.frequency import effect_table, markdown_report, sentences


@pytest.fixture(scope="module")
def benchmark(built: Path) -> Benchmark:
    """The tiny image folders, built."""
    return open_benchmark(built)


def images_of(benchmark: Benchmark, key: SetKey) -> dict[str, np.ndarray]:
    return {
        image_id: image
        for batch in benchmark.batches(key)
        for image_id, image in zip(batch.image_ids, batch.images, strict=True)
    }


@pytest.mark.parametrize("severity", [ALL_SEVERITIES, 2])
def test_effects_are_those_computed_from_pixels(benchmark: Benchmark, severity: int) -> None:
    """Shares and energies equal a transform of every image, paired by id; the interval is scipy's."""
    analysis = analyse(benchmark, datasets=("cells",))
    clean = images_of(benchmark, SetKey("cells", "test", "clean", 0))
    levels = range(1, 6) if severity == ALL_SEVERITIES else (severity,)
    sets = [images_of(benchmark, SetKey("cells", "test", "zoom_blur", level)) for level in levels]

    def high(image: np.ndarray) -> tuple[float, float]:
        share = spectrum(image).high
        assert share is not None
        return share, share * float(np.var(luma(image).astype(np.float64)))

    share_change, log_change = [], []
    for image_id, image in clean.items():
        share, energy = high(image)
        after = [high(one[image_id]) for one in sets]
        share_change.append(np.mean([one for one, _ in after]) - share)
        log_change.append(np.mean([np.log2(one) for _, one in after]) - np.log2(energy))
    found = analysis.of("cells", "zoom_blur", severity).bands["high"]
    for effect, values in ((found.share, share_change), (found.log2_energy, log_change)):
        interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert effect.value == pytest.approx(np.mean(values), rel=1e-4)
        assert (effect.low, effect.high) == pytest.approx(tuple(interval), rel=1e-4)
        assert effect.standardised == pytest.approx(np.mean(values) / np.std(values, ddof=1), rel=1e-4)
        assert effect.images == len(clean) == analysis.images["cells"]
    assert found.energy_factor == pytest.approx(2 ** np.mean(log_change), rel=1e-4)


def test_noise_is_the_reverse_of_blur(sample_dir: Path, tmp_path: Path) -> None:
    """On real images: blur raises the low share and lowers the high one, noise the reverse; contrast takes
    energy from both."""
    from medimeta_c.building.build import BuildConfig, build

    kinds = ("gaussian_noise", "zoom_blur", "contrast")
    build(
        BuildConfig(
            datasets=("oct",),
            corruptions=kinds,
            severities=(3,),
            data_dir=sample_dir,
            out=tmp_path / "o",
            jobs=1,
        )
    )
    analysis = analyse(open_benchmark(tmp_path / "o"))
    assert analysis.of("oct", "zoom_blur").in_shares == "holds"
    assert analysis.of("oct", "zoom_blur").in_energy == "both fall"
    assert analysis.of("oct", "gaussian_noise").in_shares == "reversed"
    assert analysis.of("oct", "contrast").in_energy == "both fall"
    assert "Zoom blur: by share yes; by energy no, both fall" in sentences(analysis)


def test_shares_add_up(benchmark: Benchmark) -> None:
    """What one band's share gains the others lose."""
    for effect in analyse(benchmark).effects:
        changes = [band.share.value for band in effect.bands.values()]
        assert None not in changes
        assert sum(filter(None, changes)) == pytest.approx(0, abs=1e-6)


def effect(low: float | None, high: float | None) -> Effect:
    return Effect(value=0.0, low=low, high=high, standardised=None, images=2)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (effect(0.1, 0.2), effect(-0.2, -0.1), "holds"),
        (effect(-0.2, -0.1), effect(0.1, 0.2), "reversed"),
        (effect(0.1, 0.2), effect(0.1, 0.2), "both rise"),
        (effect(-0.2, -0.1), effect(-0.2, -0.1), "both fall"),
        (effect(-0.1, 0.2), effect(-0.2, -0.1), "unclear"),
        (effect(0.0, 0.2), effect(-0.2, -0.1), "unclear"),
        (effect(None, None), effect(-0.2, -0.1), "unclear"),
    ],
)
def test_a_verdict_needs_both_intervals(low: Effect, high: Effect, expected: str) -> None:
    """An interval that touches no change, or is not there, decides nothing."""
    assert verdict(low, high) == expected


def test_few_images_have_no_interval() -> None:
    """None: no number; one: no interval; equal differences: an interval of no width."""
    assert paired_effect(np.array([np.nan])).value is None
    single = paired_effect(np.array([0.5]))
    assert (single.value, single.low, single.high) == (0.5, None, None)
    equal = paired_effect(np.array([0.5, 0.5]))
    assert (equal.low, equal.high, equal.standardised) == (0.5, 0.5, None)


def test_a_sample_of_images_is_decoded_by_seed(benchmark: Benchmark) -> None:
    """The same seed decodes the same images; shares are always of all."""
    first = analyse(benchmark, datasets=("cells",), images=5, seed=1)
    assert first == analyse(benchmark, datasets=("cells",), images=5, seed=1)
    other = analyse(benchmark, datasets=("cells",), images=5, seed=2)
    assert first.decoded == other.decoded == {"cells": 5}
    a, b = (one.of("cells", "contrast", 3).bands["low"] for one in (first, other))
    assert a.share == b.share
    assert a.log2_energy != b.log2_energy


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"splits": ("val",)}, "split of"),
        ({"datasets": ("celsl",)}, "cells"),
        ({"images": 1}, "2 or more"),
    ],
)
def test_mistakes_are_named(benchmark: Benchmark, arguments: dict[str, object], sentence: str) -> None:
    """Names that were not built, and a sample too small, are refused in one sentence."""
    with pytest.raises(ConfigError, match=sentence):
        analyse(benchmark, **arguments)  # type: ignore[arg-type]


def test_reports_say_the_same(built: Path, benchmark: Benchmark) -> None:
    """The command's table, Markdown and JSON are of one analysis."""
    analysis = analyse(benchmark)
    run = CliRunner().invoke
    values = json.loads(run(app, ["analyse", str(built), "--json"]).stdout)
    assert values["images"] == {"cells": 12, "rays": 8}
    assert len(values["effects"]) == len(analysis.effects) == 2 * 7 * 6
    text = run(app, ["analyse", str(built), "--markdown"]).stdout
    assert text.strip() == markdown_report(analysis).strip()
    rows = [[cell.text for cell in row] for row in effect_table(analysis, "rays").rows]
    assert all(f"| {' | '.join(row)} |" in text for row in rows)
    shown = run(app, ["analyse", str(built), "--dataset", "rays"])
    assert shown.exit_code == 0
    assert "Does it amplify low and suppress high frequencies?" in shown.stdout
    assert "Severity" not in shown.stdout  # every row is a mean
    lines = [line.split() for line in shown.stdout.splitlines()]
    for name, _, low, _, high, low_energy, high_energy, *_ in rows:
        assert [*name.split(), *low.split(), *high.split()] in lines
        assert [*name.split(), *low_energy.split(), *high_energy.split()] in lines
    every = run(app, ["analyse", str(built), "--dataset", "rays", "--severities"], env={"COLUMNS": "80"})
    assert "Sev." in every.stdout and max(map(len, every.stdout.splitlines())) <= 80
    every = run(app, ["analyse", str(built), "--dataset", "rays", "--severities", "--format", "tsv"])
    assert "Severity" in every.stdout and "By energy" in every.stdout
    wrong = run(app, ["analyse", str(built), "--json", "--markdown"])
    assert wrong.exit_code == 2
