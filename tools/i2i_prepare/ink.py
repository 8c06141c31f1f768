"""Where ink is in a picture of a drawing: one of a paint program, a scan, or a photograph in uneven light."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from i2i_prepare.lines import Lines, Map, drop_small

Gray = NDArray[np.uint8]
"""Brightness, (H, W), 0..255."""

LEVEL = 8
"""Brightness by which paper of one level differs from it at most: noise of a scanner, and of JPEG."""
UNIFORM = 1 / 3
"""Share of the picture from which on paper is of one level."""
FAINTEST = 0.35
"""Weakest ink on such paper, of the strongest: half of a pixel that a line crosses, and pencil beside ink."""
DARKEST = 8
"""Added to brightness, so that its logarithm does not tell shades of black apart."""
LONGEST_RIM = 0.1
"""Ink along the rim of the picture over more than this share of its longer side is a desk, or a scanner's lid."""


class Ink(NamedTuple):
    """What is ink in a picture."""

    mask: Lines
    dark: bool
    """Whether it is darker than the paper."""
    amount: float
    """How many pixels it covers, those at the edges of lines in part."""
    uniform: bool
    """Whether the paper has one level, as in a paint program."""
    rest: float
    """Share of the paper away from ink that differs from it by a quarter of what ink does."""
    steps: float
    """Share of the paper away from ink where brightness changes by more than 4 % a pixel."""


def find_ink(gray: Gray) -> Ink:
    """Find what is drawn.

    Paper of one level differs from ink by a threshold. On other paper ink is what is darker than the paper around it
    (black-hat: morphological closing minus the image, of logarithms, since light multiplies), so that edges of a page,
    of shadows and of large things are none; a line goes on while it stands out from the grain of the paper if some of
    it stands out by far (hysteresis, Canny 1986).

    Args:
        gray: Some hundred pixels; see `i2i_prepare.drawing`.
    """
    level, share = _paper(gray)
    uniform = share >= UNIFORM
    if uniform:
        apart = level - gray.astype(np.float32)
        most = float(np.percentile(np.abs(apart), 99.9))
        most = most if most > LEVEL else float(np.abs(apart).max())  # a small drawing
        threshold = max(FAINTEST * most, LEVEL)
        dark = float(apart[np.abs(apart) > threshold].sum()) >= 0
        strength = apart if dark else -apart
        mask = strength > threshold
    else:
        dark = _is_darker(gray)
        strength = _standing_out(gray if dark else 255 - gray)
        mask = _hysteresis(strength)
    kept, rim = _without_rims(mask)
    kept = drop_small(kept, max(4, round((max(gray.shape) / 200) ** 2)))
    away = ~(_grown(kept, 7) | _grown(rim, 9))
    typical = float(np.median(strength[kept])) if kept.any() else float("inf")
    amount = float(np.clip(strength[_grown(kept, 3)] / typical, 0, 1).sum())
    rest = float((np.abs(strength[away]) > typical / 4).mean()) if away.any() else 0.0
    steps = float((_slope(gray if dark else 255 - gray)[away] > 0.04).mean()) if away.any() else 0.0
    return Ink(kept, dark, amount, uniform, rest, steps)


def _paper(gray: Gray) -> tuple[int, float]:
    """Return the level of paper, and the share of the picture that is about as bright.

    It is the most common one, where the rim counts as much as the whole: a drawing may be more ink than paper, but
    hardly there.
    """
    rim = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    whole, outer = (np.bincount(each.ravel(), minlength=256) / each.size for each in (gray, rim))
    most = int(np.convolve(whole + outer, np.ones(2 * LEVEL + 1), "same").argmax())
    low, high = max(most - LEVEL, 0), most + LEVEL + 1
    level = low + int(np.argmax((whole + outer)[low:high]))
    return level, float(whole[max(level - LEVEL, 0) : level + LEVEL + 1].sum())


def _is_darker(gray: Gray) -> bool:
    """Return whether what stands out from the paper around it, the median of a sixth of the picture, is darker."""
    scale = min(200 / max(gray.shape), 1)
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    apart = small.astype(np.int16) - cv2.medianBlur(small, max(max(small.shape) // 6, 3) | 1)
    far = max(6 * _spread(apart), 12)
    return bool((apart < -far).sum() >= (apart > far).sum())


def _standing_out(gray: Gray) -> Map:
    """Return by how much each pixel is darker than paper within a twelfth of the picture, beyond most: a logarithm."""
    side = max(max(gray.shape) // 12, 3) | 1
    smooth = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 0.7)
    paper = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    strength = np.log(paper + DARKEST) - np.log(smooth + DARKEST)
    return np.asarray(strength - np.median(strength), np.float32)


def _hysteresis(strength: Map) -> Lines:
    grain = max(_spread(strength), 0.004)
    clear = strength[_without_rims(strength > 6 * grain)[0]]
    top = float(np.percentile(clear, 90)) if clear.size else 0.0
    weak, strong = max(4 * grain, 0.3 * top), max(8 * grain, 0.5 * top)
    _, labels = cv2.connectedComponents((strength > weak).astype(np.uint8), connectivity=8)
    keep = np.zeros(int(labels.max()) + 1, bool)
    keep[np.unique(labels[strength > strong])] = True
    keep[0] = False
    return np.asarray(keep[labels], bool)


def _without_rims(mask: Lines) -> tuple[Lines, Lines]:
    """Divide ink into what is drawn, and what lies along the rim of the picture."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    touching = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    lengths = np.bincount(touching, minlength=count)
    lengths[0] = 0
    rim = (lengths > LONGEST_RIM * max(mask.shape))[labels]
    return mask & ~rim, rim


def _slope(gray: Gray) -> Map:
    """Return the change of the logarithm of brightness, per pixel."""
    logarithm = np.log(cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 1) + DARKEST)
    across, down = (cv2.Sobel(logarithm, cv2.CV_32F, *order) / 8 for order in ((1, 0), (0, 1)))
    return np.hypot(across, down)


def _spread(values: NDArray[np.floating | np.signedinteger]) -> float:
    """Return the standard deviation of most values: 1.4826 times the median distance from their median."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _grown(mask: Lines, side: int) -> Lines:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)), bool)
