"""Reports: the verdict first, the paper's tables, nothing from outside that runs or loads."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_predictions import answers, evaluated, identity, result_of
from pydantic import ValidationError

from medimeta_c.cli import console
from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.suites import CORE
from medimeta_c.io.records import dump
from medimeta_c.io.tables.table import UNDEFINED, Cell, Table
from medimeta_c.reports import write_reports
from medimeta_c.reports.changed import most_changed
from medimeta_c.reports.html import render_html
from medimeta_c.reports.markdown import render_markdown
from medimeta_c.reports.tables import main_tables, other_scores_table
from medimeta_c.reports.terminal import result_view
from medimeta_c.reports.verdict import verdict
from medimeta_c.results.folder import SavedResult
from medimeta_c.results.identity import benchmark_record
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Result

HOSTILE = "<script>alert(1)</script>|`*x*`\"'$\\alpha$\u202e\n# big"


class Page(HTMLParser):
    """Tags with their attributes, text, and ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(saved: SavedResult, benchmark: Benchmark) -> str:
    """The whole page of a result."""
    return render_html(saved, benchmark)


def changed(result: Result, *path: str, **values: Any) -> Result:
    """A result with some values of one of its records changed."""
    if not path:
        return result.model_copy(update=values)
    head, *rest = path
    part = getattr(result, head)
    return result.model_copy(update={head: changed(part, *rest, **values)})


def test_both_files_are_written(tmp_path: Path, benchmark: Benchmark) -> None:
    """report.md and report.html beside the result, with and without the benchmark at hand."""
    saved = evaluated(tmp_path, benchmark, datasets=["rays"])
    markdown, html = write_reports(saved, benchmark)
    assert "data:image/png;base64," in html.read_text()
    write_reports(saved)
    assert "data:image/png" not in html.read_text()
    assert markdown.read_text().startswith("# hf-hub:test/tiny on ")


def test_the_page_asks_for_nothing(page: str) -> None:
    """No script, no link, no address that a browser would fetch, and a policy that forbids it."""
    parsed = Page(page)
    assert {"script", "link", "iframe", "object", "form", "a"}.isdisjoint(tag for tag, _ in parsed.tags)
    for tag, attributes in parsed.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in {"src", "href", "xlink:href", "srcset", "data", "action"}:
                assert str(value).startswith(("data:image/png;base64,", "#")), (tag, name, value)
    assert "default-src 'none'" in page
    assert set(re.findall(r"url\(([^)]*)", page)) <= set(re.findall(r"url\((#[^)]*)", page))
    assert "@import" not in page


def test_ids_are_distinct(page: str) -> None:
    """Each figure's ids are its own, and what refers to an id finds it."""
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    referred = set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'href="#([^"]+)"', page))
    assert referred <= set(ids)


def test_the_page_is_whole(page: str, saved: SavedResult) -> None:
    """Verdict, tables, curves and confusion of every dataset, pictures, prompts, provenance."""
    text = Page(page).text
    said = verdict(saved.result)
    assert said.sentence in text
    for headline in said.headlines:
        assert headline.value in text
    assert page.count("<svg") == 4
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert saved.result.run.benchmark.fingerprint in text
    assert saved.result.run.prompts.texts["cells"]["class0"][0] in text


def test_the_same_result_gives_the_same_bytes(page: str, saved: SavedResult, benchmark: Benchmark) -> None:
    """No time, no random id."""
    assert render_html(saved, benchmark) == page
    assert render_markdown(saved.result) == render_markdown(saved.result)


def test_the_tables_are_the_papers(saved: SavedResult) -> None:
    """Table 2: clean error, seven CE, mCE; Table 3: clean, seven, average. Rows: datasets and their mean."""
    overall = saved.result.scores.overall
    errors, accuracies = main_tables(saved.result)
    assert (errors.headers[1], errors.headers[-1]) == ("Clean", "mCE")
    assert (accuracies.headers[1], accuracies.headers[-1]) == ("Clean", "Average")
    assert len(errors.headers) == len(accuracies.headers) == 10
    assert [row[0].text for row in errors.rows] == ["cells", "rays", "All datasets"]
    assert cell_of(errors, "All datasets", "mCE").text == f"{100 * (overall.mce.value or 0):.1f}"
    assert (
        cell_of(accuracies, "All datasets", "Clean").text
        == f"{100 * (overall.clean_accuracy.value or 0):.1f}"
    )
    markdown = render_markdown(saved.result)
    assert f"| {cell_of(errors, 'cells', 'Motion blur').text} |" in markdown


def cell_of(table: Table, row: str, header: str) -> Cell:
    """The cell of a row and a column."""
    named = {cells[0].text: cells for cells in table.rows}
    return named[row][table.headers.index(header)]


