"""Every generator of the tree as a file, run beside itself; files that are smaller; options that cannot work."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import model_folder

import i2i
from i2i.errors import UsageError
from i2i.exporting import effect
from i2i.plugins import catalogue
from i2i.testing import check_exporter
from i2i_exporters import Onnx, TorchExport

pytest.importorskip("onnx", reason="the extra export is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra export is not installed")

SMALL: dict[str, dict[str, Any]] = {
    "unet": {"depth": 3, "base_channels": 4},
    "encoder-decoder": {"depth": 3, "base_channels": 4},
    "resnet": {"blocks": 1, "base_channels": 4},
    "global": {"base_channels": 4, "downsamplings": 2, "blocks": 1},
    "nafnet": {"base_channels": 4, "encoder_blocks": [1], "middle_blocks": 1, "decoder_blocks": [1]},
    "lite0-pyramid": {"channels": 4, "pretrained": False},
}


def small(path: Path, generator: str = "unet", **config: Any) -> Path:
    size = (64, 64) if generator == "lite0-pyramid" else (32, 32)
    parts = {"generator": {"name": generator, **SMALL[generator]}}
    # as drawn it makes plain gray, which lies between two levels, where the last bits decide
    gain = 4 if generator == "encoder-decoder" else 1
    return model_folder(path, parts=parts, size=size, gain=gain, **config)


def test_every_generator_is_tried() -> None:
    ours = {name for name, one in catalogue("generator").items() if one.cls.__module__.startswith("i2i_")}
    assert ours == SMALL.keys()


@pytest.mark.parametrize("generator", SMALL)
@pytest.mark.parametrize("mode", ["deterministic", "running"])
def test_a_file_makes_what_the_model_makes_at_every_size(generator: str, mode: Any, tmp_path: Path) -> None:
    folder = small(tmp_path / "model", generator)
    found = i2i.export(folder, "onnx", mode=mode)
    assert len({parity.size for parity in found.parity}) == 3
    by_file = i2i.Translator.load(folder, backend="onnx")
    by_torch = i2i.Translator.load(folder, mode=mode, device="cpu")
    picture = np.random.default_rng(1).integers(0, 256, (40, 53, 3), np.uint8)
    off = np.abs(by_file(picture).astype(int) - by_torch(picture))
    assert off.max() <= 1
    assert (off > 0).mean() <= 0.001


@pytest.mark.parametrize("options", [{}, {"bare": True}, {"form": "plain"}, {"storage": "float16"}], ids=str)
def test_onnx_keeps_the_contract(options: dict[str, Any]) -> None:
    check_exporter(Onnx, options)


def test_torch_export_keeps_the_contract() -> None:
    check_exporter(TorchExport)


def test_sixteen_bits_take_half_the_file(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model", parts={"generator": {"depth": 3, "base_channels": 32}}, size=(16, 16))
    whole = i2i.export(folder, "onnx", tmp_path / "whole.onnx")
    half = i2i.export(folder, "onnx", tmp_path / "half.onnx", set={"storage": "float16"})
    assert half.size < 0.55 * whole.size
    assert max(parity.levels for parity in half.parity) <= 1


def test_two_exports_of_one_model_are_equal(tmp_path: Path) -> None:
    folder = small(tmp_path / "model")
    first, second = (i2i.export(folder, "onnx", tmp_path / f"{name}.onnx").path.read_bytes() for name in "ab")
    assert first == second


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    found = i2i.export(small(tmp_path / "model"), "onnx", tmp_path / "out")
    session = ort.InferenceSession(str(found.path))
    about = session.get_modelmeta().custom_metadata_map
    assert (about["recipe"], about["mode"], about["takes"]) == ("pix2pix", "deterministic", "source")
    (taken,) = session.get_inputs()
    assert (taken.type, taken.shape) == ("tensor(uint8)", ["batch", "height", "width", 3])


def test_eight_bits_need_the_fast_form_and_data(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="form=taps2"):
        Onnx(storage="int8", form="plain")
    with pytest.raises(UsageError, match="Say --data DATASET"):
        i2i.export(small(tmp_path / "model"), "onnx", set={"storage": "int8"})


def test_eight_bits_are_chosen_by_sources_and_measured_on_others(
    shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(effect.METRICS, "image", ("l1",))
    folder = model_folder(tmp_path / "model", parts={"generator": {"depth": 3, "base_channels": 16}}, size=(32, 32))
    whole = i2i.export(folder, "onnx", tmp_path / "whole.onnx")
    found = i2i.export(folder, "onnx", data=shared_pairs, set={"storage": "int8"})
    assert found.size < 0.6 * whole.size  # of so small a network, half is not weights
    assert found.effect is not None
    assert (found.effect.split, found.effect.images) == ("val", 2)
    assert found.effect.difference <= 0.5
    assert found.effect.figures.keys() == {"l1"}
    picture = np.zeros((32, 32, 3), np.uint8)
    by_file = i2i.Translator.load(folder, backend="onnx")(picture).astype(int)
    assert np.abs(by_file - i2i.Translator.load(folder, device="cpu")(picture)).mean() < 2


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"Install it: pip install 'i2i-toolkit\[export\]'\.$"):
        Onnx()
