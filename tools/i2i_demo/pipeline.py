"""The steps of the demo, through the interfaces that everybody has."""

import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

import i2i
from i2i import images, safe_json, safe_yaml, training
from i2i.cli.console import shown
from i2i.cli.progress import WorkProgress
from i2i.cli.training_progress import TrainingProgress
from i2i.config import resolve
from i2i.errors import things
from i2i.pairs import Pixels
from i2i.preparation import prepare
from i2i.prepared import HALVES
from i2i.system.files import make_folder, write_atomically
from i2i.training.folder import RunFolder
from i2i.translation import Translator
from i2i.translation.folder import translate_files
from i2i.translation.jobs import plan

EDGES: Mapping[str, int] = {"size": 128, "detect_size": 192, "border": 32}
"""Options of the preparer: the detector looks closer than the result is large, and not far beyond the rim."""


class Triple(NamedTuple):
    """A held-out drawing, what the generator made of it, and the picture that it was drawn from."""

    name: str
    source: Pixels
    output: Pixels
    target: Pixels


@dataclass
class Story:
    """What the demo did, for its report."""

    commands: dict[str, str] = field(default_factory=dict)
    """Step -> the command that does the same."""
    timings: dict[str, float] = field(default_factory=dict)
    """Step -> seconds."""
    splits: dict[str, int] = field(default_factory=dict)
    """Split -> its pairs."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """The run's metrics log."""
    triples: list[Triple] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Return the seconds of all of it."""
        return sum(self.timings.values())


def run(out: Path, steps: int | None, console: Console) -> Story:
    """Prepare, train and translate.

    Args:
        out: Folder for everything that is made; what is there already is gone on with.
        steps: Length of the training; as in ``settings.yaml`` when not given.
        console: Where it is told how it goes.

    Raises:
        I2iError: If something is wrong that a person can mend.
    """
    story = Story()
    make_folder(out)
    with as_file(files("i2i_demo")) as bundled:
        with _step(story, "Prepare", _prepare_command(bundled / "images", out), console):
            _prepare(bundled / "images", out, story, console)
        settings = out / "settings.yaml"
        write_atomically(settings, (bundled / "settings.yaml").read_bytes())
    command = ["i2i", "train", "--config", settings, "--data", out / "pairs", "--out", out / "run"]
    with _step(story, "Train", _line(*command, *(["--steps", steps] if steps else [])), console):
        _train(out, steps, console)
    held_out = out / "pairs" / "val" / HALVES[0]
    with _step(
        story, "Translate", _line("i2i", "translate", out / "run", held_out, "--out", out / "translated"), console
    ):
        _translate(out, held_out)
    log = RunFolder(out / "run").metrics.read_text().splitlines()
    story.rows = [safe_json.load(line) for line in log]
    story.triples = list(_triples(out))
    return story


def write_page(out: Path) -> Path:
    """Write ``draw.html``, a page on which one draws and sees what the trained model makes of it.

    Raises:
        UsageError: If what exporting needs is not installed.
    """
    page = out / "draw.html"
    page.unlink(missing_ok=True)
    i2i.export(out / "run", "web", page, mode="deterministic", set={"one_file": True, "title": "Draw a face"})
    return page


@contextmanager
def _step(story: Story, name: str, command: str, console: Console) -> Iterator[None]:
    console.print(f"\n[bold]{len(story.timings) + 1}/3 {name}[/]  [dim]{shown(command)}[/]")
    began = time.monotonic()
    yield
    story.commands[name] = command
    story.timings[name] = time.monotonic() - began


def _prepare_command(sources: Path, out: Path) -> str:
    flags = [word for name, value in EDGES.items() for word in (f"--{name.replace('_', '-')}", value)]
    return _line("i2i", "prepare", "edges", sources, out / "pairs", *flags)


def _line(*words: object) -> str:
    """Return a command as it is typed."""
    return shlex.join(map(str, words))


def _prepare(sources: Path, out: Path, story: Story, console: Console) -> None:
    with WorkProgress("edges", silent=console.quiet) as progress:
        report = prepare("edges", [sources], out / "pairs", options=EDGES, on_progress=progress)
    story.splits = {split: count for split, count in report.splits.items() if count}
    console.print(", ".join(f"{things(count, 'pair')} for {split}" for split, count in story.splits.items()))


def _train(out: Path, steps: int | None, console: Console) -> None:
    folder = RunFolder(out / "run")
    length = {"training": {"steps": steps}} if steps else {}
    with TrainingProgress(console.quiet) as progress:
        if folder.config.exists():
            training.resume(folder.path, length, progress)
        else:
            settings = safe_yaml.load((out / "settings.yaml").read_text(), "settings.yaml")
            config = resolve([settings, {"data": {"path": str(out / "pairs")}}, length])
            training.train(config, folder.path, progress)


def _translate(out: Path, drawings: Path) -> None:
    translator = Translator.load(out / "run")
    for done in translate_files(translator, plan([drawings], out / "translated")):
        if done.problem:
            raise RuntimeError(done.problem)  # drawings that were made a minute ago


def _triples(out: Path) -> Iterator[Triple]:
    pairs = out / "pairs" / "val"
    for output in images.discover([out / "translated"]).files:
        source, target = (images.read(pairs / half / output.name).pixels for half in HALVES)
        yield Triple(output.stem, source, images.read(output).pixels, target)
