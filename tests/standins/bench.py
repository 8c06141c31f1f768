"""A hub and a command line that talks to it."""

from itertools import count
from pathlib import Path
from typing import NamedTuple

from commander import Commander, Outcome
from faults import Fault
from hub import Hub
from hub_state import Kind, Repository

NUMBERS = count()

Files = dict[str, bytes]
"""Path -> content."""


def contents(folder: Path) -> Files:
    """All files below a folder."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


class Bench(NamedTuple):
    """A hub, and a command line that knows no other."""

    hub: Hub
    command: Commander
    home: Path
    """Where the command line keeps what it has fetched."""

    def __call__(self, *arguments: object, token: str = "hf_writer", room: int = -1) -> Outcome:
        """Run a command; whatever it says, it never says the token."""
        outcome = self.command(*arguments, room=room, HF_TOKEN=token)
        assert not token or token not in outcome.out + outcome.err
        return outcome

    def new_name(self) -> str:
        """A name that no other test uses."""
        return f"ada/model-{next(NUMBERS)}"

    def repository(self, name: str, kind: Kind = "model") -> Repository:
        return self.hub.state.repositories[kind, name]

    def fails(self, *faults: Fault) -> None:
        """From now on."""
        self.hub.faults = list(faults)
