"""Run the blocks of one page, given as JSON on stdin, in this folder and one namespace. Stops at the first that fails.

Models that would come from the network are small ones of the same structure with random weights; everything
else runs as it is written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from pathlib import Path


def use_stand_ins() -> None:
    """Let specs of published weights load the folders named on the command line."""
    try:
        from medimeta_c.models import openclip
    except ModuleNotFoundError:  # without the evaluate extra nothing is loaded
        return
    load = openclip.load_folder
    hub, named = sys.argv[1:3]
    openclip.load_hub = lambda spec, target: load(spec, hub)
    openclip.load_named = lambda spec, target: load(spec, named)


def main() -> int:
    """Run every block; return 1 if one fails."""
    use_stand_ins()
    sys.path.insert(0, str(Path.cwd()))
    namespace: dict[str, object] = {"__name__": "__docs__"}
    for place, language, code in json.load(sys.stdin):
        print(f"--- {place}", flush=True)
        if language == "bash":
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], check=False)
            if done.returncode:
                print(f"{place}: exit code {done.returncode}", flush=True)
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
