"""``i2i prepare``: a preparer's options are flags, and the end says what came of everything."""

import contextlib
import json
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from i2i import images, safe_yaml
from i2i.cli import main
from i2i.cli.flags import MAX_PIXELS
from i2i.plugins import Plugins
from i2i.preparation import tasks

sys.path.insert(0, str(Path(__file__).parent / "preparation"))  # worker processes import `odd_preparers` by its name

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def odd_preparers(monkeypatch: pytest.MonkeyPatch) -> None:
    from odd_preparers import Plugin

    plugins = Plugins()
    plugins.register(Plugin(), "odd")
    monkeypatch.setattr("i2i.plugins.installed", lambda group: plugins)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3)).astype(np.uint8)
        images.write(tmp_path / "photos" / f"{seed}.png", pixels)
    return tmp_path / "photos"


GIVEN = "--whole 32 --level 2 --word 7 --no-on --either 3 --names [a,b] --place here.txt --area 12"


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        (GIVEN, (32, 2, "7", False, 3, ["a", "b"], "here.txt", "12")),
        ("--level 1", (None, 1, "5", True, "auto", [], None, "everywhere")),
    ],
)
def test_options_of_every_type_are_flags_and_have_the_preparers_defaults(
    flags: str, options: tuple[object, ...], run_cli: RunCli, photos: Path, tmp_path: Path
) -> None:
    code, _, err = run_cli("prepare", "typed", photos, tmp_path / "out", *flags.split(), "--val", 0, "--workers", 1)
    assert (code, err) == (0, "")
    card = safe_yaml.load((tmp_path / "out" / "dataset.yaml").read_text(), "card")
    names = ("whole", "level", "word", "on", "either", "names", "place", "area")
    assert card["options"] == dict(zip(names, options, strict=True))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--level 1 --whole 8", "Invalid value for '--whole'"),
        ("--level 3", "'3' is not one of '1', '2'"),
        ("", "Missing option '--level'"),
        ("--level 1 --strength 1", "No such option: --strength"),
        ("--level 1 --either sometimes", "option 'either"),
        ("--level 1 --names {", "--names"),
        ("--level 1 --val 2", "Invalid value for '--val'"),
        ("--level 1 --workers 0", "Invalid value for '--workers'"),
    ],
)
def test_wrong_flags_are_refused_before_anything_is_written(
    flags: str, message: str, run_cli: RunCli, photos: Path, tmp_path: Path
) -> None:
    code, _, err = run_cli("prepare", "typed", photos, tmp_path / "out", *flags.split())
    assert code == 2
    assert message in err
    assert not (tmp_path / "out").exists()


def test_help_describes_every_option(run_cli: RunCli) -> None:
    code, out, _ = run_cli("prepare", "negative", "--help")
    text = " ".join(out.replace("│", " ").split())
    assert code == 0
    assert "A picture and its negative." in text
    assert "How dark it is, where [1] is not at all. [default: 1]" in text
    assert "Share of the pairs for validation. [default: (0.1)]" in text
    assert all(flag in text for flag in ("--pause", "--max-pixels", "--overwrite", "--json", "LOW:HIGH", "SRC", "OUT"))


def test_every_preparer_is_listed_even_beside_a_broken_one(run_cli: RunCli) -> None:
    code, out, _ = run_cli("prepare", "--help")
    assert code == 0
    assert all(name in out for name in ("negative", "troubled", "both", "crowded"))
    code, _, err = run_cli("prepare", "crowded", "x", "y", "--any", 1)
    assert code == 2
    assert "preparer 'crowded' has the option 'layout', which is one of `i2i prepare` itself" in err


