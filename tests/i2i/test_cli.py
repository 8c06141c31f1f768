"""The command line as a person meets it: exit codes and the words they read."""

import runpy
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import i2i
from i2i import images
from i2i.kinds import COMMANDS, COMPONENTS
from i2i.plugins import installed
from i2i.translation.jobs import plan

Cli = Callable[..., tuple[int, str, str]]
SMALL = [
    *("--set", "generator.depth=2", "--set", "generator.base_channels=4"),
    *("--set", "discriminator.layers=1", "--set", "discriminator.base_channels=4"),
    *("--size", 16, "--steps", 4, "--workers", 0),
]


@pytest.fixture(scope="module")
def trained(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps."""
    from i2i.cli import main

    run = tmp_path_factory.mktemp("trained") / "run"
    arguments = ["train", "--plugin", "pix2pix", "--data", shared_pairs, "--out", run, "--quiet", *SMALL]
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    assert left.value.code in (0, None)
    return run


def test_training_says_what_was_detected_and_what_to_type_next(
    run_cli: Cli, shared_pairs: Path, tmp_path: Path
) -> None:
    code, out, err = run_cli("train", "--plugin", "pix2pix", "--data", shared_pairs, "--out", tmp_path / "run", *SMALL)
    assert (code, err) == (0, "")
    assert "6 training pairs, layout folders" in out
    assert "3 -> 3 channels, 16 px" in out
    assert "validation step 4" in out
    assert f"i2i translate {tmp_path / 'run'}" in out.replace("\n", "")
    assert f"Samples: {tmp_path / 'run' / 'samples'}\n" in out
    assert "Nothing was left to do" not in out


def test_crops_that_are_no_square_are_trained_and_translated(run_cli: Cli, shared_pairs: Path, tmp_path: Path) -> None:
    words = ["--plugin", "pix2pix", "--data", shared_pairs, "--out", tmp_path / "run", *SMALL, "--size", "24x16"]
    code, out, err = run_cli("train", *words)
    assert (code, err) == (0, "")
    assert "3 -> 3 channels, [24,16] px" in out
    image = next((shared_pairs / "train" / "imageA").iterdir())
    assert run_cli("translate", tmp_path / "run", image, "--out", tmp_path / "out")[0] == 0
    code, _, err = run_cli("train", *words[:-1], "16x")
    assert (code, err.count("\n")) == (2, 1)
    assert "--size '16x' is no size. Say one number, or HEIGHTxWIDTH such as 256x128." in err


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--out", "x"], 2, "Say which with --plugin"),
        (["--plugin", "pix2pix", "--out", "x"], 2, "with --data FOLDER"),
        (["--plugin", "pix2pix", "--data", "nowhere", "--out", "x"], 66, "There is no dataset"),
        (["--plugin", "pix2piy", "--data", "d", "--out", "x"], 2, "Did you mean 'pix2pix'?"),
        (["--plugin", "pix2pix", "--data", "d"], 2, "with --out FOLDER"),
        (["--resume", "nowhere"], 66, "holds no run to resume"),
        (["--resume", "nowhere", "--out", "x"], 2, "goes on in its own folder"),
        (["--plugin", "pix2pix", "--set", "depth=3", "--data", "d", "--out", "x"], 2, "SECTION.OPTION=VALUE"),
        (["--plugin", "pix2pix", "--use", "generator", "--data", "d", "--out", "x"], 2, "PART=COMPONENT"),
        (["--plugin", "pix2pix", "--set", "generator.dept=3", "--data", "d", "--out", "x"], 2, "Did you mean 'depth'?"),
        (["--config", "none.yaml", "--out", "x"], 66, "No configuration file 'none.yaml'"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    run_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    got, _, err = run_cli("train", *arguments)
    assert got == code
    assert err.startswith("Error: ")
    assert complaint in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_translating_keeps_names_sizes_and_folders(run_cli: Cli, trained: Path, tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, shape in (("a.png", (20, 31, 3)), ("a.jpg", (16, 16, 3)), ("deep/b.webp", (7, 5, 1))):
        (source / name).parent.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, shape, np.uint8)
        images.write(source / name, pixels.repeat(3, axis=2) if shape[2] == 1 else pixels)
    code, out, _ = run_cli("translate", trained, source, "--out", tmp_path / "out")
    assert code == 0
    assert "3 images, mode paper" in out
    made = {
        p.relative_to(tmp_path / "out").as_posix(): images.read(p).pixels.shape
        for p in images.discover([tmp_path / "out"]).files
    }
    assert made == {"a.jpg.png": (16, 16, 3), "a.png.png": (20, 31, 3), "deep/b.png": (7, 5, 3)}
    fake = i2i.Translator.load(trained)(images.read(source / "a.png").pixels)
    np.testing.assert_array_equal(images.read(tmp_path / "out" / "a.png.png").pixels, fake)


def test_an_input_is_never_replaced(run_cli: Cli, trained: Path, tmp_path: Path) -> None:
    images.write(tmp_path / "x.png", np.zeros((8, 8, 3), np.uint8))
    before = (tmp_path / "x.png").read_bytes()
    for inputs in (tmp_path, tmp_path / "x.png"):
        code, _, err = run_cli("translate", trained, inputs, "--out", tmp_path)
        assert code == 2
        assert "is an input too. Choose another --out" in err
    assert (tmp_path / "x.png").read_bytes() == before


def test_outputs_never_meet(tmp_path: Path) -> None:
    for name in ("x.png", "x.jpg", "x.png.webp", "X.PNG"):
        (tmp_path / name).touch()
    outputs = [job.output for job in plan([tmp_path], tmp_path / "out")]
    assert len(set(outputs)) == 4


def test_one_bad_image_stops_nothing_and_is_not_lost(run_cli: Cli, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.png").write_bytes(b"<html>not found</html>")
    images.write(tmp_path / "in" / "good.png", np.zeros((8, 8, 3), np.uint8))
    code, _, err = run_cli("translate", trained, tmp_path / "in", "--out", tmp_path / "out")
    assert code == 65
    assert "bad.png" in err
    assert "1 of 2 images could not be translated" in err
    assert [p.name for p in (tmp_path / "out").glob("*.png")] == ["good.png"]


def test_limit_of_pixels_is_raised_by_the_flag_that_the_refusal_names(
    run_cli: Cli, trained: Path, tmp_path: Path
) -> None:
    header = struct.pack(">IIBBBBB", 8000, 7500, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", b""), (b"IEND", b"")]  # 60 megapixels are claimed, and none is there
    data = b"".join(len(body).to_bytes(4, "big") + kind + body + crc(kind + body) for kind, body in chunks)
    (tmp_path / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    code, _, err = run_cli("translate", trained, tmp_path / "large.png", "--out", tmp_path / "out")
    assert code == 65
    assert "allow more: --max-pixels=60000000." in err
    allowed = ("--max-pixels", 60_000_000)
    code, _, err = run_cli("translate", trained, tmp_path / "large.png", "--out", tmp_path / "out", *allowed)
    assert code == 65
    assert "its pixels cannot be decoded" in err


def crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def test_resuming_a_finished_run_says_that_nothing_is_left_and_how_to_have_more(run_cli: Cli, trained: Path) -> None:
    code, out, err = run_cli("train", "--resume", trained, "--workers", 0)
    assert (code, err) == (0, "")
    assert f"Nothing was left to do. For more: i2i train --resume {trained} --steps N, or --epochs N\n" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["train", "--epochs", "abc"], "'--epochs': input should be a whole number (got 'abc')."),
        (["translate", "m", "x", "--out", "o", "--mode", "papr"], "'running'. Did you mean 'paper'?"),
    ],
)
def test_flags_are_refused_in_plain_words(run_cli: Cli, arguments: list[str], complaint: str) -> None:
    code, _, err = run_cli(*arguments)
    assert code == 2
    assert complaint in " ".join(err.replace("│", "").split())


def test_translating_nothing_or_with_nothing_is_said(run_cli: Cli, trained: Path, tmp_path: Path) -> None:
    assert run_cli("translate", trained, tmp_path, "--out", tmp_path / "out")[0] == 65
    images.write(tmp_path / "x.png", np.zeros((8, 8, 3), np.uint8))
    code, _, err = run_cli("translate", tmp_path / "nothing", tmp_path / "x.png", "--out", tmp_path / "out")
    assert code == 66
    assert "neither a model folder" in err


def test_a_broken_plugin_is_a_warning_and_stops_nothing(run_cli: Cli, trained: Path, tmp_path: Path) -> None:
    class Broken:
        @i2i.hookimpl
        def i2i_commands(self, app: object) -> None:
            raise ImportError("no module named 'nothing'")

        @i2i.hookimpl
        def i2i_generators(self) -> dict[str, type]:
            raise RuntimeError("out of generators")

    images.write(tmp_path / "x.png", np.zeros((8, 8, 3), np.uint8))
    broken = Broken()
    for group in (COMMANDS, COMPONENTS):
        installed(group).register(broken, "broken", "i2i-broken", "0.3")
    try:
        code, _, err = run_cli("translate", trained, tmp_path / "x.png", "--out", tmp_path / "out")
    finally:
        installed.cache_clear()
    assert code == 0
    assert "plugin 'broken' (from i2i-broken 0.3): i2i_commands() fails: ImportError: no module named 'nothing'" in err
    assert "i2i_generators() fails: RuntimeError: out of generators" in err


def test_version_and_help_answer(run_cli: Cli) -> None:
    assert run_cli("--version")[1].strip() == i2i.__version__
    code, out, _ = run_cli("--help")
    assert code == 0
    assert all(command in out for command in ("prepare", "train", "translate", "plugins", "demo"))


def test_the_module_is_the_same_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["i2i", "--version"])
    with pytest.raises(SystemExit):
        runpy.run_module("i2i", run_name="__main__")
    assert capsys.readouterr().out.strip() == i2i.__version__
