"""Figures and tables: one module per figure, one registry line each. They read files only.

Importing this package does not import matplotlib; drawing does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from medimeta_c.errors import ConfigError
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.io.stores.stored import Place
from medimeta_corruptions import Registry

__all__ = ["FIGURES", "Figure", "draw"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure or table that ``medimeta-c figures`` makes.

    Parameters
    ----------
    name : str
        What a choice of figures calls it.
    title : str
        What it is, for people; of the paper's, with its number there.
    needs : str
        What to give so that it can be drawn.
    target : str or callable
        The function, or ``"module:function"``, imported when it is used. It takes
        `medimeta_c.figures.exhibit.Inputs` and yields pictures or tables; without its input it raises
        ``Lacking``.
    card : str
        The same for a benchmark's card, drawn with every build: the function takes ``(root, manifest)`` and
        yields file names (without a folder) with PNG bytes. Empty: not on the card. Of this package alone, so
        that a build has the same card wherever it is made.
    """

    name: str
    title: str
    needs: str
    target: str | Callable[..., Any]
    card: str = ""

    @property
    def function(self) -> Callable[..., Any]:
        """The function that `target` means."""
        return resolve_name(self.target) if isinstance(self.target, str) else self.target


_BUILT = "give the directory of a built benchmark"
_SCORED = "give results, or draw the paper's own numbers"
_DESCRIBED = "give the directory of a built benchmark, or draw the paper's own numbers"
_ABLATED = "give a few-shot ablation, or draw the paper's own numbers"


FIGURES = Registry(
    "medimeta_c.figures",
    Figure,
    (
        Figure(
            "sample_grid",
            "Figs. 1, 10 to 15: sample grids",
            _BUILT,
            "medimeta_c.figures.sample_grid:exhibit",
            card="medimeta_c.figures.sample_grid:draw",
        ),
        Figure(
            "spectrum",
            "Fig. 2: mean DCT spectra",
            _BUILT,
            "medimeta_c.figures.spectra:exhibit",
            card="medimeta_c.figures.spectra:draw",
        ),
        Figure(
            "frequency_bands",
            "Fig. 2: distributions of DCT energy",
            _BUILT,
            "medimeta_c.figures.frequency_bands:exhibit",
        ),
        Figure(
            "frequency_effects",
            "Effects on DCT energy by severity",
            _BUILT,
            "medimeta_c.figures.frequency_effects:exhibit",
        ),
        Figure(
            "feature_map",
            "Fig. 3: t-SNE of image features",
            "give the features that `medimeta-c features` saves",
            "medimeta_c.figures.feature_map:exhibit",
        ),
        Figure(
            "pixel_density",
            "Fig. 5C: pixel density",
            _BUILT,
            "medimeta_c.figures.pixel_density:exhibit",
        ),
        Figure(
            "evaluation",
            "Fig. 5D: evaluation on corrupted datasets",
            _SCORED,
            "medimeta_c.figures.scores.evaluation:exhibit",
        ),
        Figure(
            "robustness_accuracy",
            "Fig. 6: robustness against accuracy",
            _SCORED,
            "medimeta_c.figures.scores.robustness_accuracy:exhibit",
        ),
        Figure(
            "resnet50",
            "Fig. 7: ResNet-50 models by modality",
            "give results of models whose image encoder is a ResNet-50: the paper prints no numbers of it",
            "medimeta_c.figures.scores.evaluation:exhibit_resnet50",
        ),
        Figure(
            "severity_mce",
            "Fig. 8: mCE by severity",
            "give results: the paper prints no numbers by severity",
            "medimeta_c.figures.scores.severity_mce:exhibit",
        ),
        Figure(
            "fewshot_modalities",
            "Fig. 9: few-shot ablation by modality",
            "give a few-shot ablation over several datasets with its results: the paper prints PBC's alone",
            "medimeta_c.figures.scores.fewshot:exhibit_by_modality",
        ),
        Figure(
            "backbones",
            "Backbones: accuracy without and under corruption",
            "give results of models with two image encoders, or draw the paper's own numbers",
            "medimeta_c.figures.scores.backbones:exhibit",
        ),
        Figure(
            "severity",
            "Accuracy by severity and corruption",
            "give results: the paper prints means over severities",
            "medimeta_c.figures.scores.severity:exhibit",
        ),
        Figure(
            "fewshot",
            "Few-shot ablation over all its datasets",
            _ABLATED,
            "medimeta_c.figures.scores.fewshot:exhibit",
        ),
        Figure(
            "table1",
            "Table 1: datasets by modality",
            _DESCRIBED,
            "medimeta_c.figures.scores.datasets:draw_table1",
        ),
        Figure(
            "table2",
            "Table 2: corruption errors and mCE",
            _SCORED,
            "medimeta_c.figures.scores.tables:draw_table2",
        ),
        Figure(
            "table3",
            "Table 3: accuracies",
            _SCORED,
            "medimeta_c.figures.scores.tables:draw_table3",
        ),
        Figure(
            "table4",
            "Table 4: classes of MedIMeta's datasets",
            _DESCRIBED,
            "medimeta_c.figures.scores.datasets:draw_table4",
        ),
        Figure(
            "table5",
            "Table 5: classes of MedMNIST's datasets",
            "give a built benchmark of MedMNIST's datasets, or draw the paper's own numbers",
            "medimeta_c.figures.scores.datasets:draw_table5",
        ),
        Figure(
            "table6",
            "Table 6: few-shot ablation",
            _ABLATED,
            "medimeta_c.figures.scores.tables:draw_table6",
        ),
    ),
    error=ConfigError,
)
"""Every figure and table, in the order in which they are made."""


def draw(root: Place, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """Draw the figures of a built benchmark's card.

    Parameters
    ----------
    root : Path or StoredPath
        The benchmark's directory.
    manifest : Manifest
        What was built.

    Yields
    ------
    name : str
        A bare file name, e.g. ``"spectrum.png"``.
    data : bytes
        A PNG file; the same build and libraries give the same bytes.

    Raises
    ------
    ShardError
        If a shard is missing or damaged.
    """
    for name in FIGURES:
        if FIGURES.origin(name) is None and (figure := FIGURES[name]).card:
            yield from resolve_name(figure.card)(root, manifest)
