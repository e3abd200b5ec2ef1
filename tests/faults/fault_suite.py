"""Run commands with one fault each: which steps, what must hold after each, and which are done.

After a fault nothing that looks finished is wrong, stderr has one sentence and no traceback, and the same
command run again gives the same bytes as an untouched run.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fault_commands import BOARD, COMMANDS, FaultyCommand
from fault_shim import FAULTS, Ending, Forks, forks
from hub_server import HubServer, hub_environment

KILLED, TERMINATED = -9, 143
_TIMES = {"seconds", "images_per_second"}
"""What differs between two equal runs, in the two logs of fine-tuning."""

_PARTS = ".medimeta-c/parts/"
"""Where parts are until they are merged."""

FEWER = {"term", "full"}
"""Faults of which fewer steps are run: what they leave, an error and a kill leave too."""

TESTED = tuple(FAULTS)[1:]

Tree = dict[str, str]
"""Visible files by path, as digests; those of the Hub too."""


def steps_to_run(count: int, fault: str, *, every: bool = False) -> list[int]:
    """Return which of 1 to `count` to run: all below 300, else 100 at each end and 200 drawn between them.

    Of SIGTERM and of a full disk: all up to 100, else 20 at each end and 60 between.
    """
    most, edge, number = (100, 20, 60) if fault in FEWER else (299, 100, 200)
    if every or count <= most:
        return list(range(1, count + 1))
    between = range(edge + 1, count - edge + 1)
    drawn = random.Random(0).sample(between, min(number, len(between)))
    return sorted({*range(1, edge + 1), *drawn, *range(count - edge + 1, count + 1)})


def tree(root: Path, shown: str = "") -> Tree:
    """Every visible file below a folder, those in hidden folders of a name too, and its digest."""
    names = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {
        name: hashlib.sha256(content(path)).hexdigest()
        for name, path in names.items()
        if "/." not in f"/{name.replace(shown, '') if shown else name}"
    }


def content(path: Path) -> bytes:
    """Return a file's bytes, those of a log without times."""
    if path.name == "training.jsonl":
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return json.dumps(
            [{key: line[key] for key in line.keys() - _TIMES} for line in lines], sort_keys=True
        ).encode()
    if path.name == "training.csv":
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return json.dumps(
            [{key: row[key] for key in row.keys() - _TIMES} for row in rows], sort_keys=True
        ).encode()
    return path.read_bytes()


