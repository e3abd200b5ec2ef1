"""Clean and corrupted images in a model's feature space, flattened by t-SNE."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, MissingExtraError
from medimeta_c.featurefile import Features, read_features
from medimeta_c.figures import style
from medimeta_c.figures.choice import display_name
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture
from medimeta_c.records import CLEAN
from medimeta_corruptions import CORRUPTIONS

__all__ = ["embed", "exhibit", "feature_map"]

_PER_ROW = 3
_SIDE_INCHES = 2.1
_MOST_POINTS = 3000  # a panel; t-SNE takes minutes beyond


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the maps of every dataset in the features: the paper's Fig. 3."""
    if inputs.features is None:
        raise Lacking("give --features, which `medimeta-c features` saves")
    if find_spec("sklearn") is None:
        raise MissingExtraError("t-SNE", "figures")
    features = read_features(inputs.features)
    levels = sorted({row[2] for row in features.rows} - {0})
    places = {name: embed(features, name) for name in features.datasets}
    yield Picture(
        name="feature_map",
        caption=f"Image features of {features.model} (unit length) by t-SNE, a panel a dataset: clean images "
        f"and their corrupted selves at severity {', '.join(map(str, levels))}. Distances between far groups "
        "mean nothing.",
        figure=feature_map(features, places),
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
    features: Features, places: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
) -> Figure:
    """Draw a panel a dataset, a point an image, coloured by corruption.

    Parameters
    ----------
    features : Features
        As saved.
    places : dict
        What `embed` returns, by dataset.
    """
    columns = min(_PER_ROW, len(places))
    rows = math.ceil(len(places) / columns)
    order = [CLEAN, *CORRUPTIONS]
    kinds = sorted(
        {row[1] for row in features.rows},
        key=lambda kind: (order.index(kind) if kind in order else len(order), kind),
    )
    with style.context():
        figure = Figure(
            figsize=(_SIDE_INCHES * columns + 1.25, _SIDE_INCHES * rows + 0.1),
            dpi=style.PRINT_DPI,
            facecolor="white",
            layout="constrained",
        )
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel in panels:
            panel.set_axis_off()
        for panel, (dataset, (chosen, points)) in zip(panels, places.items(), strict=False):
            panel.set_title(features.label(dataset))
            found = np.array([features.rows[index][1] for index in chosen])
            for kind in reversed(kinds):  # clean on top
                colour = style.CLEAN_COLOUR if kind == CLEAN else style.colour(kind)
                mine = points[found == kind]
                panel.scatter(mine[:, 0], mine[:, 1], s=5, color=colour, linewidths=0, alpha=0.75)
        handles = [
            Line2D(
                [],
                [],
                linestyle="none",
                marker="o",
                markersize=4,
                color=style.CLEAN_COLOUR if kind == CLEAN else style.colour(kind),
                label="Clean" if kind == CLEAN else display_name(kind),
            )
            for kind in kinds
        ]
        figure.legend(handles=handles, loc="outside right center", frameon=False)
    return figure
