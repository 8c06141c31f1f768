"""What a process gives up before it reads a stranger's file: the network, files, processes, memory and time."""

import ctypes
import sys
from typing import Any

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.",
    "shutil.",
    "ctypes.",
    "pty.",
    "ftplib.",
    "http.",
    "urllib.",
    "webbrowser.",
)
HARMLESS = ("os.listdir", "os.scandir")
"""What importing a module does."""


class ConfinementError(Exception):
    """Something was tried that reading weights has no need of."""


def leave_network() -> bool:
    """Move into a network namespace without interfaces, where the system lets one; before any thread is started.

    Returns:
        Whether there is no network any more.
    """
    if not sys.platform.startswith("linux"):
        return False
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    return any(unshare(flags) == 0 for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET))


def watch() -> None:
    """From now on, stop Python code that opens a file for writing, a socket or a process."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    writing = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if writing or (event.startswith(FORBIDDEN) and event not in HARMLESS):
        raise ConfinementError(f"{event} is not for a file of weights")


if sys.platform == "win32":

    def limit(memory: int, output: int, seconds: int) -> None:
        """This system has no such limits."""

    def allow_memory(memory: int) -> None:
        """This system has no such limits."""

else:
    import resource

    def limit(memory: int, output: int, seconds: int) -> None:
        """Limit what the process may take from now on.

        Args:
            memory: Bytes of address space beyond what it has.
            output: Bytes of a file that it writes.
            seconds: Of processor time.
        """
        allow_memory(memory)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        end = int(usage.ru_utime + usage.ru_stime) + seconds
        for kind, most in (
            (resource.RLIMIT_CPU, end),
            (resource.RLIMIT_FSIZE, output),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NPROC, 0),
        ):
            _, hard = resource.getrlimit(kind)
            lowered = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (lowered, hard if kind == resource.RLIMIT_CPU else lowered))

    def allow_memory(memory: int) -> None:
        """Set how much address space the process may take beyond what it has now, in bytes, if that is known."""
        if (used := _address_space()) is None:
            return
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = used + memory
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))

    def _address_space() -> int | None:
        """Bytes of address space in use; None where the system does not tell as Linux does."""
        try:
            with open("/proc/self/statm", "rb") as file:
                return int(file.read().split()[0]) * resource.getpagesize()
        except FileNotFoundError:
            return None
