"""Preparers that do what strangers' preparers do. Worker processes import this module by its name."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

import i2i
from i2i.errors import DataError, UsageError
from i2i.pairs import Finding, Item, LeftOut, Pair, Pixels, Reading, SkipError


class Negative:
    """A picture and its negative.

    Args:
        strength: How dark it is, where [1] is not at all.
        log: File that gets one byte for each picture.
        pause: Seconds that each picture takes.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(
        self,
        *,
        strength: Annotated[int, Field(ge=1, le=3)] = 1,
        log: str = "",
        pause: float = 0.0,
    ) -> None:
        self.strength = strength
        self.log = log
        self.pause = pause

    def __call__(self, *images: Pixels) -> Pair:
        (image,) = images
        if self.log:
            with Path(self.log).open("ab") as file:
                file.write(b".")
        time.sleep(self.pause)
        return Pair((np.iinfo(image.dtype).max - image) // self.strength, image)


class Troubled:
    """Does what the first value of a picture says."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)
    FINE, CRASH, RAISE, REFUSE, NOTHING, FLAT, HUNGRY, WIDE = range(100, 108)

    def __call__(self, *images: Pixels) -> Pair:
        (image,) = images
        what = int(image[0, 0, 0])
        if what == self.CRASH:
            os.kill(os.getpid(), signal.SIGSEGV)
        if what == self.RAISE:
            raise RuntimeError("stranger's bug")
        if what == self.REFUSE:
            raise DataError("This picture is not to my taste.")
        if what == self.NOTHING:
            return None  # type: ignore[return-value]
        if what == self.FLAT:
            return Pair(image[0], image)
        if what == self.HUNGRY:
            np.empty((12 << 30,), np.uint8)
        if what == self.WIDE:
            return Pair(image.astype(np.int64), image)
        return Pair(image, image)


class Mixed:
    """Source and target of different kinds, as the first value of a picture says."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)
    DEEP, FLOAT, SMALL, MANY = range(100, 104)

    def __call__(self, *images: Pixels) -> Pair:
        (image,) = images
        gray = image[..., :1]
        sources: dict[int, Pixels] = {
            self.DEEP: gray.astype(np.uint16) * 257,
            self.FLOAT: gray.astype(np.float32) / 255,
            self.SMALL: image[::2, ::2],
            self.MANY: image.repeat(2, axis=2),
        }
        return Pair(sources[int(image[0, 0, 0])], image)


class Limited:
    """Fills the disk: no file may be longer than a few bytes."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(self) -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    def __call__(self, *images: Pixels) -> Pair:
        return Pair(images[0], images[0])


class Fussy:
    """Cannot be constructed."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(self, *, how: Literal["refuse", "fail", "die"] = "refuse") -> None:
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        raise UsageError("these options do not go together.") if how == "refuse" else OSError("no weights")


class Both:
    """Takes two pictures."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image", "image")

    def __call__(self, *images: Pixels) -> Pair:
        return Pair(*images)


class Three(Both):
    """Takes three pictures, the last of which may be left out, and says in the target how many there were."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image", "alpha", "ids")
    optional = 1

    def __call__(self, *images: Pixels) -> Pair:
        return Pair(images[0], np.full_like(images[0], len(images) * 10 + images[-1].shape[2]))


class Alone:
    """Makes one picture and no pair; leaves dark ones out."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __call__(self, *images: Pixels) -> Pixels:
        if images[0].mean() < 10:
            raise SkipError("blank", "It is dark all over.")
        return images[0][::2, ::2]


class Drawn:
    """Draws numbers.

    Args:
        seed: Of the numbers.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def __call__(self, *images: Pixels) -> Pair:
        return Pair(images[0], np.full_like(images[0], self.seed))


class Numbers:
    """Finds as many items as its source says.

    Args:
        log: File that gets one byte for each item that is made.
    """

    def __init__(self, *, log: str = "") -> None:
        self.log = log

    def plan(self, sources: Sequence[str]) -> str:
        return f"Would count to {sources[0]}."

    def find(self, sources: Sequence[str], on_progress: Callable[[int, int], None]) -> Finding:
        count = int(sources[0].rpartition("/")[2])
        items = [
            Item(f"row {i % 2}/{i}", i, group=f"pair {i // 2}" if i < 8 else "", metadata={"number": i})
            for i in range(count)
        ]
        items[-1] = items[-1]._replace(split="test")
        left_out = [LeftOut("zero", "skipped", "none"), LeftOut("minus", "rejected", "negative", "It is below zero.")]
        return Finding(items, left_out, "CC0-1.0", "Nobody", facts={"until": count})

    def make(self, item: Item) -> Pair:
        if self.log:
            with Path(self.log).open("ab") as file:
                file.write(b".")
        pixels = np.random.default_rng(item.key).integers(0, 256, (16, 16, 3)).astype(np.uint8)
        return Pair(pixels, 255 - pixels)


class Crowded:
    """Its option is one of the command's own."""

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(self, *, layout: str = "") -> None: ...


class Typed:
    """Takes options of every type.

    Args:
        whole: A whole number.
        level: One of few numbers.
        word: A word.
        on: Whether it is on.
        either: A number or a word.
        names: Several words.
        place: A file.
        area: A file, or words.
    """

    inputs: ClassVar[tuple[Reading, ...]] = ("image",)

    def __init__(
        self,
        *,
        whole: Annotated[int, Field(ge=16)] | None = None,
        level: Literal[1, 2],
        word: str = "5",
        on: bool = True,
        either: int | Literal["auto"] = "auto",
        names: tuple[str, ...] = (),
        place: Path | None = None,
        area: Path | str = "everywhere",
    ) -> None: ...

    def __call__(self, *images: Pixels) -> Pair:
        return Pair(images[0], images[0])


class Plugin:
    @i2i.hookimpl
    def i2i_preparers(self) -> dict[str, type[Any]]:
        classes = (Negative, Troubled, Mixed, Limited, Fussy, Both, Three, Alone, Drawn, Numbers, Crowded, Typed)
        return {cls.__name__.lower(): cls for cls in classes}
