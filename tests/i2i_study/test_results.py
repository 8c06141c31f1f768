"""Results are files of strangers: what they say is checked, and the score is that of an independent count."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import result, save

from i2i.errors import DataError, MissingInputError
from i2i_study.key import Key, read_key
from i2i_study.results import MAX_BYTES, collect
from i2i_study.scoring import resample, score_results

Study = tuple[Path, Key]


def left_out(folder: Path, key: Key, content: Any) -> str:
    """Why the only result is left out."""
    collected = collect([save(folder, "result", content)], key)
    assert collected.raters == []
    (line,) = collected.left_out
    assert "\n" not in line
    return line


def test_the_share_that_fooled_is_counted_for_each_model_over_the_trials_to_score(study: Study, tmp_path: Path) -> None:
    _, key = study
    fooled = {1: 1, 2: 4, 3: 2, 4: 3}  # of four trials; sessions 1 and 3 are of the first model
    for session, count in fooled.items():
        save(tmp_path / "results", f"{session}", result(key, session, fooled=count))
    score = score_results(collect([tmp_path / "results"], key), key)
    assert {row.model: row.fooled.percent for row in score.models} == {"one": 37.5, "two": 87.5}
    assert [(row.raters, row.trials) for row in score.models] == [(2, 8), (2, 8)]
    assert [row.fooled for row in score.raters] == [25, 100, 50, 75]
    assert score.differences[0].difference.percent == -50
    assert score.left_out == []


def test_resamples_are_those_of_raters_and_then_of_their_trials() -> None:
    rng = np.random.default_rng(0)
    fooled = rng.random((7, 12)) < rng.random((7, 1))

    def once() -> float:
        who = rng.integers(7, size=7)
        which = rng.integers(12, size=(7, 12))
        return float(
            np.mean([[fooled[rater, trial] for trial in trials] for rater, trials in zip(who, which, strict=True)])
        )

    by_hand = [once() for _ in range(4000)]
    ours = resample(fooled, np.random.default_rng(1), 4000)
    assert ours.mean() == pytest.approx(fooled.mean(), abs=0.01)
    assert ours.std() == pytest.approx(np.std(by_hand), rel=0.06)
    assert np.percentile(ours, [2.5, 97.5]) == pytest.approx(np.percentile(by_hand, [2.5, 97.5]), abs=0.02)


def test_raters_who_are_never_or_always_fooled_leave_nothing_to_resample(study: Study, tmp_path: Path) -> None:
    _, key = study
    files = [save(tmp_path / "results", f"{session}", result(key, session)) for session in (1, 3)]
    (row,) = score_results(collect(files, key), key).models
    assert (row.fooled.percent, row.fooled.low, row.fooled.high, row.fooled.deviation) == (0, 0, 0, 0)


def test_raters_who_fail_the_attention_trials_are_named_and_left_out(study: Study, tmp_path: Path) -> None:
    _, key = study
    file = save(tmp_path, "result", result(key, 1, asleep=1, rater=0xABC))
    collected = collect([file], key)
    assert collected.raters == []
    assert collected.left_out == [f"Rater 0000000000000abc is left out: 1 of 2 attention trials wrong ({str(file)!r})."]
    assert len(collect([file], key, allow_wrong=1).raters) == 1


def test_a_rater_counts_once(study: Study, tmp_path: Path) -> None:
    _, key = study
    first = save(tmp_path, "first", result(key, 1))
    copy = save(tmp_path, "copy", result(key, 1))
    other = save(tmp_path, "other", result(key, 3, rater=1))
    collected = collect([first, copy, other], key)
    assert len(collected.raters) == 1
    assert collected.left_out == [
        f"{str(copy)!r} is left out: the same answers are in {str(first)!r}. A rater counts once.",
        f"{str(other)!r} is left out: other answers of the same rater are in {str(first)!r}. A rater counts once.",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"study": "0123456789ab"}, "it belongs to study 0123456789ab, and this one is"),
        ({"session": 5}, "it has session 5, and the study has 4."),
        ({"answers": []}, "it has 0 answers to 8 trials."),
        ({"rater": "\x1b[2J"}, "it is no result of a study (rater: string should match pattern"),
        ({"rater": 7}, "it is no result of a study (rater: input should be a valid string)."),
        ({"session": True}, "it is no result of a study (session: "),
        ({"i2i_study": 2}, "it is no result of a study (i2i_study: input should be 1)."),
        ({"\x1b[2Jmore": 1}, "extra inputs are not permitted"),
    ],
)
def test_a_result_that_does_not_fit_is_left_out_in_one_line(
    study: Study, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    assert said in left_out(tmp_path, study[1], result(study[1], 1) | changes)


@pytest.mark.parametrize(
    "answer",
    [
        {"fake": 3, "seconds": 1, "shown": [1, 1]},
        {"fake": 1, "seconds": -1, "shown": [1, 1]},
        {"fake": 1, "seconds": float("nan"), "shown": [1, 1]},
        {"fake": 1, "seconds": float("inf"), "shown": [1, 1]},
        {"fake": 1, "seconds": 1, "shown": [1]},
        {"fake": 1, "seconds": 1},
        "1",
    ],
)
def test_an_answer_that_is_none_is_refused_where_it_stands(study: Study, tmp_path: Path, answer: Any) -> None:
    said = result(study[1], 1)
    said["answers"][5] = answer
    assert "it is no result of a study (answers.5" in left_out(tmp_path, study[1], said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is damaged (expecting value"),
        ('{"i2i_study": 1, "stu', "it is damaged (unterminated string"),
        ("[" * 100_000, "it is damaged (nested deeper than"),
        ('{"i2i_study": 1, "i2i_study": 1}', "it is damaged ('i2i_study' is given twice)"),
        ("[]", "it is no result of a study (all of it: "),
        ("9" * 5000, "it is damaged ("),
        (" " * (MAX_BYTES + 1), "it is larger than 1,000,000 bytes"),
    ],
)
def test_a_damaged_file_is_left_out_in_one_line(study: Study, tmp_path: Path, text: str, said: str) -> None:
    assert said in left_out(tmp_path, study[1], text)


def test_bytes_that_are_no_text_are_damage(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_bytes(b"\xff\xfe\x00")
    assert "it is damaged (" in collect([file], study[1]).left_out[0]


@pytest.mark.skipif(sys.platform == "win32", reason="names hold no control characters there")
def test_a_name_that_would_steer_the_terminal_is_spelt_out(study: Study, tmp_path: Path) -> None:
    line = collect([save(tmp_path, "\x1b[2J", "")], study[1]).left_out[0]
    assert line.isprintable()


def test_a_path_that_is_not_there_is_an_error(study: Study, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="Give results that raters sent"):
        collect([tmp_path / "none.json"], study[1])


def test_no_result_at_all_is_an_error(study: Study) -> None:
    with pytest.raises(DataError, match="No result counts"):
        score_results(collect([], study[1]), study[1])


def test_images_that_were_not_shown_for_a_second_are_counted(study: Study, tmp_path: Path) -> None:
    said = result(study[1], 1)
    said["answers"][0]["shown"], said["answers"][3]["shown"] = [0.85, 1.09], [1.0, 12.0]
    score = score_results(collect([save(tmp_path, "result", said)], study[1]), study[1])
    assert (score.images_shown, score.images_off) == (16, 2)


@pytest.mark.parametrize("text", ["", "{}", '{"i2i_study": 1}'])
def test_a_damaged_key_is_one_clear_line(study: Study, text: str) -> None:
    (study[0] / "key.json").write_text(text)
    with pytest.raises(DataError, match=r"key.json' is .* Take it from a backup\.$"):
        read_key(study[0])


def test_a_folder_without_a_key_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="Give --study the folder that `i2i study make` wrote"):
        read_key(tmp_path)


def test_json_of_the_score_can_be_read_back(study: Study, tmp_path: Path) -> None:
    score = score_results(collect([save(tmp_path, "result", result(study[1], 2))], study[1]), study[1])
    assert json.loads(score.model_dump_json())["models"][0]["model"] == "two"
