"""From Python: functions with the names of the flags do what the command line does, and leave no trace."""

import inspect
import logging
import multiprocessing
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer

import i2i
from i2i import images, safe_yaml
from i2i.cli.app import build_app
from i2i.errors import I2iError, UsageError
from i2i.preparation.settings import TAKEN, Settings, own_options
from i2i.training import Outcome, Reporter

Cli = Callable[..., tuple[int, str, str]]

TINY: dict[str, Any] = {
    "generator": {"depth": 2, "base_channels": 2},
    "discriminator.layers": 1,
    "discriminator.base_channels": 2,
    "training.threads": 1,
    "validation.images": 1,
}
GUARDED = "A script that starts processes needs `if __name__ == '__main__':` around its calls."
WEIGHTS = "model-last/generator.safetensors"


def parameters(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters)


def flags(*words: str) -> set[str]:
    """Names of all that a command takes, as a caller in Python writes them."""
    command: Any = typer.main.get_command(build_app())
    for word in words:
        command = command.get_command(command.make_context("i2i", [], resilient_parsing=True), word)
    names = {option for parameter in command.params for option in parameter.opts}
    return {name.removeprefix("--").replace("-", "_") for name in names} - {"help"}


def small_run(data: Path, out: Path, **given: Any) -> Outcome:
    return i2i.train(
        "pix2pix", data, out, **{"size": 16, "steps": 2, "workers": 0, "device": "cpu", "set": TINY, **given}
    )


def test_train_takes_what_its_flags_are_called() -> None:
    # processes are started out of a command line; a script is started by torchrun
    assert parameters(i2i.train) - {"reporter"} == flags("train") - {"seeds", "nproc"}


@pytest.mark.parametrize("preparer", ["edges", "tiles"])
def test_prepare_takes_what_its_flags_are_called(preparer: str) -> None:
    named = parameters(i2i.prepare) - {"name", "options", "on_progress"}
    taken = named | {*Settings.model_fields} - {"options"} | {*own_options(preparer)}
    assert taken == flags("prepare", preparer) - {"json"}
    assert parameters(i2i.prepare) - {"options"} | {"json"} == {*TAKEN}


def test_a_translator_takes_what_flags_of_translate_are_called() -> None:
    assert parameters(i2i.Translator.load) - {"path"} <= flags("translate")
    assert parameters(i2i.Translator.__call__) - {"self", "inputs", "more"} <= flags("translate")


def test_images_become_a_dataset_a_run_and_pictures_in_one_process(tmp_path: Path, shared_pairs: Path) -> None:
    photos, pairs = shared_pairs / "train" / "imageA", tmp_path / "pairs"
    report = i2i.prepare("edges", photos, pairs, method="canny", size=32, val=0.5, workers=1)
    assert (report.made, report.rejected, report.folder) == (len(list(photos.iterdir())), {}, pairs)
    assert report.splits["val"] == report.made // 2
    outcome = small_run(pairs, tmp_path / "run")
    assert (outcome.step, outcome.folder) == (2, tmp_path / "run")
    translator = i2i.Translator.load(outcome.folder)
    photo = images.read(next(photos.iterdir())).pixels
    assert translator(photo).shape == photo.shape


def test_a_run_is_to_the_bit_the_one_of_the_command_line(run_cli: Cli, shared_pairs: Path, tmp_path: Path) -> None:
    flags = ["--plugin", "pix2pix", "--data", shared_pairs, "--size", "16x32", "--steps", 2, "--batch-size", 2]
    texts = ["generator.depth=2", "generator.base_channels=2", "discriminator.layers=1", "training.threads=1"]
    said = [word for text in texts for word in ("--set", text)]
    own = ["--use", "pixel_loss=50*l1+l2", "--seed", 5, "--workers", 0, "--device", "cpu"]
    code, _, err = run_cli("train", "--out", tmp_path / "typed", *flags, *own, *said)
    assert code == 0, err
    forms: list[dict[str, Any]] = [
        {"use": {"pixel_loss": "50*l1+l2"}, "set": {"generator": {"depth": 2, "base_channels": 2}}, "size": (16, 32)},
        {"use": "pixel_loss=50*l1+l2", "set": texts[:2], "size": "16x32"},
        {
            "use": {"pixel_loss": [{"name": "l1", "weight": 50}, {"name": "l2"}]},
            "set": {"generator.depth": 2, "generator.base_channels": 2},
            "size": [16, 32],
        },
    ]
    rest: dict[str, Any] = {"discriminator": {"layers": 1}, "training": {"threads": 1}}
    common: dict[str, Any] = {"steps": 2, "batch_size": 2, "seed": 5, "workers": 0, "device": "cpu"}
    for number, form in enumerate(forms):
        out = tmp_path / f"called-{number}"
        i2i.train("pix2pix", shared_pairs, out, config=rest, **common, **form)
        assert safe_yaml.load((out / "config.yaml").read_text(), "") == safe_yaml.load(
            (tmp_path / "typed" / "config.yaml").read_text(), ""
        )
        assert (out / WEIGHTS).read_bytes() == (tmp_path / "typed" / WEIGHTS).read_bytes()


