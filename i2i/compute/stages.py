"""Plan how a recording is computed within a bound of memory: what is kept whole, and what is made again in strips.

What is kept is what convolutions make, the smaller maps before the larger ones, and what steps take and make that
cannot be cut. Everything else is computed of some rows whenever something asks for them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch

from i2i.compute.recorded import Recording
from i2i.compute.rows import Cut, Tally, rows_of

FEWEST = 16
"""Rows of a strip at least: some of its neighbours' are computed with it."""
SHARE = 6
"""Strips may take one in so many bytes of the memory."""

Rows = tuple[int, int]
"""The first, and the one after the last."""


class TooLargeError(Exception):
    """Memory does not suffice, not even in strips."""

    def __init__(self, needed: int, blamed: str) -> None:
        super().__init__(blamed)
        self.needed = needed
        """Bytes that would."""
        self.blamed = blamed
        """The step that takes most of them, if it cannot be cut."""


class Stage(NamedTuple):
    """What makes the values of one step whole."""

    step: int
    cone: tuple[int, ...]
    """The steps that are computed of some rows for that, in their order; one that makes whole maps is its own last."""
    reads: frozenset[int]
    """The kept values that are looked at."""
    spans: tuple[Rows, ...] = ()
    """The strips, of rows of what is made, or of what statistics are taken of; none where it is made as one piece."""
    bytes: int = 0
    """Memory that a strip takes."""


