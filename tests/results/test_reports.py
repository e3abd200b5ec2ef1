"""Reports: marks and the verdict come first and read the same everywhere; a page loads nothing else."""

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
from medimeta_c.reports.cautions import notes, warnings
from medimeta_c.reports.changed import most_changed
from medimeta_c.reports.headlines import headlines
from medimeta_c.reports.html import render_html
from medimeta_c.reports.markdown import render_markdown
from medimeta_c.reports.tables import MOST_LOST, lost_table, main_tables, other_scores_table
from medimeta_c.reports.terminal import result_view
from medimeta_c.results.assessment.confidence import assess_confidence
from medimeta_c.results.assessment.confidence_numbers import Confidence
from medimeta_c.results.assessment.confidence_tables import confidence_tables
from medimeta_c.results.assessment.loss import Assessment, assess
from medimeta_c.results.assessment.verdict import verdict
from medimeta_c.results.folder.saved import SavedResult
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
def page(found: Assessment, confidence: Confidence, benchmark: Benchmark) -> str:
    """The whole page of a result."""
    return render_html(found, confidence, benchmark)


def html_of(found: Assessment, benchmark: Benchmark | None = None) -> str:
    return render_html(found, assess_confidence(found.saved), benchmark)


def markdown_of(found: Assessment) -> str:
    return render_markdown(found, assess_confidence(found.saved))


def of(saved: SavedResult, result: Result) -> Assessment:
    """What another result says with the same predictions."""
    return assess(replace(saved, result=result))


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
    found = assess(saved)
    markdown, html = write_reports(found, benchmark)
    assert "data:image/jpeg;base64," in html.read_text()
    write_reports(found)
    assert "data:image" not in html.read_text()
    assert markdown.read_text().startswith("# hf-hub:test/tiny on ")


def test_the_page_asks_for_nothing(page: str) -> None:
    """No script, no link, no address that a browser would fetch, and a policy that forbids it."""
    parsed = Page(page)
    assert {"script", "link", "iframe", "object", "form", "a"}.isdisjoint(tag for tag, _ in parsed.tags)
    for tag, attributes in parsed.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in {"src", "href", "xlink:href", "srcset", "data", "action"}:
                assert str(value).startswith("data:image/jpeg;base64,"), (tag, name, value)
    assert "default-src 'none'" in page
    assert set(re.findall(r"url\(([^)]*)", page)) <= set(re.findall(r"url\((#[^)]*)", page))
    assert "@import" not in page


