"""A leaderboard: submissions whose every number is recomputed, and a static site made from them.

Reads files only; never runs a model.
"""

from medimeta_c.leaderboard.accepted import Accepted, accept, read_accepted, write_accepted
from medimeta_c.leaderboard.blank import init_submission
from medimeta_c.leaderboard.checks import Finding
from medimeta_c.leaderboard.evalresults import model_eval_yaml
from medimeta_c.leaderboard.preview import PreviewReport, SubmissionPreview, preview
from medimeta_c.leaderboard.releases.freezing import ReleaseConfig, ReleaseReport, release
from medimeta_c.leaderboard.site.writing import SiteConfig, SiteReport, build_site
from medimeta_c.leaderboard.submission import Submission, read_submission, write_submission
from medimeta_c.leaderboard.submit import SubmitConfig, SubmitReport, submit
from medimeta_c.leaderboard.validation import validate

__all__ = [
    "Accepted",
    "Finding",
    "PreviewReport",
    "ReleaseConfig",
    "ReleaseReport",
    "SiteConfig",
    "SiteReport",
    "Submission",
    "SubmissionPreview",
    "SubmitConfig",
    "SubmitReport",
    "accept",
    "build_site",
    "init_submission",
    "model_eval_yaml",
    "preview",
    "read_accepted",
    "read_submission",
    "release",
    "submit",
    "validate",
    "write_accepted",
    "write_submission",
]
