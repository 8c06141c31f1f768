"""Studies in small, and results that fit them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from i2i import images
from i2i_study.key import Key


def write_images(folder: Path, names: Sequence[str], seed: int, size: tuple[int, int] = (16, 16)) -> Path:
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        images.write(folder / name, rng.integers(0, 256, (*size, 3), np.uint8))
    return folder


def result(key: Key, session: int, *, fooled: int = 0, asleep: int = 0, rater: int | None = None) -> dict[str, Any]:
    """What a rater says who is fooled in the first so many trials to score, and misses so many obvious fakes."""
    left = {"practice": 0, "scored": fooled, "attention": asleep}
    answers = []
    for trial in key.sessions[session - 1].trials:
        wrong = left[trial.part] > 0
        left[trial.part] -= 1
        said: Literal[1, 2] = trial.fake if not wrong else 3 - trial.fake  # type: ignore[assignment]
        answers.append({"fake": said, "seconds": 0.5, "shown": [1.0, 1.016]})
    number = session if rater is None else rater
    about = {"i2i_study": 1, "study": key.study, "session": session, "rater": f"{number:016x}", "window": [390, 844]}
    return {**about, "answers": answers}


def save(folder: Path, name: str, content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return file
