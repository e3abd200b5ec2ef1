"""`scripts/bench/scale.py`: arithmetic on the catalogue's sizes."""

from importlib import import_module

import pytest

from medimeta_c.sources.catalog import catalog


def test_a_dataset_is_rendered_in_the_clean_set_and_thirty_five_others() -> None:
    scale = import_module("scale")
    costs = {1: scale.Cost(ms=2, kb=20), 3: scale.Cost(ms=5, kb=60)}
    one = scale.estimate([(1000, 3), (500, 1)], costs)
    assert (one.datasets, one.clean, one.rendered) == (2, 1500, 54_000)
    assert one.gigabytes == pytest.approx((36_000 * 60 + 18_000 * 20) / 1e6)
    assert one.core_hours == pytest.approx((36_000 * 5 + 18_000 * 2) / 1000 / 3600)
    assert one.largest_set_minutes == pytest.approx(5 / 60)
    assert one.jobs(1) == 1


def test_a_job_begins_before_it_renders() -> None:
    scale = import_module("scale")
    costs = {3: scale.Cost(ms=1000, kb=1)}
    hour = scale.estimate([(100, 3)], costs)  # 3,600 s of rendering, and 30 s to begin
    assert hour.core_hours == 1
    assert hour.jobs(1) == 2


def test_the_benchmark_is_part_of_what_is_counted_and_datasets_of_several_labels_are_not() -> None:
    scale = import_module("scale")
    medimeta = scale.sizes_of("medimeta")
    benchmark = [catalog()[name] for name in ("pbc", "mammo_calc", "pneumonia", "fundus", "oct")]
    assert len(medimeta) == 19
    assert {(one.splits["test"], one.channels) for one in benchmark} <= set(medimeta)
    assert (catalog()["chestmnist"].splits["test"], 1) not in scale.sizes_of("medmnist")
