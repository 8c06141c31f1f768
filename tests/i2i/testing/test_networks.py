"""What the checks of generators and discriminators pass and what they name: one planted bug a case."""

import random
from typing import Annotated, Any, ClassVar

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from i2i.contracts import Verdict
from i2i.testing import check_discriminator, check_generator, check_options


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

    size_multiple: ClassVar[int] = 2
    refusal: ClassVar[Exception | None] = None

    def forward(self, source: Tensor) -> Tensor:
        height, width = source.shape[-2:]
        if height % 2 or width % 2:
            raise self.refusal or ValueError(f"needs a size divisible by 2, got {height}x{width}")
        return super().forward(source)


class Free(Sound):
    """Gives logits where it is asked to.

    Args:
        bounded: Whether tanh ends it.
    """

    def __init__(self, in_channels: int, out_channels: int, *, bounded: bool = True) -> None:
        super().__init__(in_channels, out_channels)
        self.bounded = bounded

    def forward(self, source: Tensor) -> Tensor:
        return super().forward(source) if self.bounded else self.noise(self.conv(source))


class Silent(nn.Module):
    """Says nothing of its option."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int = 3) -> None:
        super().__init__()


class BadDefault(Sound):
    """Has a default that it would refuse."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel: Annotated[int, Field(ge=1)] = 0) -> None:
        super().__init__(in_channels, out_channels)


class LiveDefault(Sound):
    """Has a default that is no data."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel: Any = nn.ReLU) -> None:
        super().__init__(in_channels, out_channels)


class OneChannelCount(Sound):
    """Takes no channels of the output."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels)


class Holding(Sound):
    """Has what it does not use, or not save, or saves twice, beside a convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.register_buffer("calls", torch.zeros(()))
        self.shift = torch.randn(1)


class Idle(Holding):
    """Has a weight that it does not use."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.unused = nn.Parameter(torch.zeros(1))


class Tied(Holding):
    """Has one weight under two names."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.again = self.conv


def strides(network: Sound, source: Tensor) -> Tensor:
    """Take even sizes, and not say so."""
    half = Sound.forward(network, source)[..., ::2, ::2]
    return half.repeat_interleave(2, -1).repeat_interleave(2, -2) + 0 * Sound.forward(network, source)


def counted(network: Holding, source: Tensor) -> Tensor:
    network.get_buffer("calls").add_(1)
    return Sound.forward(network, source)


def shifted(network: Sound, source: Tensor, shift: Any) -> Tensor:
    return torch.tanh(network.conv(source) + shift)


def planted(base: type[Any], **members: Any) -> type[Any]:
    return type("Planted", (base,), members)


OWN_NOISE = planted(Sound, forward=lambda self, x: shifted(self, x, torch.randn(x.shape[-1])))


@pytest.mark.parametrize("cls", [Sound, Halves, OWN_NOISE])
def test_sound_generator_passes(cls: Any) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    check_generator(cls)
    assert torch.equal(torch.rand(1), expected)  # and the check draws nothing


def test_generator_that_can_give_logits_is_checked_for_them() -> None:
    check_generator(Free)
    check_generator(Free, {"bounded": False})
    with pytest.raises(AssertionError, match=r"with bounded=false the output stays in \[-1, 1\]"):
        check_generator(type("Held", (Free,), {"forward": Sound.forward}))


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
        (Idle, "no gradient reaches unused."),
        (Tied, "saving the weights as safetensors and loading them strictly fails"),
    ],
)
def test_bug_in_how_a_generator_is_built_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_generator(cls)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda self, x: Sound.forward(self, x)[:, :2], "the output is of shape (2, 2, 33, 34), not (2, 3, 33, 34)."),
        (lambda self, x: Sound.forward(self, x)[..., 1:-1, 1:-1], "the output is of shape (2, 3, 31, 32)"),
        (strides, "given 33x34 (it has no size_multiple, so any size must do), fails: RuntimeError"),
        (lambda self, x: Sound.forward(self, x).double(), "the output is torch.float64"),
        (lambda self, x: Sound.forward(self, x) / 0, "the output is not finite."),
        (lambda self, x: 0.1 * self.conv(x), "the output leaves [-1, 1]. End with tanh."),
        (lambda self, x: Sound.forward(self, x.mul_(0.5)), "writes into its input"),
        (lambda self, x: shifted(self, x, self.shift), "it gives another output. Register all state as buffers."),
        (counted, "to translate changes calls."),
        (
            lambda self, x: shifted(self, x, 0 if self.training else 0 * torch.randint_like(x[0, 0, 0, 0], 9)),
            "to translate draws from the global generator.",
        ),
        (
            lambda self, x: shifted(self, x, random.random() if self.training else 0),
            "two networks built under one seed differ.",
        ),
    ],
)
def test_bug_in_what_a_generator_makes_is_named(forward: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_generator(planted(Holding, forward=forward))
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"size_multiple": 0}, "size_multiple is 0."),
        ({"forward": Sound.forward}, "it says size_multiple = 2, but it takes 33x36."),
        ({"refusal": ValueError("bad size")}, "its refusal of 33x36 does not name both: bad size"),
        ({"refusal": RuntimeError("a must match b")}, "size_multiple = 2, but 33x36 is no ValueError: RuntimeError"),
    ],
)
def test_sizes_that_are_not_as_said_are_named(members: dict[str, Any], reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        check_generator(planted(Halves, **members))
    assert reason in str(error.value)


def test_options_alone_can_be_checked() -> None:
    check_options(Sound)
    with pytest.raises(AssertionError, match="Args section"):
        check_options(Silent)


class Judge(nn.Module):
    """One convolution to logits."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 1, 4, 2)

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.conv(image)
        return logits


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda self, image: self.conv(image).sigmoid(), "it returns probabilities. Return logits"),
        (lambda self, image: self.conv(image).mean(), "the output is of shape (), not (2, 1, 1, 1)."),
        (lambda self, image: self.conv(image.detach()), "the gradient does not reach the image"),
        (
            lambda self, image: self.conv(image).repeat(1, 2, 1, 1),
            "the output is of shape (2, 2, 15, 15), not (2, 1, 15, 15).",
        ),
        (lambda self, image: [self.conv(image)], "the output is a list. Return logits, or a Verdict of logits."),
        (lambda self, image: Verdict([], [self.conv(image)]), "its verdict has no logits."),
        (lambda self, image: Verdict([self.conv(image).sigmoid()], []), "it returns probabilities. Return logits"),
        (lambda self, image: Verdict([self.conv(image), image], []), "the output is of shape (2, 2, 32, 32), not"),
        (
            lambda self, image: Verdict([self.conv(image)], [self.conv(image).detach()]),
            "a feature has no gradient, so nothing can learn to match it.",
        ),
    ],
)
def test_bug_of_a_discriminator_is_named(forward: Any, reason: str) -> None:
    check_discriminator(Judge, size=32)
    check_discriminator(planted(Judge, forward=lambda self, x: Verdict([self.conv(x)], [x])), size=32)
    with pytest.raises(AssertionError) as error:
        check_discriminator(planted(Judge, forward=forward), size=32)
    assert reason in str(error.value)
