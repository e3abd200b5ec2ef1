"""Which lines of a reader's functions were reached, from what coverage.py recorded."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from fuzz_readers import FuzzedReader

_AT_IMPORT = ("def ", "class ", "@", "from ", "import ")
"""Begin lines that run when a module is imported, which an earlier reader may have done."""


def lines_reached(reader: FuzzedReader, data: Path) -> str:
    """Return the share of a reader's own lines that ran, and the lines that did not."""
    import coverage

    measured = coverage.Coverage(data_file=str(data))
    measured.load()
    measured.get_data().set_query_contexts(["^$", f"^{reader.name}$"])  # of imports, and its own
    ran, missed = 0, []
    for place in reader.code:
        module, _, name = place.partition(":")
        code = _code(importlib.import_module(module), name)
        file, statements, _, missing, _ = measured.analysis2(inspect.getfile(code))
        source, first = ([], 1) if isinstance(code, ModuleType) else inspect.getsourcelines(code)
        texts = Path(file).read_text(encoding="utf-8").splitlines()
        own = {
            line
            for line in statements
            if (not source or first <= line < first + len(source))
            and not texts[line - 1].lstrip().startswith(_AT_IMPORT)
        }
        ran += len(own - set(missing))
        missed += [f"{Path(file).name}:{line}" for line in sorted(own & set(missing))]
    shown = ", ".join(missed[:12]) + (" …" if len(missed) > 12 else "")
    return f"{ran / max(1, ran + len(missed)):.0%} of {ran + len(missed)} lines" + (
        f", not {shown}" if missed else ""
    )


def _code(found: Any, name: str) -> Any:
    for part in name.split(".") if name else ():
        found = getattr(found, part)
    return inspect.unwrap(found)
