"""Begin a part of a build: agree with the other parts in its directory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from medimeta_c.building.assembly import Request, check_title
from medimeta_c.building.state.begun import Begun
from medimeta_c.building.state.journal import Journal
from medimeta_c.building.state.lock import locked
from medimeta_c.errors import BuildError, Remedy
from medimeta_c.format.manifest.records import suite_record
from medimeta_c.format.parts import PartRecord
from medimeta_c.format.png import preferred_encoder

__all__ = ["begin_part", "beside_parts"]

_WAIT_S = 60  # parts that are started together take turns of milliseconds


@contextlib.contextmanager
def beside_parts(root: Path) -> Iterator[None]:
    """Lock a directory for a moment, waiting for other parts of its build that do the same."""
    with locked(root, wait_s=_WAIT_S):
        yield


def begin_part(root: Path, request: Request, part: PartRecord) -> str:
    """Note in a directory which build its parts are of, or compare with what the first part noted.

    Parameters
    ----------
    root : Path
        The directory that is given for the benchmark.
    request : Request
        The part's.
    part : PartRecord
        Which part it is.

    Returns
    -------
    str
        The encoder of all parts, which the first one chose; see `medimeta_c.format.png`.

    Raises
    ------
    ConfigError
        If what the directory is to hold may not have the title.
    BuildError
        If the directory holds a benchmark, a build without parts, or parts of another build: another number
        of parts, other sets, another protocol or other data.
    """
    check_title(request, request.datasets)  # before there is a folder
    with beside_parts(root):
        journal = Journal(root)
        if journal.manifest is not None:
            raise BuildError(
                f"{root} holds a benchmark, to which parts of a build are not added one by one",
                remedy=[
                    Remedy("choose another {out}"),
                    Remedy("build without {part}"),
                ],
            )
        suite = suite_record(request.suite)
        journal.check_protocol(request.protocol, request.limited, suite)
        journal.check_division(part.division)
        journal.check_datasets(request.datasets)
        if not journal.datasets:
            journal.begin(
                Begun(
                    protocol=request.protocol,
                    sources=dict(request.datasets),
                    limited=request.limited,
                    suite=suite,
                    division=part.division,
                    encoder=preferred_encoder(),
                )
            )
        return journal.encoder
