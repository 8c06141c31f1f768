"""Sets of images that are no pairs: nobody looks for partners, everything else is found as ever."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sound_pairs import FITTING, examined, found, picture

from i2i import images
from i2i.errors import UsageError
from i2i_doctor.examination import statistics_of
from i2i_doctor.page import write_page
from i2i_doctor.sheet import sheet_of

Cli = Callable[..., tuple[int, str, str]]
HORSES, ZEBRAS = 5, 3


def put(file: Path, seed: int, side: int = 72) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    images.write(file, cv2.resize(picture(seed), (side, side)))


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """Sound: horses and zebras of different counts, names and sizes, to train on and to validate on."""
    root = tmp_path / "zoo"
    for split, first in (("train", 0), ("val", 50)):
        for number in range(HORSES):
            put(root / f"{split}A" / f"horse {number}.png", first + number)
        for number in range(ZEBRAS):
            put(root / f"{split}B" / f"z{number}.png", first + 20 + number, 96)
    return root


def test_a_sound_set_is_recognised_and_has_nothing_to_complain_of(zoo: Path) -> None:
    examination = examined(zoo)
    assert [diagnosis.code for diagnosis in examination.diagnoses] == []
    assert examination.layout == "unpaired images in trainA and trainB"
    assert (examination.sides, examination.opened.dataset) == (("A", "B"), "unpaired")
    counts = {column: sum(kind["images"] for kind in kinds) for column, kinds in examination.kinds["train"].items()}
    assert counts == {"A": HORSES, "B": ZEBRAS}
    assert [fit.largest for fit in examined(zoo, generators=FITTING).fits] == [72]
    assert examined(zoo, options={"direction": "BtoA"}).sides == ("B", "A")


def test_equal_names_are_pairs_unless_said_otherwise(zoo: Path) -> None:
    for file in (zoo / "trainA").iterdir():
        file.rename(file.with_name(f"z{file.stem[-1]}.png"))
    codes = found(zoo)
    assert codes["no-partner"].startswith("error")
    assert found(zoo, reader="unpaired") == {}
    remedy = next(d.remedy for d in examined(zoo).diagnoses if d.code == "no-partner")
    assert remedy.endswith("say `--use dataset=unpaired`.")


def test_names_that_a_pattern_pairs_are_pairs_that_lack_it(zoo: Path) -> None:
    for number in range(HORSES):
        put(zoo / "trainB" / f"z{number}.png", 20 + number)
    assert "dataset.match=" in found(zoo)["no-partner"]


def test_damage_is_named_by_its_file(zoo: Path) -> None:
    file = zoo / "trainB" / "z1.png"
    file.write_bytes(file.read_bytes()[:200])
    codes = found(zoo)
    assert set(codes) == {"truncated"}
    assert "train/B/z1, B: " in codes["truncated"]


def test_sizes_and_blank_images_are_named_by_their_side(zoo: Path) -> None:
    images.write(zoo / "valA" / "horse 3.png", np.full((72, 72, 3), 9, np.uint8))
    put(zoo / "trainB" / "z0.png", 20, 40)
    codes = found(zoo)
    assert set(codes) == {"blank", "odd-sizes"}
    assert codes["blank"].endswith("val/A/horse 3, 72x72")
    assert codes["odd-sizes"].endswith("train/B/z0, 40x40")


@pytest.mark.parametrize(("noise", "code"), [(0, "leak"), (2, "half-leak")])
def test_copies_on_both_sides_of_a_split_are_found(zoo: Path, noise: int, code: str) -> None:
    copy = picture(20 + 2).astype(int) + np.random.default_rng(0).integers(-noise, noise + 1, (1, 1, 3))
    images.write(zoo / "valB" / "z9.png", cv2.resize(copy.clip(0, 255).astype(np.uint8), (96, 96)))
    codes = found(zoo)
    assert set(codes) == {code}
    assert codes[code].endswith("B of train/B/z2, val/B/z9")


def test_a_set_without_val_is_told_where_to_put_it(zoo: Path) -> None:
    for side in "AB":
        (zoo / f"val{side}").rename(zoo / f"test{side}")
    (diagnosis,) = examined(zoo).diagnoses
    assert (diagnosis.code, "valA and valB" in diagnosis.remedy) == ("no-val", True)


def test_it_is_shown_and_measured(zoo: Path, tmp_path: Path) -> None:
    assert sheet_of(zoo, number=2).names == ["horse 0", "horse 4"]
    figures = statistics_of(zoo, split="train")
    assert {entry["column"]: entry["images"] for entry in figures} == {"A": HORSES, "B": ZEBRAS}
    page = write_page(examined(zoo), tmp_path / "page").read_text()
    assert "unpaired images in trainA and trainB" in page
    assert page.count("data:image/png") == 2 * (HORSES + ZEBRAS)


def test_the_command_line_chooses_what_reads_it(run_cli: Cli, zoo: Path, tmp_path: Path) -> None:
    words: list[Any] = ["data", "check", zoo, "--out", tmp_path / "page", "--workers", 0, "--generator", "unet,depth=3"]
    code, out, _ = run_cli(*words, "--use", "dataset=unpaired")
    assert (code, "0 errors" in out) == (0, True)
    code, _, err = run_cli(*words, "--use", "dataset=pairs")
    assert (code, "must be mended" in err) == (65, True)
    assert run_cli(*words, "--use", "dataset=other")[::2][0] == 2
    assert run_cli(*words, "--use", "generator=unet")[0] == 2
    with pytest.raises(UsageError, match="no option 'match'"):
        examined(zoo, reader="unpaired", options={"match": "x"})
