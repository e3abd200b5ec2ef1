"""The paper's own models, from its Tables 2, 3 and 6: reported there, not re-run here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from medimeta_c.format.keys import MEDIMETAC
from medimeta_c.format.suites import COLLECTIONS, CORE
from medimeta_c.leaderboard.site.content.assessed import reported_assessments
from medimeta_c.leaderboard.site.entries import Entry, Training, no_estimate, reported
from medimeta_c.leaderboard.submission import slug
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.paper import FewShotScore, ModelScores, published_fewshot, published_scores

__all__ = ["AS_PUBLISHED", "PAPER", "PAPER_COLLECTIONS", "paper_entries"]

PAPER = "https://doi.org/10.1007/978-3-031-98688-8_17"
PAPER_COLLECTIONS = {"MediMeta-C": CORE.headline["medimeta"], "MedMNIST-C": CORE.headline["medmnist"]}
"""The datasets of the paper's two collections, by the names its tables give them."""

AS_PUBLISHED = COLLECTIONS[MEDIMETAC]
"""The board of the authors' own files, which the tables of MediMeta-C were reported on."""

_YEAR = "2025"
"""When the paper appeared; it gives no day of the evaluation."""

_Numbers = Mapping[str, float | None]
_NOT_PRINTED = "not printed in the paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """What the paper says of one of its models."""

    name: str
    organisation: str
    backbone: str
    training: tuple[str, str]
    adaptation: Literal["base", "few-shot"] = "base"


_UNSTATED = "not stated"
_MODELS = {
    "CLIP": _Model(
        name="CLIP",
        organisation="OpenAI",
        backbone="ViT-B/16",
        training=("general", "image and text pairs from the web"),
    ),
    "MedCLIP": _Model(
        name="MedCLIP",
        organisation="as evaluated in the paper",
        backbone=_UNSTATED,
        training=("medical", "chest X-rays and reports"),
    ),
    "BioMedCLIP": _Model(
        name="BioMedCLIP",
        organisation="as evaluated in the paper",
        backbone="ViT-B/16",
        training=("medical", "figures and captions of biomedical articles"),
    ),
    "UniMedCLIP": _Model(
        name="UniMedCLIP",
        organisation="as evaluated in the paper",
        backbone=_UNSTATED,
        training=("medical", "medical image and text pairs of six modalities"),
    ),
    "RobustMedCLIP": _Model(
        name="RobustMedCLIP",
        organisation="the paper's authors",
        backbone="ViT-B/16",
        training=("medical", "BioMedCLIP, adapted with 10 % of the training images"),
        adaptation="few-shot",
    ),
}
_VARIANTS = {"RMC-ViT": ("ViT", "ViT-B/16"), "RMC-ResNet": ("ResNet", "ResNet-50")}


def paper_entries(collection: str) -> tuple[Entry, ...]:
    """Return the entries of one of the paper's collections, or of `AS_PUBLISHED`.

    Means over the datasets are taken here, of the printed rows. Table 6's few-shot ablation is on PBC alone.
    """
    printed = "MediMeta-C" if collection == AS_PUBLISHED else collection
    rows: dict[str, dict[str, ModelScores]] = {}
    for row in published_scores():
        if row.collection == printed:
            rows.setdefault(row.model, {})[row.dataset] = row
    found = [_entry(collection, PAPER_COLLECTIONS[printed], model, rows[model]) for model in rows]
    return (*found, *(_ablation() if collection == "MediMeta-C" else ()))


def _entry(collection: str, names: Iterable[str], key: str, rows: Mapping[str, ModelScores]) -> Entry:
    model = _MODELS[key]
    datasets = {}
    for name in names:
        row = rows[name]
        datasets[name] = _summary(row, row.average_accuracy, row.accuracy, row.ce)
    overall = _mean(tuple(datasets.values()))
    return Entry(
        key=f"paper-{slug(collection)}-{slug(key)}",
        name=model.name,
        organisation=model.organisation,
        backbone=model.backbone,
        source="paper",
        training=Training(
            kind=model.training[0],
            description=model.training[1],
            overlap="train" if model.adaptation != "base" else "unknown",
        ),
        adaptation=model.adaptation,
        overall=overall,
        datasets=datasets,
        assessed=reported_assessments(overall, datasets),
        view="zero-shot" if model.adaptation == "base" else "adapted",
        date=_YEAR,
        paper=PAPER,
        notes="Numbers per dataset are as Tables 2 and 3 print them; means over the datasets are taken here."
        + (" They were reported on these files." if collection == AS_PUBLISHED else ""),
    )


def _summary(
    row: ModelScores | FewShotScore, average: float | None, accuracy: _Numbers, ce: _Numbers
) -> Summary[Estimate]:
    """Return a row's numbers, with its average under corruption and its numbers by corruption."""
    nothing = no_estimate(_NOT_PRINTED)
    return Summary(
        clean_accuracy=_printed(row.clean_accuracy),
        average_accuracy=_printed(average),
        accuracy={name: Number(value=_fraction(one)) for name, one in accuracy.items()},
        clean_error=_printed(row.clean_error),
        ce={name: _printed(one) for name, one in ce.items()},
        mce=_printed(row.mce),
        relative_ce=dict.fromkeys(ce, nothing),
        relative_mce=nothing,
    )


def _printed(percent: float | None) -> Estimate:
    fraction = _fraction(percent)
    return no_estimate(_NOT_PRINTED) if fraction is None else reported(fraction)


def _fraction(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _mean(parts: tuple[Summary[Estimate], ...]) -> Summary[Estimate]:
    names = parts[0].ce

    def mean(estimates: Iterable[Number]) -> float:
        values = [one.value for one in estimates if one.value is not None]
        return math.fsum(values) / len(values)

    def over(field: str) -> Estimate:
        return reported(mean(getattr(part, field) for part in parts))

    nothing = no_estimate(_NOT_PRINTED)
    return Summary(
        clean_accuracy=over("clean_accuracy"),
        average_accuracy=over("average_accuracy"),
        accuracy={name: Number(value=mean(part.accuracy[name] for part in parts)) for name in names},
        clean_error=over("clean_error"),
        ce={name: reported(mean(part.ce[name] for part in parts)) for name in names},
        mce=over("mce"),
        relative_ce=dict.fromkeys(names, nothing),
        relative_mce=nothing,
    )


def _ablation() -> list[Entry]:
    """Return Table 6: RobustMedCLIP by backbone and share of training images, on PBC."""
    found = []
    for row in published_fewshot():
        (short, backbone), share = _VARIANTS[row.variant], f"{row.percent:g}"
        summary = _summary(row, row.corruption_accuracy, {}, {})
        found.append(
            Entry(
                key=f"paper-{slug(row.variant)}-{share}-percent",
                name=f"RobustMedCLIP {short}, {share}\N{NO-BREAK SPACE}%",
                organisation="the paper's authors",
                backbone=backbone,
                source="paper",
                training=Training(
                    kind="medical",
                    description=f"adapted with {share} % of the training images",
                    overlap="train",
                ),
                adaptation="few-shot",
                overall=None,
                datasets={"pbc": summary},
                assessed=reported_assessments(None, {"pbc": summary}),
                view="adapted",
                date=_YEAR,
                parameters=int((row.total_params_m or 0) * 1_000_000),
                paper=PAPER,
                notes="Table 6, the few-shot ablation, which is on PBC alone. "
                f"{row.trainable_percent:.2f} % of the parameters trained, in {row.train_hours:.2f} hours.",
            )
        )
    return found
