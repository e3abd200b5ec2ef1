"""Fetch published archives of clean images: resumable, verified, pinned and safely extracted."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from medimeta_c.download.archives import ZENODO, Archive, archive_for, is_downloaded
from medimeta_c.download.client import Http, RetryPolicy
from medimeta_c.download.extract import extract_zip
from medimeta_c.download.pins import LOCK_NAME, Pin, read_pins, write_pin
from medimeta_c.download.transfer import RemoteFile, digests, discard, fetch
from medimeta_c.download.workdir import WORK_DIR, alone, writing
from medimeta_c.download.zenodo import Record, read_record
from medimeta_c.errors import ConfigError, DownloadError

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What the steps of one `download` call share."""

    data_dir: Path
    http: Http
    records: dict[str, Record]
    update: bool
    keep_archive: bool
    on_progress: Callable[[DownloadProgress], None]

    @property
    def work(self) -> Path:
        return self.data_dir / WORK_DIR

    def reporter(self, archive: Archive, phase: Phase) -> Callable[[int, int], None]:
        return lambda done, total: self.on_progress(
            DownloadProgress(dataset=archive.dataset, phase=phase, done=done, total=total)
        )

    def record(self, archive: Archive) -> Record:
        if archive.record not in self.records:
            self.records[archive.record] = read_record(self.http, archive.record)
        return self.records[archive.record]


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

    Each archive is fetched to ``<data_dir>/.downloads``, going on with what an interrupted run left there,
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
    Several downloads may run at once: each archive has a file lock, and the second to come waits.
    """
    if not datasets:
        raise ConfigError("no dataset is named: give ids, comma-separated, or all")
    archives = [archive_for(dataset) for dataset in dict.fromkeys(datasets)]
    with Http(base_url, retry or RetryPolicy()) as http:
        job = _Job(
            data_dir=data_dir,
            http=http,
            records={},
            update=update,
            keep_archive=keep_archive,
            on_progress=on_progress or (lambda progress: None),
        )
        return [_provide(job, archive) for archive in archives]


def _provide(job: _Job, archive: Archive) -> DownloadReport:
    if is_downloaded(archive.dataset, job.data_dir) and not job.update:
        return _present(job, archive, read_pins(job.data_dir).get(archive.filename))
    with writing(job.data_dir):
        job.work.mkdir(parents=True, exist_ok=True)
        with alone(job.work / f"{archive.filename}.lock"):
            return _provide_alone(job, archive)


def _provide_alone(job: _Job, archive: Archive) -> DownloadReport:
    pin = read_pins(job.data_dir).get(archive.filename)
    present = is_downloaded(archive.dataset, job.data_dir)
    if present and not job.update:  # the download that held the lock has done it
        return _present(job, archive, pin)
    if not present:
        _check_vacant(archive.target(job.data_dir))
    with _named(job, archive):
        record = job.record(archive)
        file = record.file(archive.filename)
    if present and pin is not None and pin.md5 == file.md5:
        return _present(job, archive, pin)
    _check_unchanged(archive, file, pin, update=job.update)
    whole, fetched_bytes, sha256 = _verified(job, archive, file)
    pin = Pin(
        archive=archive.filename,
        url=file.url,
        record=record.id,
        version=record.version,
        size=file.size,
        md5=file.md5,
        sha256=sha256,
    )
    target = archive.target(job.data_dir)
    ready = _unpacked(job, archive, whole) if archive.is_zip else whole
    write_pin(job.data_dir, pin)  # after extraction: an archive that is refused is not pinned
    _install(job, archive, ready, target)
    if archive.is_zip and not job.keep_archive:
        whole.unlink()
    _log.info("%s is in %s", archive.dataset, target)
    return DownloadReport(
        dataset=archive.dataset, path=target, status="downloaded", fetched_bytes=fetched_bytes, pin=pin
    )


def _present(job: _Job, archive: Archive, pin: Pin | None) -> DownloadReport:
    target = archive.target(job.data_dir)
    _log.info("%s is there already: %s", archive.dataset, target)
    return DownloadReport(dataset=archive.dataset, path=target, status="present", fetched_bytes=0, pin=pin)


def _check_vacant(target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    elif target.exists() or target.is_symlink():
        raise DownloadError(
            f"{target} is in the way: it is not a complete dataset, and not empty; move it elsewhere and run "
            "the same command again"
        )


def _check_unchanged(archive: Archive, file: RemoteFile, pin: Pin | None, *, update: bool) -> None:
    if archive.md5 is not None and file.md5 != archive.md5:
        raise DownloadError(
            f"{file.url} has md5 {file.md5}, but the published {archive.filename} has {archive.md5}: this is "
            "not the file that scores were made on; check the server, or look for a newer version of this "
            "package"
        )
    if pin is not None and file.md5 != pin.md5 and not update:
        raise DownloadError(
            f"{file.url} now has md5 {file.md5}, but {LOCK_NAME} pins {pin.md5} for {archive.filename} "
            f"(record {pin.record}, version {pin.version}): the archive has changed since it was first "
            "fetched; use --update to accept the new one"
        )


def _verified(job: _Job, archive: Archive, file: RemoteFile) -> tuple[Path, int, str]:
    """Return the archive, whole and verified, how many bytes of it came over the network, and its sha256."""
    whole, part = job.work / archive.filename, job.work / f"{archive.filename}.part"
    report = job.reporter(archive, "verify")
    if whole.is_file():  # kept on request, or left by a run that was killed while it extracted
        md5, sha256 = digests(whole, report)
        if md5 == file.md5:
            return whole, 0, sha256
        whole.unlink()
    _check_space(job, archive, file.size - (part.stat().st_size if part.exists() else 0))
    with _named(job, archive):
        fetched_bytes = fetch(job.http, file, part, job.reporter(archive, "fetch"))
    md5, sha256 = digests(part, report)
    if md5 != file.md5:
        discard(part)
        raise DownloadError(
            f"{archive.filename} is damaged: its md5 is {md5}, {file.url} should have {file.md5}; what was "
            "fetched is deleted, run the same command again to fetch it anew"
        )
    part.replace(whole)
    discard(part)
    return whole, fetched_bytes, sha256


def _check_space(job: _Job, archive: Archive, needed_bytes: int) -> None:
    free = shutil.disk_usage(job.work).free
    if needed_bytes > free:
        raise DownloadError(
            f"not enough disk space for {archive.filename}: {needed_bytes / 1e6:,.0f} MB are to come, "
            f"{free / 1e6:,.0f} MB are free in {job.data_dir}; make room, or choose another folder with "
            "--data, and run the same command again"
        )


@contextmanager
def _named(job: _Job, archive: Archive) -> Iterator[None]:
    """Say in a network failure which dataset it was for, and the way around."""
    try:
        yield
    except DownloadError as error:
        verb = "unpack" if archive.is_zip else "put"
        raise DownloadError(
            f"{archive.dataset} was not downloaded: {error}. By hand: {verb} {archive.page} to "
            f"{archive.target(job.data_dir)}"
        ) from error


def _unpacked(job: _Job, archive: Archive, whole: Path) -> Path:
    """Return a folder in the work folder with everything that the archive holds."""
    fresh = job.work / f"{archive.dataset}.extracting"
    if fresh.exists():  # of a run that was killed
        shutil.rmtree(fresh)
    try:
        extract_zip(
            whole,
            fresh,
            top=archive.dataset,
            required="info.yaml",
            on_bytes=job.reporter(archive, "extract"),
        )
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return fresh


def _install(job: _Job, archive: Archive, ready: Path, target: Path) -> None:
    """Give `ready` its final name, in place of an older version if there is one."""
    if not target.is_dir():
        ready.replace(target)
        return
    old = job.work / f"{archive.dataset}.replaced"
    if old.exists():  # of a run that was killed
        shutil.rmtree(old)
    target.rename(old)
    ready.rename(target)
    shutil.rmtree(old, ignore_errors=True)
