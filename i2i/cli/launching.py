"""Starts the processes of a run on this machine, and ends all of them when one has failed.

As torchrun does, but without PyTorch, which takes longer to import than all of this, and with one line of what happened
in the place of its report. Several machines are torchrun's: see docs/devices.md.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from i2i.cli.console import complain
from i2i.errors import RankGoneError, ResourceError
from i2i.system.rank import LAUNCHED

GRACE = 5
"""Seconds in which the others end by themselves once one has failed: they notice it as soon as they need it."""

SAVED = 75
"""Exit code of one that was asked to stop; the first one saves for all, for as long as that takes."""


def words_of(given: Mapping[str, Any]) -> list[str]:
    """Return options as words of the command line.

    Example:
        >>> words_of({"batch_size": 2, "set": ["a.b=1", "a.c=2"], "quiet": True, "debug": False})
        ['--batch-size', '2', '--set', 'a.b=1', '--set', 'a.c=2', '--quiet']
    """
    words: list[str] = []
    for name, value in given.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words += [flag] * value
        else:
            for each in value if isinstance(value, list) else [value]:
                words += [flag, str(each)]
    return words


I2I = (sys.executable, "-m", "i2i")


def launch(count: int, words: Sequence[str], going_on: str, program: Sequence[str] = I2I) -> int:
    """Start processes, and wait until all of them have ended.

    Args:
        count: How many.
        words: What each is given.
        going_on: What to do when one was killed, in words.
        program: What is started.

    Returns:
        The exit code: that of the one which failed.
    """
    ranks = [subprocess.Popen(**each) for each in _commands(count, [*program, *words])]
    failed: dict[int, int] = {}
    killed: set[int] = set()
    with _passing_on(ranks) as passed:
        deadline: float | None = None
        while any(process.returncode is None for process in ranks):
            for number, process in enumerate(ranks):
                if process.returncode is None and (code := process.poll()):
                    failed[number] = code
            if deadline is None and not {*failed.values()} <= {SAVED}:
                deadline = time.monotonic() + GRACE
            if deadline is not None and time.monotonic() > deadline:
                for number, process in enumerate(ranks):
                    if process.poll() is None:
                        killed.add(number)
                        process.kill()
            time.sleep(0.02)
    codes = {number: code for number, code in failed.items() if number not in killed}
    for number, code in codes.items():
        if code < 0:
            if -code in passed:
                return 128 - code
            return _say_killed(number, count, -code, going_on)
    return next((code for code in codes.values() if code != RankGoneError.exit_code), next(iter(codes.values()), 0))


def _commands(count: int, words: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield how each process is started, in a group of its own: what a terminal sends to this one is passed on once."""
    together = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        LAUNCHED: "1",
    }
    if sys.platform == "linux":  # else gloo asks for the address of this machine's name, which not all of them have
        together["GLOO_SOCKET_IFNAME"] = os.environ.get("GLOO_SOCKET_IFNAME", "lo")
    for number in range(count):
        yield {
            "args": words,
            "env": {**os.environ, **together, "RANK": str(number), "LOCAL_RANK": str(number)},
            "stdin": subprocess.DEVNULL,
            "process_group": 0,
        }


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def _passing_on(ranks: Sequence["subprocess.Popen[bytes]"]) -> Iterator[set[int]]:
    """Pass on signals that ask this process to stop; which came is in what is yielded."""
    passed: set[int] = set()

    def handle(number: int, _: FrameType | None) -> None:
        passed.add(number)
        for process in ranks:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield passed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say_killed(number: int, count: int, by: int, going_on: str) -> int:
    complain(
        f"Error: Process {number + 1} of {count} was killed by {signal.Signals(by).name}, and the others were ended. "
        f"If memory is short, lower training.batch_size. {going_on}",
        "red",
    )
    return ResourceError.exit_code
