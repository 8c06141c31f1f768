"""Names of outputs: a pure function of the names of the inputs, distinct on every file system."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from i2i.images.discovery import without_suffix
from i2i.system.files import WINDOWS_DEVICE

SEPARATOR = "__"
"""Stands for ``/``: folders are flattened, so that every reader of dataset folders finds every image."""

MAX_BYTES = 180  # leaves room for a hash, a suffix and the additions of other tools below the usual limit of 255
UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')


def output_stems(names: Sequence[str]) -> list[str]:
    """Return the stem of the output of each input.

    ``cats/tabby 1.jpg`` becomes ``cats__tabby 1``. Characters that some system forbids become ``_``. Where several
    inputs would get one stem (other suffix, other case, other Unicode form), a part of the hash of its name goes behind
    each.

    Args:
        names: Relative paths of the inputs, all different.

    Returns:
        As many stems, of which no two are equal on a file system that ignores case or Unicode form.
    """
    stems = [_stem(name) for name in names]
    for digits in (8, 64):
        twins = Counter(_key(stem) for stem in stems)
        stems = [
            stem if twins[_key(stem)] == 1 else f"{_stem(name)}-{_hash(name)[:digits]}"
            for name, stem in zip(names, stems, strict=True)
        ]
    return stems


def composed(name: str) -> str:
    """Return a path without its suffix, in Unicode's composed form, as macOS and Linux spell it differently."""
    return unicodedata.normalize("NFC", without_suffix(name))


def _stem(name: str) -> str:
    stem = UNSAFE.sub("_", composed(name).replace("/", SEPARATOR)).strip(" .") or "image"
    stem = WINDOWS_DEVICE.sub(r"\1_", stem)
    if len(stem.encode()) > MAX_BYTES:
        return f"{stem.encode()[:MAX_BYTES].decode(errors='ignore')}-{_hash(name)[:8]}"
    return stem


def _key(stem: str) -> str:
    return unicodedata.normalize("NFC", stem.casefold())


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
