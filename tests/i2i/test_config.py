from pathlib import Path
from typing import Any

import pytest

from i2i.config import RunConfig, merge, read_file, resolve
from i2i.errors import MissingInputError, UnknownNameError, UsageError
from i2i.said import parse_assignments, parse_choices
from i2i.sections.validation import Validation

BASE: dict[str, Any] = {"recipe": {"name": "pix2pix"}, "data": {"path": "somewhere"}}


def test_defaults_are_those_of_the_paper() -> None:
    config = resolve([BASE])
    assert (config.optimizer.name, config.optimizer.lr, config.optimizer.options["betas"]) == (
        "adam",
        2e-4,
        [0.5, 0.999],
    )
    assert (config.data.crop, config.data.resize, config.data.mirror) == (256, "auto", True)
    assert (config.training.batch_size, config.schedule.name) == (1, "constant")
    assert config.inference.mode == "paper"
    assert {place: c.name for place, _, c in config.selection.components()} == {
        "generator": "unet",
        "discriminator": "patchgan",
        "gan_loss": "non-saturating",
        "pixel_loss.l1": "l1",
    }


def test_crop_and_resize_are_one_number_or_height_and_width() -> None:
    assert resolve([BASE]).data.size == (256, 256)
    data = resolve([BASE, parse_assignments(["data.crop=[256,128]", "data.resize=[300,150]"])]).data
    assert (data.size, data.resized) == ((256, 128), (300, 150))
    for resize, complaint in ((300, "say two numbers, or auto"), ([300, 100], r"\(\[300,100\]\) is smaller than crop")):
        with pytest.raises(UsageError, match=complaint):
            resolve([BASE, {"data": {"crop": [256, 128], "resize": resize}}])


def test_metrics_are_kept_in_their_shortest_form() -> None:
    said = parse_assignments(["validation.metrics=[l1, {name: psnr}, {name: perhaps, judge: judges/camvid}]"])
    kept = Validation.read(said["validation"], "validation").model_dump(mode="json")["metrics"]
    assert kept == ["l1", "psnr", {"name": "perhaps", "judge": "judges/camvid"}]
    assert resolve([BASE]).to_dict()["validation"]["metrics"] == "auto"


def test_later_layers_overrule_earlier_ones() -> None:
    file = {"generator": {"depth": 7}, "optimizer": {"lr": 1.0}}
    config = resolve([BASE, file, parse_assignments(["generator.depth=6", "optimizer.betas=[0.9, 0.99]"])])
    assert config.selection.network("generator").options["depth"] == 6
    assert (config.optimizer.lr, config.optimizer.options["betas"]) == (1.0, [0.9, 0.99])


def test_epochs_said_later_replace_steps() -> None:
    steps, epochs = {"training": {"steps": 5}}, {"training": {"epochs": 1}}
    assert resolve([BASE, steps, epochs]).training.steps is None
    assert resolve([BASE, epochs, steps]).training.steps == 5


def test_another_component_drops_the_options_of_the_one_before() -> None:
    before = {"gan_loss": {"name": "non-saturating", "smooth": 1}}
    assert merge([before, parse_choices(["gan_loss=least-squares"])]) == {"gan_loss": [{"name": "least-squares"}]}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["--use", "pixel_loss=l2"], {"l2": 100}),
        (["--use", "pixel_loss=l1+l2"], {"l1": 100, "l2": 100}),
        (["--use", "pixel_loss=2*l1+0.5*l2"], {"l1": 2, "l2": 0.5}),
        (["--use", "pixel_loss=none"], {}),
        (["--set", "pixel_loss.weight=7"], {"l1": 7}),
        (["--use", "pixel_loss=l1+l2", "--set", "pixel_loss.l2.weight=7"], {"l1": 100, "l2": 7}),
        (["--set", "pixel_loss.l1.weight=7"], {"l1": 7}),
    ],
)
def test_losses_are_listed_and_weighted_on_the_command_line(said: list[str], expected: dict[str, float]) -> None:
    flags = list(zip(said[::2], said[1::2], strict=True))
    uses, sets = ([value for flag, value in flags if flag == wanted] for wanted in ("--use", "--set"))
    config = resolve([BASE, parse_choices(uses), parse_assignments(sets)])
    assert {term["name"]: term["weight"] for term in config.to_dict()["pixel_loss"]} == expected


def test_parts_that_were_set_and_are_not_used_are_known() -> None:
    said = {"recipe": {"gan_weight": 0}, "discriminator": {"layers": 2}}
    assert resolve([BASE, said]).idle_parts() == ["discriminator"]
    assert resolve([BASE, {"recipe": {"gan_weight": 0}}]).idle_parts() == []


