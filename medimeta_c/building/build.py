"""Build a benchmark: plan the sets, render them in parallel, then write the manifest."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from medimeta_c.building import engines
from medimeta_c.building.assembly import BuildProgress, BuildReport, Request, as_images, assemble
from medimeta_c.building.journal import Journal, ids_folder, remember_data, require_free
from medimeta_c.building.plugins import plugins_of
from medimeta_c.building.preview import Preview, preview_of
from medimeta_c.building.render import RenderTask, render_set
from medimeta_c.errors import ConfigError, Remedy, short, unknown_name
from medimeta_c.format.dataset import DatasetInfo, DatasetRecord
from medimeta_c.format.keys import CLEAN, SetKey, check_alone, check_distinct, check_name
from medimeta_c.format.manifest import Protocol, SetRecord
from medimeta_c.format.suites import CORE, SUITES, Suite, require_of_suite
from medimeta_c.io.progress import following
from medimeta_c.io.settings import (
    Location,
    OptionalLocation,
    OptionalSeveral,
    Several,
    default,
    default_of,
    require_kind,
    required,
    settle,
)
from medimeta_c.io.text import flaw_of_line
from medimeta_c.sources import corruptions_for, default_data_dir, family, profile_for
from medimeta_c.sources.contract import Channels, Frames, LimitedSource, Reading, Source
from medimeta_c.sources.folders.ids import has_key
from medimeta_c.sources.patients import patients_of, shared_patients
from medimeta_c.sources.selection import ALL, check_selection, open_datasets, select
from medimeta_corruptions import CORRUPTIONS, Corruption

__all__ = ["BuildConfig", "BuildProgress", "BuildReport", "Preview", "build", "plan", "preview"]

_log = logging.getLogger(__name__)
_OF_NAMES = ("source", "task", "window", "frames", "classes_are", "data_is_dataset", "ids")
"""What says how datasets given by name are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildConfig:
    """What to build, from what, where to and how.

    Parameters
    ----------
    datasets : str, Source, or several
        Dataset ids, or sources of your own; or ``"all"`` for the suite's five, every one required;
        ``"medimeta"`` for MedIMeta's that can be built, every one required; or ``"available"`` for those
        whose data is on this disk.
    out : str or path
        The benchmark's directory.
    suite : str or Suite, optional
        Which corruptions datasets get and what they are scored over: ``"core"``, ``"clinical"``,
        ``"imagenet_c"``, or another that is registered.
    profile : str, optional
        What kind of images datasets show that the suite does not know, where the suite has profiles.
    corruptions : str, Corruption, or several, optional
        Names of the suite's corruptions or of registered ones that no suite has, or corruptions of your own;
        the suite's by default.
    severities : int, or several, optional
        1 to 5; the suite's by default. The clean set, severity 0, is always built along.
    splits : str, or several, optional
        Splits to build; ``"all"`` for every split that a dataset has.
    data_dir : str or path, optional
        Where clean data is; by default the folder that the environment variable ``MEDIMETA_DATA`` names, or
        else the platform's user data directory.
    source : str, optional
        A source family; by default the one the dataset id belongs to.
    task : str, optional
        The labels to use where a dataset has several tasks.
    title : str, optional
        What the benchmark is called: a line of at most 120 letters. By default what it was called before, or
        what follows from its datasets: MediMeta-C for the core suite's own, a dataset's own title for others.
    seed : int, optional
        Root of every image's seed, 0 or more.
    channels : {"source", "rgb", "grey", "luma"}, optional
        ``rgb`` copies grey images to three channels before corruption; ``grey`` makes one of three equal
        channels and refuses coloured images; ``luma`` weighs colours as ITU-R BT.601 does.
    window : str, optional
        How grey values of more than eight bits become shades, in folders of pictures: ``"LOW,HIGH"`` in the
        files' units, ``"percentiles"`` or ``"full"``.
    frames : {"one", "each"}, optional
        Whether a DICOM file of several frames is refused, or each frame is an image.
    classes_are : str, or several, optional
        Folders that are classes, although their names look like splits or masks.
    data_is_dataset : bool, optional
        `data_dir` itself is the (one) dataset, whatever its name.
    ids : str or path, optional
        Folder of the key that numbers DICOM images and those of known patients; by default the one of the
        last build there, or ``OUT.ids`` beside `out`.
    jobs : int, optional
        Worker processes; -1 is one per core.
    engine : {"loky", "dask"}, optional
        What runs the workers.
    scheduler : str, optional
        Address of a running Dask scheduler.
    limit : int, optional
        Only the first so many images of each split: a trial, marked as such wherever it is shown.
    force : bool, optional
        Build the requested sets again even if they are finished.

    Raises
    ------
    ConfigError
        If a name, severity or combination is not valid.
    """

    datasets: Several[str | Source] = required()
    out: Location = required()
    suite: str | Suite = CORE
    profile: str | None = None
    corruptions: OptionalSeveral[str | Corruption] = default(None)
    severities: OptionalSeveral[int] = default(None)
    splits: Several[str] = default("test")
    data_dir: Location = default_of(default_data_dir)
    source: str | None = None
    task: str | None = None
    title: str | None = None
    seed: int = 0
    channels: Channels = "source"
    window: str | None = None
    frames: Frames = "one"
    classes_are: Several[str] = default(())
    data_is_dataset: bool = False
    ids: OptionalLocation = default(None)
    jobs: int = -1
    engine: Literal["loky", "dask"] = "loky"
    scheduler: str | None = None
    limit: int | None = None
    force: bool = False

    def __post_init__(self) -> None:
        settle(self)
        own = self.named_corruptions
        suite = self.chosen_suite  # checks itself, as the next does
        if self.profile is not None and self.profile not in suite.profiles:
            suite.corruptions_of("", self.profile)
        require_of_suite((one.name for one in own or ()), suite)
        _ = self.reading  # checks itself
        for severity in self.severities or ():
            if severity not in range(6):
                raise ConfigError(f"unknown severity {severity!r}: use 1 to 5, or 0 for clean")
        for name in self.splits:
            check_name("split", name)
        check_alone(ALL, "split", self.splits)
        if self.title is not None and (flaw := flaw_of_line(self.title)):
            raise ConfigError(f"title {short(self.title)!r} cannot be shown: {flaw}", value=self.title)
        if self.seed < 0:
            raise ConfigError(f"seed {self.seed} is negative: use 0 or more")
        if self.limit is not None and self.limit < 1:
            raise ConfigError("limit must be at least 1 image", value=self.limit)
        engines.check_jobs(self.jobs)
        if self.scheduler is not None and self.engine != "dask":
            raise ConfigError(
                f"the engine {self.engine} takes no scheduler",
                value=self.scheduler,
                remedy=[Remedy("leave {scheduler} out"), Remedy("choose {engine}", engine="dask")],
            )
        names = {"dataset": [_dataset_name(one) for one in self.datasets]}
        names["split"] = list(self.splits)
        if own is not None:
            names["corruption"] = [one.name for one in own]
        for kind, values in names.items():
            check_distinct(kind, values)
        unused = [name for name in _OF_NAMES if getattr(self, name) not in (None, (), False, "one")]
        if unused and not any(isinstance(one, str) for one in self.datasets):
            raise ConfigError(
                f"{', '.join(unused)} applies only to datasets given by name, and there are none: "
                "leave it out"
            )
        by_name = [one for one in self.datasets if isinstance(one, str)]
        check_selection(by_name, self.source, self.data_dir, suite)
        if self.ids is not None and self.ids.resolve().is_relative_to(self.out.resolve()):
            raise ConfigError(
                f"{self.ids} is inside the benchmark's folder, where it would be published",
                value=self.ids,
                remedy=Remedy("choose a folder outside {0} with {ids}", self.out),
            )

    @property
    def chosen_suite(self) -> Suite:
        """The suite asked for."""
        return self.suite if isinstance(self.suite, Suite) else SUITES.find(self.suite)

    @property
    def named_corruptions(self) -> tuple[Corruption, ...] | None:
        """The corruptions asked for; None for the suite's."""
        return None if self.corruptions is None else tuple(map(_corruption, self.corruptions))

    @property
    def reading(self) -> Reading:
        """How picture files are read."""
        return Reading(
            channels=self.channels,
            window=self.window,
            frames=self.frames,
            classes_are=self.classes_are,
            data_is_dataset=self.data_is_dataset,
            ids=ids_folder(self.out) if self.ids is None else self.ids.absolute(),
        )

    @property
    def protocol(self) -> Protocol:
        """The part of the configuration that decides pixels."""
        return Protocol(
            benchmark_version=self.chosen_suite.version,
            seed=self.seed,
            seed_scheme=self.chosen_suite.seed_scheme,
            channels=self.channels,
            window=self.reading.window,
            frames=self.frames,
        )


