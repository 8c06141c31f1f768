"""The coarse-to-fine generator against the paper's words, and against sizes worked out by hand."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.errors import UsageError
from i2i.options import complete
from i2i.system.unfilled import unfilled
from i2i.testing import check_generator, check_options
from i2i_pix2pixhd import GlobalGenerator, LocalEnhancer
from i2i_pix2pixhd.blocks import ResidualBlock


def paper_sized(cls: Any, in_channels: int = 3) -> Any:
    with unfilled("it"):
        generator = GlobalGenerator(in_channels, 3)
        return generator if cls is GlobalGenerator else cls(in_channels, 3, generator)


def architecture(network: nn.Module) -> str:
    """The layers in the paper's words, from the shapes of what was built."""
    words, inside = [], {m for block in network.modules() if isinstance(block, ResidualBlock) for m in block.modules()}
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            convolutions = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
            assert [(c.kernel_size, c.stride) for c in convolutions] == [((3, 3), (1, 1))] * 2
            words.append(f"R{convolutions[-1].out_channels}")
        elif isinstance(module, nn.ConvTranspose2d):
            assert (module.kernel_size, module.stride) == ((3, 3), (2, 2))
            words.append(f"u{module.out_channels}")
        elif isinstance(module, nn.Conv2d) and module not in inside:
            kernel, stride = module.kernel_size[0], module.stride[0]
            words.append(f"d{module.out_channels}" if (kernel, stride) == (3, 2) else f"c{kernel}s{stride}-")
            words[-1] += "" if stride == 2 else str(module.out_channels)
    return ",".join(words)


def convolution(before: int, after: int, kernel: int) -> int:
    """Parameters of a convolution with a bias."""
    return before * after * kernel**2 + after


def test_global_generator_is_the_papers() -> None:
    blocks = ",".join(["R1024"] * 9)
    expected = f"c7s1-64,d128,d256,d512,d1024,{blocks},u512,u256,u128,u64,c7s1-3"
    assert architecture(paper_sized(GlobalGenerator)) == expected
    defaults = {"base_channels": 64, "downsamplings": 4, "blocks": 9, "bounded": True}
    assert complete(GlobalGenerator, {}, "") == defaults


def test_local_enhancer_is_the_papers() -> None:
    assert architecture(paper_sized(LocalEnhancer)) == "c7s1-32,d64,R64,R64,R64,u32,c7s1-3"
    assert complete(LocalEnhancer, {}, "") == {"blocks": 3}


@pytest.mark.parametrize("in_channels", [3, 36])  # of Cityscapes, 35 classes and boundaries: 182,546,755
def test_global_generator_has_the_parameters_of_the_original(in_channels: int) -> None:
    widths = [64, 128, 256, 512, 1024]
    scaling = sum(convolution(a, b, 3) + convolution(b, a, 3) for a, b in pairwise(widths))
    blocks = 9 * 2 * convolution(1024, 1024, 3)
    expected = convolution(in_channels, 64, 7) + scaling + blocks + convolution(64, 3, 7)
    assert expected == {3: 182_443_267, 36: 182_546_755}[in_channels]
    network = paper_sized(GlobalGenerator, in_channels)
    assert sum(p.numel() for p in network.parameters()) == expected


def test_local_enhancer_has_the_parameters_of_the_original() -> None:
    expected = convolution(3, 32, 7) + convolution(32, 64, 3) + 6 * convolution(64, 64, 3)
    expected += convolution(64, 32, 3) + convolution(32, 3, 7)
    network = paper_sized(LocalEnhancer)
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("cls", [GlobalGenerator, LocalEnhancer])
def test_instance_norm_follows_each_convolution_but_the_last(cls: Any) -> None:
    kinds = [type(m) for m in paper_sized(cls).modules() if not list(m.children())]
    follows = [
        after is nn.InstanceNorm2d
        for layer, after in zip(kinds, [*kinds[1:], None], strict=True)
        if layer in {nn.Conv2d, nn.ConvTranspose2d}
    ]
    assert follows == [*[True] * (len(follows) - 1), False]


