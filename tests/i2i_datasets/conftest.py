from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().running() as hub:
        yield hub


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative folders are the test's own."""
    monkeypatch.chdir(tmp_path)
