"""Packages of strangers, found by their real entry points: a sound one works, broken ones stop nothing."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from i2i.plugins import installed
from i2i.testing import check_generator

Cli = Callable[..., tuple[int, str, str]]

STRANGER = Path(__file__).parents[1] / "stranger"
BROKEN = {
    "raises": ("i2i", "raise RuntimeError('no GPU here')"),
    "leaves": ("i2i", "import sys\nsys.exit(0)"),
    "misspells": ("i2i", "import i2i\n@i2i.hookimpl\ndef i2i_generator(): return {}"),
    "clashes": ("i2i", "import i2i\n@i2i.hookimpl\ndef i2i_generators(): return {'unet': int}"),
    "commands": ("i2i.commands", "raise OSError('no display')"),
}
SMALL = ["--set", "generator.blocks=1", "--set", "data.crop=32", "--set", "discriminator.layers=1", "--steps", "2"]


@contextmanager
def finding(site: Path) -> Iterator[None]:
    """This process finds the packages of a folder, by their entry points."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        installed.cache_clear()
        yield
    installed.cache_clear()
    for name in [*(f"{name}_module" for name in BROKEN), "i2i_fullres"]:
        sys.modules.pop(name, None)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines on the terminal are not broken."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the stranger's package was built and installed."""
    folder = tmp_path_factory.mktemp("site")
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(folder), str(STRANGER)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def broken_site(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``site``, among packages that are broken, each in its own way."""
    folder = tmp_path_factory.mktemp("broken")
    for name, (group, code) in BROKEN.items():
        (folder / f"{name}_module.py").write_text(code)
        info = folder / f"i2i_{name}-0.9.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: i2i-{name}\nVersion: 0.9\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}_module\n")
    for entry in site.iterdir():
        (folder / entry.name).symlink_to(entry)
    return folder


def fullres(site: Path) -> Any:
    """The stranger's class, out of the file that was installed."""
    spec = importlib.util.spec_from_file_location("i2i_fullres", site / "i2i_fullres.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FullRes


def test_package_is_about_25_lines(site: Path) -> None:
    lines = [line for line in (site / "i2i_fullres.py").read_text().splitlines() if line.strip()]
    assert len(lines) <= 26


def test_component_keeps_its_contract(site: Path) -> None:
    check_generator(fullres(site))


def test_package_is_listed_and_shown(run_cli: Cli, site: Path) -> None:
    with finding(site):
        listed = json.loads(run_cli("plugins", "list", "--kind", "generator", "--json")[1])
        shown = run_cli("plugins", "show", "generator", "fullres")[1]
    (row,) = [row for row in listed if row["name"] == "fullres"]
    assert (row["plugin"], row["distribution"], row["version"]) == ("fullres", "i2i-fullres", "0.1")
    assert "generator fullres (plugin fullres, i2i-fullres 0.1)" in shown
    assert "Residual blocks at full resolution" in shown
    assert "Number of residual blocks." in shown


def test_component_trains_among_broken_ones_is_saved_and_translates(
    run_cli: Cli, site: Path, broken_site: Path, pairs_folder: Path, tmp_path: Path
) -> None:
    folder, out, sources = tmp_path / "run", tmp_path / "out", pairs_folder / "val" / "imageA"
    choice = ["--plugin", "pix2pix", "--use", "generator=fullres", *SMALL]
    with finding(broken_site):
        code, _, err = run_cli("train", "--data", pairs_folder, "--out", folder, *choice)
        assert code == 0, err
        code, _, err = run_cli("translate", folder, sources, "--out", out)
        assert code == 0, err

    generator = fullres(site)(3, 3, blocks=1)
    generator.load_state_dict(load_file(folder / "model" / "generator.safetensors"), strict=True)
    source = np.asarray(Image.open(sources / "06.png"))
    with torch.no_grad():
        fake = generator(torch.from_numpy(source.copy()).permute(2, 0, 1)[None] / 127.5 - 1)
    expected = ((fake[0].permute(1, 2, 0).numpy() + 1) * 127.5).round()
    made = np.asarray(Image.open(out / "06.png"))
    assert np.abs(made - expected).max() <= 1

    code, _, err = run_cli("translate", folder, sources, "--out", tmp_path / "none")
    assert code == 2
    assert "pip install i2i-fullres" in err


def test_doctor_names_every_broken_package_in_one_line(run_cli: Cli, broken_site: Path) -> None:
    with finding(broken_site):
        code, out, _ = run_cli("plugins", "doctor")
    assert code == 1
    for line in (
        "Broken: plugin 'raises' (from i2i-raises 0.9): RuntimeError: no GPU here",
        "Broken: plugin 'leaves' (from i2i-leaves 0.9): SystemExit: 0",
        "Broken: plugin 'misspells' (from i2i-misspells 0.9): there is no hook 'i2i_generator', so it is not asked. "
        "Did you mean 'i2i_generators'?",
        "Broken: generator 'unet' is provided by both plugin 'clashes' and plugin 'pix2pix'; uninstall or rename one.",
        "Broken: plugin 'commands' (from i2i-commands 0.9): OSError: no display",
    ):
        assert line in out.splitlines()


def test_help_goes_on_with_a_warning(broken_site: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(broken_site)}
    command = [sys.executable, "-c", "from i2i.cli import main; main()", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0
    assert "Usage" in done.stdout
    assert "Warning: plugin 'commands' (from i2i-commands 0.9): OSError: no display" in done.stderr


@pytest.fixture
def among_broken_ones(broken_site: Path) -> Iterator[None]:
    """This process finds the packages too."""
    with finding(broken_site):
        yield


@pytest.mark.usefixtures("among_broken_ones")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--use", "generator=unet"], "generator 'unet' is provided by both plugin 'clashes' and plugin 'pix2pix';"),
        (["--use", "generator=fullress"], "No generator named 'fullress'. Did you mean 'fullres'? Installed: "),
        (
            ["--use", "generator=fullres", "--set", "generator.block=1"],
            "generator 'fullres': no option 'block'. Did you mean 'blocks'? Options: blocks, base_channels.",
        ),
        (
            ["--use", "generator=fullres", "--set", "generator.blocks=many"],
            "generator 'fullres': option 'blocks': input should be a whole number",
        ),
    ],
    ids=["clash", "unknown component", "unknown option", "bad value"],
)
def test_wrong_choice_is_one_line_and_exit_code_2(
    run_cli: Cli, pairs_folder: Path, tmp_path: Path, arguments: list[str], line: str
) -> None:
    out = tmp_path / "run"
    code, _, err = run_cli("train", "--plugin", "pix2pix", "--data", pairs_folder, "--out", out, *arguments)
    assert code == 2
    assert err.splitlines()[-1].startswith(f"Error: {line}")
    assert "Traceback" not in err
    assert not out.exists()
