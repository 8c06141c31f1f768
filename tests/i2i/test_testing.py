"""The conformance kit passes what is sound and names what is not: one planted bug a case."""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from i2i import testing
from i2i.contracts import AdversarialLoss, Batch, Discriminator, Generator, Loss, Recipe, Update
from i2i.pairs import Pair, Pixels, Reading


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


@pytest.mark.parametrize("cls", [Sound, Halves])
def test_sound_generator_passes(cls: Any) -> None:
    testing.check_generator(cls)


def test_generator_is_built_with_the_given_options() -> None:
    with pytest.raises(AssertionError, match="option 'kernel': input should be greater"):
        testing.check_generator(Sound, {"kernel": 0})
    testing.check_generator(Sound, {"kernel": 1})


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
        (OwnDice, "two networks built under one seed differ."),
    ],
)
def test_bug_of_a_generator_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        testing.check_generator(cls)
    assert reason in str(error.value)


class Judge(nn.Module):
    """One convolution to logits."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 1, 4, 2)

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.conv(image)
        return logits


class Probabilities(Judge):
    """Takes the sigmoid."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).sigmoid()


class OneFigure(Judge):
    """Judges the whole batch at once."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).mean()


class Blind(Judge):
    """Does not let the gradient through."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image.detach())


class TwoChannels(Judge):
    """Gives two logits a patch."""

    def forward(self, image: Tensor) -> Tensor:
        return super().forward(image).repeat(1, 2, 1, 1)


def test_sound_discriminator_passes() -> None:
    testing.check_discriminator(Judge, size=32)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Probabilities, "it returns probabilities. Return logits"),
        (OneFigure, "the output is of shape (), not (2, 1, 1, 1)."),
        (Blind, "the gradient does not reach the image"),
        (TwoChannels, "the output is of shape (2, 2, 15, 15), not (2, 1, 15, 15)."),
    ],
)
def test_bug_of_a_discriminator_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        testing.check_discriminator(cls, size=32)
    assert reason in str(error.value)


class Distance(nn.Module):
    """Root of the mean square, with its gradient at 0."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return ((output - target).square().mean() + 1e-6).sqrt()


class Root(Distance):
    """Has no gradient at 0."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square().mean().sqrt()


class PerImage(Distance):
    """Gives a figure an image."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square().mean((1, 2, 3))


class Upside(Distance):
    """Rewards difference."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return -super().forward(output, target)


class Detached(Distance):
    """Leaves autograd."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return super().forward(output.detach(), target)


class WrongSide(Distance):
    """Has a gradient, but not of the output."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return super().forward(output.detach(), target) + nn.Parameter(torch.zeros(()))


class Number(Distance):
    """Returns a float."""

    def forward(self, output: Tensor, target: Tensor) -> Any:
        return 0.5


def test_sound_loss_passes() -> None:
    testing.check_loss(Distance)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Root, "the gradient at the output where it equals the target is not finite."),
        (PerImage, "the loss is of shape (2,), not ()."),
        (Upside, "Turn the sign."),
        (Detached, "no gradient reaches the output."),
        (WrongSide, "no gradient reaches the output."),
        (Number, "the loss returns a float, not a tensor."),
    ],
)
def test_bug_of_a_loss_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        testing.check_loss(cls)
    assert reason in str(error.value)


class Hinge:
    """Hinge loss."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return (1 - real_logits).relu().mean() + (1 + fake_logits).relu().mean()

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits.mean()


class Overflows(Hinge):
    """Takes the logarithm of a sigmoid that is 0."""

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits.sigmoid().log().mean()


class Swapped(Hinge):
    """Takes real for fake."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return super().discriminator_loss(fake_logits, real_logits)


class Helps(Hinge):
    """Trains the generator to be caught."""

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        return fake_logits.mean()


class OnlyReal(Hinge):
    """Does not look at fakes."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return (1 - real_logits).relu().mean()


class Mapped(Hinge):
    """Gives a map."""

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        return -fake_logits


class HalfDone:
    """Has one of two methods."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        return fake_logits.mean() - real_logits.mean()


