"""Pulling: the very bytes that were pushed, or one line and nothing."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench import Bench, Files, contents
from faults import Fault, Kind


@pytest.fixture
def published(bench: Bench, pushed: Files) -> str:
    """Name of a model on the hub that has never been fetched."""
    name = bench.new_name()
    bench.hub.state.put(name, pushed)
    return name


def test_pulled_model_is_the_pushed_one_byte_for_byte(bench: Bench, published: str, tmp_path: Path) -> None:
    outcome = bench("pull", published, tmp_path / "model")
    assert (outcome.code, outcome.err) == (0, "")
    assert contents(tmp_path / "model") == bench.repository(published).files()
    assert not any(file.is_symlink() for file in (tmp_path / "model").rglob("*"))


def test_revision_is_taken_as_asked(bench: Bench, published: str, tmp_path: Path) -> None:
    oid = bench.repository(published).revisions["main"]
    bench.hub.state.put(published, {"config.json": b"{}"})
    assert bench("pull", published, tmp_path / "old", "--revision", oid).code == 0
    outcome = bench("pull", published, tmp_path / "none", "--revision", "nowhere")
    assert outcome.code == 69
    assert "has no such revision" in outcome.err


def test_nothing_but_a_model_is_fetched(bench: Bench, published: str, tmp_path: Path) -> None:
    bench.hub.state.put(published, {"model.py": b"raise SystemExit", "weights.bin": b"x", "samples/evil.py": b"x"})
    assert bench("pull", published, tmp_path / "model").code == 0
    assert not [name for name in contents(tmp_path / "model") if name.endswith((".py", ".bin"))]
    assert not bench.hub.asked("GET", r"\.(py|bin)")


def test_what_another_program_has_fetched_of_the_repository_is_not_copied(
    bench: Bench, published: str, tmp_path: Path
) -> None:
    assert bench("pull", published, tmp_path / "first").code == 0
    (snapshot,) = (bench.home / "hub" / f"models--{published.replace('/', '--')}" / "snapshots").iterdir()
    (snapshot / "model.py").write_text("raise SystemExit")
    assert bench("pull", published, tmp_path / "second").code == 0
    assert contents(tmp_path / "second") == contents(tmp_path / "first")


def test_model_that_always_arrives_damaged_is_refused(bench: Bench, published: str, tmp_path: Path) -> None:
    bench.fails(Fault("flip", "GET", "/lfs/", times=999))
    outcome = bench("pull", published, tmp_path / "model")
    assert outcome.code == 65
    assert "arrives damaged" in outcome.err
    assert list(tmp_path.iterdir()) == []
    bench.fails()
    assert bench("pull", published, tmp_path / "model").code == 0  # nothing damaged stays in the cache


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        (503, "GET", "/revision/"),
        ("cut", "GET", "/tree/"),
        (503, "HEAD", "/resolve/"),
        ("cut", "GET", "/lfs/"),
        ("flip", "GET", "/lfs/"),
    ],
)
def test_failure_that_passes_changes_nothing(
    bench: Bench, published: str, tmp_path: Path, kind: Kind, method: str, path: str
) -> None:
    bench.fails(Fault(kind, method, path))
    outcome = bench("pull", published, tmp_path / "model")
    assert outcome.code == 0, outcome.err
    assert contents(tmp_path / "model") == bench.repository(published).files()


@pytest.mark.parametrize(
    ("prepare", "token", "code", "complaint"),
    [
        ({}, "hf_writer", 69, "is not on the Hub, or it is private"),
        ({"private": True}, "hf_other", 69, "is not on the Hub, or it is private"),
        ({"private": True}, "", 69, "is not on the Hub, or it is private"),
        ({"gated": True}, "hf_other", 77, "is only for those whom its owner has let in"),
        ({"private": False}, "hf_writer", 65, "is not a model of i2i"),
    ],
)
def test_what_cannot_be_pulled_is_one_line(
    bench: Bench, tmp_path: Path, prepare: dict[str, bool], token: str, code: int, complaint: str
) -> None:
    name = bench.new_name()
    if prepare:
        bench.hub.state.create(name, private=prepare.get("private", False), gated=prepare.get("gated", False))
    outcome = bench("pull", name, tmp_path / "model", token=token)
    assert outcome.code == code
    assert complaint in " ".join(outcome.err.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "path", "complaint"),
    [
        (503, "", "is out of order (status 503)"),
        ("cut", "/lfs/", "cannot be reached"),
        ("flip", "/tree/", "What answers is not the Hub"),
    ],
)
def test_failure_that_stays_is_one_line_and_the_next_pull_goes_on(
    bench: Bench, published: str, tmp_path: Path, kind: Kind, path: str, complaint: str
) -> None:
    bench.fails(Fault(kind, path=path, times=999))
    outcome = bench("pull", published, tmp_path / "model")
    assert outcome.code == 69
    assert complaint in " ".join(outcome.err.split())
    assert list(tmp_path.iterdir()) == []
    bench.fails()
    assert bench("pull", published, tmp_path / "model").code == 0
    assert contents(tmp_path / "model") == bench.repository(published).files()


@pytest.mark.parametrize("cached", [False, True])
def test_full_disk_leaves_nothing(bench: Bench, published: str, tmp_path: Path, cached: bool) -> None:
    if cached:
        assert bench("pull", published, tmp_path / "first").code == 0
    outcome = bench("pull", published, tmp_path / "model", room=2000)
    assert outcome.code == 73
    assert "Cannot write" in outcome.err
    assert not (tmp_path / "model").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"first"}
    assert bench("pull", published, tmp_path / "model").code == 0
    assert contents(tmp_path / "model") == bench.repository(published).files()


def test_repository_is_found_under_its_old_name(bench: Bench, published: str, tmp_path: Path) -> None:
    old = bench.new_name()
    bench.hub.state.renamed[old] = published
    assert bench("pull", old, tmp_path / "model").code == 0
    assert contents(tmp_path / "model") == bench.repository(published).files()


def test_folder_that_holds_something_is_left_alone(bench: Bench, published: str, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    outcome = bench("pull", published, tmp_path)
    assert outcome.code == 2
    assert contents(tmp_path) == {"mine.txt": b"mine"}


def test_missing_plugin_is_named_with_what_to_install(bench: Bench, published: str, tmp_path: Path) -> None:
    config = json.loads(bench.repository(published).files()["config.json"])
    config["selection"]["parts"]["generator"]["name"] = "swirl"
    config["providers"]["generator"] |= {"distribution": "i2i-swirl", "version": "1.2"}
    bench.hub.state.put(published, {"config.json": json.dumps(config).encode()})
    outcome = bench("pull", published, tmp_path / "model")
    assert outcome.code == 2
    assert "pip install i2i-swirl" in " ".join(outcome.err.split())


def test_model_of_a_newer_i2i_is_refused_in_words(bench: Bench, published: str, tmp_path: Path) -> None:
    config = json.loads(bench.repository(published).files()["config.json"]) | {"format": 99, "i2i": "9.0"}
    bench.hub.state.put(published, {"config.json": json.dumps(config).encode()})
    outcome = bench("pull", published, tmp_path / "model")
    assert outcome.code == 2
    assert "was made by i2i '9.0'" in " ".join(outcome.err.split())


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.replace(b'"depth": 2', b'"depth": 100000'),
        lambda config: config.replace(b'"direction":', b'"x": ' + b"[" * 200_000 + b"]" * 200_000 + b', "direction":'),
        lambda config: config.replace(b'"distribution": "', b'"distribution": "i2i; rm -rf ~ #'),
    ],
    ids=["depth", "nesting", "package"],
)
def test_hostile_model_is_one_line_and_not_kept(
    bench: Bench, published: str, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    config = bench.repository(published).files()["config.json"]
    assert change(config) != config
    bench.hub.state.put(published, {"config.json": change(config)})
    outcome = bench("pull", published, tmp_path / "model")
    assert outcome.code in (2, 65)
    assert re.fullmatch(r"Error: [^\n]{10,1000}\n", outcome.err)
    assert list(tmp_path.iterdir()) == []


def test_model_is_used_by_its_name(bench: Bench, published: str, run: Path, shared_pairs: Path, tmp_path: Path) -> None:
    drawings = shared_pairs / "val" / "imageA"
    for model, out in ((published, "hub"), (run, "run")):
        outcome = bench("translate", model, drawings, "--out", tmp_path / out)
        assert outcome.code == 0, outcome.err
    pictures = [
        {path: data for path, data in contents(tmp_path / out).items() if path.endswith(".png")}
        for out in ("hub", "run")
    ]
    assert pictures[0] == pictures[1] != {}


def test_revision_of_a_folder_on_this_disk_is_refused(bench: Bench, run: Path, tmp_path: Path) -> None:
    outcome = bench("translate", run, tmp_path, "--out", tmp_path / "out", "--revision", "main")
    assert outcome.code == 2
    assert "has no revisions" in " ".join(outcome.err.split())


def test_name_of_nothing_is_one_line(bench: Bench, tmp_path: Path) -> None:
    outcome = bench("translate", "ada/nothing", tmp_path, "--out", tmp_path / "out")
    assert outcome.code == 69
    said = " ".join(outcome.err.split())
    assert "There is no folder 'ada/nothing' here, and on the Hub: ada/nothing is not on the Hub" in said
    outcome = bench("translate", "no/such/folder", tmp_path, "--out", tmp_path / "out")
    assert outcome.code == 66


@pytest.fixture
def offline(bench: Bench) -> Iterator[None]:
    """As with ``HF_HUB_OFFLINE``, which the client reads when it is imported."""
    switch = "import huggingface_hub.constants as constants; constants.HF_HUB_OFFLINE = {}"
    assert bench("-c", switch.format(True)).code == 0
    yield
    assert bench("-c", switch.format(False)).code == 0


def test_cache_serves_when_the_hub_is_switched_off(
    bench: Bench, published: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert bench("pull", published, tmp_path / "model").code == 0
    request.getfixturevalue("offline")
    bench.hub.requests.clear()
    assert bench("pull", published, tmp_path / "again").code == 0
    outcome = bench("pull", "ada/never-seen", tmp_path / "never")
    assert contents(tmp_path / "again") == contents(tmp_path / "model")
    assert (outcome.code, bench.hub.requests) == (69, [])
    assert "HF_HUB_OFFLINE" in outcome.err
