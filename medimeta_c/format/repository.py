"""Files of a benchmark: in a directory or an object store, which a build may change, or on the Hub."""

from __future__ import annotations

from pathlib import Path

from medimeta_c.errors import ManifestError, MediMetaError, Remedy, ShardError
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest
from medimeta_c.format.manifest.records import FileRecord, Manifest
from medimeta_c.io.files import identity, sha256_file
from medimeta_c.io.hub_client import token_or_none
from medimeta_c.io.hub_errors import explained
from medimeta_c.io.stores.stored import StoredPath

__all__ = ["Directory", "Repository", "StoredTree", "open_repository"]


class Directory:
    """A benchmark's directory; a file that a build replaces meanwhile is refused, never read in parts.

    Parameters
    ----------
    root : Path
        The directory.
    manifest : Manifest
        What it was when it was opened.
    """

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self._root, self._first = root, dict[str, tuple[int, ...]]()
        # A build replaces one file at once, but several one by one: their sizes tell a set that is half new.
        self._bytes = {
            shard.path: shard.bytes for one in manifest.sets if len(one.shards) > 1 for shard in one.shards
        }

    def fetch(self, path: str) -> Path:
        """Return where a file is.

        Call it again after opening the file: what was opened is then the file that was first asked for.

        Raises
        ------
        ShardError
            If it was replaced since it was first asked for, or is one shard of several and has not the
            manifest's size.
        """
        local = self._root / path
        found = identity(local)
        if found is None:
            return local  # whoever reads it says what is wrong
        if self._first.setdefault(path, found) != found:
            raise ShardError(
                f"{local} was written again while it was read", remedy=Remedy("open the benchmark again")
            )
        size = found[-1]
        if size != (wanted := self._bytes.get(path, size)):
            raise ShardError(
                f"{local} has {size} bytes, the manifest said {wanted} when the benchmark was opened: "
                "open it again if it was built again meanwhile, or verify it"
            )
        return local


class StoredTree:
    """A benchmark in an object store, whose files are read in ranges; one that is replaced is refused.

    Parameters
    ----------
    root : StoredPath
        The benchmark's folder.
    manifest : Manifest
        What it was when it was opened.
    """

    def __init__(self, root: StoredPath, manifest: Manifest) -> None:
        self._root, self._first = root, dict[str, StoredPath]()
        self._bytes = {record.path: record.bytes for record in manifest.files}
        self._bytes |= {shard.path: shard.bytes for one in manifest.sets for shard in one.shards}

    def fetch(self, path: str) -> StoredPath:
        """Return where a file is; opening it gives the object that was first asked for, or an error.

        Raises
        ------
        ShardError
            If it is missing, was replaced since it was first asked for, or has not the manifest's size.
        StoreError
            If the store fails.
        """
        found = (self._root / path).pinned()
        if found is None or found.expected is None:
            raise ShardError(
                f"{self._root / path} is missing", remedy=Remedy("run the build again to restore it")
            )
        if self._first.setdefault(path, found) != found:
            raise ShardError(
                f"{found} was written again while it was read", remedy=Remedy("open the benchmark again")
            )
        if found.expected.bytes != self._bytes[path]:
            raise ShardError(
                f"{found} has {found.expected.bytes} bytes, the manifest said {self._bytes[path]} when the "
                "benchmark was opened: open it again if it was built again meanwhile, or verify it"
            )
        return found


class Repository:
    """A benchmark's dataset repository at one commit.

    Parameters
    ----------
    repo_id : str
        ORG/NAME.
    commit : str
        The commit all files are of, so that a push in between never mixes two builds.
    manifest : Manifest
        What the files must be.
    """

    def __init__(self, repo_id: str, commit: str, manifest: Manifest) -> None:
        self.repo_id, self.commit, self.manifest = repo_id, commit, manifest
        self._records: dict[str, FileRecord] = {record.path: record for record in manifest.files}
        self._records |= {shard.path: shard for one in manifest.sets for shard in one.shards}
        self._checked: dict[str, Path] = {}

    def fetch(self, path: str) -> Path:
        """Return a local copy of a file, downloading it unless the Hub's cache has it.

        A copy that is not what the manifest says is downloaded once more.

        Raises
        ------
        ShardError
            If the file cannot be fetched, or its bytes are not what the manifest says.
        """
        if path not in self._checked:
            record = self._records[path]
            local = _download(self.repo_id, path, self.commit)
            if not _is_whole(local, record):
                local = self._replace(path)
            if not _is_whole(local, record):
                raise ShardError(
                    f"{path} of {self.repo_id} on the Hub at commit {self.commit[:12]} is not what its "
                    "manifest says (its SHA-256 differs, also after a second download): tell its owner, or "
                    "use another revision"
                )
            self._checked[path] = local
        return self._checked[path]

    def _replace(self, path: str) -> Path:
        try:
            return _download(self.repo_id, path, self.commit, again=True)
        except ShardError as error:
            raise ShardError(
                f"the copy of {path} in the Hub's cache is damaged, and was not fetched again: {error}"
            ) from error


def open_repository(repo_id: str, revision: str | None = None, *, token: bool | None = None) -> Repository:
    """Fetch the manifest of a benchmark on the Hub.

    Without a connection the cached copy of the revision is used, if there is one.

    Parameters
    ----------
    repo_id : str
        ORG/NAME of a dataset repository.
    revision : str, optional
        Branch, tag or commit.
    token : bool, optional
        Whether to send the user's token with the request for the manifest; by default as the Hub's client is
        set up.

    Raises
    ------
    ManifestError
        If the repository or revision cannot be fetched, or holds no finished build. Its cause is the client's
        error if a request failed.
    """
    local = _download(repo_id, MANIFEST_NAME, revision, token=token)
    try:
        manifest = read_manifest(local)
    except ManifestError:
        local = _download(repo_id, MANIFEST_NAME, revision, token=token, again=True)
        try:
            manifest = read_manifest(local)
        except ManifestError as error:
            raise ManifestError(f"{repo_id} on the Hub holds no usable build: {error}") from error
    # The cache keeps a file of the tree's root at snapshots/<commit>/<file>.
    return Repository(repo_id, local.parent.name, manifest)


def _is_whole(path: Path, record: FileRecord) -> bool:
    return path.stat().st_size == record.bytes and sha256_file(path) == record.sha256


def _download(
    repo_id: str,
    path: str,
    revision: str | None,
    *,
    token: bool | None = None,
    again: bool = False,
) -> Path:
    """Return the cached copy of a file, fetching it if it is not there, or `again`."""
    from huggingface_hub import hf_hub_download  # noqa: PLC0415  (slow to import)
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError  # noqa: PLC0415

    kind: type[MediMetaError] = ManifestError if path == MANIFEST_NAME else ShardError
    token_or_none()  # an unusable one is refused here, before a library complains by repeating it
    with explained(repo_id, kind, revision):
        try:
            return Path(
                hf_hub_download(
                    repo_id, path, repo_type="dataset", revision=revision, token=token, force_download=again
                )
            )
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            raise kind(
                f"{repo_id} on the Hub has no {path} at {revision or 'its newest commit'}: it is no finished "
                "MediMeta-C build; check the name and revision"
            ) from None
