"""Runs on images that are no pairs, from the command line: what they say, and that they go both ways."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from i2i import images

Cli = Callable[..., tuple[int, str, str]]

NETWORKS = ("generator", "generator_back", "discriminator", "discriminator_back")
SMALL = [
    *(word for part in NETWORKS[:2] for word in ("--set", f"{part}.blocks=1", "--set", f"{part}.base_channels=2")),
    *(word for part in NETWORKS[2:] for word in ("--set", f"{part}.layers=1", "--set", f"{part}.base_channels=2")),
    *("--size", 16, "--steps", 1, "--workers", 0),
]


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """Three horses and two zebras, and one of each that is held out."""
    rng = np.random.default_rng(0)
    for folder, count in {"trainA": 3, "trainB": 2, "valA": 1, "valB": 1}.items():
        (tmp_path / "zoo" / folder).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (20, 24, 3), np.uint8)
            images.write(tmp_path / "zoo" / folder / f"{folder} {number}.png", pixels)
    return tmp_path / "zoo"


def test_run_says_that_its_images_are_no_pairs_and_translates_both_ways(
    zoo: Path, tmp_path: Path, run_cli: Cli
) -> None:
    run = tmp_path / "run"
    code, out, err = run_cli("train", "--plugin", "cyclegan", "--data", zoo, "--out", run, *SMALL)
    assert (code, err) == (0, "")
    words = " ".join(out.split())
    assert "data 3 training items, layout unpaired: trainA (3), trainB (2), A -> B; B -> A cache" in words
    assert "images 3 -> 3 channels, 16 px" in words
    assert "measured nothing model the last one: " in words
    for to in ("target", "source", "A", "B"):
        code, _, err = run_cli("translate", run, zoo / "valA", "--to", to, "--out", tmp_path / to)
        assert code == 0, err
    made = {to: images.read(next((tmp_path / to).glob("*.png"))).pixels for to in ("target", "source", "A", "B")}
    np.testing.assert_array_equal(made["A"], made["source"])
    np.testing.assert_array_equal(made["B"], made["target"])
    assert not np.array_equal(made["A"], made["B"])
