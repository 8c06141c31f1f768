"""The doctor looks at what training reads, and loads no more than that takes."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from i2i import images
from i2i.errors import UsageError
from i2i.images.label_list import Label
from i2i.pairs import Pixels
from i2i_doctor.examination import examine

GENERATOR = ["unet,depth=3"]
LAB = {"colours": "lab"}


def picture(seed: int) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_NEAREST)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Sound targets; sources of one dark gray, of which one is damaged."""
    for number in range(5):
        split = tmp_path / "pairs" / ("train" if number < 3 else "val")
        for half, pixels in (("imageA", np.full((32, 32, 1), 7, np.uint8)), ("imageB", picture(number))):
            (split / half).mkdir(parents=True, exist_ok=True)
            images.write(split / half / f"n{number}.png", pixels)
    (tmp_path / "pairs/train/imageA/n0.png").write_bytes(b"")
    return tmp_path / "pairs"


def test_sources_that_training_computes_are_not_looked_at(dataset: Path) -> None:
    assert {"empty", "blank", "unequal-sizes"} <= {
        d.code for d in examine(dataset, generators=GENERATOR, workers=0).diagnoses
    }
    examination = examine(dataset, generators=GENERATOR, options=LAB, workers=0)
    assert examination.diagnoses == []
    assert examination.sides == ("the lightness of imageB", "imageB")
    assert [*examination.known.facts] == ["imageB"]
    said = examination.to_dict()
    assert (said["source"], said["target"], said["generators"][0]["images"]) == ([], ["imageB"], 5)


def test_a_copy_of_the_only_image_that_is_read_is_a_copy_of_the_pair(dataset: Path) -> None:
    images.write(dataset / "val/imageB/n4.png", images.read(images.encode(picture(0), ".jpg")).pixels)
    (diagnosis,) = examine(dataset, generators=GENERATOR, options=LAB, workers=0).diagnoses
    assert (diagnosis.code, diagnosis.severity) == ("near-leak", "error")


def test_labels_do_not_go_with_colours_that_are_learned(dataset: Path) -> None:
    with pytest.raises(UsageError, match="colours=lab"):
        examine(dataset, generators=GENERATOR, options=LAB, labels=[Label(0, "sky")], workers=0)


def test_workers_load_no_torch() -> None:
    code = "import sys; from i2i_doctor import examination, walk; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cv2" in done.stdout.split()
    assert "torch" not in done.stdout.split()
