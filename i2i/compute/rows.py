"""Which rows of what a step is given decide about rows of what it makes; see `i2i.compute.recorded`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from i2i.compute.moments import moments, scaled, sums
from i2i.compute.recorded import Ref, Step, Value

ROWS = -2
"""Axis of the rows of (N, C, H, W). Axes are counted from the last one, which leading ones do not shift."""


class Cut(NamedTuple):
    """A step that can be computed of some rows, by the very same call.

    Row o of what it makes depends on rows from (down * o - before) / up to (down * o + after) / up. Of a strip that
    begins at row i, a multiple of down, it makes what is at i * up / down in the whole, with borders where there are
    none; they are within those reaches.
    """

    given: tuple[int, ...]
    """The values that are given to it in strips; all have as many rows."""
    axis: int
    """Of the rows of what it is given."""
    made: int
    """Axis of the rows of what it makes."""
    up: int = 1
    down: int = 1
    before: int = 0
    after: int = 0
    sized: int | None = None
    """Position of the argument that says the size of what is made."""

    def rows(self, begin: int, end: int, height: int) -> tuple[int, int]:
        """Return which rows, of so many, rows of what is made need."""
        first = max(0, (begin * self.down - self.before) // self.up) // self.down * self.down
        return first, min(height, ((end - 1) * self.down + self.after) // self.up + 1)

    def call(self, step: Step, strips: Callable[[int], Tensor]) -> tuple[Tensor, ...]:
        """Compute the strips that it makes of strips."""
        if self.sized is None:
            return step.call(strips)
        height = strips(self.given[0]).shape[self.axis] * self.up // self.down
        size = list(step.args[self.sized])
        size[self.made] = height
        return step._replace(args=(*step.args[: self.sized], size, *step.args[self.sized + 1 :])).call(strips)


class Tally(NamedTuple):
    """A step that makes statistics of all rows, out of sums over strips."""

    given: int
    axis: int
    part: Callable[[Tensor], Tensor]
    """Sums over a strip."""
    whole: Callable[[Tensor], Tensor]
    """Makes the statistics of the sums over all rows."""


class Call(NamedTuple):
    """A step among the values that it is given and makes."""

    step: Step
    values: Sequence[Value]
    axes: Mapping[int, int]
    """Of each value whose rows lie along a certain axis; others can be cut along any."""

    @property
    def first(self) -> int | None:
        """Return the value that is its first argument."""
        return self.step.args[0].value if self.step.args and isinstance(self.step.args[0], Ref) else None

    def arg(self, place: int, default: Any = None) -> Any:
        """Return an argument that is no tensor."""
        return self.step.args[place] if len(self.step.args) > place else default

    def height(self, value: int, axis: int) -> int:
        """Return how many rows a value has; 1 where it has no such axis."""
        shape = self.values[value].shape
        return shape[axis] if len(shape) >= -axis else 1

    @property
    def made(self) -> Value:
        """Return the value that it makes, the first one."""
        return self.values[self.step.results[0]]

    def axis(self, value: int) -> int:
        """Return the axis along which the rows of a value lie."""
        return self.axes.get(value, ROWS)


def rows_of(step: Step, values: Sequence[Value], axes: Mapping[int, int]) -> Cut | Tally | None:
    """Return how a step can be computed in strips; None where it cannot.

    Args:
        step: A step of a recording.
        values: All of its values.
        axes: See `Call`.
    """
    call = Call(step, values, axes)
    rule = RULES.get(step.func)
    if rule is None and torch.Tag.pointwise in getattr(step.func, "tags", ()):
        rule = _pointwise
    if rule is None or (call.first is None and rule not in (_pointwise, _joined)):
        return None
    return rule(call)


def _pointwise(call: Call, given: Sequence[int] | None = None) -> Cut | None:
    """Cut what makes each value of those at its place."""
    given = list(dict.fromkeys(call.step.refs if given is None else given))
    known = {call.axes[value] for value in given if value in call.axes}
    if len(known) > 1 or len(call.made.shape) < 3:
        return None
    axis = next(iter(known), ROWS)
    height = call.made.shape[axis]
    cut = tuple(value for value in given if call.height(value, axis) == height)
    rest = [value for value in given if call.height(value, axis) != height]
    if height < 2 or not cut or any(value in call.axes or call.height(value, axis) != 1 for value in rest):
        return None
    return Cut(cut, axis, axis)


def _first_alone(call: Call) -> Cut | None:
    """Cut what makes each value of that at its place in the first argument, and of things that are the same for all."""
    assert call.first is not None
    return _pointwise(call, [call.first])


def _along(dims: Callable[[Call], Sequence[int]]) -> Callable[[Call], Cut | None]:
    """Make a rule for what works along some axes, which are not that of the rows, and keeps their number."""

    def rule(call: Call) -> Cut | None:
        assert call.first is not None
        count, axis = len(call.values[call.first].shape), call.axis(call.first)
        along = [dim if dim < 0 else dim - count for dim in dims(call)]
        if count < 3 or axis in along or not along or len(call.made.shape) != count:
            return None
        return Cut((call.first,), axis, axis) if call.height(call.first, axis) > 1 else None

    return rule


def _joined(call: Call) -> Cut | None:
    """Cut what lays maps behind one another."""
    dim, count = call.arg(1, 0), len(call.made.shape)
    cut = _pointwise(call)
    whole = cut is not None and len(cut.given) == len(dict.fromkeys(call.step.refs))
    return cut if cut and whole and cut.axis != (dim if dim < 0 else dim - count) else None


def _moved(call: Call) -> Cut | None:
    """Cut what changes the order of the axes."""
    assert call.first is not None
    count, axis = len(call.values[call.first].shape), call.axis(call.first)
    order = list(range(count))
    if call.step.func is aten.transpose.int:
        one, other = call.step.args[1:3]
        order[one], order[other] = order[other], order[one]
    else:
        order = [dim % count for dim in call.step.args[1]]
    return Cut((call.first,), axis, order.index(axis + count) - count) if count > 2 else None


def _reshaped(call: Call) -> Cut | None:
    """Cut what gives a map another shape, in which each row is still one."""
    assert call.first is not None
    before, after, axis = call.values[call.first].shape, call.made.shape, call.axis(call.first)
    if len(before) < 3:
        return None
    right, height = torch.Size(before[axis:][1:]).numel(), before[axis]
    for made in range(-1, -len(after) - 1, -1):
        if after[made] == height > 1 and torch.Size(after[made:][1:]).numel() == right:
            return Cut((call.first,), axis, made, sized=1 if call.step.func is aten.reshape.default else None)
    return None


def _expanded(call: Call) -> Cut | None:
    assert call.first is not None
    axis = call.axis(call.first)
    cut = call.height(call.first, axis) > 1 and len(call.values[call.first].shape) > 2
    return Cut((call.first,), axis, axis, sized=1) if cut else None


def _selected(call: Call) -> Cut | None:
    """Cut what takes one of the maps along an axis, which is lost."""
    assert call.first is not None
    count, axis = len(call.values[call.first].shape), call.axis(call.first)
    dim = call.step.args[1] % count - count
    if dim == axis or count < 3 or call.height(call.first, axis) < 2:
        return None
    return Cut((call.first,), axis, axis + (dim > axis))


def _map(rule: Callable[[Call], Cut | None]) -> Callable[[Call], Cut | None]:
    """Make a rule hold for maps (N, C, H, W) whose rows are H."""

    def checked(call: Call) -> Cut | None:
        assert call.first is not None
        shape = call.values[call.first].shape
        return rule(call) if len(shape) == 4 and call.axis(call.first) == ROWS and shape[ROWS] > 1 else None

    return checked


def _window(call: Call, reach: int, stride: int, padding: int) -> Cut:
    assert call.first is not None
    return Cut((call.first,), ROWS, ROWS, down=stride, before=padding, after=reach - padding)


def _convolved(call: Call) -> Cut | None:
    assert call.first is not None
    stride, padding, dilation, turned, more = (call.step.args[place] for place in (3, 4, 5, 6, 7))
    kernel = call.values[call.step.args[1].value].shape[ROWS]
    reach, s, p = dilation[0] * (kernel - 1), stride[0], padding[0]
    if p > reach:  # rows that no pixel reaches
        return None
    if not turned:
        return _window(call, reach, s, p)
    missing = max(0, s + p - reach - 1 - more[0])  # rows at the end of a strip that it does not make
    return Cut((call.first,), ROWS, ROWS, up=s, before=reach - p, after=p + missing)


def _max_pooled(call: Call) -> Cut:
    kernel, stride, padding, dilation = call.arg(1), call.arg(2), call.arg(3, [0]), call.arg(4, [1])
    return _window(call, dilation[0] * (kernel[0] - 1), (stride or kernel)[0], padding[0])


def _averaged(call: Call) -> Cut:
    kernel, stride, padding = call.arg(1), call.arg(2), call.arg(3, [0])
    return _window(call, kernel[0] - 1, (stride or kernel)[0], padding[0])


def _padded(call: Call) -> Cut | None:
    assert call.first is not None
    padding = [*call.step.args[1], 0, 0]
    top, bottom = padding[2:4]
    if min(padding) < 0:
        return None
    both = top + bottom  # what is mirrored comes from as far inside
    return Cut((call.first,), ROWS, ROWS, before=2 * both, after=both)


def _resized(taps: int) -> Callable[[Call], Cut | None]:
    """Make a rule for what resizes by a whole number, of so many rows on either side of a place."""

    def rule(call: Call) -> Cut | None:
        assert call.first is not None
        before, after = call.height(call.first, ROWS), call.made.shape[ROWS]
        if taps and call.arg(2):  # corners are aligned
            return None
        scale = call.arg(3 if taps else 2)
        if scale is not None and scale * before != after:
            return None
        if after % before == 0:
            up = after // before
            return Cut((call.first,), ROWS, ROWS, up=up, before=taps * up, after=taps * up, sized=1)
        if before % after == 0 and taps < 2:
            return Cut((call.first,), ROWS, ROWS, down=before // after, after=before // after - 1, sized=1)
        return None

    return _map(rule)


def _shuffled(call: Call) -> Cut:
    assert call.first is not None
    return Cut((call.first,), ROWS, ROWS, up=call.step.args[1])


def _unshuffled(call: Call) -> Cut:
    assert call.first is not None
    return Cut((call.first,), ROWS, ROWS, down=call.step.args[1], after=call.step.args[1] - 1)


def _summed(call: Call) -> Cut | Tally | None:
    """Cut means and sums, over channels or over whole maps."""
    assert call.first is not None
    value, axis, func = call.values[call.first], call.axis(call.first), call.step.func
    count = len(value.shape)
    dims = [dim if dim < 0 else dim - count for dim in call.arg(1) or range(count)]
    if axis not in dims:
        return _along(lambda _: dims)(call)
    if count < 3 or not value.dtype.is_floating_point or call.step.kwargs:
        return None
    keep, over = call.arg(2, False), 1
    if func is aten.mean.dim:
        over = torch.Size(value.shape[dim] for dim in dims).numel()
    return Tally(
        *(call.first, axis),
        lambda strip: strip.sum(dims, keepdim=keep, dtype=torch.double),
        lambda total: (total / over).to(value.dtype),
    )


def _counted(call: Call) -> Tally | None:
    assert call.first is not None
    value = call.values[call.first]
    if len(value.shape) != 4 or call.axis(call.first) != ROWS:
        return None
    pixels = value.shape[2] * value.shape[3]
    return Tally(call.first, ROWS, sums, lambda total: total / pixels)


aten = torch.ops.aten
RULES: Mapping[Any, Callable[[Call], Cut | Tally | None]] = {
    moments: _counted,
    scaled: _first_alone,
    aten.convolution.default: _map(_convolved),
    **dict.fromkeys((aten.mean.dim, aten.sum.dim_IntList), _summed),
    **dict.fromkeys((aten.batch_norm.default, aten._prelu_kernel.default), _first_alone),
    **dict.fromkeys((aten._to_copy.default, aten.detach.default, aten.alias.default), _first_alone),
    **dict.fromkeys((aten.hardswish.default, aten.hardsigmoid.default), _first_alone),
    aten.cat.default: _joined,
    aten.layer_norm.default: _along(lambda call: range(-len(call.step.args[1]), 0)),
    aten.linear.default: _along(lambda _: [-1]),
    **dict.fromkeys((aten._softmax.default, aten._log_softmax.default), _along(lambda call: [call.step.args[1]])),
    aten.glu.default: _along(lambda call: [call.arg(1, -1)]),
    aten.split.Tensor: _along(lambda call: [call.arg(2, 0)]),
    aten.split_with_sizes.default: _along(lambda call: [call.arg(2, 0)]),
    aten.slice.Tensor: _along(lambda call: [call.arg(1, 0)]),
    aten.flip.default: _along(lambda call: call.step.args[1]),
    aten.linalg_vector_norm.default: _along(lambda call: call.arg(2) or []),
    **dict.fromkeys((aten.permute.default, aten.transpose.int), _moved),
    **dict.fromkeys((aten.reshape.default, aten.unsqueeze.default, aten.squeeze.dim), _reshaped),
    aten.expand.default: _expanded,
    aten.select.int: _selected,
    **dict.fromkeys((aten.reflection_pad2d.default, aten.replication_pad2d.default), _map(_padded)),
    aten.constant_pad_nd.default: _map(_padded),
    aten.max_pool2d_with_indices.default: _map(_max_pooled),
    aten.avg_pool2d.default: _map(_averaged),
    **dict.fromkeys((aten.upsample_nearest2d.default, aten._upsample_nearest_exact2d.default), _resized(0)),
    aten.upsample_bilinear2d.default: _resized(1),
    aten.upsample_bicubic2d.default: _resized(2),
    aten.pixel_shuffle.default: _map(_shuffled),
    aten.pixel_unshuffle.default: _map(_unshuffled),
}
"""How each operator is cut that is not pointwise."""
