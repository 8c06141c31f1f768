"""What a run's log does not have: when it was begun and resumed, what was warned of, and how it ended."""

import json
import os
import time
from pathlib import Path
from typing import Any

from i2i import safe_json


class Journal:
    """Lines of JSON, each an event with its time and the step that it came after.

    Args:
        path: The file, whose folder may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.events: list[dict[str, Any]] = []

    def open(self, done: int) -> None:
        """Read what is there, without what came after a step: a run that goes on from there hears it again."""
        lines = self._path.read_text("utf-8").splitlines() if self._path.is_file() else []
        before = [safe_json.load(line) for line in lines if line.endswith("}")]  # a kill may leave a part of a line
        self.events = [event for event in before if event["step"] <= done and event["what"] != "ended"]
        self._path.parent.mkdir(exist_ok=True)
        replace(self._path, "".join(json.dumps(event) + "\n" for event in self.events).encode(), self._path.parent)

    def add(self, what: str, step: int, text: str = "") -> None:
        """Note an event; what was said already is not said again."""
        if any(text and (event["what"], event["text"]) == (what, text) for event in self.events):
            return
        self.events.append({"what": what, "step": step, "time": time.time(), "text": text})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.events[-1]) + "\n")

    def of(self, what: str) -> list[dict[str, Any]]:
        """Return the events of a kind."""
        return [event for event in self.events if event["what"] == what]


def replace(path: Path, data: bytes, beside: Path) -> None:
    """Write a file, or leave what was there: a kill at any instant leaves no half of one.

    Args:
        path: The file.
        data: All of it.
        beside: Folder of what is written first; what a kill leaves there is written over the next time.
    """
    whole = beside / f".{path.name}.new"
    whole.write_bytes(data)
    os.replace(whole, path)
