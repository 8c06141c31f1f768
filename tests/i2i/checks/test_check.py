"""Every defect that is planted into a sound dataset is found, by name, and nothing else is."""

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from i2i import images
from i2i.data.checks import Examination, check, write_page
from i2i.data.checks.measuring import spread
from i2i.errors import MissingInputError, UnknownNameError, UsageError
from i2i.labels import Label
from i2i.pairs import Pixels

TRAIN, VAL, SIDE = 8, 3, 72

FITTING = ["unet,depth=3"]


def picture(seed: int) -> Pixels:
    """Blobs and edges, different for every seed, (72, 72, 3) from black to white."""
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.normal(size=(n, n, 3)) / n**0.5, (SIDE, SIDE)) for n in (3, 6, 12)]
    whole = np.sum(layers, axis=0)
    pixels: Pixels = np.rint(255 * (whole - whole.min()) / (whole.max() - whole.min())).astype(np.uint8)
    cv2.circle(pixels, tuple(int(v) for v in rng.integers(20, 52, 2)), 14, (0, 0, 0), -1)
    return pixels


def negative(source: Pixels) -> Pixels:
    pixels: Pixels = 255 - source
    return pixels


def write(root: Path, split: str, name: str, source: Pixels, target: Pixels) -> None:
    for half, pixels in (("imageA", source), ("imageB", target)):
        file = root / split / half / f"{name}{images.suffix_for(pixels)}"
        file.parent.mkdir(parents=True, exist_ok=True)
        images.write(file, pixels)


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sound") / "pairs"
    for seed in range(TRAIN + VAL):
        split, name = ("train", f"t{seed}") if seed < TRAIN else ("val", f"v{seed}")
        write(root, split, name, picture(seed), negative(picture(seed)))
    return root


@pytest.fixture
def dataset(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "pairs"))


def examine(dataset: Path, **options: Any) -> Examination:
    return check(dataset, workers=1, **{"generators": FITTING, **options})


def found(dataset: Path, **options: Any) -> dict[str, str]:
    """Code -> severity and the text of the first example."""
    diagnoses = examine(dataset, **options).diagnoses
    return {d.code: f"{d.severity} {d.total} {d.text} {' | '.join(e.text for e in d.examples)}" for d in diagnoses}


def test_a_sound_dataset_has_nothing_to_complain_of(sound: Path) -> None:
    examination = examine(sound)
    assert examination.diagnoses == []
    assert (examination.pairs, examination.looked_at) == (TRAIN + VAL, TRAIN + VAL)
    assert examination.counts == {"error": 0, "warning": 0, "note": 0}
    facts = examination.splits["train"].facts["imageA"]
    assert facts["mean"][0] == pytest.approx(picture(0).mean() / 255, abs=1e-6)
    assert (facts["low"][0], facts["high"][0]) == (0, 255)
    assert facts["deviation"][0] == pytest.approx(picture(0).std(axis=(0, 1)).max() / 255, abs=1e-6)
    counts = np.histogram(np.stack([picture(seed) for seed in range(TRAIN)]), 64, (0, 256))[0]
    assert examination.splits["train"].values["imageA"].tolist() == counts.tolist()


def test_nothing_is_written_into_the_dataset(sound: Path) -> None:
    before = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in sound.rglob("*") if file.is_file()}
    examine(sound)
    assert {
        file: hashlib.sha256(file.read_bytes()).hexdigest() for file in sound.rglob("*") if file.is_file()
    } == before


def one_half(root: Path, **halves: Pixels) -> None:
    for half, pixels in halves.items():
        images.write(root / "train" / half / "t0.png", pixels)


def lonely(root: Path) -> None:
    (root / "train/imageB/t0.png").rename(root / "train/imageB/t_0.png")


def twice(root: Path) -> None:
    images.write(root / "train/imageA/t0.jpg", picture(0))


def cut_off(root: Path) -> None:
    file = root / "train/imageA/t0.png"
    file.write_bytes(file.read_bytes()[:900])


def web_page(root: Path) -> None:
    (root / "train/imageA/t0.png").write_text("<html>not found</html>")


def unread_val(root: Path) -> None:
    shutil.rmtree(root / "val")


