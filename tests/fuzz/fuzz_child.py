"""The child of `fuzz_suite`: reads tasks as lines of JSON on stdin, and answers each with a line."""

from __future__ import annotations

import json
import logging
import os
import random
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

from fuzz_mutators import MUTATORS, passes
from fuzz_mutators.values import flip
from fuzz_readers import READERS
from fuzz_readers.entry import FuzzedReader

SECONDS = 10
"""Longest that a reader may take for one small file, in time of the processor."""

SPARE_BYTES = 3 << 30
"""What a child may map beyond what it has when it starts."""

BLIND = 0.2
"""Share of inputs changed without regard to their container."""


def changed(reader: FuzzedReader, seeds: Sequence[bytes], index: int) -> bytes:
    """Return the `index`-th input of a reader, always the same."""
    draw = random.Random(f"{reader.name} {index}")
    seed = seeds[0] if draw.random() < 0.3 else draw.choice(seeds)
    mutate = flip if draw.random() < BLIND else MUTATORS[reader.container]
    data = mutate(seed, draw)
    if draw.random() < 0.2 and passes(reader.container, data):
        try:
            return mutate(data, draw)
        except Exception:  # the first change made a file that a mutator cannot read
            return flip(data, draw)
    return data


class Slow(BaseException):
    """Raised in a reader that takes too long."""


def _slow(number: int, frame: FrameType | None) -> NoReturn:
    raise Slow


def outcome(reader: FuzzedReader, root: Path, seeds: Sequence[bytes], index: int) -> dict[str, Any]:
    """Read one input; return its stage and, if it is wrong, why."""
    from medimeta_c.errors import MediMetaError

    path = root / reader.file
    data = changed(reader, seeds, index)
    path.write_bytes(data)
    whole = passes(reader.container, data)
    why = ""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (used + SPARE_BYTES, resource.RLIM_INFINITY))
    try:
        reader.read(root)
        stage = "accepted"
    except MediMetaError as error:
        stage = "refused" if whole else "container"
        if "\n" in str(error) or not str(error):
            stage, why = "wrong", f"not one sentence: {error}"
    except Slow:
        stage, why = "wrong", f"takes more than {SECONDS} s"
    except BaseException:
        stage, why = "wrong", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        path.write_bytes(seeds[0])
    return {"stage": stage, "whole": whole, "why": why}


def seeds_of(reader: FuzzedReader, root: Path) -> tuple[bytes, ...]:
    """Return the valid files that a reader's inputs are changed from; the first is the one beside others."""
    more = sorted(path for pattern in reader.also for path in root.glob(pattern))
    return ((root / ".seeds" / reader.name).read_bytes(), *(path.read_bytes() for path in more))


def serve(root: Path) -> None:
    """Answer tasks until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8")
    for number in (1, 2):  # libraries may print
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    warnings.simplefilter("ignore")
    logging.disable()
    measured = _measured()
    signal.signal(signal.SIGPROF, _slow)
    seeds: Sequence[bytes] = ()
    for line in sys.stdin:
        task = json.loads(line)
        reader = READERS[task["reader"]]
        if "index" not in task:  # the seed itself, which imports what reading needs
            if measured is not None:
                measured.switch_context(reader.name)
            seeds = seeds_of(reader, root)
            reader.read(root)
            _answer({"stage": "accepted"}, answers)
            continue
        _answer(outcome(reader, root, seeds, task["index"]), answers)


def _measured() -> Any:
    """Return the measurement of lines under which this process was started, if it was."""
    coverage = sys.modules.get("coverage")
    return None if coverage is None else coverage.Coverage.current()


def _answer(values: dict[str, Any], answers: TextIO) -> None:
    answers.write(json.dumps(values) + "\n")
    answers.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
