"""Configuration of a build: what to build, from what, where to and how."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medimeta_c.building import engines
from medimeta_c.building.state.remembered import ids_folder
from medimeta_c.errors import ConfigError, Remedy, short, unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import ALL, CLEAN, check_alone, check_distinct, check_name
from medimeta_c.format.manifest.records import Protocol
from medimeta_c.format.parts import part_folder, share_of
from medimeta_c.format.suites import CORE, SUITES, Suite, require_of_suite
from medimeta_c.io.settings import (
    Location,
    OptionalLocation,
    OptionalSeveral,
    Several,
    as_path,
    default,
    default_of,
    required,
    settle,
)
from medimeta_c.io.stores.cache import cache_folder, default_cache, fill_cache
from medimeta_c.io.stores.stored import Place, StoredPath, as_place, require_writable
from medimeta_c.io.stores.urls import looks_like_url
from medimeta_c.io.text import flaw_of_line
from medimeta_c.sources import default_data_dir
from medimeta_c.sources.contract import Channels, Frames, Reading, Source
from medimeta_c.sources.selection import AVAILABLE, MEDIMETA, check_selection
from medimeta_corruptions import CORRUPTIONS, Corruption

__all__ = ["BuildConfig", "corruption_of"]

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
        The benchmark's directory, or its URL in an object store that can be written to: each set is then
        put there once it is rendered, and is on this machine's disk no longer.
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
        else the platform's user data directory. Of a URL in an object store, the files of the datasets are
        fetched into `cache`.
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
        Processes; -1 is one per core, or a single one where there is little to do.
    engine : {"loky", "dask"}, optional
        What runs the workers.
    scheduler : str, optional
        Address of a running Dask scheduler.
    limit : int, optional
        Only the first so many images of each split: a trial, marked as such wherever it is shown.
    part : str, optional
        Only a share of the work, ``"2/5"`` for part 2 of 5; `medimeta_c.merge` joins the parts.
    force : bool, optional
        Build the requested sets again even if they are finished.
    cache : str or path, optional
        Where files are kept that were fetched from `data_dir`, if that is a URL; by default in the platform's
        folder for caches.
    stored, stored_data : StoredPath, optional
        Follow from `out` and `data_dir`, if these are URLs; do not give them.

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
    part: str | None = None
    force: bool = False
    cache: OptionalLocation = default(None)
    stored: StoredPath | None = None
    stored_data: StoredPath | None = None

    def __post_init__(self) -> None:  # noqa: PLR0912  (one branch a check)
        if looks_like_url(self.out):
            self._settle_url(as_place(self.out, "out"))
        if looks_like_url(self.data_dir):
            self._settle_data(as_place(self.data_dir, "data dir"))
        elif self.cache is not None and self.stored_data is None:
            raise ConfigError(
                "a cache is used only for data at a URL",
                value=str(self.cache),
                remedy=[Remedy("leave {cache} out"), Remedy("give a URL with {data_dir}")],
            )
        settle(self)
        own = self.named_corruptions
        suite = self.chosen_suite  # checks itself, as the next does
        if self.profile is not None and self.profile not in suite.profiles:
            suite.corruptions_of("", self.profile)
        require_of_suite((one.name for one in own or ()), suite)
        _ = self.reading, self.share  # check themselves
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

    def _settle_url(self, place: Place) -> None:
        """Keep the URL in `stored`; `out` becomes a path at which nothing can be written."""
        assert isinstance(place, StoredPath)
        publish = Remedy("build into a folder, and publish it with {command}", command="push")
        require_writable(place, "out", publish)
        if self.part is not None:
            raise ConfigError(
                f"out {place} is a URL, and parts of a build are merged from folders",
                value=str(place),
                remedy=[Remedy("build the part into a folder"), Remedy("leave {part} out")],
            )
        object.__setattr__(self, "stored", place)
        object.__setattr__(self, "out", Path(os.devnull, place.scheme, place.path))

    def _settle_data(self, place: Place) -> None:
        """Keep the URL in `stored_data`; `data_dir` becomes its folder in the cache, which a build fills."""
        assert isinstance(place, StoredPath)
        cache = default_cache() if self.cache is None else as_path(self.cache, "cache")
        object.__setattr__(self, "stored_data", place)
        object.__setattr__(self, "data_dir", cache_folder(place, cache))

    def fetch_data(self) -> None:
        """Fetch what is missing of clean data that is in a store.

        Raises
        ------
        SourceError
            If there is none, or no room for it.
        StoreError
            If the store fails.
        """
        if self.stored_data is None:
            return
        names = [one for one in self.datasets if isinstance(one, str)]
        every = self.data_is_dataset or bool({ALL, AVAILABLE, MEDIMETA} & {*names})

        def wanted(path: str) -> bool:
            first = path.partition("/")[0]
            return every or any(first == name or first.startswith((f"{name}.", f"{name}_")) for name in names)

        cache = default_cache() if self.cache is None else self.cache
        fill_cache(self.stored_data, cache, wanted)

    @property
    def share(self) -> tuple[int, int] | None:
        """Number of the part to build, and how many there are; None for the whole."""
        return None if self.part is None else share_of(self.part)

    @property
    def place(self) -> Path:
        """The folder that shards are written to: `out`, or that of the part in it."""
        return self.out if self.share is None else part_folder(self.out, *self.share)

    @property
    def chosen_suite(self) -> Suite:
        """The suite asked for."""
        return self.suite if isinstance(self.suite, Suite) else SUITES.find(self.suite)

    @property
    def named_corruptions(self) -> tuple[Corruption, ...] | None:
        """The corruptions asked for; None for the suite's."""
        return None if self.corruptions is None else tuple(map(corruption_of, self.corruptions))

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


def corruption_of(one: str | Corruption) -> Corruption:
    """Return a corruption by its name, or one of the caller's own once its name is checked."""
    if isinstance(one, str):
        if one not in CORRUPTIONS:
            raise unknown_name("corruption", one, CORRUPTIONS)
        return CORRUPTIONS[one]
    check_name("corruption", one.name)
    if one.name == CLEAN or CORRUPTIONS.get(one.name, one) != one:
        raise ConfigError(f"the name {one.name!r} belongs to another corruption: rename yours")
    return one
