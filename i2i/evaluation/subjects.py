"""What is measured: models, and what their figures are read beside."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from i2i.evaluation.held import Held, joined
from i2i.evaluation.measuring import Batch
from i2i.fields import Field
from i2i.translation.translator import Translator

SIGMAS = (1.0, 2.0)
"""Pixels: how far real images are blurred to show what a figure does of fog."""
REACH = 4
"""Standard deviations after which a Gaussian is cut off."""


class Maker(Protocol):
    """Something that makes the field that is measured."""

    name: str
    is_model: bool
    about: dict[str, str]

    def make(self, batch: Batch, places: Sequence[int], *, pairs: bool) -> Tensor | None:
        """Make the field of some items.

        Args:
            batch: Their fields.
            places: Theirs among the items that are measured.
            pairs: Whether each is compared with its own item, and not one set with the other.

        Returns:
            As a `Predictor` does; None where there is nothing of the kind.
        """
        ...


class Model:
    """A trained translator.

    Args:
        name: What to call it.
        path: Where it was found.
        translator: The model.
    """

    is_model = True

    def __init__(self, name: str, path: str, translator: Translator) -> None:
        self.name, self.translator = name, translator
        config = translator.config
        self.about = {
            "path": path,
            "recipe": config.selection.recipe.name,
            "step": str(config.step),
            "size": f"{config.size[1]}x{config.size[0]}",
            "mode": translator.mode,
            "seed": str(translator.seed),
        }

    def make(self, batch: Batch, places: Sequence[int], *, pairs: bool, sample: int = 0) -> Tensor:
        """Translate; see `Maker.make`. The k-th sample, from 0 on, has the noise of the k-th seed after its own."""
        made = self.translator.predictor(batch, self.translator.seed + sample)
        return joined(made, batch["source"]) if self.translator.made.colours == "lab" else made


class Real:
    """The ceiling: what is real itself, and of sets training images beside those that are held out."""

    name = "real"
    is_model = False

    def __init__(self, held: Held, to: str) -> None:
        self.held, self.to = held, to
        self.about = {"what": "the real images themselves; of sets, images of training beside those of the split"}

    def make(self, batch: Batch, places: Sequence[int], *, pairs: bool) -> Tensor | None:
        """Return what is real; see `Maker.make`."""
        if pairs:
            return batch[self.to]
        known = [place for place in places if place < len(self.held.partners)]
        return self.held.training_batch(known)[self.to] if known else None


class Blurred:
    """Real images behind fog: a Gaussian of standard deviation ``sigma`` pixels, mirrored at the borders."""

    is_model = False

    def __init__(self, to: str, sigma: float) -> None:
        self.name, self.to, self.sigma = f"real, blurred by {sigma:g} px", to, sigma
        self.about = {"what": f"the real images, blurred by a Gaussian of standard deviation {sigma:g} pixels"}

    def make(self, batch: Batch, places: Sequence[int], *, pairs: bool) -> Tensor:
        """Return what is real, blurred; see `Maker.make`."""
        return blur(batch[self.to], self.sigma)


class MeanOfTraining:
    """The floor: for every item the same, the mean of the training images, or the commonest class of each pixel.

    Args:
        held: Where training images are.
        to: The field.
    """

    name = "mean of training"
    is_model = False

    def __init__(self, held: Held, to: str) -> None:
        what = "the commonest class of each pixel" if held.fields[to].kind == "ids" else "the mean image"
        self.about = {"what": f"{what} of {len(held.partners)} training images, whatever the item"}
        batches = (held.training_batch([place])[to] for place in range(len(held.partners)))
        self.mean = commonest(batches, held.fields[to]) if held.fields[to].kind == "ids" else average(batches)

    def make(self, batch: Batch, places: Sequence[int], *, pairs: bool) -> Tensor:
        """Return the same for each item; see `Maker.make`."""
        return self.mean.expand(len(places), *self.mean.shape[1:])


def references(held: Held, to: str) -> list[Maker]:
    """Return what models are read beside: real images as a ceiling, a floor, and fog."""
    found: list[Maker] = [Real(held, to)]
    if held.fields[to].kind == "image":
        found += [Blurred(to, sigma) for sigma in SIGMAS]
    if held.partners:
        found.append(MeanOfTraining(held, to))
    return found


def blur(image: Tensor, sigma: float) -> Tensor:
    """Blur (N, C, H, W) by a Gaussian of a standard deviation in pixels, mirrored at the borders."""
    reach = min(int(REACH * sigma + 0.5), min(image.shape[-2:]) - 1)
    places = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
    weights = torch.exp(-(places**2) / (2 * sigma**2))
    weights /= weights.sum()
    flat = image.flatten(0, 1)[:, None]
    down = F.conv2d(F.pad(flat, (0, 0, reach, reach), "reflect"), weights[None, None, :, None])
    return F.conv2d(F.pad(down, (reach, reach, 0, 0), "reflect"), weights[None, None, None, :]).view_as(image)


def average(batches: Iterable[Tensor]) -> Tensor:
    """Return the mean image (1, C, H, W) of batches (N, C, H, W), summed in float64."""
    total, count = torch.zeros(()).double(), 0
    for batch in batches:
        total, count = total + batch.double().sum(0, keepdim=True), count + len(batch)
    return (total / count).float()


def commonest(batches: Iterable[Tensor], field: Field) -> Tensor:
    """Return the class (1, H, W) that each pixel of batches of ids (N, H, W) has most often; of equals the lowest."""
    counts = torch.zeros(())
    for batch in batches:
        known = batch >= 0
        counts = counts + (F.one_hot(batch.where(known, 0), field.channels) * known[..., None]).sum(0)
    return counts.argmax(-1)[None]
