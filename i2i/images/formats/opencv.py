"""What OpenCV decodes several times as fast as Pillow, to exactly the values that are stored."""

import cv2
import numpy as np

from i2i.images.errors import Damage
from i2i.images.formats import png
from i2i.images.formats.header import Header
from i2i.pairs import Pixels, Reading, range_of

START_OF_SCAN = b"\xff\xda\0"
"""ITU-T T.81, table B.1, and the upper byte of the length of what follows, which is short."""
MAX_SCANS = 256
"""Encoders make 1 to 20. libjpeg goes over the whole image for each, be it of ten bytes."""


def decode(data: bytes, header: Header, reading: Reading) -> Pixels:
    """Decode an image, not turned: (H, W), or (H, W, C) with alpha where it has it.

    Args:
        data: The file.
        header: What it says about itself.
        reading: ``ids`` gives the stored numbers: few bits not widened, white as zero where it is stored so, no alpha.

    Raises:
        ValueError: If it is damaged.
        EOFError: If it is cut off.
        MemoryError: If memory does not suffice.
    """
    stored = _stored(data, header)
    if stored.ndim == 3 and header.channels == 1:
        stored = stored[..., [0, 3]]
    elif stored.ndim == 3:
        stored = cv2.cvtColor(stored, cv2.COLOR_BGRA2RGBA if stored.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    if reading == "ids":
        return narrowed(stored[..., : header.channels] if stored.ndim == 3 else stored, header.bits)
    if header.white_is_zero:
        return int(range_of(stored.dtype)[1]) - stored
    if header.transparent is None:
        return stored
    # OpenCV widens 1, 2 and 4 bits to 8 and drops the key, which is in units of the stored depth
    top = int(np.iinfo(stored.dtype).max)
    key = header.transparent * top // ((1 << png.depth(data)) - 1)
    return np.dstack([stored, np.where(stored == key, 0, top).astype(stored.dtype)])


def narrowed(pixels: Pixels, bits: int) -> Pixels:
    """Undo that decoders widen 1, 2 and 4 bits by a factor that has no remainder."""
    return pixels if bits >= 8 else pixels // np.uint8(255 // ((1 << bits) - 1))


def _stored(data: bytes, header: Header) -> Pixels:
    if header.format in ("JPEG", "MPO") and data.count(START_OF_SCAN) > MAX_SCANS:
        raise Damage(f"it has more than {MAX_SCANS} scans, each of which costs as much as an image")
    try:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        stored = None
    if stored is None:
        raise EOFError if _is_cut_off(data, header.format) else Damage("its pixels cannot be decoded")
    if stored.dtype != header.dtype:
        raise Damage(f"it holds {stored.dtype} where its header claims {header.dtype}")
    return stored


def _is_cut_off(data: bytes, name: str) -> bool:
    if name == "WEBP":
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    return name in ("JPEG", "MPO") and b"\xff\xd9" not in data[-1024:]