def test_next_command_after_an_upload_reads_the_copy_on_this_machine(
    run_cli: RunCli, photos: Path, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    code, said, _ = run_cli("prepare", "negative", photos, "memory://cli-next/set", "--work", work, "--workers", 1)
    assert code == 0
    assert said.splitlines()[-1] == f"Next: i2i train --plugin pix2pix --data {work} --out RUN"
    assert (work / "train").is_dir()


def test_end_says_what_came_of_everything(run_cli: RunCli, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("a", "b", "c", "[red]d"):
        (photos / f"{name}.jpg").write_bytes(b"no image")
    (photos / "clip.mp4").touch()
    code, said, err = run_cli("prepare", "negative", photos, out, "--workers", 1)
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert code == 65
    assert "made 3 2 train, 1 val" in lines
    assert "Note: 1 left out: 1 .mp4" in lines
    rejected = lines.index("rejected 4 not-an-image: [red]d.jpg, a.jpg, b.jpg, ...")
    assert lines[rejected + 1].startswith("'[red]d.jpg' ")
    assert lines[-1] == f"Next: i2i train --plugin pix2pix --data {out} --out RUN"
    assert "4 of 8 inputs were rejected; the dataset has the other 3 pairs." in " ".join(err.split())
    code, said, _ = run_cli("prepare", "negative", photos, out, "--workers", 1)
    assert code == 65
    assert "7 of the inputs were done before" in said


def test_what_was_rejected_is_said_before_the_next_command_which_a_shell_can_take(photos: Path, tmp_path: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"no image")
    out = tmp_path / "out [red] put's"
    with (
        (tmp_path / "said").open("w") as said,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        pytest.raises(SystemExit) as ended,
    ):
        main(["prepare", "negative", str(photos), str(out), "--workers", "1"])
    *_, error, following = (tmp_path / "said").read_text().splitlines()
    assert ended.value.code == 65
    assert error.startswith("Error: 1 of 4 inputs was rejected; the dataset has the other 3 pairs.")
    words = shlex.split(following.removeprefix("Next: "))
    assert words == ["i2i", "train", "--plugin", "pix2pix", "--data", str(out), "--out", "RUN"]


def test_dataset_of_which_everything_was_rejected_is_made_anew_without_overwriting(
    run_cli: RunCli, photos: Path, tmp_path: Path
) -> None:
    out, arguments = tmp_path / "out", ["prepare", "negative", photos, tmp_path / "out", "--workers", 1]
    code, said, err = run_cli(*arguments, "--range", "0:2550")  # PNG files have no other range
    assert (code, "the other" in err, "Next" in said) == (65, False, False)
    assert "rejected" in said
    assert run_cli(*arguments)[0] == 0
    assert len(list((out / "train" / "imageA").iterdir())) == 2
    code, _, err = run_cli(*arguments, "--range", "0:2550")
    assert code == 2
    assert "other settings: --range 0:2550 instead of no --range." in " ".join(err.split())


def test_sums_are_json_on_request_and_nothing_is_said_on_request(run_cli: RunCli, photos: Path, tmp_path: Path) -> None:
    code, said, err = run_cli("prepare", "negative", photos, tmp_path / "out", "--workers", 1, "--json")
    sums = json.loads(said)
    assert (code, err) == (0, "")
    assert (sums["made"], sums["inputs"], sums["rejected"], sums["splits"]["val"]) == (3, 3, {}, 1)
    assert run_cli("prepare", "negative", photos, tmp_path / "out", "--quiet") == (0, "", "")


def test_choices_of_the_runner_are_flags(run_cli: RunCli, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    flags = ["--split", "hash", "--group", r"(\d)", "--licence", "CC0-1.0", "--attribution", "Ada", "--seed", 3]
    code, _, err = run_cli("prepare", "drawn", photos, out, *flags, "--workers", 1)
    assert (code, err) == (0, "")
    card = safe_yaml.load((out / "dataset.yaml").read_text(), "card")
    assert {name: card[name] for name in ("split", "group", "licence", "attribution", "seed", "options")} == {
        "split": "hash",
        "group": r"(\d)",
        "licence": "CC0-1.0",
        "attribution": "Ada",
        "seed": 3,
        "options": {"seed": 3},
    }
    assert card["command"].endswith(
        "--split hash --group '(\\d)' --max-pixels 40000000 --licence CC0-1.0 --attribution Ada"
    )


def test_command_in_the_card_makes_the_same_dataset(run_cli: RunCli, photos: Path, tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    flags = ["--strength", 2, "--range", "-1:300", "--val", 0.4, "--layout", "ab", "--workers", 1, "--quiet"]
    assert run_cli("prepare", "negative", photos, out, *flags)[0] == 65  # PNG files have no other range
    line = safe_yaml.load((out / "dataset.yaml").read_text(), "card")["command"]
    words = [str(again) if word == "OUT" else word for word in shlex.split(line)]
    run_cli(*words[1:], "--workers", 1, "--quiet")
    assert (again / "dataset.yaml").read_bytes() == (out / "dataset.yaml").read_bytes()
    assert (again / "report.jsonl").read_bytes() == (out / "report.jsonl").read_bytes()


def test_dry_run_prints_the_plan(run_cli: RunCli, photos: Path, tmp_path: Path) -> None:
    code, said, _ = run_cli("prepare", "negative", photos, tmp_path / "out", "--dry-run")
    assert code == 0
    assert "3 inputs (3 images) would be worked on, in 1 shard." in said
    as_json = run_cli("prepare", "negative", photos, tmp_path / "out", "--dry-run", "--json")[1]
    assert json.loads(as_json)["plan"] == said.splitlines()
    assert not (tmp_path / "out").exists()
    assert (
        "Would count to https://host/{z}/7."
        in run_cli("prepare", "numbers", "https://host/{z}/7", "out", "--dry-run")[1]
    )


def test_rank_that_is_not_the_last_says_what_is_missing(
    run_cli: RunCli, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.cut, "__defaults__", (1,))
    means = ["--world-size", 2, "--workers", 1]
    code, said, err = run_cli("prepare", "negative", photos, tmp_path / "out", "--rank", 1, *means)
    assert (code, err) == (0, "")
    assert "2 of 3 shards are still missing" in said
    code, said, _ = run_cli("prepare", "negative", photos, tmp_path / "out", "--rank", 0, *means)
    assert code == 0
    assert "Next: i2i train" in said


SAY = "OUT is missing: the dataset folder to make. Say `i2i prepare"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "negative photos",
            f"'photos' is the only place given, and {SAY} negative photos my-negative`.",
        ),
        ("both photos", "OUT is missing"),
        ("both photos more", "pairs of 2 folders, and OUT is missing after them"),
        ("both photos more", "Say `i2i prepare both photos more my-both`."),
        ("both photos new", "given 1. Say `i2i prepare both photos SECOND new`, where SECOND is the folder of"),
        (
            "negative photos more",
            "'more' holds something else, such as '0.png'. Give a new folder for the dataset",
        ),
        ("negative", "Missing argument"),
    ],
)
def test_place_that_is_missing_is_named_with_the_command_that_would_do(
    words: str, said: str, run_cli: RunCli, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(photos, tmp_path / "more")
    monkeypatch.chdir(tmp_path)
    code, _, err = run_cli("prepare", *words.split())
    assert code == 2
    assert said in " ".join(err.replace(f"{tmp_path}/", "").split())
    assert not (tmp_path / "new").exists()


def test_names_without_partners_are_answered_with_the_expression_that_pairs_them(
    run_cli: RunCli, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "right").mkdir()
    for file in photos.iterdir():
        shutil.copy(file, tmp_path / "right" / f"right_{file.name}")
    arguments = ("prepare", "both", photos, tmp_path / "right", tmp_path / "out", "--workers", 1)
    code, _, err = run_cli(*arguments)
    proposed = r"--match '(\d+)'"
    assert code == 65
    assert f"{proposed} makes partners of all 3 in 'photos' and 'right'." in " ".join(err.split())
    assert not (tmp_path / "out").exists()
    assert run_cli(*arguments, *shlex.split(proposed))[0] == 0
    (photos / "0.png").rename(photos / "right_0.png")  # now one of three has its partner
    code, said, _ = run_cli(*arguments, "--overwrite")
    assert code == 65
    assert f"Note: {proposed} makes partners of all 3" in " ".join(said.split())


def test_secrets_of_addresses_are_neither_stored_nor_shown(run_cli: RunCli, photos: Path, tmp_path: Path) -> None:
    place, out = "https://ada:sesame@host/?key=sesame/5", tmp_path / "out"
    for words in (["--dry-run"], [], ["--seed", 3]):
        assert "sesame" not in "".join(run_cli("prepare", "numbers", place, out, "--workers", 1, *words)[1:])
    assert all(b"sesame" not in file.read_bytes() for file in out.rglob("*") if file.is_file())
    assert b"https://host/" in (out / "dataset.yaml").read_bytes()
    target = "memory://cli-secret/set?key=sesame"
    for words in (["--dry-run"], [], ["--val", 0.5], ["--world-size", 2]):
        said = run_cli("prepare", "negative", photos, target, "--workers", 1, "--work", tmp_path / "work", *words)
        assert "sesame" not in "".join(said[1:]).replace("--work", "")
    assert "sesame" not in "".join(run_cli("prepare", "negative", "nosuch://ada:sesame@host/a", tmp_path / "no")[1:])


@pytest.mark.parametrize("text", ["5", "a:b", "4:1", "0:nan"])
def test_range_that_is_none_is_refused(text: str, run_cli: RunCli, photos: Path, tmp_path: Path) -> None:
    code, _, err = run_cli("prepare", "negative", photos, tmp_path / "out", "--range", text)
    assert code == 2
    assert "range" in err
    assert not (tmp_path / "out").exists()


def test_pixel_limit_is_that_of_the_reader() -> None:
    assert MAX_PIXELS == images.MAX_PIXELS
