import shutil
from pathlib import Path

import pytest
from sound_pairs import write_sound


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound dataset that no test changes."""
    return write_sound(tmp_path_factory.mktemp("sound") / "pairs")


@pytest.fixture
def dataset(sound: Path, tmp_path: Path) -> Path:
    """A copy of it of the test's own."""
    return Path(shutil.copytree(sound, tmp_path / "pairs"))
