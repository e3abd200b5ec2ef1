"""The connection to a running Dask scheduler."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from medimeta_c.errors import ConfigError, MissingExtraError, Remedy

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["connected", "require_dask"]

_CONNECT_S = 5


def require_dask() -> None:
    """Raise MissingExtraError if Dask is not installed."""
    if find_spec("distributed") is None:
        raise MissingExtraError("the engine dask", "dask")


@contextlib.contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """Connect to a scheduler by its address while the block runs.

    Raises
    ------
    ConfigError
        If none answers there.
    """
    from distributed import Client  # noqa: PLC0415  (an optional engine)

    try:
        client = Client(scheduler, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {scheduler!r} ({error})",
            remedy=[Remedy("start one"), Remedy("leave {scheduler} out")],
        ) from error
    with client:
        yield client
