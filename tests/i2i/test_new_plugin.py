"""`i2i plugins new`: what it makes is installed, listed, used and passes its own tests as it stands."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args
from zipfile import ZipFile

import pytest
from hatchling import build

from i2i.cli.new_plugin import Made, package, use_of
from i2i.kinds import COMMANDS, COMPONENTS
from i2i.plugins import installed

Cli = Callable[..., tuple[int, str, str]]

KINDS = get_args(Made)
QUICK = ["--size", "32", "--steps", "1", "--workers", "0"]
NARROW = ["--set", "generator.base_channels=4", "--set", "discriminator.base_channels=4"]
USED = {
    "preparer": ["--workers", "1"],
    "generator": [*QUICK, *NARROW],
    "recipe": [*QUICK, "--set", "generator.base_channels=4", "--set", "generator.depth=3"],
}
"""What is said besides, by kind, to be quick."""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def make(run_cli: Cli, tmp_path: Path) -> Callable[[Made], Path]:
    """Makes a package of a kind, as the command does."""

    def call(kind: Made) -> Path:
        folder = tmp_path / f"i2i-my-{kind}"
        code, out, err = run_cli("plugins", "new", f"my-{kind}", "--kind", kind, "--out", folder)
        assert (code, err) == (0, "")
        assert use_of(kind, f"my-{kind}") in out
        return folder

    return call


@pytest.fixture
def find(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Installs a package into this process: builds its wheel, as pip does, and puts what is in it on the path."""
    modules = []
    with pytest.MonkeyPatch.context() as patch:

        def install(folder: Path) -> None:
            site = tmp_path / "site"
            site.mkdir()
            with pytest.MonkeyPatch.context() as inside:
                inside.chdir(folder)
                wheel = site / build.build_wheel(str(site))
            with ZipFile(wheel) as archive:
                archive.extractall(site)
            patch.syspath_prepend(site)
            modules.append(f"i2i_{folder.name.removeprefix('i2i-').replace('-', '_')}")
            installed.cache_clear()

        yield install
    installed.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


@pytest.mark.parametrize("kind", KINDS)
def test_package_is_listed_tested_and_used_as_it_was_made(
    kind: Made,
    make: Callable[[Made], Path],
    find: Callable[[Path], None],
    run_cli: Cli,
    shared_pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = make(kind)
    find(folder)
    rows = json.loads(run_cli("plugins", "list", "--kind", kind, "--json")[1])
    (row,) = [row for row in rows if row["name"] == f"my-{kind}"]
    assert (row["plugin"], row["distribution"], row["version"]) == (f"my-{kind}", f"i2i-my-{kind}", "0.1.0")
    assert [problem for group in (COMPONENTS, COMMANDS) for problem in installed(group).problems] == []

    plain = ["-q", "-c", os.devnull, "--rootdir", folder, "--import-mode=importlib", "-p", "no:cacheprovider", "-n0"]
    assert pytest.main([*map(str, plain), "-W", "error", str(folder)]) == pytest.ExitCode.OK

    monkeypatch.chdir(tmp_path)
    shutil.copytree(shared_pairs, tmp_path / ("pairs" if kind != "preparer" else "PHOTOS"))
    _, *words = shlex.split(use_of(kind, f"my-{kind}"))
    code, _, err = run_cli(*words, *USED.get(kind, [*QUICK, *NARROW, "--set", "generator.depth=3"]))
    assert code == 0, err
    assert (tmp_path / ("runs" if kind != "preparer" else "pairs")).is_dir()


def test_package_is_installed_by_pip_and_passes_its_tests(make: Callable[[Made], Path], tmp_path: Path) -> None:
    """In an environment of its own, which sees what this one has; nothing is fetched."""
    folder, scratch = make("preparer"), tmp_path / "scratch"
    venv.create(scratch, symlinks=True)
    python = scratch / "bin" / "python"
    (site,) = (scratch / "lib").glob("python*/site-packages")
    (site / "outer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_paths()['purelib']!r})\n")

    def run(*words: object) -> str:
        done = subprocess.run(
            [python, "-m", *map(str, words)], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-e", folder)
    assert "my-preparer" in run("i2i", "prepare", "--help")
    assert "2 passed" in run("pytest", "-q", "-p", "no:cacheprovider", folder)


def test_package_has_a_licence_a_readme_and_a_file_for_ci(make: Callable[[Made], Path]) -> None:
    folder = make("loss")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["license-files"] == ["LICENSE"]
    assert "the authors of i2i-my-loss" in (folder / "LICENSE").read_text()
    assert use_of("loss", "my-loss") in (folder / project["readme"]).read_text()
    assert "pytest" in (folder / ".github" / "workflows" / "test.yaml").read_text()
    assert project["entry-points"]["i2i"] == {"my-loss": "i2i_my_loss"}


@pytest.mark.parametrize("kind", KINDS)
def test_code_is_in_the_style_of_the_house(kind: Made, tmp_path: Path) -> None:
    for path, text in package(f"my-{kind}", kind):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    ruff = [sys.executable, "-m", "ruff"]
    rules = ["--isolated", "--line-length=120", "--no-cache"]
    for words in (["check", "--select=B,C4,E,F,I,N,PIE,PT,RET,RUF,SIM,UP,W"], ["format", "--check"]):
        done = subprocess.run([*ruff, *words, *rules, "."], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("Edge_Loss", "loss", "'Edge_Loss' is no name of a component. Use lower-case words with hyphens"),
        ("../edge", "loss", "'../edge' is no name of a component."),
        ("l1", "loss", "'l1' is the name of something that is installed."),
        ("pix2pix", "generator", "'pix2pix' is the name of something that is installed."),
        ("tiles", "loss", "'tiles' is the name of something that is installed."),
        ("tensor", "loss", "'tensor' makes a class Tensor, which is something else here. Say my-tensor."),
        ("edge", "los", "los"),
    ],
)
def test_name_that_cannot_be_used_is_refused(
    run_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run_cli("plugins", "new", name, "--kind", kind)
    assert code == 2
    assert reason in " ".join(err.split())
    assert {path.name for path in tmp_path.iterdir()} <= {"cache"}


def test_folder_that_holds_something_is_left_alone(run_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").write_text("mine")
    code, _, err = run_cli("plugins", "new", "edge", "--kind", "loss", "--out", tmp_path / "full")
    assert code == 2
    assert "full is there already, and not empty. Give another folder with --out." in " ".join(err.split())
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes"]
