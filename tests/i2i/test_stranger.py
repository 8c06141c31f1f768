"""Packages of strangers, found by their real entry points: a sound one works, broken ones stop nothing."""

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from hatchling import build
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
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(STRANGER)
        wheel = folder / build.build_wheel(str(folder))
    with ZipFile(wheel) as archive:
        archive.extractall(folder)  # which is all that pip does with it
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
        code, help_, err = run_cli("--help")
    assert (code, "Usage" in help_) == (0, True)
    assert "Warning: plugin 'commands' (from i2i-commands 0.9): OSError: no display" in err

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
