"""The page of a study: jsPsych, the sessions without what is fake in them, and the images."""

import base64
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from markupsafe import Markup

from i2i.net.urls import parse_url
from i2i_study.key import Key

SECONDS_A_TRIAL = 5.5
"""3.5 seconds of waiting and looking, as the authors' published page has them, and an answer."""

TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}


Content = Callable[[], bytes]
"""Reads an image when its turn comes, since all of them may be more than memory holds."""


class Page(NamedTuple):
    """How a page is to be."""

    embed: bool = False
    """Whether the images are in the page itself, so that it is one file."""
    post: str = ""
    """Where results are sent; without, raters save a file."""
    contact: str = ""
    """Who asks, in a line for the raters."""
    enlarge: float = 2
    """How many CSS pixels a pixel of an image has at most, a side."""


def write_page(key: Key, page: Page, images: Sequence[tuple[str, Content]]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of the page.

    Args:
        key: The study.
        page: How the page is to be.
        images: Name and content of each image of the key, in its order; names tell nothing.

    Raises:
        UsageError: If results cannot be sent to the address.
    """
    from jinja2 import DictLoader, Environment

    package = files("i2i_study")
    texts = {name: (package / name).read_text("utf-8") for name in ("page.html.j2", "experiment.js.j2")}
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=DictLoader(texts))
    jspsych = (package / "jspsych" / "jspsych.min.js").read_text("utf-8")
    post = parse_url(page.post) if page.post else None
    addresses = [_data_url(*image) for image in images] if page.embed else [f"images/{name}" for name, _ in images]
    trials = key.sessions[0].trials
    text = environment.get_template("page.html.j2").render(
        study={**_study(key, addresses), "post": post.text if post else "", "enlarge": page.enlarge},
        jspsych=Markup(jspsych.partition("\n//# sourceMappingURL=")[0]),  # which would lead out of the page
        practice=sum(trial.part == "practice" for trial in trials),
        trials=sum(trial.part != "practice" for trial in trials),
        minutes=max(1, round(len(trials) * SECONDS_A_TRIAL / 60)),
        page=page,
        connect=str(post._replace(target="")) if post else "'none'",
    )
    yield "index.html", text.encode()
    if not page.embed:
        yield from ((f"images/{name}", content()) for name, content in images)


def _study(key: Key, addresses: Sequence[str]) -> dict[str, Any]:
    """Return what the page knows: of trials to score, not which image is fake."""
    return {
        "id": key.study,
        "images": addresses,
        "sessions": [[trial.images for trial in session.trials] for session in key.sessions],
        "practice": [[trial.fake for trial in session.trials if trial.part == "practice"] for session in key.sessions],
    }


def _data_url(name: str, content: Content) -> str:
    return f"data:{TYPES[PurePosixPath(name).suffix]};base64,{base64.b64encode(content()).decode()}"
