"""Everything that is installed keeps its contract."""

from pathlib import Path
from typing import Any, Literal

import chains
import inception
import lite0
import pytest
import torch

from i2i import testing
from i2i.contracts import AdversarialLoss
from i2i.kinds import COMMANDS, COMPONENTS, KINDS, group_of
from i2i.plugins import catalogue, installed, kinds
from i2i.serving import serves

SMALL: dict[tuple[str, str], dict[str, Any]] = {
    ("generator", "unet"): {"depth": 3, "base_channels": 4},
    ("generator", "encoder-decoder"): {"depth": 3, "base_channels": 4},
    ("generator", "resnet"): {"blocks": 2, "base_channels": 4},
    ("generator", "global"): {"base_channels": 4, "downsamplings": 2, "blocks": 1},
    ("discriminator", "multi-scale"): {"base_channels": 4, "scales": 2, "layers": 2},
    ("generator", "lite0-pyramid"): {"channels": 4, "pretrained": False},  # its package may not be there
    ("generator", "nafnet"): {
        "base_channels": 4,
        "encoder_blocks": [1, 1],
        "middle_blocks": 1,
        "decoder_blocks": [1, 1],
    },
    ("discriminator", "patchgan"): {"base_channels": 8},
    ("recipe", "pix2pixhd"): {"stages": [0.5, 0.5]},  # both stages in the two steps of a check
    ("velocity", "unet"): {"base_channels": 4, "depth": 2, "blocks": 1},
    ("recipe", "bridge"): {"start": "noise"},  # source and target have different channels there
    ("recipe", "cyclegan"): {"identity_weight": 0},  # for the same reason
    ("metric", "ms-ssim"): {"scales": 3},  # images are 64x48
    ("preparer", "downscale"): {"size": 32},
    ("preparer", "edges"): {"size": 32, "border": 16},
    ("preparer", "resize"): {"size": 32},
}
"""Options of components whose defaults are slow to check, or none."""

OF: dict[str, Literal["classes", "output"]] = {"cross-entropy": "classes", "total-variation": "output"}
"""What losses look at that are not of two images."""

PARTS: dict[str, dict[str, dict[str, Any]]] = {
    "pix2pix": {"generator": SMALL["generator", "unet"], "discriminator": {"layers": 1, "base_channels": 4}},
    "regression": {"generator": SMALL["generator", "unet"]},
    "bridge": {"velocity": SMALL["velocity", "unet"]},
    "cyclegan": {
        "generator": SMALL["generator", "resnet"],
        "generator_back": SMALL["generator", "resnet"],
        "discriminator": {"layers": 1, "base_channels": 4},
        "discriminator_back": {"layers": 1, "base_channels": 4},
    },
    "pix2pixhd": {
        "generator": SMALL["generator", "global"],
        "discriminator": SMALL["discriminator", "multi-scale"],
    },
}
"""Options of the parts of recipes whose defaults are slow to check."""

NEEDS = {"tensorboard": "tensorboard", "onnx": "onnxruntime"}
"""Loggers and exporters -> the package that each writes for."""

LOOKS_THROUGH = {
    ("loss", "perceptual"): {"weights": "lite0"},
    ("metric", "perceptual-lite0"): {"weights": "lite0"},
    ("metric", "lpips"): {"weights": "alexnet", "heads": "heads"},
    **{("metric", f"{figure}-lite0"): {"weights": "lite0"} for figure in ("kid", "mind", "fid")},
    **{("metric", f"{figure}-inception"): {"weights": "inception"} for figure in ("kid", "mind", "fid")},
}
"""Options of what looks through a network -> file of `weights`: a package may not be there, and others have none."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of drawn weights, of networks that are narrow where they may be."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(lite0.drawn().state_dict(), folder / "lite0")
    torch.save(inception.Inception().weights, folder / "inception")
    torch.save(chains.named(alexnet := chains.alexnet()), folder / "alexnet")
    widths = [layer.out_channels for layer in alexnet if isinstance(layer, torch.nn.Conv2d)]
    heads = {f"lin{layer}.model.1.weight": torch.rand(1, width, 1, 1) for layer, width in enumerate(widths)}
    torch.save(heads, folder / "heads")
    return folder


INSTALLED = [pytest.param(kind, name, id=f"{kind} {name}") for kind in kinds() for name in catalogue(kind)]


@pytest.mark.parametrize(("kind", "name"), INSTALLED)
def test_component_keeps_its_contract(kind: str, name: str, pairs_folder: Path, weights: Path) -> None:
    cls = catalogue(kind)[name].cls
    options = SMALL.get((kind, name), {})
    if (network := LOOKS_THROUGH.get((kind, name))) is not None:
        options = {option: str(weights / file) for option, file in network.items()}
    match kind:
        case "recipe":
            testing.check_recipe(cls, options, PARTS.get(name, {}))
        case "dataset":
            testing.check_dataset(cls, pairs_folder, "train", options)
        case "loss" if serves(cls, AdversarialLoss):
            testing.check_adversarial_loss(cls, options)
        case "loss":
            testing.check_loss(cls, options, OF.get(name, "images"))
        case "metric" if name == "fcn-score":
            testing.check_options(cls, options)  # it needs a judge, and labels of what it looks at
        case "logger" | "exporter" if name in NEEDS:
            pytest.importorskip(NEEDS[name])
            getattr(testing, f"check_{kind}")(cls, options)
        case _ if kind in KINDS:
            getattr(testing, f"check_{kind}")(cls, options)
        case _:
            testing.check_options(cls, options)  # only the plugin that brings the kind knows more


def test_every_kind_has_a_component() -> None:
    assert not [kind for kind in KINDS if not catalogue(kind)]


def test_no_installed_plugin_is_broken() -> None:
    for kind in kinds():
        assert not installed(group_of(kind)).clashes(kind)
    assert [str(problem) for group in (COMPONENTS, COMMANDS) for problem in installed(group).problems] == []
