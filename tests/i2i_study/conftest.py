from pathlib import Path

import pytest
from small_studies import write_images

from i2i_study.key import Key
from i2i_study.making import make_study
from i2i_study.sessions import Lengths


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Six images that are real, and those of two models under the same names."""
    names = [f"house-{number}.png" for number in range(6)]
    return {what: write_images(tmp_path / what, names, seed) for seed, what in enumerate(("real", "one", "two"))}


@pytest.fixture
def study(folders: dict[str, Path], tmp_path: Path) -> tuple[Path, Key]:
    """Two models, and two raters for each: two trials of practice, four to score, two of attention."""
    out = tmp_path / "study"
    key = make_study(folders["real"], [folders["one"], folders["two"]], out, lengths=Lengths(2, 4, 2), raters=2)
    return out, key
