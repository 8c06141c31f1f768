"""Folders: what goes wrong with one image stops no other, and what is there already is not made again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from small_models import model_folder
from torch import Tensor, nn

import i2i
from i2i import images
from i2i.kinds import COMPONENTS
from i2i.plugins import installed

Cli = Callable[..., tuple[int, str, str]]


class Negative(nn.Module):
    """Turns images into their negatives, or fails as networks do."""

    calls = 0

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, source: Tensor) -> Tensor:
        Negative.calls += 1
        if source.shape[-1] == 99:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: 5 bytes")
        if source.shape[-1] == 98:
            raise MemoryError
        if source.shape[-1] == 97:
            raise cv2.error("OpenCV(4) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 5 bytes")
        return -source


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Path]:
    class Plugin:
        @i2i.hookimpl
        def i2i_generators(self) -> dict[str, type[nn.Module]]:
            return {"negative": Negative}

    plugin = Plugin()
    installed(COMPONENTS).register(plugin, "negatives", "i2i-negatives", "1.0")
    Negative.calls = 0
    yield model_folder(tmp_path / "model", parts={"generator": {"name": "negative"}})
    installed(COMPONENTS).manager.unregister(plugin)


def write(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        images.write(folder / name, np.full((8, 9, 3), 10 * number, np.uint8))
    return folder


def test_what_is_there_is_skipped_and_the_rest_translated(run_cli: Cli, model: Path, tmp_path: Path) -> None:
    source, out = write(tmp_path / "in", "a.png", "b.png"), tmp_path / "out"
    assert run_cli("translate", model, source, "--out", out)[0] == 0
    write(source / "deep", "c.png")
    code, said, _ = run_cli("translate", model, source, "--out", out)
    assert code == 0
    assert Negative.calls == 3
    assert "2 were there already, by this model, seed and mode." in said
    assert f"1 translated into {out}" in said.replace("\n", "")
    pictures = {file.relative_to(out).as_posix(): images.read(file).pixels[0, 0, 0] for file in out.rglob("*.png")}
    assert pictures == {"a.png": 255, "b.png": 245, "deep/c.png": 255}


def change_input(source: Path, out: Path) -> None:
    images.write(source / "a.png", np.full((8, 9, 3), 77, np.uint8))


def cut_output(source: Path, out: Path) -> None:
    (out / "a.png").write_bytes((out / "a.png").read_bytes()[:20])


def lose_output(source: Path, out: Path) -> None:
    (out / "a.png").unlink()


def tear_record(source: Path, out: Path) -> None:
    record = out / ".i2i-translated.jsonl"
    record.write_bytes(record.read_bytes()[:-9])


@pytest.mark.parametrize("change", [change_input, cut_output, lose_output, tear_record])
def test_what_has_changed_is_translated_again_and_then_known(
    run_cli: Cli, model: Path, tmp_path: Path, change: Callable[[Path, Path], None]
) -> None:
    source, out = write(tmp_path / "in", "a.png"), tmp_path / "out"
    run_cli("translate", model, source, "--out", out)
    change(source, out)
    for calls in (2, 2):
        assert run_cli("translate", model, source, "--out", out)[0] == 0
        assert Negative.calls == calls
    assert images.read(out / "a.png").pixels[0, 0, 0] == 255 - images.read(source / "a.png").pixels[0, 0, 0]


def test_other_models_and_settings_translate_anew(run_cli: Cli, model: Path, tmp_path: Path) -> None:
    source, out = write(tmp_path / "in", "a.png"), tmp_path / "out"
    other = model_folder(tmp_path / "other", parts={"generator": {"name": "negative"}}, step=2)
    settings: tuple[list[object], ...] = (
        [],
        ["--seed", 1],
        ["--mode", "paper"],
        ["--format", "npy"],
        ["--overwrite"],
        ["--overwrite"],
    )
    for calls, words in enumerate(settings, 1):
        assert run_cli("translate", model, source, "--out", out, *words)[0] == 0
        assert Negative.calls == calls
    run_cli("translate", other, source, "--out", out)
    assert Negative.calls == len(settings) + 1


def test_one_image_goes_into_the_file_that_is_named(run_cli: Cli, model: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "in", "a.png")
    for name in ("result.png", "result.TIF", "new/result.npy"):
        assert run_cli("translate", model, source / "a.png", "--out", tmp_path / "out" / name)[0] == 0
        assert (images.read(tmp_path / "out" / name).pixels == 255).all()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["new", "result.TIF", "result.png"]


def test_one_file_for_a_folder_or_of_another_kind_is_refused(run_cli: Cli, model: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "in", "a.png", "b.png")
    for inputs, out, words, complaint in (
        ([source], "result.png", [], "is one file, for one image. Give a folder"),
        ([source / "a.png", source / "b.png"], "result.png", [], "is one file, for one image. Give a folder"),
        ([source / "a.png"], "result.jpg", [], "results are stored without loss, as .png, .tif, .npy"),
        ([source / "a.png"], "result.png", ["--format", "npy"], "leave --format away"),
        ([source / "a.png"], "in/a.png", [], "is an input too"),
    ):
        code, _, err = run_cli("translate", model, *inputs, "--out", tmp_path / out, *words)
        assert (code, err.count("\n")) == (2, 1)
        assert complaint in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "model"]
    (tmp_path / "folder.png").mkdir()
    assert run_cli("translate", model, source, "--out", tmp_path / "folder.png")[0] == 0


def test_memory_that_does_not_suffice_for_one_image_stops_no_other(run_cli: Cli, model: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "in", "z.png")
    for width in (97, 98, 99):
        images.write(source / f"{width}.png", np.zeros((8, width, 3), np.uint8))
    code, said, err = run_cli("translate", model, source, "--out", tmp_path / "out")
    assert code == 65
    lines = [line for line in err.splitlines() if "memory" in line]
    assert len(lines) == 3
    for width, line in zip((97, 98, 99), lines, strict=True):
        assert f"{width}.png, {width}x8: memory does not suffice" in line
    assert "1 translated into" in said
    assert "3 of 4 images could not be translated" in err


def test_what_the_reader_notes_is_said_once_for_each_thing(run_cli: Cli, model: Path, tmp_path: Path) -> None:
    source = write(tmp_path / "in", "a.png")
    for name in ("b.jpg", "c.jpg"):
        Image.new("CMYK", (8, 8), (10, 20, 30, 40)).save(source / name)
    code, _, err = run_cli("translate", model, source, "--out", tmp_path / "out")
    assert code == 0
    assert err.count("\n") == 1
    assert "b.jpg: converted from CMYK; 1 more like it" in err
