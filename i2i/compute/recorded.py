"""Record what networks compute, as a list of torch's own operators: on shapes alone, without values, memory or time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from i2i.compute.moments import Norm, batch_norm, coefficients, group_norm, instance_norm, moments, scaled
from i2i.uncompiled import uncompiled

META = torch.device("meta")
"""Tensors there have a shape alone."""


class UnrecordableError(Exception):
    """Why a computation is no fixed list of operators, in words."""


class Ref(NamedTuple):
    """Stands in the arguments of a step for a value."""

    value: int


class Value(NamedTuple):
    """A tensor of which only the shape is known, or a constant."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    constant: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Return how much memory it takes."""
        return torch.Size(self.shape).numel() * self.dtype.itemsize


class Step(NamedTuple):
    """A call of a function that changes nothing that it is given."""

    func: Callable[..., Any]
    args: Sequence[Any]
    """Plain data, with a `Ref` wherever a tensor stood."""
    kwargs: Mapping[str, Any]
    results: tuple[int, ...]
    """The values that it returns."""

    @property
    def refs(self) -> list[int]:
        """Return the values that it is given."""
        found: list[int] = []
        replaced((*self.args, *self.kwargs.values()), Ref, lambda ref: found.append(ref.value))
        return found

    def call(self, tensor: Callable[[int], Tensor]) -> tuple[Tensor, ...]:
        """Call it with the tensors that values stand for."""
        args = replaced(tuple(self.args), Ref, lambda ref: tensor(ref.value))
        kwargs = replaced(dict(self.kwargs), Ref, lambda ref: tensor(ref.value))
        made = self.func(*args, **kwargs)
        return (made,) if isinstance(made, Tensor) else tuple(made)


class Recording(NamedTuple):
    """What a function computes of images of one size."""

    values: Sequence[Value]
    steps: Sequence[Step]
    given: Mapping[str, int]
    """The values that it is called with, by the name of the parameter."""
    made: int
    """The value that it returns."""


def record(function: Callable[..., Any], given: Mapping[str, Tensor]) -> Recording:
    """Record what a function computes of tensors of these shapes; nothing is computed.

    Call it in inference mode. Operators are those of torch's dispatcher, whatever way a network says them. Norms that
    take statistics of what they are given are recorded as these statistics and a scale and shift of each channel.

    Args:
        function: Returns a tensor; networks that it calls have their weights.
        given: What it is called with, by name: only shape, dtype and device are looked at.

    Raises:
        UnrecordableError: If what it does depends on values.
        Exception: Whatever else it raises on tensors of these shapes.
    """
    recorder = _Recorder()
    with uncompiled():
        shells = {name: _Shell(_empty(v.shape, v.dtype), v.device) for name, v in given.items()}
        values = {name: recorder.value_of(shell) for name, shell in shells.items()}
        with recorder:
            made = function(**shells)
    if not isinstance(made, _Shell):
        raise UnrecordableError("it does not return one tensor of what it is given")
    return Recording(recorder.values, recorder.steps, values, recorder.value_of(made))


