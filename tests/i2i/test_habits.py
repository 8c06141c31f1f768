"""Words of other tools are answered with ours, and what is answered exists."""

import re
from collections.abc import Callable

import pytest
import typer

from i2i.cli import habits
from i2i.cli.app import build_app
from i2i.config import ENGINE
from i2i.errors import UsageError

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (["predict", "run", "photo.png"], "i2i translate MODEL IMAGES --out DIR"),
        (["test", "--name", "x"], "i2i translate MODEL IMAGES --out DIR"),
        (["train", "--dataroot", "./facades"], "--data ./facades."),
        (["train", "--dataroot"], "--data FOLDER."),
        (["train", "--data", "d", "--direction", "BtoA"], "--set dataset.direction=BtoA"),
        (["train", "--netG=unet_256"], "--use generator=NAME"),
        (["train", "--gpu_ids", "0"], "--device cuda:0"),
        (["train", "--gpu_ids", "1"], "--device cuda:1"),
        (["train", "--gpu_ids", "-1"], "--device cuda:0, or --device cpu"),
        (["train", "--name", "facades"], "--out facades"),
        (["train", "--lr", "0.1"], "--set optimizer.lr=0.1."),
        (["train", "--lr=1e-4", "--name", "x"], "--set optimizer.lr=1e-4."),
        (["train", "--lr", "fast"], "--set optimizer.lr=0.0002."),
        (["train", "--direction", "\x1b[2JAtoB"], r"dataset.direction='\x1b[2JAtoB'."),
        (["translate", "--dataroot", "my photos"], "i2i translate MODEL 'my photos' --out DIR"),
        (["train", "--plugin", "pix2pix", "--set", "lr=1e-4"], "Did you mean --set optimizer.lr=1e-4?"),
        (
            ["train", "--plugin", "pix2pix", "--data", "d", "--out", "o", "--use", "pixel_loss=least-squares"],
            "does not serve as Loss. Such do: charbonnier, ",
        ),
    ],
)
def test_habits_of_other_tools_get_the_nearest_thing_in_one_line(
    run_cli: Cli, arguments: list[str], answer: str
) -> None:
    code, _, err = run_cli(*arguments)
    assert code == 2
    assert answer in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_what_stands_after_two_dashes_is_no_option() -> None:
    assert habits.answer_option("train", ["--", "--dataroot"], ()) == ""


def test_commands_that_are_typed_alone_say_what_they_need(run_cli: Cli) -> None:
    group = typer.main.get_command(build_app())
    for command in sorted(set(group.commands) - {"demo"}):  # type: ignore[attr-defined]
        code, out, err = run_cli(command)
        assert code == 2, command
        assert "Usage: " in out + err or err.startswith("Error: "), command


def test_a_command_that_needs_nothing_runs_alone(run_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> None:
        raise UsageError("It runs.")

    monkeypatch.setattr("i2i_demo.pipeline.run", run)
    assert run_cli("demo") == (2, "", "Error: It runs.\n")


def options_of(command: str) -> set[str]:
    group = typer.main.get_command(build_app())
    return {option for parameter in group.commands[command].params for option in parameter.opts}  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", sorted(habits.OPTIONS))
def test_every_option_that_is_answered_exists_and_no_habit_hides_one_of_ours(command: str) -> None:
    known = options_of(command)
    assert not known & set(habits.OPTIONS[command])
    answered = {option for answer in habits.OPTIONS[command].values() for option in re.findall(r"--[a-z-]+", answer)}
    assert answered <= known


def test_every_setting_of_the_engine_that_is_answered_exists() -> None:
    said = re.findall(r"--set (\w+)\.(\w+)", " ".join(habits.TRAIN.values()))
    engine = [(section, option) for section, option in said if section in ENGINE]
    assert len(engine) > 4
    assert all(option in ENGINE[section].known() for section, option in engine)


def test_every_command_that_is_answered_exists() -> None:
    group = typer.main.get_command(build_app())
    said = {word for answer in habits.COMMANDS.values() for word in re.findall(r"`i2i (\w+)", answer)}
    assert said <= set(group.commands)  # type: ignore[attr-defined]
    assert not set(habits.COMMANDS) & set(group.commands)  # type: ignore[attr-defined]
