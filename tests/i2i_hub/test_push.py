"""Pushing: what lies on the hub afterwards."""

import inspect
import json
import re
import shlex
import shutil
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, Files, contents
from faults import Fault
from hub_state import Account, Kind
from packaging.requirements import Requirement

from i2i import __version__, safe_yaml
from i2i.plugins import lookup
from i2i_hub.models import PUBLISHED

MODEL = {"config.json", "generator.safetensors", "README.md"}


def front_matter(card: bytes) -> Any:
    match = re.match(r"---\n(.*?)^---\n", card.decode(), re.DOTALL | re.MULTILINE)
    assert match
    return safe_yaml.load(match[1], "card")


def test_model_card_and_held_out_samples_appear_in_one_commit(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    outcome = bench("push", run, name, "--licence", "mit", "--dataset", "ada/pairs")
    assert outcome.code == 0, outcome.err
    assert name in outcome.out
    repository = bench.repository(name)
    assert len(repository.history()) == 2  # the first one is the Hub's own
    files = repository.files()
    assert {path for path in files if "/" not in path} == MODEL
    assert len([path for path in files if path.startswith("samples/")]) == 2 * 3  # two held-out pairs
    for file in ("config.json", "generator.safetensors"):
        assert files[file] == (run / "model" / file).read_bytes()

    keys, text = front_matter(files["README.md"]), files["README.md"].decode()
    assert (keys["library_name"], keys["pipeline_tag"], keys["license"]) == ("i2i", "image-to-image", "mit")
    assert {"pix2pix", "unet"} <= set(keys["tags"])
    assert keys["datasets"] == ["ada/pairs"]
    (result,) = keys["model-index"][0]["results"]
    measured = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    (validation,) = [row["validation"] for row in measured if "validation" in row]
    assert {m["type"]: m["value"] for m in result["metrics"]} == validation
    assert [sample["src"] for sample in keys["widget"]] == ["samples/1-source.png", "samples/2-source.png"]
    assert f"i2i translate {name}" in text
    assert str(run.parent) not in text  # nothing of this machine


def test_card_says_how_to_install_what_made_the_model(pushed: Files) -> None:
    """As pip reads it (PEP 508); while the distribution is on no index, from a wheel that is built of its sources."""
    text = pushed["README.md"].decode()
    (line,) = re.findall(r"^pip install .*$", text, re.MULTILINE)
    *options, wanted = shlex.split(line)[2:]
    requirement = Requirement(wanted)
    assert (requirement.name, requirement.marker) == (metadata("i2i-toolkit")["Name"], None)
    assert requirement.specifier.contains(__version__)
    if not PUBLISHED:
        assert options == ["--find-links", "dist"]
        assert "i2i is not on PyPI yet" in text
        assert "\npython -m build --wheel\n" in text


def test_card_names_a_plugin_file_that_made_the_model(bench: Bench, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    config = tmp_path / "run" / "model" / "config.json"
    values = json.loads(config.read_text())
    values["providers"]["generator"] |= {"distribution": "mine.py", "version": "0+c0ffee", "sha256": "c0ffee12" * 8}
    config.write_text(json.dumps(values))
    name = bench.new_name()
    assert bench("push", tmp_path / "run", name, "--licence", "mit").code == 0
    text = bench.repository(name).files()["README.md"].decode()
    assert f"which is not here: `mine.py`, sha256 `{'c0ffee12' * 8}`." in text
    (line,) = re.findall(r"^pip install .*$", text, re.MULTILINE)
    assert "mine" not in line


SECRETS = ("S3CRETkey", "S3CRETpass", "S3CRETsig")


def test_secrets_of_a_data_address_go_nowhere(bench: Bench, run: Path, tmp_path: Path) -> None:
    """Neither to the hub, nor to the terminal."""
    address = "s3://{}:{}@bucket/pairs?sig={}".format(*SECRETS)
    shutil.copytree(run, tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    config.write_text(re.sub(r"(?m)^(  path|.*\{path): [^,\n]*", rf"\1: '{address}'", config.read_text()))
    assert address in config.read_text()
    name = bench.new_name()
    outcomes = [
        bench("push", tmp_path / "run", name, "--licence", "mit"),
        bench("data", "push", address, bench.new_name(), "--licence", "mit"),
    ]
    assert outcomes[0].code == 0, outcomes[0].err
    assert "No samples" in outcomes[0].err
    sent = b"".join(request.path.encode() + request.body for request in bench.hub.requests)
    sent += b"".join(bench.repository(name).files().values())
    assert b"s3://bucket/pairs" in sent
    for secret in SECRETS:
        assert secret.encode() not in sent
        assert not [outcome for outcome in outcomes if secret in outcome.out + outcome.err]


def test_token_is_stored_nowhere_and_sent_in_its_header_alone(bench: Bench, run: Path, tmp_path: Path) -> None:
    token, name = "hf_canaryQ7mX2vK9", bench.new_name()
    bench.hub.state.accounts[token] = Account("ada")
    bench.fails(Fault(503, "POST", "/commit/"))
    assert bench("push", run, name, "--licence", "mit", token=token).code == 0
    assert bench("pull", name, tmp_path / "model", token=token).code == 0
    places = [bench.repository(name).files(), contents(tmp_path), contents(run), contents(bench.home)]
    sent = [request.path.encode() + request.body for request in bench.hub.requests]
    assert token.encode() not in b"".join([*sent, *(data for files in places for data in files.values())])


def test_second_push_of_the_same_sends_nothing(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    assert bench("push", run, name, "--licence", "mit").code == 0
    bench.hub.requests.clear()
    outcome = bench("push", run, name)  # the licence is on the card
    assert (outcome.code, outcome.err) == (0, "")
    assert "has all of this already" in outcome.out
    assert not bench.hub.asked("POST", "/commit/")
    assert not bench.hub.asked("PUT", "")


def test_of_an_edited_card_only_our_block_and_keys_are_renewed(bench: Bench, run: Path, pushed: Files) -> None:
    name = bench.new_name()
    card = pushed["README.md"].decode()
    edited = card.replace("license: mit", "license: cc0-1.0\nlanguage: no").replace("## Limits", "## LIMITS")
    edited = edited.replace("library_name: i2i", "library_name: other\nconfigs: []") + "\n## My own words\n"
    bench.hub.state.put(name, {"README.md": edited.encode(), "samples/9-source.png": b"of an earlier push"})
    assert bench("push", run, name).code == 0
    files = bench.repository(name).files()
    assert "samples/9-source.png" not in files
    after = files["README.md"].decode()
    assert "## My own words" in after
    assert "## Limits" in after
    keys = front_matter(after.encode())
    assert (keys["license"], keys["language"], keys["library_name"]) == ("cc0-1.0", "no", "i2i")
    assert "configs" not in keys  # of other files


def test_card_that_is_wholly_a_persons_own_keeps_its_words(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.hub.state.put(name, {"README.md": b"---\nlicense: mit\n---\n# Mine\n", "notes.txt": b"keep"})
    assert bench("push", run, name).code == 0
    files = bench.repository(name).files()
    assert files["README.md"].decode().endswith("---\n\n# Mine\n")
    assert files["notes.txt"] == b"keep"


def test_model_folder_that_is_named_inside_a_run_takes_nothing_of_the_run(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    outcome = bench("push", run / "model", name, "--licence", "mit")
    assert outcome.code == 0, outcome.err
    assert "No samples" in outcome.err
    files = bench.repository(name).files()
    assert set(files) == MODEL
    assert "model-index" not in front_matter(files["README.md"])


def test_samples_are_published_only_where_they_are_wished(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    assert bench("push", run, name, "--licence", "mit").code == 0
    outcome = bench("push", run, name, "--no-samples")
    assert (outcome.code, outcome.err) == (0, "")
    files = bench.repository(name).files()
    assert set(files) == MODEL
    keys = front_matter(files["README.md"])
    assert "widget" not in keys
    assert "model-index" in keys  # figures are no photographs
    assert b"samples/" not in files["README.md"]


def test_metrics_are_called_and_explained_as_their_plugins_do(pushed: Files) -> None:
    rows = re.findall(r"^\| (\w+) \| [\d.e-]+ \| (.*) \|$", pushed["README.md"].decode(), re.M)
    assert {metric: meaning.rpartition(". ")[2] for metric, meaning in rows} == {
        "l1": "Lower is better.",
        "psnr": "Higher is better.",
        "ssim": "Higher is better.",
    }
    for metric, meaning in rows:
        said = inspect.getdoc(lookup("metric", metric).cls)
        assert said
        assert meaning.partition(",")[0] == said.partition(",")[0]


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_public_repository_is_not_taken_for_a_private_one(
    bench: Bench, run: Path, shared_pairs: Path, kind: Kind
) -> None:
    name = bench.new_name()
    public = bench.hub.state.put(name, {"notes.txt": b"mine"}, kind)
    push = ("push", run, name) if kind == "model" else ("data", "push", shared_pairs, name)
    outcome = bench(*push, "--licence", "mit", "--private")
    assert outcome.code == 2
    assert f"{name} is on the Hub already, and public" in " ".join(outcome.err.split())
    assert public.files() == {"notes.txt": b"mine"}
    public.private = True
    assert bench(*push, "--licence", "mit", "--private").code == 0


def test_repository_that_appears_in_between_and_is_public_gets_nothing(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.fails(Fault(lambda: bench.hub.state.put(name, {}), "POST", "/repos/create"))
    assert bench("push", run, name, "--licence", "mit", "--private").code == 2
    assert bench.repository(name).files() == {}


@pytest.mark.parametrize(("licence", "meant"), [("banana", ""), ("CC BY 4.0", "Did you mean 'cc-by-4.0'?")])
def test_unknown_licence_is_one_line_in_a_dry_run_too(
    bench: Bench, run: Path, pairs_folder: Path, tmp_path: Path, licence: str, meant: str
) -> None:
    (pairs_folder / "dataset.yaml").write_text(f"licence: {licence}\n")
    for push in (("push", run, "ada/x", "--licence", licence), ("data", "push", pairs_folder, "ada/x")):
        dry = bench(*push, "--dry-run", tmp_path / "dry")
        real = bench(*push)
        assert (dry.code, real.code) == (2, 65)
        assert not (tmp_path / "dry").exists()
        for outcome in (dry, real):
            assert ("Did you mean" in outcome.err) == bool(meant)
            assert meant in outcome.err
    assert bench.hub.state.repositories.keys().isdisjoint([("model", "ada/x"), ("dataset", "ada/x")])


def test_licence_that_the_hub_has_come_to_know_is_published(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.hub.state.licences.add("new-1.0")
    assert bench("push", run, name, "--licence", "new-1.0").code == 0
    assert front_matter(bench.repository(name).files()["README.md"])["license"] == "new-1.0"


def test_dry_run_writes_what_a_push_would_and_asks_nothing(bench: Bench, run: Path, tmp_path: Path) -> None:
    name = bench.new_name()
    outcome = bench("push", run, name, "--licence", "mit", "--dry-run", tmp_path / "dry", token="")
    assert outcome.code == 0, outcome.err
    assert "# model-" in outcome.out
    assert bench.hub.requests == []
    assert bench("push", run, name, "--licence", "mit").code == 0
    assert contents(tmp_path / "dry") == bench.repository(name).files()


def test_private_branch_and_pull_request(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    assert bench("push", run, name, "--licence", "mit", "--private", "--revision", "next").code == 0
    repository = bench.repository(name)
    assert repository.private
    assert repository.files() == {}
    assert set(repository.files("next")) >= MODEL
    outcome = bench("push", run, name, "--licence", "mit", "--create-pr")
    assert outcome.code == 0, outcome.err
    assert "discussions/1" in outcome.out
    assert repository.files() == {}
    assert set(repository.files("refs/pr/1")) >= MODEL
