"""FID's Inception against the same network written out again, of drawn weights (the true are not to be had)."""

from pathlib import Path

import inception
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from i2i.contracts import Features
from i2i.errors import DataError, UsageError
from i2i_features import Inception
from i2i_features.inception import resize_as_tensorflow


@pytest.fixture(scope="module")
def reference() -> inception.Inception:
    return inception.Inception()


@pytest.fixture(scope="module")
def network(reference: inception.Inception, tmp_path_factory: pytest.TempPathFactory) -> Inception:
    file = tmp_path_factory.mktemp("weights") / "inception.safetensors"
    save_file(reference.weights, file)
    return Inception(weights=str(file))


def images(channels: int, height: int, width: int) -> Tensor:
    """Images of bytes, as values in [-1, 1]."""
    pixels = torch.randint(256, (2, channels, height, width), generator=torch.Generator().manual_seed(0))
    return pixels / 127.5 - 1


def test_features_are_those_of_the_network_with_its_batch_norms(
    network: Inception, reference: inception.Inception
) -> None:
    assert isinstance(network, Features)
    image = images(3, 107, 139)
    expected = reference(((image + 1) * 127.5 - 128) / 128)
    seen = network(image)
    assert [each.shape[1] * inception.SLIM for each in seen] == [64, 192, 768, 2048]
    for mine, other in zip(seen, expected, strict=True):
        assert float(other.std()) > 0.01
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


def test_pooled_is_the_mean_of_the_last_over_an_image_of_299_pixels(
    network: Inception, reference: inception.Inception
) -> None:
    image = images(1, 299, 299)  # of which nothing is resized
    expected = reference((((image + 1) * 127.5 - 128) / 128).expand(-1, 3, -1, -1))[-1].mean((2, 3))
    torch.testing.assert_close(network.pooled(image), expected, rtol=1e-4, atol=1e-4)


def test_pooled_sees_what_a_file_of_bytes_would_hold(network: Inception) -> None:
    image = images(3, 80, 80)
    torch.testing.assert_close(network.pooled(image + 0.4 / 127.5), network.pooled(image), rtol=0, atol=0)


def test_resizing_keeps_the_corner_and_looks_at_two_pixels_along_each_axis() -> None:
    line = torch.tensor([0.0, 8.0, 4.0])
    larger = resize_as_tensorflow(line.expand(1, 1, 3, 3), 6)[0, 0]
    assert larger[2].tolist() == [0, 4, 8, 6, 4, 4]  # places 0, 1/2, 1, 3/2, 2 and 5/2, behind which there is no more
    torch.testing.assert_close(larger, larger[:1].expand(6, 6))
    smaller = resize_as_tensorflow(torch.arange(8.0).expand(1, 1, 8, 8), 3)[0, 0]
    torch.testing.assert_close(smaller[0], torch.tensor([0, 8 / 3, 16 / 3]))
    upright = resize_as_tensorflow(line[:, None].expand(1, 1, 3, 3), 6)[0, 0]
    torch.testing.assert_close(upright, larger.T)


def test_network_leaves_no_trace(network: Inception) -> None:
    assert not list(network.parameters())
    assert not network.state_dict()
    assert {value.dtype for value in network.buffers()} == {torch.float32}


def test_what_is_not_its_weights_is_refused(reference: inception.Inception, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Set weights to pytorch-fid's pt_inception-2015-12-05-6726825d.pth"):
        Inception()
    for name, held, message in (
        ("torchvision.pth", reference.weights | {"fc.weight": torch.zeros(1000, 2048)}, "tells 1000 classes apart"),
        ("none.pth", {"weight": torch.zeros(1)}, "tells 0 classes apart"),
        (
            "short.pth",
            {name: value for name, value in reference.weights.items() if name != "Mixed_7c.branch3x3_2b.conv.weight"},
            r"'Mixed_7c.branch3x3_2b.conv.weight' of \?x24x3x1, but there is no such tensor",
        ),
    ):
        torch.save(held, tmp_path / name)
        with pytest.raises(DataError, match=message):
            Inception(weights=str(tmp_path / name))
