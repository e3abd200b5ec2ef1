"""A benchmark whose corrupted images are rendered from its clean ones when they are read, not stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from medimeta_c.errors import ConfigError, Remedy, ShardError
from medimeta_c.format import png
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import CLEAN, Image, SetKey
from medimeta_c.format.manifest.records import Manifest, Protocol
from medimeta_c.format.seeding import corrupted
from medimeta_c.io.stores.stored import Place
from medimeta_corruptions import CORRUPTIONS, Corruption

__all__ = ["RenderedBenchmark", "Rendering"]

_MOST_BYTES = 1 << 30
"""Of decoded clean images that are kept: all of every test split of the paper's datasets."""


class CleanImages:
    """Decoded clean images of one set, as many as fit; a copy in another process begins empty."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._key: SetKey | None = None
        self._kept: dict[str, Image] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[CleanImages], tuple[int]]:
        return CleanImages, (self._most_bytes,)

    def image(self, key: SetKey, image_id: str, data: bytes) -> Image:
        """Return the pixels of a clean image's bytes, decoded if they are not kept."""
        with self._lock:
            if key != self._key:
                self._key, self._bytes = key, 0
                self._kept.clear()
            found = self._kept.get(image_id)
        if found is not None:
            return found
        image = png.decode(data)
        with self._lock:
            if (
                key == self._key
                and image_id not in self._kept
                and self._bytes + image.nbytes <= self._most_bytes
            ):
                self._kept[image_id] = image
                self._bytes += image.nbytes
        return image


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """How the images of one set are rendered from clean ones. It can be pickled.

    Parameters
    ----------
    key : SetKey
        The set.
    protocol : Protocol
        The benchmark's.
    corruption : Corruption
        The set's.
    clean : CleanImages
        Clean images that are already decoded.
    """

    key: SetKey
    protocol: Protocol
    corruption: Corruption
    clean: CleanImages = field(repr=False)

    def image(self, image_id: str, data: bytes) -> Image:
        """Return an image of the set, given the bytes of the clean one.

        Raises
        ------
        ShardError
            If the bytes are not an image, or the image cannot have the corruption.
        """
        image = self.clean.image(self.key.clean, image_id, data)
        try:
            return corrupted(image, self.key, image_id, self.protocol, self.corruption)
        except ValueError as error:
            raise ShardError(f"image {image_id!r} of {self.key.dataset}: {error}; verify it") from error


class RenderedBenchmark(Benchmark):
    """A benchmark of which only the manifest, the clean sets and the groups of images are read.

    Corrupted images are rendered from clean ones. Code that reads whole sets compares their digest with the
    manifest's, as it does for stored images.

    Parameters
    ----------
    name, manifest, fetch, commit
        As `Benchmark` takes them.

    Raises
    ------
    ConfigError
        If it was imported and not rendered, has a corruption that is not installed, or no clean set for one.
    """

    def __init__(
        self, name: str, manifest: Manifest, fetch: Callable[[str], Place], *, commit: str | None = None
    ) -> None:
        super().__init__(name, manifest, fetch, commit=commit)
        self._clean = CleanImages()
        stored = Remedy("leave out {render}, to read the stored images")
        if manifest.protocol.imported:
            raise ConfigError(
                f"{name} was imported ({manifest.protocol.benchmark_version}), not rendered: its images "
                "cannot be rendered again",
                remedy=stored,
            )
        for key in self.sets:
            if key.corruption != CLEAN and key.corruption not in CORRUPTIONS:
                added = next((one for one in manifest.plugins if one.name == key.corruption), None)
                origin = f" of {added.distribution} {added.version}" if added else ""
                raise ConfigError(
                    f"{name} has the corruption {key.corruption!r}{origin}, which is not installed here",
                    remedy=[Remedy("install it"), stored],
                )
            if key.clean not in self:
                raise ConfigError(f"{name} has no clean set of {key.dataset}, {key.split}", remedy=stored)

    @classmethod
    def of(cls, benchmark: Benchmark) -> RenderedBenchmark:
        """Return the same benchmark, rendered."""
        return cls(benchmark.name, benchmark.manifest, benchmark._fetch, commit=benchmark.commit)

    def shard_paths(self, key: SetKey) -> tuple[Place, ...]:
        """Return the files of the clean set from which a set is rendered."""
        return super().shard_paths(self.record(key).key.clean)

    def rendering(self, key: SetKey) -> Rendering | None:
        """Return how a set is rendered; None for a clean one."""
        if key.corruption == CLEAN:
            return None
        return Rendering(
            key=key,
            protocol=self.manifest.protocol,
            corruption=CORRUPTIONS[key.corruption],
            clean=self._clean,
        )

    def decoded(self, key: SetKey, image_id: str, data: bytes | None) -> Image:
        """Return the pixels of an image of a set, given the bytes of the clean one."""
        rendering = self.rendering(key)
        return (
            super().decoded(key, image_id, data)
            if rendering is None
            else rendering.image(image_id, data or b"")
        )
