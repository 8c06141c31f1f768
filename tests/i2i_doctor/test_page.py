"""The doctor's page."""

import json
from html.parser import HTMLParser
from pathlib import Path

from sound_pairs import examined, negative, picture, write

from i2i_doctor.page import write_page


class Page(HTMLParser):
    """What a page refers to, and whether its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "img":
            assert dict(attrs).get("alt")
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_page_needs_nothing_but_itself_and_escapes_names(dataset: Path, tmp_path: Path) -> None:
    name = "<script>alert(1)"
    write(dataset, "train", "copy", picture(1), negative(picture(1)))
    for half in ("imageA", "imageB"):
        (dataset / "train" / half / "copy.png").rename(dataset / "train" / half / f"{name}.png")
    examination = examined(dataset)
    page = write_page(examination, tmp_path / "page")
    text = page.read_text("utf-8")
    assert "<script" not in text
    assert "It can be trained on. Read the warnings first." in text
    assert "url(" not in text
    parsed = Page()
    parsed.feed(text)
    assert parsed.open == []
    assert parsed.references
    assert all(reference.startswith("data:image/png;base64,") for reference in parsed.references)
    words = " ".join(" ".join(parsed.words).split())
    assert name in words
    assert all(diagnosis.text in words for diagnosis in examination.diagnoses)
    assert json.loads((tmp_path / "page" / "check.json").read_text()) == examination.to_dict()


def test_page_of_a_sound_dataset_says_so(sound: Path, tmp_path: Path) -> None:
    assert "Ready to train on." in write_page(examined(sound), tmp_path / "new" / "page").read_text("utf-8")
