import builtins
import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from i2i.choices import Component
from i2i.errors import OutputError
from i2i.fields import Field
from i2i.selection import Selection
from i2i.system.files import sweep
from i2i.training.checkpoint import BegunCheckpoint, Checkpoint, load, newest, save
from i2i.training.snapshot import Snapshot
from i2i.training.tensor_file import DamagedError
from i2i.translation.model import ModelConfig

OPERATIONS = ("open", "fsync", "rename", "replace", "mkdir", "unlink", "rmdir")


RGB = Field(channels=3, dtype="uint8")
CONFIG = ModelConfig(
    selection=Selection(recipe=Component(name="recipe"), parts={"generator": Component(name="network")}),
    providers={},
    fields={"source": RGB, "target": RGB},
    size=(8, 8),
    direction="",
    mode="paper",
    step=0,
)


def make(step: int) -> Checkpoint:
    config = CONFIG.model_copy(update={"step": step})
    recipe, generator = ({"weight": torch.full((4, 3), float(step))} for _ in range(2))
    return Checkpoint({"step": step, "text": "x" * step}, {"recipe": recipe}, config, {"generator": generator})


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


@contextmanager
def watched(before: Callable[[int], object]) -> Iterator[None]:
    """Call something before each operation on the disk, with its number; its own operations do not count."""
    numbers, at_work = count(1), False

    def guarded(real: Any) -> Any:
        def call(*arguments: Any, **keywords: Any) -> Any:
            nonlocal at_work
            if not at_work:
                at_work = True
                try:
                    before(next(numbers))
                finally:
                    at_work = False
            return real(*arguments, **keywords)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in OPERATIONS:
            module: Any = builtins if name == "open" else os
            patch.setattr(module, name, guarded(getattr(module, name)))
        patch.setattr(Path, "open", guarded(Path.open))  # which does not go through builtins.open
        yield


def test_killed_at_any_operation_the_old_or_the_new_one_is_whole(tmp_path: Path) -> None:
    root = tmp_path / "run"
    save(root, 1, make(1), keep=1)
    # what is on the disk before an operation is what a kill at that instant leaves there
    with watched(lambda number: shutil.copytree(root, tmp_path / "left" / str(number))):
        save(root, 2, make(2), keep=1)
    found, left = set(), list((tmp_path / "left").iterdir())
    assert len(left) >= 15
    for folder in left:
        sweep(folder)  # as the holder of the run's folder does
        checkpoint, _ = load(folder)
        assert_whole(checkpoint, 1, 2)
        assert checkpoint is not None
        found.add(checkpoint.state["step"])
        save(folder, 2, make(2), keep=1)  # going on works from every one of them
        assert_whole(load(folder)[0], 2)
        assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    assert found == {1, 2}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_an_error_at_any_operation_leaves_the_old_or_the_new_one_whole(tmp_path: Path, code: int) -> None:
    def fail(number: int) -> None:
        if number == at:
            raise OSError(code, os.strerror(code))

    for at in range(1, 20):
        root = tmp_path / str(at)
        save(root, 1, make(1), keep=1)
        with suppress(OutputError, DamagedError), watched(fail):
            save(root, 2, make(2), keep=1)
        assert_whole(load(root)[0], 1, 2)


@pytest.mark.parametrize("file", ["recipe.safetensors", "model/generator.safetensors"])
@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1] + b"?", lambda data: data[:-1], lambda data: data + b"?", lambda _: b""]
)
def test_a_checkpoint_that_does_not_read_back_is_refused_and_costs_none_of_those_before(
    tmp_path: Path, file: str, damage: Callable[[bytes], bytes]
) -> None:
    save(tmp_path, 1, make(1), keep=1)
    with Snapshot() as snapshot:
        begun = BegunCheckpoint(snapshot, tmp_path, 2, make(2))
        snapshot.write()
        (path,) = tmp_path.glob(f".*/{file}")
        path.write_bytes(damage(path.read_bytes()))  # a disk that does not keep what it is given
        with pytest.raises(DamagedError, match=rf"step-000000002/{re.escape(file)} is damaged"):
            begun.finish(keep=1)
    assert_whole(load(tmp_path)[0], 1)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_is_written_is_the_step_at_which_it_was_begun(tmp_path: Path) -> None:
    values = make(1)
    with Snapshot() as snapshot:
        begun = BegunCheckpoint(snapshot, tmp_path, 1, values)
        for tensors in (values.tensors["recipe"], values.weights["generator"]):
            tensors["weight"] += 1  # as the next step does
        values.state["step"] = 9
        snapshot.write()
        begun.finish(keep=1)
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