def test_a_dataset_is_to_the_bit_the_one_of_the_command_line(run_cli: Cli, shared_pairs: Path, tmp_path: Path) -> None:
    photos = shared_pairs / "train" / "imageA"
    flags = ["--size", 24, "--range", "0:255", "--val", 0.3, "--seed", 3, "--workers", 1, "--quiet"]
    assert run_cli("prepare", "grayscale", photos, tmp_path / "typed", *flags) == (0, "", "")
    options: dict[str, Any] = {"size": 24, "range": (0, 255), "val": 0.3, "seed": 3, "workers": 1}
    i2i.prepare("grayscale", [photos], tmp_path / "called", **options)
    files = [
        {str(file.relative_to(tmp_path / name)): file.read_bytes() for file in (tmp_path / name).rglob("*.*")}
        for name in ("typed", "called")
    ]
    assert files[0] == files[1]


def test_settings_of_python_overrule_each_other_as_flags_do(shared_pairs: Path, tmp_path: Path) -> None:
    outcome = small_run(shared_pairs, tmp_path / "run", set=TINY | {"training.steps": 5, "training.seed": 3}, seed=4)
    config = safe_yaml.load((outcome.folder / "config.yaml").read_text(), "")
    assert (config["training"]["steps"], config["training"]["seed"]) == (2, 4)


def test_a_run_goes_on_and_another_begins_with_it(shared_pairs: Path, tmp_path: Path) -> None:
    first = small_run(shared_pairs, tmp_path / "run")
    more = i2i.train(resume=first.folder, steps=3)
    assert (more.begun, more.step) == (2, 3)
    init = i2i.train(data=shared_pairs, out=tmp_path / "next", init=first.folder, steps=1, workers=0)
    assert init.step == 1


