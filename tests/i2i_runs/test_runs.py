"""Folders of runs as they may be met: finished, at work, stopped, damaged, and of something else."""

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from training_runs import tiny

from i2i import images
from i2i.pairs import Pixels
from i2i.training import train
from i2i_runs.differing import differences
from i2i_runs.reading import read

Cli = Callable[..., tuple[int, str, str]]

SETTINGS: dict[str, Any] = {
    "recipe": {"name": "pix2pix", "gan_weight": 1.0},
    "generator": {"name": "unet", "depth": 2},
    "discriminator": {"name": "patchgan", "layers": 1},
    "pixel_loss": [{"name": "l1", "weight": 100.0}],
    "data": {"path": "/data/shoes", "crop": 8},
    "training": {"seed": 0, "epochs": 5, "steps": 9},
    "validation": {"select": "psnr"},
}


def rows(steps: int, figures: Mapping[int, Mapping[str, float | None]]) -> str:
    lines: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        lines.append({"step": step, "epoch": 1, "lr": 2e-4, "generator/pixel": 1.5})
        lines += [{"step": step, "validation": figures[step]}] if step in figures else []
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def write_run(
    path: Path,
    steps: int = 9,
    figures: Mapping[int, Mapping[str, float | None]] = {3: {"l1": 0.2, "psnr": 19.0}, 6: {"l1": 0.1, "psnr": 18.0}},
    kept: int | None = 3,
    **sections: Mapping[str, Any] | None,
) -> Path:
    """A run's folder, with what is read of it and nothing else."""
    merged = {
        name: {**value, **(sections.get(name) or {})} if isinstance(value, dict) else value
        for name, value in SETTINGS.items()
        if sections.get(name, {}) is not None
    }
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(yaml.safe_dump(merged, sort_keys=False))
    (path / "environment.json").write_text(json.dumps({"libraries": {"torch": "2.13.0"}, "cpu": "AVX2"}))
    (path / "metrics.jsonl").write_text(rows(steps, figures))
    if kept is not None:
        (path / "model").mkdir()
        (path / "model" / "config.json").write_text(json.dumps({"step": kept}))
    return path


def sign(path: Path, process: int, host: str | None = None) -> None:
    """Sign the lock of a run as its process does."""
    since = "since 2026-11-30 14:10:47 UTC"
    (path / ".lock").write_text(f"\n{process} is at work in {{}} (on {host or socket.gethostname()}, {since})")


def drawn(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)


def draw_samples(run: Path, step: int, outputs: int, sources: int = 0) -> None:
    sheet = [[drawn(sources + item), drawn(outputs + item), drawn(sources + 50 + item)] for item in range(2)]
    (run / "samples").mkdir(exist_ok=True)
    images.write(run / "samples" / f"step-{step:09d}.png", images.contact_sheet(sheet, ["source", "output", "target"]))
    layout = {"columns": ["source", "output", "target"], "made": ["output"], "rows": 2, "size": [8, 8]}
    (run / "samples" / "layout.json").write_text(json.dumps(layout))


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_a_list_says_what_is_trained_on_what_how_far_and_how_good_newest_first(run_cli: Cli, tmp_path: Path) -> None:
    write_run(tmp_path / "old")
    write_run(tmp_path / "sweep" / "seed-0", steps=4, data={"path": "hf://me/cats"}, validation={"select": "l1"})
    os.utime(tmp_path / "old" / "metrics.jsonl", (1, 1))
    os.utime(tmp_path / "old" / "config.yaml", (1, 1))
    (tmp_path / "pairs").mkdir()
    code, out, _ = run_cli("runs", "list", tmp_path)
    _, _, new, old = out.splitlines()
    assert code == 0
    assert new.split()[:7] == ["sweep/seed-0", "pix2pix,", "cats", "4/9", "l1", "0.2", "stopped"]
    assert old.split()[:7] == ["old", "pix2pix,", "shoes", "9", "psnr", "19", "done"]
    assert max(map(len, out.splitlines())) <= 80


