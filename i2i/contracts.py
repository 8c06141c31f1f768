"""What a component must be. Images are float32, (N, C, H, W), in [-1, 1].

A component is a plain ``nn.Module``: positional parameters are wired by the recipe, keyword-only parameters are the
user's options. Nothing needs to inherit from the protocols below.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn


class Batch(NamedTuple):
    """Sources and targets that belong together, (N, C, H, W) each."""

    source: Tensor
    target: Tensor


class Update(NamedTuple):
    """One optimizer step on one network, down the sum of its losses (scalars, by name)."""

    network: str
    losses: Mapping[str, Tensor]


@runtime_checkable
class Generator(Protocol):
    """``__init__(in_channels, out_channels, *, options)``; maps a source to a fake of the same height and width.

    A generator that only takes sizes divisible by some number says so in an attribute ``size_multiple`` (1 when
    absent): the engine checks it before training, and pads and crops by it when translating.

    Translating runs it in evaluation, from several threads at once: it then changes nothing of itself, and its noise,
    if it has any, is that of ``nn.Dropout``, ``torch.rand`` or ``torch.randn``, which is drawn from the caller's seed.
    """

    def __call__(self, source: Tensor, /) -> Tensor:
        """Return the fake, in [-1, 1]."""
        ...


@runtime_checkable
class Discriminator(Protocol):
    """``__init__(in_channels, *, options)``; returns logits (N, 1, h, w), one per patch."""

    def __call__(self, image: Tensor, /) -> Tensor:
        """Return logits: above 0 for what looks real."""
        ...


@runtime_checkable
class Loss(Protocol):
    """``__init__(*, options)``; returns a scalar."""

    def __call__(self, output: Tensor, target: Tensor, /) -> Tensor:
        """Compare the two."""
        ...


@runtime_checkable
class AdversarialLoss(Protocol):
    """``__init__(*, options)``; both methods take logits and return a scalar."""

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Return what the discriminator minimises."""
        ...

    def generator_loss(self, fake_logits: Tensor) -> Tensor:
        """Return what the generator minimises."""
        ...


@runtime_checkable
class Metric(Protocol):
    """``__init__(*, options)``; compares two batches and returns one figure an image, (N,)."""

    higher_is_better: ClassVar[bool]

    def __call__(self, output: Tensor, target: Tensor, /) -> Tensor:
        """Compare the two."""
        ...


class Recipe(nn.Module):
    """A method: its parts, annotated in ``__init__`` with their contracts, and the order of its updates.

    Parts are positional parameters of ``__init__``; keyword-only parameters are the recipe's own options. The part
    called ``generator`` is what a trained model consists of.
    """

    defaults: ClassVar[Mapping[str, str]]
    """Part -> name of the component it uses unless told otherwise."""

    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Engine settings that the paper prescribes, by section of the configuration; a user may overrule them."""

    @classmethod
    @abstractmethod
    def wiring(cls, source: int, target: int, options: Mapping[str, Any]) -> Mapping[str, tuple[int, ...]]:
        """Return the positional arguments of each part that these options need, from the channel counts of the data.

        A part that is left out is not built: ``__init__`` receives None for it.

        Args:
            source: Channels of the source images.
            target: Channels of the target images.
            options: The recipe's own options, validated and complete.
        """

    @abstractmethod
    def step(self, batch: Batch) -> Iterator[Update]:
        """Yield updates in order; the engine applies each before it asks for the next."""
