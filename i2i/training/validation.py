"""Measures and pictures of held-out pairs."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from i2i import images
from i2i.config import Mode
from i2i.contracts import Metric
from i2i.data import lab
from i2i.data.items import Items
from i2i.data.order import spread
from i2i.data.tensors import to_pixels
from i2i.outputs import check_fake
from i2i.pairs import Pixels
from i2i.translation.modes import in_mode, inference


class Triple(NamedTuple):
    """A source, what the generator made of it, and what it should have made; (C, H, W) in [-1, 1] each."""

    source: torch.Tensor
    fake: torch.Tensor
    target: torch.Tensor


class Validator:
    """Runs a generator over the same pairs each time.

    Args:
        items: The held-out split; without one, the training split, to draw samples of.
        held_out: Whether the items are held out, so that there is something to measure on.
        metrics: What is measured, by name.
        mode: How the generator runs.
        seed: Of its noise.
        device: Where it is.
    """

    def __init__(
        self,
        items: Items,
        *,
        held_out: bool,
        metrics: Mapping[str, Metric],
        mode: Mode,
        seed: int,
        device: torch.device,
    ) -> None:
        self.items, self.mode, self.seed, self.device = items, mode, seed, device
        self.held_out, self.metrics = held_out, metrics

    def measure(self, generator: nn.Module, count: int) -> dict[str, float]:
        """Return the mean of each metric over ``count`` pairs spread evenly over the split."""
        figures: dict[str, list[float]] = {name: [] for name in self.metrics}
        for triple in self.translated(generator, spread(len(self.items), count)):
            for name, metric in self.metrics.items():
                figures[name].append(metric(triple.fake[None], triple.target[None]).item())
        return {name: float(np.mean(values)) for name, values in figures.items()}

    def grid(self, generator: nn.Module, count: int) -> Pixels:
        """Draw ``count`` pairs, one a row below a heading: source, output, target. (H, W, 3) uint8."""
        triples = self.translated(generator, spread(len(self.items), count))
        return images.contact_sheet([self._shown(triple) for triple in triples], ("source", "output", "target"))

    def _shown(self, triple: Triple) -> list[Pixels]:
        if self.items.fields["target"].colours == "lab":
            source, fake, target = (to_pixels(image, np.float32) for image in triple)
            return [source, lab.join(source, fake, np.uint8), lab.join(source, target, np.uint8)]
        return [to_pixels(image, np.uint8) for image in triple]

    def translated(self, generator: nn.Module, indices: list[int]) -> Iterator[Triple]:
        """Translate each pair; every image is a batch of its own, with the noise of the same seed."""
        form, channels = in_mode(generator, self.mode), self.items.fields["target"].channels
        for index in indices:
            fields = self.items.test(index).fields
            source, target = (fields[name].to(self.device) for name in ("source", "target"))
            with inference(self.seed):
                fake = check_fake(form, source[None], form(source[None]), channels)[0].float()
            yield Triple(source, fake, target)
