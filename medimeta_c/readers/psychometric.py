"""Where a psychometric function of severity crosses a criterion: fitted by maximum likelihood.

The share of corrupted images that a reader notices, or can no longer read, grows with severity s as a Weibull
function F(s) = 1 - exp(-(s / a)^b), which is 0 without corruption. With a lapse rate l, the share of answers
to a button that was hit by mistake,

- a choice of two is right with probability P(s) = 1/2 + (1/2 - l) F(s), and
- an image can still be read with probability P(s) = (1 - l) (1 - F(s)), where l is the share of images that
  cannot be read without corruption either.

The threshold t is where P crosses 3/4, or 1/2. The function is written in t, so that t itself is what is
fitted: F(s) = 1 - (1 - c)^((s / t)^b), with c = F(t) fixed by the criterion and l.

The likelihood is computed on a grid over t, b and l. It has no starting values and no local optima, and the
same grid serves every resample; between the points of the grid, t is that of a parabola through the
logarithms of the three best. The tests compare it with a general optimiser.

References
----------
.. [1] F. A. Wichmann and N. J. Hill, "The psychometric function: I. Fitting, sampling, and goodness of fit",
   Perception & Psychophysics 63 (2001) 1293-1313.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medimeta_c.readers.study import Question

__all__ = ["CRITERIA", "Curve", "probability"]

FloatArray = NDArray[np.float64]

CRITERIA: dict[Question, float] = {"compare": 0.75, "read": 0.5}
"""The share of answers, right ones or yes, at the threshold."""

_LAPSES: dict[Question, tuple[float, ...]] = {
    "compare": (0.0, 0.02, 0.04, 0.06),
    "read": (0.0, 0.05, 0.1, 0.15, 0.2),
}
_SLOPES = np.geomspace(0.5, 8, 17)
_POINTS = 161
_BEYOND = 4  # how far the grid reaches below the lowest severity and above the highest
_CHUNK = 64


def probability(
    question: Question, severity: FloatArray, threshold: FloatArray, slope: FloatArray, lapse: FloatArray
) -> FloatArray:
    """Return the probability of a right answer, or of yes; the arguments are broadcast.

    Examples
    --------
    >>> one = np.array(1.0)
    >>> float(probability("compare", 3 * one, 3 * one, 2 * one, 0.02 * one).round(6))
    0.75
    >>> float(probability("read", 3 * one, 3 * one, 2 * one, 0.1 * one).round(6))
    0.5
    """
    if question == "compare":
        remains = 1 - 0.25 / (0.5 - lapse)
        return 0.5 + (0.5 - lapse) * (1 - remains ** ((severity / threshold) ** slope))
    remains = 0.5 / (1 - lapse)
    return (1 - lapse) * remains ** ((severity / threshold) ** slope)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """The grid on which the thresholds of one design are fitted.

    Parameters
    ----------
    thresholds : ndarray of shape (T,)
        From a quarter of the lowest severity to four times the highest, evenly spaced in the logarithm.
    yes, no : ndarray of shape (T * B * L, S)
        Logarithms of the probabilities of an answer at each severity.
    """

    thresholds: FloatArray
    yes: FloatArray
    no: FloatArray

    @classmethod
    def of(cls, question: Question, severities: tuple[int, ...]) -> Curve:
        """Return the grid for some severities; 0, without corruption, may be among them."""
        shown = [one for one in severities if one]
        thresholds = np.geomspace(min(shown) / _BEYOND, max(shown) * _BEYOND, _POINTS)
        p = probability(
            question,
            np.array(severities, np.float64),
            thresholds[:, None, None, None],
            _SLOPES[:, None, None],
            np.array(_LAPSES[question])[:, None],
        ).reshape(-1, len(severities))
        p = np.clip(p, 1e-9, 1 - 1e-9)
        return cls(thresholds=thresholds, yes=np.log(p), no=np.log1p(-p))

    def fit(self, right: FloatArray, answers: FloatArray) -> FloatArray:
        """Return the threshold of each of R samples.

        Parameters
        ----------
        right, answers : ndarray of shape (R, S)
            How many answers were right, or yes, at each severity, and how many there were.

        Returns
        -------
        ndarray of shape (R,)
            At an end of the grid where the answers would have it beyond.
        """
        return np.concatenate(
            [
                self._fit(right[start : start + _CHUNK].T, answers[start : start + _CHUNK].T)
                for start in range(0, len(right), _CHUNK)
            ]
        )

    def _fit(self, right: FloatArray, answers: FloatArray) -> FloatArray:
        points = len(self.thresholds)
        likelihood = self.yes @ right + self.no @ (answers - right)
        profile = likelihood.reshape(points, -1, right.shape[1]).max(axis=1)
        best = profile.argmax(axis=0)
        inner = np.clip(best, 1, points - 2)
        sample = np.arange(right.shape[1])
        below, at, above = (profile[inner + step, sample] for step in (-1, 0, 1))
        bend = below - 2 * at + above
        shift = np.where(bend < 0, (below - above) / np.where(bend < 0, 2 * bend, 1.0), 0.0)
        shift = np.where(best == inner, np.clip(shift, -0.5, 0.5), best - inner)
        step = np.log(self.thresholds[1] / self.thresholds[0])
        return np.asarray(self.thresholds[inner] * np.exp(step * shift), np.float64)
