"""A dataset folder out of whatever there is: complete, the same each time, and with a word about every input."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from odd_preparers import Mixed, Plugin, Troubled

from i2i import images, safe_yaml
from i2i.errors import DataError, I2iError, MissingInputError, OutputError, UnknownNameError, UsageError
from i2i.plugins import Plugins
from i2i.preparation import Report, prepare

Photos = Callable[..., Path]
Tree = Callable[[Path], dict[str, str]]


def register_odd_preparers(patch: pytest.MonkeyPatch) -> None:
    plugins = Plugins()
    plugins.register(Plugin(), "odd")
    patch.setattr("i2i.plugins.installed", lambda group: plugins)


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "report.jsonl").read_text().splitlines()]


class Made(NamedTuple):
    source: Path
    out: Path
    report: Report
    told: list[tuple[int, int]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Ten pictures and the dataset that was made of them."""
    folder = tmp_path_factory.mktemp("made")
    source, out = folder / "photos", folder / "out"
    source.mkdir()
    for seed in range(10):
        images.write(source / f"{seed}.png", np.random.default_rng(seed).integers(0, 256, (20, 24, 3)).astype(np.uint8))
    told: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        register_odd_preparers(patch)
        report = prepare(
            "negative",
            [source],
            out,
            options={"strength": 2},
            val=0.2,
            test=0.1,
            workers=2,
            on_progress=lambda done, total: told.append((done, total)),
        )
    return Made(source, out, report, told)


