"""State of an unfinished build: its protocol, and the sets it has finished.

Lives in the hidden folder ``.medimeta-c`` of the output directory. While sets are being added the manifest is
put aside there too, so that an interrupted build never looks finished.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from medimeta_c.building.state.begun import Begun
from medimeta_c.errors import BuildError, Remedy, ResultError
from medimeta_c.format import png
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest
from medimeta_c.format.manifest.records import (
    FileRecord,
    Manifest,
    PluginRecord,
    Protocol,
    SetRecord,
    SuiteRecord,
)
from medimeta_c.format.parts import FOLDER, Division
from medimeta_c.format.signing.benchmark import remove_signature
from medimeta_c.io.files import PART_SUFFIX, writing
from medimeta_c.io.reading import Reader, read_record
from medimeta_c.io.records import Record, write_record

__all__ = ["Journal"]

_log = logging.getLogger(__name__)
_OTHER = Remedy("choose another {out}")
_MERGE = Remedy("merge its parts with {command}", command="merge")


class Journal:
    """The state of one output directory, for the process that holds its lock.

    Parameters
    ----------
    root : Path
        The output directory.
    of_part : bool, optional
        Whether it is the folder of a part of a build.

    Raises
    ------
    ManifestError
        If the directory's manifest is damaged.
    """

    def __init__(self, root: Path, *, of_part: bool = False) -> None:
        self._root, self._folder, self._shown = root, root / FOLDER, str(root)
        self._aside = self._folder / MANIFEST_NAME
        self._state_file = self._folder / "build.json"
        finished, aside = root / MANIFEST_NAME, self._aside
        self.manifest: Manifest | None = None
        if finished.is_file() or aside.is_file():
            self.manifest = read_manifest(finished if finished.is_file() else aside, of_part=of_part)
        self._state = self._read_state()

    @property
    def finished(self) -> bool:
        """Whether the directory is a finished build: a manifest, its files, and no build begun since."""
        return (
            self.manifest is not None
            and (self._root / MANIFEST_NAME).is_file()
            and not self._state_file.is_file()
            and self._whole(self.manifest.files)
        )

    def check_protocol(
        self, protocol: Protocol, limited: int | None = None, suite: SuiteRecord | None = None
    ) -> None:
        """Refuse a directory that holds sets of another suite or protocol, or of fewer or more images.

        Raises
        ------
        BuildError
            Naming the first difference and the way out.
        """
        if known := self.manifest or self._state:
            if known.suite != suite:
                self._refuse("the suite", _named(known.suite), _named(suite))
            self._compare("", known.protocol, protocol, tuple(Protocol.model_fields))
            self._compare("", known, known.model_copy(update={"limited": limited}), ("limited",))

    def check_division(self, division: Division | None) -> None:
        """Refuse a directory whose unfinished build is divided into other parts, or not at all.

        Raises
        ------
        BuildError
            Naming the difference and the way out.
        """
        if self._state is None or self._state.division == division:
            return
        held = self._state.division
        if held is None:
            raise BuildError(f"{self._root} holds an unfinished build that has no parts", remedy=_OTHER)
        if division is None:
            raise BuildError(f"{self._root} holds a build of {held.of} parts", remedy=[_MERGE, _OTHER])
        if held.of != division.of:
            self._refuse("the number of parts", str(held.of), str(division.of))
        raise BuildError(f"{self._root} holds parts of a build of other sets", remedy=_OTHER)

    def check_datasets(self, datasets: Mapping[str, DatasetRecord]) -> None:
        """Refuse a directory that holds sets of other data.

        Raises
        ------
        BuildError
            Naming the first difference and the way out.
        """
        for name, held in self.datasets.items():
            wanted = datasets.get(name, held)
            self._compare(f"{name} ", held, wanted, ("kind", "task", "class_names", "checksum", "profile"))

    def forget_changed(self, datasets: Mapping[str, DatasetRecord]) -> dict[str, int]:
        """Forget datasets whose files changed, in a directory that never was a finished build.

        A damaged file was replaced, for example: which of the dataset's sets are still right cannot be told
        from one checksum over all of its files.

        Returns
        -------
        dict of str to int
            The datasets that changed, and how many finished sets of them are forgotten.
        """
        if self._state is None or self.manifest is not None:
            return {}
        held = self._state.sources
        changed = {name for name in held.keys() & datasets if held[name].checksum != datasets[name].checksum}
        forgotten = {name: [key for key in self.recorded_sets() if key.dataset == name] for name in changed}
        for keys in forgotten.values():
            self.forget(keys)
        kept = {name: record for name, record in held.items() if name not in changed}
        self._state = self._state.model_copy(update={"sources": kept})
        return {name: len(keys) for name, keys in sorted(forgotten.items())}

    def begin(self, begun: Begun) -> None:
        """Mark the directory unfinished: note what is begun, put the manifest aside, remove old parts.

        The signature goes first: it is of the manifest that will be replaced.
        """
        if remove_signature(self._root):
            _log.warning(
                "the signature of %s is removed, because its manifest will change: sign it again", self._shown
            )
        self._state = begun.model_copy(
            update={
                "sources": {**self.datasets, **begun.sources},
                "plugins": tuple({*self.plugins, *begun.plugins}),
            }
        )
        write_record(self._state_file, self._state)
        with writing(self._root):
            if (self._root / MANIFEST_NAME).is_file():
                (self._root / MANIFEST_NAME).replace(self._aside)
        self.sweep()

    def sweep(self) -> None:
        """Remove the parts that killed workers left."""
        with writing(self._root):
            for part in (self._root / "data").glob(f"**/.*{PART_SUFFIX}"):
                part.unlink(missing_ok=True)

    def drop_unlisted(self, sets: Iterable[SetRecord]) -> None:
        """Remove shards that belong to none of these sets: a killed build wrote but never recorded them."""
        listed = {shard.path for record in sets for shard in record.shards}
        with writing(self._root):
            for path in (self._root / "data").glob("*/*/*/severity-*.parquet"):
                if path.relative_to(self._root).as_posix() not in listed:
                    path.unlink(missing_ok=True)

    @property
    def datasets(self) -> dict[str, DatasetRecord]:
        """What is known of every dataset in the directory, finished or not."""
        finished = self.manifest.datasets if self.manifest else ()
        return {record.dataset: record for record in finished} | (self._state.sources if self._state else {})

    @property
    def title(self) -> str | None:
        """The title that the directory was last given; None if it never was."""
        known = self._state or self.manifest
        return known.title if known else None

    @property
    def encoder(self) -> str:
        """What encodes the directory's images, whatever a new build would choose; empty of one not begun.

        An unfinished build of an earlier version names none: it was OpenCV.
        """
        known = self._state or self.manifest
        return (known.encoder or png.OPENCV) if known else ""

    @property
    def plugins(self) -> list[PluginRecord]:
        """What other distributions brought to the directory, in order."""
        held = (one.plugins for one in (self.manifest, self._state) if one is not None)
        return sorted({one for some in held for one in some}, key=lambda one: tuple(dict(one).values()))

    def record(self, record: SetRecord) -> None:
        """Note a finished set, durably.

        Raises
        ------
        BuildError
            If its shards are not here: a worker on another machine wrote them to a disk of its own.
        """
        for shard in record.shards:
            if not (self._root / shard.path).is_file():
                raise BuildError(
                    f"a worker wrote {shard.path} on another machine, not to {self._root} on this one",
                    remedy=Remedy("choose an {out} that all workers see under the same path"),
                )
        write_record(self._set_file(record.key), record)

    def recorded_sets(self) -> dict[SetKey, SetRecord]:
        """Return the sets that were finished at some time, even if their shards are now missing."""
        records = {record.key: record for record in (self.manifest.sets if self.manifest else ())}
        for path in sorted((self._folder / "sets").glob("*.json")):
            record = _read_record(path)
            if record is not None:
                records[record.key] = record
        return records

    def finished_sets(self) -> dict[SetKey, SetRecord]:
        """Return the sets finished so far whose shards are there at their full size.

        A shard of the right size but with damaged bytes is for ``verify`` to find; one missing or cut
        short is simply built again.
        """
        return {key: record for key, record in self.recorded_sets().items() if self._whole(record.shards)}

    def end(self) -> None:
        """Clear the state of the build that has just written its manifest; the lock file stays."""
        with writing(self._folder):
            shutil.rmtree(self._folder / "sets", ignore_errors=True)
            self._aside.unlink(missing_ok=True)
            self._state_file.unlink(missing_ok=True)

    def forget(self, keys: Iterable[SetKey]) -> None:
        """Drop the records of sets about to be built again."""
        for key in keys:
            self._set_file(key).unlink(missing_ok=True)

    def _set_file(self, key: SetKey) -> Path:
        return self._folder / "sets" / f"{key.dataset}-{key.split}-{key.corruption}-{key.severity}.json"

    def _whole(self, files: Collection[FileRecord]) -> bool:
        paths = [(self._root / file.path, file.bytes) for file in files]
        return all(path.is_file() and path.stat().st_size == size for path, size in paths)

    def _compare(self, of: str, held: Record, wanted: Record, fields: Iterable[str]) -> None:
        for name in fields:
            before, now = getattr(held, name), getattr(wanted, name)
            if before != now:
                self._refuse(f"{of}{name}", repr(before), repr(now))

    def _refuse(self, what: str, before: str, now: str) -> NoReturn:
        raise BuildError(
            f"{self._root} was built with {what} {before}, this build has {now}",
            remedy=[_OTHER, Remedy("move that directory away")],
        )

    def _read_state(self) -> Begun | None:
        if not self._state_file.is_file():
            return None
        return Reader(
            remedy=f"restore it, or build into another directory than {self._root}", error=BuildError
        ).read(self._state_file, Begun)


def _named(suite: SuiteRecord | None) -> str:
    return "core" if suite is None else f"{suite.name} {suite.version} (digest {suite.digest[:12]})"


def _read_record(path: Path) -> SetRecord | None:
    """Return a set's record, or None for one that does not read back (the set is then built again)."""
    try:
        return read_record(path, SetRecord, "it is made again")
    except ResultError:
        return None
