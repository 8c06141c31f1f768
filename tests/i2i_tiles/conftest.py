from pathlib import Path

import pytest
from tile_maps import AERIAL, DRAWN, write_tree


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The two maps as folders of tiles, which no test changes."""
    folder = tmp_path_factory.mktemp("trees")
    return write_tree(folder / "a", AERIAL), write_tree(folder / "b", DRAWN)
