"""Maps that do not lie on each other."""

from pathlib import Path

import numpy as np
import pytest
from tile_maps import AERIAL, DRAWN, PLAIN, find, two_maps, write_plain, write_tree

from i2i.errors import DataError
from i2i_tiles.tiles import Tiles


@pytest.mark.parametrize("shift", [2, -3])
def test_a_shift_of_a_few_pixels_is_a_warning(shift: int, tmp_path: Path) -> None:
    files = write_plain(tmp_path, AERIAL, np.roll(DRAWN, shift, axis=1))
    finding = find(Tiles(**PLAIN), *files)
    (remark,) = finding.remarks
    assert ("to the right" if shift > 0 else "to the left") in remark
    assert finding.facts["shift_of_b"]["right"] == pytest.approx(shift, abs=0.3)


def test_a_large_shift_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    files = write_plain(tmp_path, AERIAL, np.roll(DRAWN, 9, axis=0))
    with pytest.raises(DataError, match=r"(8\.9|9\.\d) pixels beside A.*(8\.9|9\.\d) down"):
        find(Tiles(**PLAIN), *files)
    forced = find(Tiles(**PLAIN, force=True), *files)
    assert forced.items
    assert "beside A" in forced.remarks[0]


def test_rows_in_the_wrong_order_are_recognised(tmp_path: Path) -> None:
    a, b = write_tree(tmp_path / "a", AERIAL), write_tree(tmp_path / "b", DRAWN, tms=True)
    with pytest.raises(DataError, match="--scheme-b"):
        find(Tiles(), a, b)


def test_maps_of_different_places_are_a_warning(tmp_path: Path) -> None:
    finding = find(Tiles(**PLAIN), *write_plain(tmp_path, AERIAL, two_maps(seed=9)[1]))
    assert "look at some pairs" in finding.remarks[0]
    assert not finding.facts["shift_of_b"]["clear"]
