"""A fork server: imports once, then forks a child that runs one command with one fault.

Requests are lines of JSON on stdin, answers on stdout. It runs under the shim; see `fault_shim`.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from medimeta_corruptions import _jit

FAULTS = 7
"""Faults that the shim knows, no fault included."""

LIMIT_SECONDS = 300
"""A command that takes longer hangs."""


def main() -> None:
    """Answer requests until stdin ends."""
    os.environ.pop("LD_PRELOAD")  # of this process alone
    shim = ctypes.CDLL(None)
    shim.fault_path.restype = ctypes.c_char_p
    shim.fault_steps.restype = ctypes.c_long
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in sys.stdin:
        print(json.dumps(answered(json.loads(line), shim)), file=answers, flush=True)


def answered(request: dict[str, Any], shim: ctypes.CDLL) -> dict[str, Any]:
    """Fork a child for a request, wait for it, and tell how it ended."""
    shim.fault_share()
    learned = Path(request["errors"]).with_suffix(".learned")
    child = os.fork()
    if child == 0:
        run(request, shim, learned)
    descriptor = os.pidfd_open(child)
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    hangs = not waiting.poll(LIMIT_SECONDS * 1000)
    if hangs:
        os.kill(child, signal.SIGKILL)
    os.close(descriptor)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if hangs:
        return {"refused": f"still running after {LIMIT_SECONDS} s: {request}"}
    if "prepare" in request and code != 0:
        return {"refused": f"inputs could not be written: {request}"}
    if request.get("learn"):
        take_over(**json.loads(learned.read_text(encoding="utf-8")))
    return {
        "code": code,
        "steps": [shim.fault_steps(fault) for fault in range(FAULTS)],
        "kind": shim.fault_kind(),
        "path": os.fsdecode(shim.fault_path()),
    }


def named(one: _jit.Kernel[Any]) -> str:
    """Return a kernel's name with its module's."""
    return f"{one._function.__module__}.{one._function.__qualname__}"


def kernels() -> list[str]:
    """Return the names of the kernels whose machine code this process has."""
    return [named(one) for one in _jit._KERNELS if one._compiled is not None]


def take_over(modules: list[str], kernels: list[str]) -> None:
    """Import and compile what a child did, so that later children need not."""
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for one in _jit._KERNELS:
        if named(one) in kernels:
            one.compile()
    gc.collect()
    gc.freeze()  # a child's collector then leaves the pages of this process alone


def run(request: dict[str, Any], shim: ctypes.CDLL, learned: Path) -> NoReturn:
    """Run a command, or write the inputs of one, in this child; never return."""
    output = os.open(request["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(output, 2)
    code: object = 0
    try:
        if "prepare" in request:
            from fault_commands import COMMANDS

            COMMANDS[request["prepare"]].prepare(Path(request["root"]))
        else:
            from medimeta_c.__main__ import main as command_line

            os.chdir(request["cwd"])
            sys.argv = ["medimeta-c", *request["arguments"]]
            if not request.get("learn"):
                shim.fault_arm(os.fsencode(request["cwd"]), request["fault"], ctypes.c_long(request["step"]))
            command_line()
    except SystemExit as error:
        code = error.code
    except BaseException:  # as the interpreter does at its end
        traceback.print_exc()
        code = 1
    if request.get("learn"):
        learned.write_text(json.dumps({"modules": list(sys.modules), "kernels": kernels()}), encoding="utf-8")
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
