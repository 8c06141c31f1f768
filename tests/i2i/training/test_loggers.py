"""Loggers of a run: who hears what, one that fails, and that a run is the same whoever hears of it."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_runs import Heard, rows, tiny

from i2i.errors import UsageError
from i2i.hookspecs import hookimpl
from i2i.kinds import COMPONENTS
from i2i.plugins import installed
from i2i.training.run import resume, train

SAID: list[tuple[Any, ...]] = []


class Keeps:
    """Keeps all that it hears."""

    def __init__(self, folder: Path) -> None:
        self.where = f"in {folder.name}"

    def __getattr__(self, what: str) -> Any:
        return lambda *heard: SAID.append((what, *heard))


class Fails:
    """Fails at the first steps, after it has drawn numbers.

    Args:
        refuses: Whether it cannot even be built.
    """

    def __init__(self, folder: Path, *, refuses: bool = False) -> None:
        if refuses:
            raise UsageError("There is no server. Start one.")

    def advanced(self, rows: Any) -> None:
        torch.rand(1), random.random(), np.random.rand()
        raise RuntimeError("the server is gone")


class Brings:
    @hookimpl
    def i2i_loggers(self) -> dict[str, type]:
        return {"keeps": Keeps, "fails": Fails}


@pytest.fixture(autouse=True)
def _brought() -> Iterator[None]:
    SAID.clear()
    installed.cache_clear()
    installed(COMPONENTS).register(Brings(), "brings", "i2i-brings", "1")
    yield
    installed.cache_clear()


def test_a_logger_hears_the_run_as_its_log_has_it(shared_pairs: Path, tmp_path: Path) -> None:
    train(tiny(shared_pairs, training={"loggers": ["keeps"]}), tmp_path / "run")
    (started,) = [heard for heard in SAID if heard[0] == "started"]
    assert started[2:] == (0, 12)
    assert (started[1]["recipe"], started[1]["keeps"]) == ("pix2pix", "in run")
    log = rows(tmp_path / "run")
    assert [row for what, *heard in SAID if what == "advanced" for row in heard[0]] == [
        row for row in log if "lr" in row
    ]
    validations = {heard[1]: heard[2] for heard in SAID if heard[0] == "validated"}
    assert validations == {row["step"]: row["validation"] for row in log if "validation" in row}
    assert all(heard[2].is_file() for heard in SAID if heard[0] == "pictured")
    assert SAID[-1] == ("ended", "Done: 12 steps.")


def test_a_logger_that_fails_is_one_warning_and_changes_no_bit(shared_pairs: Path, tmp_path: Path) -> None:
    heard = Heard()
    train(tiny(shared_pairs, training={"loggers": []}), tmp_path / "none")
    train(tiny(shared_pairs, training={"loggers": ["fails", "keeps"]}), tmp_path / "two", heard)
    failures = [line for line in heard.warnings if "'fails'" in line]
    assert len(failures) == 1
    assert "hears no more of this run: RuntimeError: the server is gone" in failures[0]
    assert ("warned", failures[0]) in SAID
    for file in ("metrics.jsonl", "model-last/generator.safetensors"):
        assert (tmp_path / "none" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_logger_that_refuses_ends_the_run_before_it_begins(shared_pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no server\. Start one\."):
        train(tiny(shared_pairs, training={"loggers": [{"name": "fails", "refuses": True}]}), tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_what_ends_a_run_is_heard(shared_pairs: Path, tmp_path: Path) -> None:
    broken = tiny(shared_pairs, training={"loggers": ["keeps"]}, optimizer={"lr": 1e30})
    with pytest.raises(Exception, match="is nan at step") as raised:
        train(broken, tmp_path / "run")
    assert SAID[-1] == ("ended", str(raised.value))


def test_loggers_may_be_others_when_a_run_is_resumed(shared_pairs: Path, tmp_path: Path) -> None:
    train(tiny(shared_pairs), tmp_path / "run")
    resume(tmp_path / "run", {"training": {"loggers": ["keeps"], "steps": 14}})
    assert next(heard for heard in SAID if heard[0] == "started")[2:] == (12, 14)


def test_a_logger_that_is_not_installed_is_refused(shared_pairs: Path) -> None:
    with pytest.raises(LookupError, match="'keps'"):
        tiny(shared_pairs, training={"loggers": ["keps"]})
