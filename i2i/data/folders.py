"""Pairs out of a folder: a dataset folder, or A|B files."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from i2i import images
from i2i.errors import DataError, MissingSplitError
from i2i.pairs import Pair, Pixels
from i2i.plugins import suggest

Layout = Literal["folders", "ab"]
LAYOUTS: dict[Layout, str] = {
    "folders": "imageA/NAME and imageB/NAME in each split's folder",
    "ab": "A|B files, NAME in each split's folder, A left and B right",
}


class PairFolder:
    """One split of a folder of pairs.

    Two layouts are read. ``folders``: ``train/imageA/NAME.png`` and ``train/imageB/NAME.png``, matched by name without
    suffix. ``ab``: ``train/NAME.png`` with both halves side by side.

    Args:
        direction: ``AtoB`` takes A as the source and B as the target, ``BtoA`` the reverse.
        layout: How pairs are stored; ``auto`` looks at the folders' names.
        source_channels: Channels of every source; when not given, those of the first one that is not gray.
        target_channels: Channels of every target; when not given, those of the first one that is not gray.

    Raises:
        MissingSplitError: If the folder or the split is not there.
        DataError: If the layout is not recognised, or an image has no partner.
    """

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        direction: Literal["AtoB", "BtoA"] = "AtoB",
        layout: Literal["auto", "folders", "ab"] = "auto",
        source_channels: Annotated[int, Field(ge=1)] | None = None,
        target_channels: Annotated[int, Field(ge=1)] | None = None,
    ) -> None:
        folder = Path(root) / split
        if not folder.is_dir():
            raise MissingSplitError(f"{root} has no folder {split!r}. A dataset has train/ and, to measure on, val/.")
        self.layout: Layout = detect(folder) if layout == "auto" else layout
        self.direction = direction
        self._files = _matched(folder) if self.layout == "folders" else [(file, file) for file in _images(folder)]
        if not self._files:
            raise DataError(f"{folder} holds no images. Prepare them with `i2i prepare`.")
        self.names = [a.stem for a, _ in self._files]
        a, b = ([pair[half] for pair in self._files] for half in (0, 1))
        sources, targets = (a, b) if direction == "AtoB" else (b, a)
        self._channels = (source_channels or _channels(sources), target_channels or _channels(targets))

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int, /) -> Pair:
        try:
            halves = zip(self._halves(index), self._channels, strict=True)
            return Pair(*(images.with_channels(half, channels) for half, channels in halves))
        except images.ImageError:
            raise
        except DataError as error:
            raise DataError(f"{self.names[index]}: {error}") from None

    def _halves(self, index: int) -> Pair:
        """Source and target as stored."""
        file_a, file_b = self._files[index]
        a = images.read(file_a).pixels
        a, b = _cut(a) if self.layout == "ab" else (a, images.read(file_b).pixels)
        return Pair(a, b) if self.direction == "AtoB" else Pair(b, a)


def detect(folder: Path) -> Layout:
    """The layout of one split's folder.

    Raises:
        DataError: If it is none that is known.
    """
    names = {entry.name for entry in folder.iterdir() if entry.is_dir()}
    if {"imageA", "imageB"} <= names:
        return "folders"
    if not names & {"imageA", "imageB"} and _images(folder):
        return "ab"
    known = "; or ".join(LAYOUTS.values())
    raise DataError(
        f"{folder} is not laid out as pairs. Expected {known}. `i2i prepare concat` makes them from two folders."
    )


def _images(folder: Path) -> list[Path]:
    return images.discover([folder]).files


def _matched(folder: Path) -> list[tuple[Path, Path]]:
    a, b = (_by_name(folder / half) for half in ("imageA", "imageB"))
    for lonely, others, half in ((a.keys() - b.keys(), b, "imageB"), (b.keys() - a.keys(), a, "imageA")):
        if lonely:
            name = min(lonely)
            more = f" ({len(lonely)} in all)" if len(lonely) > 1 else ""
            raise DataError(f"{folder}: {name!r} has no partner in {half}{more}.{suggest(name, others)}")
    return [(a[name], b[name]) for name in sorted(a)]


def _by_name(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"{folder} is missing. Expected {LAYOUTS['folders']}.")
    found: dict[str, Path] = {}
    discovery = images.discover([folder])
    for file in discovery.files:
        name = str(PurePosixPath(discovery.name_of(file)).with_suffix(""))
        if name in found:
            raise DataError(f"{folder}: {found[name].name!r} and {file.name!r} have the same name. Rename one.")
        found[name] = file
    return found


def _channels(files: list[Path]) -> int:
    """Channels of the first image that is not gray: gray can become colour without loss, but not the reverse."""
    return next((channels for file in files if (channels := images.probe(file).channels) > 1), 1)


def _cut(whole: Pixels) -> tuple[Pixels, Pixels]:
    width = whole.shape[1]
    if width % 2:
        raise DataError(f"it is {width} pixels wide. An A|B file has an even width, A left and B right.")
    return whole[:, : width // 2], whole[:, width // 2 :]
