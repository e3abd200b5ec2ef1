"""Scores of models for figures and tables: the paper's printed ones, and those of results."""

from __future__ import annotations

from medimeta_c.paper.ablation import read_fewshot
from medimeta_c.paper.datasets import built_datasets
from medimeta_c.paper.means import mean_over_datasets
from medimeta_c.paper.measured import Results, find_results, scores_of
from medimeta_c.paper.scores import DatasetRow, FewShotScore, ModelScores, by_modality, with_marks
from medimeta_c.paper.tables import published_datasets, published_fewshot, published_scores

__all__ = [
    "DatasetRow",
    "FewShotScore",
    "ModelScores",
    "Results",
    "built_datasets",
    "by_modality",
    "find_results",
    "mean_over_datasets",
    "published_datasets",
    "published_fewshot",
    "published_scores",
    "read_fewshot",
    "scores_of",
    "with_marks",
]
