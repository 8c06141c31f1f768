"""Where results go: beside one another as their inputs lie, whatever way the inputs were typed."""

from pathlib import Path

import pytest

from i2i.errors import UsageError
from i2i.translation.jobs import SOURCE, Columns, plan, plan_one

COLUMNS = {"source": ("photo", "mask")}


def scenes(root: Path, *names: str) -> None:
    for column in COLUMNS["source"]:
        (root / column).mkdir(parents=True)
        for name in names:
            (root / column / f"{name}.png").touch()


def outputs(inputs: list[str], columns: Columns = COLUMNS, optional: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Output -> its input's files."""
    here = Path.cwd()
    jobs = plan([Path(name) for name in inputs], Path("out"), columns, optional)
    return {job.output.as_posix(): [file.relative_to(here).as_posix() for file in job.inputs] for job in jobs}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_of_several_inputs_may_be_a_relative_path() -> None:
    scenes(Path("scenes/test"), "1")
    expected = {"out/1": ["scenes/test/photo/1.png", "scenes/test/mask/1.png"]}
    assert outputs(["scenes/test"]) == outputs(["scenes/../scenes/test"]) == expected


def test_several_folders_keep_their_places_below_the_common_parent() -> None:
    scenes(Path("scenes/day"), "1")
    scenes(Path("scenes/night"), "1")
    Path("scenes/whole").mkdir()
    Path("scenes/whole/1.npy").touch()
    found = outputs(["scenes/day", "scenes/night", "scenes/whole", "scenes/day"])
    assert list(found) == ["out/day/1", "out/night/1", "out/whole/1"]
    assert found["out/night/1"] == ["scenes/night/photo/1.png", "scenes/night/mask/1.png"]


def test_outputs_that_would_be_one_are_refused() -> None:
    scenes(Path("scenes"), "1")
    Path("scenes/1.png").touch()
    with pytest.raises(UsageError, match=r"would both become '.*1.png'"):
        outputs(["scenes", "scenes/1.png"])


def test_only_a_suffix_of_images_is_left_out_of_an_outputs_name() -> None:
    for name in ("photo.v1", "photo.v2", "scan.PNG"):
        Path(name).touch()
    assert list(outputs(["photo.v1", "photo.v2", "scan.PNG"], SOURCE)) == ["out/photo.v1", "out/photo.v2", "out/scan"]


FIELDS = {"source": ("photo",), "instances": ("mask",)}


def test_a_folder_holds_a_folder_for_each_column_of_each_field() -> None:
    scenes(Path("scenes"), "1")
    (job,) = plan([Path("scenes")], Path("out"), FIELDS)
    files = {field: [file.name for file in files] for field, files in job.files.items()}
    assert files == {"source": ["1.png"], "instances": ["1.png"]}
    assert outputs(["scenes"], FIELDS) == {"out/1": ["scenes/photo/1.png", "scenes/mask/1.png"]}


def test_a_field_that_may_be_left_out_is_taken_where_it_is_there() -> None:
    scenes(Path("scenes"), "1")
    assert outputs(["scenes"], FIELDS, ("instances",)) == outputs(["scenes"], FIELDS)
    assert outputs(["scenes/photo/1.png"], FIELDS, ("instances",)) == {"out/1": ["scenes/photo/1.png"]}


def test_files_alone_are_refused_where_several_fields_are_needed() -> None:
    scenes(Path("scenes"), "1")
    file, one = Path("scenes/photo/1.png"), "The model takes source and instances. Give a folder that holds one folder"
    with pytest.raises(UsageError, match=one):
        plan([file], Path("out"), FIELDS)
    with pytest.raises(UsageError, match=one):
        plan_one([file], Path("out.png"), "auto", FIELDS)


def test_samples_are_numbered_and_replace_no_input() -> None:
    Path("1.png").touch()
    (job,) = plan([Path("1.png")], Path("out"), samples=2)
    assert [output.as_posix() for output in job.outputs(2)] == ["out/1-0001", "out/1-0002"]
    Path("1-0002.png").touch()
    with pytest.raises(UsageError, match=r"1-0002\.png is an input too"):
        plan([Path("1.png").absolute(), Path("1-0002.png").absolute()], Path("."), samples=2)