def test_sound_adversarial_loss_passes() -> None:
    testing.check_adversarial_loss(Hinge)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Overflows, "generator_loss() is not finite."),
        (Swapped, "discriminator_loss() is 4 where its side wins and 0 where it loses. Turn the sign."),
        (Helps, "generator_loss() is 1 where its side wins and -1 where it loses. Turn the sign."),
        (OnlyReal, "no gradient reaches the logits of discriminator_loss()."),
        (Mapped, "generator_loss() is of shape (2, 1, 3, 3), not ()."),
        (HalfDone, "it has no method generator_loss()."),
    ],
)
def test_bug_of_an_adversarial_loss_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        testing.check_adversarial_loss(cls)
    assert reason in str(error.value)


class Adversary(Recipe):
    """A generator against a discriminator."""

    defaults: ClassVar[Mapping[str, str]] = {
        "generator": "unet",
        "discriminator": "patchgan",
        "gan_loss": "least-squares",
        "pixel_loss": "l1",
    }
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"optimizer": {"lr": 1e-4}, "data": {"crop": 64}}

    def __init__(
        self, generator: Generator, discriminator: Discriminator, gan_loss: AdversarialLoss, pixel_loss: Loss
    ) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.gan_loss, self.pixel_loss = gan_loss, pixel_loss

    @classmethod
    def wiring(cls, source: int, target: int, options: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        return {"generator": (source, target), "discriminator": (target,), "gan_loss": (), "pixel_loss": ()}

    def step(self, batch: Batch) -> Iterator[Update]:
        fake = self.generator(batch.source)
        real_logits, fake_logits = self.discriminator(batch.target), self.discriminator(fake.detach())
        yield Update("discriminator", {"gan": self.gan_loss.discriminator_loss(real_logits, fake_logits)})
        yield Update("generator", {"gan": self.gan_loss.generator_loss(self.discriminator(fake))})


class OneSided(Adversary):
    """Never trains its discriminator."""

    def step(self, batch: Batch) -> Iterator[Update]:
        yield Update("generator", {"pixel": self.pixel_loss(self.generator(batch.source), batch.target)})


class Stale(Adversary):
    """Computes both losses before the first update is applied."""

    def step(self, batch: Batch) -> Iterator[Update]:
        fake = self.generator(batch.source)
        logits = self.discriminator(fake)
        real_logits = self.discriminator(batch.target)
        yield Update("discriminator", {"gan": self.gan_loss.discriminator_loss(real_logits, logits.detach())})
        yield Update("generator", {"gan": self.gan_loss.generator_loss(logits)})


class Misnames(Adversary):
    """Updates a network that it does not have."""

    def step(self, batch: Batch) -> Iterator[Update]:
        yield Update("critic", {"gan": self.discriminator(batch.target).mean()})


class NoGradient(Adversary):
    """Detaches what it should train."""

    def step(self, batch: Batch) -> Iterator[Update]:
        yield Update("generator", {"gan": self.discriminator(self.generator(batch.source).detach()).mean()})


class Lossless(Adversary):
    """Yields an update without a loss."""

    def step(self, batch: Batch) -> Iterator[Update]:
        yield Update("generator", {})


class Maps(Adversary):
    """Yields maps for losses."""

    def step(self, batch: Batch) -> Iterator[Update]:
        yield Update("discriminator", {"gan": self.discriminator(batch.target).mean()})
        yield Update("generator", {"pixel": (self.generator(batch.source) - batch.target).abs().mean((1, 2, 3))})


class Dicing(Adversary):
    """Draws from numpy's generator."""

    def step(self, batch: Batch) -> Iterator[Update]:
        for update in super().step(batch):
            yield Update(update.network, {name: loss * np.random.random() for name, loss in update.losses.items()})


class Miswired(Adversary):
    """Takes source for target."""

    @classmethod
    def wiring(cls, source: int, target: int, options: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        return {**super().wiring(source, target, options), "generator": (target, source)}


class Invents(Adversary):
    """Wires a part that is none."""

    @classmethod
    def wiring(cls, source: int, target: int, options: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        return {**super().wiring(source, target, options), "critic": ()}


class Prescribes(Adversary):
    """Names a section that is none."""

    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"optimiser": {"lr": 1e-4}}


class Overdoes(Adversary):
    """Prescribes a value that the engine refuses."""

    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {"optimizer": {"lr": -1}}


class Nameless(Adversary):
    """Has no part called generator."""

    defaults: ClassVar[Mapping[str, str]] = {"translator": "unet"}

    def __init__(self, translator: Generator) -> None: ...


class Reserved(Adversary):
    """Calls a part what a section is called."""

    defaults: ClassVar[Mapping[str, str]] = {"generator": "unet", "data": "l1"}

    def __init__(self, generator: Generator, data: Loss) -> None: ...


class Unannotated(Adversary):
    """Does not say what its parts are."""

    defaults: ClassVar[Mapping[str, str]] = {"generator": "unet"}

    def __init__(self, generator: nn.Module) -> None: ...


SMALL = {"generator": {"depth": 2, "base_channels": 2}, "discriminator": {"layers": 1, "base_channels": 2}}


def test_sound_recipe_passes() -> None:
    testing.check_recipe(Adversary, parts=SMALL)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (OneSided, "step() trains no discriminator.stack.0.weight, discriminator.stack.0.bias,"),
        (Stale, "step() fails: RuntimeError: one of the variables needed for gradient computation has been modified"),
        (Misnames, "step() updates 'critic', but its networks are ['generator', 'discriminator',"),
        (NoGradient, "step() trains no generator.down.0.0.weight"),
        (Lossless, "step() yields no loss for the generator."),
        (Maps, "the loss 'pixel' of the generator is of shape (2,), not ()."),
        (Dicing, "two trainings under one seed differ."),
        (Miswired, "wiring() gives the generator (3, 2) of source 2 and target 3."),
        (Invents, "wiring() names ['critic'], which are no parts."),
        (Prescribes, "settings name 'optimiser', which is none of"),
        (Overdoes, "settings fails: optimizer: option 'lr'"),
        (Nameless, "it has no part 'generator'"),
        (Reserved, "sections of the configuration are called ['data'] too."),
        (Unannotated, "its parts fails: Unannotated: annotate the part 'generator' with its contract"),
    ],
)
def test_bug_of_a_recipe_is_named(cls: Any, reason: str) -> None:
    parts = {part: options for part, options in SMALL.items() if part in cls.defaults}
    with pytest.raises(AssertionError) as error:
        testing.check_recipe(cls, parts=parts)
    assert reason in str(error.value)