def computed(words: str, weights: Iterator[Tensor], x: Tensor) -> Tensor:
    """What layers make of an image, by the paper's words for them; ``o`` is the last convolution."""

    def mirrored(border: int) -> Tensor:
        return F.pad(x, [border] * 4, "reflect")

    def normal(values: Tensor) -> Tensor:
        variance, mean = torch.var_mean(values, (2, 3), correction=0, keepdim=True)
        return (values - mean) / (variance + 1e-5).sqrt()

    for word in words:
        weight, bias = next(weights), next(weights)
        match word:
            case "c":
                x = normal(F.conv2d(mirrored(3), weight, bias)).relu()
            case "d":
                x = normal(F.conv2d(x, weight, bias, stride=2, padding=1)).relu()
            case "R":
                before, x = x, normal(F.conv2d(mirrored(1), weight, bias)).relu()
                x = before + normal(F.conv2d(mirrored(1), next(weights), next(weights)))
            case "u":
                x = normal(F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)).relu()
            case "o":
                x = F.conv2d(mirrored(3), weight, bias).tanh()
    return x


def drawn(network: nn.Module) -> list[Tensor]:
    """Draw all weights and biases anew, and return them in the order of the layers."""
    torch.manual_seed(2)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    return [parameter.detach() for parameter in network.parameters()]


def test_networks_compute_what_the_papers_words_say() -> None:
    generator, source = GlobalGenerator(2, 3, base_channels=4, downsamplings=2, blocks=2), image(2, 16, 24)
    expected = computed("cddRRuuo", iter(drawn(generator)), source)
    torch.testing.assert_close(generator(source), expected, rtol=1e-4, atol=1e-4)
    enhancer, features = LocalEnhancer(2, 3, generator, blocks=2), image(4, 8, 12)
    weights = iter(drawn(enhancer))
    expected = computed("RRuo", weights, computed("cd", weights, source) + features)
    torch.testing.assert_close(enhancer(source, features), expected, rtol=1e-4, atol=1e-4)


def small(**options: Any) -> GlobalGenerator:
    torch.manual_seed(0)
    return GlobalGenerator(2, 3, base_channels=4, downsamplings=2, blocks=1, **options)


def image(channels: int, *size: int) -> Tensor:
    return torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_global_generator_keeps_its_contract() -> None:
    check_generator(GlobalGenerator, {"base_channels": 4, "downsamplings": 2, "blocks": 1})
    check_options(LocalEnhancer)


def test_logits_are_what_tanh_would_have_bounded() -> None:
    bounded, logits = small(), small(bounded=False)
    torch.testing.assert_close(bounded(image(2, 16, 8)), logits(image(2, 16, 8)).tanh())


def test_features_are_what_the_last_convolution_sees() -> None:
    generator = small()
    seen: list[Tensor] = []
    last = [module for module in generator.modules() if isinstance(module, nn.Conv2d)][-1]
    last.register_forward_hook(lambda _module, given, _output: seen.append(given[0]))
    generator(image(2, 16, 8))
    features = generator.features(image(2, 16, 8))
    assert features.shape == (1, generator.feature_channels, 16, 8)
    assert torch.equal(nn.functional.pad(features, (3, 3, 3, 3), "reflect"), seen[0])


def test_features_are_added_to_the_source_at_half_its_size() -> None:
    enhancer = LocalEnhancer(2, 3, small(), blocks=1)
    source, features = image(2, 8, 12), image(4, 4, 6)
    entered: list[Tensor] = []
    enhancer.blocks.register_forward_hook(lambda _module, given, _output: entered.append(given[0]))
    enhancer(source, features)
    enhancer(source, torch.zeros_like(features))
    torch.testing.assert_close(entered[0] - entered[1], features)
    assert entered[1].min() >= 0  # the source's side ends in ReLU, as the generator's features do
    assert entered[1].any()


@pytest.mark.parametrize("size", [(8, 6), (4, 4), (10, 8)])
def test_size_that_the_global_generator_cannot_halve_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="divisible by 4 and at least 8, got"):
        small()(image(2, *size))


def test_features_of_another_size_than_half_are_refused() -> None:
    with pytest.raises(UsageError, match=r"source of 8x8 and features of 8x8\. Give features of half the size"):
        LocalEnhancer(2, 3, small(), blocks=1)(image(2, 8, 8), image(4, 8, 8))


def test_enhanced_sizes_are_twice_the_generators() -> None:
    generator = small()
    enhancer = LocalEnhancer(2, 3, generator, blocks=1)
    assert enhancer.size_multiple == 2 * generator.size_multiple
    assert enhancer(image(2, 16, 24), generator.features(image(2, 8, 12))).shape == (1, 3, 16, 24)


def test_odd_number_of_features_is_refused() -> None:
    generator = GlobalGenerator(2, 3, base_channels=5, downsamplings=1, blocks=1)
    with pytest.raises(UsageError, match=r"The generator has 5 features.* Give the generator an even base_channels"):
        LocalEnhancer(2, 3, generator)