class Stages:
    """A recording, and how each of its steps can be cut."""

    def __init__(self, recording: Recording) -> None:
        self.values, self.steps = recording.values, recording.steps
        self.given, self.made = recording.given, recording.made
        self.maker = {value: number for number, step in enumerate(self.steps) for value in step.results}
        self.cuts, axes = list[Cut | Tally | None](), dict[int, int]()
        used = {value for step in self.steps for value in step.refs} | {self.made}
        for step in self.steps:
            cut = rows_of(step, self.values, axes)
            if step.func is MAX_POOL and step.results[1] in used:
                cut = None  # it says places, and would say those within a strip
            if isinstance(cut, Cut):
                axes |= dict.fromkeys(step.results, cut.made)
            self.cuts.append(cut)
        self.axes: Mapping[int, int] = axes

    def whole(self) -> int:
        """Return how many bytes it takes as one piece, beside what is given and constants."""
        return self._most((number, 1.0) for number in range(len(self.steps)))

    def plan(self, memory: int) -> list[Stage]:
        """Plan the stages that make the fewest numbers twice.

        Args:
            memory: Bytes that there are, beside what is given and constants.

        Raises:
            TooLargeError: If they do not suffice.
        """
        heavy = [step for step in self.steps if step.func in HEAVY]
        sizes = {0, *(self.values[value].nbytes for step in heavy for value in step.results)}
        least: int | None = None
        for most in sorted(sizes, reverse=True):
            stages = self._keeping(most)
            if least is not None and self.heavy(stages) > AGAIN * len(heavy):
                break
            for strip in (memory // SHARE, 0):
                plan = [self._cut(stage, strip) for stage in stages]
                if (peak := self._peak(plan)) <= memory:
                    return plan
                least = peak if least is None else min(least, peak)
        assert least is not None
        raise TooLargeError(least, self._uncut(least))

    def heavy(self, stages: Iterable[Stage]) -> int:
        """Return how often a heavy step is computed."""
        return sum(self.steps[number].func in HEAVY for stage in stages for number in {*stage.cone, stage.step})

    def _uncut(self, size: int) -> str:
        """Name what cannot be cut, where that alone takes half of so many bytes; else nothing."""
        taken = {
            str(step.func): sum(self.values[value].nbytes for value in {*step.refs, *step.results})
            for step, cut in zip(self.steps, self.cuts, strict=True)
            if cut is None
        }
        largest = max(taken, key=taken.__getitem__, default="")
        return largest if largest and taken[largest] >= size / 2 else ""

    def _keeping(self, most: int) -> list[Stage]:
        """Plan to keep what heavy steps make of at most so many bytes."""
        kept = {self.made, *self.given.values()}
        kept.update(number for number, value in enumerate(self.values) if value.constant is not None)
        for step, cut in zip(self.steps, self.cuts, strict=True):
            if cut is None:
                kept.update((*step.refs, *step.results))
            elif isinstance(cut, Tally):
                kept.update(step.results)
            else:
                kept.update(value for value in step.refs if value not in cut.given)
                if step.func in HEAVY or (step.func in SUMS and len(cut.given) > 1):
                    kept.update(value for value in step.results if self.values[value].nbytes <= most)
        stages, wanted = [], {self.made}
        for number in range(len(self.steps) - 1, -1, -1):
            if wanted & kept & {*self.steps[number].results}:
                stage = self._stage(number, kept)
                wanted |= stage.reads
                stages.append(stage)
        return stages[::-1]

    def _stage(self, number: int, kept: set[int]) -> Stage:
        cut = self.cuts[number]
        if cut is None:
            return Stage(number, (), frozenset(self.steps[number].refs))
        cone, reads = set() if isinstance(cut, Tally) else {number}, set()
        waiting = list(self.steps[number].refs)
        while waiting:
            value = waiting.pop()
            if value in kept:
                reads.add(value)
            elif self.maker[value] not in cone:
                cone.add(self.maker[value])
                waiting += self.steps[self.maker[value]].refs
        return Stage(number, tuple(sorted(cone)), frozenset(reads))

    def _cut(self, stage: Stage, memory: int) -> Stage:
        """Cut a stage into the largest strips that take so many bytes."""
        if (target := self.target(stage.step)) is None:
            return stage
        value, axis = target
        height = self.values[value].shape[axis]
        dense = self._most((number, 1.0) for number in stage.cone)  # without what neighbours add
        rows = min(height, max(FEWEST, 2 * height * memory // max(dense, 1)))
        while True:
            middle = height // 2 // rows * rows
            wanted = dict.fromkeys(self._beside(value), (middle, min(middle + rows, height)))
            taken = self._strip(stage.cone, wanted)
            if taken <= memory or rows <= FEWEST:
                break
            rows = max(FEWEST, rows // 2)
        spans = tuple((begin, min(begin + rows, height)) for begin in range(0, height, rows))
        return stage._replace(spans=spans, bytes=taken)

    def target(self, number: int) -> tuple[int, int] | None:
        """Return the map whose strips a step is made of or makes, and the axis of its rows."""
        step, cut = self.steps[number], self.cuts[number]
        if isinstance(cut, Tally):
            return cut.given, cut.axis
        return None if cut is None else (step.results[0], cut.made)

    def _beside(self, value: int) -> Sequence[int]:
        """Return the values that are made together with one."""
        return self.steps[self.maker[value]].results if value in self.maker else [value]

    def _strip(self, cone: Sequence[int], wanted: Mapping[int, Rows]) -> int:
        """Return how many bytes some rows take while they are computed."""
        spans, reads = self.spans(cone, wanted)
        shares = ((number, self._share(self.steps[number].results[0], spans)) for number in sorted(reads))
        return self._most(shares)

    def _share(self, value: int, spans: Mapping[int, Rows]) -> float:
        """Return which part of a map some rows are."""
        begin, end = spans[value]
        cut = self.cuts[self.maker[value]]
        assert isinstance(cut, Cut)
        return (end - begin) / self.values[value].shape[cut.made]

    def _most(self, shares: Iterable[tuple[int, float]]) -> int:
        """Return the most bytes that steps take at once, each of which makes a part of its maps."""
        run = list(shares)
        last = {value: number for number, _ in run for value in self.steps[number].refs}
        sizes = {
            value: int(share * self.values[value].nbytes)
            for number, share in run
            for value in self.steps[number].results
        }
        now = most = 0
        for number, _ in run:
            step = self.steps[number]
            now += sum(sizes[value] for value in step.results)
            laid = sum(sizes.get(value, 0) for value in (*step.refs, *step.results)) if step.func in HEAVY else 0
            most = max(most, now + laid)  # a library lays out anew what it convolves, and what it makes
            now -= sum(sizes.get(value, 0) for value in {*step.refs} if last[value] == number)
        return most

    def spans(self, cone: Sequence[int], wanted: Mapping[int, Rows]) -> tuple[dict[int, Rows], dict[int, Rows]]:
        """Return which rows of which values are computed for some, and which rows of its maps each step reads.

        Args:
            cone: The steps that compute them, in their order.
            wanted: Value -> rows.
        """
        spans, reads = dict(wanted), dict[int, Rows]()
        for number in reversed(cone):
            step, cut = self.steps[number], self.cuts[number]
            asked = [spans[value] for value in step.results if value in spans]
            if not asked or not isinstance(cut, Cut):
                continue
            span = min(begin for begin, _ in asked), max(end for _, end in asked)
            spans |= dict.fromkeys(step.results, span)
            first, last = reads[number] = cut.rows(*span, self.values[cut.given[0]].shape[cut.axis])
            for value in cut.given:
                begin, end = spans.get(value, (first, last))
                spans[value] = min(begin, first), max(end, last)
        return spans, reads

    def _peak(self, stages: Sequence[Stage]) -> int:
        now = peak = 0
        for stage, ended in zip(stages, self.ended(stages), strict=True):
            now += sum(self.values[value].nbytes for value in self.steps[stage.step].results)
            peak = max(peak, now + stage.bytes)
            now -= sum(self.values[value].nbytes for value in ended)
        return peak

    def ended(self, stages: Sequence[Stage]) -> Iterator[list[int]]:
        """Yield after each stage the values that no later one reads."""
        last = {value: n for n, stage in enumerate(stages) for value in (*self.steps[stage.step].results, *stage.reads)}
        ended: list[list[int]] = [[] for _ in stages]
        for value, number in last.items():
            if value in self.maker and value != self.made:
                ended[number].append(value)
        yield from ended


CONVOLUTION, MAX_POOL = torch.ops.aten.convolution.default, torch.ops.aten.max_pool2d_with_indices.default
SUMS = {torch.ops.aten.add.Tensor, torch.ops.aten.sub.Tensor}
"""What is kept too where it joins maps, so that those need not be."""
AGAIN = 4
"""How often heavy steps may be computed on average, before memory is said not to suffice."""
HEAVY = {CONVOLUTION, torch.ops.aten.linear.default}
"""What takes so long that it is kept where memory suffices."""
