"""The gallery of a card, and what it says of the results: as the model's users would see them."""

import re
from pathlib import Path

import numpy as np
from bench import Bench

import i2i
from i2i import images
from i2i.data import lab

SMALL = ["--plugin", "pix2pix", "--size", 16, "--steps", 1, "--quiet", "--set", "generator.depth=2"]
SMALL += ["--set", "generator.base_channels=2", "--set", "discriminator.base_channels=2"]
SMALL += ["--set", "discriminator.layers=1", "--set", "data.resize=keep"]


def trained(bench: Bench, folder: Path, *options: object) -> Path:
    """A run on the pairs in ``folder / "pairs"``."""
    outcome = bench("train", "--data", folder / "pairs", "--out", folder / "run", *SMALL, *options)
    assert outcome.code == 0, outcome.err
    return folder / "run"


def card_of(bench: Bench, run: Path, folder: Path) -> str:
    """The card of a dry run into an empty folder, of which nothing is missing."""
    outcome = bench("push", run, "ada/x", "--licence", "mit", "--dry-run", folder)
    assert (outcome.code, outcome.err) == (0, "")
    return (folder / "README.md").read_text()


def test_gallery_of_a_model_that_colours_is_gray_its_colours_and_the_photograph(bench: Bench, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    photographs = rng.integers(60, 200, (3, 16, 16, 3), np.uint8)
    for number, split in enumerate(("train", "train", "val")):
        for side in ("imageA", "imageB"):
            path = tmp_path / "pairs" / split / side / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            images.write(path, photographs[number])
    run = trained(bench, tmp_path, "--set", "dataset.colours=lab")
    card = card_of(bench, run, tmp_path / "dry")
    source, output, target = (
        images.read(tmp_path / "dry" / "samples" / f"1-{what}.png").pixels for what in ("source", "output", "target")
    )
    np.testing.assert_array_equal(target, photographs[2])
    lightness = lab.split(photographs[2])[0]
    np.testing.assert_array_equal(source, images.as_rgb(lightness))
    users = i2i.Translator.load(run)(photographs[2])
    np.testing.assert_allclose(output.astype(int), users.astype(int), atol=1)
    assert "# (H, W, 3) uint8\n" in card
    assert f"{users.shape[2]}) {users.dtype}" == "3) uint8"
    assert "The model colours" in card


def test_numbers_in_declared_ranges_have_samples_and_are_said(bench: Bench, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number, split in enumerate(("train", "train", "val")):
        for side in ("imageA", "imageB"):
            (tmp_path / "pairs" / split / side).mkdir(parents=True, exist_ok=True)
        heights = rng.integers(0, 4096, (16, 16, 1)).astype(np.uint16)
        images.write(tmp_path / "pairs" / split / "imageA" / f"{number}.png", heights)
        np.save(tmp_path / "pairs" / split / "imageB" / f"{number}.npy", rng.uniform(-10, 30, (16, 16, 2)))
    ranges = ("--set", "dataset.source_range=[0, 4095]", "--set", "dataset.target_range=[-10, 30]")
    run = trained(bench, tmp_path, *ranges)
    card = card_of(bench, run, tmp_path / "dry")
    read = {what: images.read(tmp_path / "dry" / "samples" / f"1-{what}.png").pixels for what in ("source", "output")}
    gray = np.rint(heights / 4095 * 255)
    np.testing.assert_allclose(read["source"], gray.repeat(3, axis=2), atol=1)
    users = i2i.Translator.load(run)(heights)
    np.testing.assert_allclose(read["output"][..., 0], (users[..., 0] + 10) / 40 * 255, atol=1)
    assert f"# (H, W, {users.shape[2]}) {users.dtype}\n" in card
    assert re.search(r"source `imageA` is numbers from 0 to 4095", card)
    assert re.search(r"target `imageB` is numbers from -10 to 30", card)


def test_usage_of_a_model_of_several_inputs_names_all_of_them(bench: Bench, tmp_path: Path) -> None:
    for split in ("train", "val"):
        for column, channels in (("photo", 3), ("mask", 1), ("day", 3)):
            (tmp_path / "pairs" / split / column).mkdir(parents=True, exist_ok=True)
            images.write(tmp_path / "pairs" / split / column / "0.png", np.full((16, 16, channels), 99, np.uint8))
    run = trained(bench, tmp_path, "--set", "dataset.source=[photo, mask]", "--set", "dataset.target=[day]")
    card = card_of(bench, run, tmp_path / "dry")
    assert 'inputs = [Image.open("photo.png"), Image.open("mask.png")]' in card
    assert "in this order: `photo` (3 channels), `mask` (1 channel)." in card