class _Shell(Tensor):
    """A tensor without values that says to be on a device; `meta` holds its shape."""

    meta: Tensor
    value: int | None
    views: list["ref[_Shell]"]
    """All tensors that share its memory: the same list for each of them."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, meta: Tensor, device: torch.device) -> "_Shell":
        shell: _Shell = Tensor._make_wrapper_subclass(
            cls, meta.shape, strides=meta.stride(), dtype=meta.dtype, device=device
        )
        shell.meta, shell.value, shell.views = meta, None, []
        shell.views.append(ref(shell))
        return shell

    def shares(self, other: "_Shell") -> None:
        """Note that it shares the memory of another one."""
        self.views = other.views
        self.views.append(ref(self))

    @property
    def is_alone(self) -> bool:
        """Return whether nothing else that is there shares its memory."""
        return sum(view() is not None for view in self.views) == 1

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        raise UnrecordableError(f"{func} is called outside of what is recorded")


class _Recorder(TorchDispatchMode):
    """Writes down each operator that is called with a shell, and computes the others."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.values: list[Value] = []
        self.steps: list[Step] = []
        self._constants: dict[int, int] = {}

    def value_of(self, tensor: Tensor) -> int:
        """Return the value that a tensor is."""
        if isinstance(tensor, _Shell):
            if tensor.value is None:
                tensor.value = self._add(Value(tuple(tensor.shape), tensor.dtype))
            return tensor.value
        if id(tensor) not in self._constants:  # the list keeps it, so that its identity stays its own
            self._constants[id(tensor)] = self._add(Value(tuple(tensor.shape), tensor.dtype, tensor))
        return self._constants[id(tensor)]

    def _add(self, value: Value) -> int:
        self.values.append(value)
        return len(self.values) - 1

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        shells = list(_shells((args, kwargs)))
        if not shells:
            if torch.Tag.nondeterministic_seeded in func.tags:
                raise UnrecordableError("it draws numbers that do not go by the shape of a map")
            return func(*args, **kwargs)
        if (read := NORMS.get(func)) and (norm := read(*args, **kwargs)):
            return self._normed(args[0], norm)
        if func not in ATOMS and torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), COMPOSITE.name):
            with self:
                return func._op_dk(COMPOSITE, *args, **kwargs)
        return self._operator(func, args, kwargs, shells[0].device)

    def _normed(self, maps: Tensor, norm: Norm) -> Any:
        """Write a norm down in its steps."""
        channels = tuple(maps.shape[:2])
        found = self._step(moments, (maps,), {}, _empty((2, *channels), torch.double))
        bare = norm._replace(weight=None, bias=None)
        pair = _empty((2, *channels, *[1] * (maps.ndim - 2)))
        pair = self._step(coefficients, (found, norm.weight, norm.bias, bare, maps.ndim), {}, pair)
        return self._step(scaled, (maps, pair), {}, _empty(maps.shape, maps.dtype))

    def _operator(self, func: Any, args: Any, kwargs: Any, device: torch.device) -> Any:
        """Write an operator down that is called with shells on a device."""
        if func in MAKERS:  # goes by the shape alone, not by the values
            like, maker = MAKERS[func]
            made = _empty(args[0].shape if like else args[1], kwargs.get("dtype") or args[0].dtype)
            return self._step(maker, (tuple(made.shape),), {"dtype": made.dtype, "device": device}, made)
        written = [
            a for a, v in zip(func._schema.arguments, args, strict=False) if a.is_write and isinstance(v, Tensor)
        ]
        target = args[0]
        if written and len(written) == 1 and isinstance(target, _Shell) and target.is_alone:
            target.value = self._step(_pure(func), args, kwargs, target.meta).value
            return target
        if written:
            raise UnrecordableError(f"{func} changes a part of a map in place")
        results = self._step(VIEWS.get(func, func), args, kwargs, _shape(func, args, kwargs))
        if any(each.alias_info is not None for each in func._schema.returns) and isinstance(target, _Shell):
            for view in _shells(results):
                view.shares(target)
        return results

    def _step(self, func: Any, args: Any, kwargs: Any, made: Any) -> Any:
        """Write a call down; returns shells for the tensors that it makes."""
        device = next(_shells((args, kwargs)), torch.empty(0)).device
        device = kwargs.get("device", device) if isinstance(kwargs.get("device"), torch.device) else device
        results = replaced(made, Tensor, lambda meta: _Shell(meta, device))
        values = tuple(self.value_of(each) for each in _shells(results))
        refs = [replaced(each, Tensor, lambda tensor: Ref(self.value_of(tensor))) for each in (tuple(args), kwargs)]
        self.steps.append(Step(func, refs[0], refs[1], values))
        return results


def replaced(tree: Any, kind: type[Any], new: Callable[[Any], Any]) -> Any:
    """Return nested lists, tuples and dicts with something else in place of each value of a kind."""
    if isinstance(tree, kind):
        return new(tree)
    if isinstance(tree, dict):
        return {name: replaced(value, kind, new) for name, value in tree.items()}
    if isinstance(tree, list | tuple) and not hasattr(tree, "_fields"):
        return type(tree)(replaced(value, kind, new) for value in tree)
    return tree


def _shells(tree: Any) -> Iterator[_Shell]:
    found: list[_Shell] = []
    replaced(tree, _Shell, found.append)
    return iter(found)


