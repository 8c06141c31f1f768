"""Two processes that train together, forked from one that has imported PyTorch; see `training_runs`."""

import os
from collections.abc import Callable, Sequence
from multiprocessing import set_start_method
from multiprocessing.process import BaseProcess
from pathlib import Path

from training_runs import FRESH

from i2i.cli.launching import free_port

COUNT = 2


def pair(work: Callable[..., None], *given: object) -> list[BaseProcess]:
    """Begin a function in each of two processes, as torchrun and ``--nproc`` would begin it."""
    port = free_port()
    given_to = [(number, port, work, given) for number in range(COUNT)]
    processes: list[BaseProcess] = [FRESH.Process(target=_as_rank, args=each) for each in given_to]
    for process in processes:
        process.start()
    return processes


def _as_rank(number: int, port: int, work: Callable[..., None], given: Sequence[object]) -> None:
    os.setsid()
    set_start_method(None, force=True)  # readers start as they do in any process, not as this one did
    os.environ |= {"RANK": str(number), "WORLD_SIZE": str(COUNT), "LOCAL_WORLD_SIZE": str(COUNT)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    work(*given)


def finished(processes: Sequence[BaseProcess]) -> list[int | None]:
    """Return the exit codes, or minus the signals that ended them."""
    for process in processes:
        process.join(300)
    return [process.exitcode for process in processes]


def speaking(arguments: Sequence[str], said: Path) -> None:
    """Call the command line; what this process says goes to a file of its own."""
    file = os.open(f"{said}.{os.environ['RANK']}", os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(file, stream)
    from i2i.cli import main

    main(list(arguments))
