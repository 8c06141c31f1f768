"""An examination: what it looks at, what it measures, and what it does not touch."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from sound_pairs import FITTING, TRAIN, VAL, examined, found, negative, picture, write

from i2i import images
from i2i.errors import MissingInputError, UnknownNameError, UsageError
from i2i_doctor.examination import examine
from i2i_doctor.page import write_page


def test_a_sound_dataset_has_nothing_to_complain_of(sound: Path) -> None:
    examination = examined(sound)
    assert examination.diagnoses == []
    assert (examination.pairs, examination.known.looked_at) == ({"train": TRAIN, "val": VAL}, TRAIN + VAL)
    assert examination.counts == {"error": 0, "warning": 0, "note": 0}
    facts = examination.known.facts["imageA"]
    assert (facts["low"][0], facts["high"][0]) == (0, 255)
    assert facts["deviation"][0] == pytest.approx(picture(0).std(axis=(0, 1)).max() / 255, abs=1e-6)
    counts = np.histogram(np.stack([picture(seed) for seed in range(TRAIN + VAL)]), 64, (0, 256))[0]
    assert examination.known.values["imageA"].tolist() == counts.tolist()


def test_nothing_is_written_into_the_dataset(sound: Path) -> None:
    before = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in sound.rglob("*") if file.is_file()}
    examined(sound)
    assert {
        file: hashlib.sha256(file.read_bytes()).hexdigest() for file in sound.rglob("*") if file.is_file()
    } == before


def test_direction_says_which_column_is_the_source(sound: Path) -> None:
    assert examined(sound, options={"direction": "BtoA"}).opened.sides.source == ("imageB",)


def test_generators_are_asked_for_their_sizes(sound: Path) -> None:
    fits = examined(sound, generators=["unet,depth=3", "unet,depth=4"]).fits
    assert [(fit.multiple, fit.fitting, fit.largest) for fit in fits] == [(8, 22, 72), (16, 0, 64)]
    assert {fit.generator for fit in examined(sound, generators=()).fits} >= {"unet", "encoder-decoder"}
    assert "small-for-generator" in found(sound, generators=["unet"])
    with pytest.raises(UnknownNameError, match="unett"):
        examined(sound, generators=["unett"])
    with pytest.raises(UsageError, match="OPTION=VALUE"):
        examined(sound, generators=["unet,depth"])
    with pytest.raises(UsageError, match="no option 'deep'"):
        examined(sound, generators=["unet,deep=3"])


def test_quick_looks_at_some_and_still_matches_all_names(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("i2i_doctor.examination.QUICK", 2)
    (dataset / "train/imageB/t0.png").rename(dataset / "train/imageB/t_0.png")
    examination = examined(dataset, quick=True)
    assert examination.known.looked_at == 4
    assert "no-partner" in {diagnosis.code for diagnosis in examination.diagnoses}


def test_result_does_not_depend_on_the_number_of_workers(dataset: Path) -> None:
    (dataset / "train/imageA/t0.png").write_bytes(b"broken")
    write(dataset, "val", "copy", picture(1), negative(picture(30)))
    one, two = (examine(dataset, workers=workers, generators=FITTING).to_dict() for workers in (0, 2))
    assert {**one, "seconds": 0} == {**two, "seconds": 0}


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="There is no"):
        examine(tmp_path / "nothing")


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
    plain = examined(root, options=options)
    assert "low-bits-in-16" in {diagnosis.code for diagnosis in plain.diagnoses}
    ranged = examined(root, options={**options, "source_range": [0, 4095], "target_range": [0, 4095]})
    assert ranged.opened.sides == (("height",), ("shade",))
    assert {diagnosis.code for diagnosis in ranged.diagnoses} <= {"odd-sizes", "not-square"}
    assert {split for split, pairs in ranged.pairs.items() if pairs} == {"train", "val"}
    assert sum(ranged.pairs.values()) == 20
    read = images.read(
        root / "train" / "height" / f"{ranged.opened.tables['train'].names[0]}.png", value_range=(0, 4095)
    )
    assert ranged.known.facts["height"]["high"][0] == read.pixels.max() > 0.5
    page = write_page(ranged, tmp_path / "page").read_text("utf-8")
    assert "val_share=0.2" in page
    assert page.count("data:image/png") >= 24  # 12 pairs, read as the examination read them
    narrow = examined(root, options={**options, "source_range": [0, 100]})
    assert "training-stops" in {diagnosis.code for diagnosis in narrow.diagnoses}


def test_options_that_there_are_not_are_refused(sound: Path) -> None:
    with pytest.raises(UsageError, match="dataset 'pairs': no option 'ranges'"):
        examined(sound, options={"ranges": 1})
