"""The exporter that docs/export.md shows keeps the contract, and writes what it says."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import model_folder

import i2i
from i2i import safe_yaml
from i2i.kinds import COMPONENTS
from i2i.plugin_files import load_plugin_file
from i2i.plugins import installed
from i2i.testing import check_exporter

pytest.importorskip("onnx", reason="the extra export is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra export is not installed")

PAGE = Path(__file__).parents[2] / "docs" / "export.md"


def test_it_describes_a_model_as_the_zoo_does(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(code.splitlines()) <= 60
    file = tmp_path / "bioimage.py"
    file.write_text(code)
    load_plugin_file(file)
    try:
        plugins: Any = installed(COMPONENTS)
        check_exporter(plugins.catalogue("exporter")["bioimage"].cls)
        made = i2i.export(model_folder(tmp_path / "model"), "bioimage", tmp_path / "zoo").path
    finally:
        installed(COMPONENTS).unregister("bioimage")
    about: Any = safe_yaml.load((made / "rdf.yaml").read_text(), "rdf.yaml")
    assert about["weights"]["onnx"]["source"] == "weights.onnx"
    session = ort.InferenceSession(str(made / "weights.onnx"))
    (expected,) = session.run(None, {"image": np.load(made / "given.npy")})
    assert np.array_equal(expected, np.load(made / "made.npy"))
    assert about["inputs"][0]["axes"][2]["size"] == {"min": 4, "step": 4}
