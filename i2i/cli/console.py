"""What goes to standard error."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape

from i2i.places import conceal_secrets
from i2i.plugins import installed
from i2i.system.rank import speaks
from i2i.system.text import visible

STOPPED = 130
"""Exit code of a command that was stopped, as shells have it for Ctrl-C."""


def complain(text: str, colour: str, *, of_one_process: bool = False) -> None:
    """Print one line on standard error, in which addresses have no secrets.

    Args:
        text: The line.
        colour: Its colour.
        of_one_process: Of several that train together, whether this one alone has it to say; else the first one says it
            for all.
    """
    if not (speaks() or of_one_process):
        return
    line = shown(conceal_secrets(" ".join(text.splitlines())))
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"[{colour}]{line}[/]")


def shown(text: str) -> str:
    """Return foreign text for a rich console: it neither steers the terminal nor is it taken for markup."""
    return escape(visible(text))


class Notes(logging.Handler):
    """Shows what i2i notes while it works, such as that a server is asked again."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one note."""
        complain(record.getMessage(), "yellow")


def show_notes() -> None:
    """Show from now on, once each, what i2i notes while it works."""
    logger = logging.getLogger("i2i")
    if not any(isinstance(handler, Notes) for handler in logger.handlers):
        logger.addHandler(Notes())


GOES_ON = "The same command goes on from here."


@contextmanager
def stoppable(words: str) -> Iterator[None]:
    """Turn Ctrl-C into one line and exit code 130.

    Args:
        words: What has become of the work, and how to go on.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        raise stopped(f"{stop} {words}".strip(), getattr(stop, "exit_code", STOPPED)) from None


class Terminated(KeyboardInterrupt):
    """SIGTERM came where there is nothing to save."""

    exit_code = 128 + signal.SIGTERM


@contextmanager
def raise_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into an exception, as Python does Ctrl-C, wherever nothing else catches it."""

    def handle(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def stopped(words: str, code: int = STOPPED) -> typer.Exit:
    """Say that the command was stopped; what to raise then."""
    complain(f"Stopped. {words}".rstrip(), "yellow")
    return typer.Exit(code)


def warn_of_problems(group: str) -> None:
    """Print one line for each thing that is wrong with the plugins of a group, as far as they were asked."""
    for problem in installed(group).problems:
        complain(f"Warning: {problem} See `i2i plugins doctor`.", "yellow")
    warn_of_versions(group)


def warn_of_versions(group: str) -> None:
    """Print one line for each plugin of a group that is used, and was made for another version of the interface."""
    for problem in installed(group).made_for_others(used=True):
        complain(f"Warning: {problem}.", "yellow")
