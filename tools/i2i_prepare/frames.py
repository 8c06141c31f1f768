"""Pairs out of videos: a frame and a later one, or the same moment of two videos."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from i2i.errors import DataError, MissingInputError, UsageError
from i2i.images import ImageError, geometry
from i2i.pairs import Finding, Item, LeftOut, Pair, Pixels
from i2i.places import is_url, without_secrets
from i2i.prepared import CARD, STAGING
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


class Frames:
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
        size: Height and width of source and target, pixels. As they are when not given.
        fit: How a frame becomes square: ``crop`` keeps its centre, ``stretch`` gives up its proportions, ``pad`` puts
            white around it.

    Raises:
        UsageError: If ``stop`` is not behind ``start``, or ``gap`` has no meaning.
    """

    def __init__(
        self,
        *,
        mode: Mode = "next",
        every: Annotated[int, Field(ge=1)] = 1,
        gap: Annotated[int, Field(ge=1)] = 1,
        start: Annotated[float, Field(ge=0)] = 0.0,
        stop: Annotated[float, Field(gt=0)] | None = None,
        size: Annotated[int, Field(ge=1)] | None = None,
        fit: geometry.Fit = "crop",
    ) -> None:
        if stop is not None and stop <= start:
            raise UsageError(f"stop {stop:g} is not behind start {start:g}. Both are seconds of each video.")
        if gap != 1 and mode != "next":
            raise UsageError(f"gap {gap} says how much later the target is in mode next. Leave it out in mode {mode}.")
        self.mode = mode
        self.every = every
        self.gap = gap
        self.start = start
        self.stop = stop
        self.size = size
        self.fit = fit
        self._readers = (FrameReader(), FrameReader())  # of source and target, so that neither ever goes back

    def plan(self, sources: Sequence[str]) -> str:
        """Return which videos would be read, and what would be made of them."""
        videos = [video for videos, _ in self._listed(sources) for video in videos]
        return f"{len(videos)} videos, every {self.every} frames: {PLANS[self.mode].format(gap=self.gap)}."

    def find(self, sources: Sequence[str], on_progress: Callable[[int, int], None]) -> Finding:
        """Make the pairs of all videos; each video is decoded once to count its frames.

        Raises:
            MissingInputError: If a source is not there.
            UsageError: If ``pairs`` is not given two sources.
            DataError: If there is no video.
        """
        sides = self._listed(sources)
        left_out = [lost for _, others in sides for lost in others]
        groups: Iterator[tuple[_Video, ...]]
        if self.mode == "pairs":
            matched, lonely = _matched(sides[0][0], sides[1][0])
            groups, left_out = iter(matched), [*left_out, *lonely]
        else:
            groups = ((video,) for video in sides[0][0])
        together = list(groups)
        scans = scan_all([video.file for videos in together for video in videos], on_progress)
        items: list[Item] = []
        for videos in together:
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
        frames = [reader.read(file, index, time) for file, index, time, reader in parts]
        if self.size is not None:
            frames = [geometry.fit(frame, self.size, self.fit) for frame in frames]
        return frames[0] if self.mode == "images" else Pair(*frames)

    def _listed(self, sources: Sequence[str]) -> list[tuple[list[_Video], list[LeftOut]]]:
        """Return the videos of both sides with ``pairs``, else of the only one, and what is none."""
        if self.mode != "pairs":
            return [_videos(sources)]
        if len(sources) != 2:
            raise UsageError(f"pairs takes two videos, or two folders of videos, not {len(sources)}.")
        sides = [_videos([source]) for source in sources]
        if all(Path(source).is_file() for source in sources):  # two files need not have one name
            name = sides[0][0][0].name
            sides[1] = ([sides[1][0][0]._replace(name=name)], sides[1][1])
        return sides

    def _items(self, videos: Sequence[_Video], scans: Sequence[Scan | ImageError]) -> tuple[list[Item], list[LeftOut]]:
        """Make the pairs of one video, or of two that belong together."""
        name = videos[0].name
        good = [scan for scan in scans if isinstance(scan, Scan)]
        if bad := [scan for scan in scans if isinstance(scan, ImageError)]:
            return [], [LeftOut(name, "rejected", bad[0].reason, str(bad[0]))]
        if problem := self._mismatch(good):
            return [], [LeftOut(name, "rejected", *problem)]
        later = self.gap if self.mode == "next" else 0
        first, last = self._limits(good[0], min(scan.frames for scan in good))
        items = [self._item(videos, good, index, later) for index in range(first, last - later, self.every)]
        lost = []
        if not items:
            lost.append(LeftOut(name, "skipped", "too-short", f"{name!r} has no frames for a pair in that time."))
        if (rest := max(scan.frames for scan in good) - min(scan.frames for scan in good)) and self.stop is None:
            message = f"The last {rest} frames of one of {name!r} have none in the other."
            lost.append(LeftOut(f"{name}/end", "skipped", "no-partner", message))
        return items, lost

    def _limits(self, scan: Scan, frames: int) -> tuple[int, int]:
        """First frame to take, and the one behind the last."""
        times = scan.times or [1000 * index / scan.rate if scan.rate > 0 else 0.0 for index in range(scan.frames)]
        inside = [
            index
            for index, time in enumerate(times[:frames])
            if time >= 1000 * self.start and (self.stop is None or time < 1000 * self.stop)
        ]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def _mismatch(self, scans: Sequence[Scan]) -> tuple[str, str] | None:
        """Return why two videos cannot be taken together."""
        first, last = scans[0], scans[-1]
        if abs(first.rate - last.rate) > 0.001 * first.rate:
            return "different-rates", f"They have {first.rate:g} and {last.rate:g} frames a second. Convert one."
        if self.size is None and (first.height, first.width) != (last.height, last.width):
            a, b = (f"{scan.width}x{scan.height}" for scan in (first, last))
            return "different-sizes", f"They are {a} and {b}. Ask for one size with --size."
        return None

    def _item(self, videos: Sequence[_Video], scans: Sequence[Scan], index: int, later: int) -> Item:
        frames = [index, index + later] if self.mode == "next" else [index] * len(videos)
        files = [video.file for video in videos] * (len(frames) // len(videos))
        seen = list(scans) * (len(frames) // len(scans))
        times = [scan.times[frame] if scan.times else None for scan, frame in zip(seen, frames, strict=True)]
        # what is made of a video is made again when its bytes are others
        key = {"files": files, "frames": frames, "times": times, "sha256": [scan.sha256 for scan in seen]}
        metadata = {"video": videos[0].name, "frame": index}
        return Item(f"{videos[0].name}/{index:07}", key, group=videos[0].name, metadata=metadata)


def _videos(sources: Sequence[str]) -> tuple[list[_Video], list[LeftOut]]:
    """Find the videos below the sources by name, and the files that are none.

    Datasets, finished or not, and folders whose name begins with a dot are not looked into.
    """
    files: list[Path] = []
    others: list[Path] = []
    for source in sources:
        if is_url(source):
            shown = without_secrets(source)
            raise UsageError(f"{shown!r} is an address. Frames are read of videos of this machine: download them.")
        place = Path(os.path.abspath(source))
        if place.is_file():
            files.append(place)
        elif place.is_dir():
            for file in _files_below(place):
                (files if file.suffix.lower() in SUFFIXES else others).append(file)
        else:
            raise MissingInputError(f"There is no video or folder {source!r}.")
    files = sorted(set(files))
    if not files:
        raise DataError(f"No video was found in {', '.join(map(repr, sources))}. Give videos, or folders of videos.")
    top = os.path.commonpath([file.parent for file in [*files, *others]])
    stems = Counter(file.with_suffix("") for file in files)
    named = [file.with_suffix("") if stems[file.with_suffix("")] == 1 else file for file in files]
    videos = [_Video(name.relative_to(top).as_posix(), str(file)) for name, file in zip(named, files, strict=True)]
    return videos, [LeftOut(file.relative_to(top).as_posix(), "skipped", "no-video") for file in sorted(set(others))]


def _files_below(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not any(Path(here, name, mark).exists() for mark in (CARD, STAGING))
        )
        files = (Path(here, name) for name in sorted(names) if not name.startswith("."))
        yield from (file for file in files if file.is_file())  # a pipe would be waited for


def _matched(a: Sequence[_Video], b: Sequence[_Video]) -> tuple[list[tuple[_Video, ...]], list[LeftOut]]:
    """Videos of two folders that have one name, and those that have no partner."""
    partners = {video.name: video for video in b}
    matched: list[tuple[_Video, ...]] = [(video, partners[video.name]) for video in a if video.name in partners]
    names = {video.name for video, _ in matched}
    lonely = [
        LeftOut(f"{side}/{video.name}", "rejected", "no-partner", f"{video.name!r} has no partner of its name.")
        for side, videos in (("A", a), ("B", b))
        for video in videos
        if video.name not in names
    ]
    return matched, lonely
