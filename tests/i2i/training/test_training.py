import errno
import json
import os
import re
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import count
from math import isnan, nan
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter
from training_runs import Heard, assert_same, rows, tiny

import i2i
from i2i import images
from i2i.config import read_file, resolve
from i2i.data.jitter import Jitter
from i2i.data.order import order
from i2i.errors import DataError, DiskFullError, MissingInputError, ResourceError, UsageError
from i2i.kinds import COMPONENTS
from i2i.plugins import installed
from i2i.said import parse_assignments
from i2i.training import resume, run, saving, setup, tensor_file, train
from i2i.training.folder import RunFolder
from i2i.training.memory import smaller_settings
from i2i.training.reporting import NonFiniteError, Reporter
from i2i.training.updates import Updater
from i2i.training.validation import Validator


@pytest.fixture(scope="module")
def once(shared_pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 12 steps that no test changes."""
    return train(tiny(shared_pairs), tmp_path_factory.mktemp("once") / "run").folder


@pytest.fixture
def finished(once: Path, tmp_path: Path) -> Path:
    """A copy of it, of the test's own."""
    return Path(shutil.copytree(once, tmp_path / "run"))


def test_a_run_on_images_that_rest_on_the_device_is_the_same_run(
    once: Path, shared_pairs: Path, tmp_path: Path
) -> None:
    resident = train(tiny(shared_pairs).change(data={"cache": "device"}), tmp_path / "run").folder
    assert_same(resident, once, 12)


def test_a_run_leaves_everything_that_repeats_it(pairs_folder: Path, tmp_path: Path) -> None:
    outcome = train(tiny(pairs_folder), tmp_path / "run")
    folder = outcome.folder
    assert outcome.step == 12
    steps = [row for row in rows(folder) if "generator/pixel" in row]
    assert [row["step"] for row in steps] == list(range(1, 13))
    assert [row["epoch"] for row in steps] == [1] * 6 + [2] * 6
    validations = {row["step"]: row["validation"] for row in rows(folder) if "validation" in row}
    assert set(validations) == {4, 8, 12}
    assert outcome.best == {
        "step": min(validations, key=lambda s: validations[s]["l1"]),
        **min(validations.values(), key=lambda v: v["l1"]),
    }
    assert json.loads((folder / "model" / "config.json").read_text())["step"] == outcome.best["step"]
    assert json.loads((folder / "model-last" / "config.json").read_text())["step"] == 12
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == [
        "latest.json",
        "step-000000010",
        "step-000000012",
    ]
    height, width, _ = images.read(folder / "samples" / "step-000000012.png").pixels.shape
    assert (2 * 20 < height < 3 * 20, width) == (True, 3 * 20)
    assert json.loads((folder / "environment.json").read_text())["libraries"]["torch"] == torch.__version__


def test_the_saved_configuration_repeats_the_run_to_the_bit(shared_pairs: Path, once: Path, tmp_path: Path) -> None:
    train(resolve([read_file(once / "config.yaml")]), tmp_path / "second")
    for file in ("metrics.jsonl", "config.yaml", "model/generator.safetensors", "model-last/generator.safetensors"):
        assert (once / file).read_bytes() == (tmp_path / "second" / file).read_bytes(), file
    train(tiny(shared_pairs, training={"seed": 1}), tmp_path / "third")
    weights = "model-last/generator.safetensors"
    assert (once / weights).read_bytes() != (tmp_path / "third" / weights).read_bytes()


def test_training_learns(pairs_folder: Path, tmp_path: Path) -> None:
    config = tiny(pairs_folder, training={"steps": 60}, optimizer={"lr": 5e-3}, validation={"every": 30})
    train(config, tmp_path / "run")
    l1 = [row["validation"]["l1"] for row in rows(tmp_path / "run") if "validation" in row]
    assert l1[-1] < 0.75 * rows(tmp_path / "run")[0]["generator/pixel"] / 100


def test_validation_does_not_change_what_is_trained(shared_pairs: Path, once: Path, tmp_path: Path) -> None:
    train(tiny(shared_pairs, validation={"every": 1000, "images": 1}), tmp_path / "rarely")
    weights = "model-last/generator.safetensors"
    assert (once / weights).read_bytes() == (tmp_path / "rarely" / weights).read_bytes()


def test_linear_schedule_falls_to_almost_zero(pairs_folder: Path, tmp_path: Path) -> None:
    train(tiny(pairs_folder, schedule={"name": "linear"}), tmp_path / "run")
    factors = [row["lr"] / 2e-4 for row in rows(tmp_path / "run") if "lr" in row]
    assert factors == pytest.approx([1, 1, 1, 1, 1, 1, 6 / 7, 5 / 7, 4 / 7, 3 / 7, 2 / 7, 1 / 7])


def rates(folder: Path) -> list[float]:
    return [row["lr"] for row in rows(folder) if "lr" in row]


def test_another_learning_rate_after_resuming_is_said_with_the_way_to_keep_the_old_one(
    pairs_folder: Path, tmp_path: Path
) -> None:
    folder, length, heard = tmp_path / "run", {"training": {"steps": 24}}, Heard()
    train(tiny(pairs_folder, schedule={"name": "linear"}), folder)
    shutil.copytree(folder, tmp_path / "kept")
    resume(folder, length, heard)
    # the last of 12 steps has a seventh of the rate; of 24 steps the thirteenth has 12 of 13 parts
    assert heard.warnings == [
        "The learning rate was 2.86e-05 at step 12 and is 0.000185 at step 13: its schedule follows the new length of "
        "24 steps (was 12). To keep the old end, resume with --set schedule.name=constant --set optimizer.lr=2.86e-05."
    ]
    assert rates(folder)[11:13] == pytest.approx([2e-4 / 7, 2e-4 * 12 / 13])
    as_advised = parse_assignments(re.findall(r"--set (\S+[^.\s])", heard.warnings[0]))
    resume(tmp_path / "kept", length | as_advised)
    assert rates(tmp_path / "kept")[11:] == pytest.approx([2e-4 / 7] * 13, rel=1e-2)


@pytest.mark.parametrize("schedule", [{"name": "constant"}, {"name": "linear"}, {"name": "step", "at": [11, 13]}])
def test_a_learning_rate_that_goes_on_as_it_would_have_is_no_news(
    pairs_folder: Path, tmp_path: Path, schedule: dict[str, Any]
) -> None:
    heard = Heard()
    train(tiny(pairs_folder, schedule=schedule), tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step-000000012")
    (tmp_path / "run" / "checkpoints" / "latest.json").unlink()  # as if killed after step 10
    resume(tmp_path / "run", {"training": {"steps": 12 if schedule["name"] == "linear" else 14}}, heard)
    assert heard.warnings == []


def test_the_rate_of_one_network_may_change_when_a_run_is_resumed(finished: Path) -> None:
    heard = Heard()
    changes: dict[str, dict[str, Any]] = {"training": {"steps": 14}, "optimizer": {"discriminator": {"lr": 0.5}}}
    resume(finished, changes, heard)
    assert heard.warnings == ["The learning rate of discriminator was 0.0002 at step 12 and is 0.5 at step 13."]
    state = json.loads((finished / "checkpoints" / "step-000000014" / "state.json").read_text())
    assert [state["optimizers"][name][0]["lr"] for name in ("generator", "discriminator")] == [2e-4, 0.5]
    assert read_file(finished / "config.yaml")["optimizer"]["discriminator"] == {"lr": 0.5}
    with pytest.raises(UsageError, match=r"optimizer\.discriminator\.betas cannot change"):
        resume(finished, {"optimizer": {"discriminator": {"betas": [0, 0]}}})


def test_validation_measures_the_average(shared_pairs: Path, once: Path, tmp_path: Path) -> None:
    def validated(run: Path) -> list[float]:
        return [row["validation"]["l1"] for row in rows(run) if "validation" in row]

    train(tiny(shared_pairs, average={"generator": 1 - 1e-7}, inference={"mode": "deterministic"}), tmp_path / "kept")
    assert max(validated(tmp_path / "kept")) == pytest.approx(min(validated(tmp_path / "kept")), abs=1e-5)
    assert max(validated(once)) > min(validated(once)) + 1e-4
    # without any memory the average is the network
    train(tiny(shared_pairs, average={"generator": 0}), tmp_path / "none")
    assert_same(once, tmp_path / "none", 12)


def test_without_a_validation_split_the_last_model_is_kept(pairs_folder: Path, tmp_path: Path) -> None:
    (pairs_folder / "val").rename(pairs_folder / "elsewhere")
    outcome = train(tiny(pairs_folder), tmp_path / "run")
    assert outcome.best is None
    model, last = (tmp_path / "run" / name / "generator.safetensors" for name in ("model", "model-last"))
    assert model.read_bytes() == last.read_bytes()


def test_a_held_out_split_may_be_all_gray(pairs_folder: Path, tmp_path: Path) -> None:
    for file in (pairs_folder / "val").rglob("*.png"):
        images.write(file, images.read(file, channels=1).pixels)
    assert train(tiny(pairs_folder), tmp_path / "run").best is not None


def test_a_folder_that_holds_a_run_is_not_overwritten(shared_pairs: Path, finished: Path) -> None:
    before = (finished / "metrics.jsonl").read_bytes()
    with pytest.raises(UsageError, match=r"holds a run\. Go on with it by --resume"):
        train(tiny(shared_pairs, training={"seed": 9}), finished)
    assert (finished / "metrics.jsonl").read_bytes() == before


def test_a_size_that_the_generator_cannot_take_is_refused_before_the_first_step(
    pairs_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        UsageError, match=r"generator 'unet' \(depth=3.*divisible by 8, and data.crop is 21\. Say --size 24,"
    ):
        train(tiny(pairs_folder, generator={"depth": 3}, data={"crop": 21}), tmp_path / "run")
    with pytest.raises(UsageError, match=r"divisible by 32, and data.crop is 3\. Say --size 32,"):
        train(tiny(pairs_folder, generator={"depth": 5}, data={"crop": 3}), tmp_path / "run")
    with pytest.raises(UsageError, match=r"divisible by 8, and data.crop is \[16,21\]\. Say --size 16x24,"):
        train(tiny(pairs_folder, generator={"depth": 3}, data={"crop": [16, 21]}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_resuming_a_finished_run_does_nothing(finished: Path) -> None:
    before = {p: p.read_bytes() for p in finished.rglob("*") if p.is_file() and p.name != ".lock"}
    assert resume(finished).step == 12
    assert {p: p.read_bytes() for p in finished.rglob("*") if p.is_file() and p.name != ".lock"} == before


@pytest.mark.parametrize(("module", "name"), [(os, "fsync"), (tensor_file, "sum_of")], ids=["late", "while written"])
def test_full_disk_says_how_the_run_goes_on(
    pairs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    works = getattr(module, name)

    def fails(given: object) -> object:
        if threading.current_thread() is threading.main_thread():
            return works(given)
        raise OSError(errno.ENOSPC, "no space left")

    class FillsTheDisk(Reporter):
        def started(self, *_: object) -> None:
            monkeypatch.setattr(module, name, fails)

    said = rf"\. Make room and go on with: i2i train --resume {tmp_path / 'run'}$"
    with pytest.raises(DiskFullError, match=said):  # before there is any checkpoint
        train(tiny(pairs_folder, training={"steps": 3}), tmp_path / "run", FillsTheDisk())
    monkeypatch.undo()
    assert list((tmp_path / "run").rglob(".i2i-tmp*")) == []
    assert resume(tmp_path / "run").step == 3
    with pytest.raises(DiskFullError, match=said):
        resume(tmp_path / "run", {"training": {"steps": 7}}, FillsTheDisk())
    monkeypatch.undo()
    assert resume(tmp_path / "run").step == 7


def test_a_longer_run_equals_one_that_was_resumed_to_that_length(
    shared_pairs: Path, finished: Path, tmp_path: Path
) -> None:
    train(tiny(shared_pairs, training={"steps": 18}), tmp_path / "whole")
    resume(finished, {"training": {"steps": 14}})
    assert resume(finished).step == 14  # a change is kept
    assert resume(finished, {"training": {"epochs": 3}}).step == 18
    weights = "model-last/generator.safetensors"
    assert (tmp_path / "whole" / weights).read_bytes() == (finished / weights).read_bytes()
    assert [r["step"] for r in rows(finished) if "lr" in r] == list(range(1, 19))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"generator": {"depth": 1}}, "cannot change when a run is resumed"),
        ({"training": {"batch_size": 2}}, "cannot change when a run is resumed"),
        ({"recipe": {"name": "x"}}, "cannot change when a run is resumed"),
        ({"training": {"keep": 0}}, "greater than"),
        ({"training": {"steps": -5}}, "greater than"),
        ({"data": {"workers": -1}}, "greater than"),
    ],
)
def test_changes_at_resuming_are_checked(once: Path, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        resume(once, changes)


def test_resuming_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"holds no run to resume"):
        resume(tmp_path)


def test_a_folder_of_somebody_elses_files_is_left_alone(pairs_folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "project" / "model" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(UsageError, match="is not empty: it holds 'model'"):
        train(tiny(pairs_folder), tmp_path / "project")
    assert mine.read_text() == "precious"


def test_a_run_that_made_no_step_does_not_occupy_its_folder(pairs_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="PatchGAN with 5 layers needs images of at least 96x96"):
        train(tiny(pairs_folder, discriminator={"layers": 5}), tmp_path / "run")
    assert train(tiny(pairs_folder), tmp_path / "run").step == 12


def test_what_cannot_be_measured_is_said_before_the_first_step(pairs_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ssim needs images of 11x11"):
        train(tiny(pairs_folder, data={"crop": 8}, validation={"metrics": ["l1", "ssim"]}), tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def leave_torn(run: Path) -> list[Path]:
    """What a run that is killed while it writes a model, a checkpoint and a sample leaves."""
    torn = [run / ".i2i-tmp-1-a-new", run / "checkpoints" / ".i2i-tmp-1-b-new", run / "samples" / ".i2i-tmp-1-c"]
    for leftover in torn[:2]:
        leftover.mkdir(parents=True)
        (leftover / "generator.safetensors").write_bytes(bytes(100))
    torn[2].parent.mkdir(exist_ok=True)
    torn[2].write_bytes(bytes(100))
    return torn


def test_what_a_killed_run_had_half_written_is_gone_at_the_next_start(finished: Path) -> None:
    torn = leave_torn(finished)
    others = finished / "translated" / ".i2i-tmp-2-d"  # of somebody who is at work in there
    others.mkdir(parents=True)
    resume(finished)
    assert not any(leftover.exists() for leftover in torn)
    assert others.exists()


def test_a_run_that_was_killed_before_its_first_step_is_begun_anew(pairs_folder: Path, tmp_path: Path) -> None:
    torn = leave_torn(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    (tmp_path / "run" / "config.yaml").touch()
    assert train(tiny(pairs_folder), tmp_path / "run").step == 12
    assert not any(leftover.exists() for leftover in torn)


@pytest.mark.parametrize("started", ["anew", "resumed"])
def test_a_second_start_is_refused_before_anything_is_read(
    shared_pairs: Path, finished: Path, monkeypatch: pytest.MonkeyPatch, started: str
) -> None:
    monkeypatch.setattr(run, "set_up", lambda *_: pytest.fail("data were read"))
    here = rf"Process {os.getpid()} is at work in '{finished}' \(on {re.escape(socket.gethostname())}, since "
    with RunFolder(finished).held(), pytest.raises(UsageError, match=here):
        train(tiny(shared_pairs), finished) if started == "anew" else resume(finished)


def test_weights_that_are_not_finite_reach_no_file(pairs_folder: Path, tmp_path: Path) -> None:
    every_step: dict[str, dict[str, Any]] = {
        "training": {"checkpoint_every": 1},
        "validation": {"every": 1},
        "optimizer": {"lr": 1e38},
    }
    with pytest.raises(NonFiniteError, match=r"is not finite after step 1"):
        train(tiny(pairs_folder, recipe={"gan_weight": 0}, **every_step), tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert not (tmp_path / "run" / "model").exists()


def test_an_unreadable_image_costs_no_step(pairs_folder: Path, tmp_path: Path) -> None:
    last = order(0, 0, 6)[-1]
    assert last != 0  # which is looked at before the run
    broken = pairs_folder / "train" / "imageA" / f"{last:02}.png"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(DataError, match=broken.name):
        train(tiny(pairs_folder), tmp_path / "run")
    assert [row["step"] for row in rows(tmp_path / "run") if "lr" in row] == [1, 2, 3, 4, 5]
    assert (tmp_path / "run" / "checkpoints" / "step-000000005").is_dir()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills by signal")
def test_a_killed_reader_ends_the_run_which_is_saved_and_goes_on_to_the_same_bits(
    pairs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tiny(pairs_folder), tmp_path / "whole")
    main, read, jittered, folder = os.getpid(), count(1), Jitter.train, tmp_path / "run"

    def deadly(*arguments: Any) -> Any:
        if os.getpid() != main and next(read) == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return jittered(*arguments)

    monkeypatch.setattr(Jitter, "train", deadly)
    monkeypatch.setattr(_MultiProcessingDataLoaderIter._try_get_data, "__defaults__", (0.2,))
    with pytest.raises(ResourceError, match=r"killed by SIGKILL") as death:
        train(tiny(pairs_folder, data={"workers": 1, "cache": "none"}, training={"checkpoint_every": 1000}), folder)
    monkeypatch.undo()
    saved = int(json.loads((folder / "checkpoints" / "latest.json").read_text())["checkpoint"].removeprefix("step-"))
    assert 5 <= saved == len(rates(folder)) <= 7  # two batches may have been read ahead
    assert str(death.value).endswith(
        f"The last checkpoint is {folder}/checkpoints/step-{saved:09d}. Go on with: i2i train --resume {folder}"
    )
    assert resume(folder).step == 12
    assert_same(folder, tmp_path / "whole", 12)


class Scripted(nn.Module):
    """A metric whose figures a test gives: of what is tried before the first step, then of three validations."""

    higher_is_better: ClassVar[bool]
    figures: ClassVar[Iterator[float]]

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.full((len(output),), next(self.figures))


@pytest.mark.parametrize(
    ("higher_is_better", "figures", "best"),
    [
        (True, (1.0, 3.0, 2.0), 8),
        (False, (1.0, 3.0, 2.0), 4),
        (True, (nan, 3.0, 2.0), 8),
        (False, (3.0, nan, nan), 4),
        (True, (nan, nan, nan), None),
    ],
)
def test_the_best_model_is_that_of_the_best_figure_that_there_is(
    pairs_folder: Path, tmp_path: Path, higher_is_better: bool, figures: tuple[float, ...], best: int | None
) -> None:
    class Plugin:
        @i2i.hookimpl
        def i2i_metrics(self) -> dict[str, type[nn.Module]]:
            return {"scripted": Scripted}

    Scripted.higher_is_better, Scripted.figures = higher_is_better, iter([9.0, *figures])
    plugins, plugin = installed(COMPONENTS), Plugin()
    plugins.register(plugin, "scripted")
    chosen = {"metrics": ["scripted"], "select": "scripted", "images": 1}
    outcome = train(tiny(pairs_folder, validation=chosen), tmp_path / "run")
    plugins.manager.unregister(plugin)
    kept = json.loads((tmp_path / "run" / "model" / "config.json").read_text())["step"]
    assert kept == (best or 12)
    assert outcome.best == (best and {"step": best, "scripted": 3.0 if best == 8 else figures[0]})
    noted = [row["validation"]["scripted"] for row in rows(tmp_path / "run") if "validation" in row]
    assert noted == [None if isnan(figure) else figure for figure in figures]


REFUSED = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to ..."


@pytest.mark.parametrize(
    ("where", "checkpoint"),
    [("assemble", None), ("Updater.step_in", None), ("Validator.measure", "step-000000002"), ("BegunModel", None)],
)
def test_memory_that_does_not_suffice_is_one_line_with_what_to_lower(
    pairs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, checkpoint: str | None
) -> None:
    def refuses(*_: object, **given: object) -> None:
        raise RuntimeError(REFUSED)

    config = tiny(pairs_folder, training={"batch_size": 4, "checkpoint_every": 2}, validation={"every": 3})
    measures: Iterator[Callable[..., Any]] = iter([Validator.measure, refuses])
    places: dict[str, tuple[Any, str, Any]] = {
        "assemble": (setup, "assemble", refuses),
        "Updater.step_in": (Updater, "step_in", refuses),
        "Validator.measure": (Validator, "measure", lambda *given: next(measures)(*given)),
        "BegunModel": (saving, "BegunModel", refuses),
    }
    monkeypatch.setattr(*places[where])
    with pytest.raises(ResourceError) as refusal:
        train(config, tmp_path / "run")
    path = f"{tmp_path / 'run'}/checkpoints/{checkpoint}. Go on with: i2i train --resume {tmp_path / 'run'}"
    left = f"The last checkpoint is {path}" if checkpoint else "There is no checkpoint yet."
    assert str(refusal.value) == f"Out of memory. {smaller_settings(config)} {left}"


@pytest.mark.parametrize("workers", [0, 1])
def test_what_had_to_be_done_to_images_is_said_once_and_counted(
    pairs_folder: Path, tmp_path: Path, workers: int
) -> None:
    for name in ("01", "04"):
        file = pairs_folder / "train" / "imageA" / f"{name}.png"
        exif = Image.Exif()
        exif[0x0112] = 6  # a quarter turn
        Image.open(file).save(file, exif=exif)
    heard = Heard()
    train(tiny(pairs_folder, data={"workers": workers}), tmp_path / "run", heard)
    (line,) = heard.warnings
    assert re.fullmatch(r"imageA: turned .*, in (1 of 4|2 of 4) training pairs read so far, first in '0[14]'\.", line)


def test_a_log_that_was_removed_is_begun_anew(finished: Path) -> None:
    (finished / "metrics.jsonl").unlink()
    resume(finished, {"training": {"steps": 14}})
    assert [row["step"] for row in rows(finished) if "lr" in row] == [13, 14]


STILL: dict[str, Any] = {
    "optimizer": {"lr": 1e-30},
    "validation": {"every": 2},
    "inference": {"mode": "deterministic"},
}
"""Settings with which a network does not change, so that no validation is better than the first one."""


def figures_of(run: Path) -> list[float]:
    return [row["validation"]["l1"] for row in rows(run) if "validation" in row]


def test_a_run_ends_early_after_validations_without_a_better_one(shared_pairs: Path, tmp_path: Path) -> None:
    outcome = train(tiny(shared_pairs, **STILL, training={"patience": 3}), tmp_path / "run")
    assert (outcome.step, len(figures_of(tmp_path / "run"))) == (8, 4)
    assert "l1 has not become better since step 2, in 3 validations" in outcome.words
    again = resume(tmp_path / "run")
    assert (again.step, again.early) == (8, outcome.early)
    longer = resume(tmp_path / "run", {"training": {"patience": 4}})
    assert (longer.step, "in 4 validations" in longer.early) == (10, True)
    assert resume(tmp_path / "run", {"training": {"patience": None}}).words == "12 steps"


def test_patience_counts_on_when_a_run_is_resumed(shared_pairs: Path, tmp_path: Path) -> None:
    train(tiny(shared_pairs, **STILL, training={"patience": 3, "steps": 5}), tmp_path / "run")
    # validated after steps 2, 4, 5, which was its end, and 6
    assert resume(tmp_path / "run", {"training": {"steps": 12}}).step == 6


def test_patience_without_a_figure_to_wait_for_is_refused(shared_pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"training.patience is 3, .* Say a figure with validation\.select"):
        train(tiny(shared_pairs, training={"patience": 3}, validation={"select": "last"}), tmp_path / "run")