def _dataset_name(one: str | Source) -> str:
    info = None if isinstance(one, str) else getattr(one, "info", None)
    if isinstance(one, str) or not isinstance(info, DatasetInfo):
        return check_name("dataset", str(one))
    return info.dataset


def _corruption(one: str | Corruption) -> Corruption:
    if isinstance(one, str):
        if one not in CORRUPTIONS:
            raise unknown_name("corruption", one, CORRUPTIONS)
        return CORRUPTIONS[one]
    check_name("corruption", one.name)
    if one.name == CLEAN or CORRUPTIONS.get(one.name, one) != one:
        raise ConfigError(f"the name {one.name!r} belongs to another corruption: rename yours")
    return one


def _chosen(config: BuildConfig, source: Source, own: Sequence[Corruption] | None) -> tuple[Corruption, ...]:
    """Return the corruptions of one dataset: the suite's, or those asked for that the dataset may have."""
    suite, info = config.chosen_suite, source.info
    allowed = corruptions_for(suite, info.kind, info.dataset, config.profile)
    chosen = (
        tuple(map(_corruption, allowed))
        if own is None
        else tuple(one for one in own if one.name in allowed or one.name not in suite.corruptions)
    )
    if not chosen:
        raise ConfigError(
            f"{', '.join(one.name for one in own or ())}: the suite {suite.name} has no such fault for "
            f"{info.dataset}, where it cannot occur or would change the label (it has {', '.join(allowed)})",
            remedy=Remedy("choose other {corruptions}"),
        )
    coloured = [one.name for one in chosen if one.channels == "colour"]
    if coloured and info.channels == 1:
        raise ConfigError(
            f"{info.dataset} is grey, and {', '.join(coloured)} of the suite {suite.name} need colours",
            remedy=[Remedy("choose another {profile}"), Remedy("choose other {corruptions}")],
        )
    return chosen


