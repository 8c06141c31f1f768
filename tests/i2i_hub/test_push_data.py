"""Datasets on the hub: the very files, readable by the ``datasets`` library and by training."""

import json
import re
import shutil
from io import BytesIO
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from bench import Bench
from markdown_it import MarkdownIt
from scripted_server import Server
from tile_maps import SIDE, ZOOM, serve, two_maps, write_tree

from i2i import images, safe_yaml
from i2i.data.tables.detect import open_table
from i2i.preparation import prepare
from i2i_hub import parquet
from i2i_hub.card import BEGIN, END

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
    assert "| train | 4 |\n| validation | 1 |\n" in card
    assert "i2i prepare grayscale" in card
    assert "Ada Lovelace" in card
    assert str(tmp_path) not in card


def test_datasets_library_streams_what_was_pushed(bench: Bench, published: str) -> None:
    program = (
        "import datasets\n"
        f"rows = list(datasets.load_dataset({published!r}, split='train', streaming=True))\n"
        "print(len(rows), rows[0]['name'], rows[0]['imageA'].size, rows[0]['imageB'].mode)\n"
    )
    outcome = bench("-c", program)
    assert outcome.out == "6 00 (32, 32) RGB\n", outcome.err


def test_training_reads_it_back_as_if_it_were_the_folder(
    bench: Bench, published: str, shared_pairs: Path, tmp_path: Path
) -> None:
    for data, out in ((shared_pairs, "local"), (f"hf://{published}", "hub")):
        outcome = bench("train", "--plugin", "pix2pix", "--data", data, "--out", tmp_path / out, *SMALL)
        assert outcome.code == 0, outcome.err
    weights = [(tmp_path / out / "model" / "generator.safetensors").read_bytes() for out in ("local", "hub")]
    assert weights[0] == weights[1]
    outcome = bench("push", tmp_path / "hub", "ada/x", "--licence", "mit", "--dry-run", tmp_path / "dry")
    assert (outcome.code, outcome.err) == (0, "")  # with samples
    assert f"hf://{published}" in (tmp_path / "dry" / "README.md").read_text()


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


def test_what_a_list_says_of_its_rows_is_published_with_them(bench: Bench, tmp_path: Path) -> None:
    said: dict[str, list[object]] = {
        "z": [17, 17, 16],
        "x": [1, 2.5, None],
        "group": ["a", "b", "a"],
        "indoor": [True, False, True],
        "bbox": [[1, 2, 3, 4], [], [0.5, 2, 3, 4]],
    }
    unfit: dict[str, list[object]] = {"meta": [{"a": 1}] * 3, "mixed": [1, "a", 2], "name": ["p", "q", "r"]}
    root = tmp_path / "pairs"
    for split, numbers in (("train", [0, 1, 2]), ("val", [0])):
        (root / split).mkdir(parents=True)
        lines = []
        for row in numbers:
            paths = {f"{column}_file_name": f"{row}-{column}.png" for column in ("source", "target", "mask")}
            for path in paths.values():
                images.write(root / split / path, np.full((8, 8, 3), row, np.uint8))
            lines.append(json.dumps(paths | {key: values[row] for key, values in (said | unfit).items()}))
        (root / split / "metadata.jsonl").write_text("\n".join(lines))
    name = bench.new_name()
    outcome = bench("data", "push", root, name, "--licence", "cc0-1.0")
    assert outcome.code == 0, outcome.err
    remarks = " ".join(outcome.err.split())
    assert "Not published: mask. Name every column" in remarks
    assert "Not published: meta, mixed, name. A column that" in remarks
    files = bench.repository(name, "dataset").files()
    rows = rows_of(files["data/train-00000-of-00001.parquet"])
    assert set(rows[0]) == {"name", "source", "target", *said}
    assert {key: [row[key] for row in rows] for key in said} == said

    for path, data in files.items():
        (tmp_path / "back" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "back" / path).write_bytes(data)
    loaded = datasets.load_dataset(str(tmp_path / "back"), cache_dir=str(tmp_path / "cache"))  # by its card
    assert loaded["train"].column_names == ["name", "source", "target", *said]
    assert {key: loaded["train"][key][:] for key in said} == said
    assert loaded["validation"]["bbox"][0] == [1, 2, 3, 4]
    assert loaded["train"][0]["source"].size == (8, 8)


def test_files_from_outside_the_folder_are_named_before_they_are_published(bench: Bench, tmp_path: Path) -> None:
    root = tmp_path / "pairs"
    (root / "train").mkdir(parents=True)
    for name in ("a.png", "outside.png"):
        images.write(tmp_path / name, np.zeros((8, 8, 3), np.uint8))
    (root / "train" / "a.png").symlink_to(tmp_path / "a.png")
    line = {"source_file_name": "a.png", "target_file_name": str(tmp_path / "outside.png")}
    (root / "train" / "metadata.jsonl").write_text(json.dumps(line))
    outcome = bench("data", "push", root, "ada/x", "--licence", "cc0-1.0", "--dry-run", tmp_path / "dry")
    assert outcome.code == 0, outcome.err
    said = " ".join(outcome.err.split())
    assert f"Published from outside of {str(root)!r}: " in said
    assert "/train/a.png" in said
    assert str(tmp_path / "outside.png") in said


