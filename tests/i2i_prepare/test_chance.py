"""Random numbers follow from the seed and from what is in the image."""

import numpy as np

from i2i.pairs import Pixels
from i2i_prepare import chance


def draw(seed: int, *images: Pixels) -> list[float]:
    numbers: list[float] = chance.generator(seed, *images).random(4).tolist()
    return numbers


def test_the_same_image_and_seed_draw_the_same() -> None:
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert draw(3, image) == draw(3, image.copy()) == draw(3, np.asfortranarray(image))


def test_another_seed_value_shape_or_dtype_draws_other_numbers() -> None:
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    other = image.copy()
    other[3, 4, 2] ^= 1
    zeros = np.zeros((2, 6, 2), np.uint8)
    drawn = [draw(0, image), draw(1, image), draw(0, other), draw(0, image.reshape(5, 4, 3)), draw(0, image, image)]
    drawn += [draw(0, zeros), draw(0, zeros.view(np.uint16)), draw(0)]
    assert len({tuple(numbers) for numbers in drawn}) == len(drawn)
