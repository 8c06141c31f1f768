"""Where results go: beside one another as their inputs lie, whatever way the inputs were typed."""

from pathlib import Path

import pytest

from i2i.errors import UsageError
from i2i.translation.folder import plan

COLUMNS = ("photo", "mask")


def scenes(root: Path, *names: str) -> None:
    for column in COLUMNS:
        (root / column).mkdir(parents=True)
        for name in names:
            (root / column / f"{name}.png").touch()


def outputs(inputs: list[str], columns: tuple[str, ...] = COLUMNS) -> dict[str, list[str]]:
    """Output -> its input's files."""
    here = Path.cwd()
    jobs = plan([Path(name) for name in inputs], Path("out"), columns)
    return {job.output.as_posix(): [file.relative_to(here).as_posix() for file in job.files] for job in jobs}


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
    assert list(outputs(["photo.v1", "photo.v2", "scan.PNG"], ())) == ["out/photo.v1", "out/photo.v2", "out/scan"]
