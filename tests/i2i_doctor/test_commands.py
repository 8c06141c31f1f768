"""``i2i data``: what is printed, what is written where, and the exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from sound_pairs import picture, write

from i2i import images
from i2i.cli.groups import group_of
from i2i.errors import UnknownNameError
from i2i.pairs import Pixels
from i2i_doctor.examination import statistics_of

RunCli = Callable[..., tuple[int, str, str]]

FITTING = ("--generator", "unet,depth=3", "--workers", 0)


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures of 64x64 and their negatives: ``n0`` to ``n2`` to train on, ``n3`` and ``n4`` to validate on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for number in range(5):
        write(tmp_path / "pairs", "train" if number < 3 else "val", f"n{number}", square(number), 255 - square(number))
    return tmp_path / "pairs"


def square(seed: int) -> Pixels:
    return picture(seed)[:64, :64]


def test_a_sound_dataset_is_exit_code_0_and_a_page_beside_it(run_cli: RunCli, dataset: Path) -> None:
    code, out, err = run_cli("data", "check", dataset, *FITTING)
    assert (code, err) == (0, "")
    assert "folders imageA and imageB" in out
    assert "Nothing is wrong" in out
    assert "0 errors, 0 warnings, 0 notes. Page: pairs-check/check.html" in out
    assert sorted(file.name for file in Path("pairs-check").iterdir()) == ["check.html", "check.json"]


def test_an_error_is_exit_code_65_and_said_with_its_name(run_cli: RunCli, dataset: Path, tmp_path: Path) -> None:
    (dataset / "train/imageA/n0.png").rename(dataset / "train/imageA/n_0.png")
    code, out, err = run_cli("data", "check", dataset, *FITTING, "--out", tmp_path / "deep" / "page")
    assert code == 65
    assert "Did you mean 'n0'?" in out
    assert err.startswith("Error: 2 things must be mended before training.")
    assert (tmp_path / "deep" / "page" / "check.html").is_file()


def test_json_is_all_that_is_printed(run_cli: RunCli, dataset: Path) -> None:
    images.write(dataset / "train/imageA/n0.png", np.zeros((64, 64, 3), np.uint8))
    code, out, err = run_cli("data", "check", dataset, *FITTING, "--json", "--quick", "--direction", "BtoA")
    assert (code, err) == (0, "")  # a warning alone
    said = json.loads(out)
    assert (said["pairs"], said["source"], [d["code"] for d in said["diagnoses"]]) == (5, ["imageB"], ["blank"])
    assert said == json.loads(Path("pairs-check/check.json").read_text())


def test_labels_are_read_from_a_file(run_cli: RunCli, dataset: Path) -> None:
    Path("labels.txt").write_text("0 sky\n")
    code, out, _ = run_cli("data", "check", dataset, *FITTING, "--labels", "labels.txt", "--label-column", "imageB")
    assert code == 65
    assert "that no label declares" in out


def test_show_draws_source_and_target_side_by_side(run_cli: RunCli, dataset: Path) -> None:
    code, out, _ = run_cli("data", "show", dataset, "--number", 2)
    assert code == 0
    assert out.strip() == "2 pairs in pairs-train.png: n0, n2"
    sheet = images.read(Path("pairs-train.png")).pixels
    cells = [square(0), 255 - square(0), square(2), 255 - square(2)]
    expected = np.hstack([np.pad(c, ((2, 2), (2, 2), (0, 0)), constant_values=255) for c in cells])
    assert np.array_equal(sheet, expected)
    turned = ("--split", "val", "--number", 1, "--direction", "BtoA", "--out", "x/s.png")
    assert run_cli("data", "show", dataset, *turned)[0] == 0
    assert np.array_equal(images.read(Path("x/s.png")).pixels[2:66, 2:66], 255 - square(3))


def test_show_draws_lightness_and_the_colours_that_belong_to_it(run_cli: RunCli, dataset: Path) -> None:
    code, _, _ = run_cli("data", "show", dataset, "--number", 1, "--set", "dataset.colours=lab")
    assert code == 0
    sheet = images.read(Path("pairs-train.png")).pixels
    left, right = sheet[2:66, 2:66], sheet[2:66, 70:134]
    expected = cv2.cvtColor(255 - square(0), cv2.COLOR_RGB2Lab)[..., :1]
    assert np.abs(left.astype(int) - expected).max() <= 1
    assert np.array_equal(right, 255 - square(0))


def test_12_bits_in_16_are_shown_stretched_and_the_option_that_says_so_is_named(run_cli: RunCli, dataset: Path) -> None:
    for file in sorted(dataset.glob("*/imageA/*.png")):
        images.write(file, images.read(file).pixels.astype(np.uint16) * 16)
    code, out, _ = run_cli("data", "show", dataset, "--number", 1)
    assert code == 0
    assert "source use only a part of their 16 bits: 4095 is shown as white" in out
    shown = images.read(Path("pairs-train.png")).pixels[2:66, 2:66]
    assert np.abs(shown.astype(int) - square(0) * (4080 / 4095)).max() <= 1
    code, out, _ = run_cli("data", "check", dataset, *FITTING)
    assert code == 0
    assert "--set dataset.source_range=[0,4095]" in out
    assert "4095 is shown as white" in Path("pairs-check/check.html").read_text()
    out = run_cli("data", "check", dataset, *FITTING, "--direction", "BtoA")[1]
    assert "--set dataset.target_range=[0,4095]" in out


def test_statistics_are_those_of_numpy_over_all_pixels(run_cli: RunCli, dataset: Path) -> None:
    code, out, _ = run_cli("data", "stats", dataset, "--json", "--split", "train", "--workers", 2)
    assert code == 0
    a, b = json.loads(out)
    whole = np.stack([square(number) for number in range(3)]).astype(np.float64)
    assert (a["column"], b["column"], a["images"], a["pixels"]) == ("imageA", "imageB", 3, 3 * 64 * 64)
    for channel in range(3):
        values = whole[..., channel]
        expected = {"min": values.min(), "max": values.max(), "mean": values.mean(), "std": values.std()}
        assert a["values"][channel] == pytest.approx(expected, rel=1e-12)
        assert b["values"][channel]["mean"] == pytest.approx(255 - values.mean(), rel=1e-12)
    spread = whole.max(axis=-1) - whole.min(axis=-1)
    assert a["coloured"] == pytest.approx((spread > 25.5).mean())
    out = run_cli("data", "stats", dataset, "--workers", 0)[1]
    assert "imageA" in out
    assert "std" in out
    luma = whole @ (0.299, 0.587, 0.114)
    assert a["dark"] == pytest.approx((luma < 127.5).mean(), abs=1e-3)


def test_statistics_of_16_bits_and_floats_are_those_of_numpy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    deep = [rng.integers(0, 65536, (40, 50, 1)).astype(np.uint16) for _ in range(2)]
    floats = [rng.uniform(-1, 1, (40, 50, 5)).astype(np.float32) for _ in range(2)]
    for number in range(2):
        for half, pixels in (("imageA", deep[number]), ("imageB", floats[number])):
            place = tmp_path / "d" / "train" / half
            place.mkdir(parents=True, exist_ok=True)
            images.write(place / f"{number}{images.suffix_for(pixels)}", pixels)
    a, b = statistics_of(tmp_path / "d", workers=1)
    assert a["values"][0]["std"] == pytest.approx(np.stack(deep).astype(np.float64).std(), rel=1e-12)
    assert len(b["values"]) == 5
    assert b["values"][4]["mean"] == pytest.approx(np.stack(floats)[..., 4].astype(np.float64).mean(), rel=1e-9)
    assert b["values"][4]["std"] == pytest.approx(np.stack(floats)[..., 4].astype(np.float64).std(), rel=1e-9)


def test_statistics_stop_at_an_image_that_cannot_be_read(run_cli: RunCli, dataset: Path) -> None:
    (dataset / "val/imageB/n4.png").write_bytes(b"")
    code, _, err = run_cli("data", "stats", dataset, "--workers", 0)
    assert code == 65
    assert "val/n4" in err
    assert "i2i data check" in err


def test_an_unknown_split_or_dataset_is_one_line(run_cli: RunCli, dataset: Path) -> None:
    for command in ("show", "stats"):
        code, _, err = run_cli("data", command, dataset, "--split", "vall")
        assert code == 66
        assert "no split 'vall'" in err
    assert run_cli("data", "check", "nothing-here")[0] == 66


def test_options_of_the_dataset_are_given_as_to_training(run_cli: RunCli, dataset: Path) -> None:
    for file in sorted(dataset.glob("*/*/*.png")):
        images.write(file, images.read(file).pixels.astype(np.uint16) * 16)
    for side, name in (("imageA", "night"), ("imageB", "day")):
        for split in ("train", "val"):
            (dataset / split / side).rename(dataset / split / name)
    said = ["--set", "dataset.source=[night]", "--set", "dataset.target=[day]"]
    said += ["--set", "dataset.source_range=[0,4080]"]
    code, out, _ = run_cli("data", "check", dataset, *FITTING, *said, "--set", "dataset.target_range=[0,4080]")
    assert (code, "source night, target day" in out, "Nothing is wrong" in out) == (0, True, True)
    assert run_cli("data", "show", dataset, "--number", 1, *said, "--set", "dataset.target_range=[0,4080]")[0] == 0
    shown = images.read(Path("pairs-train.png")).pixels[2:66, 2:66]
    assert np.abs(shown.astype(int) - square(0)).max() <= 1
    code, out, _ = run_cli("data", "stats", dataset, *said, "--workers", 0, "--json", "--split", "val")
    day, night = json.loads(out)
    assert (day["dtype"], night["dtype"]) == ("uint16", "float32")
    assert night["values"][0]["max"] == pytest.approx(np.stack([square(3), square(4)])[..., 0].max() / 127.5 - 1)


def test_other_settings_of_training_are_refused(run_cli: RunCli, dataset: Path) -> None:
    for command in ("check", "show", "stats"):
        code, _, err = run_cli("data", command, dataset, "--set", "data.crop=64")
        assert code == 2
        assert "--set data: only options of the dataset" in err


def test_a_group_of_commands_that_is_not_there_is_refused() -> None:
    app = typer.Typer()
    app.add_typer(typer.Typer(), name="data")
    with pytest.raises(UnknownNameError, match="Did you mean 'data'"):
        group_of(app, "dta")
