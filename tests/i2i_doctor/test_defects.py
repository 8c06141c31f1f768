"""Every defect that is planted into a sound dataset is found, by name, and nothing else is."""

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sound_pairs import SIDE, TRAIN, VAL, examined, found, negative, picture, write

from i2i import images
from i2i.data.dataset import open_pairs
from i2i.errors import I2iError
from i2i.pairs import Pixels

Plant = Callable[[Path], None]
ORIENTATION = 0x0112
"""The EXIF tag."""


def lonely(root: Path) -> None:
    (root / "train/imageB/t0.png").rename(root / "train/imageB/t_0.png")


def twice(root: Path) -> None:
    images.write(root / "train/imageA/t0.jpg", picture(0))


def cut_off(root: Path) -> None:
    file = root / "train/imageA/t0.png"
    file.write_bytes(file.read_bytes()[:900])


def web_page(root: Path) -> None:
    (root / "train/imageA/t0.png").write_text("<html>not found</html>")


def unread_val(root: Path) -> None:
    shutil.rmtree(root / "val")


def no_train(root: Path) -> None:
    (root / "train").rename(root / "extra")


def leaked(root: Path) -> None:
    write(root, "val", "copy", picture(1), negative(picture(30)))


def resized_leak(root: Path) -> None:
    small = images.resize(picture(1), 40, 40)
    write(root, "val", "copy", small, negative(small))


def half_leak(root: Path) -> None:
    write(root, "val", "copy", images.read(images.encode(picture(1), ".jpg")).pixels, negative(picture(31)))


def repeated(root: Path) -> None:
    write(root, "train", "copy", picture(1), negative(picture(1)))


def recompressed(root: Path) -> None:
    for half in ("imageA", "imageB"):
        pixels = images.read(root / "train" / half / "t1.png").pixels
        images.write(root / "train" / half / "copy.jpg", pixels)


def shifted(root: Path) -> None:
    for seed in range(TRAIN):
        images.write(root / f"train/imageB/t{seed}.png", np.roll(negative(picture(seed)), (3, -2), (0, 1)))


