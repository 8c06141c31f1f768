"""A whole step as a CUDA graph: recorded once, then repeated by one call instead of hundreds of launches.

What a step does in Python happens only while it is recorded. So a step that draws there, keeps something there or asks
for the time goes on as it is.
"""

import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from i2i.contracts import Clock
from i2i.training.updates import Applied, Updater

T = TypeVar("T")

Batch = Mapping[str, Tensor]
Step = Callable[[Batch, Clock], Applied]
"""What makes a step of a batch on the device."""

WARM_UP = 3
"""Steps that are made as they are before one is recorded: libraries choose their kernels meanwhile. At the first one,
optimizers and modules make what they keep, so that only the others are watched."""


DRAWN = "numbers of "
"""Before the name of what draws on the CPU."""


class Recorder(Protocol):
    """Records the work of a step."""

    def warm_up(self, work: Callable[[], T]) -> tuple[T, str]:
        """Do work as it will be recorded; returns what it returns, and why it cannot be, where that has shown."""
        ...

    def record(self, work: Callable[[], T]) -> Callable[[], T]:
        """Record work, and do nothing of it; returns what does it, and returns the same tensors each time."""
        ...


class CudaGraph:
    """Records as a CUDA graph.

    Args:
        device: A CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device, self._stream = device, torch.cuda.Stream(device)

    def warm_up(self, work: Callable[[], T]) -> tuple[T, str]:
        """Do work on the stream that it will be recorded on; see `Recorder`."""
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream), _heard() as waited:
            made = work()
        torch.cuda.current_stream(self._device).wait_stream(self._stream)
        return made, "a step waits for the device" if waited else ""

    def record(self, work: Callable[[], T]) -> Callable[[], T]:
        """Record work; see `Recorder`."""
        graph, index = torch.cuda.CUDAGraph(), torch.cuda.current_device()
        # from the default generator dropout draws, in the graph as outside of it
        graph.register_generator_state(torch.cuda.default_generators[index])
        # other threads, such as one that writes a checkpoint, may go on with theirs
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            made = work()

        def replay() -> T:
            graph.replay()
            return made

        return replay


@contextmanager
def _heard() -> Iterator[list[warnings.WarningMessage]]:
    """Collect what torch warns of where something waits for a CUDA device; other warnings go their way."""
    before, waited = torch.cuda.get_sync_debug_mode(), list[warnings.WarningMessage]()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield waited
        finally:
            torch.cuda.set_sync_debug_mode(before)
            waited += [each for each in heard if "synchronizing CUDA operation" in str(each.message)]
    for each in heard:
        # torch says once of this mode that it does not hear all
        if each not in waited and not str(each.message).startswith("Synchronization debug mode"):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


class UnfitError(Exception):
    """Why a step cannot be recorded, in words."""


class Captured:
    """Makes steps: the first ones and those of other shapes as they are, the others by what was recorded of one.

    Args:
        step: Makes a step.
        updater: Whose optimizers are made fit to be recorded.
        recorder: Records; None where steps are to be made as they are.
        say: Is told in one line why steps are not recorded, once.
        later: Steps that are made as they are before those that warm up.
    """

    def __init__(
        self, step: Step, updater: Updater, recorder: Recorder | None, say: Callable[[str], None], later: int = 0
    ) -> None:
        self._step, self._updater, self._recorder, self._say = step, updater, recorder, say
        self._done = -later
        self._fields: dict[str, Tensor] = {}
        self._replay: Callable[[], tuple[list[str], list[str], Tensor]] | None = None
        if recorder is not None:
            self._trying(lambda: make_capturable(updater))

    def __call__(self, batch: Batch, clock: Clock) -> Applied:
        """Make one step.

        Args:
            batch: Fields on the device, by name.
            clock: When it is.
        """
        if self._recorder is not None and self._replay is None:
            if self._done < WARM_UP:
                return self._warm_up(self._recorder, batch, clock)
            self._trying(lambda: self._record(batch))
        if self._replay is None or _shapes(batch) != _shapes(self._fields):
            return self._step(batch, clock)
        for name, values in batch.items():
            self._fields[name].copy_(values)
        self._updater.before(self._updater.networks)  # nothing of Python runs when what was recorded is repeated
        losses, figures, values = self._replay()
        scalars = iter(values.clone().unbind())  # the next step writes over them
        return Applied({name: next(scalars) for name in losses}, {name: next(scalars) for name in figures})

    def _warm_up(self, recorder: Recorder, batch: Batch, clock: Clock) -> Applied:
        """Make a step as it is, and find out whether it can be recorded."""
        if self._done < 0:
            self._done += 1
            return self._step(batch, clock)
        watched = _Watched(*clock)
        before = _outside(self._updater)
        applied, waited = recorder.warm_up(lambda: self._step(batch, watched))
        if self._done > 0:
            self._trying(lambda: _check(watched, before, _outside(self._updater), waited))
        self._done += 1
        return applied

    def _record(self, batch: Batch) -> None:
        assert self._recorder is not None  # it is asked before
        fields = {name: values.clone() for name, values in batch.items()}

        def work() -> tuple[list[str], list[str], Tensor]:
            losses, figures = self._step(fields, Clock(0, 1, 0))  # nobody looks at it
            scalars = [*losses.values(), *figures.values()]
            return list(losses), list(figures), torch.stack([scalar.float() for scalar in scalars])

        self._replay = self._recorder.record(work)
        self._fields = fields

    def _trying(self, work: Callable[[], None]) -> None:
        """Do something without which nothing is recorded: if it fails, steps are made as they are from then on."""
        try:
            work()
        except (UnfitError, RuntimeError) as error:
            self._recorder = None
            reason = str(error).partition("\n")[0]
            self._say(f"Steps are not recorded as a CUDA graph, and take longer: {reason}.")


def make_capturable(updater: Updater) -> None:
    """Make the optimizers fit to be recorded: what changes from step to step in them are tensors on the device.

    Raises:
        UnfitError: If one of them cannot be.
    """
    for network, optimizer in updater.optimizers.items():
        for group in optimizer.param_groups:
            if not group.get("fused") and "capturable" not in group:
                raise UnfitError(f"the optimizer of {network!r} cannot be")
            device = group["params"][0].device
            if "capturable" in group and device.type == "cuda":
                group["capturable"] = True
            group["lr"] = torch.tensor(float(group["lr"]), dtype=torch.float32, device=device)
        state: Any = optimizer.state
        for parameter, moments in state.items():  # of a run that goes on
            if "step" in moments:
                moments["step"] = moments["step"].to(parameter.device if parameter.is_cuda else "cpu", torch.float32)


class _Watched(Clock):
    """A clock that knows whether somebody looked at it."""

    seen = False

    def __getattribute__(self, name: str) -> Any:
        if name in (*Clock._fields, "progress"):
            self.seen = True
        return super().__getattribute__(name)

    def __iter__(self) -> Iterator[Any]:
        self.seen = True
        return super().__iter__()

    def __getitem__(self, index: Any) -> Any:
        self.seen = True
        return super().__getitem__(index)


def _outside(updater: Updater) -> dict[str, Any]:
    """Return what of Python a step may change: what modules and averages keep, by name, and generators of numbers."""
    recipe = updater.recipe
    owners: dict[str, Any] = {**dict(recipe.named_modules()), "average": updater.averages}
    kept = {
        f"{name}.{attribute}".strip("."): _mark(value)
        for name, owner in owners.items()
        for attribute, value in vars(owner).items()
    }
    drawn: dict[str, Any] = {"Python": random.getstate(), "numpy": repr(np.random.get_state(legacy=False)["state"])}
    if any(parameter.device.type != "cpu" for parameter in recipe.parameters()):
        drawn["torch"] = torch.get_rng_state().tolist()  # where the networks are, dropout draws from a generator there
    return kept | {f"{DRAWN}{name}": state for name, state in drawn.items()}


def _mark(value: Any) -> Any:
    """Return what tells a value from another: which tensor it is, or what a container holds."""
    if isinstance(value, Mapping):
        return {key: _mark(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_mark(each) for each in value]
    if isinstance(value, Tensor):
        return id(value), value.data_ptr() if value.device.type != "meta" else 0
    return value if isinstance(value, bool | int | float | str | None) else id(value)


def _check(clock: _Watched, before: Mapping[str, Any], after: Mapping[str, Any], waited: str) -> None:
    """Refuse a step that cannot be recorded.

    Raises:
        UnfitError: If it looked at the clock, drew, changed what modules keep beside their tensors, or waited.
    """
    if waited:
        raise UnfitError(waited)
    if clock.seen:
        raise UnfitError("a step depends on the time")
    changed = [name for name in after if after[name] != before.get(name)]
    if drawn := [name for name in changed if name.startswith(DRAWN)]:
        raise UnfitError(f"a step draws {drawn[0]} on the CPU")
    if changed:
        raise UnfitError(f"a step changes {changed[0]!r} in Python")


def _shapes(batch: Batch) -> dict[str, Any]:
    return {name: (values.shape, values.dtype, values.stride()) for name, values in batch.items()}


def recorder_for(device: torch.device) -> Recorder | None:
    """Return what records steps on a device; None where nothing does, or several processes make steps together."""
    together = torch.distributed.is_available() and torch.distributed.is_initialized()
    return CudaGraph(device) if device.type == "cuda" and not together else None
