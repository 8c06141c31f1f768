"""Pages that need nothing but themselves."""

import base64
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from i2i import __version__, images, pages

Fill = Callable[..., str]


@pytest.fixture
def fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fill:
    """Fill in a template of one line, and return what becomes of it."""
    package = f"pages_of_{tmp_path.name}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def fill(line: str, **values: object) -> str:
        template = f'{{% extends "frame.html.j2" %}}{{% block content %}}{line}{{% endblock %}}'
        (tmp_path / package / "a.html.j2").write_text(template)
        page = pages.render(package, "a.html.j2", **values).decode()
        return page.partition("<main>")[2].partition("</main>")[0].strip()

    return fill


def test_text_is_escaped_and_spelt_out(fill: Fill) -> None:
    assert fill("{{ name }}", name="<b>\x1b[2J\udc80\u202e") == r"&lt;b&gt;\x1b[2J\udc80\u202e"
    assert fill("{{ text|code }}", text="`<i>` & \x07") == r"<code>&lt;i&gt;</code> &amp; \x07"
    assert fill("{{ version }}") == __version__


def test_name_that_is_not_given_is_a_fault(fill: Fill) -> None:
    with pytest.raises(Exception, match="'nmae' is undefined"):
        fill("{{ nmae }}", name="x")


@pytest.mark.parametrize(("side", "kind", "furthest"), [(pages.EXACT, "png", 0), (pages.EXACT + 40, "jpeg", 40)])
def test_pictures_are_addresses_and_small_ones_exact(side: int, kind: str, furthest: int) -> None:
    rng = np.random.default_rng(0)
    noise = images.resize(rng.integers(256, size=(side // 2, side, 3)).astype(np.uint8), side, side)
    head, _, data = pages.address(noise).partition(",")
    assert head == f"data:image/{kind};base64"
    seen = images.read(base64.b64decode(data)).pixels
    assert np.abs(seen.astype(int) - noise).mean() <= furthest


def test_flat_picture_is_exact_whatever_its_size() -> None:
    assert pages.address(np.zeros((400, 300, 3), np.uint8)).startswith("data:image/png;base64,")
