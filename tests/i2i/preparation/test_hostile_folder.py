"""A folder of everything that hurts: no crash, nothing lost, a reason for each refusal, and not much memory."""

import sys

import hostile_folder
import pytest
from hostile_folder import Trial, tried

from i2i.plugins import Plugins

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="file names that are not UTF-8, memory from /proc")


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    installed = Plugins()
    installed.register(hostile_folder.Plugin(), "hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("i2i.plugins.installed", lambda group: installed)
        return tried(tmp_path_factory.mktemp("hostile"), mutants=150)


def test_every_file_meets_its_fate_and_is_accounted_for_once(trial: Trial) -> None:
    assert len(trial.fates) >= 150 + 112
    assert trial.wrong == []


def test_damage_leaves_some_pictures_usable_and_others_not(trial: Trial) -> None:
    mutants = [row.status for row in trial.report.rows if row.name.startswith("mutants/")]
    assert min(mutants.count("made"), mutants.count("rejected")) > 15


def test_worker_needs_little_memory_for_all_of_it(trial: Trial) -> None:
    assert trial.memory < 600e6


def test_no_two_outputs_have_one_name_on_any_system(trial: Trial) -> None:
    files = [(row.split, output.file.casefold()) for row in trial.report.rows for output in row.outputs]
    assert len(set(files)) == len(files) == 2 * trial.report.made


def test_copies_of_one_photograph_are_in_one_split(trial: Trial) -> None:
    copies = [row.split for row in trial.report.rows if row.name.startswith(("names/", "twins/"))]
    assert len(copies) > 10
    assert len(set(copies)) == 1


def test_report_is_printable_and_says_nothing_of_this_machine(trial: Trial) -> None:
    text = (trial.out / "report.jsonl").read_text()
    assert text.replace("\n", "").isprintable()
    assert str(trial.out.parent) not in text


def test_dataset_inside_its_source_is_not_read_again(trial: Trial) -> None:
    assert trial.again.rows == trial.report.rows
    assert trial.again.resumed == len(trial.report.rows) - sum(trial.report.skipped.values())
