"""Measures what `--fit auto` is worth: ``python benchmarks/drawings.py MODEL DATASET OUT [COUNT]``.

Sources of the validation split of a dataset of edges are drawn as people draw: in a paint program, by marker, pencil
and pen, photographed and scanned. Each drawing is made of the centre lines of a source, as strokes between neighbouring
pixels, so that nothing of its raster is left. Prints L1, in [0, 2], of what the model makes of each to the target, as
it is (brought to the target's size) and fitted, beside that of the source itself, over COUNT sources (5). Writes
``OUT/drawings.png``: a row for each source, with its result and the target, then each drawing, what is made of it as it
is, what it was fitted to, and what is made of that.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i import Translator, images
from i2i.data.dataset import Pairs
from i2i.data.order import spread
from i2i.images.geometry import fit, resize
from i2i.pairs import Pixels
from i2i_prepare.lines import Lines, segments

Gray = NDArray[np.float32]


def strokes(lines: Lines, height: int, width: int, box: tuple[int, int, int], thickness: int) -> Gray:
    """Draw lines, (H, W) in 0..1 of ink.

    Args:
        lines: Of a source.
        height: Of what is drawn.
        width: Of what is drawn.
        box: Top, left and side of the square that the source's frame becomes.
        thickness: Pixels.
    """
    top, left, side = box
    scale = side / max(lines.shape)
    ends = np.rint((segments(lines) + 0.5) * scale * 16 + 16 * np.array([left, top])).astype(np.int32)
    canvas = np.zeros((height, width), np.uint8)
    cv2.polylines(canvas, list(ends), isClosed=False, color=255, thickness=thickness, lineType=cv2.LINE_AA, shift=4)
    return np.asarray(canvas / 255, np.float32)


def paint_program(lines: Lines, random: np.random.Generator) -> Pixels:
    """White on black, 800x600, lines of 8 pixels."""
    return _rgb(255 * strokes(lines, 600, 800, (40, 140, 520), 8))


def marker(lines: Lines, random: np.random.Generator) -> Pixels:
    """A blue marker of 20 pixels on white, 800x600, off the centre."""
    ink = strokes(lines, 600, 800, (20, 60, 560), 20)[..., None]
    return np.rint(255 * (1 - ink) + np.array([30, 40, 160]) * ink).astype(np.uint8)


def pencil_photographed(lines: Lines, random: np.random.Generator) -> Pixels:
    """A pencil drawing on rough paper, held askew under a lamp: 1600x1200, blurred, noisy, JPEG."""
    height, width = 1200, 1600
    ink = strokes(lines, height, width, (150, 320, 880), 5)
    grain = cv2.GaussianBlur(random.standard_normal((height, width)).astype(np.float32), (0, 0), 1.2)
    pressure = cv2.resize(
        random.uniform(0.45, 0.95, (12, 16)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    ink *= np.clip(pressure + 0.9 * grain, 0.05, 1)
    fibres = cv2.GaussianBlur(random.standard_normal((height, width)).astype(np.float32), (0, 0), 2.5)
    page = 228 + 14 * fibres - 150 * ink
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = np.array([[60, 40], [width - 120, 10], [width - 20, height - 50], [20, height - 20]], np.float32)
    askew = cv2.getPerspectiveTransform(corners, seen)
    desk = 95.0
    photo = cv2.warpPerspective(page, askew, (width, height), flags=cv2.INTER_LINEAR, borderValue=desk)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 1.0 - 0.45 * np.hypot(y - 250, x - 350) / 1900
    shade = 1 - 0.22 / (1 + np.exp(-(x - 1150 + 0.3 * y) / 40))
    photo = cv2.GaussianBlur(photo * light * shade, (0, 0), 1.3) + 5 * random.standard_normal((height, width))
    return _jpeg(np.clip(np.stack([photo * 1.02, photo * 0.97, photo * 0.86], axis=2), 0, 255), 80)


def scanned(lines: Lines, random: np.random.Generator) -> Pixels:
    """A pen on a page of 1240x1754 with ruled lines in pale blue, dust, and the dark rim of the scanner's lid."""
    height, width = 1754, 1240
    ink = strokes(lines, height, width, (260, 180, 820), 6)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 2.0, 1)
    page: NDArray[np.float32] = np.full((height, width, 3), (243, 242, 238), np.float32)
    page[60:-60:60] = (205, 220, 240)
    page = page * (1 - ink[..., None]) + np.array([35, 30, 45], np.float32) * ink[..., None]
    page = np.asarray(cv2.warpAffine(page, turn, (width, height), borderValue=(60, 60, 60)), np.float32)
    for y, x in zip(random.integers(0, height, 60), random.integers(0, width, 60), strict=True):
        cv2.circle(page, (int(x), int(y)), int(random.integers(1, 3)), (120, 120, 120), -1)
    noisy = cv2.GaussianBlur(page, (0, 0), 0.8) + 2 * random.standard_normal(page.shape)
    return _jpeg(np.clip(noisy, 0, 255), 75)


DRAWINGS: Mapping[str, Callable[[Lines, np.random.Generator], Pixels]] = {
    "white on black, 8 px": paint_program,
    "marker, 20 px": marker,
    "pencil, photographed": pencil_photographed,
    "pen, scanned": scanned,
}
"""What is drawn, and how."""


def _rgb(gray: Gray) -> Pixels:
    return np.repeat(np.rint(gray).astype(np.uint8)[..., None], 3, axis=2)


def _jpeg(pixels: NDArray[np.floating], quality: int) -> Pixels:
    _, data = cv2.imencode(".jpg", np.rint(pixels[..., ::-1]).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # type: ignore[arg-type]
    return np.asarray(decoded)


def main(model: str, dataset: str, out: str, count: int = 5) -> None:
    plain, fitting = (Translator.load(model, fit=how) for how in ("none", "auto"))
    pairs = Pairs(dataset, "val")
    sums: dict[str, list[tuple[float, float]]] = {name: [] for name in ("the source", *DRAWINGS)}
    rows = []
    for index in spread(len(pairs), count):
        source, target = pairs.pair(index)
        lines = source[..., 0] < 128
        height, width = target.shape[:2]
        row = [source, plain(source), target]
        for name in sums:
            drawing = DRAWINGS[name](lines, np.random.default_rng(0)) if name in DRAWINGS else source
            given = fitting.given({"source": [drawing]})["source"]
            results = [resize(picture, height, width) for picture in (plain(drawing), fitting(drawing))]
            sums[name].append((distance(results[0], target), distance(results[1], target)))
            if name in DRAWINGS:
                row += [fit(drawing, height, "pad"), results[0], given, results[1]]
        rows.append(row)
    print(f"{'L1 to the target':24} {'as it is':>8} {'fitted':>8} {'worst':>8}")
    for name, measured in sums.items():
        before, after = np.mean(measured, axis=0)
        print(f"{name:24} {before:8.3f} {after:8.3f} {max(each for _, each in measured):8.3f}")
    images.write(Path(out) / "drawings.png", images.contact_sheet(rows))


def distance(result: Pixels, target: Pixels) -> float:
    """Return the mean difference of values in [-1, 1]."""
    return float(np.abs(result.astype(np.float64) - target).mean() / 127.5)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:]))
