"""Run the blocks of one page, given as JSON on stdin, in this folder and one namespace; stop at a failure."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from pathlib import Path


def main() -> int:
    """Run every block; return 1 if one fails."""
    sys.path.insert(0, str(Path.cwd()))
    namespace: dict[str, object] = {"__name__": "__docs__"}
    for place, language, code in json.load(sys.stdin):
        sys.stdout.write(f"--- {place}\n")
        sys.stdout.flush()
        if language == "bash":
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], check=False)
            if done.returncode:
                sys.stdout.write(f"{place}: exit code {done.returncode}\n")
                return 1
        else:
            try:
                exec(compile(code, place, "exec"), namespace)
            except BaseException:
                traceback.print_exc()
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
