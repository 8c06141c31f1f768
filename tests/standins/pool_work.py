"""Work for the pool: what a task says, it does to its worker. Worker processes import this module by its name."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from i2i.errors import DataError, UsageError
from i2i.system.pool import extend


def build(kind: str) -> Any:
    if kind == "broken":
        raise UsageError("nothing works")

    def work(task: str) -> str:
        if task == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if task == "hang":
            time.sleep(60)
        if task == "slow":
            for _ in range(4):
                time.sleep(0.3)
                extend(0.8)
        if task == "refuse":
            raise DataError("all is lost")
        if task.startswith("crash once:"):
            marker = Path(task.partition(":")[2])
            if not marker.exists():
                marker.touch()
                os._exit(1)
        return f"{task} done by {os.getpid()}"

    return work