def _shape(func: Any, args: Any, kwargs: Any) -> Any:
    """Return what an operator makes, without memory.

    What most networks consist of is found out here: torch does so in Python, for which it imports half of itself (3 s,
    40 MB), and takes 10 ms each.
    """
    if func is torch.ops.aten.convolution.default:
        return _convolved(*args)
    if func in KEEPING_SHAPE:
        return _empty(args[0].shape, args[0].dtype)
    if func in RESIZING:
        return _empty((*args[0].shape[:2], *args[1]), args[0].dtype)
    if func in ARITHMETIC and all(isinstance(each, Tensor) and each.ndim and each.is_floating_point() for each in args):
        shape = torch.broadcast_shapes(*(each.shape for each in args))
        return _empty(shape, torch.promote_types(args[0].dtype, args[1].dtype))
    if func is torch.ops.aten.cat.default and len({(each.ndim, each.dtype) for each in args[0]}) == 1:
        dim, shape = args[1] if len(args) > 1 else 0, list(args[0][0].shape)
        shape[dim] = sum(each.shape[dim] for each in args[0])
        return _empty(shape, args[0][0].dtype)
    given = [_without_values(tree) for tree in (tuple(args), kwargs)]
    try:
        return func(*given[0], **given[1])
    except (NotImplementedError, RuntimeError) as error:
        if "meta" in str(error):
            raise UnrecordableError(f"{func} depends on values") from error
        raise


def _without_values(tree: Any) -> Any:
    bare = replaced(tree, Tensor, lambda t: t.meta if isinstance(t, _Shell) else _empty(t.shape, t.dtype))
    return replaced(replaced(bare, torch.device, lambda _: META), torch.Generator, lambda _: None)


def _empty(shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(tuple(shape), dtype=dtype, device=META)


def _convolved(
    image: Tensor,
    weight: Tensor,
    _: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    turned: bool,
    more: Any,
    groups: int,
) -> Tensor:
    count = image.ndim - 2
    stride, padding, dilation, more = (tuple(v) * (count // len(v)) for v in (stride, padding, dilation, more))
    reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    sizes = zip(image.shape[2:], reach, stride, padding, more, strict=True)
    if turned:
        sides = [(size - 1) * s - 2 * p + r + o + 1 for size, r, s, p, o in sizes]
    else:
        sides = [(size + 2 * p - r - 1) // s + 1 for size, r, s, p, _ in sizes]
    channels = weight.shape[1] * groups if turned else weight.shape[0]
    return _empty((len(image), channels, *sides), image.dtype)


def _pure(func: Any) -> Any:
    """Return what gives the same as an operator that changes its first argument, and leaves it as it is."""
    name, overload = func._schema.name.partition("::")[2], func._overloadname
    twin = getattr(getattr(torch.ops.aten, name[:-1], None), overload, None)
    if twin is not None and torch.Tag.pointwise in twin.tags:
        return twin
    return partial(_on_copy, func)


def _on_copy(func: Any, target: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    made: Tensor = func(target.clone(), *args, **kwargs)
    return made


COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
"""Operators that torch puts together of others, which are recorded in their place."""
aten = torch.ops.aten
NORMS: Mapping[Any, Any] = {
    aten.batch_norm.default: batch_norm,
    aten.instance_norm.default: instance_norm,
    aten.group_norm.default: group_norm,
}
VIEWS = dict.fromkeys((aten.view.default, aten._unsafe_view.default), aten.reshape.default)
"""What gives the same of maps that lie in memory in any way."""
ATOMS = {*NORMS, aten.layer_norm.default, aten.linear.default}
"""Composite operators that are recorded as they are."""
KEEPING_SHAPE = {
    *(aten.batch_norm.default, aten.layer_norm.default, aten.relu.default, aten.leaky_relu.default, aten.tanh.default),
    *(aten.relu_.default, aten.leaky_relu_.default, aten.tanh_.default, aten.gelu.default, aten.silu.default),
}
RESIZING = {
    *(aten.upsample_nearest2d.default, aten._upsample_nearest_exact2d.default),
    *(aten.upsample_bilinear2d.default, aten.upsample_bicubic2d.default),
}
ARITHMETIC = {aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor}
MAKERS = {
    aten.new_empty.default: (False, torch.empty),
    aten.empty_like.default: (True, torch.empty),
    aten.new_zeros.default: (False, torch.zeros),
    aten.zeros_like.default: (True, torch.zeros),
    aten.new_ones.default: (False, torch.ones),
    aten.ones_like.default: (True, torch.ones),
}
"""What makes a tensor of another one's shape or of a given one, and how else it is made."""
