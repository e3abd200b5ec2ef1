"""Fetch files from the Hugging Face Hub or its local cache; every failure is one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from medimeta_c.errors import ModelError, Remedy, short
from medimeta_c.io.hub_errors import network_errors

__all__ = [
    "commit_of",
    "fetch_file",
    "fetch_folder",
    "model_folder",
    "named_folder",
    "split_revision",
    "weights_file",
]


Kind: TypeAlias = Literal["model", "dataset"]
"""What the Hub calls a repository: some hold weights beside data."""


def split_revision(name: str) -> tuple[str, str | None]:
    """Split ``org/name@revision``; the revision is None when not given."""
    repo, _, revision = name.partition("@")
    return repo, revision or None


def fetch_file(repo: str, names: Sequence[str], revision: str | None = None, *, kind: Kind = "model") -> Path:
    """Return the local path of the first of `names` that the repository has; `kind` says what it holds.

    Raises
    ------
    ModelError
        If the repository or the revision cannot be fetched, or none of the files can.
    """
    from huggingface_hub import hf_hub_download  # noqa: PLC0415  (a third of a second)
    from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError  # noqa: PLC0415

    last: Exception | None = None
    for name in names:
        with _explained(repo, revision, kind):
            try:
                return Path(hf_hub_download(repo, name, repo_type=kind, revision=revision))
            except (RemoteEntryNotFoundError, LocalEntryNotFoundError) as error:
                last = last if isinstance(last, LocalEntryNotFoundError) else error
    if isinstance(last, RemoteEntryNotFoundError):
        raise ModelError(
            f"{repo} on the Hub has none of {', '.join(names)}: it is not a model of this kind"
        ) from last
    raise _unreachable(repo) from last


def fetch_folder(
    repo: str, patterns: Sequence[str], revision: str | None = None, *, kind: Kind = "model"
) -> Path:
    """Return a local folder with the repository's files that match `patterns`; `kind` says what it holds.

    Raises
    ------
    ModelError
        If the repository or the revision cannot be fetched.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import LocalEntryNotFoundError  # noqa: PLC0415

    with _explained(repo, revision, kind):
        try:
            return Path(
                snapshot_download(repo, repo_type=kind, revision=revision, allow_patterns=list(patterns))
            )
        except LocalEntryNotFoundError as error:
            raise _unreachable(repo) from error


def named_folder(repo: str, patterns: Sequence[str], *, fetch: bool, revision: str | None = None) -> Path:
    """Return a local folder of a repository that a configuration names, by default from the cache alone.

    A downloaded file must not choose what else is downloaded: only the user does.

    Raises
    ------
    ModelError
        If it is not in the cache and may not be fetched, or cannot be fetched.
    """
    if fetch:
        return fetch_folder(repo, patterns, revision)
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import LocalEntryNotFoundError  # noqa: PLC0415

    with _explained(repo, revision):
        try:
            folder = Path(snapshot_download(repo, allow_patterns=list(patterns), local_files_only=True))
            if any(any(folder.glob(pattern)) for pattern in patterns):
                return folder
        except LocalEntryNotFoundError:
            pass
    raise ModelError(
        f"the model's configuration names the repository {repo}, which is not fetched unless you ask",
        remedy=[
            Remedy(
                "run `hf download {0} --include {1}` once if you trust it",
                repo,
                " ".join(map(repr, patterns)),
            ),
            Remedy("copy those files into the model's folder"),
        ],
    )


