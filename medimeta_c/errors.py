"""Everything that can go wrong, in one tree.

::

    MediMetaError                 exit code 1
    ├── ConfigError               exit code 2: the request itself is wrong (also a ValueError)
    ├── SourceError               source data missing, damaged or of another format
    │   └── DownloadError         an archive could not be fetched whole and verified
    ├── ShardError                a Parquet shard could not be written, or is damaged
    ├── ManifestError             a manifest is missing, edited or of another schema
    ├── BuildError                a build cannot start or go on (locked, other seed, disk full)
    ├── VerificationError         a built benchmark is not what its manifest says
    ├── ModelError                a model is missing, unsafe, does not fit or cannot read a prompt
    ├── ResultError               a result is damaged, of another run, or being written by another process
    ├── PublishError              the Hub cannot be reached, refuses, or holds something else
    ├── IncompleteGridError       a number over all cells is asked for while cells are missing
    ├── MissingPackageError       medimeta-corruptions is not installed (also an ImportError)
    └── MissingExtraError         an optional dependency is not installed (also an ImportError)

A message says what is wrong, where, and what to do next. The command line prints it as one line and
exits with the class's ``exit_code``; it shows a traceback only with ``--debug``.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator

__all__ = [
    "BuildError",
    "ConfigError",
    "DownloadError",
    "IncompleteGridError",
    "ManifestError",
    "MediMetaError",
    "MissingExtraError",
    "MissingPackageError",
    "ModelError",
    "PublishError",
    "ResultError",
    "ShardError",
    "SourceError",
    "VerificationError",
    "importing_models",
    "printable",
    "short",
    "unknown_name",
]


_SHOWN = 240
_CORRUPTIONS = "medimeta_corruptions"
_EVALUATE = {"open_clip", "safetensors", "sklearn", "torch", "torchvision", "transformers"}


class MediMetaError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = 1


class ConfigError(MediMetaError, ValueError):
    """Raised when a name, option or combination of options is not valid."""

    exit_code = 2


class SourceError(MediMetaError):
    """Raised when source images, labels or splits are missing, damaged or of another format.

    Parameters
    ----------
    message : str
        The sentence to show.
    problems : iterable of str, optional
        Every offending file with its reason, a sentence each, where all of them were looked for.
    """

    def __init__(self, message: str, problems: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class DownloadError(SourceError):
    """Raised when an archive cannot be fetched completely, verified and extracted safely."""


class ShardError(MediMetaError):
    """Raised when a Parquet shard cannot be written or does not read back."""


class ManifestError(MediMetaError):
    """Raised when a manifest is missing, was edited, or has another schema version."""


class BuildError(MediMetaError):
    """Raised when a build cannot start or continue in its output directory."""


class VerificationError(MediMetaError):
    """Raised when a built benchmark is not what its manifest says it is."""


class ModelError(MediMetaError):
    """Raised when a model cannot be had, would run code, does not fit, or cannot read a prompt."""


class ResultError(MediMetaError):
    """Raised when a result is missing, damaged, of another run, or being written by another process."""


class PublishError(MediMetaError):
    """Raised when something cannot be sent to the Hub, or what is there already stands against it."""


class IncompleteGridError(MediMetaError):
    """Raised when mCE, or another mean over all cells, is asked for while cells are missing.

    Parameters
    ----------
    missing : iterable of str
        The missing cells, as `SetKey` prints them; kept whole in the attribute ``missing``.
    expected : int
        Number of cells the mean is taken over.
    """

    _SHOWN = 12

    def __init__(self, missing: Iterable[str], expected: int) -> None:
        self.missing = tuple(missing)
        self.expected = expected
        shown = ", ".join(self.missing[: self._SHOWN])
        rest = len(self.missing) - self._SHOWN
        more = f" and {rest} more" if rest > 0 else ""
        super().__init__(
            f"mCE needs every cell, and {len(self.missing)} of {expected} are missing or invalid: "
            f"{shown}{more}; evaluate them (a second run resumes), or choose fewer datasets"
        )

    def __reduce__(self) -> tuple[type[IncompleteGridError], tuple[object, ...]]:
        """Pickle by the arguments of ``__init__``."""
        return IncompleteGridError, (self.missing, self.expected)


class MissingPackageError(MediMetaError, ImportError):
    """Raised when the package of corruptions, without which nothing works, is no longer installed."""

    def __init__(self, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs medimeta-corruptions, which is not installed: in a clone of the repository, "
            "pip install ./corruptions"
        )

    def __reduce__(self) -> tuple[type[Exception], tuple[object, ...]]:
        """Pickle by message, since ``__init__`` takes other arguments."""
        return MediMetaError, self.args


class MissingExtraError(MediMetaError, ImportError):
    """Raised when a command needs an optional dependency that is not installed.

    Parameters
    ----------
    purpose : str
        What needs it, as the start of a sentence.
    extra : str
        The extra of this package that brings it.
    """

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs the {extra!r} extra: in a clone of the repository, "
            f"pip install ./corruptions '.[{extra}]'"
        )

    def __reduce__(self) -> tuple[type[Exception], tuple[object, ...]]:
        """Pickle by message, since ``__init__`` takes other arguments."""
        return MediMetaError, self.args


@contextlib.contextmanager
def importing_models(purpose: str) -> Iterator[None]:
    """Turn an import in the block that lacks the ``evaluate`` extra, or the corruptions, into our error.

    Parameters
    ----------
    purpose : str
        What needs it, as the start of a sentence.

    Raises
    ------
    MissingExtraError
        In place of the ModuleNotFoundError of a library the extra brings.
    MissingPackageError
        In place of that of ``medimeta_corruptions``.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == _CORRUPTIONS:
            raise MissingPackageError(purpose) from error
        if missing not in _EVALUATE:
            raise
        raise MissingExtraError(purpose, "evaluate") from error


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """Return the error for a name that is not registered, with the nearest match.

    Parameters
    ----------
    kind : str
        What the name was meant to name, e.g. ``"corruption"``.
    name : str
        The name given.
    known : iterable of str
        The names accepted.

    Returns
    -------
    ConfigError
        For the caller to raise.

    Examples
    --------
    >>> str(unknown_name("corruption", "motion_blurr", ["motion_blur", "zoom_blur"]))
    "unknown corruption 'motion_blurr': did you mean 'motion_blur'? (known: motion_blur, zoom_blur)"
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f": did you mean {near[0]!r}?" if near else ""
    return ConfigError(f"unknown {kind} {name!r}{hint} (known: {', '.join(names)})")


def printable(text: object) -> str:
    r"""Return a text from outside as one line of printable characters.

    A line break could feign another line of output, an escape sequence a whole screen.

    Examples
    --------
    >>> printable("a  title\n\x1b[2Jof two lines")
    'a title [2Jof two lines'
    """
    return " ".join("".join(one if one.isprintable() else " " for one in str(text)).split())


def short(text: object) -> str:
    """Return a text from outside, or what another library's error says, as one short printable line.

    Examples
    --------
    >>> short(ValueError("no    number")), short(EOFError())
    ('no number', 'EOFError')
    """
    line = printable(text)
    if not line and isinstance(text, BaseException):
        return type(text).__name__
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
