"""The bridge: a straight flow from a noisy source to the target.

Papers: Liu, Gong, Liu 2023, *Flow Straight and Fast*, arXiv 2209.03003v1, equation 1 (what the velocity learns) and
section 2.1 (how it is followed). That a bridge may begin at the source is in Liu et al. 2023, *I2SB*, arXiv
2302.05872v3; that noise is laid on it and the velocity sees it too, in Albergo, Goldstein, Boffi, Ranganath,
Vanden-Eijnden 2023, arXiv 2310.03725. Original code: github.com/gnobitab/RectifiedFlow (no licence); this is our own.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Protocol

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.contracts import Image, Noise, Recipe, Update, Wire, contract
from i2i.errors import UsageError
from i2i.fields import Fields

Start = Literal["source", "noise"]


@contract("velocity")
class Velocity(Protocol):
    """``__init__(in_channels, out_channels, *, options)``: channels of the source, and of the target.

    One that only takes sizes divisible by some number says so in an attribute ``size_multiple``, as generators do.
    """

    def __call__(self, place: Tensor, time: Tensor, source: Tensor, /) -> Tensor:
        """Return where to, and how fast, a place moves.

        Args:
            place: Where each image is on its way, (N, out_channels, H, W), of any values.
            time: How much of the way is done, (N,), from 0 to 1.
            source: What to make a target of, (N, in_channels, H, W).

        Returns:
            The change of the place in a unit of time, (N, out_channels, H, W), of any values.
        """
        ...


def departure(source: Tensor, noise: Tensor, start: Start, spread: float) -> Tensor:
    """Return where the way to the target begins, (N, C, H, W): at the source or at 0, with noise laid on it."""
    return source + spread * noise if start == "source" else spread * noise


def cross(
    velocity: Velocity,
    source: Image,
    noise: Noise,
    *,
    start: Start = "source",
    spread: Annotated[float, Field(ge=0)] = 0.5,
    steps: Annotated[int, Field(ge=1, le=1000)] = 8,
) -> Tensor:
    """Follow the velocity from the start to the target, by Euler's method (Liu et al. 2023, section 2.1).

    Args:
        velocity: The network.
        source: What to make a target of.
        noise: What makes one translation differ from another.
        start: As the recipe's.
        spread: As the recipe's.
        steps: How often the velocity is asked, at equal times; each costs as much as one network without time.

    Returns:
        The target, cut to [-1, 1].
    """
    place = departure(source, noise, start, spread)
    for step in range(steps):
        time = place.new_full((len(place),), step / steps)
        place = place + velocity(place, time, source) / steps
    return place.clamp(-1, 1)


class Bridge(Recipe):
    """The straight flow from a noisy source to the target (Liu et al. 2023, arXiv 2209.03003, equation 1).

    Between a start X0 and the target X1 lies the line Xt = (1 - t) X0 + t X1. At a random time t and place Xt, the
    velocity learns X1 - X0 by its mean square, given the source; so it learns the mean of all ways that pass there, and
    following it from a start makes a target that is one of many. Each noise makes another one.

    Differs from the papers: the velocity is learned once, without the rounds that straighten the flow (reflow).

    Args:
        start: Where ways begin: at the ``source``, an image with as many channels as the target, with noise laid on it;
            or at ``noise`` alone, for sources of any channels.
        spread: Standard deviation of that noise, where images lie in [-1, 1]; without any, a source has one target.

    Raises:
        UsageError: If the target is no image, or the way cannot begin at the source.
    """

    defaults: ClassVar[Mapping[str, Any]] = {"velocity": "unet"}
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "optimizer": {"name": "adamw", "lr": 1e-4, "weight_decay": 0.0},  # as in the code of guided-diffusion
        "average": {"velocity": 0.999},  # over a thousand steps; theirs, 0.9999, is for runs of a million
    }
    translators: ClassVar[Mapping[str, Callable[..., Tensor]]] = {"target": cross}

    def __init__(
        self, velocity: Velocity, *, start: Start = "source", spread: Annotated[float, Field(ge=0)] = 0.5
    ) -> None:
        super().__init__()
        self.velocity = velocity
        self.start: Start = start
        self.spread = spread

    @classmethod
    def wiring(cls, fields: Fields, options: Mapping[str, Any]) -> Mapping[str, Wire]:
        """Wire the velocity for places that are like targets."""
        source, target = fields["source"], fields["target"]
        if target.kind != "image":
            raise UsageError("a bridge makes images, and the target is class ids. Train another recipe, as regression.")
        if options["start"] == "source" and (source.kind, source.channels) != (target.kind, target.channels):
            classes = "class ids" if source.kind == "ids" else "an image"
            raise UsageError(
                f"the source is {classes} of {source.channels} channels and the target an image of {target.channels}: "
                "the way cannot begin at the source. Begin it at noise: --set recipe.start=noise."
            )
        return {"velocity": Wire(source.channels, target.channels)}

    def step(self, source: Image, target: Image) -> Iterator[Update]:
        """Yield one step of the velocity, at random times."""
        begin = departure(source, torch.randn_like(target), self.start, self.spread)
        time = torch.rand(len(target), device=target.device)
        place = torch.lerp(begin, target, time[:, None, None, None])
        yield Update("velocity", {"flow": F.mse_loss(self.velocity(place, time, source), target - begin)})
