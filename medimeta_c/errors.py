"""All exceptions of this package, in one tree.

::

    MediMetaError                 exit code 1
    ├── ConfigError               exit code 2: the request itself is wrong (also a ValueError)
    ├── SourceError               source data missing, damaged or of another format
    │   └── DownloadError         an archive could not be fetched whole and verified
    ├── ShardError                a Parquet shard could not be written, or is damaged
    ├── ManifestError             a manifest is missing, edited or of another schema
    ├── BuildError                a build cannot start or resume (locked, other seed, not a build)
    ├── WriteError                a file cannot be written (disk full, not allowed, no locks)
    ├── StoreError                an object store cannot be reached, refuses, or holds something else
    ├── WorkerError               a worker process died, or a cluster went away
    ├── VerificationError         a built benchmark is not what its manifest says
    ├── ModelError                a model is missing, unsafe, does not fit or cannot read a prompt
    ├── ResultError               a result is damaged, of another run, or being written by another process
    ├── PublishError              the Hub cannot be reached, refuses, or holds something else
    ├── IncompleteGridError       a number over all cells is asked for while cells are missing
    ├── MissingPackageError       medimeta-corruptions is not installed (also an ImportError)
    └── MissingExtraError         an optional dependency is not installed (also an ImportError)

A message says what is wrong, where, and what to do next. The last is data, a `Remedy` that names parameters
as Python has them. The command line prints the message as one line, with the options of the command that runs
in place of parameters, and exits with the class's ``exit_code``; it shows a traceback only when debugging.
"""

from __future__ import annotations

import contextlib
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

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
    "Remedy",
    "ResultError",
    "ShardError",
    "SourceError",
    "StoreError",
    "VerificationError",
    "WorkerError",
    "WriteError",
    "importing_models",
    "printable",
    "short",
    "unknown_name",
]


_SHOWN = 240
_CORRUPTIONS = "medimeta_corruptions"
_EVALUATE = {"open_clip", "safetensors", "sklearn", "torch", "torchvision", "transformers"}


@dataclass(frozen=True, slots=True, init=False)
class Remedy:
    """What to do about an error: words, and the parameters in them.

    Parameters
    ----------
    text : str
        What to do. ``{out}`` stands for the parameter ``out`` of the function that was called, ``{0}`` for
        the first of `words`.
    words : object
        Texts that are only known when the error is raised.
    command : str, optional
        The command of ``medimeta-c`` that ``{command}`` in the text stands for; `values` are its parameters.
    values : object
        The value to give to a parameter of the text.

    Examples
    --------
    >>> print(Remedy("choose another {out}"))
    choose another `out`
    >>> print(Remedy("add {source}", source="imagefolder"))
    add `source='imagefolder'`
    >>> print(Remedy("get it with {command}", command="download", datasets="pbc"))
    get it with the command `medimeta-c download` (datasets='pbc')
    """

    text: str
    words: tuple[object, ...] = ()
    command: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)

    def __init__(self, text: str, /, *words: object, command: str | None = None, **values: object) -> None:
        for name, value in (("text", text), ("words", words), ("command", command), ("values", values)):
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        return self.spelled(_parameter, _command)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters of the text, in its order."""
        names = [name for _, name, _, _ in string.Formatter().parse(self.text) if name]
        return tuple(name for name in names if not name.isdigit() and name != "command")

    def spelled(
        self,
        parameter: Callable[[str, object], str],
        command: Callable[[str, Mapping[str, object]], str],
    ) -> str:
        """Return the text with every parameter, and the command, as these functions spell them.

        Parameters
        ----------
        parameter : callable
            Takes a parameter's name and the value to give to it, None for any.
        command : callable
            Takes a command's name and the values of its parameters.
        """
        spellings = {name: parameter(name, self.values.get(name)) for name in self.parameters}
        if self.command is not None:
            spellings["command"] = command(self.command, self.values)
        return self.text.format(*self.words, **spellings)


def _parameter(name: str, value: object) -> str:
    return f"`{name}`" if value is None else f"`{name}={value!r}`"


def _command(name: str, values: Mapping[str, object]) -> str:
    given = ", ".join(f"{each}={value!r}" for each, value in values.items())
    return f"the command `medimeta-c {name}`" + (f" ({given})" if given else "")


class MediMetaError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    cause : str
        What is wrong, where.
    remedy : Remedy or sequence of Remedy, optional
        What to do: any one of several.
    value : object, optional
        The value that is wrong.

    Attributes
    ----------
    remedies : tuple of Remedy
        What to do.
    """

    exit_code = 1

    def __init__(self, cause: str, *, remedy: Remedy | Iterable[Remedy] = (), value: object = None) -> None:
        self.cause, self.value = cause, value
        self.remedies = (remedy,) if isinstance(remedy, Remedy) else tuple(remedy)
        super().__init__(self.sentence(str))

    def sentence(self, spell: Callable[[Remedy], str]) -> str:
        """Return the whole message, with each remedy as `spell` has it."""
        return f"{self.cause}: {', or '.join(map(spell, self.remedies))}" if self.remedies else self.cause