def on_a_terminal(saved: SavedResult, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    console.show(*result_view(saved))
    return capsys.readouterr().out


def test_eighty_columns_are_enough(
    saved: SavedResult, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both tables with every name whole, the datasets side by side."""
    monkeypatch.setenv("COLUMNS", "80")
    shown = on_a_terminal(saved, capsys)
    assert max(map(len, shown.splitlines())) <= 80
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown
    for table in main_tables(saved.result):
        assert all(name in shown for name in (*table.headers, *(row[0].text for row in table.rows)))
        _, *columns = zip(*table.rows, strict=True)
        for cells in columns:
            assert re.search(r"\S +" + " +".join(cell.text for cell in cells), shown)


def test_without_a_baseline_there_is_no_table_of_dashes(
    base: SavedResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to divide by: the verdict says so, and the tables are those that have numbers."""
    assert base.result.baseline is None
    assert verdict(base.result).sentence == "Scored without a baseline: accuracies only."
    for shown in (render_markdown(base.result), render_html(base), on_a_terminal(base, capsys)):
        assert "Accuracy" in shown
        assert "Errors against the baseline" not in shown
        assert "Relative corruption error" not in shown


def mce(result: Result, low: float, high: float) -> Result:
    estimate = result.scores.overall.mce.model_copy(
        update={"value": (low + high) / 2, "low": low, "high": high}
    )
    return changed(result, "scores", "overall", mce=estimate)


@pytest.mark.parametrize(
    ("low", "high", "start"),
    [
        (0.7, 0.9, "More robust than ViT-B-16/openai: 80.0 % of its errors"),
        (1.1, 1.3, "Less robust than ViT-B-16/openai: 120.0 % of its errors"),
        (0.8, 1.0, "Not distinguishable from ViT-B-16/openai on these images: 90.0 %"),
    ],
)
def test_only_the_interval_decides_the_verdict(
    saved: SavedResult, low: float, high: float, start: str
) -> None:
    """More or less robust only where the interval leaves 100 % out."""
    assert verdict(mce(saved.result, low, high)).sentence.startswith(start)


def test_the_worst_corruption_costs_the_most_accuracy(saved: SavedResult) -> None:
    """By name, with the accuracy left and the points lost."""
    rows = {name: one.value or 0 for name, one in saved.result.scores.overall.accuracy.items()}
    worst = min(rows, key=lambda name: rows[name])
    headline = verdict(saved.result).headlines[-1]
    assert headline.value == worst.replace("_", " ").capitalize()
    assert headline.note.startswith(f"accuracy {100 * rows[worst]:.1f} %, ")


def test_the_suite_cut_to_one_dataset_says_so(saved: SavedResult) -> None:
    """A mean over one of the paper's five is not taken for the mean of all."""
    (entry, *_), core = saved.result.run.benchmark.datasets, CORE
    alone = entry.model_copy(update={"dataset": "pbc", "kind": "medimeta"})
    scope = saved.result.scope.model_copy(
        update={"corruptions": {"pbc": core.corruptions}, "severities": core.severities}
    )
    result = changed(changed(saved.result, scope=scope), "run", "benchmark", datasets=(alone,))
    assert (
        "The means are over pbc alone, without mammo_calc, pneumonia, fundus, oct."
        in verdict(result).warnings
    )


def test_phantoms_are_flagged_first(saved: SavedResult, capsys: pytest.CaptureFixture[str]) -> None:
    """In the terminal, in Markdown and on the page; published figures then give no verdict."""
    entries = tuple(
        entry.model_copy(update={"kind": "phantoms"}) for entry in saved.result.run.benchmark.datasets
    )
    result = changed(saved.result, "run", "benchmark", datasets=entries)
    assert verdict(result).warnings[0].startswith("Phantoms: the images of cells, rays are generated")
    assert "! Phantoms" in on_a_terminal(replace(saved, result=result), capsys)
    assert "Phantoms" in render_markdown(result)
    assert result.baseline is not None
    real = changed(result, baseline=result.baseline.model_copy(update={"measured_on_these_shards": False}))
    assert verdict(real).sentence.startswith("No verdict")


def test_holes_are_named_and_the_report_stands(
    tmp_path: Path, benchmark: Benchmark, base: SavedResult
) -> None:
    """Missing and invalid cells: no mCE, the cells by name, dashes with reasons, and a page all the same."""
    cells = answers(benchmark)
    key, nan = SetKey("cells", "test", "contrast", 2), SetKey("rays", "test", "pixelate", 1)
    del cells[key]
    broken = np.full_like(cells[nan].probabilities, np.nan)
    cells[nan] = CellPredictions.of(nan, cells[nan].image_ids, cells[nan].labels, broken)
    result = result_of(benchmark, cells, baseline=str(base.path))
    saved = SavedResult(name="a/b", path=tmp_path, result=result, predictions=cells)
    said = verdict(result)
    assert said.sentence == "No mCE: the run is not complete."
    assert f"1 of 72 cells are missing: {key}." in said.warnings
    assert f"1 of 72 cells are invalid (NaN or infinite probabilities): {nan}." in said.warnings
    text = Page(render_html(saved, benchmark)).text
    assert f"2 of 72 are missing or invalid: {key}, {nan}" in text
    assert str(key) in render_markdown(result)
    # No mean over the cells that happen to be there: contrast might have been the worst, or moved the mean.
    assert (said.headlines[-1].label, said.headlines[-1].value) == ("Worst corruption", UNDEFINED)
    others = other_scores_table(result)
    assert cell_of(others, "cells", "Balanced accuracy, clean").text != UNDEFINED
    corrupted = cell_of(others, "cells", "Balanced accuracy, corrupted")
    assert (corrupted.text, corrupted.note) == (UNDEFINED, f"undefined for {key} (not scored)")


def test_text_from_outside_stays_text(tmp_path: Path, benchmark: Benchmark) -> None:
    """Names, prompts, versions: no tag, no broken table, no mathematics, no bidirectional override."""
    cells = answers(benchmark)
    run = identity(benchmark, model={"spec": HOSTILE, "architecture": HOSTILE})
    entries = []
    for entry in run.benchmark.datasets:
        names = (HOSTILE, *entry.class_names[1:])
        entries.append(entry.model_copy(update={"title": HOSTILE, "class_names": names}))
    texts = {entry.dataset: dict.fromkeys(entry.class_names, (HOSTILE,)) for entry in entries}
    result = result_of(benchmark, cells)
    result = changed(result, "run", model=run.model)
    result = changed(result, "run", "benchmark", datasets=tuple(entries), name=HOSTILE)
    result = changed(result, "run", "prompts", name=HOSTILE, texts=texts)
    result = changed(result, "run", preprocessing={HOSTILE: HOSTILE})
    result = changed(result, "environment", packages={HOSTILE: HOSTILE}, device=HOSTILE)
    hostile = SavedResult(name="a/b", path=tmp_path, result=result, predictions=cells)
    page = render_html(hostile, benchmark)
    tags = {tag for tag, _ in Page(page).tags}
    assert "script" not in tags
    assert "alert(1)" in Page(page).text
    assert "\u202e" not in page
    markdown = render_markdown(result)
    assert "<script" not in markdown
    assert "\u202e" not in markdown
    assert not any(line.startswith("# big") for line in markdown.splitlines())
    widths = {
        line.replace(r"\|", "").count("|")
        for line in markdown.splitlines()
        if line.startswith("| ") and "Weights" in line
    }
    assert widths == {3}


def test_a_report_calls_the_benchmark_by_its_title(
    tmp_path: Path, saved: SavedResult, benchmark: Benchmark
) -> None:
    """The one given, as text, else the datasets'; only a given one is in the file, which then is schema 2."""
    spec = saved.result.run.model.spec
    assert render_markdown(saved.result).startswith(f"# {spec} on cells and rays\n")
    assert "title" not in dump(saved.result)["run"]["benchmark"]
    manifest = benchmark.manifest.model_copy(update={"title": "Rays & *cells* of Ulm"})
    record = benchmark_record("somewhere", manifest)
    titled = changed(saved.result, "run", benchmark=record)
    assert render_markdown(titled).startswith(f"# {spec} on Rays &amp; \\*cells\\* of Ulm\n")
    page = render_html(SavedResult(name="a/b", path=tmp_path, result=titled, predictions=saved.predictions))
    assert f" on {record.title}: MediMeta-C report" in Page(page).text
    assert "Rays &amp; *cells* of Ulm, version" in page
    values = dump(titled)
    assert (values["schema_version"], values["run"]["benchmark"]["title"]) == (2, "Rays & *cells* of Ulm")
    values["run"]["benchmark"]["title"] = "two\nlines"
    with pytest.raises(ValidationError, match="title"):
        Result.model_validate_json(json.dumps(values))


def test_most_changed_images_are_right_when_clean_and_surely_wrong_after(saved: SavedResult) -> None:
    """By the loss of the true class's probability, each image and each corruption once."""
    found = most_changed(saved, "cells")
    assert 0 < len(found) <= 4
    assert (
        len({one.image_id for one in found}) == len({one.corrupted.corruption for one in found}) == len(found)
    )
    losses = [one.before - one.after for one in found]
    assert losses == sorted(losses, reverse=True)
    for one in found:
        for key, right in ((one.clean, True), (one.corrupted, False)):
            cell = saved.predictions[key]
            row = cell.image_ids.index(one.image_id)
            assert bool(cell.correct[row]) is right
    clean = saved.predictions[found[0].clean]
    for key, cell in saved.predictions.items():
        if key.dataset == "cells":
            drops = [
                clean.probabilities[clean.image_ids.index(name), label] - p[label]
                for name, label, p, right in zip(
                    cell.image_ids, cell.labels, cell.probabilities, cell.correct, strict=True
                )
                if not right and clean.correct[clean.image_ids.index(name)]
            ]
            assert max(drops, default=0) <= losses[0] + 1e-6


def test_pictures_are_of_the_benchmark_scored(saved: SavedResult, benchmark: Benchmark) -> None:
    """Another benchmark is refused rather than shown."""
    other = Benchmark("other", benchmark.manifest.model_copy(update={"fingerprint": "0" * 64}), Path)
    with pytest.raises(ConfigError, match="is not the benchmark that was scored"):
        render_html(saved, other)
