"""Some of many, from everywhere."""

import numpy as np


def spread(length: int, count: int) -> list[int]:
    """At most ``count`` indices, evenly over ``range(length)``, the first and the last among them.

    Example:
        >>> spread(10, 4), spread(3, 5), spread(0, 5)
        ([0, 3, 6, 9], [0, 1, 2], [])
    """
    return sorted({round(place) for place in np.linspace(0, length - 1, min(count, length))})
