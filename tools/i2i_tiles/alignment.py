"""Whether two maps lie on each other: phase correlation of their edges (Kuglin and Hines 1975)."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i.images import with_channels
from i2i.pairs import Pixels, range_of

SMOOTHING = 0.15
"""Width of the Gaussian that frequencies are weighted with, cycles a pixel: the finest detail of two styles differs."""
CLEAR = 10.0
"""Height of a peak that is no chance, in standard deviations: of unrelated maps it stays below 9."""


class Shift(NamedTuple):
    """Where the second map lies on the first."""

    right: float
    """Pixels that its content lies too far to the right."""
    down: float
    """Pixels that its content lies too far down."""
    peak: float
    """How clearly, in standard deviations of the correlation surface."""

    @property
    def clear(self) -> bool:
        """Whether the two maps show the same place at all, as far as edges tell."""
        return self.peak >= CLEAR

    @property
    def pixels(self) -> float:
        """Length of the shift."""
        return float(np.hypot(self.right, self.down))


def shift_between(pairs: Iterable[tuple[Pixels, Pixels]]) -> Shift:
    """The shift that all pairs have in common.

    Gradient magnitudes are compared, since an edge is one in every style of map. The cross-power spectra of all pairs
    are added before the peak is looked for: in a single pair of an aerial image and a map it often drowns.

    Args:
        pairs: (H, W, C) each, all of one height and width, in any styles.

    Returns:
        The shift, to a fraction of a pixel, by the parabola through the peak and its neighbours.
    """
    total: NDArray[np.complex128] | None = None
    shape = (0, 0)
    for first, second in pairs:
        shape = first.shape[:2]
        spectrum = np.conj(_edges(first)) * _edges(second)
        spectrum /= np.maximum(np.abs(spectrum), 1e-9)
        total = spectrum if total is None else total + spectrum
    if total is None:
        return Shift(0.0, 0.0, 0.0)
    surface = np.fft.irfft2(total * _weights(*shape), shape)
    down, right = (int(place) for place in np.unravel_index(int(surface.argmax()), shape))
    spread = float(surface.std())
    peak = float(surface[down, right] - surface.mean()) / spread if spread else 0.0
    return Shift(_place(surface[down, :], right), _place(surface[:, right], down), peak)


def _edges(pixels: Pixels) -> NDArray[np.complex128]:
    """Spectrum of the gradient magnitude, faded out towards the rim so that it does not wrap around."""
    low, high = range_of(pixels.dtype)
    colour = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1]
    gray = (with_channels(np.ascontiguousarray(colour), 1)[..., 0].astype(np.float64) - low) / (high - low)
    down, right = np.gradient(gray)
    magnitude = np.hypot(down, right)
    window = np.hanning(gray.shape[0])[:, None] * np.hanning(gray.shape[1])
    return np.fft.rfft2((magnitude - magnitude.mean()) * window)


def _weights(height: int, width: int) -> NDArray[np.float64]:
    down, right = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    weights: NDArray[np.float64] = np.exp(-(down**2 + right**2) / (2 * SMOOTHING**2))
    return weights


def _place(line: NDArray[np.float64], peak: int) -> float:
    """The peak of a periodic line to a fraction of a pixel, between minus half its length and half."""
    length = len(line)
    before, at, after = line[peak - 1], line[peak], line[(peak + 1) % length]
    bend = before - 2 * at + after
    place = peak + (0.5 * (before - after) / bend if bend else 0.0)
    return float(place - length if place > length / 2 else place)