class ConfigError(MediMetaError, ValueError):
    """Raised when a name, option or combination of options is not valid."""

    exit_code = 2


class SourceError(MediMetaError):
    """Raised when source images, labels or splits are missing, damaged or of another format.

    Parameters
    ----------
    cause, remedy, value
        As every error has them.
    problems : iterable of str or MediMetaError, optional
        Every offending file with its reason, where all of them were looked for: a sentence, or an error with
        a remedy of its own.

    Attributes
    ----------
    faults : tuple of MediMetaError
        The problems, each with its remedy.
    """

    def __init__(
        self,
        cause: str,
        problems: Iterable[str | MediMetaError] = (),
        *,
        remedy: Remedy | Iterable[Remedy] = (),
        value: object = None,
    ) -> None:
        super().__init__(cause, remedy=remedy, value=value)
        self.faults = tuple(MediMetaError(one) if isinstance(one, str) else one for one in problems)

    @property
    def problems(self) -> tuple[str, ...]:
        """Every fault as a sentence."""
        return tuple(map(str, self.faults))


class DownloadError(SourceError):
    """Raised when an archive cannot be fetched completely, verified and extracted safely."""


class ShardError(MediMetaError):
    """Raised when a Parquet shard cannot be written or does not read back."""


class ManifestError(MediMetaError):
    """Raised when a manifest is missing, was edited, or has another schema version."""


class BuildError(MediMetaError):
    """Raised when a build cannot start or continue in its output directory; by builds and imports only."""


class WriteError(MediMetaError):
    """Raised when a file cannot be written: no space, no permission, no locks."""


class StoreError(MediMetaError):
    """Raised when an object store cannot be reached, refuses, or holds something else than expected."""


class WorkerError(MediMetaError):
    """Raised when a worker process died, or the cluster of workers went away."""


class VerificationError(MediMetaError):
    """Raised when a built benchmark is not what its manifest says it is."""


class ModelError(MediMetaError):
    """Raised when a model cannot be loaded, would run code, does not fit, or cannot read a prompt."""


class ResultError(MediMetaError):
    """Raised when a result is missing, damaged, of another run, or being written by another process."""


class PublishError(MediMetaError):
    """Raised when something cannot be sent to the Hub, or conflicts with what the Hub already holds."""


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
    from medimeta_corruptions.registry import unknown  # noqa: PLC0415  (it imports NumPy)

    return ConfigError(unknown(kind, name, known), value=name)


def printable(text: object) -> str:
    r"""Return an untrusted text as one line of printable characters.

    A line break could feign another line of output, an escape sequence a whole screen.

    Examples
    --------
    >>> printable("a  title\n\x1b[2Jof two lines")
    'a title [2Jof two lines'
    """
    return " ".join("".join(one if one.isprintable() else " " for one in str(text)).split())


def short(text: object) -> str:
    """Return an untrusted text, or the message of another library's error, as one short printable line.

    Examples
    --------
    >>> short(ValueError("no    number")), short(EOFError())
    ('no number', 'EOFError')
    """
    line = printable(text)
    if not line and isinstance(text, BaseException):
        return type(text).__name__
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
