"""The folder of a study: what raters get, and what they cannot know."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import write_images

from i2i import images
from i2i.errors import DataError, MissingInputError, UsageError
from i2i_study.key import Key, read_key
from i2i_study.making import make_study
from i2i_study.page import Page
from i2i_study.scrambling import scramble
from i2i_study.sessions import Lengths

Folders = dict[str, Path]
SHORT = Lengths(2, 4, 2)


def page_of(study: Path) -> str:
    return (study / "page" / "index.html").read_text("utf-8")


def plan_of(study: Path) -> dict[str, Any]:
    """What the page knows."""
    found = re.search(r"const study = (\{.*\});", page_of(study))
    assert found
    return dict(json.loads(found[1]))


def test_images_are_copied_to_the_byte_under_names_that_tell_nothing(study: tuple[Path, Key], folders: Folders) -> None:
    out, key = study
    for about, address in zip(key.images, plan_of(out)["images"], strict=True):
        assert re.fullmatch(r"images/[0-9a-f]{16}\.png", address)
        if about.what != "scrambled":
            folder = folders["real" if about.what == "real" else about.model]
            assert (out / "page" / address).read_bytes() == (folder / about.name).read_bytes()
    assert {about.what for about in key.images} == {"real", "fake", "scrambled"}
    assert "house-" not in page_of(out)


def test_the_page_shows_what_the_key_says_and_knows_only_the_fakes_of_the_practice(study: tuple[Path, Key]) -> None:
    out, key = study
    plan = plan_of(out)
    assert plan["id"] == key.study
    for shown, practice, session in zip(plan["sessions"], plan["practice"], key.sessions, strict=True):
        assert [tuple(pair) for pair in shown] == [trial.images for trial in session.trials]
        assert practice == [trial.fake for trial in session.trials[:2]]
        for trial in session.trials:
            fake, real = trial.images[:: 1 if trial.fake == 1 else -1]
            assert key.images[real].what == "real"
            assert key.images[fake].what == ("scrambled" if trial.part == "attention" else "fake")
            assert key.images[fake].model == ("" if trial.part == "attention" else session.model)
            if trial.part != "attention":
                assert key.images[real].name == key.images[fake].name
    assert plan.keys() == {"id", "images", "sessions", "practice", "post", "enlarge"}


def test_images_that_no_session_shows_are_not_copied(folders: Folders, tmp_path: Path) -> None:
    key = make_study(folders["real"], [folders["one"]], tmp_path / "study", lengths=Lengths(1, 2, 0), raters=1)
    assert sorted(about.what for about in key.images) == ["fake"] * 3 + ["real"] * 3
    assert len(list((tmp_path / "study" / "page" / "images").iterdir())) == 6


def test_each_rater_sees_one_model_and_raters_of_all_models_the_same_pairs(study: tuple[Path, Key]) -> None:
    _, key = study
    assert [session.model for session in key.sessions] == ["one", "two", "one", "two"]

    def names(number: int) -> list[tuple[str, int]]:
        trials = [trial for trial in key.sessions[number].trials if trial.part != "attention"]
        return [(key.images[trial.images[0]].name, trial.fake) for trial in trials]

    assert names(0) == names(1)
    assert names(0) != names(2)


def test_the_page_asks_no_other_server_for_anything(study: tuple[Path, Key]) -> None:
    text = page_of(study[0])
    assert "connect-src 'none'" in html.unescape(text)
    assert "sourceMappingURL" not in text
    assert re.findall(r"""(?:src|href)=["'](?!data:)[^"']+""", text) == []
    assert "@import" not in text


def test_results_are_sent_to_the_address_and_nowhere_else(folders: Folders, tmp_path: Path) -> None:
    out = tmp_path / "study"
    page = Page(post="https://example.org:8000/in?key=</script>", contact="<Ada> & Co")
    make_study(folders["real"], [folders["one"]], out, lengths=SHORT, page=page)
    assert "connect-src https://example.org:8000; form" in page_of(out)
    assert plan_of(out)["post"] == "https://example.org:8000/in?key=%3C/script%3E"
    assert "Who asks: &lt;Ada&gt; &amp; Co" in page_of(out)


def test_an_embedded_page_is_one_file_with_the_same_images(folders: Folders, tmp_path: Path) -> None:
    for name in ("folder", "file"):
        make_study(folders["real"], [folders["one"]], tmp_path / name, lengths=SHORT, page=Page(embed=name == "file"))
    assert [file.name for file in (tmp_path / "file" / "page").iterdir()] == ["index.html"]
    embedded, linked = (plan_of(tmp_path / name)["images"] for name in ("file", "folder"))
    for address, file in zip(embedded, linked, strict=True):
        start, _, data = address.partition(",")
        assert start == "data:image/png;base64"
        assert base64.b64decode(data) == (tmp_path / "folder" / "page" / file).read_bytes()


def test_the_same_command_makes_the_same_study_and_other_images_another(folders: Folders, tmp_path: Path) -> None:
    def made(name: str, seed: int = 0) -> Key:
        return make_study(folders["real"], [folders["one"]], tmp_path / name, lengths=SHORT, seed=seed)

    first = made("a")
    assert made("b") == first
    assert page_of(tmp_path / "a") == page_of(tmp_path / "b")
    assert made("c", seed=1).study != first.study
    write_images(folders["one"], ["house-3.png"], 9)
    assert made("d").study != first.study
    assert read_key(tmp_path / "a") == first


def test_a_study_that_is_there_is_not_overwritten(study: tuple[Path, Key], folders: Folders) -> None:
    with pytest.raises(UsageError, match="is there already, and results may belong to it"):
        make_study(folders["real"], [folders["one"]], study[0])


def test_names_agree_whatever_the_suffix_and_others_are_left_out_and_said(folders: Folders, tmp_path: Path) -> None:
    real = folders["real"]
    images.write(real / "house-1.jpg", images.read(real / "house-1.png").pixels)
    (real / "house-1.png").unlink()
    (real / "house-5.png").unlink()
    key = make_study(real, [folders["one"]], tmp_path / "study", lengths=SHORT)
    assert "1 image of" in key.notes[0]
    assert "one' left out: no partner in the other folders has the name." in key.notes[0]
    assert "Real images are JPEG and PNG, fakes PNG" in key.notes[1]
    assert {image.name for image in key.images if image.what == "real"} == {
        "house-0.png", "house-1.jpg", "house-2.png", "house-3.png", "house-4.png",
    }  # fmt: skip


def test_where_no_name_agrees_pairs_are_of_different_inputs_and_it_is_said(folders: Folders, tmp_path: Path) -> None:
    made = write_images(tmp_path / "other", [f"{number}.png" for number in range(4)], 7)
    key = make_study(folders["real"], [made], tmp_path / "study", lengths=SHORT)
    assert not key.same_input
    assert key.notes[0].startswith("No name is in all folders: real and fake of a pair are drawn at random")
    assert sum(image.what == "fake" for image in key.images) == 4


def test_different_inputs_are_shown_where_asked_for(folders: Folders, tmp_path: Path) -> None:
    key = make_study(folders["real"], [folders["one"]], tmp_path / "study", lengths=SHORT, different_inputs=True)
    for trial in key.sessions[0].trials:
        if trial.part != "attention":
            assert len({key.images[image].name for image in trial.images}) == 2


def test_few_pairs_and_sizes_that_differ_are_said(folders: Folders, tmp_path: Path) -> None:
    write_images(folders["one"], ["house-2.png"], 3, size=(8, 8))
    notes = make_study(folders["real"], [folders["one"]], tmp_path / "study").notes
    assert notes == [
        "Real and fake differ in size in 1 pair, such as 'house-2.png': sharpness or shape may tell which is fake. "
        "Make them equal, if that is not what the study is about.",
        "6 pairs for 50 trials: a rater sees pairs again, and may know them. 50 would do.",
    ]


def cut(folders: Folders) -> None:
    file = folders["one"] / "house-4.png"
    file.write_bytes(file.read_bytes()[:-20])


def tiff(folders: Folders) -> None:
    images.write(folders["one"] / "house-4.tif", np.zeros((16, 16, 3), np.uint16))
    (folders["one"] / "house-4.png").unlink()


def twice(folders: Folders) -> None:
    shutil.copy(folders["one"] / "house-4.png", folders["one"] / "house-4.jpg")


def alone(folders: Folders) -> None:
    for number in range(1, 6):
        (folders["one"] / f"house-{number}.png").unlink()


def empty(folders: Folders) -> None:
    for file in folders["one"].iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut, "house-4.png"),
        (tiff, "is TIFF. Browsers show PNG, JPEG and WebP. Convert it."),
        (twice, "Names must differ in more than the suffix."),
        (alone, "1 pair in .* A study needs at least 2."),
        (empty, "No image is in"),
    ],
)
def test_images_that_make_no_study_are_one_clear_line(
    folders: Folders, tmp_path: Path, spoil: Callable[[Folders], None], said: str
) -> None:
    spoil(folders)
    with pytest.raises(DataError, match=said):
        make_study(folders["real"], [folders["one"]], tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_a_folder_that_is_missing_or_given_twice_is_refused(folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="Give a file or a folder that is there"):
        make_study(folders["real"], [tmp_path / "none"], tmp_path / "study")
    with pytest.raises(UsageError, match="A folder is given twice"):
        make_study(folders["real"], [folders["real"]], tmp_path / "study")


def test_models_of_one_name_are_called_by_their_paths(folders: Folders, tmp_path: Path) -> None:
    made = [shutil.copytree(folders[name], tmp_path / name / "results") for name in ("one", "two")]
    assert make_study(folders["real"], made, tmp_path / "study", lengths=SHORT).models == [str(path) for path in made]


def test_scrambled_tiles_are_those_of_the_image_half_of_them_negative() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (19, 24, 3), np.uint8)
    mixed = scramble(image, rng)
    assert mixed.shape == (16, 24, 3)

    def tiles(pixels: np.ndarray[Any, Any]) -> list[bytes]:
        return [pixels[y : y + 2, x : x + 3].tobytes() for y in range(0, 16, 2) for x in range(0, 24, 3)]

    plain, negative = set(tiles(image)), set(tiles(255 - image))
    kinds = ["plain" if tile in plain else "negative" if tile in negative else "" for tile in tiles(mixed)]
    assert sorted(kinds) == ["negative"] * 32 + ["plain"] * 32
    assert len(set(tiles(mixed))) == 64


def test_a_flat_image_is_scrambled_too() -> None:
    mixed = scramble(np.full((16, 16, 1), 200, np.uint8), np.random.default_rng(0))
    assert set(np.unique(mixed)) == {55, 200}


def test_the_shipped_jspsych_is_the_file_that_its_notice_names() -> None:
    folder = Path(str(files("i2i_study") / "jspsych"))
    checksum = hashlib.sha256((folder / "jspsych.min.js").read_bytes()).hexdigest()
    assert f"SHA-256 of the file: {checksum}" in (folder / "NOTICE.md").read_text("utf-8")


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to parse it")
def test_the_script_of_the_page_is_sound(study: tuple[Path, Key], tmp_path: Path) -> None:
    for number, script in enumerate(re.findall(r"<script>(.*?)</script>", page_of(study[0]), re.DOTALL)):
        file = tmp_path / f"{number}.js"
        file.write_text(script, "utf-8")
        subprocess.run(["node", "--check", file], check=True)
    assert number == 1
