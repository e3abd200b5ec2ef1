"""Give changed files to readers in a child of bounded memory and time; count how far each came.

`fuzz_child` is that child, and says what is an error.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fuzz_child import SECONDS
from fuzz_corpus import write_corpus
from fuzz_readers import READERS

STAGES = ("container", "refused", "accepted", "wrong")
"""How far an input came: its container was refused, or what is in it; it was read; an error is not ours."""

CHILD = Path(__file__).with_name("fuzz_child.py")


class Fuzzer:
    """A corpus, and a child that reads its changed files.

    Parameters
    ----------
    root : Path
        Where the corpus is written; it must not exist.
    python : sequence of str, optional
        How the child is started, to measure it.
    """

    def __init__(self, root: Path, python: Sequence[str] = (sys.executable,)) -> None:
        self.root, self._command = root, python
        write_corpus(root)
        (root / ".seeds").mkdir()
        for reader in READERS.values():
            if not (root / reader.file).exists():  # such as DICOM, without pydicom
                continue
            (root / ".seeds" / reader.name).write_bytes((root / reader.file).read_bytes())
        self._child: subprocess.Popen[str] | None = None

    def has(self, name: str) -> bool:
        """Return whether a reader has a seed; some are made with optional packages."""
        return (self.root / ".seeds" / name).is_file()

    def run(self, name: str, indices: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Yield the outcome of each input of a reader."""
        self._ask(reader=name)
        for index in indices:
            answer = self._ask(reader=name, index=index)
            if answer is None:
                reader = READERS[name]
                (self.root / reader.file).write_bytes((self.root / ".seeds" / name).read_bytes())
                answer = {"stage": "wrong", "whole": True, "why": "the process ended, or hung"}
                self._ask(reader=name)
            yield {"index": index, **answer}

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()  # type: ignore[union-attr]
            try:
                self._child.wait(20 * SECONDS)  # what it measured may take long to write
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
            for stream in (self._child.stdin, self._child.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            self._child = None

    def _ask(self, **task: object) -> dict[str, Any] | None:
        """Give a task to the child; None if that ended it."""
        if self._child is None:
            self._child = subprocess.Popen(
                [*self._command, str(CHILD), str(self.root)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(task) + "\n")
        self._child.stdin.flush()
        # A first task imports, which may take long; a later one is bounded by the child itself.
        ready, _, _ = select.select([self._child.stdout], [], [], 20 * SECONDS)
        line = self._child.stdout.readline() if ready else ""
        if not line:
            self.close()
            assert "index" in task, f"the seed of {task['reader']} cannot be read"
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer


def tally(counts: dict[str, int], outcome: Mapping[str, Any]) -> None:
    """Count an outcome by its stage, and whether its container was whole."""
    for name in (outcome["stage"], *(["whole"] if outcome["whole"] else [])):
        counts[name] = counts.get(name, 0) + 1


def counted(counts: Mapping[str, int]) -> str:
    """Return the counts of stages, and the share of whole containers, as a line."""
    total = sum(counts.get(stage, 0) for stage in STAGES)
    stages = ", ".join(f"{counts.get(stage, 0)} {stage}" for stage in STAGES)
    return f"{total} inputs: {stages}; {counts.get('whole', 0) / max(1, total):.0%} pass the container"
