from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hub import Hub
from huggingface_hub import constants

from i2i_datasets.getting import Got, get_set
from i2i_datasets.sets import classic_set, classic_sets

FACADES = classic_set("facades")


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub().running() as hub:
        yield hub


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative folders are the test's own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def get(hub: Hub, notices: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Got]:
    """Gets the set facades to the folder ``set``, from the hub where nothing else is said."""
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    )
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)

    def make(archive: str | None = None, **options: Any) -> Got:
        monkeypatch.setitem(classic_sets(), "facades", FACADES.model_copy(update={"archive": archive}))
        return get_set("facades", tmp_path / "set", quiet=True, on_notice=notices.append, **options)

    return make
