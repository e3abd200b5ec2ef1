"""What models that answer in words are asked, and how strictly their texts are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey
from medimeta_c.results.predictions import NO_ANSWER
from medimeta_c.scoring.words.parsing import class_of, confidence_of
from medimeta_c.scoring.words.questions import Asking, orders_of, rotations


def test_rotations_put_each_class_in_each_place_once() -> None:
    orders = np.array(rotations(5))
    assert all(sorted(column) == list(range(5)) for column in orders.T.tolist())
    key = SetKey("d", "test", "contrast", 2)
    drawn = {orders_of(key, str(one), 5, 2) for one in range(40)}
    assert len(drawn) > 10
    assert all(len(set(each)) == 2 for each in drawn)
    assert orders_of(key, "1", 5, 8) != tuple(range(5)) or orders_of(key, "2", 5, 8) != tuple(range(5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decode": "guess"}, "unknown way to decode 'guess'"),
        ({"orders": 0}, "orders 0 is not valid"),
        ({"orders": 2, "decode": "generate"}, "to one order of the options"),
        ({"question": "What is it?"}, "has no {options}"),
        ({"question": "{options} {class}"}, "placeholder other than"),
        ({"question": "{options"}, "unmatched brace"),
    ],
)
def test_what_cannot_be_asked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Asking(**options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("class1", 1),
        (" Class1.\n", 1),
        ("**class0**", 0),
        ('"class 0"', NO_ANSWER),
        ("It is class1", NO_ANSWER),
        ("class0, class1", NO_ANSWER),
        ("class", NO_ANSWER),
        ("class10", NO_ANSWER),
        ("", NO_ANSWER),
    ],
)
def test_the_parser_takes_an_option_and_nothing_else(text: str, found: int) -> None:
    assert class_of(text, ("class0", "class1")) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("0", 0.0), ("100%", 1.0), (" 85. ", 0.85), ("101", None), ("8.5", None), ("-3", None), ("", None)],
)
def test_a_confidence_is_one_whole_number(text: str, found: float | None) -> None:
    assert confidence_of(text) == found
