"""The paper's figures of scores: what they draw, of which results, and what the paper alone does not give."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.text import Annotation

from medimeta_c.errors import ConfigError
from medimeta_c.figures.drawing.pointlabels import initials
from medimeta_c.figures.exhibit import Inputs, Picture
from medimeta_c.figures.gallery import exhibits, make
from medimeta_c.figures.scores.severity_mce import severity_errors
from medimeta_c.format.keys import SetKey
from medimeta_c.io.tables.latex import latex
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.io.tables.table import Table
from medimeta_c.paper import (
    ModelScores,
    find_results,
    published_datasets,
    published_fewshot,
    published_scores,
    scores_of,
)
from medimeta_c.results.assessment.standing import INCOMPLETE, PHANTOMS
from medimeta_c.results.result import Result

PAPER = Inputs(
    scores=published_scores(),
    fewshot=published_fewshot(),
    datasets=published_datasets(),
    printed="Numbers as printed in the paper.",
)
MODALITIES = ["Cell Microscopy", "Breast Imaging", "Chest X-ray", "Fundoscopy", "Retinal OCT"]


def picture(name: str, inputs: Inputs) -> Picture:
    (one,) = exhibits(name, inputs)
    assert isinstance(one, Picture)
    return one


def table(name: str, inputs: Inputs) -> Table:
    (one,) = exhibits(name, inputs)
    assert isinstance(one, Table)
    return one


def legend_of(drawn: Picture) -> list[str]:
    found = [*drawn.figure.legends, *(panel.get_legend() for panel in drawn.figure.axes)]
    return [text.get_text() for one in found if one is not None for text in one.get_texts()]


def test_figure_5d_draws_tables_2_and_3() -> None:
    """A row a dataset of both collections, with each model's average accuracy and mCE, and their means."""
    drawn = picture("evaluation", PAPER)
    points: Mapping[tuple[object, ...], tuple[object, ...]] = {
        tuple(row[:4]): tuple(row[4:]) for row in drawn.rows
    }
    for one in published_scores():
        key = (one.collection, one.modality, one.dataset, one.model)
        assert points[key] == (one.average_accuracy, one.mce)
    own = [one for one in published_scores() if (one.collection, one.model) == ("MedMNIST-C", "MedCLIP")]
    accuracy = statistics.fmean(one.average_accuracy or 0 for one in own)
    assert points["MedMNIST-C", "", "Mean", "MedCLIP"][0] == pytest.approx(accuracy)
    assert len(points) == 50 + 10
    names = [text.get_text() for text in drawn.figure.axes[0].get_yticklabels()]
    assert [name.partition(" (")[0] for name in names] == 2 * [*MODALITIES, "Mean"]


def test_figure_6_labels_each_point_by_its_modality() -> None:
    """Every point has its letters beside it, coincident ones in one label, and the legend explains them."""
    drawn = picture("robustness_accuracy", PAPER)
    assert {row[1] for row in drawn.rows} == {*MODALITIES, ""}
    letters = initials(MODALITIES)
    assert set(MODALITIES) <= set(legend_of(drawn))
    for panel in drawn.figure.axes:
        words = [one.get_text() for one in panel.texts if isinstance(one, Annotation)]
        assert sorted(" ".join(words).split()) == sorted(5 * list(letters.values()))


def test_figure_7_is_of_resnet_50_models(inputs: Inputs) -> None:
    """Only models with that encoder are drawn; without one, a sentence names what is lacking."""
    assert {row[3] for row in picture("resnet50", inputs).rows} == {"BiomedCLIP_tiny"}
    others = tuple(one for one in inputs.scores if not one.is_resnet50)
    assert {one.model for one in others} == {"ViT-B-16/openai"}
    for lacking in (PAPER, replace(inputs, scores=others)):
        with pytest.raises(ConfigError, match="resnet50 cannot be drawn: give results of models whose"):
            make(lacking, Path("unused"), only=("resnet50",))


def test_figure_7_knows_the_encoder_of_a_family_whose_architecture_does_not_name_it(
    result_root: Path,
) -> None:
    """PMC-CLIP's results say only ResNet; other families are judged by what their results say."""
    ((result,), *_) = find_results([str(result_root)]).values()

    def is_resnet50(family: str) -> bool:
        model = result.run.model.model_copy(
            update={"family": family, "architecture": "CLIP's ResNet and BERT", "spec": f"{family}:/m"}
        )
        run = result.run.model_copy(update={"model": model})
        (first, *_) = scores_of({"m": (result.model_copy(update={"run": run}),)})
        return first.is_resnet50

    assert is_resnet50("pmc-clip")
    assert not is_resnet50("medclip")
    assert not is_resnet50("of a package that is not installed")


def by_hand(result: Result, base: Result, dataset: str, severity: int) -> float:
    """The mean over corruptions of the error divided by the baseline's."""

    def error(of: Result, corruption: str) -> float:
        cell = of.cell(SetKey(dataset, "test", corruption, severity))
        assert cell is not None and cell.top1.value is not None
        return 1 - cell.top1.value

    kinds = result.scope.corruptions[dataset] if severity else ("clean",)
    return 100 * statistics.fmean(error(result, kind) / error(base, kind) for kind in kinds)