def half_turned(root: Path) -> None:
    """A photograph stored on its side, with the tag that says so, beside what was drawn on it as shown."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # turn by 90 degrees clockwise to show
    stored = np.rot90(picture(0))
    Image.fromarray(stored).save(root / "train/imageA/t0.png", exif=exif)


def changed(change: Callable[[Pixels], Pixels], *halves: str, names: str = "t0") -> Plant:
    """Plants a change into halves of one pair, or of all whose names are like a pattern."""

    def plant(root: Path) -> None:
        for half in halves:
            for file in sorted(root.glob(f"*/{half}/{names}.png")):
                pixels = change(images.read(file).pixels)
                file.unlink()
                images.write(file.with_suffix(images.suffix_for(pixels)), pixels)

    return plant


def every(change: Callable[[Pixels], Pixels]) -> Plant:
    return changed(change, "imageA", names="*")


def in_16_bits(pixels: Pixels, factor: int = 1, offset: int = 0) -> Pixels:
    wide: Pixels = pixels.astype(np.uint16) * np.uint16(factor) + np.uint16(offset)
    return wide


def prepared(name: str, *files: tuple[str, str], group: str = "") -> str:
    """A line of a report on a pair, of files and their checksums."""
    about = {"bytes": 1, "height": SIDE, "width": SIDE, "channels": 3, "dtype": "uint8"}
    outputs = [{"file": file, "sha256": digest, **about} for file, digest in files]
    return json.dumps({"name": name, "status": "made", "split": "train", "group": group, "outputs": outputs})


def flipped_bit(root: Path) -> None:
    file = root / "train/imageB/t0.png"
    line = prepared("t0.png", ("imageB/t0.png", hashlib.sha256(file.read_bytes()).hexdigest()))
    (root / "report.jsonl").write_text(line)
    images.write(file, negative(picture(0)) ^ np.uint8(1))


def lost(root: Path) -> None:
    (root / "report.jsonl").write_text(prepared("gone.png", ("imageB/gone.png", "")))


DEFECTS: Mapping[str, tuple[Plant, str, str, str]] = {
    "no-partner": (lonely, "error", "2 ", "Did you mean 't_0'?"),
    "same-name": (twice, "error", "1 ", "t0.jpg"),
    "truncated": (cut_off, "error", "1 image", "train/t0, imageA"),
    "not-an-image": (web_page, "error", "1 image", "web page"),
    "no-val": (unread_val, "warning", "'val'", ""),
    "no-train": (no_train, "error", "'train'", "extra"),
    "leak": (leaked, "error", "2 images in 1 group", "imageA of train/t1, val/copy"),
    "near-leak": (resized_leak, "error", "look the same", "imageA of train/t1, val/copy"),
    "half-leak": (half_leak, "warning", "look the same", "imageA of train/t1, val/copy"),
    "duplicates": (repeated, "warning", "4 images in 2 groups", "imageB of train/copy, train/t1"),
    "near-duplicates": (recompressed, "note", "4 images in 2 groups", "imageB of train/copy, train/t1"),
    "shifted": (shifted, "warning", "2.0 px left and 3", "train/t0"),
    "pair-shifted": (changed(lambda p: np.roll(p, (9, 7), (0, 1)), "imageB"), "warning", "1 pair", "train/t0: target"),
    "half-turned": (half_turned, "warning", "1 pair", "train/t0: only imageA"),
    "blank": (changed(lambda p: np.full_like(p, 7), "imageA"), "warning", "1 image of imageA", "train/t0"),
    "zero-one": (changed(lambda p: (p > 99).astype(np.uint8), "imageB"), "warning", "1 image of imageB", "train/t0"),
    "dark": (every(lambda p: p // 8), "warning", "above 31", "train/"),
    "mixed-types": (changed(lambda p: in_16_bits(p, 257), "imageA"), "warning", "10 uint8, 1 uint16", "train/t0"),
    "8-bits-in-16": (every(in_16_bits), "warning", "11 images of imageA", "train/t0"),
    "low-bits-in-16": (every(lambda p: in_16_bits(p, 16, 7)), "warning", "12 bits in 16", "train/t0"),
    "widened": (every(lambda p: in_16_bits(p, 257)), "note", "multiple of 257", "train/t0"),
    "half-range": (every(lambda p: (p / 255).astype(np.float32)), "warning", "below 0", "train/t0"),
    "unequal-sizes": (changed(lambda p: images.resize(p, 64, 72), "imageA"), "warning", "1 pair", "72x64 and 72x72"),
    "odd-sizes": (
        changed(lambda p: images.resize(p, 80, 80), "imageA", "imageB"),
        "note",
        "not 72x72",
        "train/t0, 80x80",
    ),
    "not-square": (changed(lambda p: images.resize(p, 64, 72), "imageA"), "note", "1 image of imageA", "72x64"),
    "tiny": (changed(lambda p: p[:8, :8], "imageA", "imageB"), "warning", "less than 16 pixels", "8x8"),
    "gray-among-colour": (changed(lambda p: p[..., :1], "imageB"), "note", "1 image of imageB", "train/t0"),
    "channels": (
        every(lambda p: np.dstack([p, p])[..., : 4 + int(p[0, 0, 0]) % 2]),
        "error",
        "differ in their channels",
        "t",
    ),
    "lost-file": (lost, "error", "1 files that", "train/imageB/gone.png"),
    "damaged-file": (flipped_bit, "error", "1 files are not as", "train/imageB/t0.png"),
}

STOPS = {
    "no-partner": "'t0' has no partner in imageB. Did you mean 't_0'?",
    "same-name": "'t0.jpg' and 't0.png' have the same name. Rename one.",
    "truncated": "t0.png' is cut off. Copy or download it again.",
    "not-an-image": "t0.png' is a web page, perhaps that of a failed download. Download the image again.",
}
"""Errors on which training stops at its first pair, which is a second error: what it says."""

COMPANIONS = {
    "unequal-sizes": {"not-square", "odd-sizes"},
    "not-square": {"unequal-sizes", "odd-sizes"},
    "tiny": {"odd-sizes", "small-for-generator"},
    "near-leak": {"odd-sizes"},
    "no-train": {"other-split"},
    "half-leak": {"pair-shifted"},  # the halves of the planted pair have nothing to do with each other
    "mixed-types": {"widened"},
    "half-turned": {"as-read"},
}


@pytest.mark.parametrize("code", DEFECTS)
def test_planted_defect_is_found_by_name_and_nothing_else_is(dataset: Path, code: str) -> None:
    plant, severity, said, named = DEFECTS[code]
    plant(dataset)
    codes = found(dataset)
    assert codes[code].startswith(severity)
    assert said in codes[code]
    assert named in codes[code]
    assert codes.keys() - {code} <= COMPANIONS.get(code, set()) | ({"training-stops"} if code in STOPS else set())


@pytest.mark.parametrize("code", STOPS)
def test_training_stops_is_what_training_says(dataset: Path, code: str) -> None:
    DEFECTS[code][0](dataset)
    with pytest.raises(I2iError) as stop:
        open_pairs(dataset, "train")[0]
    assert STOPS[code] in str(stop.value)
    assert found(dataset)["training-stops"] == f"error 1 `i2i train` would stop at the split 'train': {stop.value} "


@pytest.mark.parametrize(("groups", "noted"), [(("clip", "clip"), False), (("clip", "other"), True), (("", ""), True)])
@pytest.mark.parametrize("folder", ["image{}/", ""])
def test_pairs_of_one_group_are_alike_by_nature(
    dataset: Path, groups: tuple[str, str], noted: bool, folder: str
) -> None:
    recompressed(dataset)
    if not folder:
        for split in ("train", "val"):
            as_ab(dataset / split)
    lines = []
    for group, name in zip(groups, ("t1.png", "copy.jpg"), strict=True):
        files = {(folder.format(half) + name, "") for half in "AB"}
        lines.append(prepared(name, *files, group=group))
    (dataset / "report.jsonl").write_text("\n".join(lines))
    assert ("near-duplicates" in found(dataset, quick=True)) == noted


def as_ab(split: Path) -> None:
    """Both images of each pair in one file."""
    for file in sorted((split / "imageA").iterdir()):
        halves = [images.read(split / half / file.name).pixels for half in ("imageA", "imageB")]
        images.write(split / file.name, np.hstack(halves))
    for half in ("imageA", "imageB"):
        shutil.rmtree(split / half)


def test_a_split_that_training_does_not_see_is_a_warning_and_a_bad_line_counts_once(tmp_path: Path) -> None:
    rows = []
    for number, split in enumerate(("train", "val", "extra", None)):
        images.write(tmp_path / f"a{number}.png", picture(number))
        images.write(tmp_path / f"b{number}.png", negative(picture(number)))
        rows.append(json.dumps({"source": f"a{number}.png", "target": f"b{number}.png", "split": split}))
    (tmp_path / "manifest.jsonl").write_text("\n".join(rows))
    codes = found(tmp_path)
    assert codes["other-split"].startswith("warning 1 Training does not see the 1 pair of the split 'extra'")
    assert codes["bad-row"].startswith("error 1 ")


def test_a_decoder_that_dies_is_an_error_about_its_image(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("i2i_doctor.walk.reader_of", build_deadly)
    examination = examined(dataset, workers=1)
    (crashed,) = [diagnosis for diagnosis in examination.diagnoses if diagnosis.code == "crashed"]
    assert crashed.severity == "error"
    assert [example.text.split(":")[0] for example in crashed.examples] == ["train/t3"]
    assert examination.known.looked_at == TRAIN + VAL


def build_deadly(*arguments: Any) -> Callable[[Any], Any]:
    """As `i2i_doctor.walk.reader_of`, on a decoder that one image kills."""
    from i2i_doctor import walk

    work = walk.reader_of(*arguments)

    def deadly(task: Any) -> Any:
        if task.pair == 3:
            os.kill(os.getpid(), signal.SIGSEGV)
        return work(task)

    return deadly
