"""Whether a result may be ranked: one property, whatever shows it."""

from __future__ import annotations

from medimeta_c.results.assessment.standing import LIMITED, PHANTOMS, unranked_because


def test_marks_together_read_as_one_phrase() -> None:
    assert unranked_because((LIMITED, PHANTOMS)) == (
        "a trial on a part of each split; on phantoms: generated images, not medical ones"
    )
    assert unranked_because(()) is None
