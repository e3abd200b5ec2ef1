"""Figure of a model's feature space: t-SNE of clean and corrupted images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, MissingExtraError
from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import inside_or_below, sample
from medimeta_c.figures.drawing.looks import Look, corruption_looks
from medimeta_c.figures.drawing.wrapping import by_inches
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, paged
from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN
from medimeta_c.format.suites import in_order, paper_order
from medimeta_c.paper.names import short_name
from medimeta_c.results.featurefile import Features, read_features
from medimeta_corruptions import CORRUPTIONS

__all__ = ["embed", "exhibit", "feature_map"]

_COLUMNS = {1: 1, 2: 2, 4: 2}  # by the number of panels; otherwise three
_MOST_SIDE_INCHES = 3.3
_MOST_PANELS = 9  # on a page
_MOST_POINTS = 3000  # a panel; t-SNE takes minutes beyond


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the maps of every dataset in the features: the paper's Fig. 3."""
    if inputs.features is None:
        raise Lacking
    if find_spec("sklearn") is None:
        raise MissingExtraError("t-SNE", "figures")
    features = read_features(inputs.features)
    levels = sorted({row[2] for row in features.rows} - {0})
    looks = corruption_looks({row[1] for row in features.rows} | inputs.corruptions())
    names = sorted(features.datasets, key=lambda name: paper_order("", name))
    for page, shown in paged(names, _MOST_PANELS):
        places = {name: embed(features, name) for name in shown}
        yield Picture(
            name=f"feature_map{page}",
            caption=f"Image features of {short_name(features.model)} (unit length) by t-SNE, a panel a "
            f"dataset: clean images and their corrupted selves at severity {', '.join(map(str, levels))}. "
            "Axes have no unit, and distances between far groups no meaning.",
            figure=feature_map(features, places, looks),
            header=("dataset", "corruption", "severity", "image_id", "label", "x", "y"),
            rows=[
                (*features.rows[index], float(x), float(y))
                for chosen, points in places.values()
                for index, (x, y) in zip(chosen.tolist(), points, strict=True)
            ],
        )


def embed(features: Features, dataset: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Flatten the features of one dataset.

    Parameters
    ----------
    features : Features
        As saved.
    dataset : str
        One of its datasets.

    Returns
    -------
    chosen : ndarray of int64, shape (N,)
        Rows of the features. Of large datasets whole images are left out, in all their conditions.
    points : ndarray of float64, shape (N, 2)
        Their places, the same for the same features and libraries.
    """
    from sklearn.manifold import TSNE  # noqa: PLC0415  only who draws this figure has it

    rows = [index for index, row in enumerate(features.rows) if row[0] == dataset]
    ids = sorted({features.rows[index][3] for index in rows})
    kept = set(ids[:: math.ceil(len(rows) / _MOST_POINTS)])
    chosen = np.array([index for index in rows if features.rows[index][3] in kept], dtype=np.int64)
    if len(chosen) < 5:
        raise ConfigError(
            f"{len(chosen)} features of {dataset} are too few for t-SNE: save those of more images"
        )
    vectors = features.vectors[chosen].astype(np.float64)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    tsne = TSNE(
        n_components=2,
        init="pca",
        perplexity=min(30.0, (len(chosen) - 1) / 3),
        random_state=0,
        n_jobs=1,
    )
    return chosen, np.asarray(tsne.fit_transform(unit), dtype=np.float64)


def feature_map(
    features: Features,
    places: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]],
    looks: Mapping[str, Look],
) -> Figure:
    """Draw a panel a dataset, a point an image, by corruption in colour and shape.

    Parameters
    ----------
    features : Features
        As saved.
    places : dict
        What `embed` returns, by dataset.
    looks : mapping of str to Look
        By corruption, clean included.
    """
    columns = _COLUMNS.get(len(places), 3)
    rows = math.ceil(len(places) / columns)
    side = min(_MOST_SIDE_INCHES, style.PAGE_INCHES / columns)
    kinds = in_order({row[1] for row in features.rows}, (CLEAN, *CORRUPTIONS))
    with style.context():
        figure, grid = style.page(side * columns, side * rows, rows, columns)
        panels = list(grid.ravel())
        for panel, (dataset, (chosen, points)) in zip(panels, places.items(), strict=False):
            panel.set(xticks=[], yticks=[])  # the axes of t-SNE have neither unit nor direction
            title = features.title(dataset)
            panel.set_title(by_inches(title, 0.95 * side, style.TITLE_POINTS, "bold"))
            panel.spines[:].set(visible=True, color="#CCCCCC")
            found = np.array([features.rows[index][1] for index in chosen])
            for kind in reversed(kinds):  # clean on top
                x, y = points[found == kind].T
                panel.scatter(x, y, **_point(looks[kind]), s=8, linewidths=0, alpha=0.75)
        free = panels[len(places) :]
        for panel in free:
            panel.set_axis_off()
        handles = [
            sample(display_name(kind), **_point(looks[kind]), linestyle="none", markersize=4)
            for kind in kinds
        ]
        inside_or_below(figure, handles, free, (side, side))
    return figure


def _point(look: Look) -> dict[str, Any]:
    return {"color": look.colour, "marker": look.marker}
