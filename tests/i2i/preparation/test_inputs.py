"""What a preparer is given: several images that belong together, read as it wants, or what it finds itself."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from colour_photographs import PHOTOGRAPHS
from PIL import Image, ImageOps
from skimage import data

from i2i import images, safe_yaml, testing
from i2i.errors import DataError, UsageError
from i2i.pairs import Finding, Item, Pixels
from i2i.preparation import plan, prepare
from i2i.preparation.inputs import inputs_of
from i2i.preparation.listing import list_sources
from i2i_doctor.examination import examine

Photos = Callable[..., Path]
Tree = Callable[[Path], dict[str, str]]


def card(out: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = safe_yaml.load((out / "dataset.yaml").read_text(), "card")
    return loaded


def test_last_input_may_be_left_out_where_the_preparer_says_so(tmp_path: Path, photos: Photos) -> None:
    folders = [photos(2, name) for name in "abc"]
    for count, value in ((2, 23), (3, 33)):
        out = tmp_path / str(count)
        report = prepare("three", folders[:count], out, val=0, workers=1)
        assert (report.made, report.rejected) == (2, {})
        assert images.read(out / "train" / "imageB" / "000.png").pixels.max() == value
        assert len(report.rows[0].sources) == count
    for count in (1, 4):
        with pytest.raises(UsageError, match=r"pairs of 2 folders.*given 1|2 to 3 folders are needed"):
            prepare("three", (folders * 2)[:count], tmp_path / "out")


def test_each_input_is_read_as_the_preparer_wants_it(tmp_path: Path, photos: Photos) -> None:
    a, b = photos(1, "a"), photos(1, "b")
    pixels = np.zeros((20, 24, 4), np.uint8)
    pixels[..., 3] = 128
    (b / "000.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    report = prepare("three", [a, b], tmp_path / "out", val=0, workers=1)
    assert report.made == 1
    target = images.read(tmp_path / "out" / "train" / "imageB" / "000.png").pixels
    assert target.max() == 24  # two images, the last with its opacity as a fourth channel


def test_images_are_turned_upright_once_and_made_without_the_tag(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3)).astype(np.uint8)
    for folder in "ab":
        (tmp_path / folder).mkdir()
    for orientation in (*range(10), 255):
        tagged = Image.fromarray(pixels)
        exif = tagged.getexif()
        exif[0x0112] = orientation
        tagged.save(tmp_path / "a" / f"{orientation}.png", exif=exif)
        ImageOps.exif_transpose(tagged).save(tmp_path / "b" / f"{orientation}.png")
    report = prepare("both", [tmp_path / "a", tmp_path / "b"], tmp_path / "out", val=0, workers=1)
    assert report.made == 11
    assert report.remarks[0].startswith("In 7 pairs only some images were turned upright")
    for file in (tmp_path / "out" / "train" / "imageA").iterdir():
        a, b = (Image.open(half) for half in (file, file.parents[1] / "imageB" / file.name))
        assert not a.getexif()
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_partners_are_matched_by_what_the_expression_says(tmp_path: Path, photos: Photos) -> None:
    a, b = photos(3, "a"), photos(3, "b")
    for number in range(3):
        (a / f"{number:03}.png").rename(a / f"left_{number:03}_x.png")
        (b / f"{number:03}.png").rename(b / f"right_{number:03}.png")
    shutil.copy(a / "left_001_x.png", a / "other.png")
    report = prepare("both", [a, b], tmp_path / "out", match=r"_(\d+)", val=0, workers=1)
    assert report.rejected == {"no-match": ["a/other.png"]}
    assert [row.name for row in report.rows if row.status == "made"] == ["000", "001", "002"]
    assert [source.name for source in report.rows[0].sources] == ["a/left_000_x.png", "b/right_000.png"]
    for match, message in ((r"_\d+", "has no group"), ("(", "is no regular expression")):
        with pytest.raises(UsageError, match=message):
            prepare("both", [a, b], tmp_path / "new", match=match)
    with pytest.raises(UsageError, match="only one source"):
        prepare("negative", [a], tmp_path / "new", match="(a)")


def test_names_of_one_group_stay_in_one_split(tmp_path: Path, photos: Photos) -> None:
    report = prepare("negative", [photos(20)], tmp_path / "out", group=r"\d\d(\d)", val=0.3, workers=2)
    splits = {row.name[2]: row.split for row in report.rows}
    assert all(splits[row.name[2]] == row.split for row in report.rows)
    assert report.splits == {"train": 14, "val": 6, "test": 0}
    with pytest.raises(UsageError, match=r"does not match '000\.png'"):
        prepare("negative", [photos(20)], tmp_path / "new", group=r"(cat)")


def test_copies_in_another_size_and_format_stay_in_one_split(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    source.mkdir()
    parts = photographs()
    for number, photo in enumerate(parts):
        images.write(source / f"{number}.png", photo)
        for divisor, quality in ((2, 95), (3, 85), (4, 75)):
            side = photo.shape[0] // divisor
            bgr = np.ascontiguousarray(images.resize(photo, side, side)[..., ::-1])
            written = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            (source / f"{number} {divisor}.jpg").write_bytes(written.tobytes())
    report = prepare("negative", [source], tmp_path / "out", val=0.5, workers=2)
    splits = {row.name.removesuffix(".png").removesuffix(".jpg"): row.split for row in report.rows}
    assert all(len({splits[name] for name in (f"{n}", f"{n} 2", f"{n} 3", f"{n} 4")}) == 1 for n in range(len(parts)))
    assert report.splits["val"] == 2 * len(parts)
    assert not {"leak", "near-leak", "half-leak"} & {d.code for d in examine(tmp_path / "out").diagnoses}


def photographs() -> list[Pixels]:
    """Squares of 360 pixels, each the middle of a photograph."""
    grays = (data.coins(), data.camera())
    found = []
    for photo in (*PHOTOGRAPHS, *map(np.atleast_3d, grays)):
        side = min(photo.shape[:2])
        top, left = (photo.shape[0] - side) // 2, (photo.shape[1] - side) // 2
        found.append(images.resize(np.ascontiguousarray(photo[top : top + side, left : left + side]), 360, 360))
    return found


def test_declared_range_makes_any_numbers_an_image(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    np.save(source / "0.npy", np.linspace(0, 4000, 16 * 16, dtype=np.float64).reshape(16, 16, 1))
    refused = prepare("both", [source, _copy(source, "b")], tmp_path / "no", workers=1)
    assert refused.made == 0
    assert "from 0 to 4000. Declare its range (--range)" in refused.rows[0].message
    report = prepare("both", [source, tmp_path / "b"], tmp_path / "out", range=[(0, 4000)], val=0, workers=1)
    assert report.made == 1
    pixels = images.read(tmp_path / "out" / "train" / "imageA" / "0.npy").pixels
    assert (str(pixels.dtype), pixels.min(), pixels.max()) == ("float32", -1, 1)
    assert card(tmp_path / "out")["range"] == [[0, 4000]]
    assert "--range 0:4000" in card(tmp_path / "out")["command"]
    with pytest.raises(UsageError, match="3 ranges are given for 2 inputs"):
        prepare("both", [source, tmp_path / "b"], tmp_path / "new", range=[(0, 1)] * 3)


def _copy(folder: Path, name: str) -> Path:
    shutil.copytree(folder, folder.parent / name)
    return folder.parent / name


def test_single_images_go_into_one_folder_and_need_no_split(tmp_path: Path, photos: Photos) -> None:
    source, out = photos(3), tmp_path / "out"
    images.write(source / "dark.png", np.zeros((20, 24, 3), np.uint8))
    report = prepare("alone", [source], out, workers=1)
    assert (report.made, report.skipped, report.rejected) == (3, {"blank": 1}, {})
    assert sorted(path.name for path in out.iterdir()) == ["dataset.yaml", "images", "report.jsonl"]
    lines = [json.loads(line) for line in (out / "images" / "metadata.jsonl").read_text().splitlines()]
    assert [line["file_name"] for line in lines] == ["000.png", "001.png", "002.png"]
    np.testing.assert_array_equal(
        images.read(out / "images" / "001.png").pixels, images.read(source / "001.png").pixels[::2, ::2]
    )
    assert (report.rows[3].reason, report.rows[3].message) == ("blank", "It is dark all over.")
    assert "--val" not in card(out)["command"]
    assert card(out)["counts"] == {"made": 3, "skipped": 1, "rejected": 0}
    assert prepare("alone", [source], out, workers=1).resumed == 4
    with pytest.raises(UsageError, match="makes images and no pairs, which --val and --layout is about"):
        prepare("alone", [source], tmp_path / "new", val=0.2, layout="ab", workers=1)


def test_preparer_finds_its_items_and_everything_about_them_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = prepare("numbers", ["http://host/20"], out, val=0.2, workers=2)
    assert (report.made, report.skipped, report.rejected) == (20, {"none": 1}, {"negative": ["minus"]})
    rows = {row.name: row for row in report.rows}
    assert rows["row 1/19"].split == "test"
    for pair in range(4):
        assert rows[f"row 0/{2 * pair}"].split == rows[f"row 1/{2 * pair + 1}"].split
    lines = [json.loads(line) for part in out.glob("*/metadata.jsonl") for line in part.read_text().splitlines()]
    assert {line["source"]: line["number"] for line in lines} == {f"row {i % 2}/{i}": i for i in range(20)}
    told = card(out)
    assert (told["licence"], told["attribution"], told["facts"]) == ("CC0-1.0", "Nobody", {"until": 20})
    assert told["sources"] == ["http://host/20"]
    with pytest.raises(UsageError, match=r"was made from other images: 'row 0/20'"):
        prepare("numbers", ["http://host/22"], out, val=0.2)
    with pytest.raises(UsageError, match="finds its inputs itself, so that --match"):
        prepare("numbers", ["3"], tmp_path / "new", match="(a)")


def test_expression_groups_the_items_that_have_no_group(tmp_path: Path) -> None:
    report = prepare("numbers", ["http://host/20"], tmp_path / "out", group=r"(\d)$", val=0.2, workers=2)
    groups = {row.metadata["number"]: row.group for row in report.rows if row.status == "made"}
    assert groups == {i: f"pair {i // 2}" if i < 8 else str(i % 10) for i in range(20)}
    with pytest.raises(UsageError, match=r"--group '\(cat\)' does not match 'row 0/8'"):
        prepare("numbers", ["http://host/20"], tmp_path / "new", group="(cat)")


def test_ids_have_no_looks_and_one_photograph_with_two_maps_is_in_one_split(tmp_path: Path) -> None:
    coarse = np.random.default_rng(0).permuted(np.tile(np.arange(0, 252, 28, dtype=np.uint8), (8, 1)), axis=1)
    for number in range(12):
        photo = np.random.default_rng(number // 2).integers(0, 100, (256, 288, 3)).astype(np.uint8)
        ids = np.kron(coarse, np.ones((32, 32), np.uint8))[..., None]
        ids[0, 0] = number  # another map, and the same to look at
        for folder, pixels in (("a", photo), ("b", photo + np.uint8(number)), ("c", ids)):
            (tmp_path / folder).mkdir(exist_ok=True)
            images.write(tmp_path / folder / f"{number:02}.png", pixels)
    report = prepare("three", [tmp_path / name for name in "abc"], tmp_path / "out", val=0.4, workers=2)
    splits = {row.name: row.split for row in report.rows}
    assert report.splits["val"] == 4
    assert all(splits[f"{i:02}"] == splits[f"{i + 1:02}"] for i in range(0, 12, 2))


def test_dry_run_says_what_would_be_done_and_writes_nothing(tmp_path: Path, photos: Photos) -> None:
    source, out = photos(3), tmp_path / "out"
    (source / "clip.mp4").touch()
    text = plan("negative", [source], out, options={"strength": 2})
    assert "3 inputs (3 images) would be worked on, in 1 shard." in text
    assert "1 file would be skipped: .mp4. The first is 'clip.mp4'." in text
    assert "--strength 2" in text
    assert "Would count to 5." in plan("numbers", ["5"], out)
    with pytest.raises(UsageError, match="strength"):
        plan("negative", [source], out, options={"strength": 9})
    assert not out.exists()


def test_items_of_one_name_are_the_preparers_fault() -> None:
    with pytest.raises(DataError, match="Two items are called 'a'"):
        inputs_of(Finding([Item("a", 1), Item("b", 2), Item("a", 3)]))


def test_conformance_kit_checks_what_a_preparer_finds() -> None:
    import odd_preparers

    class Forgetful(odd_preparers.Numbers):
        calls = 0

        def find(self, sources: Any, on_progress: Any) -> Finding:
            Forgetful.calls += 1
            found = super().find(sources, on_progress)
            return Finding(found.items[:: 1 if Forgetful.calls % 2 else -1])

    class Fickle(odd_preparers.Numbers):
        def make(self, item: Item) -> Any:
            return super().make(item._replace(key=id(self)))

    testing.check_preparer(odd_preparers.Numbers)
    testing.check_preparer(odd_preparers.Numbers, sources=["5"])
    for cls, message in ((Forgetful, "another order"), (Fickle, "another instance")):
        with pytest.raises(AssertionError, match=message):
            testing.check_preparer(cls, sources=["5"])


def test_prepared_dataset_in_a_source_is_passed_over(tmp_path: Path, photos: Photos) -> None:
    source = photos(3)
    inside = source / "made"
    prepare("negative", [source], inside, workers=1)
    begun = source / "begun" / "preparing"
    begun.mkdir(parents=True)
    (begun / "command.json").touch()
    shutil.copy(source / "000.png", begun)
    report = prepare("negative", [source], tmp_path / "out", workers=1)
    assert (report.made, report.skipped, report.inputs) == (3, {"prepared-dataset": 2}, 5)
    assert any("2 folders, such as 'begun', are prepared datasets" in remark for remark in report.remarks)
    assert prepare("negative", [inside], tmp_path / "given", workers=1).made == 6
    shutil.rmtree(source / "begun")
    for photo in source.glob("*.png"):
        photo.unlink()
    with pytest.raises(DataError, match="'made' is a prepared dataset"):
        prepare("negative", [source], tmp_path / "none", workers=1)


def test_prepared_dataset_in_a_bucket_is_passed_over(tmp_path: Path, photos: Photos) -> None:
    fsspec = pytest.importorskip("fsspec")
    store, root = fsspec.filesystem("memory"), f"/{tmp_path.name}-passed"
    for photo in photos(2).iterdir():
        for folder in ("", "made/train/imageA/"):
            store.pipe_file(f"{root}/{folder}{photo.name}", photo.read_bytes())
    for name in ("dataset.yaml", "report.jsonl"):
        store.pipe_file(f"{root}/made/{name}", b"")
    found = list_sources([f"memory:/{root}"], [])
    assert [one.name for one in found.files] == ["000.png", "001.png"]
    assert found.skipped == [("made", "prepared-dataset")]


def test_share_that_is_missed_is_explained(tmp_path: Path, photos: Photos) -> None:
    source = photos(8)
    assert prepare("negative", [source], tmp_path / "met", val=0.25, workers=1).remarks == ()
    (linked,) = prepare("negative", [source], tmp_path / "linked", group="(0)", workers=1).remarks
    assert linked.startswith("val has none of 8 pairs, where --val 0.1 means 1: one must be left for training")
    assert linked in safe_yaml.load((tmp_path / "linked" / "dataset.yaml").read_text(), "card")["remarks"]
    (single,) = prepare("negative", [source / "000.png"], tmp_path / "single", workers=1).remarks
    assert single.startswith("val has none of 1 pair, where --val 0.1 means 1: one must be left for training")
    assert prepare("negative", [source / "000.png"], tmp_path / "none", val=0, workers=1).remarks == ()
