"""What a component must be: a plain class that inherits nothing, whose signature says all that it wants.

Positional parameters of ``__init__`` are wired by the recipe, keyword-only parameters are the user's options. Steps and
translators are given what their parameters name: fields of the data, the clock, parts of the recipe, noise.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, TypeVar, runtime_checkable

from torch import Tensor, nn

from i2i.fields import Fields

Image = Annotated[Tensor, "image"]
"""Float32 (N, C, H, W): an image in [-1, 1], or class ids one-hot, 0 and 1 (all 0 where a pixel has no class)."""
Ids = Annotated[Tensor, "ids"]
"""Int64 (N, H, W); -100, which torch's losses ignore, where a pixel has no class."""
Vector = Annotated[Tensor, "vector"]
"""Float32 (N, C)."""
Noise = Annotated[Tensor, "noise"]
"""Float32 of the shape of the field that is made, from N(0, 1), drawn by the engine from the caller's seed."""


class Clock(NamedTuple):
    """When a step happens; `Recipe.step` is given it where it has a parameter ``clock``."""

    step: int
    """Steps that are done: 0 at the first one."""
    total: int
    """Steps of the whole run."""
    epoch: int
    """Counted from 0."""

    @property
    def progress(self) -> float:
        """Return how much of the run is done, in [0, 1)."""
        return self.step / self.total


class Update(NamedTuple):
    """One optimizer step on one network, or one joint step on several, down the sum of the losses."""

    networks: str | tuple[str, ...]
    """Attributes of the recipe; of several, the optimizer of each makes a step after one backward."""
    losses: Mapping[str, Tensor | Mapping[str, Tensor]]
    """Scalars by name; several terms of one name in a mapping, as `i2i.parts.Losses` gives them."""
    figures: Mapping[str, Tensor] = MappingProxyType({})
    """Scalars that are logged and are no losses."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the networks."""
        return (self.networks,) if isinstance(self.networks, str) else tuple(self.networks)

    @property
    def owner(self) -> str:
        """Return what the networks are called together: ``generator+generator_back``."""
        return "+".join(self.names)

    @property
    def terms(self) -> dict[str, Tensor]:
        """Return the losses by one name each: ``pixel.l1`` where there are several of ``pixel``, else ``pixel``."""
        flat: dict[str, Tensor] = {}
        for name, loss in self.losses.items():
            several = loss if isinstance(loss, Mapping) else {"": loss}
            flat |= {f"{name}.{term}" if len(several) > 1 else name: value for term, value in several.items()}
        return flat


class Verdict(NamedTuple):
    """What a discriminator may return instead of logits."""

    logits: Sequence[Tensor]
    """(N, 1, h, w) each, one a scale."""
    features: Sequence[Tensor]
    """What it saw on the way, (N, C, h, w) each: the layers of the first scale, then those of the next."""


class Wire:
    """What a recipe builds a part with.

    Args:
        arguments: Positional arguments of the component. A function among them is called first, with the parts that its
            parameters name: ``Wire(lambda generator: generator.widths)``.
        options: Options of the component that the recipe decides, and the user cannot.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.arguments, self.options = arguments, options


CONTRACTS: dict[Any, str] = {}
"""What a recipe's part may be annotated with -> the kind of component that serves as it."""

P = TypeVar("P")


def contract(kind: str) -> Callable[[type[P]], type[P]]:
    """Make a Protocol a contract: what components of a kind must have, to serve as a part that is annotated with it."""

    def mark(protocol: type[P]) -> type[P]:
        CONTRACTS[protocol] = kind
        return runtime_checkable(protocol)

    return mark


@contract("generator")
@runtime_checkable
class Generator(Protocol):
    """``__init__(in_channels, out_channels, *, options)``; maps a source to a fake of the same height and width.

    A generator that only takes sizes divisible by some number says so in an attribute ``size_multiple`` (1 when
    absent): the engine checks it before training, and pads and crops by it when translating. One that can also give
    logits of class ids has an option ``bounded``, which recipes set to false for that.

    Translating runs it in evaluation, from several threads at once: it then changes nothing of itself, and its noise,
    if it has any, is that of ``nn.Dropout``, ``torch.rand`` or ``torch.randn``, which is drawn from the caller's seed.
    """

    def __call__(self, source: Tensor, /) -> Tensor:
        """Return the fake, in [-1, 1]."""
        ...