def test_a_run_is_at_work_while_the_process_that_signed_its_lock_is_there(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", steps=4)
    assert read(run).state == "stopped"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for process, host, state in (
        (os.getpid(), None, "running"),
        (gone.pid, None, "stopped"),
        (os.getpid(), "elsewhere", "stopped"),
    ):
        sign(run, process, host)
        assert read(run).state == state


def test_a_run_that_has_only_begun_is_read(tmp_path: Path, run_cli: Cli) -> None:
    run = write_run(tmp_path / "run", steps=0, kept=None, training={"steps": None})
    found = read(run)
    assert (found.step, found.total, found.figures, found.figure, found.samples) == (0, None, {}, "", {})
    assert run_cli("runs", "show", run)[0] == run_cli("runs", "list", run)[0] == 0


def test_length_that_was_said_in_epochs_is_that_of_the_newest_checkpoint(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", training={"steps": None})
    for step in (3, 6):
        (run / "checkpoints" / f"step-{step:09d}").mkdir(parents=True)
        (run / "checkpoints" / f"step-{step:09d}" / "state.json").write_text(json.dumps({"total": 10 * step}))
    assert read(run).total == 60


def test_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", steps=4)
    with (run / "metrics.jsonl").open("a") as log:
        log.write('{"step": 5, "validation": {"l1"')
    assert read(run).step == 4


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("metrics.jsonl", '{"step": 1, "validation": {"l1": "good"}}\n'),
        ("metrics.jsonl", "\0\0\0\n"),
        ("environment.json", "{"),
        ("model/config.json", "[]"),
        ("config.yaml", "recipe: {name: pix2pix}\n"),
        ("config.yaml", "recipe: ["),
    ],
)
def test_a_damaged_run_is_one_line_and_the_others_are_listed(
    run_cli: Cli, tmp_path: Path, file: str, text: str
) -> None:
    write_run(tmp_path / "sound")
    (write_run(tmp_path / "broken") / file).write_text(text)
    code, out, err = run_cli("runs", "list", tmp_path)
    assert code != 0
    assert ("sound" in out, "broken" in out) == (True, False)
    assert len(err.splitlines()) == 1
    assert "broken" in err
    for command in ("show", "compare"):
        assert run_cli("runs", command, tmp_path / "broken")[0] == code


