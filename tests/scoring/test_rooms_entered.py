"""How far an evaluation travels through the house."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import FrameType

import model_factories

import medimeta_c
from medimeta_c.building.build import BuildConfig, build
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.scoring.evaluation import evaluate

PACKAGE = Path(medimeta_c.__file__).parent
MOST_ROOMS = 12


def test_an_evaluation_enters_few_rooms(tmp_path: Path) -> None:
    """The functions that scoring a model on phantoms enters live in at most twelve rooms."""
    build(
        BuildConfig(
            datasets=("fundus",),
            source="phantoms",
            data_dir=tmp_path / "data",
            out=tmp_path / "phantoms",
            corruptions=("contrast",),
            severities=(1,),
            jobs=1,
        )
    )
    entered: set[str] = set()

    def enter(frame: FrameType, event: str, _: object) -> None:
        # Modules and classes being defined at import are no functions: their code is not optimised.
        if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(PACKAGE):
                entered.add(path.relative_to(PACKAGE).parts[0])

    config = EvaluateConfig(
        model=f"local-dir:{model_factories.make_open_clip_folder(tmp_path / 'model')}",
        benchmark=str(tmp_path / "phantoms"),
        baseline="none",
        out=tmp_path / "results",
    )
    sys.setprofile(enter)
    try:
        evaluate(config)
    finally:
        sys.setprofile(None)
    assert {"scoring", "results", "metrics", "models"} <= entered
    assert len(entered) <= MOST_ROOMS, sorted(entered)
