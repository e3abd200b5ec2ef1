"""The page that compares two models: what it says, each sentence bound to its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compared_models import IMAGES, MODELS, SCOPE, Open, answered, made_up, tables
from made_up_boards import HOSTILE

from medimeta_c.format.keys import SetKey
from medimeta_c.leaderboard.site.entries import Training
from medimeta_c.leaderboard.site.writing import write_site
from medimeta_c.metrics.intervals import bootstrap
from medimeta_c.metrics.loss import loss
from medimeta_c.metrics.measures.cell_values import accuracies
from medimeta_c.results.assessment.standing import PHANTOMS, UNVERIFIED


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"marks": (PHANTOMS,)}, "B is on phantoms: generated images, not medical ones"),
        ({"marks": (UNVERIFIED,), "source": "unverified"}, "B is unverified"),
        ({"training": Training(kind="general", description="x", overlap="test")}, "B is trained on images"),
    ],
    ids=["phantoms", "unverified", "seen"],
)
def test_of_marked_entries_only_the_mark_is_said(
    tmp_path: Path, browse: Open, changes: dict[str, Any], phrase: str
) -> None:
    """Their differences are shown, but no sentence prefers them or the other."""
    entries = [answered(1, MODELS["model-0001"]), answered(2, MODELS["model-0002"], **changes)]
    write_site((made_up(*entries),), tmp_path / "site")
    page = browse(tmp_path / "site", "?a=model-0001&b=model-0002")
    page.locator("#result").wait_for(state="visible")
    assert page.inner_text(".verdict").startswith(f"These differences rank nothing: {phrase}")
    assert not {"better", "more accurate", "loses less"} & {
        words for words in ("better", "more accurate", "loses less") if words in page.inner_text("main")
    }
    assert page.locator(".sides .badge").count() == 1
    assert "[" in page.locator("#b option:checked").inner_text()


BOTH = (True, True)


POINTS = "by 3.0 points (95 % interval 2.0 to 4.0)."


SENTENCES = [
    (
        (5, 4, 6),
        (3, 2, 4),
        (0.5, -1, 2),
        BOTH,
        f"Under corruption A is more accurate than B, {POINTS}",
    ),
    (
        (0, -1, 1),
        (-3, -4, -2),
        (3, 2, 4),
        BOTH,
        f"Under corruption B is more accurate than A, {POINTS}",
    ),
    ((0, -1, 1), (3, 2, 4), (-3, -4, -2), BOTH, f"A loses less to corruption than B, {POINTS}"),
    ((-1, -3, 2), (-3, -4, -2), (3, 2, 4), BOTH, f"B loses less to corruption than A, {POINTS}"),
    (
        (5, 4, 6),
        (-3, -4, -2),
        (8, 7, 9),
        BOTH,
        "B loses less to corruption than A, by 8.0 points (95 % interval 7.0 to 9.0), but starts lower: on "
        "clean images it is less accurate, by 5.0 points (95 % interval 4.0 to 6.0).",
    ),
    (
        (5, 4, 6),
        (1, -1, 3),
        (0, 0, 2),
        BOTH,
        "Under corruption the images cannot tell the accuracies of A and B apart: A - B is 1.0 points (95 % "
        "interval -1.0 to 3.0). What they lose to corruption cannot be told apart: A - B is 0.0 points (95 % "
        "interval 0.0 to 2.0).",
    ),
    ((30, 28, 32), (3, 2, 4), (27, 25, 29), (True, False), "B is at chance on clean images, and what knows"),
    ((1, 0.5, 2), (3, 2, 4), (-2, -3, -1), (False, False), "A and B are at chance on clean images, and what"),
]
"""Clean accuracy, average accuracy, points lost: value and interval; who is above chance; what is said."""


def test_each_sentence_has_its_numbers(compared: Path, browse: Open) -> None:
    """A model loses less only if the images show it; who starts lower or knows nothing is said to."""
    page = browse(compared)
    for clean, average, lost, knows, sentence in SENTENCES:
        said = page.evaluate(
            """async ([numbers, knows]) => {
            const { verdict } = await import('./assets/compare/words.js');
            const made = (all) => { const [value, low, high] = all.map((one) => one / 100);
              return { value, low, high, tie: low <= 0 && high >= 0 }; };
            return verdict(new Map(Object.entries(numbers).map(([name, one]) => [name, made(one)])), knows);
            }""",
            [{"clean": clean, "average": average, "lost": lost}, knows],
        )
        assert sentence in said.replace("\N{MINUS SIGN}", "-")
        assert all(knows) or "loses less" not in said


def test_chance_is_judged_as_elsewhere(compared: Path, browse: Open) -> None:
    """Above chance or not, right or wrong on every image included, as `metrics.loss` says."""
    page = browse(compared)
    judged = set()
    for skill, chance in ((1.2, 0.3), (0.2, 0.55), (9.0, 0.97), (9.0, 0.9), (-9.0, 0.0)):
        values = accuracies(bootstrap(tables(4, skill), {}, SCOPE), dict.fromkeys(SCOPE.datasets, chance))
        parts = [
            [values.values[SetKey(name, "test", "clean", 0)].tolist(), chance, IMAGES[name]]
            for name in SCOPE.datasets
        ]
        found = page.evaluate(
            """async parts => (await import('./assets/compare/numbers.js')).knows(parts.map(
            ([values, chance, images]) => ({ values: Float64Array.from(values), chance, images })), 0.95)""",
            parts,
        )
        assert found == (loss(values).overall.beside_chance == 1)
        judged.add(found)
    assert judged == {True, False}


def test_names_are_text_whatever_they_hold(tmp_path: Path, browse: Open) -> None:
    """Mark-up in a name shows as text, in the lists and in the comparison."""
    entries = [
        answered(1, MODELS["model-0001"], name=HOSTILE, organisation=HOSTILE),
        answered(2, MODELS["model-0002"]),
    ]
    write_site((made_up(*entries),), tmp_path / "site")
    page = browse(tmp_path / "site", "?a=model-0001&b=model-0002")
    page.locator("#result").wait_for(state="visible")
    assert page.locator(".sides a").first.inner_text() == HOSTILE
    assert page.locator("#a option:checked").inner_text() == f"{HOSTILE} · {HOSTILE}"
    assert page.locator("main img").count() == 0
