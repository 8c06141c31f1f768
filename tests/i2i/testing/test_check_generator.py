"""What `check_generator` passes and what it names: one planted bug a case."""

import random
from typing import Annotated, Any

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.testing import check_generator, check_options


class Sound(nn.Module):
    """One convolution.

    Args:
        kernel: Height and width of the kernel.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: Annotated[int, Field(ge=1)] = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        self.noise = nn.Dropout(0.1)

    def forward(self, source: Tensor) -> Tensor:
        return torch.tanh(self.noise(self.conv(source)))


class Halves(Sound):
    """Takes even sizes only."""

    size_multiple = 2

    def forward(self, source: Tensor) -> Tensor:
        height, width = source.shape[-2:]
        if height % 2 or width % 2:
            raise ValueError(f"needs a size divisible by 2, got {height}x{width}")
        return super().forward(source)


class Silent(nn.Module):
    """Says nothing of its option."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int = 3) -> None:
        super().__init__()


class BadDefault(Sound):
    """Has a default that it would refuse.

    Args:
        kernel: Height and width of the kernel.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: Annotated[int, Field(ge=1)] = 0) -> None:
        super().__init__(in_channels, out_channels)


class LiveDefault(Sound):
    """Has a default that is no data.

    Args:
        kernel: Height and width of the kernel.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: Any = nn.ReLU) -> None:
        super().__init__(in_channels, out_channels)


class OneChannelCount(Sound):
    """Takes no channels of the output."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels)


class IgnoresTarget(Sound):
    """Makes as many channels as it takes."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, in_channels)


class Shrinks(Sound):
    """Loses the border."""

    def forward(self, source: Tensor) -> Tensor:
        return super().forward(source)[..., 1:-1, 1:-1]


class Strides(Sound):
    """Takes even sizes, but does not say so."""

    def forward(self, source: Tensor) -> Tensor:
        half = super().forward(source)[..., ::2, ::2]
        return half.repeat_interleave(2, -1).repeat_interleave(2, -2) + 0 * super().forward(source)


class Doubles(Sound):
    """Makes float64."""

    def forward(self, source: Tensor) -> Tensor:
        return super().forward(source).double()


class Nan(Sound):
    """Divides by zero."""

    def forward(self, source: Tensor) -> Tensor:
        return super().forward(source) / 0


class Unbounded(Sound):
    """Lacks its tanh."""

    def forward(self, source: Tensor) -> Tensor:
        return torch.mul(self.conv(source), 0.1)


class Idle(Sound):
    """Has a weight that it does not use."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.unused = nn.Parameter(torch.zeros(1))


class InPlace(Sound):
    """Writes into its input."""

    def forward(self, source: Tensor) -> Tensor:
        return super().forward(source.mul_(0.5))


class Quiet(Halves):
    """Takes any size, although it says that it does not."""

    def forward(self, source: Tensor) -> Tensor:
        return Sound.forward(self, source)


class Mumbles(Halves):
    """Does not say what size it needs."""

    def forward(self, source: Tensor) -> Tensor:
        if source.shape[-2] % 2:
            raise ValueError("bad size")
        return Sound.forward(self, source)


class Crashes(Halves):
    """Fails with torch's words."""

    def forward(self, source: Tensor) -> Tensor:
        if source.shape[-2] % 2:
            raise RuntimeError("The size of tensor a must match the size of tensor b")
        return Sound.forward(self, source)


class WrongMultiple(Sound):
    """Says a size that is none."""

    size_multiple = 0


class Forgets(Sound):
    """Keeps what it draws out of its weights."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.shift = torch.randn(1)

    def forward(self, source: Tensor) -> Tensor:
        return torch.tanh(self.conv(source) + self.shift)


class Tied(Sound):
    """Has one weight under two names."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.again = self.conv


class OwnDice(Sound):
    """Draws from Python's generator."""

    def forward(self, source: Tensor) -> Tensor:
        shift = random.random() if self.training else 0.0
        return torch.tanh(self.conv(source) + shift)


class Counts(Sound):
    """Counts its calls, also when it translates."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, source: Tensor) -> Tensor:
        self.get_buffer("calls").add_(1)
        return super().forward(source)


class OwnNoise(Sound):
    """Draws noise of its own, also when it translates."""

    def forward(self, source: Tensor) -> Tensor:
        return torch.tanh(self.conv(source) + torch.randn(source.shape[-1]))


class GlobalNoise(Sound):
    """Draws noise in a way that takes no generator, when it translates."""

    def forward(self, source: Tensor) -> Tensor:
        shift = 0 * torch.randint_like(source[0, 0, 0, 0], 9) if not self.training else 0
        return torch.tanh(self.conv(source) + shift)


@pytest.mark.parametrize("cls", [Sound, Halves, OwnNoise])
def test_sound_generator_passes(cls: Any) -> None:
    check_generator(cls)


def test_generator_is_built_with_the_given_options() -> None:
    with pytest.raises(AssertionError, match="option 'kernel': input should be greater"):
        check_generator(Sound, {"kernel": 0})
    check_generator(Sound, {"kernel": 1})


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Silent, "options missing from the Args section of Silent: kernel."),
        (BadDefault, "a round trip of its options through JSON fails: BadDefault: option 'kernel'"),
        (LiveDefault, "fails: PydanticSerializationError"),
        (OneChannelCount, "building OneChannelCount(2, 3) fails"),
        (IgnoresTarget, "the output is of shape (2, 2, 33, 34), not (2, 3, 33, 34)."),
        (Shrinks, "the output is of shape (2, 3, 31, 32)"),
        (Strides, "given 33x34 (it has no size_multiple, so any size must do), fails: RuntimeError"),
        (Doubles, "the output is torch.float64"),
        (Nan, "the output is not finite."),
        (Unbounded, "the output leaves [-1, 1]. End with tanh."),
        (Idle, "no gradient reaches unused."),
        (InPlace, "writes into its input"),
        (Quiet, "it says size_multiple = 2, but it takes 33x36."),
        (Mumbles, "its refusal of 33x36 does not name both: bad size"),
        (Crashes, "it says size_multiple = 2, but 33x36 is no ValueError: RuntimeError"),
        (WrongMultiple, "size_multiple is 0."),
        (Forgets, "it gives another output. Register all state as buffers."),
        (Tied, "saving the weights as safetensors and loading them strictly fails"),
        (Counts, "to translate changes calls."),
        (GlobalNoise, "to translate draws from the global generator."),
        (OwnDice, "two networks built under one seed differ."),
    ],
)
def test_bug_of_a_generator_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_generator(cls)
    assert reason in str(error.value)


def test_options_alone_can_be_checked() -> None:
    check_options(Sound)
    with pytest.raises(AssertionError, match="Args section"):
        check_options(Silent)


def test_the_check_leaves_the_generator_of_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    check_generator(Sound)
    assert torch.equal(torch.rand(1), expected)
