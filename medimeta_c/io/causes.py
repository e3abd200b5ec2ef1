"""An error and what led to it."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["chain"]


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, outermost first: those that a traceback shows."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
