"""Datasets on the hub: the very files, readable by the ``datasets`` library and by training."""

import os
import re
import shutil
import sys
from io import BytesIO
from pathlib import Path
from subprocess import run as run_process

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from bench import Bench

from i2i import images, safe_yaml
from i2i.data.tables.detect import open_table
from i2i.preparation import prepare
from i2i_hub import parquet

SMALL = ["--size", 16, "--steps", 2, "--quiet", "--set", "generator.depth=2", "--set", "generator.base_channels=2"]
SMALL += ["--set", "discriminator.base_channels=2", "--set", "discriminator.layers=1"]


@pytest.fixture
def published(bench: Bench, shared_pairs: Path) -> str:
    """Name of `shared_pairs` on the hub."""
    name = bench.new_name()
    outcome = bench("data", "push", shared_pairs, name, "--licence", "cc0-1.0")
    assert outcome.code == 0, outcome.err
    return name


def rows_of(data: bytes) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(BytesIO(data)).to_pylist()
    return rows


def test_images_are_published_byte_for_byte_in_one_commit(bench: Bench, published: str, shared_pairs: Path) -> None:
    repository = bench.repository(published, "dataset")
    assert len(repository.history()) == 2
    files = repository.files()
    rows = rows_of(files["data/train-00000-of-00001.parquet"])
    assert [row["name"] for row in rows] == [f"{i:02}" for i in range(6)]
    for row in rows:
        for column in ("imageA", "imageB"):
            stored = (shared_pairs / "train" / column / f"{row['name']}.png").read_bytes()
            assert row[column] == {"bytes": stored, "path": f"{row['name']}.png"}
    assert len(rows_of(files["data/validation-00000-of-00001.parquet"])) == 2


def test_pushing_again_sends_nothing(bench: Bench, published: str, shared_pairs: Path) -> None:
    outcome = bench("data", "push", shared_pairs, published)
    assert "has all of this already" in outcome.out


def test_card_tells_splits_licence_and_where_the_images_come_from(bench: Bench, tmp_path: Path) -> None:

    rng = np.random.default_rng(0)
    for i in range(5):
        images.write(tmp_path / f"{i}.png", rng.integers(0, 256, (40, 40, 3), "uint8"))
    out = tmp_path / "pairs"
    prepare("grayscale", [tmp_path], out, options={"size": 32}, workers=1)
    yaml = out / "dataset.yaml"
    yaml.write_text(re.sub("attribution: ''", "attribution: Ada Lovelace", yaml.read_text()))
    name = bench.new_name()
    assert bench("data", "push", out, name, "--licence", "cc-by-4.0").code == 0
    card = bench.repository(name, "dataset").files()["README.md"].decode()
    match = re.match(r"---\n(.*?)^---\n", card, re.DOTALL | re.MULTILINE)
    assert match
    keys = safe_yaml.load(match[1], "card")
    assert keys["license"] == "cc-by-4.0"
    assert keys["task_categories"] == ["image-to-image"]
    assert {split["name"]: split["num_examples"] for split in keys["dataset_info"]["splits"]} == {
        "train": 4,
        "validation": 1,
    }
    assert "i2i prepare grayscale" in card
    assert "Ada Lovelace" in card
    assert str(tmp_path) not in card


def test_datasets_library_streams_what_was_pushed(bench: Bench, published: str, tmp_path: Path) -> None:
    code = (
        "import sys, datasets\n"
        "stream = datasets.load_dataset(sys.argv[1], split='train', streaming=True)\n"
        "rows = list(stream)\n"
        "print(len(rows), rows[0]['name'], rows[0]['imageA'].size, rows[0]['imageB'].mode)\n"
    )
    environment = {**os.environ, **bench.hub.environment(tmp_path / "home")}
    done = run_process([sys.executable, "-c", code, published], env=environment, capture_output=True, text=True)
    assert done.stdout.split("\n")[0] == "6 00 (32, 32) RGB", done.stderr


def test_training_reads_it_back_as_if_it_were_the_folder(
    bench: Bench, published: str, shared_pairs: Path, tmp_path: Path
) -> None:
    for data, out in ((shared_pairs, "local"), (f"hf://{published}", "hub")):
        outcome = bench("train", "--plugin", "pix2pix", "--data", data, "--out", tmp_path / out, *SMALL)
        assert outcome.code == 0, outcome.err
    weights = [(tmp_path / out / "model" / "generator.safetensors").read_bytes() for out in ("local", "hub")]
    assert weights[0] == weights[1]


