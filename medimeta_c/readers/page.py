"""The page of a study: one file that asks its trials, keeps the answers and sends nothing anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format import png
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.io.files import write_atomic
from medimeta_c.io.records import write_record
from medimeta_c.io.templating import environment, templates_folder, visible
from medimeta_c.readers.answers import MOST_LETTERS
from medimeta_c.readers.design import StudyConfig, design
from medimeta_c.readers.study import Study, Trial, read_study
from medimeta_c.reports.changed import stored_images

__all__ = ["StudyReport", "make_study"]

_TEMPLATE, _STYLE, _SCRIPT = "readers.html.jinja", "readers.css", "readers.js"
_MOST_BYTES = 256 << 20
"""Of images in one page; browsers become slow beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """What was written.

    Parameters
    ----------
    page : Path
        The page, for the readers.
    file : Path
        The study file, which tells right answers from wrong ones: for those who score.
    study : Study
        The trials.
    """

    page: Path
    file: Path
    study: Study


def make_study(
    benchmark: Benchmark, config: StudyConfig, *, on_progress: Callable[[int, int], None] | None = None
) -> StudyReport:
    """Choose trials from a benchmark and write their page and study file.

    Parameters
    ----------
    benchmark : Benchmark
        Where the images are.
    config : StudyConfig
        What to ask.
    on_progress : callable, optional
        Called with the number of sets read and of all.

    Raises
    ------
    ConfigError
        If the benchmark lacks what is asked for, or something else, or another study, is in the page's place.
    WriteError
        If a file cannot be written.
    """
    study = design(benchmark, config)
    page, file = config.out, config.out.with_suffix(".study.json")
    _refuse_others(page, file, study)
    text = _render(study, benchmark, on_progress)
    # The study first: a page whose answers nobody can score must not exist.
    write_record(file, study)
    write_atomic(page, text.encode())
    return StudyReport(page=page, file=file, study=study)


def _refuse_others(page: Path, file: Path, study: Study) -> None:
    """Refuse to write over another study, whose answers would be lost, or over anything else."""
    if file.exists():
        if read_study(file).digest == study.digest:
            return
        what = f"{file} is of another study, whose answers could no longer be scored"
    elif page.exists():
        what = f"{page} exists and was not written by this command"
    else:
        return
    raise ConfigError(what, remedy=Remedy("choose another {out}"))


def _render(study: Study, benchmark: Benchmark, on_progress: Callable[[int, int], None] | None) -> str:
    pictures = _pictures(study, benchmark, on_progress)
    datasets = {one.dataset: one for one in benchmark.manifest.datasets}
    used = list(dict.fromkeys(trial.dataset for trial in study.trials))
    # Sorted by digest: the place of an image says nothing about it.
    images = sorted(set(pictures.values()), key=lambda uri: hashlib.sha256(uri.encode()).digest())
    place = {uri: index for index, uri in enumerate(images)}
    about = [
        {
            "title": visible(datasets[name].title),
            "task": visible(datasets[name].task),
            "modality": visible(datasets[name].modality),
            "phantom": name in study.phantoms and "phantom" not in datasets[name].title.casefold(),
        }
        for name in used
    ]
    trials = [
        {
            "trial": trial.trial,
            "question": trial.question,
            "about": used.index(trial.dataset),
            "images": [place[pictures[key, trial.image_id]] for key in _shown(study, trial)],
        }
        for trial in study.trials
    ]
    data: dict[str, Any] = {
        "study": study.digest,
        "package_version": study.package_version,
        "trials": trials,
        "about": about,
        "images": images,
    }
    folder = templates_folder()
    style, script = (_asset(folder / name) for name in (_STYLE, _SCRIPT))
    return (
        environment(folder, visible)
        .get_template(_TEMPLATE)
        .render(
            study=study,
            data=data,
            style=style,
            script=script,
            style_digest=_source(style),
            script_digest=_source(script),
            titles=[datasets[name].title for name in used],
            most_letters=MOST_LETTERS,
            questions={trial.question for trial in study.trials},
        )
    )


def _shown(study: Study, trial: Trial) -> tuple[SetKey, ...]:
    """Return the sets of a trial's images, from left to right."""
    own, clean = study.key(trial), study.clean_key(trial)
    if trial.question == "read":
        return (own,)
    return (own, clean) if trial.worse == "left" else (clean, own)


def _pictures(
    study: Study, benchmark: Benchmark, on_progress: Callable[[int, int], None] | None
) -> dict[tuple[SetKey, str], str]:
    """Return every image of a study as a PNG data URI, pixel for pixel as it is stored."""
    wanted: dict[SetKey, set[str]] = {}
    for trial in study.trials:
        for key in _shown(study, trial):
            wanted.setdefault(key, set()).add(trial.image_id)
    found: dict[tuple[SetKey, str], str] = {}
    size = 0
    for done, (key, ids) in enumerate(wanted.items()):
        for image_id, stored in stored_images(benchmark, key, ids).items():
            # Encoded again: what a PNG of others carries beside its pixels does not reach the page.
            data = png.encode(benchmark.decoded(key, image_id, stored))
            found[key, image_id] = "data:image/png;base64," + base64.b64encode(data).decode()
            size += len(found[key, image_id])
        if lost := {image_id for image_id in ids if (key, image_id) not in found}:
            raise ConfigError(f"{benchmark.name} has no image {min(lost)!r} in {key}: verify it")
        if size > _MOST_BYTES:
            raise ConfigError(
                f"images of {len(study.trials)} trials exceed {_MOST_BYTES >> 20} MB: too much for a page",
                remedy=Remedy("set fewer {trials}"),
            )
        if on_progress is not None:
            on_progress(done + 1, len(wanted))
    return found


def _asset(path: Path) -> Markup:
    """Return a file of ours that stands in the page as it is."""
    return Markup(path.read_text(encoding="utf-8"))


def _source(text: str) -> str:
    """Return what a Content-Security-Policy calls an inline text: nothing else runs in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
