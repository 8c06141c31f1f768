"""In which numbers networks compute: float32, or bfloat16 where that is safe and float32 around it."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from i2i.compute.small_maps import SmallMaps
from i2i.errors import UsageError
from i2i.sections.training import Precision

Numbers = Literal["float32", "bf16"]


def numbers_of(precision: Precision, device: torch.device) -> Numbers:
    """Return what a precision stands for on a device: ``auto`` is bf16 on a GPU that has it, else float32.

    Raises:
        UsageError: If bf16 is wanted, and the device does not have it.
    """
    if precision == "auto":
        return "bf16" if device.type != "cpu" and _has_bf16(device) else "float32"
    if precision == "bf16" and not _has_bf16(device):
        raise UsageError(f"precision is bf16, which {device} does not have. Say float32, or auto.")
    return precision


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8  # before, it is emulated
    if device.type == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0)
    return device.type == "cpu"


def about(numbers: Numbers, device: torch.device) -> str:
    """Say how networks are computed, as far as the bits of a result depend on it.

    Example:
        >>> about("float32", torch.device("cuda"))
        'float32 in TF32, channels last'
    """
    if device.type == "cuda":
        return f"{numbers}{' in TF32' if numbers == 'float32' else ''}, channels last"
    if device.type != "cpu":
        return numbers
    large = f"{numbers}, " if numbers == "float32" else "bf16 channels last, "
    return f"{large}small maps as float32 products, {torch.backends.cpu.get_cpu_capability()}{' AMX' * has_amx()}"


def has_amx() -> bool:
    """Return whether this CPU multiplies tiles of bfloat16; others compute it several times as slowly as float32."""
    supported: Callable[[], bool] = getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    return supported()


@contextmanager
def computing(networks: Iterable[nn.Module], device: torch.device, numbers: Numbers) -> Iterator[None]:
    """Compute networks in this thread as is fastest on a device in these numbers; nothing of them changes.

    Args:
        networks: Those that `Narrow` is for.
        device: Where they are.
        numbers: As `numbers_of` returns them.
    """
    with ExitStack() as stack:
        if numbers == "bf16":
            stack.enter_context(Narrow(networks, device))
        if device.type == "cpu":
            stack.enter_context(SmallMaps())
        yield


class Narrow:
    """Within this context, networks compute in bfloat16 where autocast finds it safe, and what they return is float32.

    Autocast is entered by the outermost call of a public method of a network and left with it. So losses are float32,
    and the weights that autocast keeps in bfloat16 do not outlast an update of them.

    Args:
        networks: Whose methods.
        device: Where they are.
    """

    def __init__(self, networks: Iterable[nn.Module], device: torch.device) -> None:
        self._networks, self._device = list(networks), device.type
        self._own: list[dict[str, Any]] = []
        self._inside = False

    def __enter__(self) -> Self:
        self._own = [dict(vars(network)) for network in self._networks]
        for network in self._networks:
            for name in _methods(network):
                vars(network)[name] = partial(self._called, getattr(network, name))
        return self

    def __exit__(self, *_: object) -> None:
        for network, own in zip(self._networks, self._own, strict=True):
            for name in _methods(network):
                del vars(network)[name]
                if name in own:
                    vars(network)[name] = own[name]

    def _called(self, method: Callable[..., Any], *given: Any, **options: Any) -> Any:
        if self._inside:
            return method(*given, **options)
        self._inside = True
        try:
            with torch.autocast(self._device, torch.bfloat16):
                return widened(method(*given, **options))
        finally:
            self._inside = False


def _methods(network: nn.Module) -> set[str]:
    """Return the names of the public methods that a network has beyond those of every module."""
    classes = [cls for cls in type(network).__mro__ if cls not in nn.Module.__mro__]
    found = {name for cls in classes for name, value in vars(cls).items() if inspect.isfunction(value)}
    return {name for name in found if not name.startswith("_")}


def widened(made: Any) -> Any:
    """Return what a method made, with all that is in bfloat16 in float32."""
    if isinstance(made, Tensor):
        return made.float() if made.dtype is torch.bfloat16 else made
    if isinstance(made, dict):
        return {name: widened(value) for name, value in made.items()}
    if isinstance(made, tuple) and hasattr(made, "_make"):
        return type(made)._make(map(widened, made))
    return type(made)(map(widened, made)) if isinstance(made, list | tuple) else made
