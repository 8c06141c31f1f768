"""What generators say of sizes, kept so that nobody waits for torch."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from i2i_doctor import generators


def test_generators_are_asked_once_for_these_plugins_and_channels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = list[tuple[int, int]]()

    def answer(channels: tuple[int, int]) -> dict[str, int | str]:
        asked.append(channels)
        return {"unet": 256, "broken": "it needs an option"}

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(generators, "sys", SimpleNamespace(modules={}))  # as in a process that has no torch
    monkeypatch.setattr(generators, "_asked", answer)
    monkeypatch.setattr(generators, "fingerprint", lambda: [["a plugin"]])
    assert generators._answers((3, 3)) == generators._answers((3, 3)) == answer((3, 3))
    assert asked == [(3, 3)] * 2  # one of them by this test
    generators._answers((1, 3))
    monkeypatch.setattr(generators, "fingerprint", lambda: [["a plugin"], ["another"]])
    generators._answers((1, 3))
    (tmp_path / "i2i" / "generators.json").write_text("{")
    generators._answers((1, 3))
    assert asked[2:] == [(1, 3)] * 3
