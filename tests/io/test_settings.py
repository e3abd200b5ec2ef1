"""What a configuration accepts: any kind of path, one name or several, and our error for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
import pytest

from medimeta_c.errors import ConfigError
from medimeta_c.io.settings import (
    Location,
    OptionalLocation,
    OptionalSeveral,
    OptionalTextOrPath,
    Several,
    TextOrPath,
    default,
    required,
    settle,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One field of every kind."""

    names: Several[str] = required()
    out: Location = required()
    data: OptionalLocation = default(None)
    severities: OptionalSeveral[int] = default(None)
    model: TextOrPath = default("a/b")
    benchmark: OptionalTextOrPath = default(None)
    seed: int = 0
    share: float = 0.5
    force: bool = False
    task: str | None = None
    engine: Literal["loky", "dask"] = "loky"

    def __post_init__(self) -> None:
        settle(self)


def order(**values: Any) -> Order:
    return Order(**{"names": "pbc", "out": "here", **values})


@pytest.mark.parametrize(
    "given", ["pbc", ["pbc"], ("pbc",), iter(["pbc"])], ids=["one", "list", "tuple", "iterator"]
)
def test_one_name_is_a_tuple_of_it(given: Any) -> None:
    """A text is one name, never its letters."""
    assert order(names=given).names == ("pbc",)


@pytest.mark.parametrize("given", [3, [3], np.int64(3), np.array([3]), range(3, 4)], ids=str)
def test_one_number_is_a_tuple_of_it(given: Any) -> None:
    """Also NumPy's."""
    severities = order(severities=given).severities
    assert severities == (3,)
    assert type(severities[0]) is int


@pytest.mark.parametrize(
    "given", ["a/b", Path("a/b"), PurePosixPath("a/b")], ids=lambda given: type(given).__name__
)
def test_paths_of_any_kind(given: Any) -> None:
    """A str, a Path, or anything else that is `os.PathLike`."""
    made = order(out=given, data=given, model=given)
    assert made.out == made.data == Path("a/b")
    assert made.model == str(Path("a/b"))


def test_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``~`` is the home directory, as in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    made = order(out="~/here", benchmark=PurePosixPath("~/there"))
    assert made.out == tmp_path / "here"
    assert made.benchmark == str(tmp_path / "there")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "path of a number": ({"out": 3}, "out 3 is not a path: give a str or a pathlib.Path"),
    "path of nothing": ({"out": ""}, "out '' is not a path"),
    "path of bytes": ({"out": b"here"}, "out b'here' is not a path"),
    "path with a null": ({"out": "a\0b"}, "contains a null character, which no path may have"),
    "name of a number": ({"names": [3]}, "names 3 is not valid: give a text"),
    "name of nothing": ({"names": [""]}, "names '' is not valid: give a text"),
    "number of a text": ({"severities": "3"}, "severities '3' is not valid: give a whole number"),
    "half a number": ({"seed": 0.5}, "seed 0.5 is not valid: give a whole number"),
    "truth as a number": ({"seed": True}, "seed True is not valid: give a whole number"),
    "number of a word": ({"share": "half"}, "share 'half' is not valid: give a number"),
    "truth of a word": ({"force": "no"}, "force 'no' is not valid: give True or False"),
    "text of a number": ({"task": 1}, "task 1 is not valid: give a text"),
    "another word": ({"engine": "lokky"}, "unknown engine 'lokky': did you mean 'loky'? (known: loky, dask)"),
    "text or path of a number": ({"model": 3}, "model 3 is not valid: give a text or a path"),
    "a long value": ({"seed": "x" * 999}, "x…"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_fits_no_field_is_our_error(case: str) -> None:
    """It names the field, the value and what to give; it is a ValueError too."""
    values, message = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        order(**values)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200