def test_arrays_of_anything_but_numbers_are_not_published(bench: Bench, tmp_path: Path) -> None:
    """To load pickled objects runs what they say."""
    pair = [tmp_path / "pairs" / "train" / half / "0.npy" for half in ("imageA", "imageB")]
    numbers, objects = BytesIO(), BytesIO()
    np.save(numbers, np.zeros((8, 8, 3), np.uint8))
    np.save(objects, np.full((8, 8, 3), None), allow_pickle=True)
    for data, complaint in (
        (objects.getvalue(), "holds object, which are no numbers"),
        (numbers.getvalue() + b"more", "is damaged"),
        (numbers.getvalue()[:-1], "is damaged"),
    ):
        for path in pair:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        outcome = bench("data", "push", tmp_path / "pairs", "ada/x", "--licence", "mit", "--dry-run", tmp_path / "dry")
        assert outcome.code == 65
        assert f"'0' in column 'imageA' {complaint}" in " ".join(outcome.err.split())
        assert not (tmp_path / "dry").exists()


@pytest.mark.parametrize("column", ["a|b", "\x1b[31m"])
def test_column_that_would_be_markup_is_refused(bench: Bench, tmp_path: Path, column: str) -> None:
    images.write(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    line = {f"{column}_file_name": "a.png", "target_file_name": "a.png", "split": "train"}
    (tmp_path / "metadata.jsonl").write_text(json.dumps(line))
    named = ["--column", column, "--column", "target"]
    outcome = bench("data", "push", tmp_path, "ada/x", *named, "--licence", "mit", "--dry-run", tmp_path / "dry")
    assert outcome.code == 65
    assert f"has a column {column!r}. Rename it" in " ".join(outcome.err.split())


def test_paths_on_this_machine_in_a_list_are_not_published(bench: Bench, tmp_path: Path) -> None:
    line = {"source_file_name": "a.png", "target_file_name": "a.png", "split": "train"}
    line |= {"original": "/home/jane/a.tif", "page": "https://jane:word@host.org/a?key=1", "source": "studio"}
    images.write(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "metadata.jsonl").write_text(json.dumps(line))
    name = bench.new_name()
    assert bench("data", "push", tmp_path, name, "--licence", "cc0-1.0", "--column", "target").code == 0
    (row,) = rows_of(bench.repository(name, "dataset").files()["data/train-00000-of-00001.parquet"])
    assert {key: row[key] for key in ("original", "page")} == {"original": "a.tif", "page": "https://host.org/a"}


def test_files_that_a_prepared_dataset_was_made_of_are_not_published(bench: Bench, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ("jane", "wedding"):
        (tmp_path / "private" / folder).mkdir(parents=True)
        for i in range(2):
            path = tmp_path / "private" / folder / f"{folder}-{i}.png"
            images.write(path, rng.integers(0, 256, (40, 40, 3), np.uint8))
    sources = [tmp_path / "private" / folder for folder in ("jane", "wedding")]
    prepare("grayscale", sources, tmp_path / "pairs", options={"size": 32}, workers=1)
    name = bench.new_name()
    assert bench("data", "push", tmp_path / "pairs", name, "--licence", "cc0-1.0").code == 0
    published = bench.repository(name, "dataset").files()
    (row, *_) = rows_of(published["data/train-00000-of-00001.parquet"])
    assert set(row) == {"name", "imageA", "imageB", "height", "width"}
    assert not [path for path, data in published.items() if b"private" in data]


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


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (["train/imageA/0.png", "train/imageB/0.png", "val/source/0.png", "val/target/0.png"], "the same ones in all"),
        (["train/imageA/0.png", "train/imageB/0.png", "val/imageA/1.npy", "val/imageB/1.npy"], "both .npy files and"),
    ],
)
def test_splits_that_are_not_alike_are_one_line(bench: Bench, tmp_path: Path, files: list[str], complaint: str) -> None:
    for file in files:
        path = tmp_path / "pairs" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((16, 16, 3), np.uint8)
        np.save(path, pixels) if path.suffix == ".npy" else images.write(path, pixels)
    name = bench.new_name()
    outcome = bench("data", "push", tmp_path / "pairs", name, "--licence", "cc0-1.0")
    assert outcome.code == 65, outcome.err
    assert complaint in " ".join(outcome.err.split())
    assert ("dataset", name) not in bench.hub.state.repositories
    dry = tmp_path / "dry"
    assert bench("data", "push", tmp_path / "pairs", name, "--licence", "cc0-1.0", "--dry-run", dry).code == 65
    assert not dry.exists()


