"""Running real clients against the hub: their environment, and a fresh interpreter for each script.

huggingface_hub and datasets read their environment when imported, so a test cannot point the clients of
its own process at the hub; it runs a script in a new one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from .server import TOKEN, HubServer

_DROPPED = (
    "HF_",
    "HUGGING",
    "HUGGINGFACE_",
    "TRANSFORMERS_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)

_PRELUDE = """
import json, pathlib, sys
arguments = sys.argv[2:]
def report(value):
    pathlib.Path(sys.argv[1]).write_text(json.dumps(value), encoding="utf-8")
def outcome(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", "")
        return f"{type(error).__name__} {status}".strip()
    return "done"
"""
# Threads that pyarrow reads remote files with can abort an interpreter that is shutting down; by then the
# script has said what it has to say, so it leaves without the usual clean-up.
_POSTLUDE = """
import os
sys.stdout.flush()
sys.stderr.flush()
os._exit(0)
"""


def hub_environment(
    server: HubServer, tmp_path: Path, *, token: str | None = TOKEN, home: Path | None = None
) -> dict[str, str]:
    """Return the whole environment for a subprocess whose clients know no hub but this one.

    Every call gets its own empty HF_HOME below `tmp_path` unless `home` names one to share. Requests to any
    other host go to the server as their proxy, which refuses them and notes them in ``server.outside``.
    """
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(_DROPPED)}
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), server.url)
    passed = "127.0.0.1,localhost"
    environment = {
        **kept,
        **proxies,
        "no_proxy": passed,
        "NO_PROXY": passed,
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(home or tempfile.mkdtemp(prefix="hf-home-", dir=tmp_path)),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "DO_NOT_TRACK": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    if token is not None:
        environment["HF_TOKEN"] = token
    else:
        environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
    return environment


def run_client(script: str, environment: dict[str, str], *arguments: object, timeout: float = 60) -> Any:
    """Run a Python script in a new interpreter and return what it passed to ``report(value)`` as JSON.

    In the script, ``arguments`` is the list given here (as strings), and ``outcome(function, ...)`` calls a
    function and returns "done", or the class name of its exception, followed by the HTTP status if it has
    one. The script runs in an empty folder; one that fails fails the test with its traceback.
    """
    with tempfile.TemporaryDirectory(dir=environment["HF_HOME"]) as folder:
        result = Path(folder, "result.json")
        program = _PRELUDE + textwrap.dedent(script) + _POSTLUDE
        command = [sys.executable, "-c", program, str(result), *map(str, arguments)]
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False
        )
        if done.returncode or not result.exists():
            raise AssertionError(
                f"the client script ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return json.loads(result.read_text(encoding="utf-8"))