class Squares(nn.Module):
    """Mean square."""

    higher_is_better: ClassVar[bool] = False

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square().mean((1, 2, 3))


class Directionless(nn.Module):
    """Does not say which way is better."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return (output - target).square().mean((1, 2, 3))


class Contrary(Squares):
    """Says the wrong way."""

    higher_is_better: ClassVar[bool] = True


class Averaged(Squares):
    """Gives one figure a batch."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return super().forward(output, target).mean()


class Mixed(Squares):
    """Lets one image's figure depend on another."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return super().forward(output, target).mean().expand(len(output))


class Perfectionist(Squares):
    """Is not a number for equal images."""

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        error = super().forward(output, target)
        return error * error / error


def test_sound_metric_passes() -> None:
    testing.check_metric(Squares)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Directionless, "higher_is_better is None."),
        (Contrary, "but higher_is_better is True."),
        (Averaged, "the figures is of shape (), not (2,)."),
        (Mixed, "in a batch."),
        (Perfectionist, "the figure of equal images is not a number."),
    ],
)
def test_bug_of_a_metric_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        testing.check_metric(cls)
    assert reason in str(error.value)


class Numbers:
    """Pairs made of their index."""

    def __init__(self, root: Path, split: str) -> None:
        self.names = [f"{split}-{index}" for index in range(3)]

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int, /) -> Pair:
        self.names[index]
        return Pair(np.full((4, 5, 1), index, np.uint8), np.full((4, 5, 3), index / 9, np.float32))


class Empty(Numbers):
    """Has nothing."""

    def __len__(self) -> int:
        return 0


class FewNames(Numbers):
    """Lacks a name."""

    def __init__(self, root: Path, split: str) -> None:
        self.names = ["a", "b"]


class SameNames(Numbers):
    """Has a name twice."""

    def __init__(self, root: Path, split: str) -> None:
        self.names = ["a", "b", "a"]


class Restless(Numbers):
    """Jitters."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source, target + np.float32(np.random.random() / 9))


