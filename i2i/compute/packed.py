"""Weights of convolutions laid out once, as oneDNN computes with them, instead of anew at every call."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from i2i.compute.convolutions import Settings, convolution_of
from i2i.compute.precision import Numbers

PAYING = 1000
"""Pixels that a weight meets, on average, from which on packing saves less than a fifth of the time."""
TOLERANCES: Mapping[Numbers, float] = {"float32": 1e-3, "bf16": 0.1}
"""Largest difference, in parts of the largest value, that another order of sums makes; bfloat16 has 8 bits."""

DTYPES: Mapping[Numbers, torch.dtype] = {"float32": torch.float32, "bf16": torch.bfloat16}


class UnpackableError(Exception):
    """Why weights cannot be packed here, in words."""


class Weights:
    """Packed weights of networks whose weights do not change any more.

    They serve maps of the sizes that they were packed for, alone and in batches to the same bits. Others are computed
    as ever: with weights laid out for another size, a convolution may take fifty times as long. Maps come channels
    last, as they are fastest.

    Args:
        packed: By the identity of the weight.
        kept: The networks, so that these identities stay theirs.
    """

    def __init__(self, packed: Mapping[int, "_Packed"], kept: Iterable[nn.Module]) -> None:
        self._packed, self._kept = packed, list(kept)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Compute with them in this thread, in inference mode."""
        with torch.inference_mode(), _Using(self._packed):
            yield


def pack(networks: Iterable[nn.Module], run: Callable[[], Tensor], numbers: Numbers) -> Weights | None:
    """Pack the weights of all convolutions that a run meets, where that pays.

    Args:
        networks: Whose weights; on the CPU, and none changes any more.
        run: Computes something with the networks; it is called twice, and returns the same floats both times.
        numbers: What is computed in.

    Returns:
        None where every weight meets so many pixels that it is laid out in no time beside that.

    Raises:
        UnpackableError: If this torch or this CPU cannot, or gives another result.
    """
    networks, ops = list(networks), torch.ops.mkldnn
    if not (torch.backends.mkldnn.is_available() and all(hasattr(ops, name) for name in NEEDED)):
        raise UnpackableError(f"torch {torch.__version__} has no {NEEDED[0]} here")
    known = {id(parameter) for network in networks for parameter in network.parameters()}
    with torch.inference_mode(), _Watching(known) as watched:
        expected = run()
    calls = watched.calls
    weights = sum(call.weight.numel() for call in calls.values())
    if sum(call.pixels * call.weight.numel() for call in calls.values()) > PAYING * weights or not weights:
        return None
    try:
        packed = Weights({key: call.packed(DTYPES[numbers]) for key, call in calls.items()}, networks)
        with packed.used():
            found = run()
    except RuntimeError as error:
        raise UnpackableError(f"oneDNN refuses them: {str(error).splitlines()[0]}") from error
    if (found - expected).abs().max() > TOLERANCES[numbers] * expected.abs().max():
        raise UnpackableError("oneDNN makes something else of them")
    return packed


NEEDED = (
    "_reorder_convolution_weight",
    "_reorder_convolution_transpose_weight",
    "_convolution_pointwise",
    "_convolution_transpose_pointwise",
)
"""Operators of torch that its own compiler calls; they are not public."""


class _Call(NamedTuple):
    """A convolution that was watched."""

    transposed: bool
    shape: tuple[int, ...]
    weight: Tensor
    settings: Settings

    @property
    def pixels(self) -> float:
        """Return how many pixels of an image meet each value of the weight."""
        height, width = self.shape[2:]
        return height * width / (1 if self.transposed else self.settings.stride[0] * self.settings.stride[1])

    def packed(self, dtype: torch.dtype) -> "_Packed":
        """Lay its weight out for maps of this shape."""
        ops, s, weight, shape = torch.ops.mkldnn, self.settings, self.weight.detach().to(dtype), [1, *self.shape[1:]]
        if self.transposed:
            laid = ops._reorder_convolution_transpose_weight(
                weight, s.padding, s.output_padding, s.stride, s.dilation, s.groups, shape
            )
        else:
            laid = ops._reorder_convolution_weight(weight, s.padding, s.stride, s.dilation, s.groups, shape)
        return _Packed(self.transposed, self.shape[1:], laid, s, dtype)


class _Packed(NamedTuple):
    """A weight as oneDNN wants it, and the only maps and settings that it may be used with."""

    transposed: bool
    shape: tuple[int, ...]
    weight: Tensor
    settings: Settings
    dtype: torch.dtype

    def __call__(self, image: Tensor, bias: Tensor | None) -> Tensor:
        ops, s, image = torch.ops.mkldnn, self.settings, image.to(self.dtype)
        bias = None if bias is None else bias.to(self.dtype)
        made: Tensor
        if self.transposed:
            made = ops._convolution_transpose_pointwise(
                image, self.weight, bias, s.padding, s.output_padding, s.stride, s.dilation, s.groups, "none", [], ""
            )
        else:
            made = ops._convolution_pointwise(
                image, self.weight, bias, s.padding, s.stride, s.dilation, s.groups, "none", [], ""
            )
        return made


class _Watching(TorchFunctionMode):
    """Notes the first call of each convolution with a known weight."""

    def __init__(self, known: set[int]) -> None:
        super().__init__()
        self._known = known
        self.calls: dict[int, _Call] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = convolution_of(func, args, kwargs)
        if call is not None and call.image.ndim == 4 and id(call.weight) in self._known:
            watched = _Call(call.transposed, tuple(call.image.shape), call.weight, call.settings)
            self.calls.setdefault(id(call.weight), watched)
        return func(*args, **(kwargs or {}))


class _Using(TorchFunctionMode):
    """Computes convolutions with packed weights."""

    def __init__(self, packed: Mapping[int, _Packed]) -> None:
        super().__init__()
        self._packed = packed

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call = convolution_of(func, args, kwargs)
        packed = None if call is None else self._packed.get(id(call.weight))
        if call is None or packed is None or type(call.image) is not Tensor:  # what is recorded has no values
            return func(*args, **(kwargs or {}))
        if (packed.settings, packed.shape) != (call.settings, call.image.shape[1:]):
            return func(*args, **(kwargs or {}))
        return packed(call.image, call.bias)