def test_every_outlet_says_the_same_sentences(
    found: Assessment, page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentences of the verdict, the headlines and the cautions, word for word, from one source."""
    monkeypatch.setenv("COLUMNS", "10000")
    said = [*verdict(found).sentences, *warnings(found.saved.result), *notes(found.saved.result)]
    said += [text for one in headlines(found) for text in (one.label, one.value, one.interval, one.note)]
    assert len(said) > 20
    shown = on_a_terminal(found, capsys)
    markdown = markdown_of(found).replace("\\", "")
    for text in said:
        assert text in Page(page).text, text
        assert text in markdown, text
        assert text in shown, text


def test_confidence_has_its_tables(found: Assessment, confidence: Confidence, page: str) -> None:
    """Scores, conformal sets and, beside a baseline with predictions, mCE by other measures."""
    tables = confidence_tables(confidence)
    assert [one.name for one in tables] == [
        "Confidence",
        "Conformal sets",
        "Loss by other measures",
        "mCE by other measures",
    ]
    markdown = render_markdown(found, confidence)
    for table in tables:
        assert f"<h3>{table.name}</h3>" in page
        assert f"\n## {table.name}\n" in markdown
        assert all(row[-1].text in markdown for row in table.rows)


def test_loss_and_mce_stand_together(found: Assessment) -> None:
    """Points lost first, with interval and difference to the baseline; then mCE, accuracies, the worst."""
    lost, mce, *others = headlines(found)
    points = found.loss.overall.lost.points
    assert found.rival is not None
    difference = found.rival.difference.overall.lost.points.value or 0
    assert lost.value == f"{100 * (points.value or 0):.1f} points"
    assert lost.interval == f"{100 * (points.low or 0):.1f} to {100 * (points.high or 0):.1f}"
    assert lost.note.startswith(f"{100 * abs(difference):.1f} {'more' if difference >= 0 else 'less'} than ")
    assert lost.note.endswith(", paired)")
    assert (mce.label, mce.note) == ("mCE", "of the errors of ViT-B-16/openai")
    assert [one.label for one in others] == ["Clean accuracy", "Average accuracy", "Worst corruption"]


def test_the_page_is_in_the_order_of_questions(page: str, saved: SavedResult) -> None:
    """The sentences, the heat map, the curves, confidence, confusions, pictures, tables, and what was run."""
    assert re.findall(r"<h2>([^<]*)", page) == [
        "Where it loses accuracy",
        "Loss and errors by dataset",
        "Accuracy as corruption grows",
        "Confidence and accuracy",
        "What is taken for what",
        "Images that corruption changed most",
        "Tables",
        "In detail",
    ]
    assert page.index('class="lead"') < page.index('class="parts"') < page.index('class="headlines"')
    text = Page(page).text
    assert page.count("<svg") == 2 * 7 + 2  # a curve for each corruption, a diagram for each dataset
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert saved.result.run.benchmark.fingerprint in text
    assert saved.result.run.prompts is not None
    assert saved.result.run.prompts.texts["cells"]["class0"][0] in text


def test_the_heat_map_is_what_every_cell_loses(saved: SavedResult) -> None:
    """Points under the clean accuracy by corruption and severity, shaded alike in every report."""
    result = saved.result
    table = lost_table(result, "cells")
    clean = result.cell(SetKey("cells", "test", "clean", 0))
    assert clean is not None
    assert table.headers[1:] == tuple(map(str, CORE.severities))
    for name, row in zip(result.scope.corruptions["cells"], table.rows, strict=True):
        for severity, shown in zip(CORE.severities, row[1:], strict=True):
            cell = result.cell(SetKey("cells", "test", name, severity))
            assert cell is not None
            lost = (clean.correct - cell.correct) / cell.n
            assert shown.value == pytest.approx(100 * lost)
            assert shown.text == f"{100 * lost + 0.0:.0f}"
            assert shown.shade == pytest.approx(max(0, lost / MOST_LOST))


def test_the_same_result_gives_the_same_bytes(
    page: str, found: Assessment, confidence: Confidence, benchmark: Benchmark
) -> None:
    """No time, no random id."""
    assert render_html(found, confidence, benchmark) == page
    assert markdown_of(found) == markdown_of(found)


def test_the_tables_are_the_papers(saved: SavedResult, found: Assessment) -> None:
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
    markdown = markdown_of(found)
    assert f"| {cell_of(errors, 'cells', 'Motion blur').text} |" in markdown


def cell_of(table: Table, row: str, header: str) -> Cell:
    """The cell of a row and a column."""
    named = {cells[0].text: cells for cells in table.rows}
    return named[row][table.headers.index(header)]


def on_a_terminal(found: Assessment, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    console.show(*result_view(found))
    return capsys.readouterr().out


def test_eighty_columns_are_enough(
    found: Assessment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both tables with every name whole, the datasets side by side."""
    monkeypatch.setenv("COLUMNS", "80")
    shown = on_a_terminal(found, capsys)
    assert max(map(len, shown.splitlines())) <= 80
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown
    for table in main_tables(found.saved.result):
        assert all(name in shown for name in (*table.headers, *(row[0].text for row in table.rows)))
        _, *columns = zip(*table.rows, strict=True)
        for cells in columns:
            assert re.search(r"\S +" + " +".join(cell.text for cell in cells), shown)


def test_without_a_baseline_there_is_no_table_of_dashes(
    base: SavedResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to divide by: the verdict says so, and the tables are those that have numbers."""
    alone = assess(base)
    assert base.result.baseline is None
    assert verdict(alone).case == "no baseline"
    assert [one.value for one in headlines(alone)][1] == UNDEFINED
    for shown in (markdown_of(alone), html_of(alone), on_a_terminal(alone, capsys)):
        assert "Accuracy" in shown
        assert "Errors against the baseline" not in shown
        assert "Relative corruption error" not in shown


def test_the_worst_corruption_costs_the_most_accuracy(found: Assessment) -> None:
    """By name, with the points lost."""
    overall = found.saved.result.scores.overall
    rows = {name: one.value or 0 for name, one in overall.accuracy.items()}
    worst = min(rows, key=lambda name: rows[name])
    headline = headlines(found)[-1]
    assert headline.value == worst.replace("_", " ").capitalize()
    lost = 100 * ((overall.clean_accuracy.value or 0) - rows[worst])
    assert headline.note.startswith(f"{lost:.1f} points lost (")


def test_the_suite_cut_to_one_dataset_says_so(saved: SavedResult) -> None:
    """A mean over one of the paper's five is not taken for the mean of all."""
    (entry, *_), core = saved.result.run.benchmark.datasets, CORE
    alone = entry.model_copy(update={"dataset": "pbc", "kind": "medimeta"})
    scope = saved.result.scope.model_copy(
        update={"corruptions": {"pbc": core.corruptions}, "severities": core.severities}
    )
    result = changed(changed(saved.result, scope=scope), "run", "benchmark", datasets=(alone,))
    assert "The means are over pbc alone, without mammo_calc, pneumonia, fundus, oct." in notes(result)


def test_marks_come_first(saved: SavedResult, capsys: pytest.CaptureFixture[str]) -> None:
    """Badges above the verdict, which is none; in the terminal and in Markdown a sentence before it."""
    entries = tuple(
        entry.model_copy(update={"kind": "phantoms"}) for entry in saved.result.run.benchmark.datasets
    )
    result = changed(saved.result, "run", "benchmark", datasets=entries)
    marked = of(saved, changed(result, marks=("limited",)))
    assert verdict(marked).judgement.startswith("No verdict")
    page = html_of(marked)
    badges = re.findall(r"<li>(.*?)</li>", page[page.index('class="badges"') : page.index('class="lead"')])
    assert badges == ["<b>trial</b>", "<b>phantoms</b>", "ranked nowhere"]
    trial, phantoms = warnings(marked.saved.result)
    assert trial.startswith("A trial: only a part")
    assert phantoms.startswith("Phantoms: the images of cells, rays are generated")
    for shown in (on_a_terminal(marked, capsys), markdown_of(marked)):
        assert shown.index("A trial") < shown.index("Phantoms") < shown.index("No verdict")
    assert 'class="badges"' not in html_of(assess(saved))


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
    found = assess(saved)
    assert verdict(found).case == "marked"
    assert f"1 of 72 cells are missing: {key}." in warnings(result)
    assert f"1 of 72 cells are invalid (NaN or infinite probabilities): {nan}." in warnings(result)
    text = Page(html_of(found, benchmark)).text
    assert str(key) in text
    assert str(key) in markdown_of(found)
    assert cell_of(lost_table(result, "cells"), "Contrast", "2").text == UNDEFINED
    # No mean over the cells that happen to be there: contrast might have been the worst, or moved the mean.
    worst = headlines(found)[-1]
    assert (worst.label, worst.value) == ("Worst corruption", UNDEFINED)
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
    page = html_of(assess(hostile), benchmark)
    tags = {tag for tag, _ in Page(page).tags}
    assert "script" not in tags
    assert "alert(1)" in Page(page).text
    assert "\u202e" not in page
    markdown = markdown_of(assess(hostile))
    assert "<script" not in markdown
    assert "\u202e" not in markdown
    assert not any(line.startswith("# big") for line in markdown.splitlines())
    widths = {
        line.replace(r"\|", "").count("|")
        for line in markdown.splitlines()
        if line.startswith("| ") and "Weights" in line
    }
    assert widths == {3}


def test_a_report_calls_the_benchmark_by_its_title(saved: SavedResult, benchmark: Benchmark) -> None:
    """The one given, as text, else the datasets'; only a given one is in the file, which then is schema 2."""
    spec = saved.result.run.model.spec
    assert markdown_of(assess(saved)).startswith(f"# {spec} on cells and rays\n")
    assert "title" not in dump(saved.result)["run"]["benchmark"]
    manifest = benchmark.manifest.model_copy(update={"title": "Rays & *cells* of Ulm"})
    record = benchmark_record("somewhere", manifest)
    titled = changed(saved.result, "run", benchmark=record)
    found = of(saved, titled)
    assert markdown_of(found).startswith(f"# {spec} on Rays &amp; \\*cells\\* of Ulm\n")
    page = html_of(found)
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
    assert clean.probabilities is not None
    for key, cell in saved.predictions.items():
        if key.dataset == "cells":
            assert cell.probabilities is not None
            drops = [
                clean.probabilities[clean.image_ids.index(name), label] - p[label]
                for name, label, p, right in zip(
                    cell.image_ids, cell.labels, cell.probabilities, cell.correct, strict=True
                )
                if not right and clean.correct[clean.image_ids.index(name)]
            ]
            assert max(drops, default=0) <= losses[0] + 1e-6


def test_pictures_are_of_the_benchmark_scored(found: Assessment, benchmark: Benchmark) -> None:
    """Another benchmark is refused rather than shown."""
    other = Benchmark("other", benchmark.manifest.model_copy(update={"fingerprint": "0" * 64}), Path)
    with pytest.raises(ConfigError, match="is not the benchmark that was scored"):
        html_of(found, other)
