"""Measures and pictures of held-out pairs."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from i2i import images
from i2i.assembly import check_fake
from i2i.config import Mode
from i2i.contracts import Metric
from i2i.data import lab
from i2i.data.jitter import Jitter
from i2i.data.order import spread
from i2i.data.tensors import to_pixels, to_tensor
from i2i.fields import Colours
from i2i.pairs import PairDataset, Pixels
from i2i.translation.modes import in_mode, inference


class Triple(NamedTuple):
    """A source, what the generator made of it, and what it should have made; (C, H, W) in [-1, 1] each."""

    source: torch.Tensor
    fake: torch.Tensor
    target: torch.Tensor


class Validator:
    """Runs a generator over the same pairs each time.

    Args:
        pairs: The held-out split; without one, the training split, to draw samples of.
        jitter: Of the training; its ``test`` part is used, which draws nothing.
        held_out: Whether the pairs are held out, so that there is something to measure on.
        metrics: What is measured, by name.
        mode: How the generator runs.
        seed: Of its noise.
        device: Where it is.
        channels: Channels of source and target in training; a held-out split that is all gray may have fewer.
        colours: What the channels are; ``lab`` is shown as RGB.
    """

    def __init__(
        self,
        pairs: PairDataset,
        jitter: Jitter,
        *,
        held_out: bool,
        metrics: Mapping[str, Metric],
        mode: Mode,
        seed: int,
        device: torch.device,
        channels: tuple[int, int],
        colours: Colours = "rgb",
    ) -> None:
        self.pairs, self.jitter, self.mode, self.seed, self.device = pairs, jitter, mode, seed, device
        self.held_out, self.metrics, self.channels, self.colours = held_out, metrics, channels, colours

    def measure(self, generator: nn.Module, count: int) -> dict[str, float]:
        """Return the mean of each metric over ``count`` pairs spread evenly over the split."""
        figures: dict[str, list[float]] = {name: [] for name in self.metrics}
        for triple in self.translated(generator, spread(len(self.pairs), count)):
            for name, metric in self.metrics.items():
                figures[name].append(metric(triple.fake[None], triple.target[None]).item())
        return {name: float(np.mean(values)) for name, values in figures.items()}

    def grid(self, generator: nn.Module, count: int) -> Pixels:
        """Draw ``count`` pairs, one a row below a heading: source, output, target. (H, W, 3) uint8."""
        triples = self.translated(generator, spread(len(self.pairs), count))
        return images.contact_sheet([self._shown(triple) for triple in triples], ("source", "output", "target"))

    def _shown(self, triple: Triple) -> list[Pixels]:
        if self.colours == "lab":
            source, fake, target = (to_pixels(image, np.float32) for image in triple)
            return [source, lab.join(source, fake, np.uint8), lab.join(source, target, np.uint8)]
        return [to_pixels(image, np.uint8) for image in triple]

    def translated(self, generator: nn.Module, indices: list[int]) -> Iterator[Triple]:
        """Translate each pair; every image is a batch of its own, with the noise of the same seed."""
        form = in_mode(generator, self.mode)
        for index in indices:
            pair = self.jitter.test(self.pairs[index], self.pairs.names[index])
            halves = (images.with_channels(*half) for half in zip(pair, self.channels, strict=True))
            source, target = (to_tensor(half).to(self.device) for half in halves)
            with inference(self.seed):
                fake = check_fake(form, source[None], form(source[None]), self.channels[1])[0].float()
            yield Triple(source, fake, target)
