"""What all checks of the conformance kit are made of: blame in words, options, images and calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from i2i.options import build, complete, options_of
from i2i.plugins import describe

# torch is only imported by the checks of what is made of it, so that preparers are tested without
if TYPE_CHECKING:
    from torch import Tensor

SOURCE, TARGET = 2, 3
"""Channels of the images that components are shown; they differ, so that one taken for the other is noticed."""

ONLY_TORCH = "Draw random numbers from torch's default generator: it is what the engine seeds."


def check_options(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Check that every option is described in ``Args:``, has a valid default and survives JSON.

    Raises:
        AssertionError: If not.
    """
    completed(cls, options)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Have torch draw as after this seed, and go on afterwards as if nothing had been drawn."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def require(condition: bool, reason: str) -> None:
    """Raise AssertionError with the reason unless the condition holds; as every helper below does."""
    if not condition:
        raise AssertionError(reason)


@contextmanager
def blame(what: str) -> Iterator[None]:
    """Turn any error within into a failure of ``what``."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{what} fails: {describe(error)}") from error


def completed(cls: type[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options, with their defaults; see `check_options`."""
    with blame("reading its options"):
        model = options_of(cls)
        saved = complete(cls, options, cls.__name__)
    silent = [name for name, field in model.model_fields.items() if not field.description]
    require(not silent, f"options missing from the Args section of {cls.__name__}: {', '.join(silent)}.")
    with blame("a round trip of its options through JSON"):
        again = complete(cls, json.loads(json.dumps(saved, allow_nan=False)), cls.__name__)
    require(again == saved, f"options do not survive JSON: {saved} becomes {again}.")
    return saved


def built(cls: type[Any], wiring: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Build an instance of these positional arguments and options."""
    with blame(f"building {cls.__name__}{wiring}"):
        return build(cls, *wiring, options=options, owner=cls.__name__)


def called(what: str, function: Callable[..., Any], *inputs: Tensor) -> Tensor:
    """Return the tensor that a function makes, without writing into its inputs."""
    from torch import Tensor

    output = answered(what, function, *inputs)
    require(isinstance(output, Tensor), f"{what} returns a {type(output).__name__}, not a tensor.")
    result: Tensor = output
    return result


def answered(what: str, function: Callable[..., Any], *inputs: Tensor) -> Any:
    """Return whatever a function makes, without writing into its inputs."""
    from torch import equal

    before = [tensor.detach().clone() for tensor in inputs]
    with blame(what):
        output = function(*inputs)
    untouched = all(equal(tensor, copy) for tensor, copy in zip(inputs, before, strict=True))
    require(untouched, f"{what} writes into its input. Others read it too: do not compute in place there.")
    return output


def fitting(size: int, multiple: int) -> int:
    """Return the least multiple that is not below ``size``."""
    return -(-size // multiple) * multiple


def images(channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Draw two images of noise in [-1, 1], (2, channels, height, width)."""
    import torch

    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def check_tensor(what: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Require a tensor to be of this shape, float32 and finite."""
    import torch

    require(tensor.shape == shape, f"{what} is of shape {tuple(tensor.shape)}, not {shape}.")
    require(tensor.dtype is torch.float32, f"{what} is {tensor.dtype}, not torch.float32.")
    require(bool(tensor.isfinite().all()), f"{what} is not finite.")
