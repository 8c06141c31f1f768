"""``i2i study``: what is printed, and the exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from small_studies import result, save

from i2i_study.key import Key, read_key

RunCli = Callable[..., tuple[int, str, str]]
SHORT = ("--practice", 2, "--trials", 4, "--attention", 2, "--raters", 2)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")


def test_a_study_is_made_and_scored_by_two_commands(run_cli: RunCli, folders: dict[str, Path]) -> None:
    code, out, err = run_cli("study", "make", "--real", "real", "--fake", "one", "--fake", "two", *SHORT)
    assert (code, err) == (0, "")
    key = read_key(Path("study"))
    assert out == (
        f"Study {key.study}: one, two, against 6 real images.\n"
        "4 sessions of 8 trials, each of one model.\n"
        "For the raters: study/page. For you alone: study/key.json.\n"
    )
    files = [save(Path("results"), f"{n}", result(key, n, fooled=n, asleep=n // 4)) for n in (1, 2, 3, 4)]
    code, out, err = run_cli("study", "score", *files)
    assert code == 0
    assert err == "Rater 0000000000000004 is left out: 1 of 2 attention trials wrong ('results/4.json').\n"
    assert f"Study {key.study}: fakes taken for real" in out
    assert "50.0 ±" in out
    assert "two has one rater: its interval says nothing about other people." in out
    assert "Which of them fools more cannot be told." in out


def test_json_is_all_that_is_printed(run_cli: RunCli, study: tuple[Path, Key]) -> None:
    save(Path("results"), "1", result(study[1], 1, fooled=1))
    save(Path("results"), "2", "no result")
    code, out, err = run_cli("study", "score", "results", "--json")
    assert code == 0
    said = json.loads(out)
    assert said["models"][0]["fooled"]["percent"] == 25
    assert said["left_out"][0].startswith("'results/2.json' is left out: it is damaged")
    assert err.count("\n") == 1


def test_a_difference_that_holds_in_all_resamples_is_not_put_in_doubt(run_cli: RunCli, study: tuple[Path, Key]) -> None:
    for session in (1, 2, 3, 4):
        save(Path("results"), f"{session}", result(study[1], session, fooled=0 if session % 2 else 4))
    _, out, _ = run_cli("study", "score", "results")
    assert "one fools 100.0 points less than two (-100.0 to -100.0).\n" in out


def test_nothing_that_counts_is_exit_code_65(run_cli: RunCli, study: tuple[Path, Key]) -> None:
    save(Path("results"), "1", "{}")
    code, out, err = run_cli("study", "score", "results")
    assert (code, out) == (65, "")
    assert err.splitlines()[1].startswith("Error: No result counts.")


def test_an_address_that_is_no_url_is_refused(run_cli: RunCli, folders: dict[str, Path]) -> None:
    code, _, err = run_cli("study", "make", "--real", "real", "--fake", "one", *SHORT, "--post", "javascript:alert(1)")
    assert code != 0
    assert "is not http or https" in err
    assert not Path("study").exists()
