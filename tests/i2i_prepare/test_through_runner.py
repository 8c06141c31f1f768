"""The preparers as people run them: folders in, dataset folders out."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

import i2i
from i2i import images
from i2i.data.dataset import Pairs
from i2i.data.tables.ab import looks_in
from i2i.preparation import prepare
from i2i.translation.model import read_config

PHOTOS = {"astronaut": data.astronaut(), "chelsea": data.chelsea(), "coffee": data.coffee()}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, pixels in PHOTOS.items():
        images.write(folder / f"{name}.png", images.resize(pixels, 80, 100))
    return folder


def made(out: Path) -> dict[str, bytes]:
    """Content of every image below a dataset folder."""
    files = [path for path in out.rglob("*") if path.suffix in (".png", ".npy")]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def test_what_is_drawn_at_random_follows_from_the_seed_and_the_content_alone(photos: Path, tmp_path: Path) -> None:
    options = {"size": 32, "method": "strokes", "fill": "noise", "mask_channel": True}
    prepare("inpaint", [photos], tmp_path / "one", options=options, workers=1, val=0, seed=5)
    (photos / "chelsea.png").rename(photos / "zebra.png")  # another order
    prepare("inpaint", [photos], tmp_path / "two", options=options, workers=2, val=0, seed=5)
    prepare("inpaint", [photos], tmp_path / "three", options=options, workers=1, val=0, seed=6)
    one, two, three = (made(tmp_path / out) for out in ("one", "two", "three"))
    assert len(one) == 6
    assert sorted(one.values()) == sorted(two.values())
    assert {one[file] for file in one if "imageA" in file}.isdisjoint(three.values())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_opacity_that_is_kept_is_that_of_a_png_and_a_band_is_not(dtype: type[Any], tmp_path: Path) -> None:
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(0).integers(1, top, (40, 50, 4), dtype)
    cv2.imwrite(str(tmp_path / "cutout.png"), pixels[..., [2, 1, 0, 3]])
    for alpha in ("keep", "band"):
        options = {"multiple": 10, "alpha": alpha}
        report = prepare("resize", [tmp_path / "cutout.png"], tmp_path / alpha, options=options, workers=1)
        assert report.rows[0].outputs[0].channels == 4
    file = tmp_path / "keep" / "images" / "cutout.png"
    with Image.open(file) as opened:
        assert opened.mode == "RGBA"
    kept = images.read(file, reading="alpha").pixels
    assert kept.dtype == dtype
    opaque = pixels[..., 3] > top // 2  # faint colours have few values left
    np.testing.assert_array_equal(kept[opaque], pixels[opaque])
    assert images.read(file).pixels.shape == (40, 50, 3)  # laid on white, as training sees it
    np.testing.assert_array_equal(np.load(tmp_path / "band" / "images" / "cutout.npy"), pixels)


def test_mask_takes_transparency_or_a_second_folder(photos: Path, tmp_path: Path) -> None:
    opacity = np.zeros((80, 100, 1), np.uint8)
    opacity[20:60, 30:70] = 255
    for folder in ("cutouts", "mattes"):
        (tmp_path / folder).mkdir()
    for name in PHOTOS:
        pixels = images.read(photos / f"{name}.png").pixels
        Image.fromarray(np.dstack([pixels, opacity])).save(tmp_path / "cutouts" / f"{name}.png")
        images.write(tmp_path / "mattes" / f"{name}.png", opacity)
    options = {"size": 64}
    prepare("mask", [tmp_path / "cutouts"], tmp_path / "one", options=options, workers=1, val=0)
    prepare("mask", [photos, tmp_path / "mattes"], tmp_path / "two", options=options, workers=1, val=0)
    assert len(made(tmp_path / "one")) == 6
    assert made(tmp_path / "one") == made(tmp_path / "two")
    report = prepare("mask", [photos], tmp_path / "three", options=options, workers=1, val=0)
    assert (report.made, sum(map(len, report.rejected.values()))) == (0, 3)


def test_palette_indices_are_ids(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    ids = np.zeros((80, 100), np.uint8)
    ids[:40] = 2
    stored = Image.new("P", (100, 80))
    stored.putdata(ids.ravel().tolist())
    stored.putpalette([1, 2, 3, 40, 50, 60, 200, 100, 0])
    stored.save(tmp_path / "maps" / "coffee.png")
    for name in ("astronaut", "chelsea"):
        (photos / f"{name}.png").unlink()
    (tmp_path / "labels.csv").write_text("id,name,colour\n0,ground,#0000ff\n2,sky,#00ff00\n")
    options = {"labels": str(tmp_path / "labels.csv"), "size": 80}
    prepare("labels", [tmp_path / "maps", photos], tmp_path / "out", options=options, workers=1, val=0)
    source = images.read(tmp_path / "out" / "train" / "imageA" / "coffee.png").pixels
    assert (source[:40] == (0, 255, 0)).all()
    assert (source[40:] == (0, 0, 255)).all()


def test_class_ids_are_read_as_ids_by_what_the_set_knows_of_its_classes(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    for file in photos.iterdir():
        ids = np.full_like(images.read(file).pixels[..., :1], 2)
        ids[:9] = 255
        images.write(tmp_path / "maps" / f"{file.stem}.png", ids)
    (tmp_path / "labels.csv").write_text("id,name\n0,ground\n2,sky\n")
    options = {"labels": str(tmp_path / "labels.csv"), "size": 64, "encoding": "ids", "ignore": 255}
    prepare("labels", [tmp_path / "maps", photos], tmp_path / "out", options=options, workers=1, val=0)
    pairs = Pairs(tmp_path / "out", "train")
    source = pairs.fields["source"]
    assert (source.kind, source.channels, source.void) == ("ids", 3, 255)
    assert np.unique(pairs.pair(0).source).tolist() == [2, 255]
    prepare("split", [tmp_path / "out"], tmp_path / "again", workers=1, val=0)
    assert Pairs(tmp_path / "again", "train").fields["source"].kind == "ids"


def test_colorize_stores_the_lightness_that_training_in_lab_sees(photos: Path, tmp_path: Path) -> None:
    prepare("colorize", [photos], tmp_path / "out", options={"size": 64}, workers=1, val=0)
    seen, stored = (Pairs(tmp_path / "out", "train", colours=colours) for colours in ("lab", "rgb"))
    assert len(seen) == 3
    for index in range(3):
        lab, rgb = seen.pair(index), stored.pair(index)
        assert (lab.source.shape, lab.target.shape) == ((64, 64, 1), (64, 64, 2))
        np.testing.assert_allclose(lab.source, rgb.source / 127.5 - 1, atol=0.5 / 127.5 + 1e-4)


def test_gray_photographs_are_counted_as_skipped_not_as_rejected(photos: Path, tmp_path: Path) -> None:
    images.write(photos / "camera.png", data.camera()[:80, :100, None].repeat(3, axis=2))
    for name in ("colorize", "grayscale"):
        report = prepare(name, [photos], tmp_path / name, options={"size": 64}, workers=1, val=0)
        assert (report.made, report.skipped, report.rejected) == (3, {"gray": 1}, {})


def test_a_folder_of_images_has_no_splits_to_keep(photos: Path, tmp_path: Path) -> None:
    for picture, split in (("astronaut", "train"), ("chelsea", "test")):
        (tmp_path / "in" / split).mkdir(parents=True)
        (photos / f"{picture}.png").rename(tmp_path / "in" / split / f"{picture}.png")
    report = prepare("resize", [tmp_path / "in"], tmp_path / "out", options={"width": 50}, workers=1)
    assert made(tmp_path / "out").keys() == {"images/train__astronaut.png", "images/test__chelsea.png"}
    assert not report.remarks


def test_a_model_of_edges_remembers_what_they_look_like(photos: Path, tmp_path: Path) -> None:
    prepare("edges", [photos], tmp_path / "pairs", options={"size": 32, "method": "canny"}, workers=1, val=0)
    assert looks_in(str(tmp_path / "pairs")) == {"imageA": "edges"}
    small = {"generator": {"depth": 2, "base_channels": 2}, "discriminator": {"layers": 1, "base_channels": 2}}
    run: dict[str, Any] = {"size": 32, "steps": 1, "workers": 0, "device": "cpu", "set": small}
    i2i.train("pix2pix", tmp_path / "pairs", tmp_path / "run", **run)
    looks = read_config(tmp_path / "run" / "model-last").looks
    assert {field: look.name for field, look in looks.items()} == {"source": "edges"}
    assert looks["source"].options["dark"]
    assert looks["source"].options["stroke"][1] == pytest.approx(1, abs=0.3)
