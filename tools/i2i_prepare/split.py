"""A dataset divided anew: the same pairs, to the bit, in other splits."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from i2i import safe_json, safe_yaml
from i2i.data.tables.detect import open_table, splits_of
from i2i.data.tables.folders import FileTable
from i2i.data.tables.names import choose
from i2i.data.tables.table import Table
from i2i.errors import DataError, UsageError
from i2i.images import MAX_PIXELS, Limit, Range
from i2i.pairs import Finding, Item, LeftOut, Pair
from i2i.places import is_url
from i2i.preparation.report import place_of, read_rows
from i2i.preparation.tasks import stamp_of
from i2i.prepared import CARD, METADATA, REPORT

NOT_KEPT = ("source", "height", "width")
"""Columns that every preparation writes anew, besides those of files."""


class Known(NamedTuple):
    """What a prepared dataset says besides its images."""

    card: Mapping[str, Any]
    """What ``dataset.yaml`` says."""
    groups: Mapping[str, str]
    """File below the dataset -> the group of its pair, by ``report.jsonl``."""
    metadata: Mapping[str, Mapping[str, Any]]
    """File below the dataset -> the columns of ``metadata.jsonl`` that are about its pair."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return how the sources of the dataset were understood."""
        facts = self.card.get("facts")
        return facts if isinstance(facts, dict) else {}


@dataclass(kw_only=True)
class Split:
    """The pairs of a dataset, of whatever layout -> the same pairs in new splits.

    A stays A and B stays B. Which pair goes where is decided as for any preparer; copies stay together. Of a dataset
    that was prepared, groups stay together as well, and what is known about a pair is kept. Map tiles are refused:
    neighbours would come to two splits.

    Args:
        source: Column of A, where the dataset has others than one pair of a known name.
        target: Column of B, likewise.
        range: Values that stand for black and white: of A and B, or of each. Images of a declared range become float32
            in [-1, 1]; all others are the same to the bit.
        max_pixels: Largest image that is read, width times height.

    Raises:
        UsageError: If only one of the columns is given, or more than two ranges.
    """

    source: str | None = None
    target: str | None = None
    range: tuple[Range, ...] | None = None
    max_pixels: Annotated[int, Field(ge=1)] = MAX_PIXELS

    def __post_init__(self) -> None:
        if (self.source is None) != (self.target is None):
            raise UsageError("Give both columns, source and target, or none of them.")
        if self.range and len(self.range) > 2:
            raise UsageError(f"{len(self.range)} ranges are given for A and B. Give one for both, or one for each.")
        self._ranges = (*self.range, *self.range)[:2] if self.range else (None, None)
        self._wanted = tuple(name for name in (self.source, self.target) if name is not None)
        self._tables: dict[tuple[str, str], Table] = {}

    def plan(self, sources: Sequence[str]) -> str:
        """Return which splits would be put together and divided anew."""
        root, splits, _ = self._look(sources)
        return f"All pairs of {', '.join(splits)} in {root!r}, divided anew."

    def find(self, sources: Sequence[str], on_progress: Callable[[int, int], None]) -> Finding:
        """Find all rows of all splits; what the dataset's reader leaves out is rejected.

        Raises:
            UsageError: If there is not exactly one source, or it holds map tiles.
            DataError: If it is no dataset of pairs.
        """
        root, splits, known = self._look(sources)
        tables = {split: self._table(root, split) for split in splits}
        seen = Counter(name for table in tables.values() for name in table.names)
        unique = seen.total() == len(seen)
        items, left_out = [], []
        for split, table in tables.items():
            left_out += [LeftOut(f"{split}/{p.name}", "rejected", p.reason, p.message) for p in table.problems]
            columns = self._columns(table)
            for row, (name, stamp) in enumerate(zip(table.names, _stamps(root, table, columns), strict=True)):
                key = {"root": root, "split": split, "row": row, "name": name, "stamp": stamp}
                file = table.file(row, columns[0]) if isinstance(table, FileTable) else root
                place = Path(os.path.relpath(file, root)).as_posix()
                metadata = {**known.metadata.get(place, {}), "split_before": split}
                name = name if unique else f"{split}/{name}"
                items.append(Item(name, key, known.groups.get(place, ""), metadata=metadata))
        facts = {"layout": next(iter(tables.values())).layout, "splits": {s: len(t.names) for s, t in tables.items()}}
        texts = {name: str(known.card.get(name) or "") for name in ("licence", "attribution", "terms")}
        return Finding(items, left_out, facts={**known.facts, **facts}, **texts)

    def make(self, item: Item) -> Pair:
        """Make the pair of a row, with all its channels and bits.

        Raises:
            DataError: If one of its images is damaged or missing.
        """
        table, limit = self._table(item.key["root"], item.key["split"]), Limit(self.max_pixels, "--max-pixels")
        a, b = (
            table.picture(item.key["row"], column, value_range=value_range, limit=limit).pixels
            for column, value_range in zip(self._columns(table), self._ranges, strict=True)
        )
        return Pair(a, b)

    def _look(self, sources: Sequence[str]) -> tuple[str, Sequence[str], Known]:
        """Return the one dataset, by absolute path or address, its splits and what it says about them."""
        if len(sources) != 1:
            raise UsageError(f"split takes one dataset, not {len(sources)}.")
        root = sources[0] if is_url(sources[0]) else os.path.abspath(sources[0])
        splits = splits_of(root, columns=self._wanted)
        known = _known(Path(root), splits)
        # neighbours were on two sides all along where tiles were made with --split-by none
        if known.facts.get("split") != {"by": "none"} and any(map(_lies_on_a_map, known.metadata.values())):
            raise UsageError(
                f"{root!r} holds map tiles. Divided anew, neighbours would be on two sides of a split. "
                "Divide them on the ground: `i2i prepare tiles` with --val, --test and --split-by."
            )
        return root, splits, known

    def _columns(self, table: Table) -> tuple[str, str]:
        """Return those of A and B."""
        (source,), (target,) = choose(table.columns, self._wanted[:1], self._wanted[1:], "AtoB")
        return source, target

    def _table(self, root: str, split: str) -> Table:
        if (root, split) not in self._tables:
            self._tables[root, split] = open_table(root, split, columns=self._wanted)
        return self._tables[root, split]


