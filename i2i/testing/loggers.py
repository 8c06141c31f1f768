"""Check of loggers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from i2i.testing.basics import blame, built, completed, require

METHODS = ("started", "advanced", "validated", "pictured", "warned", "ended")
OWN = {"config.yaml", "metrics.jsonl", "samples", "logs", "report.html"}
"""What may be in the folder of a run of which a logger has heard."""


def check_logger(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.Logger`.

    It is built for the folder of a run, hears a run of four steps with a validation, a picture and a warning, and then
    what comes after a kill: the same run going on from its second step. It writes nothing but below ``logs``.

    Raises:
        AssertionError: If it does not.
    """
    saved = completed(cls, options)
    heard = [method for method in METHODS if callable(getattr(cls, method, None))]
    require(bool(heard), f"{cls.__name__} hears nothing: it has none of the methods {', '.join(METHODS)}.")
    with TemporaryDirectory() as made:
        folder = Path(made)
        picture = _run(folder)
        before = {entry.name for entry in folder.iterdir()}
        for done in (0, 2):
            logger = built(cls, (folder,), saved)
            require({entry.name for entry in folder.iterdir()} - OWN <= before, "building it writes. Wait for started.")
            require(isinstance(getattr(logger, "where", ""), str), "its attribute where is no text.")
            rows = [{"step": step, "epoch": 1, "lr": 2e-4, "generator/pixel": 1 / step} for step in range(done + 1, 5)]
            _tell(logger, "warned", "The images are small.")
            _tell(logger, "started", {"recipe": "pix2pix", "device": "cpu, 1 threads"}, done, 4)
            _tell(logger, "pictured", done, picture)
            _tell(logger, "advanced", rows[:1])
            _tell(logger, "advanced", rows[1:])
            _tell(logger, "validated", 4, {"l1": 0.25, "kid": float("nan")}, True)
            _tell(logger, "pictured", 4, picture)
            if done:
                _tell(logger, "ended", "Done: 4 steps.")
        strange = {entry.name for entry in folder.iterdir()} - before - OWN
        require(not strange, f"it writes {', '.join(sorted(strange))} into the run's folder. Write into logs there.")


def _tell(logger: Any, what: str, *heard: Any) -> None:
    if method := getattr(logger, what, None):
        with blame(what):
            method(*heard)


def _run(folder: Path) -> Path:
    """Make the folder of a run; returns the picture of its samples."""
    import numpy as np

    from i2i import images

    (folder / "samples").mkdir()
    (folder / "config.yaml").write_text("recipe: {name: pix2pix}\n")
    (folder / "environment.json").write_text("{}\n")
    lines = (f'{{"step": {step}, "epoch": 1, "lr": 0.0002, "generator/pixel": {1 / step}}}\n' for step in range(1, 5))
    (folder / "metrics.jsonl").write_text("".join(lines) + '{"step": 4, "validation": {"l1": 0.25, "kid": null}}\n')
    tile = np.full((8, 8, 3), 128, np.uint8)
    picture = folder / "samples" / "step-000000000.png"
    images.write(picture, images.contact_sheet([[tile, tile, tile]], ["source", "output", "target"]))
    return picture
