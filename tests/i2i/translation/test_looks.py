"""Inputs that look otherwise than a model's sources: said, and brought there if asked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from looking_preparers import lamps
from pydantic import Field
from small_models import model_folder

from i2i import images
from i2i.choices import Component
from i2i.errors import UnknownNameError, UsageError
from i2i.looks import Fitted
from i2i.pairs import Pixels
from i2i.translation import Translator
from i2i.translation.model import read_config

Cli = Callable[..., tuple[int, str, str]]


class Bright:
    """Sources of one brightness."""

    def __init__(self, size: tuple[int, int], *, level: Annotated[int, Field(ge=0, le=255)]) -> None:
        self.size, self.level = size, level

    @classmethod
    def measure(cls, images: Sequence[Pixels]) -> Mapping[str, Any] | None:
        return {"level": round(float(np.mean(images)))}

    def fit(self, image: Pixels) -> Fitted:
        if image.mean() < 10:
            return Fitted(image, ("black",))
        if abs(image.mean() - self.level) < 20:
            return Fitted(image)
        return Fitted(np.full((*self.size, 1), self.level, np.uint8), ("dim",), ("brightened",))


@pytest.fixture(autouse=True)
def _plugin() -> Iterator[None]:
    with lamps(Bright):
        yield


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_folder(tmp_path / "model", source=1, looks={"source": Component.model_validate(LOOK)})


LOOK = {"name": "lamps", "level": 200}
NEAR, FAR, HOPELESS = (np.full((16, 16, 1), level, np.uint8) for level in (190, 50, 0))


def test_a_model_remembers_a_look_by_name_with_what_was_measured(model: Path) -> None:
    assert read_config(model).looks == {"source": Component.model_validate(LOOK)}


def test_what_is_near_is_translated_as_it_is(model: Path) -> None:
    plain, fitting = Translator.load(model), Translator.load(model, fit="auto")
    assert np.array_equal(plain(NEAR), fitting(NEAR))


def test_what_is_far_is_fitted_where_that_is_asked_for(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    bright = np.full((16, 16, 1), 200, np.uint8)
    assert np.array_equal(Translator.load(model, fit="auto")(FAR), Translator.load(model)(bright))
    assert caplog.messages == ["An input is unlike what the model learned from: dim. Fitted: brightened."]


def test_what_is_far_is_said_once_and_left_where_it_is_not(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    translator = Translator.load(model)
    assert not np.array_equal(translator(FAR), Translator.load(model, fit="auto")(FAR))
    translator([FAR, FAR])
    said = 'An input is unlike what the model learned from: dim. fit="auto" brings it there.'
    assert [message for message in caplog.messages if "fit=" in message] == [said]


def test_what_cannot_be_brought_there_is_left_and_said(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert np.array_equal(Translator.load(model, fit="auto")(HOPELESS), Translator.load(model)(HOPELESS))
    assert set(caplog.messages) == {"An input is unlike what the model learned from: black."}


def test_files_are_fitted_and_explained(run_cli: Cli, model: Path, tmp_path: Path) -> None:
    drawings, out = tmp_path / "drawings", tmp_path / "out"
    drawings.mkdir()
    for name, picture in {"a": FAR, "b": np.full((30, 40, 1), 60, np.uint8), "c": NEAR}.items():
        images.write(drawings / f"{name}.png", picture)
    code, _, err = run_cli("translate", model, drawings, "--out", out)
    assert code == 0
    lines = " ".join(err.split())
    assert f"{drawings}/a.png: unlike what the model learned from: dim. --fit auto brings it there" in lines
    assert "1 more like it" in lines
    code, said, err = run_cli("translate", model, drawings, "--out", out, "--fit", "auto", "--explain")
    assert code == 0
    assert "Fitted: brightened" in " ".join(err.split())
    assert "3 translated" in said
    assert images.read(out / "b.png").pixels.shape == (16, 16, 3)
    sheet = images.read(out / "b-explained.png").pixels
    (row,) = images.pictures_of(sheet, 256, 256)
    middles = [int(picture[128, 128, 0]) for picture in row]
    assert middles == [60, 200, int(images.read(out / "b.png").pixels[8, 8, 0])]
    again = run_cli("translate", model, drawings, "--out", out, "--fit", "auto", "--explain")
    assert "3 were there already" in again[1]


def test_fitting_needs_a_model_that_remembers(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not remember what its sources look like"):
        Translator.load(model_folder(tmp_path / "plain"), fit="auto")


@pytest.mark.parametrize("wrong", [{"level": 300}, {"level": "high"}, {"level": 20, "more": 1}])
def test_what_a_model_remembers_is_checked(wrong: dict[str, Any], tmp_path: Path) -> None:
    look = Component.model_validate({"name": "lamps", **wrong})
    with pytest.raises(UsageError, match="look of source"):
        Translator.load(model_folder(tmp_path / "model", source=1, looks={"source": look}))


def test_a_preparer_that_is_missing_is_said_and_refused_where_it_is_needed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = model_folder(tmp_path / "model", source=1, looks={"source": Component(name="gone")})
    Translator.load(folder)(NEAR)
    assert "No preparer named 'gone'" in caplog.text
    with pytest.raises(UnknownNameError, match="gone"):
        Translator.load(folder, fit="auto")
