from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_models import model_folder
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.compute import stages as planning
from i2i.compute.recorded import UnrecordableError, record
from i2i.compute.stages import Stages, TooLargeError
from i2i.config import Mode
from i2i.errors import ResourceError, UsageError
from i2i.plugins import lookup
from i2i.system.devices import bytes_of
from i2i.translation.modes import in_mode, inference
from i2i.translation.strips import compute
from i2i.translation.translator import Translator

GENERATORS: dict[str, dict[str, Any]] = {
    "unet": {"depth": 3},
    "encoder-decoder": {"depth": 3, "norm": "instance"},
    "resnet": {"blocks": 1},
    "global": {"downsamplings": 1, "blocks": 1},
    "nafnet": {"encoder_blocks": (1,), "middle_blocks": 1, "decoder_blocks": (1,)},
}


@pytest.fixture(autouse=True)
def thin_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "FEWEST", 3)


def strips_of(function: Callable[..., Tensor], image: Tensor, memory: int | None = None) -> tuple[Tensor, int]:
    """Compute in as little memory as there can be, unless told otherwise; returns also how many strips that took."""
    with inference(0):
        stages = Stages(record(lambda image: function(image), {"image": image}))
        if memory is None:
            with pytest.raises(TooLargeError) as refused:
                stages.plan(1)
            memory = refused.value.needed
        plan = stages.plan(memory)
        return compute(stages, plan, {"image": image}), sum(len(stage.spans) for stage in plan)