@pytest.mark.parametrize(
    "words",
    [
        f"By {END}",
        "<script>alert(1)</script>",
        "[click](javascript:alert(1)) ![](https://evil/x.png)",
        "`code` **bold** | cell |",
        "a\n\n# Heading\n\n---\nlicense: other\n---",
        "\x1b[31mred\x07 \u202egnol",
    ],
)
def test_words_of_others_are_no_markup_on_a_card(bench: Bench, pairs_folder: Path, tmp_path: Path, words: str) -> None:
    said = {"preparer": "edges", "attribution": words, "terms": words, "options": {words: words}, "facts": {"x": words}}
    (pairs_folder / "dataset.yaml").write_text(safe_yaml.dump(said))
    dry = tmp_path / "dry"
    outcome = bench("data", "push", pairs_folder, "ada/x", "--licence", "cc0-1.0", "--dry-run", dry)
    assert outcome.code == 0, outcome.err
    card = (dry / "README.md").read_text()
    body = card.partition("---\n\n")[2]
    assert (card.count(BEGIN), card.count(END)) == (1, 1)
    assert all(letter.isprintable() or letter == "\n" for letter in card)
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(body.replace(BEGIN, "").replace(END, ""))
    mine = {"h1", "h2", "p", "pre", "code", "table", "thead", "tbody", "tr", "th", "td", "img"}
    assert set(re.findall(r"<(\w+)", page)) <= mine
    assert page.count("<img") == 2 * 4
    assert page.count("<h1") == 1
    assert card.count("\nlicense: ") == 1


def test_row_groups_end_before_they_are_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(parquet, "BYTES_A_GROUP", 1000)
    schema = datasets.Features(name=datasets.Value("string"), imageA=datasets.Image()).arrow_schema
    rows = [{"name": str(i), "imageA": {"bytes": bytes(400), "path": f"{i}.png"}} for i in range(10)]
    (file,) = parquet.write_parquet(tmp_path, "train", schema, rows)
    groups = pq.ParquetFile(file).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [3, 3, 3, 1]


@pytest.mark.parametrize("text", ["- a\n- b\n", "facts: [1]\n"])
def test_damaged_card_of_a_dataset_is_one_line(bench: Bench, pairs_folder: Path, text: str) -> None:
    (pairs_folder / "dataset.yaml").write_text(text)
    outcome = bench("data", "push", pairs_folder, bench.new_name(), "--licence", "cc0-1.0")
    assert outcome.code == 65
    assert "is damaged" in outcome.err


def test_places_on_this_machine_are_not_published(bench: Bench, pairs_folder: Path) -> None:
    options = "options:\n  mattes: [/home/jane/mattes]\n  weights: 'C:\\jane\\w.pt'\n  size: 256\n"
    facts = "facts:\n  aoi: /home/jane/area.geojson\n  permission: contract 3/17\n"
    (pairs_folder / "dataset.yaml").write_text(f"preparer: mask\nterms: For research only.\n{options}{facts}")
    name = bench.new_name()
    assert bench("data", "push", pairs_folder, name, "--licence", "other").code == 0
    card = bench.repository(name, "dataset").files()["README.md"].decode()
    assert "jane" not in card
    for row in ("mattes | mattes", "weights | w.pt", "size | 256", "aoi | area.geojson", "permission | contract 3/17"):
        assert f"| {row} |" in card
    assert "For research only." in card


def test_card_of_map_tiles_says_what_they_show_and_when_they_were_fetched(
    bench: Bench, server: Server, tmp_path: Path
) -> None:
    aerial, drawn = two_maps()
    tree, address = write_tree(tmp_path / "aerial", aerial), serve(server, drawn)
    options = {"contact": "me@example.org", "cache": tmp_path / "cache", "split_by": "none", "size": SIDE}
    prepare("tiles", [tree, f"{address}?key=secret"], tmp_path / "pairs", options=options, workers=1)
    facts = safe_yaml.load((tmp_path / "pairs" / "dataset.yaml").read_text(), "card")["facts"]
    name = bench.new_name()
    assert bench("data", "push", tmp_path / "pairs", name, "--licence", "cc0-1.0").code == 0
    card = bench.repository(name, "dataset").files()["README.md"].decode()
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", card, re.MULTILINE))
    shift = facts["shift_of_b"]
    assert rows["maps"] == f"aerial, {address}"
    assert (rows["zoom"], rows["metres per pixel"]) == (str(ZOOM), str(facts["metres_per_pixel"]))
    assert rows["fetched"] == ", ".join(facts["fetched"])
    assert rows["shift of b"] == f"right {shift['right']}, down {shift['down']}, clear yes"
    assert "aoi" not in rows  # none was given
    assert str(tmp_path) not in card
    assert "secret" not in card
