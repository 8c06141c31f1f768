"""How large images of a dataset may be, and who says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2i import images
from i2i.data.dataset import Pairs
from i2i.data.tables.ab import limit_of
from i2i.errors import DataError
from i2i_doctor.opening import open_as_training
from i2i_prepare.split import Split

REFUSED = r"is 40x40 with 3 channels, 1599 pixels are allowed\. .* allow more: {}=1600\.$"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for side in ("imageA", "imageB"):
        (tmp_path / "train" / side).mkdir(parents=True)
        images.write(tmp_path / "train" / side / "x.png", np.full((40, 40, 3), 7, np.uint8))
    return tmp_path


def test_training_and_the_doctor_have_one_limit_and_name_its_option(dataset: Path) -> None:
    def train(limit: int) -> Any:
        return Pairs(dataset, "train", max_pixels=limit).pair(0).source

    def look(limit: int) -> Any:
        return open_as_training(str(dataset), {"max_pixels": limit}).picture(0, "imageA").pixels

    for read in (train, look):
        with pytest.raises(DataError, match=REFUSED.format(r"--set dataset\.max_pixels")):
            read(1599)
        assert read(1600).shape == (40, 40, 3)


def test_a_half_of_a_file_may_be_as_large_as_an_image(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    images.write(tmp_path / "train" / "x.png", np.full((40, 80, 3), 7, np.uint8))
    assert Pairs(tmp_path, "train", max_pixels=1600).pair(0).source.shape == (40, 40, 3)
    with pytest.raises(DataError, match="80x40"):
        Pairs(tmp_path, "train", max_pixels=1599).pair(0)


def test_dividing_anew_has_the_limit_of_preparing(dataset: Path) -> None:
    (item,) = Split().find([str(dataset)], lambda done, total: None).items
    with pytest.raises(DataError, match=REFUSED.format("--max-pixels")):
        Split(max_pixels=1599).make(item)
    assert Split(max_pixels=1600).make(item).source.shape == (40, 40, 3)


@pytest.mark.parametrize(
    ("card", "said", "pixels"),
    [
        ("", None, images.MAX_PIXELS),
        ("max_pixels: 60000000", None, 60_000_000),
        ("options: {max_pixels: 60000000}\nmax_pixels: null", None, 60_000_000),
        ("max_pixels: 60000000", 1600, 1600),
        ("max_pixels: 9", None, images.MAX_PIXELS),
        ("max_pixels: 99000000000", None, 10 * images.MAX_PIXELS),
        ("max_pixels: many", None, images.MAX_PIXELS),
        ("[not a card", None, images.MAX_PIXELS),
    ],
)
def test_what_a_dataset_was_prepared_with_is_allowed_within_reason(
    card: str, said: int | None, pixels: int, tmp_path: Path
) -> None:
    (tmp_path / "dataset.yaml").write_text(card)
    assert limit_of(str(tmp_path), said).pixels == pixels