def test_figure_8_is_mce_by_severity(inputs: Inputs) -> None:
    """S0 is the clean error; each other point follows from the cells of the model and of its baseline."""
    (result,), (base,) = inputs.results["BiomedCLIP_tiny"], inputs.results["ViT-B-16/openai"]
    drawn = picture("severity_mce", inputs)
    points = {(row[2], row[4]): row[5] for row in drawn.rows if row[3] == "BiomedCLIP_tiny"}
    assert {row[3] for row in drawn.rows} == {"BiomedCLIP_tiny"}  # the baseline is the line at 100
    for dataset in ("cells", "rays"):
        assert points[dataset, 0] == pytest.approx(result.scores.datasets[dataset].clean_error.percent)
        for severity in range(6):
            assert points[dataset, severity] == pytest.approx(by_hand(result, base, dataset, severity))
    for severity in range(6):
        both = [float(points[dataset, severity] or 0) for dataset in ("cells", "rays")]
        assert points["Mean", severity] == pytest.approx(statistics.fmean(both))
    ticks = [text.get_text() for text in drawn.figure.axes[-1].get_xticklabels()]
    assert ticks == ["S0", "S1", "S2", "S3", "S4", "S5"]


def test_figure_8_needs_errors_by_severity(inputs: Inputs) -> None:
    """A missing cell leaves a gap; neither the paper nor a baseline without severities gives any point."""
    (result,) = inputs.results["BiomedCLIP_tiny"]
    kept = tuple(one for one in result.scores.cells if (one.corruption, one.severity) != ("contrast", 3))
    part = result.model_copy(update={"scores": result.scores.model_copy(update={"cells": kept})})
    errors = severity_errors(part, "cells")
    assert [severity for severity, error in errors.items() if error is None] == [3]
    alone = {name: found for name, found in inputs.results.items() if name == "ViT-B-16/openai"}
    for lacking, words in (
        (PAPER, "give results"),
        (Inputs(results=alone), "results that have one baseline"),
    ):
        with pytest.raises(ConfigError, match=words):
            make(lacking, Path("unused"), only=("severity_mce",))


def test_figure_9_has_the_numbers_of_each_dataset(inputs: Inputs) -> None:
    """Means over seeds of the runs' own results, dataset by dataset; the paper's are of PBC alone."""
    (base,), (better,) = inputs.results["ViT-B-16/openai"], inputs.results["BiomedCLIP_tiny"]
    drawn = picture("fewshot_modalities", inputs)
    points = {(row[2], row[4]): row[5:9] for row in drawn.rows}
    assert list(points) == [(dataset, share) for dataset in ("cells", "rays") for share in (0.0, 1.0, 10.0)]
    for dataset in ("cells", "rays"):
        first, second = base.scores.datasets[dataset], better.scores.datasets[dataset]
        assert points[dataset, 10.0][0] == pytest.approx(second.clean_accuracy.percent)
        assert points[dataset, 10.0][2] == pytest.approx(second.average_accuracy.percent)
        seeds = [first.average_accuracy.percent or 0, second.average_accuracy.percent or 0]
        assert points[dataset, 1.0][2] == pytest.approx(statistics.fmean(seeds))
    with pytest.raises(ConfigError, match=r"fewshot_modalities cannot be drawn: give .* PBC's alone"):
        make(PAPER, Path("unused"), only=("fewshot_modalities",))


def test_tables_1_4_and_5_hold_what_the_paper_prints() -> None:
    """Modality, images of each split and classes of all ten datasets; class names as printed."""
    first = table("table1", PAPER)
    for row, one in zip(first.rows, published_datasets(), strict=True):
        assert [cell.text for cell in row[:3]] == [one.collection, one.modality, one.dataset]
        assert [cell.value for cell in row[3:]] == [*one.splits.values(), len(one.class_names)]
    assert "3149 test images of pbc" in first.caption
    named = [table("table4", PAPER), table("table5", PAPER)]
    assert [len(one.rows) for one in named] == [5, 5]
    shown = [row[-1].text.split("; ") for one in named for row in one.rows]
    assert shown == [list(one.class_names) for one in published_datasets()]
    assert {row[0].text for row in named[1].rows} == {"MedMNIST"}
    assert r"p{.4\textwidth}" in latex(named[0])


def test_what_may_not_be_ranked_is_marked_and_passed_over() -> None:
    """The mark stands beside the name in tables and legends; best and second best are among the others."""

    def with_marks_of(one: ModelScores) -> ModelScores:
        return replace(one, marks=(PHANTOMS, INCOMPLETE)) if one.model == "RobustMedCLIP" else one

    marked = replace(PAPER, scores=tuple(map(with_marks_of, PAPER.scores)))
    name = "RobustMedCLIP (phantoms, incomplete)"
    for which in ("table2", "table3"):
        made = table(which, marked)
        text = markdown(made)
        assert not any("**" in line or "<u>" in line for line in text.splitlines() if name in line)
        assert "Not ranked (on phantoms: generated images, not medical ones): RobustMed" in made.caption
    lines = [line for line in markdown(table("table2", marked)).splitlines() if "| pbc |" in line]
    assert [line.count("**") for line in lines] == [2 * 9, 0, 0, 0, 0]  # CLIP is the best of the others
    for which in ("evaluation", "robustness_accuracy"):
        drawn = picture(which, marked)
        assert name in legend_of(drawn) and "RobustMedCLIP" not in legend_of(drawn)
        assert "(incomplete: cells are missing or invalid): RobustMedCLIP." in drawn.caption
