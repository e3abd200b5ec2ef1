"""Licence texts as datasets state them, and the Hub's identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medimeta_c.card.licenses import combined_license, hub_license


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("Creative Commons Attribution-ShareAlike 4.0 International (CC BY-SA 4.0)", "cc-by-sa-4.0"),
        ("CC BY-SA 4.0", "cc-by-sa-4.0"),
        ("cc-by-sa-4.0", "cc-by-sa-4.0"),
        ("CC BY-NC-SA 4.0", "cc-by-nc-sa-4.0"),
        (
            "Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International License",
            "cc-by-nc-sa-4.0",
        ),
        ("Creative Commons Attribution 4.0 International (CC BY 4.0)", "cc-by-4.0"),
        ("https://creativecommons.org/licenses/by/4.0/", "cc-by-4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
        ("CC0 1.0 Universal", "cc0-1.0"),
        ("Creative Commons Zero 1.0", "cc0-1.0"),
        ("CC BY-NC 3.0 Unported", "cc-by-nc-3.0"),
        ("Apache-2.0", "apache-2.0"),
        ("MIT", "mit"),
    ],
)
def test_known_licences_get_their_identifier(text: str, identifier: str) -> None:
    """Long names, short names, identifiers and addresses of one licence are one identifier."""
    assert hub_license(text) == identifier


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Free to use for academic purposes, with attribution (statement in the source README)",
        "CC BY 4.0, academic use only",
        "CC BY 4.0 for images, CC BY-NC 4.0 for labels, see README",
        "CC BY",
        "CC BY 3.0 or CC BY 4.0",
        "CC SA 4.0",
        "CC BY-SA 9.9",
        "not CC BY 4.0",
    ],
)
def test_anything_more_or_less_is_other(text: str) -> None:
    """A further condition, a missing or second version, or unknown terms are never smoothed over."""
    assert hub_license(text) == "other"


@given(st.text(max_size=60))
def test_any_text_has_an_answer(text: str) -> None:
    """No text raises, and the answer is an identifier without spaces."""
    assert " " not in hub_license(text)


def test_a_tree_states_what_holds_for_all_its_datasets() -> None:
    """One identifier if all agree, a sorted list if each has one, other as soon as one has none."""
    assert combined_license(["CC BY-SA 4.0", "cc-by-sa-4.0"]) == "cc-by-sa-4.0"
    assert combined_license(["CC BY-SA 4.0", "CC BY 4.0"]) == ["cc-by-4.0", "cc-by-sa-4.0"]
    assert combined_license(["CC BY-SA 4.0", "ask us"]) == "other"
