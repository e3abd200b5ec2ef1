"""Columns and words about models that answer in words, for every table in which their results appear."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from medimeta_c.io.tables.table import Cell, Column, Table
from medimeta_c.metrics.values import Number, mean_number
from medimeta_c.results.cells import number_cell, percent

if TYPE_CHECKING:
    from medimeta_c.results.result import Result

__all__ = ["confidence_table", "word_numbers", "word_text"]

_NOT_ASKED = "not a model that answers in words"


def word_numbers(result: Result, datasets: Iterable[str]) -> dict[str, Number]:
    """Return, as means over datasets, both blind controls and the share of images without an answer.

    Each is undefined of a model that does not answer in words.
    """
    names = list(datasets)

    def mean(found: dict[str, Number]) -> Number:
        nothing = Number.undefined("no blind control" if result.is_in_words else _NOT_ASKED)
        return mean_number({name: found.get(name, nothing) for name in names})

    shares = {name: result.unanswered(name) for name in names} if result.is_in_words else {}
    return {
        "Without image": mean(result.blind),
        "Grey image": mean(result.blind_grey),
        "No answer": mean(shares),
    }


def word_text(result: Result) -> str:
    """Return the same in one line; empty of a model that does not answer in words."""
    if not result.is_in_words:
        return ""
    found = word_numbers(result, result.scope.datasets)
    return ", ".join(
        f"{name.lower()} {percent(one.value)} %" for name, one in found.items() if one.value is not None
    )


def confidence_table(result: Result) -> Table:
    """Return the calibration of the confidence that a model states, a row for each dataset."""
    columns = ("ECE, clean", "ECE, corrupted", "Shift", "Numbers read")
    return Table(
        name="Stated confidence",
        caption="In percent: the expected calibration error of the confidence that the model states, "
        "on clean images and as the mean over all corrupted cells, the difference of the two, and the share "
        "of images for which it stated a number from 0 to 100. The other images take no part.",
        columns=(Column("", "label"), *map(Column, columns)),
        rows=tuple(
            (Cell(name), *map(number_cell, (one.clean, one.corrupted, one.shift, one.read)))
            for name, one in result.stated.items()
        ),
    )