def model_folder(
    target: str,
    patterns: Sequence[str],
    fallback: Sequence[str] = (),
    *,
    kind: Kind = "model",
    checkpoint: bool = False,
) -> tuple[Path, str | None]:
    """Return the folder of a model, and its commit when it comes from the Hub.

    Parameters
    ----------
    target : str
        A local folder, or a repository: ``org/name[@revision]``.
    patterns : sequence of str
        What is fetched of a repository. Where `weights_file` fetches the weights, these are the small files,
        so that a model that lacks one is refused before a large download.
    fallback : sequence of str, optional
        What is fetched too if there are no safetensors: the same weights in torch files.
    kind : {"model", "dataset"}, optional
        What the repository is called on the Hub.
    checkpoint : bool, optional
        Whether `target` may also be a checkpoint, in the model's folder.

    Raises
    ------
    ModelError
        If there is no such folder, and the repository or the revision cannot be fetched.
    """
    path = Path(target).expanduser()
    if path.is_dir() or (checkpoint and path.is_file()):
        return (path if path.is_dir() else path.parent).resolve(), None
    repo, revision = split_revision(target)
    folder = fetch_folder(repo, patterns, revision, kind=kind)
    if fallback and not any(folder.glob("*.safetensors")):
        folder = fetch_folder(repo, fallback, commit_of(folder) or revision, kind=kind)
    return folder, commit_of(folder)


def weights_file(target: str, folder: Path, names: Sequence[str], *, kind: Kind = "model") -> Path:
    """Return the checkpoint that goes with the other files of a model.

    Parameters
    ----------
    target : str
        As `model_folder` took it: a checkpoint is returned as it is.
    folder : Path
        What it returned. Of a repository, the checkpoint is of the same commit.
    names : sequence of str
        What the checkpoint may be called, the preferred first.
    kind : {"model", "dataset"}, optional
        As `model_folder` took it.

    Raises
    ------
    ModelError
        If it is not there, or cannot be fetched.
    """
    path = Path(target).expanduser()
    if path.is_file():
        return path.resolve()
    if not path.exists():
        repo, revision = split_revision(target)
        return fetch_file(repo, names, commit_of(folder) or revision, kind=kind)
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise ModelError(f"{folder} holds none of {', '.join(names)}: copy the model's weights there")
    return found


def commit_of(path: Path) -> str | None:
    """Return the commit a file or folder of the Hub's cache belongs to."""
    parts = path.parts
    return parts[parts.index("snapshots") + 1] if "snapshots" in parts[:-1] else None


def _unreachable(repo: str) -> ModelError:
    """Return the error for a repository that is neither reachable nor in the local cache."""
    return ModelError(
        f"the Hugging Face Hub cannot be reached and {repo} is not in the local cache: connect once, or "
        "copy the model's folder here and name its path (local-dir:PATH for an open_clip model)"
    )


@contextlib.contextmanager
def _explained(repo: str, revision: str | None, kind: Kind = "model") -> Iterator[None]:
    """Turn the Hub client's errors into one sentence each."""
    from huggingface_hub import errors  # noqa: PLC0415

    page = f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{repo}"
    sentences: dict[type[Exception], str] = {
        errors.GatedRepoError: f"{repo} is gated: accept its terms at {page}, then run `hf auth login`",
        errors.RepositoryNotFoundError: f"the Hub has no {kind} {repo!r} that you may read: check the name, "
        "or run `hf auth login` if it is private",
        errors.RevisionNotFoundError: f"{repo} on the Hub has no revision {revision!r}: use a branch, tag "
        "or commit",
        errors.HFValidationError: f"{repo!r} is neither a local folder nor a Hub name like org/name",
    }
    # With the base of whatever HTTP library this version of the client stands on.
    transport = (kind for kind in network_errors() if not issubclass(kind, OSError))
    unreachable: tuple[type[Exception], ...] = (errors.OfflineModeIsEnabled, *transport)
    try:
        yield
    except (errors.LocalEntryNotFoundError, errors.RemoteEntryNotFoundError):
        raise
    except tuple(sentences) as error:
        raise ModelError(next(text for kind, text in sentences.items() if isinstance(error, kind))) from error
    except unreachable as error:
        raise _unreachable(repo) from error
    except RuntimeError as error:
        if "client has been closed" not in str(error):  # huggingface_hub 1.x, after a connection failed
            raise
        raise _unreachable(repo) from error
    except (errors.HfHubHTTPError, OSError) as error:
        raise ModelError(f"{repo} could not be fetched from the Hub ({short(error)}): try again") from error
