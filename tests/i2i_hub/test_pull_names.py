"""Whatever a repository calls its files, nothing is written outside the cache and the folder."""

from pathlib import Path

import pytest
from bench import Bench, Files, contents
from hostile_files import ESCAPES, assert_below, hostile_names

from i2i.errors import DataError
from i2i_hub.pull import wanted

SUM = "0" * 64


def test_names_that_are_fetched_stay_below_the_folder_for_pathlib_on_both_systems() -> None:
    fetched = 0
    for number, name in enumerate(hostile_names(4_000)):
        path = (f"samples/{name}.png", f"{name}.safetensors")[number % 2]
        try:
            taken = wanted("ada/x", {path: SUM})
        except DataError:
            continue
        for one in taken:
            assert_below(one, tuple(part for part in one.split("/") if part not in ("", ".")))
        fetched += len(taken)
    assert 200 < fetched < 2_000


@pytest.mark.parametrize("name", ESCAPES)
def test_name_that_leads_elsewhere_is_one_line_and_nothing_is_written(
    bench: Bench, pushed: Files, tmp_path: Path, name: str
) -> None:
    repository = bench.new_name()
    evil = f"{name}.safetensors"
    bench.hub.state.put(repository, {**pushed, evil: b"evil", f"samples/{name}/evil.png": b"evil"})
    cache = bench.home / "hub" / f"models--{repository.replace('/', '--')}"
    around = {path: path.stat().st_mtime_ns for path in _outside(bench.home, cache)}
    outcome = bench("pull", repository, tmp_path / "model")
    assert outcome.code == 65
    assert "holds" in outcome.err
    assert outcome.err.startswith("Error: ")
    assert list(tmp_path.iterdir()) == []
    assert contents(cache / "snapshots") == {}
    assert {path: path.stat().st_mtime_ns for path in _outside(bench.home, cache)} == around
    assert not bench.hub.asked("", "evil")


def test_two_samples_that_are_one_where_case_does_not_count_are_refused(
    bench: Bench, pushed: Files, tmp_path: Path
) -> None:
    repository = bench.new_name()
    bench.hub.state.put(repository, {**pushed, "samples/a.png": b"1", "samples/A.png": b"2"})
    outcome = bench("pull", repository, tmp_path / "model")
    assert outcome.code == 65
    assert "twice, on some systems" in " ".join(outcome.err.split())


def _outside(home: Path, cache: Path) -> list[Path]:
    """Files beside the cache of a repository, without the marks of the client and the log of the process."""
    others = (path for path in home.parent.rglob("*") if path.is_file() and not path.is_relative_to(cache))
    return [path for path in others if ".locks" not in path.parts and path.name not in ("CACHEDIR.TAG", "log.txt")]
