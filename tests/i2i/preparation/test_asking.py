"""What is wrong with a request is said before anything is lost, looked for or paid; inputs are compared by bytes."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import odd_preparers
import pytest

from i2i.errors import I2iError, UsageError
from i2i.pairs import Finding
from i2i.preparation import plan, prepare
from i2i.preparation.folder import DatasetFolder
from i2i.preparation.listing import absolute, list_sources
from i2i.preparation.report import Report
from i2i.system import files

Photos = Callable[..., Path]
Tree = Callable[[Path], dict[str, str]]


@pytest.fixture
def out(tmp_path: Path, photos: Photos) -> Path:
    """A finished dataset of two pictures, beside them."""
    prepare("negative", [photos(2)], tmp_path / "out", workers=1)
    return tmp_path / "out"


def test_a_failing_overwrite_leaves_the_old_dataset_whole(out: Path, photos: Photos, tree: Tree) -> None:
    source, before = photos(2), tree(out)
    with pytest.raises(I2iError, match="do not go together"):
        prepare("fussy", [source], out, workers=1, overwrite=True)
    with pytest.raises(UsageError, match="makes images and no pairs, which --val"):
        prepare("alone", [source], out, val=0.2, workers=1, overwrite=True)
    assert before.items() <= tree(out).items()
    prepare("negative", [source], out, workers=1)
    assert tree(out) == before


@pytest.mark.parametrize("name", ["numbers", "negative"])
def test_nothing_that_is_overwritten_may_be_a_source(name: str, out: Path, tree: Tree) -> None:
    before = tree(out)
    for source in (out, out / "train", f"file://{out}"):
        with pytest.raises(UsageError, match="read and written"):
            prepare(name, [source], out, workers=1, overwrite=True)
    assert tree(out) == before


def test_overwriting_removes_nothing_but_the_dataset(out: Path, tmp_path: Path, tree: Tree) -> None:
    source = tmp_path / "photos"
    (out / "train" / "mine.txt").write_text("notes")
    (out / "val" / "imageA" / "mine.png").write_text("a picture")
    prepare("negative", [source], out, layout="ab", val=0, workers=1, overwrite=True)
    prepare("negative", [source], tmp_path / "fresh", layout="ab", val=0, workers=1)
    mine = {name: checksum for name, checksum in tree(out).items() if "mine" in name}
    assert tree(out) == tree(tmp_path / "fresh") | mine
    assert len(mine) == 2


@pytest.mark.parametrize("option", ["place", "area"])
def test_a_file_that_an_option_names_is_compared_by_its_bytes(
    option: str, tmp_path: Path, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, listed = photos(1), tmp_path / "list.csv"
    listed.write_text("1")

    def again(place: str) -> Report:
        options = {"level": 1, option: place}
        return prepare("typed", [source], tmp_path / "out", options=options, val=0, workers=1)

    again(str(listed))
    monkeypatch.chdir(tmp_path)
    assert again("list.csv").shards == 0  # done before
    listed.write_text("2")
    with pytest.raises(UsageError, match=f"{option} is another file"):
        again("list.csv")


def test_words_where_a_file_could_be_named_are_words_in_any_folder(
    tmp_path: Path, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = photos(1)

    def again(area: str) -> Report:
        return prepare("typed", [source], tmp_path / "out", options={"level": 1, "area": area}, val=0, workers=1)

    again("5,45,10,47")
    monkeypatch.chdir(tmp_path)
    assert again("5,45,10,47").shards == 0  # done before
    with pytest.raises(UsageError, match="area 5,45,10,48 instead of 5,45,10,47"):
        again("5,45,10,48")


def test_other_bytes_of_the_same_size_are_noticed_and_another_time_is_not(out: Path, tmp_path: Path) -> None:
    source = tmp_path / "photos"
    picture = source / "000.png"
    os.utime(picture, ns=(1, 1))
    assert prepare("negative", [source], out).shards == 0
    picture.write_bytes(bytes(reversed(picture.read_bytes())))
    with pytest.raises(UsageError, match=r"made from other images: '000\.png' is one of 1"):
        prepare("negative", [source], out)


def unfinish(out: Path) -> Path:
    """Bring a dataset into the state that a kill before the last step leaves; the folder of what is in work."""
    dataset = DatasetFolder(out)
    command = dataset.made_by()
    dataset.card.unlink()
    dataset.staging.mkdir()
    dataset.command.write_text(command.model_dump_json())
    return dataset.staging


def test_inputs_that_come_after_the_report_are_not_dropped(tmp_path: Path, out: Path) -> None:
    unfinish(out)
    shutil.copy(tmp_path / "photos" / "000.png", tmp_path / "photos" / "002.png")
    with pytest.raises(UsageError, match=r"'002\.png' is one of 1 new"):
        prepare("negative", [tmp_path / "photos"], out, workers=1)
    (tmp_path / "photos" / "002.png").unlink()
    assert prepare("negative", [tmp_path / "photos"], out, workers=1).finished


def test_what_is_written_is_never_read(tmp_path: Path, photos: Photos) -> None:
    source = photos(2)
    url = f"memory://{tmp_path.name}/out"
    for _ in range(2):
        assert prepare("negative", [source], url, work=source / "work", workers=1).inputs == 2
    listing = list_sources([absolute(f"local://{source}")], [absolute(f"file://{source}/work")])
    assert [one.name for one in listing.files] == ["000.png", "001.png"]
    store = fsspec.filesystem("memory")
    store.pipe_file(f"/{tmp_path.name}/in/1.png", b"x")
    store.pipe_file(f"/{tmp_path.name}/in/out/2.png", b"x")
    place = f"memory://{tmp_path.name}/in"
    found = list_sources([absolute(place)], [str(tmp_path), absolute(f"{place}/out")])
    assert [one.name for one in found.files] == ["1.png"]


def test_inputs_are_not_looked_for_where_the_answer_is_known(
    tmp_path: Path, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    prepare("numbers", ["https://host/5"], tmp_path / "out", workers=1)

    def find(*_: Any) -> Finding:
        raise AssertionError("asked")

    monkeypatch.setattr(odd_preparers.Numbers, "find", find)
    with pytest.raises(UsageError, match="holds something else"):
        prepare("numbers", ["https://host/5"], tmp_path / "other")
    with pytest.raises(UsageError, match="other settings"):
        prepare("numbers", ["https://host/5"], tmp_path / "out", seed=5)
    assert prepare("numbers", ["https://host/5"], tmp_path / "out").made == 5
    with pytest.raises(AssertionError, match="asked"):
        prepare("numbers", ["https://host/6"], tmp_path / "out")


def test_a_place_elsewhere_is_looked_at_first_and_nothing_is_removed_there(tmp_path: Path, photos: Photos) -> None:
    store, source, bucket = fsspec.filesystem("memory"), photos(2), tmp_path.name
    url, work = f"memory://{bucket}/ds", tmp_path / "work"
    store.pipe_file(f"/{bucket}/ds/thesis.tex", b"years")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match=r"'thesis\.tex', and nothing is removed"):
            prepare("negative", [source], url, work=work, workers=1, overwrite=overwrite)
    assert not work.exists()  # nothing was made in vain
    store.rm_file(f"/{bucket}/ds/thesis.tex")
    prepare("negative", [source], url, work=work, workers=1)
    there = {name: store.cat_file(name) for name in store.find(f"/{bucket}/ds")}
    with pytest.raises(UsageError, match="other settings: --layout ab"):
        prepare("negative", [source], url, work=tmp_path / "new", layout="ab", workers=1, overwrite=True)
    assert not (tmp_path / "new").exists()
    store.rm_file(f"/{bucket}/ds/dataset.yaml")  # half of another dataset
    with pytest.raises(UsageError, match=r"holds another dataset, or a part of one, such as 'report\.jsonl'"):
        prepare("negative", [source], url, work=tmp_path / "new", layout="ab", workers=1)
    prepare("negative", [source], url, work=work, workers=1)
    assert {name: store.cat_file(name) for name in store.find(f"/{bucket}/ds")} == there


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("no option 'valu'", {"valu": 0.2}),
    ("option 'engine'", {"engine": "rai"}),
    ("option 'workers'", {"workers": 0}),
    ("option 'seed'", {"seed": 1.5}),
    ("option 'ranges", {"ranges": [(0, 1, 2)]}),
    ("Sources are a list", {"sources": "photos"}),
    ("Sources are a list", {"sources": []}),
    ("no rank 7 of 1", {"rank": 7}),
    ("no rank 2 of 2", {"rank": 2, "world_size": 2}),
    ("what other ranks have done", {"world_size": 2, "overwrite": True}),
    ("Ranks share one folder", {"out": "memory://x/out", "world_size": 2}),
    ("--work is for a dataset that is uploaded", {"work": Path("work")}),
    ("--address is that of a Ray cluster", {"address": "auto"}),
    ("--max-pixels has no meaning", {"name": "numbers", "max_pixels": 9}),
    ("do not go together", {"name": "fussy"}),
    ("makes images and no pairs", {"name": "alone", "val": 0.2}),
    ("made with other settings", {"seed": 3}),
]


@pytest.mark.parametrize(("message", "changed"), WRONG)
def test_plan_refuses_what_prepare_refuses(
    message: str, changed: dict[str, Any], tmp_path: Path, photos: Photos, request: pytest.FixtureRequest
) -> None:
    out = request.getfixturevalue("out") if message.startswith("made with") else tmp_path / "new"
    given = {"name": "negative", "sources": [photos(2)], "out": out, **changed}
    for function in (plan, prepare):
        with pytest.raises(UsageError, match=message):
            function(**given)


def test_process_that_does_not_finish_says_so(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from i2i.cli.prepare import print_report

    print_report(Report(folder=out, shards=1, finished=False), "out")
    assert "another process is finishing" in capsys.readouterr().out


def test_process_that_comes_while_another_finishes_says_so(out: Path, tmp_path: Path) -> None:
    with files.lock(unfinish(out) / "finishing"):
        report = prepare("negative", [tmp_path / "photos"], out, workers=1)
    assert (report.missing, report.finished, report.rows) == (0, False, [])
    assert json.loads(json.dumps(report.to_dict()))["finished"] is False
