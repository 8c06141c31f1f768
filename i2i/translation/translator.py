"""A trained model that turns images into images."""

import os
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from i2i import images
from i2i.config import Mode
from i2i.data.tensors import to_pixels, to_tensor
from i2i.devices import resolve_device
from i2i.errors import DataError, UsageError
from i2i.pairs import Pixels
from i2i.translation.model import ModelConfig, find_model, load_model
from i2i.translation.modes import inference


class Translator:
    """A generator with everything around it: any size, the right channels, a named mode, repeatable noise.

    Args:
        config: What the model is.
        generator: The network.
        device: Where to run it: ``auto``, ``cpu``, ``cuda``, ``mps``, ...
        mode: How to run it; the model's own mode when not given.
        seed: Of the noise in mode ``paper``: the same image and seed give the same result.

    Example:
        >>> translator = Translator.load("runs/shoes")  # doctest: +SKIP
        >>> photo = translator(Image.open("edges.png"))  # doctest: +SKIP
    """

    def __init__(
        self,
        config: ModelConfig,
        generator: nn.Module,
        *,
        device: str = "auto",
        mode: Mode | None = None,
        seed: int = 0,
    ) -> None:
        self.config = config
        self.mode: Mode = mode or config.mode
        self.seed = seed
        self.device = resolve_device(device)
        self.generator = generator.to(self.device)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, device: str = "auto", mode: Mode | None = None, seed: int = 0
    ) -> "Translator":
        """Load a model folder, or the model of a run folder.

        Raises:
            MissingInputError: If there is no model.
            I2iError: If it cannot be loaded here; see `i2i.translation.model.load_model`.
        """
        return cls(*load_model(find_model(path)), device=device, mode=mode, seed=seed)

    def __call__(self, image: Any) -> Pixels:
        """Translate one image.

        Args:
            image: (H, W) or (H, W, C) uint8, uint16 or float32 in [-1, 1], or a PIL image; any height and width.

        Returns:
            (H, W, target channels) in the dtype that the targets had in training.

        Raises:
            DataError: If the image's channels are not the model's.
        """
        pixels = images.from_pillow(image) if isinstance(image, Image.Image) else np.asarray(image)
        source = to_tensor(self._as_source(pixels))
        with inference(self.generator, self.mode, self.seed):
            fake = translate_padded(self.generator, source.to(self.device))
        return to_pixels(fake, self.config.target.dtype)

    def _as_source(self, pixels: Pixels) -> Pixels:
        """The image with the model's number of channels: gray replicated, colour to luma."""
        pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
        if pixels.ndim != 3:
            raise DataError(
                f"An image has shape (H, W) or (H, W, C), got {pixels.shape}. Translate one image at a time."
            )
        if pixels.dtype == np.float32 and not np.abs(pixels).max() <= 1:
            raise DataError("A float image has values in [-1, 1]. Scale it, or give uint8 or uint16.")
        return images.with_channels(pixels, self.config.source.channels)


def translate_padded(generator: nn.Module, source: Tensor) -> Tensor:
    """Run the generator on one image (C, H, W) of any size: mirrored outwards to what it takes, cropped back.

    Raises:
        UsageError: If the generator refuses the image.
    """
    height, width = source.shape[-2:]
    multiple = int(getattr(generator, "size_multiple", 1))
    top, bottom = _margins(height, multiple)
    left, right = _margins(width, multiple)
    padded = _reflected(source, (top, bottom), (left, right))
    try:
        fake: Tensor = generator(padded[None])[0]
    except ValueError as error:
        raise UsageError(f"{type(generator).__name__} refuses an image of {width}x{height}: {error}") from error
    return fake[:, top : top + height, left : left + width]


def _margins(length: int, multiple: int) -> tuple[int, int]:
    missing = -length % multiple
    return missing // 2, missing - missing // 2


def _reflected(image: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    # by index, since torch's padding refuses margins as large as the image
    def mirror(length: int, before: int, after: int) -> Tensor:
        period = max(2 * length - 2, 1)
        place = torch.arange(-before, length + after, device=image.device).remainder(period)
        return torch.where(place < length, place, period - place)

    return image[:, mirror(image.shape[1], *rows)][:, :, mirror(image.shape[2], *columns)]
