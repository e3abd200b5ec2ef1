"""Commands beside the installed recipes of docs/extending.md."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).parents[2]


@dataclass(frozen=True)
class Shell:
    """A folder in which commands run, with the package of recipes installed or without."""

    folder: Path
    site: Path

    def __call__(self, *arguments: object, plugins: bool = True, code: int = 0) -> str:
        """Run ``medimeta-c`` and return what it printed; the exit code must be `code`."""
        return self.python("-m", "medimeta_c", *arguments, plugins=plugins, code=code)

    def python(self, *arguments: object, plugins: bool = True, code: int = 0) -> str:
        paths = [str(REPO), str(REPO / "corruptions"), *([str(self.site)] if plugins else [])]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "MEDIMETA_DATA": str(self.folder / "data"),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "200",
            "HF_HUB_OFFLINE": "1",
        }
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
        )
        return done.stdout + done.stderr
