"""The paper's tables and the figures made of them, number by number."""

from __future__ import annotations

import csv
import re
from importlib import resources
from pathlib import Path

import pytest

from medimeta_c.figures.exhibit import Inputs
from medimeta_c.figures.gallery import make
from medimeta_c.format.suites import CORE
from medimeta_c.paper import published_datasets, published_fewshot, published_scores


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def printed(name: str) -> list[list[str]]:
    text = resources.files("medimeta_c.paper").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.reader(text.splitlines()))


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that the paper's numbers alone allow."""
    out = tmp_path_factory.mktemp("paper")
    inputs = Inputs(
        scores=published_scores(),
        fewshot=published_fewshot(),
        datasets=published_datasets(),
        printed="From the paper.",
    )
    make(inputs, out)
    return out


@pytest.mark.parametrize(
    ("name", "named", "labels"),
    [
        ("table2_ce_mce", ("Collection", "Dataset", "Model"), 4),
        ("table3_accuracy", ("Collection", "Dataset", "Model"), 4),
        ("table6_fewshot", ("Model", "Few-shot (%)"), 5),
    ],
)
def test_tables_hold_every_cell_the_paper_prints(
    paper: Path, name: str, named: tuple[str, ...], labels: int
) -> None:
    """CSV, Markdown and LaTeX have the paper's cells, in its order; each row names its dataset."""
    (_, *theirs), (header, *ours) = printed(name), rows_of(paper / f"{name}.csv")
    modalities = {row[1]: row[2] for row in printed("datasets")}
    assert len(ours) == len(theirs)
    body = (paper / f"{name}.md").read_text().splitlines()[2 : 2 + len(ours)]
    lines = [line for line in (paper / f"{name}.tex").read_text().splitlines() if " & " in line][1:]
    for mine, other, line, tex in zip(ours, theirs, body, lines, strict=True):
        assert [mine[header.index(label)] for label in named] == other[: len(named)]
        assert mine[header.index("Modality")] == modalities[mine[header.index("Dataset")]]
        numbers = [float(one) for one in other[len(named) :]]
        assert [float(one) for one in mine[labels:]] == numbers
        shown = re.sub(r"\*\*|</?u>|\\", "", line).strip("| ").split(" | ")
        assert [float(one) for one in shown[labels:]] == numbers
        cells = re.sub(r"\\(textbf|underline)\{([^}]*)\}", r"\2", tex).rstrip("\\ ").split(" & ")
        assert [float(one) for one in cells[-len(numbers) :]] == numbers


def test_best_is_bold_and_second_underlined(paper: Path) -> None:
    """Where the winner is known: RobustMedCLIP on PBC, UniMedCLIP on BreastMNIST, ties marked alike."""
    lines = (paper / "table2_ce_mce.md").read_text().splitlines()
    pbc = next(line for line in lines if "| pbc | RobustMedCLIP" in line)
    assert pbc.count("**") == 2 * 9
    clip = next(line for line in lines if "| pbc | CLIP" in line)
    assert clip.count("<u>100.0</u>") == 9
    breast = {
        model: next(line for line in lines if f"breastmnist | {model} " in line)
        for model in ("BioMedCLIP", "UniMedCLIP")
    }
    assert breast["UniMedCLIP"].endswith("**64.7** |")
    assert breast["BioMedCLIP"].endswith("<u>67.6</u> |")
    assert "<u>79.2</u>" in breast["BioMedCLIP"] and "<u>79.2</u>" in breast["UniMedCLIP"]
    tex = (paper / "table2_ce_mce.tex").read_text()
    assert r"\textbf{64.7} \\" in tex and r"\underline{67.6} \\" in tex


def test_figure_6_plots_the_papers_numbers(paper: Path) -> None:
    """Robustness against accuracy: each point is a row of Tables 2 and 3, each large one their mean."""
    (_, *rows) = rows_of(paper / "robustness_accuracy.csv")
    accuracy = {(row[1], row[2]): row for row in printed("table3_accuracy")[1:]}
    errors = {(row[1], row[2]): row for row in printed("table2_ce_mce")[1:]}
    single = [row for row in rows if row[2] != "mean"]
    assert len(single) == 50
    for _, _, dataset, model, *numbers in single:
        a, e = accuracy[dataset, model], errors[dataset, model]
        assert [float(one) for one in numbers] == [float(one) for one in (a[3], a[-1], e[3], e[-1])]
    (mean,) = [row for row in rows if row[:4] == ["MediMeta-C", "", "mean", "RobustMedCLIP"]]
    own = [float(errors[name, "RobustMedCLIP"][-1]) for name in CORE.headline["medimeta"]]
    assert float(mean[-1]) == pytest.approx(sum(own) / 5)


def test_backbones_and_the_ablation_plot_table_6(paper: Path) -> None:
    """Both show every row of Table 6, and name its dataset."""
    theirs = printed("table6_fewshot")[1:]
    backbones, ablation = rows_of(paper / "backbones.csv")[1:], rows_of(paper / "fewshot.csv")[1:]
    assert len(backbones) == len(ablation) == len(theirs)
    for row, bone, shot in zip(theirs, backbones, ablation, strict=True):
        variant, percent, clean, error, corrupted, mce, hours, *_ = row
        assert bone[:3] == ["MediMeta-C, Cell Microscopy (pbc)", variant, f"{variant}, {percent} %"]
        assert [float(one) for one in bone[3:]] == [float(clean), float(corrupted), float(mce)]
        assert shot[:4] == ["MediMeta-C", "Cell Microscopy", "pbc", variant]
        assert [float(one) for one in shot[4:9]] == [
            float(one) for one in (percent, clean, error, corrupted, mce)
        ]
        assert float(shot[-1]) == float(hours)


def test_latex_names_a_dataset_once(paper: Path) -> None:
    """Collection, modality and dataset head their rows; headings of two words are stacked."""
    lines = (paper / "table2_ce_mce.tex").read_text().splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("CLIP & "))
    assert lines[start - 1] == r"\multicolumn{10}{@{}l}{\textit{MediMeta-C, Cell Microscopy, pbc}} \\"
    assert lines[start + 1].startswith("MedCLIP & ")
    assert r"\shortstack[r]{Zoom\\blur}" in lines[start - 3]
    assert "of those of CLIP ViT-B/16" in lines[0]
