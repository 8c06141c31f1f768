"""An evaluation of two models, with its pictures: one makes fog of what is real, the other adds noise to it."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i.evaluation.results import Comparison, Evaluation, Figure, Measured, Subject
from i2i.pairs import Pixels

MODELS = ("fog", "noise")
REFERENCES = ("real", "mean of training", "real, blurred (sigma 1)", "real, blurred (sigma 2)")
BLURRED = {"fog": 3.0, "real, blurred (sigma 1)": 1.0, "real, blurred (sigma 2)": 2.0}
NOISE = 24  # of 255


class Photographs:
    """Pictures of items: what is real, its outline as the source, and what the models make of that."""

    def __init__(self, real: Sequence[Pixels], *, paired: bool = True) -> None:
        self._real, self._paired = real, paired
        self.asked: list[tuple[str, int, int]] = []

    def source(self, index: int) -> Pixels:
        outline = cv2.Canny(cv2.cvtColor(self._real[index], cv2.COLOR_RGB2GRAY), 60, 120)
        return np.asarray(np.dstack([255 - outline] * 3))

    def truth(self, index: int) -> Pixels | None:
        return self._real[index] if self._paired else None

    def made(self, subject: str, index: int, sample: int = 0) -> Pixels:
        self.asked.append((subject, index, sample))
        return self.of(subject, index)

    def of(self, subject: str, index: int) -> Pixels:
        real: Pixels = self._real[index]
        if subject in BLURRED:
            return np.asarray(cv2.GaussianBlur(real, (0, 0), BLURRED[subject]))
        if subject == "mean of training":
            return np.asarray(np.rint(np.mean(self._real, axis=0)), np.uint8)
        noise = np.random.default_rng(index).normal(0, NOISE, real.shape)
        return real if subject == "real" else np.asarray(np.clip(np.rint(real + noise), 0, 255), np.uint8)

    def map(self, metric: str, subject: str, index: int) -> NDArray[np.float32] | None:
        if metric != "l1" or not self._paired:
            return None
        difference = np.abs(self.of(subject, index) - self._real[index].astype(np.float32))
        return np.asarray(difference.mean(axis=2) / 127.5, np.float32)

    def l1(self, subject: str) -> list[float | None]:
        pairs = [(self.of(subject, index), real) for index, real in enumerate(self._real)]
        return [float(np.abs(made - real.astype(float)).mean() / 127.5) for made, real in pairs]

    def psnr(self, subject: str) -> list[float | None]:
        pairs = [(self.of(subject, index), real) for index, real in enumerate(self._real)]
        squares = [np.square(made - real.astype(float)).mean() for made, real in pairs]
        return [float(10 * np.log10(255**2 / square)) for square in squares]


def blobs(count: int, side: int) -> list[Pixels]:
    """Draw discs on colours, (side, side, 3) each."""
    pictures = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        picture = np.empty((side, side, 3), np.uint8)
        picture[:] = rng.integers(256, size=3)
        for _ in range(4):
            centre = tuple(int(v) for v in rng.integers(side, size=2))
            cv2.circle(picture, centre, side // 5, tuple(int(v) for v in rng.integers(256, size=3)), -1)
        pictures.append(picture)
    return pictures


def metric(name: str, *, higher: bool = False, caution: str = "", **options: object) -> Measured:
    return Measured(
        name=name,
        metric=name,
        options=options,
        higher_is_better=higher,
        better="closer pixel by pixel",
        about=f"What {name} says of two pictures.",
        caution=caution,
    )


def mean(items: Sequence[float | None]) -> Figure:
    seen = np.array([item for item in items if item is not None])
    half = 1.96 * float(seen.std() / len(seen) ** 0.5)
    value = float(seen.mean())
    return Figure(value=value, low=value - half, high=value + half, spread="bootstrap", count=len(seen))


def of_set(value: float, half: float, count: int) -> Figure:
    return Figure(value=value, low=value - half, high=value + half, spread="subsets", count=count)


def subject(
    name: str, items: Mapping[str, list[float | None]], sets: Mapping[str, Figure], ranks: Mapping[str, int]
) -> Subject:
    return Subject(
        name=name,
        is_model=bool(ranks),
        about={"path": f"runs/{name}", "recipe": "pix2pix", "step": "2000", "mode": "eval", "seed": "0"}
        if ranks
        else {},
        figures={**{figure: mean(of_items) for figure, of_items in items.items()}, **sets},
        items=dict(items),
        rank=dict(ranks),
    )


KID = {"fog": (96.2, 4.1), "noise": (41.3, 2.4), "real": (0.4, 0.8), "mean of training": (312.0, 6.0)}
KID |= {"real, blurred (sigma 1)": (17.1, 1.6), "real, blurred (sigma 2)": (58.8, 3.0)}


def evaluation_of(pictures: Photographs, names: Sequence[str]) -> Evaluation:
    """Return what l1, psnr and a metric of sets say of two models and four references."""
    ranks = {"fog": {"l1": 1, "psnr": 1, "kid-lite0": 2}, "noise": {"l1": 2, "psnr": 2, "kid-lite0": 1}}
    subjects = [
        subject(
            name,
            {} if name == "real" else {"l1": pictures.l1(name), "psnr": pictures.psnr(name)},
            {"kid-lite0": of_set(*KID[name], len(names))},
            ranks.get(name, {}),
        )
        for name in (*MODELS, *REFERENCES)
    ]
    height, width = pictures.source(0).shape[:2]
    return Evaluation(
        i2i="0.1.0",
        data="faces",
        split="test",
        field="target",
        size=(height, width),
        resizing="stretched, area average",
        count=len(names),
        names=list(names),
        measured=[
            metric("l1"),
            metric("psnr", higher=True),
            metric("kid-lite0", subsets=50, caution="Fewer than 50 images: the bias is large."),
        ],
        subjects=subjects,
        comparisons=[
            Comparison(figure="l1", first="fog", second="noise", difference=-0.08, low=-0.09, high=-0.07, p=0.0002),
            Comparison(figure="psnr", first="fog", second="noise", difference=0.4, low=-0.1, high=0.9, p=0.12),
            Comparison(figure="kid-lite0", first="fog", second="noise", difference=54.9, low=51.0, high=59.0, p=None),
        ],
        sentences=["noise is more like real photographs (kid-lite0 41 against 96), fog is closer pixel by pixel."],
        notes=["Images were resized before they were measured."],
    )
