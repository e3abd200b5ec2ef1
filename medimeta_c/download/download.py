"""Download published archives: resume, verify, pin and safely extract them."""

from __future__ import annotations

import functools
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from medimeta_c.download.archives import ZENODO, Archive, archive_for, is_downloaded
from medimeta_c.download.client import Http
from medimeta_c.download.extract import extract_zip
from medimeta_c.download.pins import LOCK_NAME, Pin, RemoteFile, read_pins, write_pin
from medimeta_c.download.retry import RetryPolicy
from medimeta_c.download.transfer import digests, discard, fetch
from medimeta_c.download.workdir import WORK_DIR, alone, check_space, writing
from medimeta_c.download.zenodo import Record, read_record
from medimeta_c.errors import ConfigError, DownloadError, Remedy

__all__ = ["DownloadProgress", "DownloadReport", "Phase", "RetryPolicy", "download", "is_downloaded"]

_log = logging.getLogger(__name__)

Phase: TypeAlias = Literal["fetch", "verify", "extract"]
"""What a download is doing: bytes come over the network, are checked, are unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadProgress:
    """How far one phase of one dataset's download is, in bytes."""

    dataset: str
    phase: Phase
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadReport:
    """What became of one dataset.

    Parameters
    ----------
    dataset : str
        Its id.
    path : Path
        The folder or file that holds it now.
    status : str
        ``"downloaded"``, or ``"present"`` when there was nothing to do.
    fetched_bytes : int
        What came over the network: less than the archive's size when a partial file was there.
    pin : Pin or None
        The archive's checksums and origin; None for data that was there and not fetched by `download`.
    """

    dataset: str
    path: Path
    status: Literal["downloaded", "present"]
    fetched_bytes: int
    pin: Pin | None


def download(  # noqa: PLR0913  (a flag a line on the command line; there is no state to bundle)
    datasets: Sequence[str],
    data_dir: Path,
    *,
    base_url: str = ZENODO,
    update: bool = False,
    keep_archive: bool = False,
    on_progress: Callable[[DownloadProgress], None] | None = None,
    retry: RetryPolicy | None = None,
) -> list[DownloadReport]:
    """Bring datasets into `data_dir`, in the form their source family reads.

    Each archive is fetched to ``<data_dir>/.downloads``, resuming what an interrupted run left there,
    compared with the size and md5 of its record, pinned in ``download.lock.json``, and only then
    extracted and renamed to its place. A dataset that is there already is left as it is.

    Parameters
    ----------
    datasets : sequence of str
        Dataset ids of MedIMeta (``pbc``) and MedMNIST+ (``bloodmnist``, ``bloodmnist_64``).
    data_dir : Path
        Where the datasets go; made if need be.
    base_url : str
        The server that speaks Zenodo's API. Its record is believed; files it links to must be on the same
        host, though they may redirect to any https address.
    update : bool
        Ask the server even for what is there, and accept an archive that the publisher has changed.
    keep_archive : bool
        Keep the zip in ``.downloads`` after extraction.
    on_progress : callable, optional
        Called with a `DownloadProgress` as bytes move.
    retry : RetryPolicy, optional
        How patient to be with the network.

    Returns
    -------
    list of DownloadReport
        One per dataset, in the order asked for.

    Raises
    ------
    ConfigError
        If no dataset is named or one is not known, or `base_url` is not an address; nothing is fetched
        then.
    DownloadError
        If an archive cannot be fetched, verified and extracted; datasets before it are complete.

    Notes
    -----
    Several downloads may run at once: each archive has a file lock, for which a second download waits.
    """
    if not datasets:
        raise ConfigError("no dataset is named: give ids, comma-separated, or all")
    archives = [archive_for(dataset) for dataset in dict.fromkeys(datasets)]
    with Http(base_url, retry or RetryPolicy()) as http:
        record = functools.cache(lambda number: read_record(http, number))
        show = on_progress or (lambda progress: None)
        return [
            _Job(archive, data_dir, http, record, update, keep_archive, show).provide()
            for archive in archives
        ]


