"""Frequency analysis: what each corruption does to low, mid and high frequencies, with intervals.

Two questions are kept apart, because they have different answers. *Shares*: does the spectrum's shape move,
that is, does a band hold a larger part of an image's AC energy than before? *Energy*: does the band hold more
energy than before? Blur removes energy from every band, most from the high one, so the low band's share rises
while its energy falls.
"""

from __future__ import annotations

from medimeta_c.analysis.effects import (
    ALL_SEVERITIES,
    Analysis,
    BandEffect,
    Effect,
    FrequencyEffect,
    Verdict,
    paired_effect,
    verdict,
)
from medimeta_c.analysis.frequencies import analyse

__all__ = [
    "ALL_SEVERITIES",
    "Analysis",
    "BandEffect",
    "Effect",
    "FrequencyEffect",
    "Verdict",
    "analyse",
    "paired_effect",
    "verdict",
]
