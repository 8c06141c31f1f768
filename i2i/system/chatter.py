"""What codecs in C write to the terminal by themselves, kept off it; what is wrong with a file is in our errors."""

import os
import sys
import threading

STDERR = 2
"""The descriptor that C libraries write to."""

_lock = threading.Lock()
_inside = 0
_terminal: int | None = None
"""Copy of the descriptor as the process had it, once Python does not write to that any more."""


def own_stderr() -> None:
    """Give `sys.stderr` a descriptor of its own, so that Python is heard while codecs are not.

    To be called once, by whoever owns the process: a command, a worker. In other processes nothing is kept off.
    """
    global _terminal
    try:
        if _terminal is None and sys.stderr.fileno() == STDERR:
            _terminal = os.dup(STDERR)
            encoding = sys.stderr.encoding
            sys.stderr = os.fdopen(os.dup(STDERR), "w", buffering=1, encoding=encoding, errors="backslashreplace")
    except (AttributeError, OSError):  # there is no terminal, or somebody has replaced it already
        return


class CodecsKeptQuiet:
    """Keeps what codecs write off the terminal while any thread decodes; others write to `sys.stderr` meanwhile."""

    def __enter__(self) -> None:
        global _inside
        if _terminal is not None:
            with _lock:
                _inside += 1
                if _inside == 1:
                    nowhere = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(nowhere, STDERR)
                    os.close(nowhere)

    def __exit__(self, *_: object) -> None:
        global _inside
        if _terminal is not None:
            with _lock:
                _inside -= 1
                if _inside == 0:
                    os.dup2(_terminal, STDERR)
