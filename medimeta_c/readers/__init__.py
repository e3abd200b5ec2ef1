"""Reader studies: a page that asks people what a severity means, and what their answers say."""

from medimeta_c.readers.design import StudyConfig
from medimeta_c.readers.page import StudyReport, make_study
from medimeta_c.readers.scores import ReaderScores
from medimeta_c.readers.scoring import score_readers

__all__ = ["ReaderScores", "StudyConfig", "StudyReport", "make_study", "score_readers"]
