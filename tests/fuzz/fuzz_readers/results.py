"""Readers of results: records, predictions, answers, features, tables of other programs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz_readers.entry import BOARD, RESULT, calls, entry

if TYPE_CHECKING:
    from medimeta_c.results.identity import BenchmarkRecord

_JSON = f"{RESULT}/result.json"
_RESULTS = ("formats/results/*/result.json", "results/*/*/result.json")
_PREDICTIONS = f"{RESULT}/predictions.parquet"


@cache
def _scored_on(root: Path) -> BenchmarkRecord:
    """Return the benchmark of a result that is not changed."""
    from medimeta_c.results.result import read_result

    return read_result(root / BOARD).run.benchmark


def _baseline(root: Path) -> None:
    from medimeta_c.results.baseline_choice import choose_baseline

    choose_baseline(str(root / RESULT), _scored_on(root))


def _features(root: Path) -> None:
    from medimeta_c.probing.featurefile import Origin, read_feature_set

    read_feature_set(root / "made/kept.parquet", Origin(encoder="ab", images="cd"))


def _swept(root: Path) -> None:
    from medimeta_c.results.paraphrases.record import read_prompts_sweep
    from medimeta_c.results.result import read_result

    read_prompts_sweep(root / "made", read_result(root / RESULT))


def _given(file: str) -> Callable[[Path], object]:
    def read(root: Path) -> None:
        """Read predictions, and put them in the order of a benchmark's images."""
        from medimeta_c.scoring.givenfile import read_given

        for rows in read_given(root / file, "test").values():
            rows.in_order(["000000", "000001"], ["round", "long"])

    return read


READERS = (
    entry(
        "result",
        "json",
        _JSON,
        calls("results.result:read_result", _JSON),
        code={"results.result": "read_result Result._parts_fit_together"},
        also=_RESULTS,
    ),
    entry(
        "predictions",
        "parquet",
        _PREDICTIONS,
        calls("results.predictions:read_predictions", _PREDICTIONS),
        code={
            "results.predictions": "read_predictions _read_table _cells _probabilities _first_flaw "
            "_flaws _flaws_of_words"
        },
    ),
    entry(
        "saved-result",
        "json",
        _JSON,
        calls("results.folder.saved:read_saved", RESULT),
        code={"results.folder.saved": "read_saved check_pair differing_cells"},
    ),
    entry(
        "answers",
        "parquet",
        "made/answers.parquet",
        calls("results.words.answers:read_answers", "made/answers.parquet"),
        code={"results.words.answers": "read_answers _cell"},
    ),
    entry(
        "swept-cells",
        "parquet",
        "made/prompts-sweep.parquet",
        calls("results.paraphrases.cells:read_swept_cells", "made/prompts-sweep.parquet"),
        code={"results.paraphrases.cells": "read_swept_cells _cell SweptCell.__post_init__"},
    ),
    entry(
        "features",
        "parquet",
        "made/features.parquet",
        calls("results.featurefile:read_features", "made/features.parquet"),
        code={"results.featurefile": "read_features"},
    ),
    entry(
        "kept-features",
        "parquet",
        "made/kept.parquet",
        _features,
        code={"probing.featurefile": "read_feature_set"},
        models=True,
    ),
    entry(
        "ablation",
        "json",
        "formats/adapter/ablation.json",
        calls("results.ablation:read_ablation", "formats/adapter/ablation.json"),
        code={"results.ablation": "read_ablation"},
    ),
    *(
        entry(
            f"given-{kind}",
            kind,
            f"made/given.{kind}",
            _given(f"made/given.{kind}"),
            code={
                "scoring.givenfile": "read_given _read _check_columns _keys _key GivenRows.in_order _indices "
                f"_integers _matrix{more}"
            },
            also=(f"made/given-*.{kind}",),
        )
        for kind, more in (("csv", " _read_csv"), ("parquet", ""))
    ),
    entry(
        "probes",
        "json",
        "made/probes.json",
        calls("results.probes:read_probes", "made/probes.json"),
        code={"results.probes": "read_probes"},
    ),
    entry(
        "prompts-sweep",
        "json",
        "made/prompts-sweep.json",
        _swept,
        code={
            "results.paraphrases.record": "read_prompts_sweep read_swept PromptsSweep._parts_fit_together "
            "DatasetSweep._spreads_follow"
        },
    ),
    entry(
        "baseline",
        "json",
        _JSON,
        _baseline,
        code={"results.baseline_choice": "baseline_of", "results.folder.saved": "read_saved"},
    ),
)
