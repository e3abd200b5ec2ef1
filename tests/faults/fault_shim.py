"""Compile the shim, and start processes that fork a command for each step."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FAULTS = {"none": 0, "eio": 1, "enospc": 2, "short": 3, "kill": 4, "term": 5, "full": 6}
"""Numbers of the faults in ``shim.c``. ``full`` is ENOSPC at a step and at every later one."""

KINDS = {
    1: "read",
    2: "write",
    4: "sync",
    8: "rename",
    16: "open",
    32: "create",
    64: "close",
    128: "truncate",
    256: "close",
}


def missing() -> str | None:
    """Return why the shim cannot be used here, or None."""
    if not sys.platform.startswith("linux"):
        return "the shim needs Linux's LD_PRELOAD"
    if compiler() is None:
        return "needs a C compiler: apt-get install gcc"
    return None


def compiler() -> str | None:
    """Return the first C compiler found."""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def compiled(folder: Path) -> Path:
    """Compile the shim into a folder; return the library."""
    library = folder / "shim.so"
    command = [str(compiler()), "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "shim.c"), "-ldl"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return library


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a forked command ended.

    Attributes
    ----------
    code : int
        Exit code; minus the signal if one ended it.
    steps : dict of str to int
        By fault, how many steps it can happen to.
    kind, path : str
        The step at which the fault happened; empty if the command ended before it.
    errors : str
        Its stderr.
    """

    code: int
    steps: dict[str, int]
    kind: str
    path: str
    errors: str

    @property
    def touched(self) -> bool:
        """Whether the fault happened."""
        return bool(self.kind)


class Forks:
    """A process that has imported what commands need, and forks a child for each run of one.

    Parameters
    ----------
    process : subprocess.Popen
        A running ``fault_server.py``.
    errors : Path
        Where children write what they print.
    """

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self._process, self._errors = process, errors

    def prepare(self, command: str, root: Path) -> None:
        """Write the inputs of a command below a folder."""
        self._ask(prepare=command, root=str(root))

    def learn(self, arguments: list[str], cwd: Path) -> Ending:
        """Run a command untouched; import in the server, for all later forks, what it imported."""
        return self._ending(self._ask(arguments=arguments, cwd=str(cwd), learn=True))

    def run(self, arguments: list[str], cwd: Path, fault: str = "none", step: int = 0) -> Ending:
        """Run a command with a fault at a step on the files below `cwd`; step 0 never comes."""
        answer = self._ask(arguments=arguments, cwd=str(cwd), fault=FAULTS[fault], step=step)
        return self._ending(answer)

    def _ending(self, answer: Mapping[str, Any]) -> Ending:
        return Ending(
            code=answer["code"],
            steps=dict(zip(FAULTS, answer["steps"], strict=True)),
            kind=KINDS.get(answer["kind"], ""),
            path=answer["path"],
            errors=self._errors.read_text(encoding="utf-8", errors="replace"),
        )

    def _ask(self, **request: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"errors": str(self._errors), **request}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"the fork server ended: {self._errors.read_text(encoding='utf-8')}")
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise AssertionError(f"{answer['refused']}\n{self._errors.read_text(encoding='utf-8')}")
        return answer


@contextlib.contextmanager
def forks(work: Path, environment: Mapping[str, str]) -> Iterator[Forks]:
    """Start a fork server under the shim; it ends with the block."""
    environment = {**environment, "LD_PRELOAD": str(compiled(work)), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, str(HERE / "fault_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        yield Forks(process, work / "errors.txt")
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
