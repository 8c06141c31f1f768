"""HEIF files, the photographs of phones: 8 to 12 bits, decoded by libheif through pi-heif."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i.images.formats.pillow import orientation_of, our_limits

BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
"""ISO/IEC 23008-12, sections 10.2 and B.4, except those of codecs other than HEVC."""
SRGB_PRIMARIES = (1, 2, 5, 6, 7)
"""ITU-T H.273, table 2: BT.709, unspecified, and those of BT.601, which are next to it."""
HDR = {16: "PQ", 18: "HLG"}
"""ITU-T H.273, table 3: values of light that no screen shows as they are."""


def is_heif(start: bytes) -> bool:
    """Return whether a file that begins so is HEIF, and not AVIF, which Pillow reads."""
    brands = {start[place : place + 4] for place in range(8, min(len(start), 64) - 3, 4)}
    return start[4:8] == b"ftyp" and bool(brands & BRANDS) and not brands & {b"avif", b"avis"}


class HeifImage:
    """The main image of a file, of which nothing is decoded yet.

    Args:
        data: The file. libheif's own limits of sizes and counts hold.

    Raises:
        Exception: Whatever libheif says of a damaged file.
    """

    def __init__(self, data: bytes) -> None:
        import pi_heif

        file = pi_heif.open_heif(data, convert_hdr_to_8bit=False)
        self._image = file[file.primary_index]
        self.frames = len(file)
        self.width, self.height = self._image.size  # as shown: rotations of the format are applied by libheif
        self.mode = self._image.mode.partition(";")[0]
        """``L``, ``LA``, ``RGB``, ``RGBA``, or with a small ``a`` where colours are multiplied by it."""
        info: dict[str, Any] = self._image.info
        self.bits: int = info.get("bit_depth", 8)
        self.icc: bytes | None = info.get("icc_profile") or None
        self._nclx: dict[str, Any] = info.get("nclx_profile") or {}
        self._exif: bytes | None = info.get("exif")

    @property
    def refusal(self) -> str:
        """Why the colours cannot be had, and what to do."""
        if self.mode.endswith("a"):
            return "has colours multiplied by opacity. Save it as PNG"
        if self.icc:
            return ""
        if light := HDR.get(self._nclx.get("transfer_characteristics", 2)):
            return f"holds {light}, light of high dynamic range. Export it as JPEG or PNG"
        if self._nclx.get("color_primaries", 2) not in SRGB_PRIMARIES:
            return "has wide colours without a profile. Export it as JPEG or PNG in sRGB"
        return ""

    @property
    def turned(self) -> int:
        """EXIF orientation that cameras note beside the rotation that libheif applies, 1 to 8."""
        holder = Image.new("1", (1, 1))
        holder.info["exif"] = self._exif
        with our_limits():
            return orientation_of(holder)

    def decode(self) -> NDArray[Any]:
        """Decode (H, W, C), uint8 or uint16, with black at 0 and white at the top of the type."""
        stored = np.array(self._image)  # a copy: the memory is that of the file
        stored = stored[:, : self.width] if stored.ndim == 3 else stored[:, : self.width, None]
        if self.bits == 8:
            return stored
        top = (1 << self.bits) - 1  # libheif gives values of 10 and 12 bits the upper places of 16
        return ((stored >> (16 - self.bits)).astype(np.uint32) * 65535 // top).astype(np.uint16)
