"""What a folder or a file is called neither steers the terminal nor is it taken for markup."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_models import model_folder

from i2i import images

NAME = "\x1b[2J[red]x"
SPELT = r"\x1b[2J[red]x"
SMALL = ["--plugin", "pix2pix", "--size", 16, "--steps", 1, "--workers", 0, "--device", "cpu"]
SMALL += ["--set", "generator.depth=2", "--set", "generator.base_channels=4", "--set", "discriminator.layers=1"]


@pytest.mark.parametrize("command", ["train", "translate", "prepare", "plan", "check", "show"])
def test_names_of_files_are_spelt_out(
    run_cli: Callable[..., tuple[int, str, str]], pairs_folder: Path, tmp_path: Path, command: str
) -> None:
    pairs, photos = tmp_path / NAME, tmp_path / f"photos{NAME}"
    pairs_folder.rename(pairs)
    for side in ("imageA", "imageB"):
        (pairs / "train" / side / "00.png").rename(pairs / "train" / side / f"{NAME}.png")
    photos.mkdir()
    images.write(photos / f"{NAME}.png", np.arange(768, dtype=np.uint8).reshape(16, 16, 3))
    (photos / f"bad{NAME}.png").write_bytes(b"no image")
    arguments = {
        "train": ["train", "--data", pairs, "--out", tmp_path / f"run{NAME}", *SMALL],
        "translate": ["translate", "MODEL", photos, "--out", tmp_path / f"out{NAME}"],
        "prepare": ["prepare", "grayscale", photos, tmp_path / f"made{NAME}", "--workers", 1],
        "plan": ["prepare", "grayscale", photos, tmp_path / f"made{NAME}", "--dry-run"],
        "check": ["data", "check", pairs, "--out", tmp_path / f"page{NAME}"],
        "show": ["data", "show", pairs, "--out", tmp_path / f"sheet{NAME}.png"],
    }[command]
    if command == "translate":
        arguments[1] = model_folder(tmp_path / f"model{NAME}")
    _, out, err = run_cli(*arguments)
    said = (out + err).replace("\n", "")
    assert "\x1b[2J" not in said
    assert SPELT in said, said
