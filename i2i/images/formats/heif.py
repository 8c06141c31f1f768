"""HEIF files, the photographs of phones: 8 to 12 bits, decoded by libheif through pi-heif, within its own limits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i.images.formats.header import Header
from i2i.images.formats.pillow import ALPHA_MODES, orientation_of, our_limits

BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
"""ISO/IEC 23008-12, sections 10.2 and B.4, except those of codecs other than HEVC."""
SRGB_PRIMARIES = (1, 2, 5, 6, 7)
"""ITU-T H.273, table 2: BT.709, unspecified, and those of BT.601, which are next to it."""
HDR = {16: "PQ", 18: "HLG"}
"""ITU-T H.273, table 3: values of light that no screen shows as they are."""


def begins(start: bytes) -> bool:
    """Return whether a file that begins so is HEIF, and not AVIF, which Pillow reads."""
    brands = {start[place : place + 4] for place in range(8, min(len(start), 64) - 3, 4)}
    return start[4:8] == b"ftyp" and bool(brands & BRANDS) and not brands & {b"avif", b"avis"}


def read_header(data: bytes) -> Header:
    """Read what a file says of its main image; a damaged one raises whatever libheif says."""
    image, frames = _opened(data)
    mode: str = image.mode.partition(";")[0]  # with a small `a` where colours are multiplied by opacity
    bits: int = image.info.get("bit_depth", 8)
    holder = Image.new("1", (1, 1))
    holder.info["exif"] = image.info.get("exif")
    with our_limits():
        noted = orientation_of(holder)  # cameras note it beside the rotation that libheif applies
    return Header(
        format="HEIF",
        width=image.size[0],
        height=image.size[1],
        channels=1 if mode.startswith("L") else 3,
        dtype="uint8" if bits == 8 else "uint16",
        frames=frames,
        alpha=mode in ALPHA_MODES,
        orientation=noted,
        icc=image.info.get("icc_profile") or None,
        bits=bits,
        decoder="heif",
        refusal=_refusal(mode, image.info),
    )


def decode(data: bytes) -> NDArray[Any]:
    """Decode (H, W, C) as shown, uint8 or uint16, with black at 0 and white at the top of the type."""
    image, _ = _opened(data)
    stored = np.array(image)[:, : image.size[0]]  # a copy: the memory is that of the file
    stored = stored if stored.ndim == 3 else stored[..., None]
    bits: int = image.info.get("bit_depth", 8)
    if bits == 8:
        return stored
    # libheif gives values of 10 and 12 bits the upper places of 16
    return ((stored >> (16 - bits)).astype(np.uint32) * 65535 // ((1 << bits) - 1)).astype(np.uint16)


def _opened(data: bytes) -> tuple[Any, int]:
    """Return the main image, of which nothing is decoded yet, and how many the file has."""
    import pi_heif

    file = pi_heif.open_heif(data, convert_hdr_to_8bit=False)
    return file[file.primary_index], len(file)


def _refusal(mode: str, info: dict[str, Any]) -> str:
    colours: dict[str, Any] = info.get("nclx_profile") or {}
    if mode.endswith("a"):
        return "has colours multiplied by opacity. Save it as PNG"
    if info.get("icc_profile"):
        return ""
    if light := HDR.get(colours.get("transfer_characteristics", 2)):
        return f"holds {light}, light of high dynamic range. Export it as JPEG or PNG"
    if colours.get("color_primaries", 2) not in SRGB_PRIMARIES:
        return "has wide colours without a profile. Export it as JPEG or PNG in sRGB"
    return ""