def lively(network: nn.Module) -> nn.Module:
    """Give a network weights with which every layer shows."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        drawn = torch.randn(parameter.shape, generator=generator)
        parameter.data = 0.2 * drawn if parameter.ndim > 1 else 1 + 0.3 * drawn
    return network


def picture(height: int = 48, width: int = 16) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize(
    ("name", "mode"), [*((name, "deterministic") for name in GENERATORS), ("unet", "running"), ("unet", "paper")]
)
def test_every_generator_makes_in_strips_what_it_makes_as_one_piece(name: str, mode: Mode) -> None:
    made = lookup("generator", name).cls(3, 3, base_channels=4, **GENERATORS[name])
    form, image = in_mode(lively(made), mode), picture()
    with inference(0):
        whole = form(image)
    strips, count = strips_of(form, image)
    assert count > len(list(form.parameters()))
    torch.testing.assert_close(strips, whole, rtol=0, atol=2e-4)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, 3, padding=2, dilation=2),
        nn.Conv2d(3, 4, 5, stride=3, padding=1, padding_mode="reflect"),
        nn.Conv2d(3, 4, 3, padding="same", dilation=3),
        nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1),
        nn.ConvTranspose2d(3, 4, 5, stride=3),
        nn.ReflectionPad2d((1, 2, 3, 0)),
        nn.ReplicationPad2d(2),
        nn.ZeroPad2d((0, 1, 2, 3)),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
        nn.Upsample(scale_factor=3),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.Upsample(scale_factor=2, mode="bicubic"),
        nn.Upsample(scale_factor=0.5),
        nn.Sequential(nn.PixelUnshuffle(2), nn.PixelShuffle(2)),
        nn.Sequential(nn.GroupNorm(1, 3), nn.PReLU(), nn.Hardswish(), nn.Softmax(1)),
        nn.Sequential(nn.InstanceNorm2d(3, affine=True), nn.ReLU(inplace=True)),
    ],
    ids=str,
)
def test_every_layer_makes_in_strips_what_it_makes_as_one_piece(layer: nn.Module) -> None:
    form = in_mode(lively(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), layer, nn.Tanh())), "deterministic")
    image = picture(36, 12)
    with inference(0):
        whole = form(image)
    strips, count = strips_of(form, image)
    assert count > 1
    torch.testing.assert_close(strips, whole, rtol=0, atol=1e-5)


class Mixed(nn.Module):
    """Says things in other words than the generators that come with i2i."""

    def __init__(self) -> None:
        super().__init__()
        self.lift, self.place = nn.Conv2d(3, 4, 1), nn.Parameter(torch.randn(1, 4, 36, 12))
        self.channels, self.gate = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, image: Tensor) -> Tensor:
        x = self.lift(image) + self.place
        x += self.channels(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = x * self.gate(x.mean((2, 3)))[:, :, None, None].sigmoid()
        first, second = x.chunk(2, 1)
        x = torch.stack([first, second.flip(3)], 1).flatten(1, 2)
        rolled = x.roll(1, 2)  # cannot be cut
        return torch.cat([F.normalize(rolled, dim=1)[:, :2], x.select(1, 0)[:, None]], 1)


def test_what_cannot_be_cut_is_computed_as_one_piece_between_strips() -> None:
    form, image = in_mode(Mixed(), "deterministic"), picture(36, 12)
    with inference(0):
        whole = form(image)
    strips, count = strips_of(form, image)
    assert count > 8
    torch.testing.assert_close(strips, whole, rtol=0, atol=1e-5)


def test_statistics_are_exact_where_the_mean_is_far_from_zero() -> None:
    form, image = in_mode(nn.BatchNorm2d(3), "deterministic"), picture(64, 32) * 0.1 + 5
    expected = (image - image.mean((0, 2, 3), keepdim=True)) / image.std((0, 2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(strips_of(form, image)[0], expected, rtol=0, atol=0.02)


def test_memory_for_all_of_it_computes_every_convolution_once() -> None:
    made = lookup("generator", "unet").cls(3, 3, base_channels=4, depth=3)
    form, image = in_mode(lively(made), "deterministic"), picture()
    with inference(0):
        stages = Stages(record(lambda image: form(image), {"image": image}))
    with pytest.raises(TooLargeError) as refused:
        stages.plan(1)
    assert stages.heavy(stages.plan(10**9)) == 6 < stages.heavy(stages.plan(refused.value.needed))


def test_a_network_that_asks_for_values_cannot_be_recorded() -> None:
    with pytest.raises(UnrecordableError, match="depends on values"), inference(0):
        record(lambda image: image if image.mean() > 0 else -image, {"image": picture()})


def test_a_map_that_is_changed_in_part_cannot_be_recorded() -> None:
    def halved(image: Tensor) -> Tensor:
        image = image * 1
        image[:, :, :4].mul_(0.5)
        return image

    with pytest.raises(UnrecordableError, match="in place"), inference(0):
        record(halved, {"image": picture()})


def test_large_images_are_translated_in_strips_and_others_to_the_bit_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("i2i.translation.strips.spare_memory", lambda device, limit: limit)
    folder = model_folder(tmp_path / "m", mode="paper")
    image = np.random.default_rng(0).integers(0, 256, (256, 64, 3), np.uint8)
    whole = Translator.load(folder, device="cpu")
    tight = Translator.load(folder, device="cpu", memory=500_000)
    np.testing.assert_array_equal(tight(image[:16, :16]), whole(image[:16, :16]))
    strips = tight(image)
    off = np.abs(strips.astype(int) - whole(image))
    assert off.max() <= 1
    assert (off > 0).mean() < 5e-5


def test_an_image_that_does_not_fit_in_strips_is_refused_with_what_it_takes(tmp_path: Path) -> None:
    translator = Translator.load(model_folder(tmp_path / "m"), device="cpu", memory=1)
    with pytest.raises(ResourceError, match=r"takes .* of memory, as one piece .* 0\.0 MB are there"):
        translator(np.zeros((64, 64, 3), np.uint8))


def test_amounts_of_memory_are_read_and_others_refused() -> None:
    assert (bytes_of("2GB"), bytes_of(" 1.5 gb"), bytes_of("800MB")) == (2 * 10**9, 1_500_000_000, 800 * 10**6)
    for text in ("2", "GB", "-1GB", "2 apples", "nanGB"):
        with pytest.raises(UsageError, match="is no amount of memory"):
            bytes_of(text)
