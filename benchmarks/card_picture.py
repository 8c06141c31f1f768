"""Draws the page of a model as the Hub would show it: ``python card_picture.py RUN OUT.png``.

The card comes from a dry run of ``i2i push``. The row of outputs that the Hub puts in the place of ``<Gallery />`` and
the chips that it makes of the front matter are imitated. Needs Chromium.
"""

import html
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markdown_it import MarkdownIt
from PIL import Image

from i2i_hub.card import README, parse_card

NAME = "ada/edges2faces"
WIDTH, MAX_HEIGHT = 840, 4000
STYLE = """
body { margin: 32px 40px; font: 15px/1.5 Helvetica, Arial, sans-serif; color: #1f2328; }
h1, h2 { border-bottom: 1px solid #d8dee4; padding-bottom: 4px; margin: 20px 0 12px; }
pre { background: #f4f6f8; padding: 12px 16px; border-radius: 6px; font-size: 13px; line-height: 1.4; }
code { font-family: "DejaVu Sans Mono", monospace; font-size: 13px; }
table { border-collapse: collapse; }
th, td { border: 1px solid #d8dee4; padding: 5px 12px; text-align: left; }
td img { width: 96px; display: block; }
.chip { background: #eef1f5; border-radius: 12px; padding: 3px 11px; margin-right: 6px; font-size: 13px; }
figure { display: inline-block; margin: 0 12px 8px 0; font-size: 13px; }
figure img { width: 150px; border-radius: 6px; display: block; }
"""


def main(run: Path, out: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        command = ["i2i", "push", str(run), NAME, "--licence", "mit", "--dry-run", str(folder), "--quiet"]
        subprocess.run(command, check=True)
        page = folder / "page.html"
        page.write_text(page_of((folder / README).read_bytes()), encoding="utf-8")
        photograph(page, folder / "page.png")
        trimmed(Image.open(folder / "page.png").convert("RGB")).quantize(256, kmeans=1).save(out, optimize=True)


def page_of(card: bytes) -> str:
    """Build the card as a page of HTML."""
    keys, body = parse_card(card, README)
    shown = body.replace("<Gallery />", gallery(keys))
    text = MarkdownIt("commonmark", {"html": True}).enable("table").render(shown)
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body>{chips(keys)}{text}"


def gallery(keys: Mapping[str, Any]) -> str:
    return "".join(
        f'<figure><img src="{sample["output"]["url"]}">{html.escape(sample["example_title"])}</figure>'
        for sample in keys["widget"]
    )


def chips(keys: Mapping[str, Any]) -> str:
    words = [keys["pipeline_tag"], *keys["tags"], f"License: {keys['license']}"]
    return "".join(f'<span class="chip">{html.escape(word)}</span>' for word in dict.fromkeys(words))


def photograph(page: Path, picture: Path) -> None:
    """Have Chromium draw a page."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("There is no Chromium here.")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--window-size={WIDTH},{MAX_HEIGHT}",
    ]
    subprocess.run([chromium, *options, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True)


def trimmed(picture: Image.Image) -> Image.Image:
    """Trim a picture of the white below."""
    written = np.flatnonzero((np.asarray(picture) < 250).any(axis=(1, 2)))
    return picture.crop((0, 0, picture.width, int(written[-1]) + 32))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
