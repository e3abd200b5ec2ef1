"""`Suite`: which corruptions of which datasets a score is taken over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from medimeta_c.errors import ConfigError, Remedy

__all__ = ["Suite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A frozen selection of datasets, the corruptions of each, and severities.

    Registering another corruption or dataset changes no suite, hence nobody's mCE. A corruption's name means
    one corruption, whichever suites have it.

    Parameters
    ----------
    name, version : str
        Any change of pixels or selection is another version.
    severities : tuple of int
        1 to 5.
    grid : mapping of str to tuple of str, optional
        Corruptions of each dataset, both in the order of tables; those of `profile_of` come by themselves.
    headline : mapping of str to tuple of str, optional
        By source family, the datasets that ``"all"`` means and that the suite's mCE is taken over.
    profiles : mapping of str to tuple of str, optional
        Corruptions by kind of image, for suites in which they differ. A dataset that the suite does not know
        then needs a profile; without profiles it gets every corruption of the suite.
    profile_of : mapping of str to str, optional
        The profile of each dataset that the suite knows.
    refused : mapping of str to str, optional
        Datasets that the suite has no corruptions for, each with the reason.
    seed_scheme : str, optional
        How the generator of an image follows from its identity; see `medimeta_c.format.seeding`.
    """

    name: str
    version: str
    severities: tuple[int, ...]
    grid: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    headline: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    profile_of: Mapping[str, str] = field(default_factory=dict, hash=False)
    refused: Mapping[str, str] = field(default_factory=dict, hash=False)
    seed_scheme: str = "medimeta-c/1"

    def __post_init__(self) -> None:
        profiled = {dataset: self.profiles[profile] for dataset, profile in self.profile_of.items()}
        object.__setattr__(self, "grid", {**self.grid, **profiled})
        for name in ("grid", "headline", "profiles", "profile_of", "refused"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets that it knows, in order."""
        return tuple(self.grid)

    @property
    def corruptions(self) -> tuple[str, ...]:
        """The corruptions of any of its datasets or profiles, in order."""
        lists = (*self.grid.values(), *self.profiles.values())
        return tuple(dict.fromkeys(name for names in lists for name in names))

    def corruptions_of(
        self, dataset: str, profile: str | None = None, *, own: bool = False
    ) -> tuple[str, ...]:
        """Return a dataset's corruptions.

        Parameters
        ----------
        dataset : str
            Its name, without an image size.
        profile : str, optional
            The kind of images of a dataset that the suite does not know.
        own : bool, optional
            It is somebody's own, whatever its name: the suite does not know it.

        Raises
        ------
        ConfigError
            If there is no such profile, the dataset needs one or has one already, or has no corruptions.
        """
        if profile is not None and profile not in self.profiles:
            raise ConfigError(
                f"the suite {self.name} has no profile {profile!r}"
                + (f" (it has {', '.join(self.profiles)})" if self.profiles else ""),
                value=profile,
                remedy=self._other_profile(profile),
            )
        if dataset in self.refused and not own:
            raise ConfigError(f"the suite {self.name} is not for {dataset}: {self.refused[dataset]}")
        known = None if own else self.profile_of.get(dataset)
        if profile is not None and known is not None and profile != known:
            raise ConfigError(
                f"{dataset} has the profile {known} in the suite {self.name}, not {profile}",
                value=profile,
                remedy=[Remedy("use {profile}", profile=known), Remedy("leave out {profile}")],
            )
        if dataset in self.grid and not own:
            return self.grid[dataset]
        if profile is not None:
            return self.profiles[profile]
        if self.profiles:
            raise ConfigError(
                f"the suite {self.name} does not know {dataset}, and which faults its images can have is "
                f"never guessed (profiles: {', '.join(self.profiles)})",
                value=dataset,
                remedy=Remedy("say what its images are with {profile}"),
            )
        return self.corruptions

    def _other_profile(self, unknown: str) -> Remedy:
        """Return what to do about a profile that the suite does not have: the nearest, if one is near."""
        import difflib  # noqa: PLC0415  (keeps `--help` fast)

        if not self.profiles:
            return Remedy("leave out {profile}")
        near = difflib.get_close_matches(unknown, self.profiles, n=1)
        return Remedy("use {profile}", profile=near[0]) if near else Remedy("choose another {profile}")

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON and of its corruptions' records: it tells two of one name apart.

        Of a corruption its name, version, parameters and assumptions enter.
        """
        import hashlib  # noqa: PLC0415  (keeps `--help` fast)

        from medimeta_c.io.records import canonical_json  # noqa: PLC0415
        from medimeta_corruptions import get  # noqa: PLC0415

        values = {
            "name": self.name,
            "version": self.version,
            "severities": list(self.severities),
            "seed_scheme": self.seed_scheme,
            "grid": [[dataset, list(names)] for dataset, names in self.grid.items()],
            "headline": {kind: list(names) for kind, names in self.headline.items()},
            "profiles": {profile: list(names) for profile, names in self.profiles.items()},
            "profile_of": dict(self.profile_of),
            "corruptions": [
                [one.name, one.version, one.parameters, one.assumptions] for one in map(get, self.corruptions)
            ],
        }
        return hashlib.sha256(canonical_json(values).encode()).hexdigest()
