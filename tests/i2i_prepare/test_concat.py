"""Two folders become pairs that are what the files were."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from i2i import images
from i2i.errors import DataError
from i2i.pairs import Pixels
from i2i.preparation import prepare
from i2i_prepare.concat import Concat


def ramp(height: int, width: int, channels: int, dtype: str = "uint8") -> Pixels:
    top = 1.0 if dtype == "float32" else float(np.iinfo(dtype).max)
    return np.linspace(0, top, height * width * channels).reshape(height, width, channels).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pair_is_what_was_given(dtype: str) -> None:
    source, target = ramp(6, 9, 1, "uint8"), ramp(6, 9, 5, dtype)
    pair = Concat()(source, target)
    np.testing.assert_array_equal(pair.source, source)
    np.testing.assert_array_equal(pair.target, target)
    assert pair.target.dtype == dtype


def test_different_sizes_are_refused_unless_a_size_is_asked_for() -> None:
    with pytest.raises(DataError, match="The source is 9x6 and its target 12x8"):
        Concat()(ramp(6, 9, 3), ramp(8, 12, 3))
    pair = Concat(size=4)(ramp(6, 9, 3), ramp(8, 12, 3, "uint16"))
    assert pair.source.shape == pair.target.shape == (4, 4, 3)
    assert (pair.source.dtype, pair.target.dtype) == (np.uint8, np.uint16)


@pytest.mark.parametrize(("fit", "corner"), [("crop", 200), ("stretch", 10), ("pad", 255)])
def test_fit_decides_about_the_rim(fit: images.geometry.Fit, corner: int) -> None:
    image = np.full((8, 16, 3), 200, np.uint8)
    image[:, :4] = image[:, -4:] = 10  # what a centred square leaves out
    for half in Concat(size=8, fit=fit)(image, image):
        assert half[0, 0, 0] == corner


def test_depth_survives_the_whole_way_to_a_file_of_both_halves(tmp_path: Path) -> None:
    write: Callable[[str, Pixels], None] = lambda name, pixels: images.write(tmp_path / name, pixels)  # noqa: E731
    for folder in ("labels", "photos"):
        (tmp_path / folder).mkdir()
    label, photo = ramp(16, 20, 1), ramp(16, 20, 3, "uint16")
    write("labels/street 1.png", label)
    write("photos/street 1.png", photo)
    report = prepare(
        "concat", [tmp_path / "labels", tmp_path / "photos"], tmp_path / "out", layout="ab", workers=1, val=0
    )
    assert (report.made, report.rejected) == (1, {})
    whole = images.read(tmp_path / "out" / "train" / "street 1.png").pixels
    np.testing.assert_array_equal(whole[:, :20], label.repeat(3, 2).astype(np.uint16) * 257)
    np.testing.assert_array_equal(whole[:, 20:], photo)
