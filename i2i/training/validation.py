"""Measures and pictures of held-out pairs: the same ones each time."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from i2i import images
from i2i.config import Mode
from i2i.contracts import Metric
from i2i.data.jitter import Jitter
from i2i.data.tensors import to_pixels, to_tensor
from i2i.pairs import PairDataset, Pixels
from i2i.translation.modes import inference

GAP = 2  # white pixels between the pictures of a grid


class Triple(NamedTuple):
    """A source, what the generator made of it, and what it should have made; (C, H, W) in [-1, 1] each."""

    source: torch.Tensor
    fake: torch.Tensor
    target: torch.Tensor


class Validator:
    """Runs a generator over held-out pairs.

    Args:
        pairs: The held-out split.
        jitter: Of the training; its ``test`` part is used, which draws nothing.
        mode: How the generator runs.
        seed: Of its noise.
        device: Where it is.
    """

    def __init__(self, pairs: PairDataset, jitter: Jitter, mode: Mode, seed: int, device: torch.device) -> None:
        self.pairs, self.jitter, self.mode, self.seed, self.device = pairs, jitter, mode, seed, device

    def measure(self, generator: nn.Module, metrics: Mapping[str, Metric], count: int) -> dict[str, float]:
        """Mean of each metric over ``count`` pairs spread evenly over the split."""
        figures: dict[str, list[float]] = {name: [] for name in metrics}
        for triple in self.translated(generator, spread(len(self.pairs), count)):
            for name, metric in metrics.items():
                figures[name].append(metric(triple.fake[None], triple.target[None]).item())
        return {name: float(np.mean(values)) for name, values in figures.items()}

    def grid(self, generator: nn.Module, count: int) -> Pixels:
        """Picture of ``count`` pairs, one a row: source, fake, target. (H, W, 3) uint8."""
        triples = self.translated(generator, spread(len(self.pairs), count))
        return contact_sheet([[to_pixels(image, np.uint8) for image in triple] for triple in triples])

    def translated(self, generator: nn.Module, indices: list[int]) -> Iterator[Triple]:
        """Each pair with its fake; every image is a batch of its own, with the noise of the same seed."""
        for index in indices:
            pair = self.jitter.test(self.pairs[index], self.pairs.names[index])
            source, target = (to_tensor(half).to(self.device) for half in pair)
            with inference(generator, self.mode, self.seed):
                fake = generator(source[None])[0].float()
            yield Triple(source, fake, target)


def spread(length: int, count: int) -> list[int]:
    """At most ``count`` indices, evenly over ``range(length)``."""
    return sorted({round(place) for place in np.linspace(0, length - 1, min(count, length))})


def contact_sheet(rows: list[list[Pixels]]) -> Pixels:
    """Rows of uint8 images (H, W, any C) side by side on white, as RGB; all images have the size of the first."""
    return np.concatenate([_row(row, *rows[0][0].shape[:2]) for row in rows])


def _row(row: list[Pixels], height: int, width: int) -> Pixels:
    pictures = [images.resize(as_rgb(image), height, width) for image in row]
    margins: Any = ((GAP, GAP), (GAP, GAP), (0, 0))
    return np.concatenate([np.pad(picture, margins, constant_values=255) for picture in pictures], axis=1)


def as_rgb(image: Pixels) -> Pixels:
    """Something to look at: one or two channels become gray, of more than three the first three are shown."""
    return image[:, :, :3] if image.shape[2] >= 3 else image[:, :, :1].repeat(3, axis=2)