def test_dataset_has_every_pair(made: Made) -> None:
    source, out, report, told = made
    assert told == [(i, 10) for i in range(11)]
    assert (report.made, report.skipped, report.rejected) == (10, {}, {})
    assert report.splits == {"train": 7, "val": 2, "test": 1}
    assert sorted(path.name for path in out.iterdir()) == ["dataset.yaml", "report.jsonl", "test", "train", "val"]
    seen = set()
    for split, count in report.splits.items():
        lines = [json.loads(line) for line in (out / split / "metadata.jsonl").read_text().splitlines()]
        assert len(lines) == count
        for line in lines:
            seen.add(line["source"])
            photo = images.read(source / line["source"]).pixels
            assert (line["height"], line["width"]) == photo.shape[:2]
            a, b = (images.read(out / split / line[f"{half}_file_name"]).pixels for half in ("imageA", "imageB"))
            np.testing.assert_array_equal(a, (255 - photo) // 2)
            np.testing.assert_array_equal(b, photo)
    assert seen == {f"{i}.png" for i in range(10)}


def test_dataset_says_how_it_was_made(made: Made) -> None:
    card = safe_yaml.load((made.out / "dataset.yaml").read_text(), "card")
    assert card["preparer"] == "negative"
    assert card["options"] == {"strength": 2, "log": "", "pause": 0.0}
    assert card["counts"] == {"made": 10, "skipped": 0, "rejected": 0, "train": 7, "val": 2, "test": 1}
    assert card["images"]["imageB"] == [
        {"images": 10, "dtype": "uint8", "channels": 3, "range": [0, 255], "height": [20, 20], "width": [24, 24]}
    ]
    assert card["command"].startswith(f"i2i prepare negative {made.source} OUT --strength 2")
    assert {"licence", "attribution", "versions", "sources"} <= card.keys()


def test_report_has_the_checksums_of_sources_and_outputs(made: Made, tree: Tree) -> None:
    sources, outputs = tree(made.source), tree(made.out)
    for row in rows_of(made.out):
        (read,) = row["sources"]
        assert sources[read["name"]] == read["sha256"]
        assert len(row["outputs"]) == 2
        for output in row["outputs"]:
            assert outputs[f"{row['split']}/{output['file']}"] == output["sha256"]


def test_result_does_not_depend_on_workers_or_on_the_order_of_sources(
    tmp_path: Path, photos: Photos, tree: Tree
) -> None:
    a, b = photos(6, "a"), photos(4, "b", ".npy")
    (a / "broken.jpg").write_bytes(b"broken")
    for out, workers, sources in (("1", 1, [a, b]), ("2", 2, [a, b]), ("3", 1, [b, a])):
        prepare("negative", sources, tmp_path / out, val=0.3, workers=workers)
    assert len(tree(tmp_path / "1")) > 20
    assert tree(tmp_path / "1") == tree(tmp_path / "2")
    card = "dataset.yaml"  # spells the sources as they were given
    assert {**tree(tmp_path / "1"), card: ""} == {**tree(tmp_path / "3"), card: ""}


def test_side_by_side_layout_has_source_left_and_target_right(tmp_path: Path, photos: Photos) -> None:
    source, out = photos(3), tmp_path / "out"
    prepare("negative", [source], out, layout="ab", workers=1)
    for row in rows_of(out):
        whole = images.read(out / row["split"] / row["outputs"][0]["file"]).pixels
        photo = images.read(source / row["name"]).pixels
        np.testing.assert_array_equal(whole, np.hstack([255 - photo, photo]))
    line = json.loads((out / "val" / "metadata.jsonl").read_text().splitlines()[0])
    assert (out / "val" / line["file_name"]).is_file()


def marked(folder: Path, kinds: type[Any], names: Iterable[str]) -> Path:
    """Flat gray pictures whose value tells a preparer what to do."""
    folder.mkdir()
    for name in names:
        images.write(folder / f"{name}.png", np.full((16, 16, 1), getattr(kinds, name), np.uint8))
    return folder


def test_two_files_hold_halves_of_any_kind(tmp_path: Path) -> None:
    source = marked(tmp_path / "in", Mixed, ("DEEP", "FLOAT", "SMALL", "MANY"))
    assert prepare("mixed", [source], tmp_path / "out", val=0, workers=1).made == 3
    names = sorted(path.name for path in (tmp_path / "out" / "train" / "imageA").iterdir())
    assert names == ["DEEP.png", "FLOAT.npy", "MANY.npy"]


def test_one_file_holds_halves_that_fit_with_the_depth_of_the_deeper(tmp_path: Path) -> None:
    source = marked(tmp_path / "in", Mixed, ("DEEP", "FLOAT", "SMALL", "MANY"))
    report = prepare("mixed", [source], tmp_path / "out", val=0, layout="ab", workers=1)
    assert report.rejected == {"preparer-failed": ["SMALL.png"], "unsuitable": ["FLOAT.png"]}
    whole = images.read(tmp_path / "out" / "train" / "DEEP.png").pixels
    assert (str(whole.dtype), whole.shape) == ("uint16", (16, 32, 1))
    assert set(np.unique(whole)) == {Mixed.DEEP * 257}
    assert images.read(tmp_path / "out" / "train" / "MANY.npy").pixels.shape == (16, 32, 2)


def test_trouble_with_one_picture_is_its_own(tmp_path: Path) -> None:
    kinds = ("FINE", "CRASH", "RAISE", "REFUSE", "NOTHING", "FLAT", "HUNGRY", "WIDE")
    source = marked(tmp_path / "in", Troubled, kinds)
    report = prepare("troubled", [source], tmp_path / "out", workers=1)
    assert report.made == 1
    assert report.rejected == {
        "crashed": ["CRASH.png"],
        "preparer-failed": ["FLAT.png", "NOTHING.png", "RAISE.png", "WIDE.png"],
        "too-large": ["HUNGRY.png"],
        "unsuitable": ["REFUSE.png"],
    }
    messages = {row["name"]: row.get("message", "") for row in rows_of(tmp_path / "out")}
    assert str(tmp_path) not in (tmp_path / "out" / "report.jsonl").read_text()
    assert "SIGSEGV" in messages["CRASH.png"]
    assert "preparer 'troubled' fails on 'RAISE.png': RuntimeError: stranger's bug" in messages["RAISE.png"]
    assert messages["REFUSE.png"] == "This picture is not to my taste."


def test_pixel_limit_is_the_callers_and_notes_are_kept(tmp_path: Path, photos: Photos) -> None:
    source = photos(2)
    (source / "clear.png").write_bytes(cv2.imencode(".png", np.full((16, 16, 4), 99, np.uint8))[1].tobytes())
    report = prepare("negative", [source], tmp_path / "out", max_pixels=16 * 16, workers=1)
    assert report.rejected == {"too-large": ["000.png", "001.png"]}
    assert [row.notes for row in report.rows if row.status == "made"] == [("transparency laid on a background",)]


def two_folders(photos: Photos) -> tuple[Path, Path]:
    a, b = photos(5, "a"), photos(5, "b", ".webp")
    (a / "sub").mkdir()
    (b / "sub").mkdir()
    shutil.copy(a / "000.png", a / "sub" / "é.png")
    shutil.copy(b / "000.webp", b / "sub" / "e\u0301.webp")
    return a, b


def test_two_folders_are_matched_by_name(tmp_path: Path, photos: Photos) -> None:
    report = prepare("both", two_folders(photos), tmp_path / "out", workers=2)
    assert report.made == 6
    assert report.rejected == {}
    for row in report.rows:
        first, second = (source.name for source in row.sources)
        assert first.startswith("a/")
        assert second.startswith("b/")
    assert "sub/é" in {row.name for row in report.rows}


def test_images_without_exactly_one_partner_are_rejected_with_the_nearest(tmp_path: Path, photos: Photos) -> None:
    a, b = two_folders(photos)
    (a / "001.png").rename(a / "0001.png")
    shutil.copy(b / "002.webp", b / "002.png")
    report = prepare("both", [a, b], tmp_path / "out", workers=1)
    assert report.made == 4
    assert report.rejected == {"no-partner": ["0001", "001"], "several-partners": ["002"]}
    messages = {row.name: row.message for row in report.rows}
    assert messages["0001"] == "'0001.png' has no partner in 'b'. Did you mean '001'?"
    assert messages["001"] == "'001.webp' has no partner in 'a'. Did you mean '0001'?"
    assert messages["002"].startswith("'002.png' and '002.png' and '002.webp' have the same name")


def test_preparer_of_two_wants_two_separate_folders(tmp_path: Path, photos: Photos) -> None:
    a, b = two_folders(photos)
    for sources in ([a], [a, b, a], [a, b / "000.webp"], [a, a], [a, a / "sub"]):
        with pytest.raises(UsageError, match="folders"):
            prepare("both", sources, tmp_path / "out")


def test_nothing_is_written_when_nothing_can_be_made(tmp_path: Path, photos: Photos) -> None:
    source, out = photos(1), tmp_path / "out"
    (tmp_path / "void").mkdir()
    (tmp_path / "void" / "clip.mp4").touch()
    cases: list[tuple[type[I2iError], str, dict[str, Any]]] = [
        (UnknownNameError, "Did you mean 'negative'", {"name": "negativ"}),
        (UsageError, "no option 'strenght'", {"options": {"strenght": 1}}),
        (UsageError, "strength", {"options": {"strength": 9}}),
        (UsageError, "leave nothing", {"val": 1.0}),
        (MissingInputError, "nowhere", {"sources": [tmp_path / "nowhere"]}),
        (DataError, "among the 1 file there", {"sources": [tmp_path / "void"]}),
        (UsageError, "read and written", {"out": source}),
        (UsageError, "read and written", {"out": tmp_path}),
    ]
    for error, message, changed in cases:
        with pytest.raises(error, match=message):
            prepare(**{"name": "negative", "sources": [source], "out": out, **changed})
    assert not out.exists()
    assert sorted(path.name for path in source.iterdir()) == ["000.png"]


def test_folder_that_holds_something_else_is_left_alone(tmp_path: Path, photos: Photos) -> None:
    out = tmp_path / "precious"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match=r"holds something else, such as 'thesis\.tex'"):
            prepare("negative", [photos(1)], out, overwrite=overwrite)
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]
    with pytest.raises(UsageError, match="is a file"):
        prepare("negative", [photos(1)], out / "thesis.tex")


def test_dataset_of_another_tool_is_left_alone(tmp_path: Path, photos: Photos, tree: Tree) -> None:
    out = tmp_path / "yolo"
    (out / "train").mkdir(parents=True)
    (out / "train" / "1.txt").write_text("years of labels")
    (out / "dataset.yaml").write_text("path: .\ntrain: train\nnames: [cat]\n")
    before = tree(out)
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="is not one that `i2i prepare` wrote"):
            prepare("negative", [photos(1)], out, overwrite=overwrite)
    assert tree(out) == before


def test_full_disk_stops_with_one_line_and_without_torn_files(tmp_path: Path, photos: Photos) -> None:
    out = tmp_path / "out"
    with pytest.raises(OutputError, match=r"Cannot write .*file too large"):
        prepare("limited", [photos(3)], out, workers=1)
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["command.json", "lock"]