@contract("discriminator")
@runtime_checkable
class Discriminator(Protocol):
    """``__init__(in_channels, *, options)``; returns logits (N, 1, h, w), one a patch, or a `Verdict`."""

    def __call__(self, image: Tensor, /) -> Tensor | Verdict:
        """Return logits: above 0 for what looks real."""
        ...


@contract("discriminator")
@runtime_checkable
class FeatureDiscriminator(Protocol):
    """A discriminator that returns a `Verdict`, and says so in the annotation of its ``forward``."""

    def __call__(self, image: Tensor, /) -> Verdict:
        """Return logits and features."""
        ...


@contract("loss")
@runtime_checkable
class Loss(Protocol):
    """``__init__(*, options)``; returns a scalar."""

    def __call__(self, output: Tensor, target: Tensor, /) -> Tensor:
        """Compare the two."""
        ...


@contract("loss")
@runtime_checkable
class AdversarialLoss(Protocol):
    """``__init__(*, options)``; both methods take logits of one scale and return a scalar.

    One that compares with real logits in the generator's step too has a second parameter there:
    ``generator_loss(fake_logits, real_logits)``.
    """

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, /) -> Tensor:
        """Return what the discriminator minimises."""
        ...

    def generator_loss(self, fake_logits: Tensor, /) -> Tensor:
        """Return what the generator minimises."""
        ...


@contract("penalty")
@runtime_checkable
class Penalty(Protocol):
    """``__init__(*, options)``; what a discriminator pays for its slope, or None at a step where nothing is due."""

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, clock: Clock, /) -> Tensor | None:
        """Return a scalar for what the discriminator sees of real images and of fakes."""
        ...


@contract("features")
@runtime_checkable
class Features(Protocol):
    """``__init__(*, weights: str = "")``; what a network that knows photographs sees in images, RGB or gray.

    It is an ``nn.Module`` of one mode and without parameters: losses and metrics look through it, and nothing trains
    or saves it. ``weights`` is a file; where it is empty, those of a package, or it is a `UsageError` that names them.
    """

    def __call__(self, image: Tensor, /) -> Sequence[Tensor]:
        """Return what it sees in (N, 3, H, W) or (N, 1, H, W), in [-1, 1]: (N, c, h, w) each, from fine to coarse."""
        ...

    def pooled(self, image: Tensor, /) -> Tensor:
        """Return (N, D), what sets of images are compared by; the class says how images are resized for that."""
        ...


@contract("metric")
@runtime_checkable
class Metric(Protocol):
    """``__init__(*, options)``; compares a batch of what was made with what is real, item by item.

    The first parameter is what was made: `Image` where its annotation says nothing, or `Ids`. The second, where there
    is one, is what it should be. Keyword-only parameters are given by name: fields of the data, annotated as in a step;
    ``mask: Tensor | None``, bool (N, H, W), where only these pixels count, None where all do; ``**fields`` are all
    fields of the item. Networks in it are frozen.

    What else it may have: ``better``, a class attribute, what a better figure means in words, such as "closer pixel by
    pixel"; ``map(output, target)``, the difference at each pixel, (N, H, W); ``caution(count)``, what a reader of a
    figure of so many items must be told.
    """

    higher_is_better: ClassVar[bool]

    def __call__(self, output: Tensor, target: Tensor, /) -> Tensor:
        """Return the figure of each item, (N,), NaN where there is nothing to measure; that of a set is their mean."""
        ...


