"""What is shipped: pinned versions, and a notice beside everything that others made."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *EXTRAS.values(), PYPROJECT["build-system"]["requires"])
    for text in group
    if not text.startswith("i2i-toolkit[")  # extras that bring other extras
]
LINES = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
PINS = {canonicalize_name(name): Version(version) for name, version in (line.split("==") for line in LINES)}
PACKAGES = [ROOT / package for package in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
OURS = {".py", ".typed", ".md", ".yaml", ".j2"}
OUR_PAGE = ROOT / "plugins" / "i2i_web" / "page"
"""The one folder of our own scripts, which others have too."""


def test_torch_is_pinned_to_the_tested_version_of_any_build() -> None:
    assert "torch==2.13.0" in LINES


def test_constraints_are_pins_and_nothing_else() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9.]+", line)] == []
    assert len(PINS) == len(LINES)


@pytest.mark.parametrize("requirement", DIRECT, ids=str)
def test_every_dependency_is_pinned_to_a_version_that_it_allows(requirement: Requirement) -> None:
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def needed(requirement: Requirement, seen: set[str]) -> Iterator[str]:
    """Name of a dependency and of all that it needs here."""
    name = canonicalize_name(requirement.name)
    if name in seen:
        return
    seen.add(name)
    yield name
    for text in distribution(name).requires or ():
        inner = Requirement(text)
        # by markers, torch brings what its build needs for an accelerator, and pins it itself
        if inner.marker is None or (name != "torch" and inner.marker.evaluate({"extra": ""})):
            yield from needed(inner, seen)


def test_everything_that_is_needed_is_pinned() -> None:
    seen: set[str] = set()
    names = [name for requirement in DIRECT for name in needed(requirement, seen)]
    assert len(names) > 40
    assert [name for name in names if name not in PINS] == []


def test_the_licence_is_the_one_that_is_declared() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    for name in PROJECT["license-files"]:
        assert "Apache License\n                           Version 2.0" in (ROOT / name).read_text("utf-8")


def folders_of_others() -> list[Path]:
    """Folders of packages that hold something else than our own text."""
    files = [file for package in PACKAGES for file in package.rglob("*") if file.is_file()]
    return sorted({file.parent for file in files if file.suffix not in OURS | {".pyc"}} - {OUR_PAGE})


@pytest.mark.parametrize("folder", folders_of_others(), ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_a_notice_with_source_and_licence_is_beside_what_others_made(folder: Path) -> None:
    notices = [*folder.glob("NOTICE.md"), folder.parent / f"{folder.name.upper()}.md"]
    (notice,) = [file.read_text("utf-8") for file in notices if file.is_file()]
    assert "Permission is hereby granted, free of charge" in notice
    assert re.search(r"^Copyright \(c\) ", notice, re.MULTILINE)
    assert "Changes: " in notice
    assert f"`{folder.name}/`" in notice or all(
        file.name in notice for file in folder.iterdir() if file.suffix not in OURS
    )


def test_weights_and_pictures_are_shipped() -> None:
    assert {folder.name for folder in folders_of_others()} >= {"weights", "images"}
    pictures = list((ROOT / "tools" / "i2i_demo" / "images").glob("*.webp"))
    assert len(pictures) > 50


def test_every_picture_of_the_docs_is_in_the_notice() -> None:
    entries = [entry for entry in (ROOT / "docs" / "images").iterdir() if entry.suffix != ".md"]
    pictures = [f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries]
    notice = (ROOT / "docs" / "images" / "NOTICE.md").read_text("utf-8")
    assert pictures
    assert [name for name in pictures if f"`{name}`" not in notice] == []


def test_what_is_not_settled_about_the_weights_is_said() -> None:
    for page in ("README.md", "docs/preparers.md", "tools/i2i_prepare/weights/NOTICE.md"):
        words = " ".join((ROOT / page).read_text("utf-8").split())
        assert "BSDS500" in words
        assert "not settled" in words
