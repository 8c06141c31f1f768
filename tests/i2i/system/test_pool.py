"""A pool in which workers may die."""

import time
from pathlib import Path

import pool_work
import pytest

from i2i.errors import I2iError
from i2i.system.pool import Death, run


def done(tasks: list[str], workers: int = 2, kind: str = "fine", max_seconds: float = 60.0) -> dict[str, str | Death]:
    return dict(run(pool_work.build, (kind,), tasks, workers, max_seconds=max_seconds))


def test_every_task_is_done_once_by_some_worker() -> None:
    results = done([str(i) for i in range(20)])
    assert results.keys() == {str(i) for i in range(20)}
    assert all(str(result).startswith(f"{task} done by") for task, result in results.items())


def test_no_task_needs_no_worker() -> None:
    assert done([], workers=0) == {}


def test_task_that_kills_its_worker_costs_itself_alone() -> None:
    results = done(["a", "crash", "b", "c"])
    assert results["crash"] == Death("crashed", "It made its process end with SIGKILL.")
    assert all(isinstance(results[task], str) for task in "abc")


def test_task_is_tried_again_when_its_worker_was_killed(tmp_path: Path) -> None:
    task = f"crash once:{tmp_path / 'marker'}"
    assert str(done([task], workers=1)[task]).startswith(task)


def test_task_that_says_that_it_goes_on_may_take_longer() -> None:
    results = done(["slow"], workers=1, max_seconds=0.8)
    assert str(results["slow"]).startswith("slow done by")


def test_task_that_hangs_is_given_up() -> None:
    start = time.monotonic()
    results = done(["hang", "a"], max_seconds=0.8)
    assert results["hang"] == Death("timed-out", "It took longer than 0.8 seconds.")
    assert isinstance(results["a"], str)
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("tasks", "kind", "message"), [(["refuse"], "fine", "all is lost"), (["a"], "broken", "nothing works")]
)
def test_error_that_nothing_can_be_done_about_ends_everything(tasks: list[str], kind: str, message: str) -> None:
    with pytest.raises(I2iError, match=message):
        done(tasks, kind=kind)
