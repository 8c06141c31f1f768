"""What an evaluation found, on the terminal."""

import re
from io import StringIO

import pytest
from evaluations import Photographs, blobs, evaluation_of, metric
from rich.console import Console

from i2i.cli.evaluation import show
from i2i.evaluation.results import Evaluation


@pytest.fixture
def evaluation() -> Evaluation:
    """Five figures of two models and four references."""
    found = evaluation_of(Photographs(blobs(5, 24)), [str(place) for place in range(5)])
    for name, like in (("ssim", "psnr"), ("perceptual-lite0", "l1")):
        found.measured.append(metric(name))
        for subject in found.subjects:
            if like in subject.figures:
                subject.figures[name] = subject.figures["l1"]
                subject.rank |= {name: subject.rank[like]} if subject.is_model else {}
    return found


def said(evaluation: Evaluation, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width, highlight=False)
    show(evaluation, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


def tables(text: str) -> list[str]:
    """Return the lines of the tables."""
    return text.partition("* best")[0].splitlines()[1:]


def test_two_models_and_four_references_by_five_figures_fit_80_columns(evaluation: Evaluation) -> None:
    text = said(evaluation)
    assert max(map(len, tables(text))) <= 80
    assert text.count("noise ") == 2  # once in the table, once in the sentence
    assert re.search(r"noise +\.\d+ ±\.\d+ .* \*41\.3 ±2\.4", text)
    assert "perceptual-" in text
    assert "…" not in text


def test_what_is_too_wide_is_shown_in_several_tables(evaluation: Evaluation) -> None:
    lines = tables(said(evaluation, 50))
    assert max(map(len, lines)) <= 50
    assert sum(line.startswith("noise ") for line in lines) >= 2
    assert all(any(f"{name} ↓" in line for line in lines) for name in ("l1", "kid-lite0"))


def test_every_value_is_shown_whatever_the_width(evaluation: Evaluation) -> None:
    numbers = [set(re.findall(r"\d*\.\d+", "\n".join(tables(said(evaluation, width))))) for width in (40, 80, 200)]
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(numbers[0]) > 20


def test_words_and_cautions_follow(evaluation: Evaluation) -> None:
    text = said(evaluation)
    assert evaluation.sentences[0] in text
    assert "kid-lite0: Fewer than 50 images: the bias is large." in text
    assert "~ cannot be told apart from it" in text


def test_one_model_is_not_called_the_best(evaluation: Evaluation) -> None:
    text = said(evaluation.model_copy(update={"subjects": evaluation.subjects[:1], "comparisons": []}))
    assert "*" not in text


def test_names_neither_steer_the_terminal_nor_are_markup(evaluation: Evaluation) -> None:
    evaluation.subjects[0].name = "[red]a\x1b[2J"
    evaluation.sentences[0] = "[bold]\x07"
    text = said(evaluation, 200)
    assert r"[red]a\x1b[2J" in text
    assert r"[bold]\x07" in text
