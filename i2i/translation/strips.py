"""Translate within the memory that there is: images that do not fit as one piece are computed in strips of rows.

Statistics of a whole map are summed over its strips. So the result is that of the whole image, but for the rounding of
float32, in every inference mode: noise is drawn whole, in the order in which it is asked for.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from i2i.compute.recorded import UnrecordableError, record
from i2i.compute.rows import ROWS, Cut, Tally
from i2i.compute.stages import Rows, Stage, Stages, TooLargeError
from i2i.errors import I2iError, ResourceError
from i2i.system.devices import amount, spare_memory

_log = logging.getLogger(__name__)

LARGE = 2**18
"""Pixels of an image from which on it is found out what it takes, where no limit is given; it would be 0.3 GB at most
of the networks that come with i2i."""
SLACK = 1.5
"""How much more memory a network takes as one piece than its maps do."""


class Bounded:
    """Computes functions of images within a bound of memory, as one piece where that fits.

    Args:
        limit: Bytes that this process may take on its device; what is free there counts in any case.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._takes: dict[Any, int | None] = {}
        self._said = False

    def _there(self, given: Mapping[str, Tensor]) -> int | None:
        return spare_memory(next(iter(given.values())).device, self._limit) if given else None

    def _taken(self, function: Callable[..., Tensor], given: Mapping[str, Tensor]) -> int | None:
        """Return how many bytes one piece takes; None where that cannot be known."""
        key = tuple((name, tuple(value.shape)) for name, value in given.items())
        if key not in self._takes:
            stages = self._recorded(function, given)
            self._takes[key] = None if stages is None else stages.whole()
        return self._takes[key]

    def _recorded(self, function: Callable[..., Tensor], given: Mapping[str, Tensor]) -> Stages | None:
        try:
            return Stages(record(function, given))
        except I2iError:
            raise
        except UnrecordableError as error:
            self._say(f"{error}")
        except Exception as error:  # what is wrong with it comes out where it is computed
            self._say(f"{type(error).__name__}: {error}".splitlines()[0])
        return None

    def _say(self, why: str) -> None:
        """Say once that images are computed as one piece whatever they take."""
        if not self._said:
            self._said = True
            _log.warning("This model cannot be computed in strips: %s. Large images take much memory.", why)

    def __call__(self, function: Callable[..., Tensor], given: Mapping[str, Tensor]) -> Tensor:
        """Compute a function of one item, as `i2i.translation.modes.inference` has it, for each result anew.

        Args:
            function: Returns a tensor; networks that it calls have their weights.
            given: What it is called with, by name.

        Raises:
            ResourceError: If memory does not suffice in strips either.
        """
        pixels = max((value[0, 0].numel() for value in given.values() if value.ndim > 3), default=0)
        if (pixels < LARGE and self._limit is None) or (there := self._there(given)) is None:
            return function(**given)
        takes = self._taken(function, given)
        if takes is None or SLACK * takes <= there or (stages := self._recorded(function, given)) is None:
            return function(**given)
        try:
            plan = stages.plan(there)
        except TooLargeError as error:
            uncut = f", since {error.blamed} cannot be cut" if error.blamed else ""
            raise ResourceError(
                f"The image takes {amount(error.needed)} of memory, as one piece {amount(SLACK * takes)}{uncut}; "
                f"{amount(there)} are there. Make it smaller, or give more memory."
            ) from error
        return compute(stages, plan, given)


def compute(stages: Stages, plan: Sequence[Stage], given: Mapping[str, Tensor]) -> Tensor:
    """Compute what was recorded, of tensors of the shapes that it was recorded with.

    Args:
        stages: The recording.
        plan: As it plans them.
        given: What it is computed of.
    """
    values = {stages.given[name]: tensor for name, tensor in given.items()}
    values |= {number: value.constant for number, value in enumerate(stages.values) if value.constant is not None}
    for stage, ended in zip(plan, stages.ended(plan), strict=True):
        _Run(stages, stage.cone, values).make(stage)
        for value in ended:
            values.pop(value, None)
    return values[stages.made]


class _Run:
    """Computes one stage out of the values that are there, to which it adds its own."""

    def __init__(self, stages: Stages, cone: Sequence[int], values: dict[int, Tensor]) -> None:
        self._stages, self._cone, self._values = stages, cone, values

    def make(self, stage: Stage) -> None:
        step, cut = self._stages.steps[stage.step], self._stages.cuts[stage.step]
        if isinstance(cut, Tally):
            parts = [cut.part(self._rows(cut.given, span)) for span in stage.spans]
            self._values[step.results[0]] = cut.whole(torch.stack(parts).sum(0))
        elif cut is None:
            self._values |= zip(step.results, step.call(self._values.__getitem__), strict=True)
        elif len(stage.spans) == 1:
            self._values |= self._computed(dict.fromkeys(step.results, stage.spans[0]))
        else:
            for begin, end in stage.spans:
                for value, strip in self._computed(dict.fromkeys(step.results, (begin, end))).items():
                    if value not in self._values:
                        shape = self._stages.values[value].shape
                        self._values[value] = torch.empty(shape, dtype=strip.dtype, device=strip.device)
                    self._values[value].narrow(cut.made, begin, end - begin).copy_(strip)

    def _rows(self, value: int, rows: Rows) -> Tensor:
        if value in self._values:
            return self._values[value].narrow(self._stages.axes.get(value, ROWS), rows[0], rows[1] - rows[0])
        return self._computed({value: rows})[value]

    def _computed(self, wanted: Mapping[int, Rows]) -> dict[int, Tensor]:
        """Compute rows of values, every step once."""
        spans, reads = self._stages.spans(self._cone, wanted)
        order = sorted(reads)
        last = {value: number for number in order for value in self._stages.steps[number].refs}
        made: dict[int, Tensor] = {}
        for number in order:
            made |= self._step(number, reads[number], spans, made)
            for value in self._stages.steps[number].refs:
                if last[value] == number and value not in wanted:
                    made.pop(value, None)
        return {value: made[value] for value in wanted}

    def _step(
        self, number: int, read: Rows, spans: Mapping[int, Rows], made: Mapping[int, Tensor]
    ) -> dict[int, Tensor]:
        """Compute those rows of a step that are asked for."""
        step, cut = self._stages.steps[number], self._stages.cuts[number]
        assert isinstance(cut, Cut)

        def strip(value: int) -> Tensor:
            if value not in cut.given:
                return self._values[value]
            whole, start = (self._values[value], 0) if value in self._values else (made[value], spans[value][0])
            return whole.narrow(cut.axis, read[0] - start, read[1] - read[0])

        offset = read[0] * cut.up // cut.down
        results = zip(step.results, cut.call(step, strip), strict=True)
        return {v: made.narrow(cut.made, spans[v][0] - offset, spans[v][1] - spans[v][0]) for v, made in results}