def plan(config: BuildConfig, sources: Mapping[str, Source]) -> dict[SetKey, Corruption | None]:
    """Return the sets a configuration asks for, in canonical order, and the corruption of each.

    Each dataset's clean set, which has none, is included.
    """
    wanted: dict[SetKey, Corruption | None] = {}
    own, suite = config.named_corruptions, config.chosen_suite
    for name, source in sources.items():
        chosen = _chosen(config, source, own)
        severities = suite.severities if config.severities is None else config.severities
        cells = [(one, severity) for one in chosen for severity in severities if severity > 0]
        for split in _splits(config, source):
            source.ids(split)  # raises for a split the dataset does not have, before any work
            wanted[SetKey(name, split, CLEAN, 0)] = None
            wanted |= {SetKey(name, split, one.name, severity): one for one, severity in cells}
    return dict(sorted(wanted.items(), key=lambda item: item[0]))


def _splits(config: BuildConfig, source: Source) -> tuple[str, ...]:
    """Return the splits of a dataset that a configuration asks for."""
    return tuple(source.info.splits) if config.splits == (ALL,) else config.splits


def build(
    config: BuildConfig,
    *,
    on_progress: Callable[[BuildProgress], None] | None = None,
    on_preview: Callable[[Preview], None] | None = None,
    progress: bool = False,
) -> BuildReport:
    """Build the sets a configuration asks for; finished ones are kept, and an interrupted build resumes.

    Sets are written one by one, atomically; the card and, last of all, the manifest follow when every
    requested set is there. The result depends on neither workers, order nor interruptions.

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
    WriteError, WorkerError
        If a file cannot be written, or a worker process died; what is finished is kept.
    """
    require_kind(config, BuildConfig, "build")
    engines.require(config.engine, config.scheduler)
    opened, sources, wanted = _planned(config)
    _warn(sources)
    if config.channels == "source":
        _name_grey_as_rgb(sources, wanted)
    if on_preview is not None:
        on_preview(_preview(config, sources, wanted))
    request = Request(
        root=config.out,
        protocol=config.protocol,
        datasets={name: _record(source, config) for name, source in sources.items()},
        sets={key: len(sources[key.dataset].ids(key.split)) for key in wanted},
        groups=_patients(config, sources, wanted),
        plugins=plugins_of(filter(None, wanted.values()), sources),
        limited=config.limit,
        force=config.force,
        title=config.title,
        suite=config.chosen_suite,
    )
    with following(on_progress, progress, "images", as_images("building")) as tell:
        report = assemble(request, lambda todo: _rendered(config, sources, wanted, todo), tell)
    remember_data(config.out, opened, config.data_dir, ids=config.reading.ids)
    for source in opened.values():
        if keep_ids := getattr(source, "keep_ids", None):
            keep_ids()
    return report


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
    _, sources, wanted = _planned(config, writes=False)
    return _preview(config, sources, wanted)


