"""Simulated readers: they answer by a curve whose threshold is known. No person answered anything here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medimeta_c.readers.answers import WORDS, Answer, Answers
from medimeta_c.readers.study import Study, Trial, trial_name

SLOPE, LAPSE = 2.5, 0.02


def study(
    per_cell: int, *, corruptions: tuple[str, ...] = ("contrast",), catch: int = 20, seed: int = 0
) -> Study:
    """A study that no page was made of: each corruption and severity `per_cell` times for each question."""
    cells = [
        (question, corruption, severity)
        for question in ("read", "compare")
        for corruption in corruptions
        for severity in range(1, 6)
        for _ in range(per_cell)
    ]
    cells += [(question, "clean", 0) for question in ("read", "compare") for _ in range(catch)]
    return Study(
        package_version="0.2.0",
        benchmark="simulated",
        fingerprint="ab" * 32,
        split="test",
        phantoms=("rays",),
        seed=seed,
        trials=tuple(
            Trial.model_validate(
                {
                    "trial": trial_name(index),
                    "question": question,
                    "dataset": "rays",
                    "corruption": corruption,
                    "severity": severity,
                    "image_id": str(index),
                    "worse": ("left", "right")[index % 2] if question == "compare" and severity else None,
                }
            )
            for index, (question, corruption, severity) in enumerate(cells)
        ),
    )


def answers(
    asked: Study, thresholds: Mapping[str, float], number: int, *, count: int | None = None
) -> Answers:
    """What a simulated reader says, who notices at one severity and cannot read at another."""
    draw = np.random.Generator(np.random.Philox(key=1000 * asked.seed + number))
    return Answers(
        kind="medimeta-c reader answers",
        package_version=asked.package_version,
        study=asked.digest,
        reader=f"simulated {number}",
        answers=tuple(
            Answer(
                trial=one.trial,
                answer=_said(one, thresholds[one.question], draw),  # type: ignore[arg-type]
                seconds=1.5,
                scale=2.0,
            )
            for one in asked.trials[:count]
        ),
    )


def _said(trial: Trial, threshold: float, draw: np.random.Generator) -> str:
    """Answer by the Weibull function as textbooks write it, not by the package's own."""
    words = WORDS[trial.question]
    share = {"compare": 0.25 / (0.5 - LAPSE), "read": 1 - 0.5 / (1 - LAPSE)}[trial.question]
    alpha = threshold / (-np.log(1 - share)) ** (1 / SLOPE)
    seen = 1 - np.exp(-((trial.severity / alpha) ** SLOPE))
    if trial.question == "read":
        return words[int(draw.random() >= (1 - LAPSE) * (1 - seen))]
    right = draw.random() < 0.5 + (0.5 - LAPSE) * seen
    if trial.worse is None:
        return words[int(right)]
    return trial.worse if right else words[trial.worse == "left"]
