import json
import re
from collections.abc import Callable
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i import images, safe_yaml
from i2i.config import resolve
from i2i_demo import pipeline

Cli = Callable[..., tuple[int, str, str]]


def test_images_are_what_the_notice_says() -> None:
    bundled = sorted(Path(str(files("i2i_demo") / "images")).glob("*.webp"))
    notice = (files("i2i_demo") / "IMAGES.md").read_text()
    assert notice.count(f"{len(bundled)} ") == 1
    assert "MIT License" in notice
    for path in bundled:
        with Image.open(path) as image:
            assert (image.size, image.format) == ((128, 128), "WEBP")
            assert np.asarray(image.convert("L"))[0, 0] > 245, f"{path.name} is not on white"


def test_settings_are_settings_of_the_installed_plugin() -> None:
    settings = safe_yaml.load((files("i2i_demo") / "settings.yaml").read_text(), "settings.yaml")
    config = resolve([settings, {"data": {"path": "x"}}])
    assert config.data.crop % 2 ** config.selection.network("generator").options["depth"] == 0
    assert config.to_dict()["pixel_loss"] == [{"name": "l1", "weight": 100}]


def test_the_whole_path_ends_in_a_page_that_needs_nothing_but_itself(
    run_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = tmp_path / "package" / "images"
    few.mkdir(parents=True)
    bundled = Path(str(files("i2i_demo")))
    for path in sorted((bundled / "images").glob("*.webp"))[:4]:
        (few / path.name).write_bytes(path.read_bytes())
    small = (bundled / "settings.yaml").read_text().replace("base_channels: 32", "base_channels: 2")
    (few.parent / "settings.yaml").write_text(small)
    monkeypatch.setattr(pipeline, "files", lambda _: few.parent)
    monkeypatch.setattr(pipeline, "EDGES", {"size": 128, "method": "canny"})

    out = tmp_path / "demo"
    code, said, errors = run_cli("demo", "--out", out, "--steps", 3)
    assert code == 0, errors
    assert "3/3 Translate" in said
    page = (out / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page)
    assert page.count("data:image/png;base64,") == 3  # one held-out pair
    assert page.count("<polyline") == 3  # the losses; one validation is no curve
    assert "i2i translate" in page
    height, width, _ = images.read(out / "contact-sheet.png").pixels.shape
    assert (width, 132 < height < 2 * 132) == (6 * 132, True)  # one row, two pairs wide, and words above

    if find_spec("onnx") and find_spec("onnxruntime"):
        assert 'data-part="model.onnx"' in (out / "draw.html").read_text()
    else:
        assert "No page to draw on was made" in errors

    log = (out / "run" / "metrics.jsonl").read_bytes()
    assert run_cli("demo", "--out", out, "--steps", 3)[0] == 0  # goes on with what is there
    assert (out / "run" / "metrics.jsonl").read_bytes() == log
    assert [json.loads(line)["step"] for line in log.splitlines()] == [1, 2, 3, 3]
