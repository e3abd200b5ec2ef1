"""Measure scoring and fine-tuning on one CUDA device, in less than eight minutes, with random weights.

- `evaluate`'s images/s against the bare forward, the share of time the device waits for data, and peak memory:
  ViT-B/16 and ViT-L/14, fp32 and bf16;
- what becomes of a batch that does not fit;
- images/s and memory of fine-tuning at BiomedCLIP's shape (ViT-B/16, BERT-base with 256 tokens), batches of 256.

Each part is a process with a time limit: if one fails, the others' figures are printed all the same. Without network
and with libraries missing, wheels may be brought along; together with this repository they are below 64 MiB:

    python scripts/bench/gpu.py --fetch wheels      where there is a network; for Python 3.12 on x86-64 Linux
    python scripts/bench/gpu.py --wheels wheels     on the machine with the device; also --json FILE
    python scripts/bench/gpu.py --dry-run           tiny models on the CPU: whether the script runs
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIMIT_S = 470.0
DRY_S = 600.0  # any machine is fast enough
CARRIED_BYTES = 64 << 20
PYTHON = "3.12"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
NEEDED = (
    *("PIL", "cv2", "deflate", "h5py", "httpx", "huggingface_hub", "jinja2", "joblib", "matplotlib", "numba"),
    *("open_clip", "platformdirs", "pyarrow", "pydantic", "safetensors", "scipy", "timm", "torch"),
    *("torchvision", "transformers", "yaml"),
)


@dataclass(frozen=True)
class Part:
    """A part of `gpu_parts.py`, its arguments, and the seconds it may take, starting included."""

    name: str
    arguments: tuple[str, ...]
    seconds: float

    @property
    def title(self) -> str:
        return " ".join((self.name, *self.arguments))


PARTS = (
    Part("data", (), 90),
    Part("evaluate", ("ViT-B-16", "fp32"), 55),
    Part("evaluate", ("ViT-B-16", "bf16"), 50),
    Part("evaluate", ("ViT-L-14", "fp32"), 70),
    Part("evaluate", ("ViT-L-14", "bf16"), 55),
    Part("halve", (), 35),
    Part("finetune", ("bf16",), 60),
    Part("finetune", ("fp32",), 55),
)
STARTING_S = 15.0  # of a part, which are not for measuring: imports, and the end of its last repeat


def fetch(wheels: Path) -> None:
    """Download the wheels, and check that they travel with the repository."""
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    command = ["download", "--no-deps", "--only-binary=:all:", "--python-version", PYTHON, *platforms]
    listed = ["--requirement", str(HERE / "gpu-wheels.txt"), "--dest", str(wheels)]
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *command, *listed], check=True)
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    tree = [ROOT / name for name in listing.stdout.split("\0") if name]
    size, total = (
        sum(path.stat().st_size for path in paths if path.is_file())
        for paths in (wheels.glob("*.whl"), [*tree, *wheels.glob("*.whl")])
    )
    print(f"wheels of {size / 2**20:.1f} MiB, with the tree {total / 2**20:.1f} MiB")
    if total > CARRIED_BYTES:
        sys.exit(f"that is more than {CARRIED_BYTES >> 20} MiB")


def install(wheels: Path, target: Path) -> None:
    """Install wheels into a folder, without network."""
    files = sorted(map(str, wheels.glob("*.whl")))
    if not files:
        sys.exit(f"{wheels} has no wheels")
    quiet = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--no-cache-dir", "--upgrade"]
    command = [sys.executable, "-m", "pip", "install", *quiet, "--target", str(target), *files]
    subprocess.run(command, check=True)


def prefer(*folders: Path) -> None:
    """Import from some folders first, here and in processes that are started."""
    names = list(map(str, folders))
    sys.path[:0] = names
    os.environ["PYTHONPATH"] = os.pathsep.join([*names, *filter(None, [os.environ.get("PYTHONPATH")])])


def measured(part: Part, work: Path, limit: float, *, dry_run: bool) -> dict[str, Any]:
    """Run a part; return its figures, or why there are none as `failed`."""
    seconds = ["--seconds", str(max(limit - STARTING_S, 1)), "--work", str(work)]
    command = [sys.executable, str(HERE / "gpu_parts.py"), part.name, *part.arguments, *seconds]
    with subprocess.Popen(
        [*command, *["--dry-run"] * dry_run],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, complaint = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            said, complaint = "", f"it took more than {limit:.0f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):  # also those that the part started
                os.killpg(process.pid, signal.SIGKILL)
    try:
        figures: dict[str, Any] = json.loads(said.splitlines()[-1])
    except (IndexError, ValueError):
        return {"failed": (complaint.strip().splitlines() or ["it said nothing"])[-1]}
    return figures


def card() -> str:
    """Return the name of the device and the versions that matter."""
    import torch

    where = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU ({platform.machine()})"
    return f"{where}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"


def shown(figure: float | None, form: str = ".0f") -> str:
    return "-" if figure is None else format(figure, form)


def table(found: Sequence[tuple[Part, dict[str, Any]]]) -> str:
    """Return the figures as Markdown; parts that failed are named below."""
    lines = [
        "| model | precision | batch | bare forward, images/s | evaluate, images/s | of bare | device waits | peak, MB |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    tuning = [
        "| fine-tuning BiomedCLIP's shape | batch | at a time | images/s | peak, MB |",
        "|---|---:|---:|---:|---:|",
    ]
    others = []
    for part, one in found:
        if "failed" in one:
            others.append(f"- `{part.title}` failed: {one['failed']}")
        elif part.name == "evaluate":
            low, high = one["of_bare_range"]
            lines.append(
                f"| {part.arguments[0]} | {part.arguments[1]} | {one['batch']} | {one['bare']:.0f} | {one['ours']:.0f} "
                f"| {one['of_bare']:.2f} ({low:.2f} to {high:.2f}) | {100 * one['waits']:.0f} % | {shown(one['peak_mb'])} |"
            )
        elif part.name == "finetune":
            tuning.append(
                f"| {part.arguments[0]} | {one['batch']} | {one['micro_batch']} | {one['ours']:.0f} | {shown(one['peak_mb'])} |"
            )
        elif part.name == "halve":
            others.append(
                f"- A batch of {one['batch']} with memory capped at {shown(one['capped_mb'])} MB became {one['became']}, "
                f"peak {shown(one['peak_mb'])} MB; {one['equal']} of {one['images']} predictions are equal."
            )
        else:
            others.append(f"- {one['images']} images built in {one['seconds']:.0f} s.")
    return "\n".join([*lines, "", *tuning, "", *others])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fetch", type=Path, metavar="DIR", help="download the wheels, and end")
    parser.add_argument(
        "--wheels", type=Path, metavar="DIR", help="install the wheels first, without network"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument("--dry-run", action="store_true", help="tiny models on the CPU")
    parser.add_argument("--seconds", type=float, default=LIMIT_S, help="of all parts (default: %(default)s)")
    options = parser.parse_args()
    if options.fetch:
        fetch(options.fetch)
        return
    ends = time.monotonic() + options.seconds
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        prefer(ROOT, ROOT / "corruptions")
        if options.wheels:
            install(options.wheels, Path(folder) / "site")
            prefer(Path(folder) / "site")
        if missing := [name for name in NEEDED if find_spec(name) is None]:
            sys.exit(f"this Python has no {', '.join(missing)}: see --wheels")
        title = card()
        print(f"{title}\n", flush=True)
        found = []
        for part in PARTS:
            limit = DRY_S if options.dry_run else min(part.seconds, ends - time.monotonic())
            figures = {"failed": "there was no time left"}
            if limit > 0:
                figures = measured(part, Path(folder), limit, dry_run=options.dry_run)
            found.append((part, figures))
            print(f"{part.title}: {json.dumps(figures)}", flush=True)
    print(f"\n{table(found)}")
    if options.json:
        values = {part.title: figures for part, figures in found}
        options.json.write_text(json.dumps({"device": title, "parts": values}, indent=1) + "\n")
    sys.exit(any("failed" in figures for _, figures in found))


if __name__ == "__main__":
    main()
