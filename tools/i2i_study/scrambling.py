"""Obvious fakes: whoever takes one for real did not look."""

import numpy as np

from i2i.pairs import Pixels

TILES = 8  # a side


def scramble(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Cut an image into tiles, shuffle them, and make every other one negative: obvious in flat images too.

    Args:
        image: (H, W, C) uint8 or uint16.
        rng: Draws where the tiles go.

    Returns:
        The like; what is left over when sides are divided by the number of tiles is cut off.
    """
    height, width, channels = image.shape
    rows, columns = min(TILES, height), min(TILES, width)
    tile = (height // rows, width // columns)
    cut = image[: rows * tile[0], : columns * tile[1]]
    tiles = cut.reshape(rows, tile[0], columns, tile[1], channels).swapaxes(1, 2).reshape(-1, *tile, channels)
    mixed = tiles[rng.permutation(len(tiles))].reshape(rows, columns, *tile, channels)
    odd = np.indices((rows, columns)).sum(axis=0) % 2 == 1
    mixed[odd] = np.iinfo(image.dtype).max - mixed[odd]
    return mixed.swapaxes(1, 2).reshape(cut.shape)
