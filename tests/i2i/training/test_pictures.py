"""Pictures of a run: when they are drawn, which of them stay, and that they change nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_runs import FILES, tiny

from i2i import images
from i2i.pairs import Pixels
from i2i.samples import drawn
from i2i.training import pictures
from i2i.training.pictures import Pictures
from i2i.training.run import resume, train


class Clock:
    """A clock that is set."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def tile(value: int) -> Pixels:
    return np.full((4, 6, 3), value, np.uint8)


def row(value: int = 0) -> dict[str, Pixels]:
    return {"source": tile(1), "output": tile(value), "target": tile(3)}


def test_a_picture_is_due_by_the_clock_and_early_whatever_the_clock_says(tmp_path: Path) -> None:
    clock = Clock()
    drawing = Pictures(tmp_path, 2, lambda step: False, clock)
    assert [step for step in range(1, 300) if drawing.is_due(step)] == [100]
    clock.seconds = 119
    assert not drawing.is_due(7)
    clock.seconds = 120
    assert drawing.is_due(7)
    drawing.draw(7, [row()], ["source", "target"])
    assert not drawing.is_due(8)


def test_a_sheet_is_taken_apart_as_its_layout_says(tmp_path: Path) -> None:
    path = Pictures(tmp_path, 2, lambda step: True).draw(5, [row(10), row(20)], ["source", "target"])
    layout = json.loads((tmp_path / "layout.json").read_text())
    assert layout == {"columns": ["source", "output", "target"], "made": ["output"], "rows": 2, "size": [4, 6]}
    assert drawn(tmp_path) == {5: path}
    rows = images.pictures_of(images.read(path).pixels, 4, 6)[-2:]
    assert [[int(picture.max()) for picture in row] for row in rows] == [[1, 10, 3], [1, 20, 3]]


def test_of_too_many_pictures_by_the_clock_every_second_stays_and_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "KEPT", 4)
    drawing = Pictures(tmp_path, 2, lambda step: step % 50 == 0)
    for step in (0, 10, 20, 30, 50, 60, 70, 100):
        drawing.draw(step, [row()], [])
    assert list(drawn(tmp_path)) == [0, 20, 50, 60, 100]


def test_later_pictures_than_a_run_goes_on_from_are_forgotten(tmp_path: Path) -> None:
    drawing = Pictures(tmp_path, 2, lambda step: False)
    for step in (0, 5, 9):
        drawing.draw(step, [row()], [])
    drawing.forget(after=5)
    assert list(drawn(tmp_path)) == [0, 5]


def always(shared_pairs: Path, **training: Any) -> Any:
    return tiny(shared_pairs, validation={"sample_minutes": 1e-9}, training=training)


def test_a_run_is_the_same_to_the_bit_with_a_picture_after_each_step(shared_pairs: Path, tmp_path: Path) -> None:
    train(tiny(shared_pairs), tmp_path / "few")
    train(always(shared_pairs), tmp_path / "many")
    assert list(drawn(tmp_path / "few" / "samples")) == [0, 4, 8, 12]
    assert list(drawn(tmp_path / "many" / "samples")) == [*range(13)]
    for file in FILES:
        assert (tmp_path / "few" / file).read_bytes() == (tmp_path / "many" / file).read_bytes(), file
    for step, path in drawn(tmp_path / "few" / "samples").items():
        assert drawn(tmp_path / "many" / "samples")[step].read_bytes() == path.read_bytes()


def test_a_resumed_run_goes_on_with_its_pictures(shared_pairs: Path, tmp_path: Path) -> None:
    train(always(shared_pairs, steps=6), tmp_path / "run")
    (tmp_path / "run" / "samples" / "step-000000008.png").write_bytes(b"of a step that was lost")
    resume(tmp_path / "run", {"training": {"steps": 9}})
    assert list(drawn(tmp_path / "run" / "samples")) == [*range(10)]
    assert images.read(tmp_path / "run" / "samples" / "step-000000008.png").pixels.ndim == 3
