"""What a run's sources look like is measured of them, as networks see them, where the dataset says what made them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from looking_preparers import lamps

from i2i import images, safe_yaml
from i2i.data.dataset import Pairs
from i2i.data.items import Items
from i2i.data.jitter import Jitter
from i2i.data.tables.ab import looks_in
from i2i.fields import fields_of
from i2i.pairs import Pixels
from i2i.training.looks import SAMPLED, measured_looks


class Levels:
    """Remembers how many images were measured, of which shape and brightness."""

    @classmethod
    def measure(cls, images: Sequence[Pixels]) -> Mapping[str, Any] | None:
        levels = [round(float(image.mean())) for image in images]
        return {"count": len(images), "shape": list(images[0].shape), "levels": levels} if levels[0] < 100 else None


@pytest.fixture(autouse=True)
def _plugin() -> Iterator[None]:
    with lamps(Levels):
        yield


def pairs(root: Path, layout: str, facts: Any, count: int = 3) -> Path:
    """Pairs whose sources are of 10, 11, 12, ... and whose targets are white."""
    for number in range(count):
        a, b = np.full((8, 8, 1), 10 + number % 50, np.uint8), np.full((8, 8, 1), 255, np.uint8)
        if layout == "ab":
            images.write(_made(root / "train") / f"{number:03}.png", np.concatenate([a, b], axis=1))
        else:
            images.write(_made(root / "train" / "imageA") / f"{number:03}.png", a)
            images.write(_made(root / "train" / "imageB") / f"{number:03}.png", b)
    (root / "dataset.yaml").write_text(safe_yaml.dump({"layout": layout, "facts": facts}))
    return root


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def looks(root: Path, **options: Any) -> dict[str, dict[str, Any]]:
    dataset = Pairs(root, "train", **options)
    items = Items(dataset, fields_of(dataset), Jitter(crop=(4, 4), resize=(5, 5), mirror=True), seed=0)
    return {name: look.model_dump() for name, look in measured_looks(items, looks_in(str(root))).items()}


LAMPS = {"looks": {"imageA": "lamps"}}
SEEN = {"name": "lamps", "count": 3, "shape": [4, 4, 1], "levels": [10, 11, 12]}


@pytest.mark.parametrize("layout", ["folders", "ab"])
@pytest.mark.parametrize(("direction", "field"), [("AtoB", "source"), ("BtoA", "target")])
def test_the_field_that_the_preparer_made_is_measured(layout: str, direction: str, field: str, tmp_path: Path) -> None:
    assert looks(pairs(tmp_path, layout, LAMPS), direction=direction) == {field: SEEN}


def test_some_of_a_large_set_are_measured(tmp_path: Path) -> None:
    assert looks(pairs(tmp_path, "folders", LAMPS, SAMPLED + 20))["source"]["count"] == SAMPLED


@pytest.mark.parametrize(
    "facts", [{}, None, {"looks": ["imageA"]}, {"looks": {"imageA": 3}}, {"looks": {"B": "lamps"}}]
)
def test_nothing_is_measured_where_the_dataset_does_not_say_what_made_it(facts: Any, tmp_path: Path) -> None:
    assert looks(pairs(tmp_path, "folders", facts)) == {}


def test_what_is_not_what_the_look_knows_has_none(tmp_path: Path) -> None:
    assert looks(pairs(tmp_path, "folders", {"looks": {"imageB": "lamps"}})) == {}


def test_a_preparer_that_is_not_installed_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert looks(pairs(tmp_path, "folders", {"looks": {"imageA": "gone"}})) == {}
    assert "will not remember what its source looks like: No preparer named 'gone'" in caplog.text


def test_a_preparer_without_a_look_has_none(tmp_path: Path) -> None:
    assert looks(pairs(tmp_path, "folders", {"looks": {"imageA": "grayscale"}})) == {}