def no_train(root: Path) -> None:
    (root / "train").rename(root / "extra")


def leaked(root: Path) -> None:
    write(root, "val", "copy", picture(1), negative(picture(30)))


def resized_leak(root: Path) -> None:
    small = images.resize(picture(1), 40, 40)
    write(root, "val", "copy", small, negative(small))


def half_leak(root: Path) -> None:
    write(root, "val", "copy", images.read(images.encode(picture(1), ".jpg")).pixels, negative(picture(31)))


def repeated(root: Path) -> None:
    write(root, "train", "copy", picture(1), negative(picture(1)))


def recompressed(root: Path) -> None:
    for half in ("imageA", "imageB"):
        pixels = images.read(root / "train" / half / "t1.png").pixels
        images.write(root / "train" / half / "copy.jpg", pixels)


def shifted(root: Path) -> None:
    for seed in range(TRAIN):
        images.write(root / f"train/imageB/t{seed}.png", np.roll(negative(picture(seed)), (3, -2), (0, 1)))


def one_shifted(root: Path) -> None:
    one_half(root, imageB=np.roll(negative(picture(0)), (9, 7), (0, 1)))


def all_of(change: Callable[[Pixels], Pixels]) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        for file in sorted(root.glob("*/imageA/*.png")):
            pixels = change(images.read(file).pixels)
            file.unlink()
            images.write(file.with_suffix(images.suffix_for(pixels)), pixels)

    return plant


def flipped_bit(root: Path) -> None:
    rows = []
    for half in ("imageA", "imageB"):
        file = root / "train" / half / "t0.png"
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        rows.append(
            {"file": f"{half}/t0.png", "sha256": digest, "height": SIDE, "width": SIDE, "channels": 3, "dtype": "uint8"}
        )
    line = {"name": "t0.png", "status": "made", "split": "train", "outputs": rows}
    (root / "report.jsonl").write_text(json.dumps(line) + "\n")
    images.write(root / "train/imageB/t0.png", negative(picture(0)) ^ np.uint8(1))


