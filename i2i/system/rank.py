"""Which of the processes that train one run together this is, as torchrun and ``i2i train --nproc`` say it."""

import os
import signal
import threading
import time
from dataclasses import dataclass

from i2i.errors import UsageError

LAUNCHED = "I2I_LAUNCHED"
"""Set where `i2i.cli.launching` has started this process, and says itself how others have ended."""


@dataclass(frozen=True)
class Rank:
    """A process and how many there are; the only one unless told otherwise."""

    number: int = 0
    """Counted from 0, over all machines; the first one writes, and speaks for all."""
    count: int = 1
    local: int = 0
    """Counted from 0 on this machine."""
    local_count: int = 1

    @property
    def first(self) -> bool:
        """Return whether this process writes and speaks for all."""
        return self.number == 0

    @property
    def alone(self) -> bool:
        """Return whether there is no other process."""
        return self.count == 1


ALONE = Rank()


def this_rank() -> Rank:
    """Return which process this is.

    Raises:
        UsageError: If the environment says so in part, or in words.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    said = {name: os.environ[name] for name in names if name in os.environ}
    if not {"RANK", "WORLD_SIZE"} <= said.keys():
        return ALONE
    try:
        number, count = int(said["RANK"]), int(said["WORLD_SIZE"])
        return Rank(number, count, int(said.get("LOCAL_RANK", number)), int(said.get("LOCAL_WORLD_SIZE", count)))
    except ValueError:
        words = ", ".join(f"{name}={value}" for name, value in said.items())
        raise UsageError(f"The environment has {words}. They are numbers: unset them, or start by torchrun.") from None


def speaks() -> bool:
    """Return whether this process says what all of them would say."""
    return os.environ.get("RANK", "0") == "0" or "WORLD_SIZE" not in os.environ


def end_with_parent(every: float = 0.5) -> None:
    """End this process within so many seconds once the one that started it is gone, which nobody could stop then."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