@dataclass
class Bench:
    """A folder and a hub in which one command runs again and again, each time from the beginning.

    Parameters
    ----------
    command : FaultyCommand
        What runs.
    root : Path
        Its folder, inputs included.
    server : Forks
        What forks it.
    hub : HubServer
        What it talks to.

    Attributes
    ----------
    expected : dict of str to str
        What an untouched run makes.
    counts : dict of str to int
        By fault, how many steps it can happen to.
    resumed : set of str
        Digests of what faults left, from which the command was seen to go on.
    """

    command: FaultyCommand
    root: Path
    server: Forks
    hub: HubServer
    expected: Tree = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    resumed: set[str] = field(default_factory=set)

    @property
    def pristine(self) -> Path:
        """A copy of the inputs."""
        return self.root.parent / "pristine"

    def begin(self) -> None:
        """Write the inputs, and run the command untouched: what it makes, and its steps for each fault."""
        self.server.prepare(self.command.name, self.root)
        shutil.copytree(self.root / "in", self.pristine)
        self.reset()
        learned = self.server.learn(list(self.command.arguments), self.root)
        assert (learned.code, learned.errors) == (0, ""), learned.errors
        self.expected = self.made()
        self.reset()
        ending = self.run()
        assert (ending.code, ending.errors) == (0, ""), ending.errors
        assert self.made() == self.expected, differing(self.expected, self.made())
        self.counts = {fault: ending.steps[fault] for fault in TESTED}

    def reset(self) -> None:
        """Remove what earlier runs made, also on the hub."""
        for path in self.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()  # an import's audit is beside its output
        shutil.copytree(self.pristine, self.root / "in")
        (self.root / "home").mkdir()
        self.hub.store.repos.clear()
        if self.command.name == "submit":
            self.hub.store.add_repo("dataset", BOARD, self.root / "in/submit/board")

    def run(self, fault: str = "none", step: int = 0) -> Ending:
        """Run the command once."""
        return self.server.run(list(self.command.arguments), self.root, fault, step)

    def made(self) -> Tree:
        """What there is now: inputs, which some commands add to, outputs, and what the hub has."""
        files = tree(self.root, _PARTS if self.command.part else "")
        found = {name: digest for name, digest in files.items() if not name.startswith("home/")}
        for (kind, name), repo in self.hub.store.repos.items():
            for ref in repo.refs:
                for path in repo.paths(ref):
                    digest = hashlib.sha256(repo.read(path, ref)).hexdigest()
                    found[f"hub {kind} {name} {ref} {path}"] = digest
        return found

    def left(self) -> str:
        """Digest all that a run left, hidden files too."""
        digest = hashlib.sha256()
        for path in sorted(self.root.rglob("*")):
            digest.update(path.relative_to(self.root).as_posix().encode() + b"\0")
            if path.is_file():
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def faults_found(self, fault: str, step: int) -> list[str]:
        """Run the command with a fault, then again; return what is wrong, nothing if all holds.

        It is not run again if an earlier fault left the same files and the command went on from them.
        """
        self.reset()
        ending = self.run(fault, step)
        wrong = [*self._wrong_ending(fault, ending), *self._wrong_files(ending)]
        left = None if self.command.hub else self.left()
        if left not in self.resumed:
            resumed = self._wrong_when_run_again()
            wrong += resumed
            if left is not None and not resumed:
                self.resumed.add(left)
        where = f"{self.command.name} {fault} {step} ({ending.kind} {Path(ending.path).name})"
        return [f"{where}: {line}" for line in wrong]

    def _wrong_when_run_again(self) -> list[str]:
        """Run the command untouched on what a fault left."""
        wrong = []
        again = self.run()
        if again.code != 0:
            wrong.append(f"run again it ends with {again.code}: {again.errors.strip()}")
        elif self.made() != self.expected:
            wrong.append(f"run again it makes something else: {differing(self.expected, self.made())}")
        parts = [str(path) for path in self.root.rglob("*.part")]
        if parts and again.code == 0:
            wrong.append(f"parts are left: {parts}")
        return wrong

    def _wrong_ending(self, fault: str, ending: Ending) -> Iterator[str]:
        lines = ending.errors.strip().splitlines()
        failed = {"kill": KILLED, "term": TERMINATED}.get(fault, 1)
        if ending.code not in ((failed,) if fault == "kill" and ending.touched else (0, failed)):
            yield f"ends with {ending.code}: {ending.errors}"
        if "Traceback" in ending.errors:
            yield f"prints a traceback: {ending.errors}"
        sentences = [line for line in lines if line.startswith("medimeta-c: ")]
        if ending.code == failed and fault != "kill" and (len(sentences) != 1 or len(lines) != 1):
            yield f"prints {len(lines)} lines: {ending.errors}"

    def _wrong_files(self, ending: Ending) -> Iterator[str]:
        """After an exit with 0, or where a finished output is, everything is there and right."""
        made = self.made()
        finished = self.command.finished in made
        expected = self.expected
        if finished and ending.code != 0:  # the rest may be missing, and is checked below if it is there
            expected = {name: digest for name, digest in expected.items() if name not in self.command.beside}
            made = {name: digest for name, digest in made.items() if name not in self.command.beside}
        if (ending.code == 0 or finished) and made != expected:
            yield f"ends with {ending.code}, looks finished and is wrong: {differing(expected, made)}"
        made = self.made()
        for name in made.keys() & self.expected.keys():
            if made[name] != self.expected[name] and Path(name).name not in self.command.logs:
                yield f"{name} is not what an untouched run writes"


def differing(expected: Tree, made: Tree) -> str:
    """Return the names of files that are missing, new or different."""
    return ", ".join(sorted(name for name, _ in expected.items() ^ made.items()))


@contextlib.contextmanager
def bench(name: str, work: Path) -> Iterator[Bench]:
    """Prepare a command in a folder; its processes and its hub end with the block."""
    root = work / "root"
    root.mkdir(parents=True)
    with HubServer() as hub:
        environment = hub_environment(hub, work, home=root / "home")
        with forks(work, environment) as server:
            made = Bench(COMMANDS[name], root, server, hub)
            made.begin()
            yield made


@dataclass
class Done:
    """Which steps have been run, in a file that later slices read.

    Parameters
    ----------
    path : Path
        A JSON file: command and fault → steps.
    """

    path: Path
    steps: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.exists():
            self.steps = json.loads(self.path.read_text(encoding="utf-8"))

    def of(self, command: str, fault: str) -> set[int]:
        """Return the steps of a command and fault that were run."""
        return set(self.steps.get(f"{command} {fault}", ()))

    def add(self, command: str, fault: str, step: int) -> None:
        """Note a step, at once."""
        self.steps.setdefault(f"{command} {fault}", []).append(step)
        part = self.path.with_suffix(".new")
        part.write_text(json.dumps(self.steps), encoding="utf-8")
        part.replace(self.path)


def planned(one: Bench, part: tuple[int, int] = (1, 1)) -> list[tuple[str, int]]:
    """Return the faults and steps of a slice: every n-th, from the i-th on."""
    pairs: Sequence[tuple[str, int]] = [
        (fault, step)
        for fault in TESTED
        for step in steps_to_run(
            one.counts[fault], fault, every=one.command.name == "build" and fault in {"eio", "kill"}
        )
    ]
    return list(pairs[part[0] - 1 :: part[1]])
