"""Which lines of a reader's functions were reached, from what coverage.py recorded."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from typing import Any

from fuzz_readers.entry import FuzzedReader

_WRAPS = ("fget", "wrapped", "__func__", "__wrapped__")
"""Where a property, a validator, a method of a class, or a decorated function keeps its function."""


def lines_reached(reader: FuzzedReader, data: Path) -> str:
    """Return the share of a reader's own lines that ran, and the lines that did not."""
    import coverage

    measured = coverage.Coverage(data_file=str(data))
    measured.load()
    measured.get_data().set_query_contexts([f"^{reader.name}$"])
    ran, missed = 0, []
    for place in reader.code:
        module, _, name = place.partition(":")
        code = _code(importlib.import_module(module), name)
        file, statements, _, missing, _ = measured.analysis2(inspect.getfile(code))
        own = _within_functions(code) & set(statements)
        ran += len(own - set(missing))
        missed += [f"{Path(file).name}:{line}" for line in sorted(own & set(missing))]
    shown = ", ".join(missed[:12]) + (" …" if len(missed) > 12 else "")
    return f"{ran / max(1, ran + len(missed)):.0%} of {ran + len(missed)} lines" + (
        f", not {shown}" if missed else ""
    )


def _within_functions(code: Any) -> set[int]:
    """Return the lines of the bodies of a function, or of those of a class or module."""
    lines, first = inspect.getsourcelines(code)
    text = Path(inspect.getfile(code)).read_text(encoding="utf-8")
    last = first + len(lines) if first else text.count("\n") + 1
    return {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and first <= node.lineno < last
        for part in node.body
        for line in range(part.lineno, (part.end_lineno or part.lineno) + 1)
    }


def _code(found: Any, name: str) -> Any:
    for part in name.split(".") if name else ():
        found = inspect.getattr_static(found, part)
    while (
        inside := next((getattr(found, name) for name in _WRAPS if hasattr(found, name)), None)
    ) is not None:
        found = inside
    return found
