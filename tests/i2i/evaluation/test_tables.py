import csv
import math
from pathlib import Path

import pytest
from evaluations import metric, of_set

from i2i.evaluation.heads import heads_of
from i2i.evaluation.results import Comparison, Evaluation, Figure, Subject
from i2i.evaluation.tables import escaped, latex_of, write_tables


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def row_of(evaluation: Evaluation, subject: str) -> list[str]:
    line = next(line for line in latex_of(evaluation).splitlines() if line.strip().startswith(f"{subject} &"))
    return [cell.strip() for cell in line.removesuffix(r"\\").split("&")]


def test_every_figure_is_a_row_with_all_its_digits(evaluation: Evaluation, tmp_path: Path) -> None:
    write_tables(evaluation, tmp_path)
    rows = {(row["subject"], row["figure"]): row for row in read(tmp_path / "figures.csv")}
    assert rows.keys() == {(s.name, figure) for s in evaluation.subjects for figure in s.figures}
    for subject in evaluation.subjects:
        for name, figure in subject.figures.items():
            row = rows[subject.name, name]
            assert [float(row[end]) for end in ("value", "low", "high")] == [figure.value, figure.low, figure.high]
            assert (row["spread"], int(row["count"])) == (figure.spread, figure.count)
            assert (row["kind"], row["rank"]) == (
                ("model", str(subject.rank[name])) if subject.is_model else ("reference", "")
            )


def test_every_item_is_a_row_with_a_cell_for_each_subject_and_figure(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.subjects[0].items["l1"][1:3] = [None, math.nan]
    write_tables(evaluation, tmp_path)
    rows = read(tmp_path / "items.csv")
    assert [row["name"] for row in rows] == evaluation.names
    assert rows[1]["fog: l1"] == rows[2]["fog: l1"] == ""
    for subject in evaluation.subjects[1:]:
        for figure, values in subject.items.items():
            assert [float(row[f"{subject.name}: {figure}"]) for row in rows] == values


def test_names_survive_the_csv(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.names[0], evaluation.subjects[0].name = 'a, "b"\nc', "x,\ny"
    write_tables(evaluation, tmp_path)
    assert read(tmp_path / "items.csv")[0]["name"] == 'a, "b"\nc'
    assert read(tmp_path / "figures.csv")[0]["subject"] == "x,\ny"


def test_best_model_is_bold_and_what_cannot_be_told_from_it_underlined(evaluation: Evaluation) -> None:
    fog, noise = row_of(evaluation, "fog"), row_of(evaluation, "noise")
    assert [cell.startswith(r"$\mathbf{") for cell in fog[1:]] == [True, True, False]
    assert [cell.startswith(r"$\mathbf{") for cell in noise[1:]] == [False, False, True]
    assert [cell.startswith(r"$\underline{") for cell in noise[1:]] == [False, True, False]
    assert row_of(evaluation, "real, blurred (sigma 1)")[3] == r"$17.1 \pm 1.6$"
    assert row_of(evaluation, "real")[1:3] == ["--", "--"]
    table = latex_of(evaluation)
    assert r"& l1 $\downarrow$ & psnr $\uparrow$ & kid-lite0 $\downarrow$ \\" in table
    assert table.count(r"\midrule") == 2


def test_numbers_have_as_many_digits_as_their_intervals_are_worth(evaluation: Evaluation) -> None:
    def written(*figures: Figure) -> list[str]:
        subjects = [
            Subject(name=str(place), is_model=True, about={}, figures={"x": figure}, items={})
            for place, figure in enumerate(figures)
        ]
        head = heads_of(evaluation.model_copy(update={"measured": [metric("x")], "subjects": subjects}))[0]
        return [f"{head.number(figure.value)} {head.half(figure)}".strip() for figure in figures]

    assert written(of_set(0.17123, 0.0034, 9), of_set(0.2, 0.05, 9)) == ["0.171 0.003", "0.200 0.050"]
    assert written(of_set(41.34, 2.4, 9), of_set(-0.02, 7, 9)) == ["41 2", "0 7"]
    assert written(of_set(312.0, 0.004, 9)) == ["312.0 0.0"]
    assert written(of_set(0.00021234, 0.00001, 9)) == ["0.00021 0.00001"]
    alone = Figure(value=12.345, low=12.345, high=12.345, spread="none", count=1)
    assert written(alone) == ["12.3"]
    assert written(Figure(value=math.nan, low=math.nan, high=math.nan, spread="none", count=0)) == ["–"]
    assert written(Figure(value=0, low=0, high=0, spread="bootstrap", count=2)) == ["0.00 0.00"]


def test_interval_with_unlike_ends_is_written_with_both(evaluation: Evaluation) -> None:
    lopsided = Figure(value=0.5, low=0.49, high=0.56, spread="bootstrap", count=5)
    evaluation.subjects[1].figures["l1"] = lopsided
    assert row_of(evaluation, "noise")[1] == "$0.50_{-0.01}^{+0.06}$"


def test_latex_of_one_model_marks_no_best(evaluation: Evaluation) -> None:
    alone = evaluation.model_copy(update={"subjects": evaluation.subjects[:1], "comparisons": []})
    table = latex_of(alone)
    assert "mathbf" not in table
    assert "Bold" not in table
    assert table.count(r"\midrule") == 1


def test_model_far_from_the_best_is_not_underlined(evaluation: Evaluation) -> None:
    evaluation.comparisons = [
        Comparison(figure="psnr", first="noise", second="fog", difference=-3, low=-4, high=-2, p=0.01)
    ]
    assert "underline" not in latex_of(evaluation)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a_b & 50 % of $x", r"a\_b \& 50 \% of \$x"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("~^#<>|", r"\textasciitilde{}\textasciicircum{}\#\textless{}\textgreater{}\textbar{}"),
        ("naïve", "naïve"),
        ("画σ\x1b", "U+753BU+03C3U+001B"),
        ("Đ", "U+0110"),
        ("a\nb--c", "a b-{}-c"),
    ],
)
def test_text_is_printed_as_it_is(text: str, printed: str) -> None:
    assert escaped(text) == printed
