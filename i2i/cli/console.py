"""What goes to standard error."""

from rich.console import Console
from rich.markup import escape

from i2i.plugins import installed


def complain(text: str, colour: str) -> None:
    """One line on standard error."""
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"[{colour}]{escape(text)}[/]")


def warn_of_problems(group: str) -> None:
    """One line for each thing that is wrong with the plugins of a group, as far as they were asked."""
    for problem in installed(group).problems:
        complain(f"Warning: {problem} See `i2i plugins doctor`.", "yellow")