@dataclass(frozen=True)
class _Job:
    """The download of one archive."""

    archive: Archive
    data_dir: Path
    http: Http
    record: Callable[[str], Record]
    update: bool
    keep_archive: bool
    on_progress: Callable[[DownloadProgress], None]

    @property
    def target(self) -> Path:
        return self.archive.target(self.data_dir)

    def work(self, ending: str = "") -> Path:
        """Return the archive's file in the work folder, or one beside it."""
        return self.data_dir / WORK_DIR / f"{self.archive.filename}{ending}"

    def pin(self) -> Pin | None:
        return read_pins(self.data_dir).get(self.archive.filename)

    def reporter(self, phase: Phase) -> Callable[[int, int], None]:
        return lambda done, total: self.on_progress(
            DownloadProgress(dataset=self.archive.dataset, phase=phase, done=done, total=total)
        )

    def provide(self) -> DownloadReport:
        report = self.present()
        if report is None:
            with writing(self.data_dir):
                self.work().parent.mkdir(parents=True, exist_ok=True)
                with alone(self.work(".lock")):
                    # Whoever held the lock may have brought it.
                    report = self.present() or self.bring()
        where = "in" if report.status == "downloaded" else "there already:"
        _log.info("%s is %s %s", report.dataset, where, report.path)
        return report

    def present(self) -> DownloadReport | None:
        """Report the dataset as it is, if it is there and nobody asks for an update."""
        if self.update or not is_downloaded(self.archive.dataset, self.data_dir):
            return None
        return self.report("present", self.pin())

    def report(
        self, status: Literal["downloaded", "present"], pin: Pin | None, fetched_bytes: int = 0
    ) -> DownloadReport:
        return DownloadReport(
            dataset=self.archive.dataset,
            path=self.target,
            status=status,
            fetched_bytes=fetched_bytes,
            pin=pin,
        )

    def bring(self) -> DownloadReport:
        archive, pin = self.archive, self.pin()
        present = is_downloaded(archive.dataset, self.data_dir)
        if not present:
            _check_vacant(self.target)
        with self.explained():
            file = self.record(archive.record).file(archive.filename)
        if present and pin is not None and pin.md5 == file.md5:
            return self.report("present", pin)
        self.check_unchanged(file, pin)
        sha256, fetched_bytes = self.fetch_verified(file)
        pin = Pin(**asdict(file), sha256=sha256)
        ready = self.unpacked() if archive.is_zip else self.work()
        write_pin(self.data_dir, pin)  # after extraction: an archive that is refused is not pinned
        self.install(ready)
        if archive.is_zip and not self.keep_archive:
            self.work().unlink()
        return self.report("downloaded", pin, fetched_bytes)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Add to a network error the dataset it was for, and how to download it by hand."""
        try:
            yield
        except DownloadError as error:
            verb = "unpack" if self.archive.is_zip else "put"
            raise DownloadError(
                f"{self.archive.dataset} was not downloaded: {error}. By hand: {verb} {self.archive.page} to "
                f"{self.target}"
            ) from error

    def check_unchanged(self, file: RemoteFile, pin: Pin | None) -> None:
        name, printed = self.archive.filename, self.archive.md5
        if printed is not None and file.md5 != printed:
            raise DownloadError(
                f"{file.url} has md5 {file.md5}, but the published {name} has {printed}: this is not the "
                "file that scores were made on; check the server, or look for a newer version of this package"
            )
        if pin is not None and file.md5 != pin.md5 and not self.update:
            raise DownloadError(
                f"{file.url} now has md5 {file.md5}, but {LOCK_NAME} pins {pin.md5} for {name} (record "
                f"{pin.record}, version {pin.version}): the archive has changed since it was first fetched",
                remedy=Remedy("accept the new one with {update}", update=True),
            )

    def fetch_verified(self, file: RemoteFile) -> tuple[str, int]:
        """Bring the archive to the work folder; return its sha256, and the bytes from the network."""
        whole, part = self.work(), self.work(".part")
        if whole.is_file():  # kept on request, or left by a run that was killed while it extracted
            md5, sha256 = digests(whole, self.reporter("verify"))
            if md5 == file.md5:
                return sha256, 0
            whole.unlink()
        there = part.stat().st_size if part.exists() else 0
        check_space(whole.parent, file.size - there, f"for {whole.name}")
        with self.explained():
            fetched_bytes = fetch(self.http, file, part, self.reporter("fetch"))
        md5, sha256 = digests(part, self.reporter("verify"))
        if md5 != file.md5:
            discard(part)
            raise DownloadError(
                f"{whole.name} is damaged: its md5 is {md5}, {file.url} should have {file.md5}; what was "
                "fetched is deleted; run the same command again to fetch it"
            )
        part.replace(whole)
        discard(part)
        return sha256, fetched_bytes

    def unpacked(self) -> Path:
        """Return a folder in the work folder with everything that the archive holds."""
        dataset = self.archive.dataset
        fresh = self.work().with_name(f"{dataset}.extracting")
        shutil.rmtree(fresh, ignore_errors=True)  # of a run that was killed
        try:
            extract_zip(
                self.work(), fresh, top=dataset, required="info.yaml", on_bytes=self.reporter("extract")
            )
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return fresh

    def install(self, ready: Path) -> None:
        """Give `ready` its final name, in place of an older version if there is one."""
        old = self.work().with_name(f"{self.archive.dataset}.replaced")
        shutil.rmtree(old, ignore_errors=True)  # of a run that was killed
        if self.target.is_dir():
            self.target.rename(old)
        ready.replace(self.target)
        shutil.rmtree(old, ignore_errors=True)


def _check_vacant(target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    elif target.exists() or target.is_symlink():
        raise DownloadError(
            f"{target} exists, but is not a complete dataset: move it elsewhere and run "
            "the same command again"
        )
