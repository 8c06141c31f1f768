"""An examination: what it looks at, what it measures, and what it does not touch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from sound_pairs import FITTING, TRAIN, VAL, examined, found, negative, picture, write

from i2i import images
from i2i.data.dataset import Pairs
from i2i.errors import MissingInputError, UnknownNameError, UsageError
from i2i.images.label_list import Label
from i2i_doctor.completeness import measured_channels
from i2i_doctor.examination import examine
from i2i_doctor.page import write_page

SIDES = ("imageA", "imageB")


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
    before = {file: file.read_bytes() for file in sound.rglob("*.*")}
    examined(sound)
    assert {file: file.read_bytes() for file in sound.rglob("*.*")} == before


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


def test_sources_that_training_computes_are_not_looked_at(dataset: Path) -> None:
    for file in dataset.glob("*/imageA/*.png"):
        images.write(file, np.full((32, 32, 1), 7, np.uint8))
    (dataset / "train/imageA/t0.png").write_bytes(b"")
    assert {"empty", "blank", "unequal-sizes"} <= found(dataset).keys()
    images.write(dataset / "val/imageB/copy.png", images.read(images.encode(negative(picture(0)), ".jpg")).pixels)
    images.write(dataset / "val/imageA/copy.png", picture(0))
    examination = examined(dataset, options={"colours": "lab"})
    assert [(d.code, d.severity) for d in examination.diagnoses] == [("near-leak", "error")]
    assert examination.sides == ("the lightness of imageB", "imageB")
    said = examination.to_dict()
    assert (said["source"], said["target"], said["generators"][0]["images"]) == ([], ["imageB"], TRAIN + VAL + 1)
    with pytest.raises(UsageError, match="colours=lab"):
        examined(dataset, options={"colours": "lab"}, labels=[Label(0, "sky")])


def test_workers_load_no_torch() -> None:
    code = "import sys; from i2i_doctor import examination, walk; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cv2" in done.stdout.split()
    assert "torch" not in done.stdout.split()


def test_the_findings_in_a_table_are_those_of_the_same_pairs_in_folders(sound: Path, tmp_path: Path) -> None:
    for split in ("train", "val"):
        names = sorted(file.stem for file in (sound / split / "imageA").iterdir())
        halves = {side: [(sound / split / side / f"{name}.png").read_bytes() for name in names] for side in SIDES}
        pq.write_table(pa.table({**halves, "name": names}), tmp_path / f"{split}.parquet", row_group_size=3)
    expected, stored = examined(sound), examined(tmp_path)
    assert stored.diagnoses == expected.diagnoses == []
    assert [*map(stored.opened.name, range(11))] == [*map(expected.opened.name, range(11))]
    for side in SIDES:
        assert np.array_equal(stored.known.facts[side], expected.known.facts[side])


@pytest.mark.parametrize("colour", [None, 2])
def test_channels_that_were_measured_are_those_that_training_finds(colour: int | None, dataset: Path) -> None:
    for number, file in enumerate(sorted((dataset / "train/imageA").iterdir())):
        if number != colour:
            images.write(file, picture(number)[..., :1])
    examination, pairs = examined(dataset), Pairs(dataset, "train")
    sides = [[column.channels for column in side.columns] for side in pairs.fields.values()]
    assert sides == [[1 if colour is None else 3], [3]]
    assert list(measured_channels(examination.known, "train").values()) == sides
