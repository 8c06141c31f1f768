import builtins
import errno
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from training_runs import FRESH

from i2i.assembly import Component, Selection
from i2i.data.sides import Side
from i2i.errors import OutputError
from i2i.system.files import replace_folder, sweep
from i2i.training import checkpoint as checkpoint_module
from i2i.training.checkpoint import Checkpoint, DamagedError, load, newest, save
from i2i.translation.model import ModelConfig

OPERATIONS = ("open", "fsync", "rename", "replace", "mkdir", "unlink", "rmdir")


RGB = Side(channels=3, dtype="uint8")
CONFIG = ModelConfig(
    selection=Selection(recipe=Component(name="recipe"), parts={"generator": Component(name="network")}),
    providers={},
    source=RGB,
    target=RGB,
    size=8,
    direction="",
    mode="paper",
    step=0,
)


def make(step: int) -> Checkpoint:
    config = CONFIG.model_copy(update={"step": step})
    values = {"weight": torch.full((4, 3), float(step))}
    return Checkpoint({"step": step, "text": "x" * step}, {"recipe": values}, config, {"generator": values})


def assert_whole(checkpoint: Checkpoint | None, *steps: int) -> None:
    """The checkpoint is one of those, and not a mixture."""
    assert checkpoint is not None
    step = checkpoint.state["step"]
    assert step in steps
    assert checkpoint.state == make(step).state
    assert checkpoint.config.step == step
    for tensors in (checkpoint.tensors["recipe"], checkpoint.weights["generator"]):
        assert torch.equal(tensors["weight"], make(step).tensors["recipe"]["weight"])


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save(tmp_path, 7, make(7), keep=2)
    loaded, warnings = load(tmp_path)
    assert_whole(loaded, 7)
    assert warnings == []


def test_nothing_saved_is_nothing_loaded(tmp_path: Path) -> None:
    assert load(tmp_path / "nowhere") == (None, [])


def test_tied_weights_can_be_saved(tmp_path: Path) -> None:
    weight = torch.arange(6.0)
    tied = {"a": weight, "b": weight, "part": weight[2:4]}
    save(tmp_path, 1, Checkpoint({}, {"recipe": tied}, CONFIG, {"generator": tied}), keep=1)
    loaded, _ = load(tmp_path)
    assert loaded is not None
    assert loaded.tensors["recipe"]["part"].tolist() == loaded.weights["generator"]["part"].tolist() == [2, 3]


def test_the_last_ones_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4):
        save(tmp_path, step, make(step), keep=2)
    assert sorted(p.name for p in tmp_path.glob("step-*")) == ["step-000000003", "step-000000004"]


