"""A leaderboard: submissions whose every number is recomputed, and a static site made from them.

Reads files only; never runs a model.
"""

from medimeta_c.leaderboard.accepted import Accepted, accept, read_accepted, write_accepted
from medimeta_c.leaderboard.checks import Finding
from medimeta_c.leaderboard.evalresults import model_eval_yaml
from medimeta_c.leaderboard.site.writing import SiteConfig, SiteReport, build_site
from medimeta_c.leaderboard.submission import Submission, read_submission, write_submission
from medimeta_c.leaderboard.submit import SubmitConfig, SubmitReport, submit
from medimeta_c.leaderboard.validation import validate

__all__ = [
    "Accepted",
    "Finding",
    "SiteConfig",
    "SiteReport",
    "Submission",
    "SubmitConfig",
    "SubmitReport",
    "accept",
    "build_site",
    "model_eval_yaml",
    "read_accepted",
    "read_submission",
    "submit",
    "validate",
    "write_accepted",
    "write_submission",
]
