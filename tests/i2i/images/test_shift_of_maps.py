import numpy as np
import pytest
from tile_maps import two_maps

from i2i.images.colour import Gray, luma
from i2i.images.shift import shift_between

MAPS = two_maps(512, seed=3)
AERIAL, DRAWN = map(luma, MAPS)
MARGIN = 32


def sample(right: int, down: int, turned: bool = False) -> list[tuple[Gray, Gray]]:
    """Pairs of 64 px of which the second is shifted."""
    drawn = DRAWN[::-1] if turned else DRAWN
    pairs = []
    for top in range(MARGIN, 512 - 64 - MARGIN, 96):
        for left in range(MARGIN, 512 - 64 - MARGIN, 96):
            moved = drawn[top - down : top - down + 64, left - right : left - right + 64]
            pairs.append((AERIAL[top : top + 64, left : left + 64], moved))
    return pairs


@pytest.mark.parametrize(("right", "down"), [(0, 0), (1, 0), (3, -2), (-7, 5), (0, 12)])
def test_a_planted_shift_is_found_between_unrelated_colours(right: int, down: int) -> None:
    shift = shift_between(sample(right, down))
    assert shift.clear
    assert (shift.right, shift.down) == pytest.approx((right, down), abs=0.3)


def test_maps_of_different_places_have_no_clear_shift() -> None:
    assert not shift_between(sample(0, 0, turned=True)).clear


def test_blank_maps_have_no_clear_shift() -> None:
    blank = np.zeros((64, 64), np.float32)
    assert not shift_between([(blank, blank)]).clear
    assert not shift_between([]).clear


def test_depth_and_channels_do_not_matter() -> None:
    aerial, drawn = (pixels[64:320, 64:320] for pixels in MAPS)
    deep = luma(np.uint16(257) * aerial), luma(np.ascontiguousarray(drawn[..., :1]))
    shift = shift_between([(deep[0][4:, 2:], deep[1][:-4, :-2])])
    assert shift.clear
    assert (shift.right, shift.down) == pytest.approx((2, 4), abs=0.3)
