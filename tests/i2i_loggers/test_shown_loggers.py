"""The loggers that docs/loggers.md shows keep the contract and note what they hear, each without a network."""

import re
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2i import images, testing

PAGE = Path(__file__).parents[2] / "docs" / "loggers.md"
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Any]:
    """Return the logger of a name as the page shows it; the test is skipped where its package is missing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def find(name: str) -> Any:
        pytest.importorskip(name)
        loggers: dict[str, Any] = {}
        for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S):
            module: dict[str, Any] = {}
            exec(compile(block, str(PAGE), "exec"), module)
            loggers |= module["i2i_loggers"]()
        return loggers[name]

    return find


def hear(logger: Any, folder: Path) -> None:
    """Hear a run of three steps; the figure of one is not finite."""
    picture = folder / "samples.png"
    images.write(picture, np.zeros((8, 8, 3), np.uint8))
    logger.started({"recipe": "pix2pix"}, 0, 3)
    logger.pictured(0, picture)
    logger.advanced([{"step": step, "lr": 0.5, "generator/l1": 1 / step, "a/b": None} for step in (1, 2)])
    logger.advanced([{"step": 3, "lr": 0.5, "generator/l1": 0.25, "a/b": None}])
    logger.validated(3, {"psnr": 20.0}, True)
    logger.ended("Done: 3 steps.")


def test_weights_and_biases_keeps_a_run_on_this_disk(shown: Callable[[str], Any], tmp_path: Path) -> None:
    cls = shown("wandb")
    testing.check_logger(cls, {"mode": "offline"})
    hear(cls(tmp_path, mode="offline"), tmp_path)
    (kept,) = (tmp_path / "logs" / "wandb" / "wandb").glob("offline-run-*/run-*.wandb")
    words = (b"pix2pix", b"generator", b"0.25", b"validation", b"psnr", b"20")
    deadline = time.monotonic() + 20
    while missing := [word for word in words if word not in kept.read_bytes()]:  # a process of its own writes it
        assert time.monotonic() < deadline, missing
        time.sleep(0.1)
    assert len(list(kept.parent.glob("files/media/images/samples_0_*.png"))) == 1


def test_mlflow_has_curves_figures_and_samples(shown: Callable[[str], Any], tmp_path: Path) -> None:
    cls = shown("mlflow")
    testing.check_logger(cls)
    logger = cls(tmp_path)
    hear(logger, tmp_path)
    run = logger.client.get_run(logger.run)
    assert (run.info.status, run.data.params) == ("FINISHED", {"recipe": "pix2pix"})
    assert run.data.metrics["validation/psnr"] == 20
    curve = logger.client.get_metric_history(logger.run, "generator/l1")
    assert [(point.step, point.value) for point in curve] == [(1, 1.0), (2, 0.5), (3, 0.25)]
    assert (tmp_path / "logs" / "mlflow" / logger.run / "artifacts" / "samples" / "samples.png").is_file()


def test_trackio_has_curves_and_figures(shown: Callable[[str], Any], tmp_path: Path) -> None:
    cls = shown("trackio")
    testing.check_logger(cls)
    hear(cls(tmp_path, project="shoes"), tmp_path)
    storage: Any = import_module("trackio.sqlite_storage").SQLiteStorage
    (run,) = storage.get_runs("shoes")
    rows = storage.get_logs("shoes", run)
    assert [row["generator/l1"] for row in rows if "generator/l1" in row] == [1.0, 0.5, 0.25]
    assert [row["validation/psnr"] for row in rows if "validation/psnr" in row] == [20]
