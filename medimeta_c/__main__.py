"""Entry point of the ``medimeta-c`` script and of ``python -m medimeta_c``: signals first, then imports."""

import os
import signal
from types import FrameType

__all__ = ["main"]


def _leave(number: int, frame: FrameType | None = None) -> None:
    """Leave at once: while modules are imported there is nothing to tidy up."""
    os.write(2, b"medimeta-c: interrupted\n")
    os._exit(128 + number)


def main() -> None:
    """Run the command line."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _leave)
    from medimeta_c.cli import main as run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