class Killer:
    """Stands in for the system calls of a save, and strikes at the n-th of them."""

    def __init__(self, patch: pytest.MonkeyPatch, strike: Callable[[], None], at: int) -> None:
        self.count, self.at, self.strike = 0, at, strike
        for name in OPERATIONS:
            module: Any = builtins if name == "open" else os
            patch.setattr(module, name, self.guarded(getattr(module, name)))
        # Path.open does not go through builtins.open
        patch.setattr(Path, "open", self.guarded(Path.open))

    def guarded(self, real: Any) -> Any:
        def call(*arguments: Any, **keywords: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                self.strike()
            return real(*arguments, **keywords)

        return call


def save_struck(root: Path, strike: Callable[[], None], at: int) -> bool:
    """Save step 2 and keep only it, being struck at one operation; whether the save got through unharmed."""
    with pytest.MonkeyPatch.context() as patch:
        killer = Killer(patch, strike, at)
        save(root, 2, make(2), keep=1)
        return killer.count < at


def kill_everywhere(parent: Path) -> None:
    """In a child process each: save step 1, be killed at the n-th operation of saving step 2. Writes how many n."""
    for at in range(1, 1000):
        root = parent / str(at)
        save(root, 1, make(1), keep=1)
        child = os.fork()
        if child == 0:
            # os._exit is as hard as SIGKILL: no handler, no cleanup
            os._exit(0 if save_struck(root, lambda: os._exit(9), at) else 1)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            (parent / "points").write_text(str(at - 1))
            return
    raise AssertionError("the save never ends")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_operation_the_old_or_the_new_one_is_whole(tmp_path: Path) -> None:
    process = FRESH.Process(target=kill_everywhere, args=(tmp_path,))  # this one has threads, and may not fork
    process.start()
    process.join()
    points = int((tmp_path / "points").read_text())
    assert points >= 15
    found = set()
    for at in range(1, points + 1):
        sweep(tmp_path / str(at))  # as the holder of the run's folder does
        checkpoint, _ = load(tmp_path / str(at))
        assert_whole(checkpoint, 1, 2)
        assert checkpoint is not None
        found.add(checkpoint.state["step"])
        save(tmp_path / str(at), 2, make(2), keep=1)  # going on works from every one of them
        assert_whole(load(tmp_path / str(at))[0], 2)
        assert [p.name for p in (tmp_path / str(at)).iterdir() if p.name.startswith(".")] == []
    assert found == {1, 2}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_an_error_at_any_operation_leaves_the_old_or_the_new_one_whole(tmp_path: Path, code: int) -> None:
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    for at in range(1, 1000):
        root = tmp_path / str(at)
        save(root, 1, make(1), keep=1)
        try:
            if save_struck(root, fail, at):
                break
        except (OutputError, DamagedError):
            pass
        assert_whole(load(root)[0], 1, 2)
    assert at >= 15


def test_a_checkpoint_that_does_not_read_back_is_refused_and_costs_none_of_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 1, make(1), keep=1)
    write = replace_folder

    def broken(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
        write(folder, files)
        weights = folder / "recipe.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"?")  # a disk that does not keep what it is given

    monkeypatch.setattr(checkpoint_module, "replace_folder", broken)
    with pytest.raises(DamagedError, match=r"step-000000002/recipe\.safetensors is damaged"):
        save(tmp_path, 2, make(2), keep=1)
    assert_whole(load(tmp_path)[0], 1)


@pytest.mark.parametrize(
    "file", ["recipe.safetensors", "state.json", "manifest.json", "model/generator.safetensors", "model/config.json"]
)
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damage_is_found_named_and_the_one_before_is_used(tmp_path: Path, file: str, damage: str) -> None:
    save(tmp_path, 1, make(1), keep=2)
    path = save(tmp_path, 2, make(2), keep=2) / file
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 30)):
        if damage == "flip":
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        elif damage == "cut":
            path.write_bytes(whole[:place])
        else:
            path.unlink(missing_ok=True)
        loaded, warnings = load(tmp_path)
        assert_whole(loaded, 1)
        assert any(str(path) in line for line in warnings)


def test_looking_for_the_newest_finds_what_was_committed_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    assert newest(tmp_path / "nowhere") is None
    committed = save(tmp_path, 2, make(2), keep=2)
    shutil.copytree(committed, tmp_path / "step-000000003")  # as a kill between the renaming and the commit leaves it
    (tmp_path / ".i2i-tmp-1").mkdir()  # as a run that is writing has it
    assert newest(tmp_path) == committed
    assert len(list(tmp_path.iterdir())) == 4


def test_a_damaged_latest_file_is_got_over(tmp_path: Path) -> None:
    save(tmp_path, 1, make(1), keep=2)
    save(tmp_path, 2, make(2), keep=2)
    (tmp_path / "latest.json").write_text('{"checkpoint": 3')
    loaded, warnings = load(tmp_path)
    assert_whole(loaded, 2)
    assert "latest.json is damaged" in warnings[0]


def test_a_missing_checkpoint_is_noticed(tmp_path: Path) -> None:
    save(tmp_path, 1, make(1), keep=2)
    shutil.rmtree(save(tmp_path, 2, make(2), keep=2))
    loaded, warnings = load(tmp_path)
    assert_whole(loaded, 1)
    assert "step-000000002 is missing" in warnings[0]
    shutil.rmtree(tmp_path / "step-000000001")
    with pytest.raises(DamagedError, match="step-000000002 is missing"):
        load(tmp_path)


def test_when_none_is_whole_that_is_said(tmp_path: Path) -> None:
    (save(tmp_path, 1, make(1), keep=2) / "state.json").write_text(json.dumps({"step": 9}))
    with pytest.raises(DamagedError, match=r"No checkpoint.*state\.json is damaged"):
        load(tmp_path)