MISTAKES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "recipe": ({"plugin": "pix3pix"}, ["--plugin", "pix3pix"]),
    "part": ({"plugin": "pix2pix", "use": {"generator": "unett"}}, ["--plugin", "pix2pix", "--use", "generator=unett"]),
    "value": (
        {"plugin": "pix2pix", "set": {"generator.depth": -1}},
        ["--plugin", "pix2pix", "--set", "generator.depth=-1"],
    ),
    "form": ({"set": {"lr": 3}}, ["--set", "lr=3"]),
    "choice": ({"use": {"generator": ""}}, ["--use", "generator="]),
    "size": ({"size": "big"}, ["--size", "big"]),
    "data": ({"plugin": "pix2pix", "data": "nowhere"}, ["--plugin", "pix2pix", "--data", "nowhere"]),
    "resume": ({"resume": "nowhere"}, ["--resume", "nowhere"]),
    "file": ({"plugin_file": "no.py"}, ["--plugin-file", "no.py"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_an_error_with_the_line_of_the_command(
    mistake: str, run_cli: Cli, tmp_path: Path, shared_pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given, typed = MISTAKES[mistake]
    if mistake != "resume":
        given, typed = {"out": "run", **given}, ["--out", "run", *typed]
    if mistake in ("recipe", "part", "value"):
        given, typed = {"data": shared_pairs, **given}, ["--data", str(shared_pairs), *typed]
    code, _, err = run_cli("train", *typed)
    with pytest.raises(I2iError) as raised:
        i2i.train(**given)
    assert err == f"Error: {raised.value}\n"
    assert code == raised.value.exit_code
    assert not Path("run").exists()


def test_a_mistake_in_a_preparation_is_an_error_with_the_line_of_the_command(run_cli: Cli, tmp_path: Path) -> None:
    for given, typed in (({"val": 2}, ["--val", "2"]), ({"range": "low"}, ["--range", "low"])):
        with pytest.raises(UsageError) as raised:
            i2i.prepare("edges", tmp_path, tmp_path / "out", **given)
        if "range" in given:
            assert run_cli("prepare", "edges", tmp_path, tmp_path / "out", *typed)[2] == f"Error: {raised.value}\n"
    with pytest.raises(UsageError, match="option 'range': input should be a list"):
        i2i.prepare("edges", tmp_path, tmp_path / "out", range=5)
    with pytest.raises(UsageError, match=r"no option 'wrokers'. Did you mean 'workers'\?"):
        i2i.prepare("edges", tmp_path, tmp_path / "out", wrokers=2)


def test_a_dry_run_says_what_would_be_done(shared_pairs: Path, tmp_path: Path) -> None:
    text = i2i.prepare("edges", shared_pairs / "train" / "imageA", tmp_path / "out", method="canny", dry_run=True)
    assert text.endswith("Nothing has been written.")
    assert "--method canny" in text
    assert not (tmp_path / "out").exists()


def state() -> tuple[Any, ...]:
    numpy = np.random.get_state(legacy=False)
    return (
        torch.get_num_threads(),
        torch.get_rng_state().tolist(),
        random.getstate(),
        numpy["state"]["key"].tolist(),
        numpy["state"]["pos"],
        *(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)),
    )


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_global_is_put_back(fails: bool, shared_pairs: Path, tmp_path: Path) -> None:
    class Failing(Reporter):
        def started(self, facts: Any, done: int, total: int) -> None:
            during.append(state())
            if fails:
                raise UsageError("no")

    during: list[tuple[Any, ...]] = []
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    torch.manual_seed(77)
    np.random.rand(3), random.random()
    before = state()
    try:
        if fails:
            with pytest.raises(UsageError, match="no"):
                small_run(shared_pairs, tmp_path / "run", reporter=Failing())
        else:
            small_run(shared_pairs, tmp_path / "run", reporter=Failing())
        assert state() == before
        assert all(now != then for now, then in zip(during[0][:4], before[:4], strict=True))
    finally:
        torch.set_num_threads(threads)


def test_a_run_works_in_another_thread(shared_pairs: Path, tmp_path: Path) -> None:
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(small_run(shared_pairs, tmp_path / "run")))
    thread.start()
    thread.join()
    assert [outcome.step for outcome in outcomes] == [2]


def test_nothing_is_printed_and_warnings_are_logged(
    shared_pairs: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (data := tmp_path / "data").mkdir()
    (data / "train").symlink_to(shared_pairs / "train")
    monkeypatch.setattr(
        logging.getLogger("i2i"), "handlers", []
    )  # the command line, once called in this process, has one
    with caplog.at_level(logging.WARNING, "i2i"):
        small_run(data, tmp_path / "run")
    assert capfd.readouterr() == ("", "")
    assert [record.message for record in caplog.records if "no split 'val'" in record.message]


def test_it_is_shown_if_asked(shared_pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_run(shared_pairs, tmp_path / "run", quiet=False, steps=1)
    assert "recipe    pix2pix" in capsys.readouterr().out
    i2i.prepare("grayscale", shared_pairs / "val" / "imageA", tmp_path / "gray", quiet=False, workers=1)
    assert "made" in capsys.readouterr().out


@pytest.fixture
def unguarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process runs a script that prepares and trains whoever imports it, as its workers do."""
    script = tmp_path / "script.py"
    script.write_text("import i2i\ni2i.prepare('grayscale', 'photos', 'out')\ni2i.train()\n")
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)


@pytest.mark.usefixtures("unguarded")
def test_a_preparation_without_the_guard_ends_in_one_line(
    shared_pairs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(I2iError, match=GUARDED):
        i2i.prepare("grayscale", shared_pairs / "val" / "imageA", tmp_path / "out", workers=2)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("unguarded")
def test_a_run_without_the_guard_ends_in_one_line(
    shared_pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda: "spawn")  # as on macOS and Windows
    with pytest.raises(UsageError, match=GUARDED):
        small_run(shared_pairs, tmp_path / "run", workers=1)
    assert capfd.readouterr() == ("", "")


def test_importing_i2i_imports_no_torch() -> None:
    code = "import sys, i2i; i2i.train, i2i.prepare; print({'torch', 'numpy', 'cv2', 'pydantic'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
