"""Two folders become pairs that are what the files were."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from i2i import images
from i2i.errors import DataError, UsageError
from i2i.pairs import Pixels
from i2i.preparation import plan, prepare
from i2i_prepare.halves import Concat


def ramp(height: int, width: int, channels: int, dtype: str = "uint8") -> Pixels:
    top = 1.0 if dtype == "float32" else float(np.iinfo(dtype).max)
    return np.linspace(0, top, height * width * channels).reshape(height, width, channels).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pair_is_what_was_given(dtype: str) -> None:
    source, target = ramp(6, 9, 1, "uint8"), ramp(6, 9, 5, dtype)
    pair = Concat()(source, target)
    np.testing.assert_array_equal(pair.source, source)
    np.testing.assert_array_equal(pair.target, target)
    assert pair.target.dtype == dtype


def test_different_sizes_are_refused_unless_a_size_is_asked_for() -> None:
    with pytest.raises(DataError, match="The source is 9x6 and its target 12x8"):
        Concat()(ramp(6, 9, 3), ramp(8, 12, 3))
    pair = Concat(size=4)(ramp(6, 9, 3), ramp(8, 12, 3, "uint16"))
    assert pair.source.shape == pair.target.shape == (4, 4, 3)
    assert (pair.source.dtype, pair.target.dtype) == (np.uint8, np.uint16)


@pytest.mark.parametrize(("fit", "corner"), [("crop", 200), ("stretch", 10), ("pad", 255)])
def test_fit_decides_about_the_rim(fit: images.geometry.Fit, corner: int) -> None:
    image = np.full((8, 16, 3), 200, np.uint8)
    image[:, :4] = image[:, -4:] = 10  # what a centred square leaves out
    for half in Concat(size=8, fit=fit)(image, image):
        assert half[0, 0, 0] == corner


def test_depth_survives_the_whole_way_to_a_file_of_both_halves(tmp_path: Path) -> None:
    write: Callable[[str, Pixels], None] = lambda name, pixels: images.write(tmp_path / name, pixels)  # noqa: E731
    for folder in ("labels", "photos"):
        (tmp_path / folder).mkdir()
    label, photo = ramp(16, 20, 1), ramp(16, 20, 3, "uint16")
    write("labels/street 1.png", label)
    write("photos/street 1.png", photo)
    report = prepare(
        "concat", [tmp_path / "labels", tmp_path / "photos"], tmp_path / "out", layout="ab", workers=1, val=0
    )
    assert (report.made, report.rejected) == (1, {})
    whole = images.read(tmp_path / "out" / "train" / "street 1.png").pixels
    np.testing.assert_array_equal(whole[:, :20], label.repeat(3, 2).astype(np.uint16) * 257)
    np.testing.assert_array_equal(whole[:, 20:], photo)


def folders(root: Path, names: dict[str, dict[str, int]]) -> list[Path]:
    """Folders of noise: folder -> path below it -> seed of the noise."""
    for folder, files in names.items():
        for name, seed in files.items():
            (root / folder / name).parent.mkdir(parents=True, exist_ok=True)
            images.write(root / folder / name, np.random.default_rng(seed).integers(0, 255, (20, 24, 3)).astype("u1"))
    return [root / folder for folder in names]


def test_every_file_is_in_the_report_once(tmp_path: Path) -> None:
    a, b = folders(
        tmp_path,
        {
            "a": {"1.png": 1, "2.png": 2, "lonely.png": 3, "twice.png": 4, "twice.webp": 5, "broken.png": 6},
            "b": {"1.png": 7, "2.png": 8, "alone.png": 9, "twice.png": 10, "broken.png": 11},
        },
    )
    (a / "broken.png").write_bytes(b"\x89PNG")
    (b / "notes.txt").write_text("no image")
    report = prepare("concat", [a, b], tmp_path / "out", val=0, workers=1)
    assert set(report.rejected) >= {"no-partner", "several-partners"}
    told = [source.name for row in report.rows for source in row.sources]
    told += [row.name for row in report.rows if row.status == "skipped"]
    files = [file.relative_to(tmp_path).as_posix() for folder in (a, b) for file in folder.iterdir()]
    assert sorted(told) == sorted(files)
    sizes = {source.name: source.bytes for row in report.rows for source in row.sources}
    assert all(size == (tmp_path / name).stat().st_size for name, size in sizes.items())
    again = prepare("concat", [a, b], tmp_path / "out", val=0, workers=1)
    assert again.rejected == report.rejected


def test_pairs_with_one_target_come_to_one_split(tmp_path: Path) -> None:
    sources = {f"{i:02}.png": i for i in range(20)}
    a, b = folders(tmp_path, {"a": sources, "b": {name: 100 + i // 2 for name, i in sources.items()}})
    report = prepare("concat", [a, b], tmp_path / "out", val=0.3, workers=1)
    split_of = {row.name: row.split for row in report.rows}
    assert report.splits["val"] == 6
    assert all(split_of[f"{i:02}"] == split_of[f"{i + 1:02}"] for i in range(0, 20, 2))


def test_blank_targets_tie_nothing_together(tmp_path: Path) -> None:
    a, b = folders(tmp_path, {"a": {f"{i}.png": i for i in range(10)}, "b": {f"{i}.png": 0 for i in range(10)}})
    for file in b.iterdir():
        images.write(file, np.full((20, 24, 1), 255, np.uint8))
    assert prepare("concat", [a, b], tmp_path / "out", val=0.3, workers=1).splits["val"] == 3


def test_published_splits_are_kept(tmp_path: Path) -> None:
    names = {"train/x.png": 0, "train/y.png": 1, "test/z.png": 2, "val/w/u.png": 3}
    sources = folders(tmp_path, {"a": names, "b": {name: seed + 50 for name, seed in names.items()}})
    report = prepare("concat", sources, tmp_path / "out", workers=1)
    assert {row.name: row.split for row in report.rows} == {name[:-4]: name.split("/")[0] for name in names}
    files = {file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").glob("*/imageB/*")}
    assert files == {
        f"{place}.png" for place in ("train/imageB/x", "train/imageB/y", "test/imageB/z", "val/imageB/w__u")
    }
    assert "divided already" in report.remarks[0]
    assert "divided already" in plan("concat", sources, tmp_path / "new")
    with pytest.raises(UsageError, match=r"into test/ and train/ and val/.*Leave out --val"):
        prepare("concat", sources, tmp_path / "new", val=0.2, workers=1)


def test_images_of_one_name_in_two_published_splits_are_both_kept(tmp_path: Path) -> None:
    names = {"training/1.png": 0, "testing/1.png": 1}
    sources = folders(tmp_path, {"a": names, "b": {name: seed + 50 for name, seed in names.items()}})
    report = prepare("concat", sources, tmp_path / "out", workers=1)
    assert {row.name: (row.split, row.outputs[0].file) for row in report.rows} == {
        "testing/1": ("test", "imageA/testing__1.png"),
        "training/1": ("train", "imageA/training__1.png"),
    }
