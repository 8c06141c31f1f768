"""A hub and a command line that talks to it."""

from itertools import count
from typing import NamedTuple

from commander import Commander, Outcome
from hub import Fault, Hub
from hub_state import Kind, Repository

NUMBERS = count()


class Bench(NamedTuple):
    """A hub, and a command line that knows no other."""

    hub: Hub
    command: Commander
    home: str
    """Where the command line keeps what it has fetched."""

    def __call__(self, *arguments: object, token: str = "hf_writer") -> Outcome:
        """Run a command; whatever it says, it never says the token."""
        outcome = self.command(*arguments, HF_TOKEN=token)
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