def test_what_is_no_run_is_one_line(run_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    for words, said in (
        (("show", tmp_path / "pairs"), "holds no run: there is no config.yaml"),
        (("compare", tmp_path / "gone"), "holds no run: there is no config.yaml"),
        (("list", tmp_path), "There is no run in"),
        (("list", tmp_path / "gone"), "There is no folder"),
    ):
        code, _, err = run_cli("runs", *words)
        assert (code, len(err.splitlines())) == (66, 1)
        assert said in err


def test_what_a_run_was_warned_of_is_shown(run_cli: Cli, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run / "logs").mkdir()
    events = [{"what": "started", "step": 0, "text": ""}, {"what": "warned", "step": 1500, "text": "Steps wait."}]
    journal = run / "logs" / "report.jsonl"
    journal.write_text("".join(f"{json.dumps(event)}\n" for event in events) + '{"what": "war')
    assert "step 1,500: Steps wait." in run_cli("runs", "show", run)[1].splitlines()
    journal.write_text("[]\n")
    assert run_cli("runs", "show", run)[0] == 65


def test_only_settings_that_differ_are_compared_and_of_a_part_that_one_lacks_its_name(tmp_path: Path) -> None:
    first = write_run(tmp_path / "first")
    second = write_run(tmp_path / "second", generator={"depth": 3}, discriminator=None)
    assert differences([read(first), read(second)]) == {
        "generator.depth": ["2", "3"],
        "discriminator.name": ["patchgan", "-"],
    }
    third = write_run(tmp_path / "third", discriminator={"layers": 3})
    assert differences([read(first), read(third), read(second)])["discriminator.layers"] == ["1", "3", "-"]


def test_a_comparison_fits_the_terminal_however_many_runs_there_are(run_cli: Cli, tmp_path: Path) -> None:
    paths = [write_run(tmp_path / f"a-run-of-a-long-name-{depth}", generator={"depth": depth}) for depth in range(1, 6)]
    code, out, _ = run_cli("runs", "compare", *paths)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    depths = [word for line in out.splitlines() if line.startswith("generator.depth") for word in line.split()[1:]]
    assert depths == ["1", "2", "3", "4", "5"]
    assert "training.seed" not in out


def test_other_programs_get_the_figures_of_the_model_that_is_kept(run_cli: Cli, tmp_path: Path) -> None:
    paths = [write_run(tmp_path / "first"), write_run(tmp_path / "second", kept=6, generator={"depth": 3})]
    _, out, _ = run_cli("runs", "compare", *paths, "--csv")
    table = list(csv.DictReader(StringIO(out)))
    assert [(row["measured"], row["psnr"], row["generator.depth"]) for row in table] == [
        ("3", "19.0", "2"),
        ("6", "18.0", "3"),
    ]
    _, out, _ = run_cli("runs", "compare", *paths, "--json")
    assert [(row["figures"]["l1"], row["settings"]) for row in json.loads(out)] == [
        (0.2, {"generator.depth": "2"}),
        (0.1, {"generator.depth": "3"}),
    ]
    _, out, _ = run_cli("runs", "show", paths[0], "--json")
    (whole,) = json.loads(out)
    assert (whole["validations"]["6"]["l1"], whole["settings"]["training.seed"]) == (0.1, "0")


def test_the_picture_has_once_what_all_runs_have_and_from_each_what_it_makes(run_cli: Cli, tmp_path: Path) -> None:
    paths = [write_run(tmp_path / "first"), write_run(tmp_path / "second", kept=6)]
    draw_samples(paths[0], 3, outputs=100)
    draw_samples(paths[0], 9, outputs=900)  # of a model that is not the one that is kept
    draw_samples(paths[1], 9, outputs=200)
    code, _, err = run_cli("runs", "compare", *paths, "--png", tmp_path / "all.png")
    assert code == 0, err
    shown = images.pictures_of(images.read(tmp_path / "all.png").pixels, 192, 192)
    seeds = [[0, 100, 200, 50], [1, 101, 201, 51]]
    assert [[drawn(seed).tolist() for seed in row] for row in seeds] == [
        [picture[12::24, 12::24].tolist() for picture in row] for row in shown
    ]


def test_pictures_of_other_images_or_none_are_refused(run_cli: Cli, tmp_path: Path) -> None:
    paths = [write_run(tmp_path / "first"), write_run(tmp_path / "second")]
    draw_samples(paths[0], 3, outputs=100)
    picture = tmp_path / "all.png"
    assert "has drawn no samples yet" in run_cli("runs", "compare", *paths, "--png", picture)[2]
    draw_samples(paths[1], 3, outputs=200, sources=500)
    code, _, err = run_cli("runs", "compare", *paths, "--png", picture)
    assert (code, "samples of other images" in err, picture.exists()) == (2, True, False)
    (paths[1] / "samples" / "layout.json").write_text("{}")
    assert run_cli("runs", "compare", *paths, "--png", picture)[0] == 65


def test_a_real_run_is_read_as_the_engine_writes_it(run_cli: Cli, shared_pairs: Path, tmp_path: Path) -> None:
    outcome = train(tiny(shared_pairs), tmp_path / "run")
    run = read(outcome.folder)
    assert (run.step, run.total, run.state, run.recipe, run.figure) == (12, 12, "done", "pix2pix", "l1")
    assert outcome.best is not None
    assert (run.kept, run.figures["l1"]) == (outcome.best["step"], outcome.best["l1"])
    assert run.environment["libraries"]["torch"]
    assert run_cli("runs", "compare", outcome.folder, outcome.folder, "--png", tmp_path / "both.png")[0] == 0


def test_looking_at_runs_imports_no_torch(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / "first"), write_run(tmp_path / "second")]
    for path in paths:
        draw_samples(path, 3, outputs=100)
    first, second = map(str, paths)
    asked = [["list", str(tmp_path)], ["show", first], ["compare", first, second, "--png", f"{tmp_path}/both.png"]]
    code = f"""
import sys
from i2i.cli import main
for words in {asked!r}:
    try:
        main(["runs", *words])
    except SystemExit as left:
        assert not left.code, left.code
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
