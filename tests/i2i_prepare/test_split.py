"""A dataset divided anew holds the same pixels on the same sides, and no copy on two sides of a split."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from i2i import images, safe_yaml
from i2i.errors import DataError, UsageError
from i2i.pairs import Pixels
from i2i.preparation import prepare
from i2i_doctor.examination import examine
from i2i_prepare.split import Split


def pictures(seed: int, dtype: str = "uint8") -> tuple[Pixels, Pixels]:
    rng = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    a, b = (rng.integers(0, top + 1, (24, 24, channels)).astype(dtype) for channels in (3, 3))
    return a, b


def write_folders(root: Path, seeds: dict[str, list[int]], dtype: str = "uint8") -> None:
    for split, numbers in seeds.items():
        for seed in numbers:
            for half, pixels in zip(("imageA", "imageB"), pictures(seed, dtype), strict=True):
                folder = root / split / half
                folder.mkdir(parents=True, exist_ok=True)
                images.write(folder / f"{seed:03}.png", pixels)


def write_ab(root: Path, seeds: dict[str, list[int]], dtype: str = "uint8") -> None:
    for split, numbers in seeds.items():
        (root / split).mkdir(parents=True)
        for seed in numbers:
            images.write(root / split / f"{seed:03}.png", np.concatenate(pictures(seed, dtype), axis=1))


def pairs_of(root: Path) -> dict[str, list[tuple[bytes, bytes]]]:
    found: dict[str, list[tuple[bytes, bytes]]] = {}
    for file in sorted(root.glob("*/imageA/*.png")):
        other = file.parents[1] / "imageB" / file.name
        a, b = (images.read(path).pixels for path in (file, other))
        found.setdefault(file.parts[-3], []).append((a.tobytes(), b.tobytes()))
    return found


def as_bytes(seed: int, dtype: str = "uint8") -> tuple[bytes, bytes]:
    a, b = pictures(seed, dtype)
    return a.tobytes(), b.tobytes()


@pytest.mark.parametrize(("write", "dtype"), [(write_folders, "uint8"), (write_ab, "uint16")])
def test_pairs_are_the_same_to_the_bit_in_new_splits(write: Any, dtype: str, tmp_path: Path) -> None:
    write(tmp_path / "old", {"train": list(range(8)), "test": [8, 9]}, dtype)
    report = prepare("split", [tmp_path / "old"], tmp_path / "new", val=0.2, test=0.1, workers=1)
    assert (report.made, report.rejected, report.skipped) == (10, {}, {})
    found = pairs_of(tmp_path / "new")
    assert {split: len(pairs) for split, pairs in found.items()} == {"train": 7, "val": 2, "test": 1}
    assert sorted(chain(*found.values())) == sorted(as_bytes(seed, dtype) for seed in range(10))


def test_smaller_copies_come_to_one_split_and_the_doctor_has_nothing_to_say(tmp_path: Path) -> None:
    photos = [data.astronaut(), data.chelsea(), data.coffee()]
    for number, photo in enumerate(photos):
        for split, parts in (("train", 2), ("val", 3), ("test", 4)):
            height, width = (side // parts for side in photo.shape[:2])
            copy = images.resize(photo, height, width)
            for half, pixels in (("imageA", copy), ("imageB", 255 - copy)):
                (tmp_path / "in" / split / half).mkdir(parents=True, exist_ok=True)
                images.write(tmp_path / "in" / split / half / f"{number}-{parts}.jpg", pixels)
    leaks = {"leak", "near-leak", "half-leak"}
    assert "near-leak" in {diagnosis.code for diagnosis in examine(tmp_path / "in").diagnoses}
    prepare("split", [tmp_path / "in"], tmp_path / "out", val=0.4, workers=1)
    assert not leaks & {diagnosis.code for diagnosis in examine(tmp_path / "out").diagnoses}
    assert len(list((tmp_path / "out" / "val" / "imageA").iterdir())) == 3


def test_rows_of_one_name_in_two_splits_are_both_kept_and_their_past_is_told(tmp_path: Path) -> None:
    write_folders(tmp_path / "old", {"train": [1, 2], "val": [3]})
    for half in ("imageA", "imageB"):
        (tmp_path / "old" / "val" / half / "003.png").rename(tmp_path / "old" / "val" / half / "001.png")
    finding = Split().find([str(tmp_path / "old")], lambda done, total: None)
    assert [(item.name, item.metadata["split_before"]) for item in finding.items] == [
        ("train/001", "train"),
        ("train/002", "train"),
        ("val/001", "val"),
    ]


def test_what_cannot_be_a_pair_is_rejected_and_counted(tmp_path: Path) -> None:
    write_folders(tmp_path / "old", {"train": [1, 2, 3, 4]})
    (tmp_path / "old" / "train" / "imageB" / "001.png").unlink()
    (tmp_path / "old" / "train" / "imageB" / "002.png").write_bytes(b"\x89PNG")
    report = prepare("split", [tmp_path / "old"], tmp_path / "new", val=0, workers=1)
    assert report.made == 2
    assert sum(map(len, report.rejected.values())) == 2
    assert "no-partner" in report.rejected


def test_what_the_dataset_says_of_its_use_and_its_facts_come_into_the_card_of_the_new_one(tmp_path: Path) -> None:
    write_folders(tmp_path / "old", {"train": [1, 2]})
    text = "licence: CC-BY-4.0\nattribution: Ada\nterms: Ask the photographers.\nfacts: {camera: X, layout: other}\n"
    (tmp_path / "old" / "dataset.yaml").write_text(text, "utf-8")
    prepare("split", [tmp_path / "old"], tmp_path / "new", workers=1)
    prepare("split", [tmp_path / "new"], tmp_path / "again", workers=1)
    for name in ("new", "again"):
        card = safe_yaml.load((tmp_path / name / "dataset.yaml").read_text("utf-8"), name)
        assert (card["licence"], card["attribution"]) == ("CC-BY-4.0", "Ada")
        assert card["terms"] == "Ask the photographers."
        assert card["facts"]["camera"] == "X"
        assert card["facts"]["layout"] != "other"


@pytest.mark.parametrize("write", [write_folders, write_ab])
def test_declared_ranges_become_those_of_the_dtype(write: Any, tmp_path: Path) -> None:
    write(tmp_path / "old", {"train": list(range(4))})
    for file in (tmp_path / "old").rglob("*.png"):
        heights = images.read(file).pixels.astype(np.float32) * 16  # 0..4080, as metres may be
        images.write(file.with_suffix(".tif"), heights)
        file.unlink()
    assert prepare("split", [tmp_path / "old"], tmp_path / "no", workers=1).made == 0
    for _ in range(2):
        settings: dict[str, Any] = {"range": [(0, 4080)], "max_pixels": 10**6, "val": 0.25}
        report = prepare("split", [tmp_path / "old"], tmp_path / "new", workers=1, **settings)
        assert (report.made, report.rejected) == (4, {})
    assert report.resumed == 4  # the second time nothing was done
    for half, number in (("imageA", 0), ("imageB", 1)):
        for seed in range(4):
            (file,) = (tmp_path / "new").glob(f"*/{half}/{seed:03}.npy")
            expected = pictures(seed)[number] / 127.5 - 1
            np.testing.assert_allclose(np.load(file), expected, atol=1e-6)
    card = safe_yaml.load((tmp_path / "new" / "dataset.yaml").read_text("utf-8"), "card")
    assert card["command"].count("--range") == 1
    assert card["command"].count("--max-pixels 1000000") == 1


def test_each_image_of_a_pair_can_have_a_range_of_its_own(tmp_path: Path) -> None:
    write_folders(tmp_path / "old", {"train": [1]})
    preparer = Split(range=((0, 255), (0, 510)))
    (item,) = preparer.find([str(tmp_path / "old")], lambda done, total: None).items
    a, b = pictures(1)
    pair = preparer.make(item)
    np.testing.assert_allclose(pair.source, a / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(pair.target, b / 255 - 1, atol=1e-6)
    three = [(0.0, 1.0)] * 3
    with pytest.raises(UsageError, match="3 ranges are given"):
        prepare("split", [tmp_path / "old"], tmp_path / "new", range=three, workers=1)


def test_boxes_around_things_in_a_picture_are_no_places_on_a_map(tmp_path: Path) -> None:
    write_folders(tmp_path / "old", {"train": [1, 2]})
    files = [{f"{half}_file_name": f"{half}/00{n}.png" for half in ("imageA", "imageB")} for n in (1, 2)]
    lines = [json.dumps(files[0] | {"bbox": [0, 0, 5, 5]}), json.dumps(files[1])]
    (tmp_path / "old" / "train" / "metadata.jsonl").write_text("\n".join(lines))
    finding = Split().find([str(tmp_path / "old")], lambda done, total: None)
    assert [item.metadata.get("bbox") for item in finding.items] == [[0, 0, 5, 5], None]


def test_columns_can_be_named_and_turned(tmp_path: Path) -> None:
    write_folders(tmp_path / "old", {"train": [1]})
    preparer = Split(source="imageB", target="imageA")
    (item,) = preparer.find([str(tmp_path / "old")], lambda done, total: None).items
    assert json.loads(json.dumps(item.key)) == item.key
    a, b = pictures(1)
    pair = preparer.make(item)
    np.testing.assert_array_equal(pair.source, b)
    np.testing.assert_array_equal(pair.target, a)


def test_one_dataset_is_taken_and_both_columns_or_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one dataset, not 2"):
        Split().plan(["a", "b"])
    with pytest.raises(UsageError, match="both columns"):
        Split(source="imageA")


@pytest.mark.parametrize("write", [write_folders, write_ab])
def test_key_changes_with_the_files_of_the_row(write: Any, tmp_path: Path) -> None:
    write(tmp_path / "old", {"train": [1, 2]})

    def keys() -> list[Any]:
        return [item.key for item in Split().find([str(tmp_path / "old")], lambda done, total: None).items]

    before = keys()
    assert keys() == before
    changed = next(file for file in sorted((tmp_path / "old").rglob("001.png")))
    images.write(changed, 255 - images.read(changed).pixels)
    assert [now == then for now, then in zip(keys(), before, strict=True)] == [False, True]


@pytest.mark.parametrize(("half", "layout"), [(0, "ab"), (1, "folders")])
def test_pairs_with_one_image_in_common_come_to_one_split(half: int, layout: Any, tmp_path: Path) -> None:
    write_folders(tmp_path / "old", {"train": list(range(20))})
    for seed in range(0, 20, 2):
        folder = tmp_path / "old" / "train" / ("imageA", "imageB")[half]
        (folder / f"{seed + 1:03}.png").write_bytes((folder / f"{seed:03}.png").read_bytes())
    report = prepare("split", [tmp_path / "old"], tmp_path / "new", val=0.3, layout=layout, workers=1)
    split_of = {row.name: row.split for row in report.rows}
    assert report.splits["val"] == 6
    assert all(split_of[f"{seed:03}"] == split_of[f"{seed + 1:03}"] for seed in range(0, 20, 2))


def test_groups_and_metadata_of_a_prepared_dataset_are_kept(tmp_path: Path) -> None:
    write_folders(tmp_path / "raw", {"train": list(range(12))})
    sources = [tmp_path / "raw" / "train" / half for half in ("imageA", "imageB")]
    prepare("concat", sources, tmp_path / "old", group=r"^\d(\d)\d", val=0, workers=1)
    lines = [json.loads(line) for line in (tmp_path / "old" / "train" / "metadata.jsonl").read_text().splitlines()]
    text = "".join(json.dumps({**line, "number": int(line["source"])}) + "\n" for line in lines)
    (tmp_path / "old" / "train" / "metadata.jsonl").write_text(text)
    finding = Split().find([str(tmp_path / "old")], lambda done, total: None)
    assert [(item.group, item.metadata) for item in finding.items] == [
        (item.name[1], {"number": int(item.name), "split_before": "train"}) for item in finding.items
    ]
    report = prepare("split", [tmp_path / "old"], tmp_path / "new", val=0.2, workers=1)
    assert {row.group: row.split for row in report.rows} == {"0": "train", "1": "val"}


def test_description_that_is_not_utf_8_is_one_clear_error(tmp_path: Path) -> None:
    write_folders(tmp_path / "old", {"train": [1]})
    (tmp_path / "old" / "dataset.yaml").write_bytes("licence: Müller".encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8"):
        Split().find([str(tmp_path / "old")], lambda done, total: None)
