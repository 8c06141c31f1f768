import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from i2i import images
from i2i.plugins import Plugins

sys.path.insert(0, str(Path(__file__).parent))  # worker processes import `odd_preparers` by its name
Photos = Callable[..., Path]


@pytest.fixture(autouse=True)
def odd_preparers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preparers of `odd_preparers`, alone in the catalogue."""
    from odd_preparers import Plugin

    plugins = Plugins()
    plugins.register(Plugin(), "odd")
    monkeypatch.setattr("i2i.plugins.installed", lambda group: plugins)


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    """Makes a folder of pictures of 24x20 px, all different."""

    def make(count: int, folder: str = "photos", suffix: str = ".png") -> Path:
        (tmp_path / folder).mkdir(exist_ok=True)
        for seed in range(count):
            pixels = np.random.default_rng(seed).integers(0, 100, (20, 24, 3)).astype(np.uint8)
            images.write(tmp_path / folder / f"{seed:03}{suffix}", pixels)
        return tmp_path / folder

    return make


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with its checksum."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def tree() -> Callable[[Path], dict[str, str]]:
    return contents
