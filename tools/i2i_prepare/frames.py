"""Pairs out of videos: a frame and a later one, or the same moment of two videos."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from i2i.errors import DataError, MissingInputError, UsageError, things
from i2i.images import ImageError
from i2i.images.discovery import without_suffix
from i2i.pairs import Finding, Item, LeftOut, Pair, Pixels
from i2i.places import is_url, without_secrets
from i2i.prepared import CARD, STAGING
from i2i_prepare.fitted import Fitted
from i2i_prepare.video import SUFFIXES, FrameReader, Scan, scan_all

Mode = Literal["next", "pairs", "images"]
PLANS: dict[Mode, str] = {
    "next": "each frame with the frame {gap} later",
    "pairs": "frames of the first folder or video with those of the second at the same place",
    "images": "each frame as an image of its own",
}


class _Video(NamedTuple):
    name: str
    """Path below what all videos have in common, ``/`` between its parts."""
    file: str


@dataclass(kw_only=True)
class Frames(Fitted):
    """Frames of videos -> pairs of a frame and a later one, or of two videos that were taken together.

    All frames of a video stay in one split. Pixels that are not square stay as they are stored; more than 8 bits become
    8.

    Args:
        mode: ``next`` pairs each frame with a later one, ``pairs`` a frame of one video with the same frame of another
            (two videos, or two folders with videos of the same names), ``images`` makes single images.
        every: Of how many frames one is taken.
        gap: How many frames the target is later than the source, with ``next``.
        start: Where to begin in each video, seconds.
        stop: Where to end, seconds; the end of the video when not given.

    Raises:
        UsageError: If ``stop`` is not behind ``start``, or ``gap`` has no meaning.
    """

    mode: Mode = "next"
    every: Annotated[int, Field(ge=1)] = 1
    gap: Annotated[int, Field(ge=1)] = 1
    start: Annotated[float, Field(ge=0)] = 0.0
    stop: Annotated[float, Field(gt=0)] | None = None

    def __post_init__(self) -> None:
        start, stop, gap, mode = self.start, self.stop, self.gap, self.mode
        if stop is not None and stop <= start:
            raise UsageError(f"stop {stop:g} is not behind start {start:g}. Both are seconds of each video.")
        if gap != 1 and mode != "next":
            raise UsageError(f"gap {gap} says how much later the target is in mode next. Leave it out in mode {mode}.")
        self._readers = (FrameReader(), FrameReader())  # of source and target, so that neither ever goes back

    def plan(self, sources: Sequence[str]) -> str:
        """Return which videos would be read, and what would be made of them."""
        count = sum(len(videos) for videos in self._groups(sources)[0])
        videos, every = things(count, "video"), things(self.every, "frame")
        return f"{videos}, every {every}: {PLANS[self.mode].format(gap=self.gap)}."

    def find(self, sources: Sequence[str], on_progress: Callable[[int, int], None]) -> Finding:
        """Make the pairs of all videos; each video is decoded once to count its frames.

        Raises:
            MissingInputError: If a source is not there.
            UsageError: If ``pairs`` is not given two sources.
            DataError: If there is no video.
        """
        groups, left_out = self._groups(sources)
        scans = scan_all([video.file for videos in groups for video in videos], on_progress)
        items: list[Item] = []
        for videos in groups:
            found, lost = self._items(videos, [scans[video.file] for video in videos])
            items += found
            left_out += lost
        facts = {"videos": len({item.group for item in items}), "frames": len(items)}
        return Finding(items, left_out, facts=facts)

    def make(self, item: Item) -> Pair | Pixels:
        """Read the frames of one item.

        Raises:
            ImageError: If a frame is not there any more.
            DataError: If the two have different sizes, and no size was asked for.
        """
        parts = zip(item.key["files"], item.key["frames"], item.key["times"], self._readers, strict=False)
        frames = [self.fitted(reader.read(file, index, time)) for file, index, time, reader in parts]
        return frames[0] if self.mode == "images" else Pair(*frames)

    def _groups(self, sources: Sequence[str]) -> tuple[list[tuple[_Video, ...]], list[LeftOut]]:
        """Return the videos, by twos with ``pairs``, and what is none or has no partner."""
        if self.mode != "pairs":
            videos, others = _videos(sources)
            return [(video,) for video in videos], others
        if len(sources) != 2:
            raise UsageError(f"pairs takes two videos, or two folders of videos, not {len(sources)}.")
        (a, others), (b, more_others) = (_videos([source]) for source in sources)
        if all(Path(source).is_file() for source in sources):  # two files need not have one name
            return [(a[0], b[0])], []
        partners = {video.name: video for video in b}
        matched = [(video, partners[video.name]) for video in a if video.name in partners]
        names = {video.name for video, _ in matched}
        lonely = [
            LeftOut(f"{side}/{video.name}", "rejected", "no-partner", f"{video.name!r} has no partner of its name.")
            for side, videos in (("A", a), ("B", b))
            for video in videos
            if video.name not in names
        ]
        return [*matched], [*others, *more_others, *lonely]

    def _items(self, videos: Sequence[_Video], scans: Sequence[Scan | ImageError]) -> tuple[list[Item], list[LeftOut]]:
        """Make the pairs of one video, or of two that belong together."""
        name, later = videos[0].name, self.gap if self.mode == "next" else 0
        if bad := [scan for scan in scans if isinstance(scan, ImageError)]:
            return [], [LeftOut(name, "rejected", bad[0].reason, str(bad[0]))]
        good = [scan for scan in scans if isinstance(scan, Scan)]
        if problem := self._mismatch(good[0], good[-1]):
            return [], [LeftOut(name, "rejected", *problem)]
        frames = min(scan.frames for scan in good)
        first, last = self._limits(good[0], frames)
        items = [self._item(videos, good, index, later) for index in range(first, last - later, self.every)]
        lost = []
        if not items:
            lost.append(LeftOut(name, "skipped", "too-short", f"{name!r} has no frames for a pair in that time."))
        if (rest := max(scan.frames for scan in good) - frames) and self.stop is None:
            message = f"The last {things(rest, 'frame')} of one of {name!r} have none in the other."
            lost.append(LeftOut(f"{name}/end", "skipped", "no-partner", message))
        return items, lost

    def _mismatch(self, a: Scan, b: Scan) -> tuple[str, str] | None:
        """Return why two videos cannot be taken together."""
        if abs(a.rate - b.rate) > 0.001 * a.rate:
            return "different-rates", f"They have {a.rate:g} and {b.rate:g} frames a second. Convert one."
        if self.size is None and (a.height, a.width) != (b.height, b.width):
            sizes = f"{a.width}x{a.height} and {b.width}x{b.height}"
            return "different-sizes", f"They are {sizes}. Ask for one size with --size."
        return None

    def _limits(self, scan: Scan, frames: int) -> tuple[int, int]:
        """Return the first frame to take, and the one behind the last."""
        times = scan.times or [1000 * index / scan.rate if scan.rate > 0 else 0.0 for index in range(scan.frames)]
        stop = float("inf") if self.stop is None else self.stop
        inside = [index for index, time in enumerate(times[:frames]) if 1000 * self.start <= time < 1000 * stop]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def _item(self, videos: Sequence[_Video], scans: Sequence[Scan], index: int, later: int) -> Item:
        places = [(video, scan, index) for video, scan in zip(videos, scans, strict=True)]
        if self.mode == "next":
            places.append((videos[0], scans[0], index + later))
        # what is made of a video is made again when its bytes are others
        key = {
            "files": [video.file for video, _, _ in places],
            "frames": [frame for _, _, frame in places],
            "times": [scan.times[frame] if scan.times else None for _, scan, frame in places],
            "sha256": [scan.sha256 for _, scan, _ in places],
        }
        name = videos[0].name
        return Item(f"{name}/{index:07}", key, group=name, metadata={"video": name, "frame": index})


def _videos(sources: Sequence[str]) -> tuple[list[_Video], list[LeftOut]]:
    """Find the videos below the sources by name, and the files that are none.

    Datasets, finished or not, and folders whose name begins with a dot are not looked into.
    """
    files, others = set[Path](), set[Path]()
    for source in sources:
        if is_url(source):
            shown = without_secrets(source)
            raise UsageError(f"{shown!r} is an address. Frames are read of videos of this machine: download them.")
        place = Path(os.path.abspath(source))
        if place.is_file():
            files.add(place)
        elif not place.is_dir():
            raise MissingInputError(f"There is no video or folder {source!r}.")
        else:
            for file in _files_below(place):
                (files if file.suffix.lower() in SUFFIXES else others).add(file)
    if not files:
        raise DataError(f"No video was found in {', '.join(map(repr, sources))}. Give videos, or folders of videos.")
    top = os.path.commonpath([file.parent for file in files | others])
    stems = {file: without_suffix(file.relative_to(top).as_posix(), SUFFIXES) for file in sorted(files)}
    counts = Counter(stems.values())
    videos = [
        _Video(stem if counts[stem] == 1 else file.relative_to(top).as_posix(), str(file))
        for file, stem in stems.items()
    ]
    return videos, [LeftOut(file.relative_to(top).as_posix(), "skipped", "no-video") for file in sorted(others)]


def _files_below(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not any(Path(here, name, mark).exists() for mark in (CARD, STAGING))
        )
        files = (Path(here, name) for name in sorted(names) if not name.startswith("."))
        yield from (file for file in files if file.is_file())  # a pipe would be waited for
