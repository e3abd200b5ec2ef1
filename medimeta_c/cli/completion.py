"""Shell completion: values of options, such as names of datasets, corruptions and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from medimeta_c.format.suite import CLINICAL, CORE

__all__ = ["COMPLETED", "listed"]


def _datasets() -> Iterable[str]:
    from medimeta_c.sources.catalog import catalog

    return ("all", "medimeta", "available", *catalog())


def _corruptions() -> Iterable[str]:
    from medimeta_corruptions import CORRUPTIONS

    return ("all", *CORRUPTIONS)


def _figures() -> Iterable[str]:
    from medimeta_c.figures import FIGURES

    return FIGURES


def _heads() -> Iterable[str]:
    from medimeta_c.probing.heads import HEADS

    return HEADS


COMPLETED: Mapping[str, Callable[[], Iterable[str]]] = {
    "dataset": _datasets,
    "corruption": _corruptions,
    "severity": lambda: ("all", *map(str, CORE.severities)),
    "split": lambda: ("train", "val", "test"),
    "suite": lambda: ("core", "clinical", "imagenet_c"),
    "profile": lambda: CLINICAL.profiles,
    "source": lambda: ("medimeta", "medmnist", "imagefolder", "phantoms"),
    "only": _figures,
    "head": _heads,
}
"""By parameter, a function that returns its values; called only when a shell completes."""


def listed(values: Callable[[], Iterable[str]]) -> Callable[[str], Iterator[str]]:
    """Return a function that completes the last value of a comma-separated list."""

    def complete(incomplete: str) -> Iterator[str]:
        before, comma, last = incomplete.rpartition(",")
        given = set(before.split(","))
        yield from (
            f"{before}{comma}{value}" for value in values() if value.startswith(last) and value not in given
        )

    return complete
