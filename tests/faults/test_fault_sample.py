"""A sample of the fault suite; `scripts/faults` runs all of it."""

from __future__ import annotations

import random
from importlib.util import find_spec
from pathlib import Path

import pytest
from fault_commands import COMMANDS
from fault_shim import missing
from fault_suite import Done, bench, planned, steps_to_run

MODELS = {"evaluate", "probe", "finetune"}
SAMPLE = {"build": 5, "merge-in-place": 3, "leaderboard": 3, "push": 2, "evaluate": 2}
"""Commands of which each run of the tests takes so many steps, in seconds; the others are longer."""

reason = missing()
needs_shim = pytest.mark.skipif(reason is not None, reason=reason or "")


@needs_shim
@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_after_a_fault_nothing_is_wrong_and_the_command_resumes(name: str, tmp_path: Path) -> None:
    """Whatever the step and fault: one sentence, no wrong file; run again, the bytes of an untouched run."""
    if name in MODELS and any(find_spec(one) is None for one in ("torch", "open_clip", "transformers")):
        pytest.skip("needs the 'evaluate' extra")
    with bench(name, tmp_path) as one:
        steps = planned(one)
        full = [(fault, step) for fault, step in steps if fault == "full"][:1]
        for fault, step in [*full, *random.Random(name).sample(steps, SAMPLE[name])]:
            assert one.faults_found(fault, step) == []


def test_every_step_of_a_short_command_is_planned_and_of_a_long_one_both_ends() -> None:
    """Below 300 all; above, 100 at each end and 200 between, the same each time; all again if asked."""
    assert steps_to_run(299, "eio") == list(range(1, 300))
    drawn = steps_to_run(2000, "eio")
    assert drawn == steps_to_run(2000, "eio")
    assert len(drawn) == len(set(drawn)) == 400
    assert drawn[:100] == list(range(1, 101))
    assert drawn[-100:] == list(range(1901, 2001))
    assert steps_to_run(2000, "eio", every=True) == list(range(1, 2001))
    assert len(steps_to_run(2000, "term")) == 100


def test_what_is_done_is_kept(tmp_path: Path) -> None:
    """A later slice reads the steps of an earlier one."""
    Done(tmp_path / "done.json").add("build", "eio", 7)
    assert Done(tmp_path / "done.json").of("build", "eio") == {7}
    assert Done(tmp_path / "done.json").of("build", "kill") == set()


def test_commands_are_named_once() -> None:
    """A name is also the folder of the inputs that the arguments name."""
    for name, command in COMMANDS.items():
        assert any(f"in/{name}/" in part or part == f"in/{name}" for part in command.arguments), name
