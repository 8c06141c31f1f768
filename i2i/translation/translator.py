"""A trained model that turns images into images."""

import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from i2i import images
from i2i.config import Mode
from i2i.data import lab
from i2i.data.tensors import to_pixels, to_tensor
from i2i.errors import ContractError, DataError, I2iError, UsageError
from i2i.outputs import TOLERANCE, blamed, check_fake
from i2i.pairs import Pixels
from i2i.plugins import describe
from i2i.system.devices import is_out_of_memory, resolve_device
from i2i.system.faults import place
from i2i.translation import ranges
from i2i.translation.model import ModelConfig, find_model, load_model
from i2i.translation.modes import in_mode, inference

_log = logging.getLogger(__name__)


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
        self._cut_off = False
        self.generator = in_mode(generator, self.mode).to(self.device)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        device: str = "auto",
        mode: Mode | None = None,
        seed: int = 0,
    ) -> "Translator":
        """Load a model folder, the model of a run folder, or one by its name on a hub.

        Args:
            path: The folder; or a name such as ``USER/NAME``, where a plugin knows it.
            revision: Branch, tag or commit of a model on a hub.
            device: See `Translator`.
            mode: See `Translator`.
            seed: See `Translator`.

        Raises:
            MissingInputError: If there is no model.
            I2iError: If it cannot be loaded here; see `i2i.translation.model.load_model`.
        """
        return cls(*load_model(find_model(path, revision)), device=device, mode=mode, seed=seed)

    def __call__(self, *inputs: Any) -> NDArray[Any]:
        """Translate one image.

        Args:
            inputs: (H, W) or (H, W, C) uint8, uint16 or float32 in [-1, 1], or a PIL image; any height and width. Where
                the model's sources have a declared range, numbers of any dtype in that range. A model of several inputs
                takes one image for each, or one with the channels of all.

        Returns:
            (H, W, target channels) in the dtype that the targets had in training, or float32 in their declared range.
            A model that colours returns RGB in the dtype of the image.

        Raises:
            DataError: If the image's channels are not the model's, or its values are beyond their range.
        """
        return self.translate(ranges.to_network([_array(image) for image in inputs], self.config.source))

    def read(self, files: Sequence[Path], max_pixels: int = images.MAX_PIXELS) -> images.Picture:
        """Read the source that is in one file, or in several, one for each column of the model's sources.

        Args:
            files: Images.
            max_pixels: Largest image that is read.

        Raises:
            MissingInputError: If a file is not there.
            DataError: If one cannot be read, or they do not fit the model.
        """
        return ranges.read(files, self.config.source, max_pixels)

    def translate(self, source: Pixels) -> NDArray[Any]:
        """Translate one source in the ranges of `i2i.pairs.Pixels`; see `__call__`.

        Raises:
            DataError: If its channels are not the model's.
            ContractError: If the generator makes no image of the source's size.
        """
        return ranges.from_network(self.render(source), self.config.target)

    def render(self, source: Pixels) -> Pixels:
        """Translate as `translate` does, but to a picture also where the result stands for numbers in a declared range.

        Raises:
            DataError: If its channels are not the model's.
        """
        side = self.config.source
        if len(side.columns) > 1 and source.shape[2] != side.channels:
            raise ranges.wrong_channels(source.shape[2], side)
        given = lab.split(source)[0] if side.colours == "lab" else images.with_channels(source, side.channels)
        with inference(self.seed):
            fake = translate_padded(self.generator, to_tensor(given).to(self.device), self.config.target.channels)
        self._look_at(fake)
        if side.colours == "lab":
            return lab.join(given, to_pixels(fake, np.float32), source.dtype)
        return to_pixels(fake, self.config.target.dtype)

    def _look_at(self, fake: Tensor) -> None:
        """Refuse what is no number, and say once that values are cut off."""
        lowest, highest = fake.amin().item(), fake.amax().item()
        if not (math.isfinite(lowest) and math.isfinite(highest)):
            raise DataError("The generator makes numbers that are not finite. Train it anew, with a lower rate.")
        if max(-lowest, highest) > 1 + TOLERANCE and not self._cut_off:
            self._cut_off = True
            _log.warning(
                "%s makes values outside [-1, 1], from %.3g to %.3g here. They are cut off.",
                *(blamed(self.generator), lowest, highest),
            )


def _array(image: Any) -> NDArray[Any]:
    pixels = images.from_pillow(image) if isinstance(image, Image.Image) else np.asarray(image)
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3:
        raise DataError(f"An image has shape (H, W) or (H, W, C), got {pixels.shape}. Translate one image at a time.")
    return pixels


def translate_padded(generator: nn.Module, source: Tensor, channels: int) -> Tensor:
    """Run the generator on one image (C, H, W) of any size: mirrored outwards to what it takes, cropped back.

    Raises:
        UsageError: If the generator refuses the image.
        ContractError: If it fails, or makes no image of this size with so many channels.
    """
    height, width = source.shape[-2:]
    multiple = int(getattr(generator, "size_multiple", 1))
    top, bottom = _margins(height, multiple)
    left, right = _margins(width, multiple)
    padded = _reflected(source, (top, bottom), (left, right))[None]
    try:
        made = generator(padded)
    except ValueError as error:
        raise UsageError(f"{type(generator).__name__} refuses an image of {width}x{height}: {error}") from error
    except Exception as error:
        if isinstance(error, I2iError) or is_out_of_memory(error):
            raise
        _, where = place(error, {type(generator).__module__})
        raise ContractError(
            f"{blamed(generator)} fails on an image of {width}x{height}: {describe(error)}{where}."
        ) from error
    fake = check_fake(generator, padded, made, channels)[0]
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