@pytest.mark.parametrize("choice", ["pixel_loss", "=l1", "pixel_loss=", "pixel_loss=l1+", "pixel_loss=a*l1", "p=2*"])
def test_malformed_choices_are_refused(choice: str) -> None:
    with pytest.raises(UsageError, match="is not PART=COMPONENT"):
        parse_choices([choice])


def updating(*layers: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Optimizer and options of generator and discriminator."""
    optimizer = resolve([BASE, *({"optimizer": layer} for layer in layers)]).optimizer
    first, second = (optimizer.of(network) for network in ("generator", "discriminator"))
    return {"name": first.optimizer, **first.options}, {"name": second.optimizer, **second.options}


ADAM = {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999], "eps": 1e-8, "weight_decay": 0.0}
PLAIN = {**ADAM, "betas": [0.9, 0.999]}
SGD = {"name": "sgd", "lr": 1e-3, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("layers", "generator", "discriminator"),
    [
        ([], ADAM, ADAM),
        ([{"discriminator": {"lr": "4e-4"}}], ADAM, {**ADAM, "lr": 4e-4}),
        ([{"discriminator": {"lr": 4e-4}}, {"lr": 1e-4}], {**ADAM, "lr": 1e-4}, {**ADAM, "lr": 4e-4}),
        ([{"discriminator": {"lr": 4e-4}}, {"discriminator": {"eps": 1}}], ADAM, {**ADAM, "lr": 4e-4, "eps": 1}),
        ([{"name": "sgd"}], SGD, SGD),
        ([{"name": "adam", "lr": 1}], {**ADAM, "lr": 1}, {**ADAM, "lr": 1}),
        ([{"lr": 1, "discriminator": {"lr": 2}}, {"name": "sgd", "momentum": 0.9}], *[{**SGD, "momentum": 0.9}] * 2),
        ([{"lr": 1}, {"name": "sgd", "discriminator": {"lr": 2}}], SGD, {**SGD, "lr": 2}),
        ([{"lr": 1, "discriminator": {"name": "sgd"}}], {**ADAM, "lr": 1}, SGD),
        ([{"discriminator": {"name": "sgd", "lr": 2}}, {"name": "sgd", "lr": 1}], {**SGD, "lr": 1}, {**SGD, "lr": 2}),
        ([{"discriminator": {"name": "sgd", "lr": 2}}, {"discriminator": {"name": "adam"}}], ADAM, ADAM),
        ([{"name": "sgd", "lr": 1}, {"discriminator": {"name": "adam"}}], {**SGD, "lr": 1}, PLAIN),
    ],
)
def test_options_hold_for_every_network_that_has_the_optimizer_and_says_nothing_else(
    layers: list[dict[str, Any]], generator: dict[str, Any], discriminator: dict[str, Any]
) -> None:
    assert updating(*layers) == (generator, discriminator)


def test_common_options_that_change_later_reach_networks_that_follow_them() -> None:
    config = resolve([BASE, {"optimizer": {"discriminator": {"eps": 1e-3}, "generator": {"lr": 1e-3}}}])
    optimizer = config.change(optimizer={"lr": 1e-5}).optimizer
    assert (optimizer.of("discriminator").lr, optimizer.of("discriminator").options["eps"]) == (1e-5, 1e-3)
    assert optimizer.of("generator").lr == 1e-3


def test_a_network_stays_frozen_whatever_optimizer_is_named() -> None:
    config = resolve([BASE, {"optimizer": {"discriminator": {"frozen": True}}}, {"optimizer": {"name": "sgd"}}])
    assert config.optimizer.of("discriminator").frozen
    assert not config.optimizer.of("generator").frozen


def test_assignments_go_into_sections_of_sections() -> None:
    said = ["optimizer.discriminator.lr=4e-4", "optimizer.lr=1e-4", "optimizer.discriminator.frozen=true"]
    assert updating(parse_assignments(said[:2])["optimizer"]) == ({**ADAM, "lr": 1e-4}, {**ADAM, "lr": 4e-4})
    assert parse_assignments(said)["optimizer"]["discriminator"]["frozen"] is True
    assert parse_assignments(["a.b=1", "a.b.c=2"]) == {"a": {"b": {"c": 2}}}


def test_what_is_said_of_a_network_that_the_options_do_not_need_is_checked_and_left_out() -> None:
    config = resolve([BASE, {"recipe": {"gan_weight": 0}, "optimizer": {"discriminator": {"lr": 1}}}])
    assert config.optimizer.networks == {}
    with pytest.raises(UsageError, match="no option 'rate'"):
        resolve([BASE, {"recipe": {"gan_weight": 0}, "optimizer": {"discriminator": {"rate": 1}}}])


def test_a_weight_of_zero_needs_no_part() -> None:
    config = resolve([BASE, {"recipe": {"gan_weight": 0}}])
    assert set(config.selection.parts) == {"generator", "pixel_loss", "penalties"}


def test_saved_configuration_resolves_to_itself(tmp_path: Path) -> None:
    optimizer = {"name": "adamw", "discriminator": {"name": "sgd", "momentum": 0.5}, "generator": {"eps": 1}}
    layer = {"generator": {"depth": 5}, "schedule": {"name": "linear"}, "pixel_loss": {"weight": 3}}
    config = resolve([BASE, layer | {"optimizer": optimizer}])
    file = tmp_path / "config.yaml"
    file.write_text(config.to_yaml())
    again: RunConfig = resolve([read_file(file)])
    assert again == config
    assert again.to_yaml() == config.to_yaml()


@pytest.mark.parametrize(
    ("layer", "complaint"),
    [
        ({"generater": {}}, "No section 'generater'. Did you mean 'generator'"),
        ({"generator": {"depht": 3}}, "generator 'unet': no option 'depht'. Did you mean 'depth'"),
        ({"generator": {"depth": 0}}, "generator 'unet': option 'depth'.*greater than or equal to 1.*got 0"),
        ({"optimizer": {"lr": "fast"}}, "optimizer 'adam': option 'lr'"),
        ({"training": {"seed": -1}}, "training: option 'seed'"),
        ({1: {}}, "1 is not the name of a section"),
        ({"generator": {1: 2}}, "generator: 1 is not the name of an option"),
        ({"generator": {"name": None}}, "generator.name is None"),
        ({"optimizer": {"betas": [1.5, 2]}}, r"optimizer 'adam': option 'betas\.0'"),
        (
            {"optimizer": {"beta": 1}},
            "no option 'beta'. Did you mean 'betas'.*Options: lr, betas, eps",
        ),
        ({"optimizer": {"discriminator": 1e-4}}, "optimizer 'adam': no option 'discriminator'"),
        ({"optimizer": {"discriminator": {"lr": -1}}}, "optimizer.discriminator 'adam': option 'lr'.*greater than 0"),
        (
            {"optimizer": {"discriminator": {"name": "sgd", "betas": [0, 0]}}},
            "optimizer.discriminator 'sgd': no option 'betas'.*Options: lr, momentum, nesterov, weight_decay",
        ),
        ({"optimizer": {"discriminator": {"frozen": 1}}}, "optimizer.discriminator.frozen is 1. It is true or false"),
        ({"optimizer": {"discriminator": {"name": []}}}, "its name is no text"),
        ({"optimizer": {"lr": float("inf")}}, "optimizer 'adam': option 'lr'"),
        ({"data": {"resize": 10}}, "resize .10. is smaller than crop .256."),
        ({"recipe": {"gan_weight": 0}, "discriminator": {"nonsense": 1}}, "no option 'nonsense'"),
        ({"training": 3}, "'training' is 3. It is a section"),
        ({"validation": {"metrics": ["l1", {"name": "l1"}]}}, "validation: option 'metrics'.*'l1' is named twice"),
        ({"validation": {"metrics": [{"depth": 3}]}}, "validation: option 'metrics'.*{'depth': 3} names none"),
        ({"validation": {"metrics": [3]}}, "validation: option 'metrics'.*3 names none"),
        ({"validation": {"metrics": "l1"}}, r"validation: option 'metrics'.*a list or 'auto'.*Did you mean \[l1\]"),
        ({"validation": {"metrics": [{"name": "psnr", "depth": 3}]}}, "metric 'psnr': no option 'depth'"),
        ({"validation": {"images": 0}}, "validation: option 'images'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(layer: dict[Any, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as refusal:
        resolve([BASE, layer])
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "layer",
    [
        {"generator": {"name": "unett"}},
        {"validation": {"metrics": ["l1", "psnrr"]}},
        {"validation": {"select": "psnrr"}},
        {"optimizer": {"name": "adamm"}},
        {"optimizer": {"generator": {"name": "adamm"}}},
    ],
)
def test_unknown_components_are_named_with_the_nearest(layer: dict[str, Any]) -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean '(unet|psnr|adamw?)'"):
        resolve([BASE, layer])


@pytest.mark.parametrize("text", ["depth=3", "generator.depth", "a.b.c.d=1", "a..c=1", ".depth=3", "=3"])
def test_malformed_assignments_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"SECTION\.OPTION=VALUE"):
        parse_assignments([text])


def test_recipe_and_data_must_be_said() -> None:
    with pytest.raises(UsageError, match="--plugin"):
        resolve([{"data": {"path": "x"}}])
    with pytest.raises(UsageError, match="--data"):
        resolve([{"recipe": {"name": "pix2pix"}}])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"nothing\.yaml"):
        read_file(tmp_path / "nothing.yaml")
