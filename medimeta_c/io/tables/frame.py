"""Rows as a pandas DataFrame; pandas is optional."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from medimeta_c.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["data_frame"]


def data_frame(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return rows, each by column, as a DataFrame; a number that there is not is NaN.

    Raises
    ------
    MissingExtraError
        If pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415  (optional)
    except ImportError as error:
        raise MissingExtraError("a DataFrame", "pandas") from error
    return pd.DataFrame(list(rows)).infer_objects()
