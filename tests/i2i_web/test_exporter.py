import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import model_folder

import i2i
from i2i.choices import Component
from i2i.errors import UsageError
from i2i.exporting.model import Model
from i2i.translation import Translator
from i2i_web import Web

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_folder(tmp_path / "model")


def test_a_page_holds_the_model_in_a_folder_and_in_one_file(model: Path, tmp_path: Path) -> None:
    translator = Translator.load(model, mode="deterministic")
    given = np.random.default_rng(0).integers(0, 256, (1, 12, 16, 3), np.uint8)
    for name, options in (("page", {}), ("page.html", {"one_file": True})):
        i2i.export(model, "web", tmp_path / name, mode="deterministic", set=options)
        made = Web(**options).open(tmp_path / name)(given)[0]  # type: ignore[arg-type]
        assert np.abs(made.astype(int) - translator(given[0])).max() <= 1
    assert {"index.html", "page.js", "model.onnx", "model.json"} <= {
        each.name for each in (tmp_path / "page").iterdir()
    }


def test_the_page_knows_sizes_and_lines_of_the_model(model: Path, tmp_path: Path) -> None:
    exportable: Any = Model(Translator.load(model, mode="deterministic"))
    facts = {}
    for name in ("edges", "sketches"):
        exportable.look = Component.model_validate({"name": name, "stroke": [1.0, 1.1, 1.2]})
        Web(title="Draw")(exportable, tmp_path / name)
        facts[name] = json.loads((tmp_path / name / "model.json").read_text())
    assert facts["edges"]["look"] == {"stroke": [1.0, 1.1, 1.2]}
    assert facts["sketches"]["look"] is None
    assert facts["edges"]["title"] == "Draw"
    assert facts["edges"]["size"] == list(exportable.size)


def test_a_page_shows_gray_or_colours_alone(model: Path, tmp_path: Path) -> None:
    exportable: Any = Model(Translator.load(model, mode="deterministic"))
    exportable.channels = (5, 3)
    with pytest.raises(UsageError, match="3 channels of 5"):
        Web()(exportable, tmp_path / "page")