DEFECTS: Mapping[str, tuple[Callable[[Path], None], str, str, str]] = {
    "no-partner": (lonely, "error", "2 ", "Did you mean 't_0'?"),
    "same-name": (twice, "error", "1 ", "t0.jpg"),
    "truncated": (cut_off, "error", "1 image", "train/t0, imageA"),
    "not-an-image": (web_page, "error", "1 image", "web page"),
    "no-val": (unread_val, "warning", "'val'", ""),
    "no-train": (no_train, "error", "'train'", "extra"),
    "leak": (leaked, "error", "2 images in 1 group", "imageA of train/t1, val/copy"),
    "near-leak": (resized_leak, "error", "look the same", "imageA of train/t1, val/copy"),
    "half-leak": (half_leak, "warning", "look the same", "imageA of train/t1, val/copy"),
    "duplicates": (repeated, "warning", "4 images in 2 groups", "imageB of train/copy, train/t1"),
    "near-duplicates": (recompressed, "note", "4 images in 2 groups", "imageB of train/copy, train/t1"),
    "shifted": (shifted, "warning", "2.0 px left and 3", "train/t0"),
    "pair-shifted": (one_shifted, "warning", "1 pair", "train/t0: target"),
    "blank": (
        lambda root: one_half(root, imageA=np.full((SIDE, SIDE, 3), 7, np.uint8)),
        "warning",
        "1 image of imageA",
        "train/t0",
    ),
    "zero-one": (
        lambda root: one_half(root, imageB=(negative(picture(0)) > 99).astype(np.uint8)),
        "warning",
        "1 image of imageB",
        "train/t0",
    ),
    "dark": (all_of(lambda p: p // 8), "warning", "above 31", "train/"),
    "mixed-types": (
        lambda root: one_half(root, imageA=picture(0).astype(np.uint16) * 257),
        "warning",
        "10 uint8, 1 uint16",
        "train/t0",
    ),
    "8-bits-in-16": (all_of(lambda p: p.astype(np.uint16)), "warning", "11 images of imageA", "train/t0"),
    "low-bits-in-16": (all_of(lambda p: p.astype(np.uint16) * 16 + 7), "warning", "12 bits in 16", "train/t0"),
    "widened": (all_of(lambda p: p.astype(np.uint16) * 257), "note", "multiple of 257", "train/t0"),
    "half-range": (all_of(lambda p: (p / 255).astype(np.float32)), "warning", "below 0", "train/t0"),
    "unequal-sizes": (
        lambda root: one_half(root, imageA=images.resize(picture(0), 64, 72)),
        "warning",
        "1 pair",
        "72x64 and 72x72",
    ),
    "odd-sizes": (
        lambda root: write(
            root, "train", "t0", *[images.resize(p, 80, 80) for p in (picture(0), negative(picture(0)))]
        ),
        "note",
        "not 72x72",
        "train/t0, 80x80",
    ),
    "not-square": (
        lambda root: one_half(root, imageA=images.resize(picture(0), 64, 72)),
        "note",
        "1 image of imageA",
        "72x64",
    ),
    "tiny": (
        lambda root: write(root, "train", "t0", picture(0)[:8, :8], negative(picture(0))[:8, :8]),
        "warning",
        "less than 16 pixels",
        "8x8",
    ),
    "gray-among-colour": (
        lambda root: one_half(root, imageB=negative(picture(0))[..., :1]),
        "note",
        "1 image of imageB",
        "train/t0",
    ),
    "channels": (
        all_of(lambda p: np.dstack([p, p])[..., : 4 + int(p[0, 0, 0]) % 2]),
        "error",
        "differ in their channels",
        "t",
    ),
    "damaged-file": (flipped_bit, "error", "1 files are not as", "train/imageB/t0.png"),
}

ALONE = {"no-partner", "same-name", "truncated", "not-an-image", "no-train", "channels"}
"""Errors on which training stops, which is a second error."""

COMPANIONS = {
    "unequal-sizes": {"not-square", "odd-sizes"},
    "not-square": {"unequal-sizes", "odd-sizes"},
    "tiny": {"odd-sizes", "small-for-generator"},
    "near-leak": {"odd-sizes"},
    "no-train": {"other-split"},
    "half-leak": {"pair-shifted"},  # the halves of the planted pair have nothing to do with each other
    "mixed-types": {"widened"},
}


@pytest.mark.parametrize("code", DEFECTS)
def test_planted_defect_is_found_by_name_and_nothing_else_is(dataset: Path, code: str) -> None:
    plant, severity, said, named = DEFECTS[code]
    plant(dataset)
    codes = found(dataset)
    assert codes[code].startswith(severity)
    assert said in codes[code]
    assert named in codes[code]
    assert codes.keys() - {code} <= COMPANIONS.get(code, set()) | ({"training-stops"} if code in ALONE else set())


def test_training_stops_is_what_training_says(dataset: Path) -> None:
    lonely(dataset)
    assert "'t0' has no partner" in found(dataset)["training-stops"]


def numbered(dataset: Path, half: str) -> list[tuple[int, Path]]:
    """Every file of a column, and the seed of its picture."""
    return [(int(file.stem[1:]), file) for file in sorted(dataset.glob(f"*/{half}/*.png"))]


def test_labels_that_nobody_declared_are_named_with_the_files(dataset: Path) -> None:
    labels = [Label(0, "sky"), Label(3, "road")]
    for number, file in numbered(dataset, "imageA"):
        ids = np.where(picture(number)[..., :1] > 99, 3, 0).astype(np.uint8)
        ids[number : number + 3, :5] = 9 if file.stem == "t2" else 3
        images.write(file, ids)
    codes = found(dataset, labels=labels)
    assert codes.keys() == {"undeclared-label"}
    assert codes["undeclared-label"].startswith("error 1 Label maps hold 1 value")
    assert "9 in train/t2" in codes["undeclared-label"]
    examination = examine(dataset, labels=[*labels, Label(9, "car")])
    assert examination.diagnoses == []
    assert examination.splits["train"].used == {0: 8, 3: 8, 9: 1}


def test_coloured_labels_are_held_against_declared_colours(dataset: Path) -> None:
    labels = [Label(0, "sky", (0, 0, 255)), Label(1, "road", (128, 64, 128))]
    for number, file in numbered(dataset, "imageB"):
        where = picture(number)[..., :1] > 99
        colours = np.where(where, np.array((0, 0, 255)), np.array((128, 64, 128))).astype(np.uint8)
        colours[:2, :2] = (128, 64, 127) if file.stem == "v9" else (0, 0, 255)
        images.write(file, colours)
    codes = found(dataset, labels=labels, label_column="imageB")
    assert "#80407f in val/v9" in codes["undeclared-label"]


def test_ids_of_a_palette_are_its_indices(dataset: Path) -> None:
    from PIL import Image

    for number, file in numbered(dataset, "imageA"):
        indexed = Image.new("P", (SIDE, SIDE))
        indexed.putdata((picture(number)[..., 0] // 100).ravel().tolist())
        indexed.putpalette([200, 10, 10, 10, 200, 10, 10, 10, 200])
        indexed.save(file)
    assert examine(dataset, labels=[Label(n, str(n)) for n in range(3)]).diagnoses == []


def test_a_column_that_is_not_there_is_refused(sound: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'imageB'"):
        examine(sound, labels=[Label(0, "sky")], label_column="image_B")
    with pytest.raises(UsageError, match="no labels"):
        examine(sound, label_column="imageB")


def test_direction_says_which_column_is_the_source(sound: Path) -> None:
    assert examine(sound, options={"direction": "BtoA"}).columns.source == ("imageB",)


def test_generators_are_asked_for_their_sizes(sound: Path) -> None:
    fits = examine(sound, generators=["unet,depth=3", "unet,depth=4"]).fits
    assert [(fit.multiple, fit.fitting, fit.largest) for fit in fits] == [(8, 22, 72), (16, 0, 64)]
    assert {fit.generator for fit in examine(sound, generators=()).fits} >= {"unet", "encoder-decoder"}
    assert "small-for-generator" in found(sound, generators=["unet"])
    with pytest.raises(UnknownNameError, match="unett"):
        examine(sound, generators=["unett"])
    with pytest.raises(UsageError, match="OPTION=VALUE"):
        examine(sound, generators=["unet,depth"])
    with pytest.raises(UsageError, match="no option 'deep'"):
        examine(sound, generators=["unet,deep=3"])


def test_quick_looks_at_some_and_still_matches_all_names(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("i2i.data.checks.examination.QUICK", 2)
    lonely(dataset)
    examination = examine(dataset, quick=True)
    assert examination.looked_at == 4
    assert "no-partner" in {diagnosis.code for diagnosis in examination.diagnoses}


def test_rows_are_spread_evenly() -> None:
    assert spread(10, 5) == [0, 2, 4, 6, 8]
    assert spread(3, 5) == [0, 1, 2]
    assert spread(0, 5) == []


def test_result_does_not_depend_on_the_number_of_workers(dataset: Path) -> None:
    cut_off(dataset)
    leaked(dataset)
    one, two = (check(dataset, workers=workers, generators=FITTING).to_dict() for workers in (1, 3))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_a_decoder_that_dies_is_an_error_about_its_image(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("i2i.data.checks.measuring.build", build_deadly)
    examination = examine(dataset)
    (crashed,) = [diagnosis for diagnosis in examination.diagnoses if diagnosis.code == "crashed"]
    assert crashed.severity == "error"
    assert [example.text.split(":")[0] for example in crashed.examples] == ["train/t3"]
    assert examination.looked_at == TRAIN + VAL


def build_deadly(*arguments: Any) -> Callable[[Any], Any]:
    """As `i2i.data.checks.measuring.build`, on a decoder that one image kills."""
    from i2i.data.checks import measuring

    work = measuring.build(*arguments)

    def deadly(task: Any) -> Any:
        if (task.split, task.row) == ("train", 3):
            os.kill(os.getpid(), signal.SIGSEGV)
        return work(task)

    return deadly


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="There is no"):
        check(tmp_path / "nothing")


def test_ab_files_are_examined_too(sound: Path, tmp_path: Path) -> None:
    for file in sorted(sound.glob("*/imageA/*.png")):
        halves = [images.read(file.parents[1] / half / file.name).pixels for half in ("imageA", "imageB")]
        place = tmp_path / "ab" / file.parents[1].name / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        images.write(place, np.hstack(halves))
    images.write(tmp_path / "ab" / "train" / "odd.png", picture(50)[:, :71])
    codes = found(tmp_path / "ab")
    assert "71 pixels wide" in codes["unreadable"]
    assert codes.keys() == {"unreadable", "training-stops"}


class Page(HTMLParser):
    """What a page refers to, and whether its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "img":
            assert dict(attrs).get("alt")
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_page_needs_nothing_but_itself_and_escapes_names(dataset: Path, tmp_path: Path) -> None:
    name = "<script>alert(1)"
    write(dataset, "train", "copy", picture(1), negative(picture(1)))
    for half in ("imageA", "imageB"):
        (dataset / "train" / half / "copy.png").rename(dataset / "train" / half / f"{name}.png")
    examination = examine(dataset)
    page = write_page(examination, tmp_path / "page")
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert "url(" not in text
    parsed = Page()
    parsed.feed(text)
    assert parsed.open == []
    assert parsed.references
    assert all(reference.startswith("data:image/png;base64,") for reference in parsed.references)
    words = " ".join(" ".join(parsed.words).split())
    assert name in words
    assert all(diagnosis.text in words for diagnosis in examination.diagnoses)
    assert json.loads((tmp_path / "page" / "check.json").read_text()) == examination.to_dict()


def test_page_of_a_sound_dataset_says_so(sound: Path, tmp_path: Path) -> None:
    text = write_page(examine(sound, labels=()), tmp_path / "new" / "page").read_text("utf-8")
    assert "Ready to train on." in text
    assert "no-partner" not in text


def in_columns(root: Path) -> Path:
    """12 bits of gray in 16, in columns of names that nobody knows, without a split to measure on."""
    for number in range(20):
        for column in ("height", "shade"):
            place = root / "train" / column / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            images.write(
                place,
                (negative(picture(number)) if column == "shade" else picture(number))[..., :1].astype(np.uint16) * 16,
            )
    return root


def test_options_of_training_are_those_of_the_examination(tmp_path: Path) -> None:
    root = in_columns(tmp_path / "terrain")
    options = {"source": ["height"], "target": ["shade"], "val_share": 0.2}
    plain = examine(root, options=options)
    assert "low-bits-in-16" in {diagnosis.code for diagnosis in plain.diagnoses}
    ranged = examine(root, options={**options, "source_range": [0, 4095], "target_range": [0, 4095]})
    assert ranged.columns == (("height",), ("shade",))
    assert {diagnosis.code for diagnosis in ranged.diagnoses} <= {"odd-sizes", "not-square"}
    assert {split for split, facts in ranged.splits.items() if facts.names} == {"train", "val"}
    assert ranged.pairs == 20
    read = images.read(root / "train" / "height" / f"{ranged.splits['train'].names[0]}.png", value_range=(0, 4095))
    assert ranged.splits["train"].facts["height"]["high"][0] == read.pixels.max() > 0.5
    page = write_page(ranged, tmp_path / "page").read_text("utf-8")
    assert "val_share=0.2" in page
    assert page.count("data:image/png") >= 24  # 12 pairs, read as the examination read them
    narrow = examine(root, options={**options, "source_range": [0, 100]})
    assert "training-stops" in {diagnosis.code for diagnosis in narrow.diagnoses}


def test_options_that_there_are_not_are_refused(sound: Path) -> None:
    with pytest.raises(UsageError, match="dataset 'pairs': no option 'ranges'"):
        examine(sound, options={"ranges": 1})


def test_a_split_that_training_does_not_see_is_a_warning_and_a_bad_line_counts_once(tmp_path: Path) -> None:
    rows = []
    for number, split in enumerate(("train", "val", "extra", None)):
        images.write(tmp_path / f"a{number}.png", picture(number))
        images.write(tmp_path / f"b{number}.png", negative(picture(number)))
        rows.append(json.dumps({"source": f"a{number}.png", "target": f"b{number}.png", "split": split}))
    (tmp_path / "manifest.jsonl").write_text("\n".join(rows))
    codes = found(tmp_path)
    assert codes["other-split"].startswith("warning 1 Training does not see the 1 pair of the split 'extra'")
    assert codes["bad-row"].startswith("error 1 ")