def _lies_on_a_map(metadata: Mapping[str, Any]) -> bool:
    """Return whether a pair says where on a map it lies, as those of `i2i prepare tiles` do."""
    return {"x", "y"} <= metadata.keys() and not {"bbox", "pixels"}.isdisjoint(metadata)


def _stamps(root: str, table: Table, columns: Sequence[str]) -> Iterator[str]:
    """Yield for each row what changes when its images do: size and time of change of its files, or of all files.

    Of an address it is nothing: what lies there is taken to stay.
    """
    rows = range(len(table.names))
    if isinstance(table, FileTable):
        yield from (" ".join(dict.fromkeys(stamp_of(table.file(row, column)) for column in columns)) for row in rows)
    else:
        place = Path(root)
        files = sorted(file for file in (place, *place.rglob("*")) if file.is_file()) if not is_url(root) else []
        stamps = " ".join(f"{file.relative_to(place).as_posix()} {stamp_of(file)}" for file in files)
        whole = hashlib.sha256(stamps.encode("utf-8", "surrogateescape")).hexdigest()[:16] if files else ""
        yield from (whole for _ in rows)


def _known(root: Path, splits: Sequence[str]) -> Known:
    """Read what a prepared dataset says besides its images, as far as it is one.

    Raises:
        DataError: If any of it is damaged.
    """
    card, report = root / CARD, root / REPORT
    try:
        stated = safe_yaml.load(card.read_text("utf-8"), str(card)) if card.is_file() else {}
    except UnicodeDecodeError:
        raise DataError(f"{card} is not UTF-8. Save it as UTF-8, or move it away.") from None
    rows = (row for row in read_rows(report) if row.group and row.split) if report.is_file() else ()
    groups = {place_of(row, output): row.group for row in rows for output in row.outputs}
    metadata = {file: columns for split in splits for file, columns in _columns(root / split / METADATA, split)}
    return Known(stated if isinstance(stated, dict) else {}, groups, metadata)


def _columns(listing: Path, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield file below the dataset -> the columns of its line that are about the pair."""
    for number, line in enumerate(listing.read_bytes().splitlines() if listing.is_file() else [], 1):
        try:
            values = safe_json.load(line)
        except ValueError:
            raise DataError(f"{listing}, line {number}, is no JSON. Correct or delete it.") from None
        if isinstance(values, dict):
            kept = {key: value for key, value in values.items() if not (key.endswith("file_name") or key in NOT_KEPT)}
            files = [value for key, value in values.items() if key.endswith("file_name") and isinstance(value, str)]
            yield from ((f"{split}/{file}", kept) for file in files)
