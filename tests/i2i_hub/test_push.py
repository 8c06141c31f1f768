"""Pushing: what lies on the hub afterwards."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from bench import Bench, contents

from i2i import safe_yaml

MODEL = {"config.json", "generator.safetensors", "README.md"}


def front_matter(card: bytes) -> Any:
    match = re.match(r"---\n(.*?)^---\n", card.decode(), re.DOTALL | re.MULTILINE)
    assert match
    return safe_yaml.load(match[1], "card")


def test_model_card_and_held_out_samples_appear_in_one_commit(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    outcome = bench("push", run, name, "--licence", "mit")
    assert outcome.code == 0, outcome.err
    repository = bench.repository(name)
    assert len(repository.history()) == 2  # the first one is the Hub's own
    files = repository.files()
    assert {path for path in files if "/" not in path} == MODEL
    assert len([path for path in files if path.startswith("samples/")]) == 2 * 3  # two held-out pairs
    for file in ("config.json", "generator.safetensors"):
        assert files[file] == (run / "model" / file).read_bytes()
    assert repository.name in outcome.out


def test_card_says_what_the_hub_searches(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    assert bench("push", run, name, "--licence", "mit", "--dataset", "ada/pairs").code == 0
    card = bench.repository(name).files()["README.md"]
    keys = front_matter(card)
    assert (keys["library_name"], keys["pipeline_tag"], keys["license"]) == ("i2i", "image-to-image", "mit")
    assert {"pix2pix", "unet"} <= set(keys["tags"])
    assert keys["datasets"] == ["ada/pairs"]
    (result,) = keys["model-index"][0]["results"]
    measured = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    (validation,) = [row["validation"] for row in measured if "validation" in row]
    assert {m["type"]: m["value"] for m in result["metrics"]} == validation
    assert [sample["src"] for sample in keys["widget"]] == ["samples/1-source.png", "samples/2-source.png"]
    text = card.decode()
    assert f"i2i translate {name}" in text
    assert str(run.parent) not in text  # nothing of this machine


def test_second_push_of_the_same_sends_nothing(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    assert bench("push", run, name, "--licence", "mit").code == 0
    bench.hub.requests.clear()
    outcome = bench("push", run, name)  # the licence is on the card
    assert (outcome.code, outcome.err) == (0, "")
    assert "has all of this already" in outcome.out
    assert not bench.hub.asked("POST", "/commit/")
    assert not bench.hub.asked("PUT", "")


def test_of_an_edited_card_only_our_block_and_keys_are_renewed(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    assert bench("push", run, name, "--licence", "mit").code == 0
    card = bench.repository(name).files()["README.md"].decode()
    edited = card.replace("license: mit", "license: cc0-1.0\nlanguage: en").replace("## Limits", "## LIMITS")
    edited = edited.replace("library_name: i2i", "library_name: other") + "\n## My own words\n"
    bench.hub.state.put(name, {"README.md": edited.encode()})
    assert bench("push", run, name).code == 0
    after = bench.repository(name).files()["README.md"].decode()
    assert "## My own words" in after
    assert "## Limits" in after
    keys = front_matter(after.encode())
    assert (keys["license"], keys["language"], keys["library_name"]) == ("cc0-1.0", "en", "i2i")


def test_card_that_is_wholly_a_persons_own_keeps_its_words(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    bench.hub.state.put(name, {"README.md": b"---\nlicense: mit\n---\n# Mine\n", "notes.txt": b"keep"})
    assert bench("push", run, name).code == 0
    files = bench.repository(name).files()
    assert files["README.md"].decode().endswith("---\n\n# Mine\n")
    assert files["notes.txt"] == b"keep"


def test_samples_of_an_earlier_push_that_are_no_more_go(bench: Bench, run: Path) -> None:
    name = bench.new_name()
    assert bench("push", run, name, "--licence", "mit").code == 0
    bench.hub.state.put(name, {"samples/9-source.png": b"old"})
    assert bench("push", run, name).code == 0
    assert "samples/9-source.png" not in bench.repository(name).files()


def test_model_folder_is_pushed_without_samples_and_says_so(bench: Bench, run: Path, tmp_path: Path) -> None:
    name = bench.new_name()
    shutil.copytree(run / "model", tmp_path / "model")
    outcome = bench("push", tmp_path / "model", name, "--licence", "mit")
    assert outcome.code == 0
    assert "No samples" in outcome.err
    assert set(bench.repository(name).files()) == MODEL


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
