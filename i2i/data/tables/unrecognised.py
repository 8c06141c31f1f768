"""What to say of a place that is not laid out as pairs: what is there, and what to do."""

import shlex
from collections.abc import Sequence
from os import path
from pathlib import Path

from i2i.data.tables import ab, stored
from i2i.data.tables.files import folders_in
from i2i.data.tables.names import PAIRS
from i2i.data.tables.table import LAYOUTS, LayoutChoice
from i2i.errors import DataError, UsageError
from i2i.places import is_url
from i2i.plugins import suggest
from i2i.prepared import IMAGES

PACKED = (".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".7z")
"""Archives in which nothing is found without reading all before it, or by no layout."""
PLAIN = ("imageA", "imageB", "A", "B", "source", "target")
"""Names of columns that are hardly anything else: one of them alone lacks its partner."""


def not_pairs(root: str, layout: LayoutChoice) -> DataError:
    """What to say of a place that is not recognised.

    Args:
        root: The place.
        layout: The layout that was looked for.
    """
    if packed := next((file.url for file in stored.find(root, "") if file.url.lower().endswith(PACKED)), None):
        return DataError(f"{packed} is packed, and nothing else there is laid out as pairs. Unpack it.")
    if is_url(root):
        if layout == "auto":
            return DataError(
                f"{root} is an address, at which only Parquet files and WebDataset shards are read. "
                "Download a dataset folder, then give the copy."
            )
    elif ab.is_of_single_images(root) or (IMAGES in folders_in(root) and not folders_in(path.join(root, IMAGES))):
        return DataError(f"{root} holds single images and no pairs. {_prepare(root)}")
    if layout != "auto":
        return DataError(f"{root} is not laid out as {layout!r}. Expected {LAYOUTS[layout]}.")
    for folder in (root, *(path.join(root, name) for name in folders_in(root))):
        there = folders_in(folder)
        for a, b in PAIRS:
            if {a, b} <= set(PLAIN) and len(has := {a, b} & set(there)) == 1:
                lacking = b if a in has else a
                return DataError(
                    f"{path.join(folder, *has)} has no folder {lacking} beside it. Add it, of the same names."
                )
    if images := ab.images_in(root):
        return _loose(root, images)
    known = "; or ".join(LAYOUTS.values())
    return DataError(
        f"{root} is not laid out as pairs. Expected {known}. `i2i prepare concat` makes them from two folders."
    )


def refuse_photographs(root: str, splits: Sequence[str]) -> None:
    """Stop at images in folders that nothing says are A|B files.

    Raises:
        DataError: If they are rather columns of names that nobody knows, or not twice as wide as high.
    """
    for folder in (root, *(path.join(root, split) for split in splits)):
        if columns := ab.columns_in(Path(folder)):
            a, b = columns[:2]
            raise DataError(
                f"{folder} holds files of the same names in {', '.join(columns)}. Say which is what, such as --set "
                f"dataset.source=[{a}] --set dataset.target=[{b}]; or, if they are A|B files, --set dataset.layout=ab."
            )
    for split in splits:
        table = ab.open_split(root, split, ())
        if not table.problems and not ab.are_halves(root, table):
            folder = path.dirname(table.files[0][0])
            raise DataError(
                f"{folder} holds single images: most are not twice as wide as high, as A|B files are. "
                f"{_prepare(folder)} If each of them is a pair, A on its left half, say --set dataset.layout=ab."
            )


def columns_not_there(root: str, wanted: Sequence[str], there: Sequence[str]) -> UsageError:
    """What to say of columns that the user named and the dataset does not have."""
    missing = next((column for column in wanted if column not in there), wanted[0])
    return UsageError(f"{root} has no column {missing!r}.{suggest(missing, there)} Columns: {', '.join(there)}.")


def _loose(root: str, images: Sequence[Path]) -> DataError:
    """What to do with images that lie in no folder of a split."""
    sizes = ab.sizes_of(images[: ab.LOOKED_AT])
    if sizes and all(width == 2 * height for width, height in sizes):
        width, height = sizes[0]
        return DataError(
            f"{root} holds images and no folder of a split. They are {width}x{height}, as A|B files are: then move "
            f"them into {path.join(root, 'train')}, or run `i2i prepare split-ab {shlex.quote(root)} OUT`."
        )
    return DataError(f"{root} holds single images and no pairs. {_prepare(root)}")


def _prepare(folder: str) -> str:
    """A command that makes pairs of single images."""
    name = folder.rstrip("/")
    command = shlex.join(["i2i", "prepare", "edges", name, f"{name}-pairs"])
    return f"Pairs are made of single images by preparers: `{command}`; of two folders, by `i2i prepare concat`."