def _preview(
    config: BuildConfig, sources: Mapping[str, Source], wanted: Mapping[SetKey, Corruption | None]
) -> Preview:
    return preview_of(
        sources,
        wanted,
        config.protocol,
        out=config.out,
        data_dir=config.data_dir,
        jobs=config.jobs,
        force=config.force,
    )


def _planned(
    config: BuildConfig, *, writes: bool = True
) -> tuple[dict[str, Source], dict[str, Source], dict[SetKey, Corruption | None]]:
    """Return the sources opened by name, all sources, and the sets wanted of them.

    Unless it `writes`, no key of ids is made; ids are then numbers in another order.
    """
    require_free(config.out)  # before anything is counted or shown
    opened = _opened(config, writes=writes)
    given = {one.info.dataset: one for one in config.datasets if not isinstance(one, str)}
    if twice := sorted(opened.keys() & given.keys()):
        raise ConfigError(f"duplicate dataset, by name and as an object: {', '.join(twice)}")
    sources = opened | given
    if config.limit is not None:
        sources = {name: LimitedSource(source, config.limit) for name, source in sources.items()}
    return opened, sources, plan(config, sources)


def _opened(config: BuildConfig, *, writes: bool) -> dict[str, Source]:
    """Open the datasets given by name."""
    names = [one for one in config.datasets if isinstance(one, str)]
    # A key is made for datasets that the benchmark lacks: the ids of one that it has follow from its own.
    reading = replace(config.reading, new_ids=not Journal(config.out).datasets.keys() >= set(names))
    if reading.new_ids and not writes and not has_key(reading.ids):
        reading = replace(reading, ids=None, new_ids=False)
    for name, one in select(names, config.source, config.data_dir, config.chosen_suite):
        corruptions_for(config.chosen_suite, one.name, name, config.profile)  # before data is looked for
    # Absolute, because the workers of a cluster were started in folders of their own.
    data_dir = config.data_dir.absolute()
    return open_datasets(
        names, config.source, data_dir, task=config.task, reading=reading, suite=config.chosen_suite
    )


def _patients(
    config: BuildConfig, sources: Mapping[str, Source], wanted: Iterable[SetKey]
) -> dict[tuple[str, str], Mapping[str, int]]:
    """Return the number of the patient of each image, by dataset and split, where patients are known."""
    places = {(key.dataset, key.split) for key in wanted}
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


def _name_grey_as_rgb(sources: Mapping[str, Source], wanted: Iterable[SetKey]) -> None:
    """Say which datasets are stored as RGB though each of their images shows grey."""
    places = {(key.dataset, key.split): None for key in wanted}
    for name, source in sources.items():
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
    config: BuildConfig,
    sources: Mapping[str, Source],
    wanted: Mapping[SetKey, Corruption | None],
    todo: Sequence[SetKey],
) -> Generator[SetRecord]:
    """Yield finished sets as they come. Large sets go first: no worker is left with one at the end."""
    tasks = [
        RenderTask(
            root=config.out.absolute(),
            source=sources[key.dataset],
            key=key,
            corruption=wanted[key],
            protocol=config.protocol,
        )
        for key in sorted(todo, key=lambda key: -len(sources[key.dataset].ids(key.split)))
    ]
    return engines.run_all(
        render_set, tasks, jobs=config.jobs, engine=config.engine, scheduler=config.scheduler
    )
