"""From files in their own numbers, through training, to results in their own numbers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from skimage.color import rgb2lab

import i2i
from i2i import images
from i2i.errors import DataError
from i2i.fields import Column, Field
from i2i.translation import ranges

Cli = Callable[..., tuple[int, str, str]]

SMALL = ["--plugin", "pix2pix", "--size", "16", "--workers", "0", "--steps", "3", "--device", "cpu", "--quiet"]
SMALL += ["--set", "generator.depth=2", "--set", "generator.base_channels=4", "--set", "discriminator.layers=1"]
SMALL += ["--set", "training.threads=1", "--set", "data.resize=keep", "--set", "validation.images=1"]

HEIGHTS = (-400.0, 8900.0)


def smooth(seed: int, channels: int) -> NDArray[np.float64]:
    """Soft blobs in 0..1, (24, 24, channels)."""
    coarse = np.random.default_rng(seed).uniform(0, 1, (3, 3, channels)).astype(np.float32)
    return cv2.resize(coarse, (24, 24)).reshape(24, 24, channels).clip(0, 1).astype(np.float64)


def write_numbers(root: Path) -> Path:
    """12 bits of gray in 16 -> five bands of metres as float TIFF."""
    for seed, split in enumerate(("train", "train", "train", "val")):
        for field in ("imageA", "imageB"):
            (root / split / field).mkdir(parents=True, exist_ok=True)
        gray = (smooth(seed, 1) * 4095).astype(np.uint16)
        images.write(root / split / "imageA" / f"{seed}.png", gray)
        bands = HEIGHTS[0] + smooth(seed + 9, 5) * (HEIGHTS[1] - HEIGHTS[0])
        path = root / split / "imageB" / f"{seed}.tif"
        tifffile.imwrite(path, bands.astype(np.float32), photometric="minisblack", planarconfig="contig")
    return root


def test_sixteen_bits_of_gray_become_five_bands_of_metres(run_cli: Cli, tmp_path: Path) -> None:
    data, run, out = write_numbers(tmp_path / "data"), tmp_path / "run", tmp_path / "out"
    ranges = ["--set", "dataset.source_range=[0, 4095]", "--set", f"dataset.target_range={list(HEIGHTS)}"]
    code, _, err = run_cli("train", "--data", data, "--out", run, *SMALL, *ranges)
    assert code == 0, err
    assert sorted(path.name for path in (run / "samples").glob("*.png")) == ["step-000000000.png", "step-000000003.png"]
    config = json.loads((run / "model" / "config.json").read_text())
    assert config["fields"]["source"]["columns"] == [{"name": "imageA", "channels": 1, "range": [0, 4095]}]
    assert (config["fields"]["target"]["channels"], config["fields"]["target"]["columns"][0]["range"]) == (
        5,
        list(HEIGHTS),
    )

    source = data / "val" / "imageA"
    code, _, err = run_cli("translate", run, source, "--out", out, "--device", "cpu")
    assert code == 0, err
    bands = tifffile.imread(out / "3.tif")
    assert (bands.shape, bands.dtype) == ((24, 24, 5), np.float32)
    assert HEIGHTS[0] <= bands.min() < bands.max() <= HEIGHTS[1]
    assert bands.max() > 1
    run_cli("translate", run, source, "--out", out, "--device", "cpu", "--format", "npy")
    np.testing.assert_array_equal(np.load(out / "3.npy"), bands)

    numbers = images.read(source / "3.png").pixels
    again = i2i.Translator.load(run, device="cpu")(numbers.astype(np.int32))
    np.testing.assert_array_equal(again, bands)
    with pytest.raises(DataError, match="from 5000 to 5000, the declared range is 0 to 4095"):
        i2i.Translator.load(run, device="cpu")(np.full((16, 16), 5000))
    bright = tmp_path / "bright.png"
    images.write(bright, np.full((16, 16, 1), 60_000, np.uint16))
    code, _, err = run_cli("translate", run, bright, "--out", out)
    assert code == 65
    assert re.search("bright.png.*60000", err)


def test_several_inputs_are_translated_from_a_folder_each(run_cli: Cli, tmp_path: Path) -> None:
    data, run, out = tmp_path / "data", tmp_path / "run", tmp_path / "out"
    for name, channels in (("photo", 3), ("height", 1), ("day", 3)):
        for seed in range(2):
            (data / "train" / name).mkdir(parents=True, exist_ok=True)
            values = smooth(seed + channels, channels)
            if name == "height":
                np.save(data / "train" / name / f"{seed}.npy", values * 100)
            else:
                images.write(data / "train" / name / f"{seed}.png", np.rint(values * 255).astype(np.uint8))
    columns = ["--set", "dataset.source=[photo, height]", "--set", "dataset.target=[day]"]
    columns += ["--set", "dataset.source_range=[null, [0, 100]]"]
    code, _, err = run_cli("train", "--data", data, "--out", run, *SMALL, *columns)
    assert code == 0, err

    images.write(data / "train" / "photo" / "lonely.png", np.zeros((16, 16, 3), np.uint8))
    code, _, err = run_cli("translate", run, data / "train", "--out", out, "--device", "cpu")
    assert code == 65
    assert "'lonely' has no partner in height" in err
    assert sorted(path.name for path in out.glob("*.png")) == ["0.png", "1.png"]
    translator = i2i.Translator.load(run, device="cpu")
    photo = images.read(data / "train" / "photo" / "1.png").pixels
    height = np.load(data / "train" / "height" / "1.npy")
    np.testing.assert_array_equal(translator(photo, height), images.read(out / "1.png").pixels)
    in_range = np.dstack([photo.astype(np.float32) / 127.5 - 1, height.astype(np.float32)])
    np.testing.assert_array_equal(translator(in_range), images.read(out / "1.png").pixels)
    with pytest.raises(DataError, match="photo is 24x24, height is 24x20"):
        translator(photo, height[:20])
    with pytest.raises(DataError, match=r"has 3 channels, the model takes 4: photo \(3\) and height \(1\)"):
        translator(photo)
    assert run_cli("translate", run, data / "train" / "photo", "--out", out)[0] == 65


def test_a_model_that_colours_keeps_the_lightness_and_gives_rgb(run_cli: Cli, tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    for seed in range(2):
        colours = np.rint(smooth(seed, 3) * 150 + 50).astype(np.uint8)
        for field, image in (("imageA", images.with_channels(colours, 1)), ("imageB", colours)):
            (data / "train" / field).mkdir(parents=True, exist_ok=True)
            images.write(data / "train" / field / f"{seed}.png", image)
    code, _, err = run_cli("train", "--data", data, "--out", run, *SMALL, "--set", "dataset.colours=lab")
    assert code == 0, err
    grid = images.read(max((run / "samples").glob("*.png"))).pixels
    assert (grid.max(axis=2) > grid.min(axis=2)).any()  # colours are shown as such, not ab as gray
    translator = i2i.Translator.load(run, device="cpu")
    assert [field.channels for field in translator.config.fields.values()] == [1, 2]
    for dtype in (np.uint8, np.uint16):
        gray: NDArray[Any] = np.rint((smooth(5, 1) * 0.6 + 0.2) * np.iinfo(dtype).max).astype(dtype)
        coloured = translator(gray)
        assert (coloured.shape, coloured.dtype) == ((24, 24, 3), dtype)
        assert (coloured.max(axis=2) > coloured.min(axis=2)).any()
        expected = rgb2lab(np.repeat(gray, 3, axis=2) / np.iinfo(dtype).max)[..., 0]
        found = rgb2lab(coloured / np.iinfo(dtype).max)[..., 0]
        np.testing.assert_allclose(found, expected, atol=1)


def field(*columns: Column) -> Field:
    return Field(channels=sum(c.channels for c in columns), dtype="float32", columns=columns)


def test_each_column_of_a_result_has_its_own_range() -> None:
    two = field(Column(name="a", channels=1, range=(0, 10)), Column(name="b", channels=2, range=(100, 300)))
    result = ranges.from_network(np.zeros((1, 1, 3), np.float32), two)
    assert result.ravel().tolist() == [5, 200, 200]


def test_one_file_for_columns_of_different_ranges_is_refused() -> None:
    two = field(Column(name="a", channels=1, range=(0, 10)), Column(name="b", channels=2))
    with pytest.raises(DataError, match="Give a folder for each of a, b"):
        ranges.read([Path("x.npy")], two)
