"""The page and the grid of an evaluation."""

import math
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from evaluations import MODELS, Photographs, blobs, evaluation_of, metric

from i2i import images
from i2i.evaluation.gallery import extremes
from i2i.evaluation.grids import write_grid
from i2i.evaluation.heads import heads_of
from i2i.evaluation.maps import Scale, scale_of
from i2i.evaluation.page import write_page
from i2i.evaluation.results import Evaluation

VOID = ("img", "meta", "br")


class Page(HTMLParser):
    """What a page says and refers to, and whether its tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.open: list[str] = []
        self.parts: list[str] = []
        self.alts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "img":
            self.alts.append(dict(attrs)["alt"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.parts).split())


def page_of(evaluation: Evaluation, pictures: Photographs, folder: Path) -> Page:
    text = write_page(evaluation, pictures, folder).read_text("utf-8")
    assert "url(" not in text
    assert "<script" not in text
    page = Page(text)
    assert all(reference.startswith("data:image/") for reference in page.references)
    return page


def test_page_says_every_figure_and_all_that_is_said_of_it(
    evaluation: Evaluation, pictures: Photographs, tmp_path: Path
) -> None:
    words = page_of(evaluation, pictures, tmp_path / "new").words
    for head in heads_of(evaluation):
        figures = [subject.figures[head.name] for subject in evaluation.subjects if head.name in subject.figures]
        assert all(words.count(f"{head.number(f.value)} ± {head.half(f)}") >= 2 for f in figures)  # table and bars
    for text in (*evaluation.sentences, *evaluation.notes, evaluation.resizing, "runs/fog", "subsets=50", "24×24"):
        assert text in words
    assert all(measured.caution in words and measured.about in words for measured in evaluation.measured)
    assert "below 0.001" in words
    assert "cannot be told" in words


def test_best_median_and_worst_are_shown_with_their_differences(
    evaluation: Evaluation, pictures: Photographs, tmp_path: Path
) -> None:
    page = page_of(evaluation, pictures, tmp_path)
    of_metrics = 2 * 3  # l1 and psnr; the metric of sets has no figure of an item
    assert sum(alt.startswith("source of") for alt in page.alts) == of_metrics + 5
    assert sum(alt.startswith("difference of fog") for alt in page.alts) == 3  # only l1 says where
    assert all(page.words.count(title) == 2 for title in ("Best ", "Median ", "Worst "))
    assert sorted(set(pictures.asked)) == sorted(pictures.asked)


def test_items_are_ordered_by_the_mean_of_the_models(evaluation: Evaluation) -> None:
    l1, psnr, kid = heads_of(evaluation)
    fog, noise = evaluation.models
    fog.items["l1"], noise.items["l1"] = [0.1, 0.5, 0.3, None, 0.2], [0.1, 0.1, 0.9, 0.0, 0.3]
    assert extremes(evaluation, l1) == {"best": 0, "median": 1, "worst": 2}  # the third has no figure of one model
    fog.items["psnr"], noise.items["psnr"] = [1.0, 5.0, 3.0, 2.0, 4.0], [1.0, 5.0, 3.0, 2.0, 4.0]
    assert extremes(evaluation, psnr) == {"best": 1, "median": 2, "worst": 0}
    assert extremes(evaluation, kid) == {}
    for known, shown in ((0, {}), (1, {"best": 4}), (2, {"best": 4, "worst": 3})):
        fog.items["psnr"] = [None] * (5 - known) + [2.0, 4.0][2 - known :]
        assert extremes(evaluation, psnr) == shown


def test_samples_stand_side_by_side_where_there_are_several(
    evaluation: Evaluation, pictures: Photographs, tmp_path: Path
) -> None:
    assert "Samples" not in page_of(evaluation, pictures, tmp_path).words
    pictures.asked.clear()
    evaluation.samples = 4
    page = page_of(evaluation, pictures, tmp_path)
    assert sum(alt.startswith("sample 4 of noise") for alt in page.alts) == 3
    assert "4 results of one source" in page.words
    assert sorted(set(pictures.asked)) == sorted(pictures.asked)


def test_text_of_strangers_is_escaped(evaluation: Evaluation, pictures: Photographs, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\x1b[2J"
    evaluation.names[:] = [f"{evil}{place}" for place in range(5)]
    evaluation.sentences.append(evil)
    evaluation.data = f"/sets/{evil.replace('/', '')}"
    evaluation.subjects[2].about = {evil: evil}
    evaluation.subjects[2].name = evil
    page = page_of(evaluation, pictures, tmp_path)
    assert "\x1b" not in page.words
    assert r"<script>alert(1)</script>\x1b[2J" in page.words


def test_page_of_one_model_compares_nothing(evaluation: Evaluation, pictures: Photographs, tmp_path: Path) -> None:
    alone = evaluation.model_copy(update={"subjects": evaluation.subjects[:1], "comparisons": [], "sentences": []})
    words = page_of(alone, pictures, tmp_path).words
    assert "Bold is" not in words
    assert "Comparisons" not in words
    assert "Between floor" not in words


def test_page_of_unpaired_data_shows_no_truth(tmp_path: Path) -> None:
    pictures = Photographs(blobs(3, 16), paired=False)
    evaluation = evaluation_of(pictures, ["a", "b", "c"])
    for subject in evaluation.subjects:
        subject.items = {}
        subject.figures = {"kid-lite0": subject.figures["kid-lite0"]}
    evaluation.measured = evaluation.measured[2:]
    evaluation.comparisons = evaluation.comparisons[2:]
    page = page_of(evaluation, pictures, tmp_path)
    assert [alt for alt in page.alts if alt.startswith(("truth", "difference"))] == []
    assert "Best, median" not in page.words
    assert sum(alt.startswith("noise of") for alt in page.alts) == 3
    grid = images.read(write_grid(evaluation, pictures, tmp_path)).pixels
    assert grid.shape[1] == 3 * (192 + 4)  # source and two models


def test_figure_that_is_not_a_number_is_a_dash(evaluation: Evaluation, pictures: Photographs, tmp_path: Path) -> None:
    figures = evaluation.subjects[0].figures
    figures["l1"] = figures["l1"].model_copy(update={"value": math.nan, "low": math.nan, "high": math.nan})
    del figures["psnr"]
    evaluation.comparisons[0] = evaluation.comparisons[0].model_copy(
        update={"difference": math.nan, "low": math.nan, "high": math.nan}
    )
    words = page_of(evaluation, pictures, tmp_path).words
    assert "fog – – 96.2 ± 4.1" in words
    assert "nan" not in words


def test_figures_of_regions_stand_apart(evaluation: Evaluation, pictures: Photographs, tmp_path: Path) -> None:
    names = ("l1[mask=0]", "l1[mask=1]")
    evaluation.measured += [metric(name) for name in names]
    for subject in evaluation.models:
        subject.figures |= dict.fromkeys(names, subject.figures["l1"])
    words = page_of(evaluation, pictures, tmp_path).words
    assert "2 figures of regions" in words
    assert all(words.count(name) >= 2 for name in names)


def test_scale_leaves_out_the_few_largest_and_what_is_no_number() -> None:
    values = np.linspace(0, 1, 1000, dtype=np.float32).reshape(20, 50)
    values[0, 0] = np.nan
    scale = scale_of([values])
    assert scale.top == pytest.approx(0.995, abs=0.001)
    drawn = scale.draw(values)
    assert drawn[0, 0].tolist() == drawn[0, 1].tolist() == scale.legend(1, 9)[0, 0].tolist()
    assert drawn[-1, -1].tolist() == scale.legend(1, 9)[0, -1].tolist()
    assert Scale(0.0).draw(np.zeros((2, 2), np.float32)).max() < 8


def test_grid_has_a_row_an_item_and_differences_with_a_legend(
    evaluation: Evaluation, pictures: Photographs, tmp_path: Path
) -> None:
    grid = images.read(write_grid(evaluation, pictures, tmp_path, count=2)).pixels
    height, width, _ = grid.shape
    cell = 192 + 4
    assert width == (1 + len(MODELS) + 1 + len(MODELS)) * cell
    assert 2 * cell < height < 2 * cell + 100
    assert [place for name, place, _ in pictures.asked if name == "fog"] == [0, 4]
    top = next(y for y in range(height) if (grid[y : y + 150, 2 + 3 * cell] != 255).any(axis=1).all())
    truth = grid[top : top + 192, 2 + 3 * cell : 2 + 3 * cell + 192]
    assert (truth[4::8, 4::8] == pictures.truth(0)).all()
    assert (grid[-12, -cell * 2 :] != 255).any()
