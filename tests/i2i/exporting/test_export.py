"""The command and the function: what is refused, what is kept, and what translating makes of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from small_models import any_model, model_folder

import i2i
from i2i import images
from i2i.errors import ContractError, DataError, MissingInputError, UsageError
from i2i.exporters import Exportable, Run
from i2i.fields import Column, Field
from i2i.kinds import COMPONENTS
from i2i.plugins import installed
from i2i.translation.exports import EXPORT, EXPORTS, exported_files

Cli = Callable[..., tuple[int, str, str]]
KEPT: dict[str, Any] = {}
"""Modules of what was written, by the text of the file."""


class Kept:
    """Keeps the module, and writes how to find it.

    Args:
        shift: Added to what it makes, in levels.
        bare: Of the network alone.
    """

    suffix: ClassVar[str] = ".kept"

    def __init__(self, *, shift: int = 0, bare: bool = False) -> None:
        self.shift, self.bare = shift, bare

    def __call__(self, model: Exportable, path: Path) -> None:
        KEPT[str(len(KEPT))] = model.written(bare=self.bare, form="taps2").module
        path.write_text(str(len(KEPT) - 1))

    def open(self, path: Path) -> Run:
        module = KEPT[path.read_text()]

        def run(batch: Any) -> Any:
            with torch.inference_mode():
                made = module(torch.from_numpy(batch)).numpy()
            return made + self.shift if self.bare else np.clip(made.astype(int) + self.shift, 0, 255).astype(np.uint8)

        return run


class Risky(Kept):
    """Says that opening it may run code."""

    runs_code: ClassVar[bool] = True


class Plugin:
    """Provides both."""

    @i2i.hookimpl
    def i2i_exporters(self) -> dict[str, type]:
        return {"kept": Kept, "risky": Risky}


@pytest.fixture(autouse=True)
def _formats() -> Iterator[None]:
    installed(COMPONENTS).register(Plugin(), "kept")
    yield
    installed(COMPONENTS).unregister("kept")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return model_folder(tmp_path / "model")


def picture(height: int = 21, width: int = 13, channels: int = 3) -> Any:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


@pytest.mark.parametrize("bare", [False, True])
def test_an_export_in_the_model_folder_translates(folder: Path, bare: bool) -> None:
    found = i2i.export(folder, "kept", set={"bare": bare})
    assert found.path == folder / EXPORTS / "kept" / "model.kept"
    by_file = i2i.Translator.load(folder, backend="kept")
    by_torch = i2i.Translator.load(folder, device="cpu")
    assert np.abs(by_file(picture()).astype(int) - by_torch(picture())).max() <= 1
    assert {path.as_posix() for path in exported_files(folder)} == {
        "exports/kept/export.json",
        "exports/kept/model.kept",
    }


def test_class_ids_go_in_and_come_out(tmp_path: Path) -> None:
    fields = {"source": Field(channels=4, kind="ids", void=9), "target": Field(channels=3, kind="ids")}
    folder = any_model(tmp_path / "model", "regression", {"generator": {"name": "unet", "depth": 2}}, fields)
    i2i.export(folder, "kept")
    ids = np.random.default_rng(0).integers(0, 4, (9, 14, 1)).astype(np.uint8)
    ids[0] = 9
    by_file = i2i.Translator.load(folder, backend="kept")(ids)
    assert np.array_equal(by_file, i2i.Translator.load(folder, device="cpu")(ids))


@pytest.mark.parametrize("bare", [False, True])
def test_a_file_that_makes_something_else_is_refused_and_not_kept(folder: Path, bare: bool, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="differs from the model at 16x16"):
        i2i.export(folder, "kept", set={"shift": 2, "bare": bare})
    with pytest.raises(ContractError, match="removed"):
        i2i.export(folder, "kept", tmp_path / "out.kept", set=["shift=2", f"bare={bare}".lower()])
    assert not (folder / EXPORTS).exists()
    assert not (tmp_path / "out.kept").exists()


def test_mode_paper_needs_a_network_without_dropout(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UsageError, match="Say --mode deterministic"):
        i2i.export(folder, "kept", mode="paper")
    calm = model_folder(tmp_path / "calm", parts={"generator": {"depth": 2, "base_channels": 4, "dropout": 0}})
    assert i2i.export(calm, "kept", mode="paper").parity


def test_what_is_no_picture_of_8_bits_is_exported_bare(tmp_path: Path) -> None:
    deep = model_folder(tmp_path / "deep", dtype="uint16")
    with pytest.raises(UsageError, match=r"makes uint16.* --set bare=true"):
        i2i.export(deep, "kept")
    ranged = (Column(name="imageA", channels=1, range=(0, 4095)),)
    fields = {"source": Field(channels=1, columns=ranged), "target": Field(channels=3)}
    folder = model_folder(tmp_path / "ranged", fields=fields)
    with pytest.raises(UsageError, match="takes numbers in a declared range"):
        i2i.export(folder, "kept")
    assert i2i.export(folder, "kept", set={"bare": True}).parity


def test_noise_cannot_be_exported(tmp_path: Path) -> None:
    fields = {"source": Field(channels=3), "target": Field(channels=3)}
    parts = {"velocity": {"base_channels": 4, "depth": 2, "blocks": 1}}
    folder = any_model(tmp_path / "model", "bridge", parts, fields, {"spread": 0.5})
    with pytest.raises(UsageError, match="draws noise"):
        i2i.export(folder, "kept")


def test_a_backend_must_be_of_these_weights_this_mode_and_these_bits(folder: Path) -> None:
    with pytest.raises(MissingInputError, match=r"has no export 'kept'\. Make it: i2i export"):
        i2i.Translator.load(folder, backend="kept")
    i2i.export(folder, "kept")
    with pytest.raises(MissingInputError, match=r"There is kept\. Did you mean 'kept'"):
        i2i.Translator.load(folder, backend="kep")
    with pytest.raises(UsageError, match="runs in mode deterministic"):
        i2i.Translator.load(folder, backend="kept", mode="running")
    translator = i2i.Translator.load(folder, backend="kept")
    with pytest.raises(DataError, match="takes 8 bits"):
        translator(picture().astype(np.uint16) * 257 + 100)
    (folder / EXPORTS / "kept" / "model.kept").write_text("0" * 9)
    with pytest.raises(DataError, match="is damaged"):
        i2i.Translator.load(folder, backend="kept")
    about = folder / EXPORTS / "kept" / EXPORT
    told = json.loads(about.read_text())
    about.write_text(json.dumps({**told, "weights": {"generator.safetensors": "0" * 64}}))
    with pytest.raises(DataError, match="of other weights"):
        i2i.Translator.load(folder, backend="kept")
    about.write_text(json.dumps({**told, "file": "../../../secret"}))
    with pytest.raises(DataError, match="which is not beside it"):
        i2i.Translator.load(folder, backend="kept")


def test_a_format_whose_files_may_run_code_is_no_backend(folder: Path) -> None:
    i2i.export(folder, "risky")
    with pytest.raises(UsageError, match="they are no backend"):
        i2i.Translator.load(folder, backend="risky")


def test_the_command_says_what_it_found_and_translate_goes_by_the_export(
    folder: Path, tmp_path: Path, run_cli: Cli
) -> None:
    code, out, err = run_cli("export", folder, "--format", "kept", "--no-measure")
    assert code == 0, err
    assert "At 16x16, 27x21, 17x11: it makes the same as the model" in out
    images.write(tmp_path / "drawing.png", picture())
    code, out, err = run_cli(
        "translate", folder, tmp_path / "drawing.png", "--out", tmp_path / "made", "--backend", "kept"
    )
    assert code == 0, err
    assert "by its export kept" in out
    assert (tmp_path / "made" / "drawing.png").is_file()
