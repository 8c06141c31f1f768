"""Pushing: everything or nothing, once, with one clear line for whatever can be wrong."""

import shutil
from pathlib import Path

import pytest
from bench import Bench
from faults import Fault, Kind

from i2i_hub.card import parse_card

MODEL = {"config.json", "generator.safetensors", "README.md"}


@pytest.mark.parametrize(
    ("name", "more", "token", "code", "complaint"),
    [
        ("ada/x", [], "hf_writer", 2, "No licence is given"),
        ("no-slash", ["--licence", "mit"], "hf_writer", 2, "'no-slash' is not USER/NAME"),
        ("ada/a--b", ["--licence", "mit"], "hf_writer", 2, "cannot be the name of a repository"),
        ("ada/x", ["--licence", "mit"], "", 77, "Nobody is logged in"),
        ("ada/x", ["--licence", "mit"], "hf_wrong", 77, "does not know this token"),
        ("ada/x", ["--licence", "mit"], "hf_reader", 77, "may not write to ada/x"),
        ("bob/x", ["--licence", "mit"], "hf_writer", 77, "may not write to bob/x"),
        ("ada/x", ["--licence", "mti"], "hf_writer", 65, "Did you mean 'mit'? Mend it"),
        ("ada/x", ["--licence", "mit", "--create-pr", "--revision", "a"], "hf_writer", 2, "Leave out --revision"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_made(
    bench: Bench, run: Path, name: str, more: list[str], token: str, code: int, complaint: str
) -> None:
    outcome = bench("push", run, name, *more, token=token)
    assert outcome.code == code
    assert complaint in " ".join(outcome.err.split())
    assert outcome.err.count("\n") <= 3  # one line, folded by the terminal's width
    assert ("model", name) not in bench.hub.state.repositories


def test_damaged_model_is_not_published(bench: Bench, run: Path, tmp_path: Path) -> None:
    name = bench.new_name()
    shutil.copytree(run / "model", tmp_path / "model")
    weights = tmp_path / "model" / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    outcome = bench("push", tmp_path / "model", name, "--licence", "mit")
    assert outcome.code == 65
    assert "is damaged" in outcome.err
    assert ("model", name) not in bench.hub.state.repositories


@pytest.mark.parametrize(
    ("method", "path", "kind", "effect"),
    [
        ("GET", "/whoami-v2", 503, None),
        ("POST", "/validate-yaml", 429, None),
        ("POST", "/repos/create", 504, 0.0),
        ("POST", "/preupload/", 503, None),
        ("PUT", "/lfs/", "reset", None),
        ("POST", "/commit/", 503, None),
        ("POST", "/commit/", "reset", 0.0),
        ("POST", "/commit/", 504, 0.0),
    ],
)
def test_failure_that_passes_leaves_exactly_one_commit_and_is_told(
    bench: Bench, run: Path, method: str, path: str, kind: Kind, effect: float | None
) -> None:
    name = bench.new_name()
    bench.fails(Fault(kind, method, path, effect=effect))
    outcome = bench("push", run, name, "--licence", "mit")
    assert outcome.code == 0, outcome.err
    # some requests the client itself tries again, and says so; of all else it tells i2i, and i2i the user
    told = path not in ("/preupload/", "/lfs/")
    assert outcome.err.count("Trying again in 1 s (2 of 5).") == told, outcome.err
    assert len(bench.repository(name).history()) == 2
    assert set(bench.repository(name).files()) >= MODEL
    assert bench.hub.asked("POST", "/commit/") == 1 + (kind == 503 and path == "/commit/")  # never what has arrived


def test_change_by_somebody_else_in_between_is_not_overwritten(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.hub.state.put(name, {"README.md": b"---\nlicense: mit\n---\n# Mine\n"})
    new = {"README.md": b"---\nlicense: mit\n---\n# New\n"}
    bench.fails(Fault(lambda: bench.hub.state.put(name, new), "POST", "/commit/"))
    outcome = bench("push", run, name)
    assert outcome.code == 69
    assert "has changed on the Hub in the meantime" in " ".join(outcome.err.split())
    assert bench.repository(name).files() == new


def test_what_cannot_be_known_is_said(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    down = Fault("reset", "POST", "/commit/", effect=0), Fault(503, "GET", times=999)
    bench.fails(Fault(lambda: bench.fails(*down), "POST", "/preupload/"))
    outcome = bench("push", run, name, "--licence", "mit")
    assert outcome.code == 69
    assert "Whether the files have arrived is not known" in " ".join(outcome.err.split())
    bench.fails()
    outcome = bench("push", run, name, "--licence", "mit")
    assert "has all of this already" in outcome.out
    assert len(bench.repository(name).history()) == 2


def test_refusal_after_an_answer_that_was_lost_may_mean_that_the_files_have_arrived(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.fails(Fault("reset", "POST", "/commit/"), Fault(412, "POST", "/commit/"))
    outcome = bench("push", run, name, "--licence", "mit")
    assert outcome.code == 69
    assert "not known: repeat the command" in outcome.err


def test_pull_request_whose_answer_is_lost_is_not_opened_twice(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.hub.state.put(name, {"README.md": b"---\nlicense: mit\n---\n# Mine\n"})
    repository = bench.repository(name)
    bench.fails(Fault("reset", "POST", "/commit/", effect=0))
    outcome = bench("push", run, name, "--create-pr")
    assert outcome.code == 69
    assert f"not known: look at {bench.hub.url}/{name}/discussions" in outcome.err
    assert len(repository.pull_requests) == 1


@pytest.mark.parametrize(
    ("fault", "code", "complaint"),
    [
        (Fault(403, "POST", "/commit/", says="Private repository storage limit reached"), 77, "storage limit reached"),
        (Fault(413, "POST", "/commit/", says="Payload too large"), 69, "status 413). It says: Payload too large"),
        (Fault(422, "POST", "/objects/batch", says="File too large"), 69, "status 422). It says: File too large"),
        (Fault(503, "POST", "/commit/", times=99), 69, "is out of order (status 503)"),
        (Fault("reset", "GET", "/whoami", times=99), 69, "cannot be reached"),
        (Fault("flip", times=999), 69, "What answers is not the Hub"),
    ],
    ids=lambda value: str(value.kind) if isinstance(value, Fault) else "",
)
def test_refusal_is_one_line_and_nothing_is_published(
    bench: Bench, run: Path, fault: Fault, code: int, complaint: str
) -> None:
    name = bench.new_name()
    bench.hub.state.put(name, {"README.md": b"---\nlicense: mit\n---\n# Mine\n"})
    before = bench.repository(name).history()
    bench.fails(fault)
    outcome = bench("push", run, name)
    assert outcome.code == code, outcome.err
    assert complaint in " ".join(outcome.err.split())
    assert bench.repository(name).history() == before
    bench.fails()
    assert bench("push", run, name).code == 0  # the same command goes on


def test_large_file_that_the_hub_will_not_store_is_one_line(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.hub.state.largest = 100
    try:
        outcome = bench("push", run, name, "--licence", "mit")
    finally:
        bench.hub.state.largest = None
    assert outcome.code == 69
    assert "no more than 100 bytes" in " ".join(outcome.err.split())
    assert bench.repository(name).files() == {}


def test_gitignore_of_the_repository_leaves_nothing_out(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.hub.state.put(name, {".gitignore": b"*.safetensors\nREADME.md\n"})
    assert bench("push", run, name, "--licence", "mit").code == 0
    assert set(bench.repository(name).files()) >= MODEL


def test_push_follows_a_repository_to_its_new_name(bench: Bench, run: Path) -> None:
    old, new = bench.new_name(), bench.new_name()
    bench.hub.state.put(new, {})
    bench.hub.state.renamed[old] = new
    assert bench("push", run, old, "--licence", "mit").code == 0
    assert set(bench.repository(new).files()) >= MODEL


def test_card_of_a_repository_that_appears_in_between_is_not_overwritten(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    theirs = {"README.md": b"# Theirs\n"}
    bench.fails(Fault(lambda: bench.hub.state.put(name, theirs), "POST", "/repos/create"))
    assert bench("push", run, name, "--licence", "mit").code == 0
    assert bench.repository(name).files()["README.md"].decode().endswith("---\n\n# Theirs\n")


@pytest.mark.parametrize(("times", "code"), [(1, 0), (99, 65)])
def test_card_that_arrives_damaged_is_not_published(bench: Bench, run: Path, times: int, code: int) -> None:
    name = bench.new_name()
    theirs = {"README.md": b"---\nlicense: mit\n---\n\n# Mine\n"}
    bench.hub.state.put(name, theirs)
    bench.fails(Fault("flip", "GET", "/resolve/", times=times))
    outcome = bench("push", run, name)
    assert outcome.code == code
    assert ("README.md of" in outcome.err and "arrives damaged" in " ".join(outcome.err.split())) == bool(code)
    bench.fails()
    assert bench("push", run, name).code == 0  # the damaged copy is not used again
    card = bench.repository(name).files()["README.md"].decode()
    assert parse_card(card.encode(), name).keys["license"] == "mit"
    assert card.endswith("---\n\n# Mine\n")


def test_card_that_is_no_text_is_one_line(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.hub.state.put(name, {"README.md": b"\xff\xfe"})
    outcome = bench("push", run, name, "--licence", "mit")
    assert outcome.code == 65
    assert "is no UTF-8 text" in " ".join(outcome.err.split())
    assert bench.repository(name).files() == {"README.md": b"\xff\xfe"}
