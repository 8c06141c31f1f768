"""What an image file says about itself, read without decoding a pixel."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from i2i.images.formats.open_file import LOOK_FIRST
from i2i.pairs import Reading

Decoder = Literal["opencv", "pillow", "tifffile", "heif", "npy"]
Pages = Literal["images", "channels", "unknown"]
"""What several pages are: images of their own, channels of one, or gray pages of one size that do not say."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says about its image, or about the first of its images."""

    format: str
    """As Pillow names it, ``HEIF``, ``JXL`` or ``NPY``."""
    width: int
    """As shown, that is after the EXIF orientation."""
    height: int
    channels: int
    """Colours: 1 for gray, 3 for RGB and palettes; alpha does not count."""
    dtype: str
    """Type of the stored values."""
    decoder: Decoder
    frames: int = 1
    alpha: bool = False
    orientation: int = 1
    """EXIF orientation as stored, 1 to 8."""
    cmyk: bool = False
    icc: bytes | None = None
    """The colour profile."""
    bits: int = 8
    """Of a stored value."""
    palette: bool = False
    transparent: int | None = None
    """The stored gray value that stands for transparent, in PNG without an alpha channel."""
    white_is_zero: bool = False
    equal_pages: bool = False
    """Whether all pages of a TIFF have the same size, channels and dtype."""
    pages: Pages = "images"
    """What the pages of a TIFF are; as ``channels`` they are counted in `channels`, and the file is one frame."""
    undeclared: bool = False
    """Whether the values say nothing about brightness until somebody declares their range."""
    refusal: str = ""
    """Why the pixels cannot be had, and what to do, where that is known from the header."""

    @property
    def max_bytes(self) -> int:
        """Return how large a file that this is the header of may be: four times the pixels, and what cameras append."""
        pages = self.frames if self.format == "TIFF" else 1
        values = self.width * self.height * (self.channels + self.alpha) * pages
        return LOOK_FIRST + 4 * values * np.dtype(self.dtype).itemsize

    def channels_read(self, reading: Reading = "image", *, declared: bool = False) -> int:
        """Count the channels of what is read, opacity apart.

        Args:
            reading: Of a palette, ``ids`` reads the indices.
            declared: Whether a range is declared: the pages of a TIFF of numbers are its channels then.
        """
        if reading == "ids" and self.palette:
            return 1
        return self.channels * self.frames if declared and self.format == "TIFF" else self.channels