@contract("metric")
@runtime_checkable
class SetMetric(Protocol):
    """A `Metric` whose figure of a set is no mean: called, it returns (N, ...), whatever is needed of each item."""

    higher_is_better: ClassVar[bool]

    pairs: ClassVar[bool]
    """Whether items are compared one by one, as by a confusion matrix: a bootstrap over items tells the spread. Else
    one set is compared with the other, which need not be pairs: random halves of the items tell it."""

    def __call__(self, output: Tensor, target: Tensor, /) -> Tensor:
        """Return what is needed of each item."""
        ...

    def aggregate(self, seen: Tensor) -> float | Mapping[str, float]:
        """Return the figure of a set, or several by name, from what was returned of its items, on the CPU."""
        ...


class Logger(Protocol):
    """``__init__(folder, *, options)``; hears how a run goes, after the steps and never within one.

    ``folder`` is the run's; what a logger writes there goes into ``folder / "logs"``. Building one only refuses what
    cannot work, such as a package that is missing: the run then does not begin. Any method may be left out. One that
    raises is said in one warning, and its logger hears no more; the run goes on. What a logger draws at random changes
    nothing of the run. An attribute ``where``, if it has one, says where to look, and is told with the facts of the run
    before it begins. A run that was killed says nothing more, and a run that is resumed goes on from its last
    checkpoint: steps after that are heard again.
    """

    def started(self, facts: Mapping[str, str], done: int, total: int) -> None:
        """Hear that the run begins: what it is in words, steps that are already done, steps in all."""
        ...

    def advanced(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hear that steps are done: a row of ``metrics.jsonl`` for each, the newest last."""
        ...

    def validated(self, step: int, figures: Mapping[str, float], best: bool) -> None:
        """Hear each figure of the held-out items after a step, and whether the model is the best so far."""
        ...

    def pictured(self, step: int, path: Path) -> None:
        """Hear that the samples of a step are drawn: a PNG, one item a row below a heading."""
        ...

    def warned(self, text: str) -> None:
        """Hear something that is worth knowing, in one line; also before `started`."""
        ...

    def ended(self, words: str) -> None:
        """Hear what became of the run: that it is done, or what ended it."""
        ...


def translate(generator: Generator, source: Image) -> Tensor:
    """Return the target that the generator makes of a source."""
    return generator(source)


class Recipe(nn.Module):
    """A method: its parts, annotated in ``__init__`` with their contracts, and the order of its updates.

    Parts are positional parameters of ``__init__``; keyword-only parameters are the recipe's own options. A part that
    is annotated with `i2i.parts.Losses`, `i2i.parts.Penalties` or `i2i.parts.Adversarial` is built by the engine around
    the components that the user names.
    """

    defaults: ClassVar[Mapping[str, Any]]
    """Part -> name of the component that it uses unless told otherwise; or a mapping with ``name`` and options; or, of
    a list of losses, a list of these."""

    presets: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {}
    """Settings for a purpose, by name: of sections of the configuration and of parts. They go over those that the
    engine has of this name, such as ``small`` for a CPU and some minutes, and ``fast`` for a GPU."""
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Engine settings that the paper prescribes, by section of the configuration, and the dataset that reads its data
    where that is not ``pairs``; a user may overrule them."""

    unpaired: ClassVar[bool] = False
    """Whether it learns from fields that do not belong to each other; one that does not is given pairs alone."""

    renamed: ClassVar[Mapping[str, str]] = {}
    """Options that the recipe once had -> the setting to write instead."""

    translators: ClassVar[Mapping[str, Callable[..., Tensor]]] = {"target": translate}
    """Field that a trained model makes -> the function that makes it, of parts, fields and noise by name. Keyword-only
    parameters are options of translating. The parts that are named are what a model consists of. A field of class ids
    is made as logits, (N, classes, H, W)."""

    step: Callable[..., Iterator[Update]]
    """Yield updates in order; the engine applies each before it asks for the next. Parameters name fields of the data,
    annotated with `Image`, `Ids` or `Vector`; one with a default may be missing in the data."""

    @classmethod
    @abstractmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        """Return what each part is built with, which these options need; ``__init__`` gets None for a part left out.

        Args:
            fields: What the data has.
            options: The recipe's own options, validated and complete.
        """
