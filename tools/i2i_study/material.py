"""The images of a study: found, matched by name and read once; none of them is changed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from i2i import images
from i2i.errors import DataError, UsageError, things

SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp"}
"""Formats that all browsers show."""


@dataclass(frozen=True)
class Image:
    """A file that is shown as it is."""

    file: Path
    name: str
    """Its path below the folder that was given, printable."""
    format: str
    size: tuple[int, int]
    """Width and height in pixels, upright."""


class Pair(NamedTuple):
    """A real image, and what each model made; of the same input where names agree."""

    real: Image
    fakes: tuple[Image, ...]


@dataclass(frozen=True)
class Material:
    """Everything that trials are drawn from."""

    models: list[str]
    pairs: list[Pair]
    same_input: bool
    """Whether real and fake of a pair are of the same input."""
    notes: list[str]
    """What has to be known about the images, a line each."""


def gather(real: Path, fakes: Sequence[Path], rng: np.random.Generator, *, limit: int | None = None) -> Material:
    """Find the images of a study, and match them by name, whatever their suffix.

    Where no name of a real image is that of a fake, they are matched at random.

    Args:
        real: Folder of real images.
        fakes: Folders of what models made, one a model.
        rng: Draws what is at random.
        limit: Use only so many pairs, drawn at random.

    Raises:
        MissingInputError: If a folder is not there.
        DataError: If there are fewer than two pairs, names are not clear, or an image is not one that browsers show.
        UsageError: If a folder is given twice.
    """
    folders = [real, *fakes]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UsageError("A folder is given twice. Give --real one folder, and --fake another for each model.")
    found = [_by_stem(folder) for folder in folders]
    notes: list[str] = []
    names = sorted(set.intersection(*(set(files) for files in found)))
    if same_input := bool(names):
        rows = [[files[name] for files in found] for name in names]
        notes += _left_out(folders, found, len(names))
    else:
        count = min(map(len, found))
        rows = list(map(list, zip(*(_shuffled(files, rng, count) for files in found), strict=True)))
        notes.append("No name is in all folders: real and fake of a pair are drawn at random, of different inputs.")
    if len(rows) < 2:
        raise DataError(f"{things(len(rows), 'pair')} in {str(real)!r}. A study needs at least 2. Give more images.")
    if limit is not None and limit < len(rows):
        rows = [rows[row] for row in sorted(rng.choice(len(rows), limit, replace=False))]
        notes.append(f"{things(len(rows), 'pair')} were drawn from {len(names) or count}.")
    pairs = [Pair(first, tuple(others)) for first, *others in ([_opened(*file) for file in row] for row in rows)]
    return Material(_model_names(fakes), pairs, same_input, notes + _telltales(pairs))


def _by_stem(folder: Path) -> Mapping[str, tuple[Path, str]]:
    """Return the images of a folder, and their names, by name without suffix."""
    discovery = images.discover([folder])
    found: dict[str, tuple[Path, str]] = {}
    for name, file in zip(discovery.names, discovery.files, strict=True):
        stem = str(PurePosixPath(name).with_suffix(""))
        if stem in found:
            both = f"{found[stem][1]!r} and {images.printable(name)!r}"
            raise DataError(f"{str(folder)!r} holds {both}. Names must differ in more than the suffix. Rename one.")
        found[stem] = (file, images.printable(name))
    if not found:
        raise DataError(f"No image is in {str(folder)!r}. Give a folder of PNG, JPEG or WebP images.")
    return found


def _left_out(folders: Sequence[Path], found: Sequence[Mapping[str, object]], kept: int) -> list[str]:
    return [
        f"{things(others, 'image')} of {str(folder)!r} left out: no partner in the other folders has the name."
        for folder, files in zip(folders, found, strict=True)
        if (others := len(files) - kept)
    ]


def _shuffled(
    files: Mapping[str, tuple[Path, str]], rng: np.random.Generator, count: int
) -> Sequence[tuple[Path, str]]:
    order = list(files.values())
    return [order[place] for place in rng.permutation(len(order))[:count]]


def _opened(file: Path, name: str) -> Image:
    header = images.probe(file)
    if header.format not in SUFFIXES:
        raise DataError(f"{str(file)!r} is {header.format}. Browsers show PNG, JPEG and WebP. Convert it.")
    images.read(file)  # a damaged one is found now, not by a rater
    return Image(file, name, header.format, (header.width, header.height))


def _model_names(fakes: Sequence[Path]) -> list[str]:
    """Return what models are called: their folders, by the whole path where two have one name."""
    names = [folder.resolve().name for folder in fakes]
    count = Counter(names)
    return [images.printable(name if count[name] == 1 else str(fakes[i])) for i, name in enumerate(names)]


def _telltales(pairs: Sequence[Pair]) -> list[str]:
    """Return what may tell real from fake besides what is in the images."""
    notes = []
    sizes = [pair.real.name for pair in pairs if any(fake.size != pair.real.size for fake in pair.fakes)]
    if sizes:
        notes.append(
            f"Real and fake differ in size in {things(len(sizes), 'pair')}, such as {sizes[0]!r}: sharpness or shape "
            "may tell which is fake. Make them equal, if that is not what the study is about."
        )
    real, fake = {pair.real.format for pair in pairs}, {fake.format for pair in pairs for fake in pair.fakes}
    if real != fake:
        notes.append(
            f"Real images are {_listed(real)}, fakes {_listed(fake)}: what compression leaves may tell which is fake."
        )
    return notes


def _listed(formats: set[str]) -> str:
    return " and ".join(sorted(formats))
