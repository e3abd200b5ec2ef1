"""Build a benchmark: plan the sets, render them in parallel, then write the manifest."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Generator, Mapping, Sequence

from medimeta_c.building import engines
from medimeta_c.building.assembly import BuildProgress, BuildReport, Request, as_images, assemble
from medimeta_c.building.config import BuildConfig
from medimeta_c.building.parts.beginning import begin_part, beside_parts
from medimeta_c.building.plan import Plan, plan
from medimeta_c.building.plugins import plugins_of
from medimeta_c.building.preview import Preview, preview_of
from medimeta_c.building.render import RenderTask, render_set
from medimeta_c.building.state.remembered import remember_data
from medimeta_c.building.stored.journal import Store, StoredTask, looked_at, render_into_store, working_folder
from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import SetRecord
from medimeta_c.io.progress import following
from medimeta_c.io.settings import (
    require_kind,
)
from medimeta_c.sources import corruptions_for, family, profile_for
from medimeta_c.sources.contract import Source
from medimeta_c.sources.patients import patients_of, shared_patients

__all__ = ["BuildConfig", "BuildProgress", "BuildReport", "Preview", "build", "preview"]

_log = logging.getLogger(__name__)


def build(
    config: BuildConfig,
    *,
    on_progress: Callable[[BuildProgress], None] | None = None,
    on_preview: Callable[[Preview], None] | None = None,
    progress: bool = False,
) -> BuildReport:
    """Build the sets a configuration asks for; finished ones are kept, and an interrupted build resumes.

    Sets are written one by one, atomically; the card and, last of all, the manifest follow when every
    requested set is there. The result depends on neither workers, order nor interruptions. A part of a build
    gets neither card nor a place where it looks like a benchmark, until `medimeta_c.merge` joins all of them.

    Parameters
    ----------
    config : BuildConfig
        What to build.
    on_progress : callable, optional
        Called with a `BuildProgress` in this process, first before any work and then after each set.
    on_preview : callable, optional
        Called once before any work with a `Preview` of it, which renders some images to estimate the rest.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Returns
    -------
    BuildReport
        The manifest and what was done.

    Raises
    ------
    ConfigError
        If a name is unknown.
    SourceError
        If the clean data is missing or damaged.
    BuildError
        If the output directory is locked, or holds another build.
    StoreError
        If an object store fails; what is finished is kept.
    WriteError, WorkerError
        If a file cannot be written, or a worker process died; what is finished is kept.
    """
    require_kind(config, BuildConfig, "build")
    engines.require(config.engine, config.scheduler)
    config.fetch_data()
    with following(on_progress, progress, "images", as_images("building")) as tell:
        if config.stored is None:
            return _built(config, tell, on_preview)
        with working_folder(config.stored) as (folder, store):
            report = _built(dataclasses.replace(config, out=folder), tell, on_preview, store)
        return dataclasses.replace(report, root=config.stored)


def _built(
    config: BuildConfig,
    tell: Callable[[BuildProgress], None],
    on_preview: Callable[[Preview], None] | None,
    store: Store | None = None,
) -> BuildReport:
    """Build into a folder, or through it into a store."""
    planned = plan(config)
    _warn(planned.sources)
    if config.channels == "source":
        _name_grey_as_rgb(planned)
    if on_preview is not None:
        on_preview(preview_of(config, planned))
    request = Request(
        root=config.place,
        protocol=config.protocol,
        datasets={name: _record(source, config) for name, source in planned.sources.items()},
        sets={key: planned.images(key) for key in planned.sets},
        groups=_patients(config, planned),
        plugins=plugins_of(filter(None, planned.sets.values()), planned.sources),
        limited=config.limit,
        force=config.force,
        title=config.title,
        suite=config.chosen_suite,
        part=planned.part,
        store=store,
    )
    if planned.part is not None:
        encoder = begin_part(config.out, request, planned.part)
        request = dataclasses.replace(request, encoder=encoder)
    report = assemble(request, lambda todo, encoder: _rendered(config, planned, todo, encoder), tell)
    # Parts of one directory end at any time, also at the same.
    with beside_parts(config.out) if planned.part else contextlib.nullcontext():
        remember_data(config.out, planned.opened, config.data_dir, ids=config.reading.ids)
        for source in planned.opened.values():
            if keep_ids := getattr(source, "keep_ids", None):
                keep_ids()
    return dataclasses.replace(report, root=config.out)


def preview(config: BuildConfig) -> Preview:
    """Return what a build would do, and an estimate of what it would take; nothing is written.

    Raises
    ------
    ConfigError
        If a name is unknown.
    SourceError
        If the clean data is missing or damaged.
    """
    require_kind(config, BuildConfig, "preview")
    config.fetch_data()
    if config.stored is None:
        return preview_of(config, plan(config, writes=False))
    with looked_at(config.stored) as folder:
        config = dataclasses.replace(config, out=folder)
        return preview_of(config, plan(config, writes=False))


def _record(source: Source, config: BuildConfig) -> DatasetRecord:
    info = source.info
    if config.channels in ("grey", "luma"):
        info = info.model_copy(update={"channels": 1})
    record = DatasetRecord.of(info, source.checksum(), synthetic=family(info.kind).synthetic)
    suite = config.chosen_suite
    found: dict[str, object] = {"label_values": getattr(source, "label_values", ())}
    if suite.profiles:
        found["profile"] = profile_for(suite, info.kind, info.dataset, config.profile)
        found["corruptions"] = corruptions_for(suite, info.kind, info.dataset, config.profile)
    return record.model_copy(update=found)


def _patients(config: BuildConfig, planned: Plan) -> dict[tuple[str, str], Mapping[str, int]]:
    """Return the number of the patient of each image, by dataset and split, where patients are known."""
    sources = planned.sources
    places = {(key.dataset, key.split) for key in planned.sets}
    found = {place: numbers for place in places if (numbers := patients_of(sources[place[0]], place[1]))}
    if config.ids is not None and not any(getattr(one, "numbered", False) for one in sources.values()):
        raise ConfigError(
            "ids is only for DICOM files and images of known patients, and these datasets have none",
            value=config.ids,
            remedy=[
                Remedy("put each patient's images into a folder <class>/<patient>"),
                Remedy("leave out {ids}"),
            ],
        )
    return found


def _warn(sources: Mapping[str, Source]) -> None:
    """Warn users of the data about what they should know, but need not correct."""
    for name, source in sources.items():
        for warning in (*getattr(source, "warnings", ()), shared_patients(source)):
            if warning:
                _log.warning("%s: %s", name, warning)


def _name_grey_as_rgb(planned: Plan) -> None:
    """Say which datasets are stored as RGB though each of their images shows grey."""
    places = {(key.dataset, key.split): None for key in planned.sets}
    for name, source in planned.sources.items():
        check = getattr(source, "shows_grey", None) or functools.partial(_shows_grey, source)
        splits = [split for dataset, split in places if dataset == name]
        ids = [(split, image_id) for split in splits for image_id in source.ids(split)]
        if source.info.channels == 3 and all(check(*place) for place in ids):
            _log.warning(
                "%s: all %d images are stored as RGB and show grey, so noise on them will be coloured: %s",
                name,
                len(ids),
                Remedy("{channels} makes them grey", channels="grey"),
            )


def _shows_grey(source: Source, split: str, image_id: str) -> bool:
    image = source.image(split, image_id)
    return bool((image[..., :1] == image).all())


def _rendered(
    config: BuildConfig, planned: Plan, todo: Sequence[SetKey], encoder: str
) -> Generator[SetRecord]:
    """Yield finished sets as they come. Large sets go first: no worker is left with one at the end."""
    tasks = [
        RenderTask(
            root=config.place.absolute(),
            source=planned.sources[key.dataset],
            key=key,
            corruption=planned.sets[key],
            protocol=config.protocol,
            encoder=encoder,
            rows=planned.rows[key],
        )
        for key in sorted(todo, key=lambda key: -planned.images(key))
    ]
    jobs = config.jobs if config.engine == "dask" else planned.processes(config.jobs, todo)
    run = functools.partial(engines.run_all, jobs=jobs, engine=config.engine, scheduler=config.scheduler)
    if config.stored is not None:
        return run(render_into_store, [StoredTask(task=task, root=config.stored) for task in tasks])
    return run(render_set, tasks)