class Bare(Numbers):
    """Gives tuples."""

    def __getitem__(self, index: int, /) -> Any:
        return tuple(super().__getitem__(index))


class Flat(Numbers):
    """Drops the channel axis."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source[..., 0], target)


class Wide(Numbers):
    """Leaves the range of floats."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source, 255 * (1 + target))


class Odd(Numbers):
    """Has an unknown dtype."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source.astype(np.int64), target)


class Uneven(Numbers):
    """Has sides of two sizes."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source[1:], target)


class Motley(Numbers):
    """Has gray and colour sources."""

    def __getitem__(self, index: int, /) -> Pair:
        source, target = super().__getitem__(index)
        return Pair(source.repeat(index + 1, axis=2), target)


class Endless(Numbers):
    """Has no end."""

    def __getitem__(self, index: int, /) -> Pair:
        return super().__getitem__(index % 3)


class Pinned(Numbers):
    """Cannot be sent to a worker."""

    def __init__(self, root: Path, split: str) -> None:
        super().__init__(root, split)
        self.reader = lambda: None


def test_sound_dataset_passes(tmp_path: Path) -> None:
    testing.check_dataset(Numbers, tmp_path)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Empty, "it finds no pair"),
        (FewNames, "it has 3 pairs, but 2 names."),
        (SameNames, "two pairs have the same name."),
        (Restless, "item 0 is not the same when it is read again."),
        (Bare, "item 0 is a tuple, not a Pair."),
        (Flat, "the source of item 0 is of shape (4, 5), not (H, W, C)."),
        (Wide, "the target of item 0 leaves [-1, 1], the range of float32"),
        (Odd, "the source of item 0 fails: TypeError: Images are uint8, uint16 or float32, not int64."),
        (Uneven, "item 0 has a source of (3, 5) and a target of (4, 5) pixels."),
        (Motley, "pairs differ in their channels: [(1, 3), (2, 3), (3, 3)]."),
        (Endless, "item 3 of 3 does not raise IndexError."),
        (Pinned, "pickling, which sends it to worker processes, fails"),
    ],
)
def test_bug_of_a_dataset_is_named(cls: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as error:
        testing.check_dataset(cls, tmp_path)
    assert reason in str(error.value)


class Negative:
    """Makes a photo of its negative."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __call__(self, *images: Pixels) -> Pair:
        return Pair(255 - images[0], images[0])


class Both:
    """Takes two."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image", "image")

    def __call__(self, *images: Pixels) -> Pair:
        first, second = images
        return Pair(first, second)


class Unsaid(Negative):
    """Does not say how many it takes."""

    inputs: ClassVar[Any] = None


class Writes(Negative):
    """Writes into its input."""

    def __call__(self, *images: Pixels) -> Pair:
        images[0][:] //= 2
        return Pair(images[0].copy(), images[0].copy())


class Varies(Negative):
    """Gives another pair each time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *images: Pixels) -> Pair:
        self.calls += 1
        return Pair(images[0] // self.calls, images[0])


class Fails(Negative):
    """Cannot read what it is given."""

    def __call__(self, *images: Pixels) -> Pair:
        raise IndexError("axis 2")


@pytest.mark.parametrize("cls", [Negative, Both])
def test_sound_preparer_passes(cls: Any) -> None:
    testing.check_preparer(cls)


@pytest.mark.parametrize(
    ("cls", "reason"),
    [
        (Unsaid, "inputs is None."),
        (Writes, "it writes into its input."),
        (Varies, "the same image gives another pair the second time."),
        (Fails, "the preparer, given 1 of 49x66, fails: IndexError: axis 2"),
    ],
)
def test_bug_of_a_preparer_is_named(cls: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as error:
        testing.check_preparer(cls)
    assert reason in str(error.value)


def test_options_alone_can_be_checked() -> None:
    testing.check_options(Sound)
    with pytest.raises(AssertionError, match="Args section"):
        testing.check_options(Silent)


def test_checks_leave_the_generator_of_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    testing.check_generator(Sound)
    testing.check_recipe(Adversary, parts=SMALL)
    assert torch.equal(torch.rand(1), expected)
