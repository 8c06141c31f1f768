"""The discriminators against the paper: layers, patches, sizes, and what they see at each scale."""

import pytest
import torch
from torch import Tensor, nn

from i2i.contracts import Verdict
from i2i.errors import UsageError
from i2i.options import complete
from i2i.system.unfilled import unfilled
from i2i_pix2pixhd import MultiScale


def paper_sized() -> MultiScale:
    with unfilled("it"):
        return MultiScale(6)


def small(**options: int) -> MultiScale:
    torch.manual_seed(0)
    return MultiScale(2, **{"base_channels": 4, "layers": 1, **options})


def image(*size: int) -> Tensor:
    return torch.rand(1, 2, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_three_patchgans_of_the_paper() -> None:
    assert complete(MultiScale, {}, "") == {"scales": 3, "layers": 3, "base_channels": 64}
    network = paper_sized()
    assert len(network.scales) == 3
    for scale in network.scales:
        found = [module for module in scale.modules() if isinstance(module, nn.Conv2d)]
        assert [c.out_channels for c in found] == [64, 128, 256, 512, 1]
        assert [c.stride[0] for c in found] == [2, 2, 2, 1, 1]
        assert {(c.kernel_size, c.padding) for c in found} == {((4, 4), (2, 2))}
        kinds = [type(module) for module in scale.modules() if not list(module.children())]
        hidden = [nn.Conv2d, nn.InstanceNorm2d, nn.LeakyReLU]
        assert kinds == [nn.Conv2d, nn.LeakyReLU, *hidden * 3, nn.Conv2d]
    assert {m.negative_slope for m in network.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}


def test_parameters_are_those_of_the_original() -> None:
    widths = [(6, 64), (64, 128), (128, 256), (256, 512), (512, 1)]
    expected = 3 * sum(before * after * 4**2 + after for before, after in widths)
    assert sum(p.numel() for p in paper_sized().parameters()) == expected == 3 * 2_767_809


def test_sizes_are_those_of_the_original() -> None:
    """Each convolution of stride 2 maps n to n // 2 + 1, each of stride 1 to n + 1; pooling halves, rounded up."""
    verdict = paper_sized().to("meta")(torch.zeros(1, 6, 256, 128, device="meta"))
    assert [tuple(logits.shape) for logits in verdict.logits] == [(1, 1, 35, 19), (1, 1, 19, 11), (1, 1, 11, 7)]
    assert [x.shape[1] for x in verdict.features] == [64, 128, 256, 512] * 3
    assert [x.shape[2] for x in verdict.features[:4]] == [129, 65, 33, 34]


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_one_logit_sees_one_patch(layers: int, patch: int) -> None:
    torch.manual_seed(0)
    network = MultiScale(1, scales=1, layers=layers, base_channels=1).double()
    stack = nn.Sequential(
        *(m for m in network.modules() if isinstance(m, nn.Conv2d | nn.LeakyReLU))
    )  # norms see it all
    shown = torch.rand(1, 1, 2 * patch, 2 * patch, dtype=torch.float64, requires_grad=True)
    logits = stack(shown)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    assert shown.grad is not None
    for axis in (0, 1):
        places = (shown.grad[0, 0] != 0).any(axis).nonzero().flatten()
        assert len(places) == places[-1] - places[0] + 1 == patch


def test_each_scale_judges_the_mean_of_the_one_before() -> None:
    """Every second pixel, as the mean of it and its neighbours, of which a border has fewer."""
    network = small(scales=2)
    shown = image(6, 8)
    half = torch.empty(1, 2, 3, 4)
    for y in range(3):
        for x in range(4):
            rows, columns = slice(max(2 * y - 1, 0), 2 * y + 2), slice(max(2 * x - 1, 0), 2 * x + 2)
            half[..., y, x] = shown[..., rows, columns].mean((2, 3))
    whole = network(shown)
    for index, seen in enumerate((shown, half)):
        alone = small(scales=1)
        alone.scales[0].load_state_dict(network.scales[index].state_dict())
        torch.testing.assert_close(whole.logits[index], alone(seen).logits[0])


def test_last_layer_judges_the_last_feature_of_its_scale() -> None:
    network = small(scales=2, layers=2)
    verdict: Verdict = network(image(16, 16))
    assert len(verdict.features) == 2 * 3
    for scale, logits, last in zip(network.scales, verdict.logits, verdict.features[2::3], strict=True):
        judge = [module for module in scale.modules() if isinstance(module, nn.Conv2d)][-1]
        torch.testing.assert_close(judge(last), logits)


def test_gradient_reaches_every_parameter_and_the_image() -> None:
    network, shown = small(scales=2), image(8, 8).requires_grad_()
    torch.stack([logits.square().mean() for logits in network(shown).logits]).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert shown.grad is not None
    assert shown.grad.any()


@pytest.mark.parametrize("size", [(4, 16), (16, 4)])
def test_image_too_small_for_the_last_scale_is_refused(size: tuple[int, int]) -> None:
    small(scales=3)(image(5, 5))
    with pytest.raises(UsageError, match=f"at least 5x5, got {size[0]}x{size[1]}"):
        small(scales=3)(image(*size))
