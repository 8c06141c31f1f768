"""Says before a run on a CPU how long it will take, from what a step computes and how fast that goes here."""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch.nn import functional

from i2i.config import resolve
from i2i.errors import I2iError
from i2i.fields import Fields
from i2i.training.rehearsal import MISFITS
from i2i.training.setup import Setup
from i2i.training.workload import Workload, workload_of

OVERHEAD = 1.4
"""Time of a step's convolutions over that of the measured one: others are less well shaped. With this and the two
below, steps of pix2pix (64 px, width 16, batch 8; 128 px, width 32, batch 4; 128 and 256 px, width 64, batch 1) and of
CycleGAN (128 px, width 32) took 0.8 to 1.1 of what is estimated, on one core of an AMD EPYC."""
MOVED_A_PARAMETER = 80
"""Memory that is moved for each number that is trained: 28 by Adam, the rest to lay weights out for convolutions."""
MOVED_A_RESULT = 8
"""Memory that is moved for each byte that a step's functions return, for norms, activations and their gradients."""
LONG = 20 * 60
"""Seconds from which on a smaller run is proposed."""


UNITS = ((1, "s", 90), (60, "min", 90), (3600, "h", 48), (86400, "days", 365))
"""Seconds of a unit, what it is called, and up to how many of it are said."""


class Rates(NamedTuple):
    """How fast a CPU is."""

    arithmetic: float
    """Floating-point operations in a second, in convolutions."""
    memory: float
    """Bytes in a second, read or written."""


def estimated(setup: Setup) -> str:
    """Say how long a new run will take, and what would be quick where that is long.

    Returns:
        Such as ``about 2.5 h on this CPU; --preset small about 12 min``. Nothing where a step was not counted: on a
        GPU other things decide how long it takes.
    """
    if setup.work is None:
        return ""
    rates, training = measured(), setup.config.training
    seconds = setup.steps * training.accumulate * step_seconds(setup.work, rates)
    said = f"{about(seconds)} on this CPU"
    if seconds < LONG or (small := _small_seconds(setup, rates)) is None or small > seconds / 2:
        return said
    return f"{said}; --preset small {about(small)}"


def step_seconds(work: Workload, rates: Rates) -> float:
    """Return how long a step takes."""
    moved = MOVED_A_PARAMETER * work.parameters + MOVED_A_RESULT * work.results
    return OVERHEAD * work.operations / rates.arithmetic + moved / rates.memory


def measured() -> Rates:
    """Measure how fast this CPU is with the threads that torch has now, in about 0.2 s; draws no random number."""
    image, weight = torch.ones(1, 64, 64, 64, requires_grad=True), torch.ones(128, 64, 4, 4, requires_grad=True)
    ahead = 2 * 128 * 32 * 32 * weight[0].numel()
    numbers, others = torch.ones(4_000_000), torch.ones(4_000_000)

    def convolve() -> None:
        functional.conv2d(image, weight, stride=2, padding=1).sum().backward()

    def blend() -> None:
        numbers.lerp_(others, 0.5)

    return Rates(3 * ahead / _quickest(convolve), 3 * numbers.nbytes / _quickest(blend))


def about(seconds: float) -> str:
    """Round a time to what is worth saying of an estimate.

    Example:
        >>> about(42), about(700), about(9100), about(200_000)
        ('about 42 s', 'about 12 min', 'about 2.5 h', 'about 2.3 days')
    """
    if seconds < 10:
        return "some seconds"
    length, unit = next((each for each in UNITS if seconds < each[0] * each[2]), UNITS[-1])[:2]
    number = seconds / length
    return f"about {number:.1f} {unit}" if number < 9.95 and unit != "min" else f"about {number:.0f} {unit}"


def _quickest(work: Callable[[], None], times: int = 4) -> float:
    """Return the seconds of the quickest of some times, the first of which warms up."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found[1:])


def _small_seconds(setup: Setup, rates: Rates) -> float | None:
    """Return how long the recipe's small preset would take on the same data; None where it does not go with that."""
    config = setup.config
    recipe, dataset = config.selection.recipe.model_dump(), config.dataset.model_dump()
    try:
        small = resolve([{"recipe": recipe, "dataset": dataset, "data": {"path": config.data.path}}], "small")
        sized = Fields(dict(setup.fields), small.data.size)
        work = workload_of(small.for_data(sized).selection, sized, small.training.batch_size)
    except (I2iError, *MISFITS):
        return None
    steps = small.training.steps or small.training.epochs * len(setup.items) // small.training.batch_size
    return steps * step_seconds(work, rates)
