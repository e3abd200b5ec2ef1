"""The most memory a process has held, measured for that process alone."""

import sys
from pathlib import Path


def peak_memory() -> int:
    """Return the largest resident size of this process so far, in bytes.

    Linux starts a new process's ``ru_maxrss`` at its parent's size and keeps that over ``exec``: a small
    process of a large test run would look as large as the run. ``VmHWM`` belongs to the new program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