def test_halves_of_ab_files_become_a_pair_of_columns(bench: Bench, shared_pairs: Path, tmp_path: Path) -> None:

    for i in range(3):
        halves = [images.read(shared_pairs / "train" / half / f"{i:02}.png").pixels for half in ("imageA", "imageB")]
        (tmp_path / "ab" / "train").mkdir(parents=True, exist_ok=True)
        images.write(tmp_path / "ab" / "train" / f"{i}.png", np.hstack(halves))
    name = bench.new_name()
    assert bench("data", "push", tmp_path / "ab", name, "--licence", "cc0-1.0").code == 0
    rows = rows_of(bench.repository(name, "dataset").files()["data/train-00000-of-00001.parquet"])
    for i, row in enumerate(rows):
        for column in ("imageA", "imageB"):
            cell = row[column]
            assert isinstance(cell, dict)
            stored = images.read(shared_pairs / "train" / column / f"{i:02}.png").pixels
            assert np.array_equal(images.read(cell["bytes"]).pixels, stored)


def test_dataset_with_a_lonely_image_is_not_published(bench: Bench, pairs_folder: Path) -> None:
    (pairs_folder / "train" / "imageB" / "00.png").unlink()
    name = bench.new_name()
    outcome = bench("data", "push", pairs_folder, name, "--licence", "cc0-1.0")
    assert outcome.code == 65
    assert "has no partner" in outcome.err
    assert ("dataset", name) not in bench.hub.state.repositories


def test_all_named_columns_are_published_and_the_others_are_said(
    bench: Bench, pairs_folder: Path, tmp_path: Path
) -> None:
    for split in ("train", "val"):
        shutil.copytree(pairs_folder / split / "imageA", pairs_folder / split / "mask")
    name = bench.new_name()
    outcome = bench("data", "push", pairs_folder, name, "--licence", "cc0-1.0")
    assert outcome.code == 0
    assert "Not published: mask" in outcome.err
    three = [word for column in ("imageA", "imageB", "mask") for word in ("--column", column)]
    assert bench("data", "push", pairs_folder, name, *three).code == 0
    files = bench.repository(name, "dataset").files()
    assert set(rows_of(files["data/train-00000-of-00001.parquet"])[0]) == {"name", "imageA", "imageB", "mask"}


def test_arrays_are_bytes_that_we_and_the_datasets_library_read(bench: Bench, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for half in ("imageA", "imageB"):
        (tmp_path / "pairs" / "train" / half).mkdir(parents=True)
        for i in range(3):
            pixels = rng.integers(0, 256, (16, 16, 5), np.uint8)
            np.save(tmp_path / "pairs" / "train" / half / f"{i}.npy", pixels)
    name = bench.new_name()
    assert bench("data", "push", tmp_path / "pairs", name, "--licence", "cc0-1.0").code == 0
    file = tmp_path / "back" / "train-00000-of-00001.parquet"
    file.parent.mkdir()
    file.write_bytes(bench.repository(name, "dataset").files()["data/train-00000-of-00001.parquet"])
    table = open_table(file.parent, "train")
    stored = np.load(tmp_path / "pairs" / "train" / "imageB" / "1.npy")
    np.testing.assert_array_equal(table.picture(1, "imageB").pixels, stored)
    theirs = datasets.Dataset.from_parquet(str(file), cache_dir=str(tmp_path / "cache"))
    assert np.array_equal(np.load(BytesIO(theirs[1]["imageB"])), stored)


def test_row_groups_end_before_they_are_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(parquet, "BYTES_A_GROUP", 1000)
    rows = [parquet.Row(str(i), {"imageA": (f"{i}.png", bytes(400))}) for i in range(10)]
    (file,) = parquet.write_parquet(tmp_path, "train", {"imageA": "image"}, rows)
    groups = pq.ParquetFile(file).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [3, 3, 3, 1]


@pytest.mark.parametrize("text", ["- a\n- b\n", "options: foo\n"])
def test_damaged_card_of_a_dataset_is_one_line(bench: Bench, pairs_folder: Path, text: str) -> None:
    (pairs_folder / "dataset.yaml").write_text(text)
    outcome = bench("data", "push", pairs_folder, bench.new_name(), "--licence", "cc0-1.0")
    assert outcome.code == 65
    assert "is damaged" in outcome.err


def test_places_on_this_machine_are_not_published(bench: Bench, pairs_folder: Path) -> None:
    options = "options:\n  mattes: [/home/jane/mattes]\n  size: 256\n"
    (pairs_folder / "dataset.yaml").write_text(f"preparer: mask\nterms: For research only.\n{options}")
    name = bench.new_name()
    assert bench("data", "push", pairs_folder, name, "--licence", "other").code == 0
    card = bench.repository(name, "dataset").files()["README.md"].decode()
    assert "jane" not in card
    assert "| size | 256 |" in card
    assert "For research only." in card


def test_model_that_was_trained_on_the_hub_has_samples(bench: Bench, published: str, tmp_path: Path) -> None:
    outcome = bench("train", "--plugin", "pix2pix", "--data", f"hf://{published}", "--out", tmp_path / "run", *SMALL)
    assert outcome.code == 0, outcome.err
    name = bench.new_name()
    outcome = bench("push", tmp_path / "run", name, "--licence", "mit")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"hf://{published}" in bench.repository(name).files()["README.md"].decode()
