"""Networks compiled by ``torch.compile``, with what that costs, and after how many steps it pays."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from i2i.errors import UsageError, things

FIRST = 3
"""Steps before any is timed: what is made once is made in them."""
TIMED = 10
"""Steps whose time is taken, before and after networks are compiled."""
SETTLED = FIRST + TIMED + FIRST + TIMED
"""Steps after which nothing is compiled or timed any more."""

Compiler = Callable[[Callable[..., Any]], Callable[..., Any]]


class Compiling:
    """Around each step, networks compute by what was compiled of them; nothing of them changes outside of steps.

    The first steps are made as they are, and timed. Then networks are compiled, which the next steps wait for, and some
    more are timed.

    Args:
        networks: Whose ``forward`` is compiled.
        device: Where they are.
        left: Steps that the run still has.
        say: Is told in one line what compiling costs, and when it pays.
        compiler: Compiles a function.
    """

    def __init__(
        self,
        networks: Iterable[nn.Module],
        device: torch.device,
        left: int,
        say: Callable[[str], None],
        compiler: Compiler = lambda function: torch.compile(function, dynamic=False),
    ) -> None:
        self._networks, self._device, self._left, self._say = list(networks), device, left, say
        self._compiler = compiler
        self._compiled: list[Callable[..., Any]] = []
        self._done = 0
        self._times: dict[int, float] = {}

    @contextmanager
    def step(self) -> Iterator[None]:
        """Make a step within this.

        Raises:
            UsageError: If a network cannot be compiled.
        """
        if self._done in (FIRST, FIRST + TIMED, FIRST + TIMED + FIRST, SETTLED):
            self._times[self._done] = self._now()
            if self._done == FIRST + TIMED:
                self._compiled = [self._compiler(network.forward) for network in self._networks]
            elif self._done == SETTLED:
                self._say(self._verdict())
        for network, forward in zip(self._networks, self._compiled, strict=False):
            vars(network)["forward"] = forward
        try:
            yield
        except Exception as error:
            if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                raise
            reason = str(error).strip().partition("\n")[0]
            raise UsageError(f"A network cannot be compiled: {reason}. Say training.compile=false.") from error
        finally:
            for network in self._networks if self._compiled else ():
                del vars(network)["forward"]
        self._done += 1

    def _verdict(self) -> str:
        """Say what compiling has cost, and after how many steps it pays."""
        began, compiling, timing, ended = (self._times[each] for each in sorted(self._times))
        before, after = (compiling - began) / TIMED, (ended - timing) / TIMED
        cost = max(0.0, timing - compiling - FIRST * after)
        took = f"Compiling took {cost:.3g} s; a step takes {1000 * after:.3g} ms instead of {1000 * before:.3g} ms"
        if after >= before:
            return f"{took}: it does not pay. Say training.compile=false."
        steps, left = round(cost / (before - after)), self._left - FIRST - TIMED
        return f"{took}: it pays after {things(steps, 'step')}, and {left} {'are' if left != 1 else 'is'} made so."

    def _now(self) -> float:
        """Return the time when all is done that the device was given."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        elif self._device.type == "mps":
            torch.mps.synchronize()
        return time.perf_counter()
