"""Real photographs in colour, out of the wheel of scikit-image: no two show the same."""

from skimage import data

from i2i.pairs import Pixels

PHOTOGRAPHS: list[Pixels] = [
    data.astronaut(),
    data.chelsea(),
    data.coffee(),
    data.rocket(),
    data.retina(),
    data.stereo_motorcycle()[0],
]
