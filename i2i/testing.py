"""The conformance kit: call these from a plugin's tests; each fails with the reason in words.

A plugin's whole test is often one line, such as ``check_generator(ResNet)``. Every check takes the options to build the
component with: give small ones where the defaults are slow.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from i2i.options import build, check, complete, options_of
from i2i.pairs import FindingPreparer, Pair, Pixels, Reading, range_of
from i2i.plugins import describe

# torch is only imported by the checks of what is made of it, so that preparers are tested without
if TYPE_CHECKING:
    from torch import Tensor, nn

    from i2i.contracts import Batch, Recipe

SOURCE, TARGET = 2, 3
"""Channels of the images that components are shown; they differ, so that one taken for the other is noticed."""


@contextmanager
def _seed(seed: int) -> Iterator[None]:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def check_options(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Every option is described in ``Args:``, has a valid default, and survives JSON.

    Raises:
        AssertionError: If not.
    """
    _complete(cls, options)


@_seed(0)
def check_generator(cls: type[nn.Module], options: Mapping[str, Any] = {}) -> None:
    """Fails unless ``cls`` keeps the contract of `i2i.contracts.Generator`.

    Looks at shape, dtype and range of what it makes, at the sizes that it says it takes, at the gradients of its
    parameters, at its options in JSON, and builds it again from options and weights.

    Raises:
        AssertionError: If not.
    """
    saved = _complete(cls, options)
    generator = _network(cls, (SOURCE, TARGET), saved)
    multiple = getattr(generator, "size_multiple", 1)
    _require(type(multiple) is int and multiple >= 1, f"size_multiple is {multiple!r}. It is an integer from 1 on.")
    height = _fit(33, multiple)
    source = _images(SOURCE, height, height + multiple)
    without = "" if hasattr(generator, "size_multiple") else " (it has no size_multiple, so any size must do)"
    output = _called(f"the generator, given {height}x{height + multiple}{without},", generator, source)
    _check_tensor("the output", output, (len(source), TARGET, height, height + multiple))
    _check_gradients(generator, output)
    _check_range(_wild(cls, (SOURCE, TARGET), saved), source)
    if multiple > 1:
        _check_refusal(generator, source[..., 1:, :], multiple)
    _check_rebuilt(cls, (SOURCE, TARGET), saved, generator, source)
    _check_seed(cls, (SOURCE, TARGET), saved, source)


@_seed(0)
def check_discriminator(cls: type[nn.Module], options: Mapping[str, Any] = {}, size: int = 256) -> None:
    """Fails unless ``cls`` keeps the contract of `i2i.contracts.Discriminator`.

    Args:
        cls: The discriminator.
        options: What to build it with.
        size: Height and width of the images that it is shown.

    Raises:
        AssertionError: If it does not.
    """
    saved = _complete(cls, options)
    discriminator = _network(cls, (SOURCE,), saved)
    image = _images(SOURCE, size, size).requires_grad_()
    logits = _called(f"the discriminator, given {size}x{size},", discriminator, image)
    height, width = logits.shape[-2:] if logits.ndim == 4 else (1, 1)
    _check_tensor("the output", logits, (len(image), 1, height, width))
    _check_gradients(discriminator, logits)
    reached = image.grad is not None and bool(image.grad.any())
    _require(reached, "the gradient does not reach the image, so no generator could learn from it.")
    judged = _wild(cls, (SOURCE,), saved)(image)
    probabilities = bool((judged >= 0).all() and (judged <= 1).all())
    _require(not probabilities, "it returns probabilities. Return logits: the losses take the sigmoid themselves.")
    _check_rebuilt(cls, (SOURCE,), saved, discriminator, image.detach())
    _check_seed(cls, (SOURCE,), saved, image.detach())


@_seed(0)
def check_loss(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Fails unless ``cls`` keeps the contract of `i2i.contracts.Loss`: a finite scalar, least where images are equal.

    Raises:
        AssertionError: If not.
    """
    loss = _built(cls, (), _complete(cls, options))
    output, target = _images(TARGET, 64, 64).requires_grad_(), _images(TARGET, 64, 64, seed=1)
    different = _called("the loss", loss, output, target)
    _check_tensor("the loss", different, ())
    _check_reached("the output", different, output)
    same = target.clone().requires_grad_()
    equal = _called("the loss of equal images", loss, same, target)
    _check_tensor("the loss of equal images", equal, ())
    _require(bool(equal < different), f"equal images cost {equal:.4g}, others {different:.4g}. Turn the sign.")
    _check_reached("the output where it equals the target", equal, same)


@_seed(0)
def check_adversarial_loss(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Fails unless ``cls`` keeps the contract of `i2i.contracts.AdversarialLoss`.

    Both losses are finite scalars however sure the discriminator is; its own falls as it tells real from fake, the
    generator's falls as fakes pass for real.

    Raises:
        AssertionError: If not.
    """
    import torch

    loss = _built(cls, (), _complete(cls, options))
    for method in ("discriminator_loss", "generator_loss"):
        _require(hasattr(loss, method), f"it has no method {method}().")
    for sureness in (1.0, 1000.0):
        high = torch.full((2, 1, 3, 3), sureness, requires_grad=True)
        low = torch.full((2, 1, 3, 3), -sureness, requires_grad=True)
        _check_falls("discriminator_loss()", loss.discriminator_loss, worse=(low, high), better=(high, low))
        _check_falls("generator_loss()", loss.generator_loss, worse=(low,), better=(high,))


@_seed(0)
def check_recipe(
    cls: type[Recipe], options: Mapping[str, Any] = {}, parts: Mapping[str, Mapping[str, Any]] = {}
) -> None:
    """Fails unless ``cls`` keeps the contract of `i2i.contracts.Recipe`, with the components of this environment.

    Trains it for two steps: every network is updated, by finite scalars that reach all of it and that are computed
    after the update before was applied, and the same seed gives the same weights.

    Args:
        cls: The recipe.
        options: Its own options.
        parts: Part -> options of its component, with ``name`` where it is not the default one.

    Raises:
        AssertionError: If it does not.
    """
    from i2i.assembly import complete_selection, part_kinds
    from i2i.config import ENGINE

    saved = _complete(cls, options)
    with _blame("its parts"):
        kinds = part_kinds(cls)
    _require("generator" in kinds, "it has no part 'generator', which is what a trained model consists of.")
    taken = sorted(kinds.keys() & {"recipe", "dataset", *ENGINE})
    _require(not taken, f"sections of the configuration are called {taken} too. Rename these parts.")
    _check_settings(cls.settings)
    with _blame("wiring()"):
        wiring = cls.wiring(SOURCE, TARGET, saved)
    _require(
        wiring.keys() <= kinds.keys(), f"wiring() names {sorted(wiring.keys() - kinds.keys())}, which are no parts."
    )
    given = wiring.get("generator")
    _require(given == (SOURCE, TARGET), f"wiring() gives the generator {given} of source {SOURCE} and target {TARGET}.")
    with _blame("its choice of components"):
        selection = complete_selection(cls, cls.__name__, saved, parts)
    first, second = (_train(cls, selection) for _ in range(2))
    same = all(bool((first[name] == second[name]).all()) for name in first)
    _require(same, f"two trainings under one seed differ. {_ONLY_TORCH}")


@_seed(0)
def check_metric(cls: type[Any], options: Mapping[str, Any] = {}) -> None:
    """Fails unless ``cls`` keeps the contract of `i2i.contracts.Metric`.

    Raises:
        AssertionError: If not.
    """
    metric = _built(cls, (), _complete(cls, options))
    higher = getattr(cls, "higher_is_better", None)
    _require(type(higher) is bool, f"higher_is_better is {higher!r}. Set it on the class to True or False.")
    target = _images(TARGET, 64, 48)
    output = (target + 0.3 * _images(TARGET, 64, 48, seed=1)).clamp(-1, 1)
    figures = _called("the metric", metric, output, target)
    _check_tensor("the figures", figures, (len(target),))
    for image in range(len(target)):
        alone = _called("the metric", metric, output[image : image + 1], target[image : image + 1])
        close = bool((alone - figures[image]).abs().max() <= 1e-4 * figures[image].abs())
        _require(close, f"image {image} scores {alone[0]:.6g} alone and {figures[image]:.6g} in a batch.")
    perfect = _called("the metric of equal images", metric, target, target)
    _require(not bool(perfect.isnan().any()), "the figure of equal images is not a number.")
    agrees = bool((perfect > figures).all() if higher else (perfect < figures).all())
    _require(agrees, f"equal images score {perfect[0]:.4g}, others {figures[0]:.4g}, but higher_is_better is {higher}.")


def check_dataset(cls: type[Any], root: Path, split: str = "train", options: Mapping[str, Any] = {}) -> None:
    """Fails unless ``cls``, reading ``root``, keeps the contract of `i2i.pairs.PairDataset`.

    Args:
        cls: The dataset.
        root: What it reads: a folder with a few pairs.
        split: Which split of it.
        options: What to build it with.

    Raises:
        AssertionError: If it does not.
    """
    dataset = _built(cls, (root, split), _complete(cls, options))
    with _blame("len() or names"):
        count, names = len(dataset), dataset.names
    _require(count > 0, f"it finds no pair in {root}.")
    _require(len(names) == count, f"it has {count} pairs, but {len(names)} names.")
    _require(len(set(names)) == count, "two pairs have the same name.")
    with _blame("pickling, which sends it to worker processes,"):
        twin = pickle.loads(pickle.dumps(dataset))
    channels = set()
    for index in range(count):
        with _blame(f"item {index}"):
            pair, again = dataset[index], twin[index]
        _check_pair(f"item {index}", pair)
        equal = all(np.array_equal(a, b) for a, b in zip(pair, again, strict=True))
        _require(equal, f"item {index} is not the same when it is read again. Jitter belongs to the engine.")
        channels.add((pair.source.shape[2], pair.target.shape[2]))
    _require(len(channels) == 1, f"pairs differ in their channels: {sorted(channels)}.")
    try:
        dataset[count]
    except IndexError:
        return
    raise AssertionError(f"item {count} of {count} does not raise IndexError.")


def check_preparer(cls: type[Any], options: Mapping[str, Any] = {}, sources: Sequence[str] = ()) -> None:
    """Fails unless ``cls`` keeps the contract of `i2i.pairs.Preparer`, given RGB images of 8 bits.

    Args:
        cls: The preparer.
        options: What to build it with.
        sources: Of an `i2i.pairs.FindingPreparer`, something that it can find items in; without any, only its options
            are checked and that it can be built.

    Raises:
        AssertionError: If it does not.
    """
    preparer = _built(cls, (), _complete(cls, options))
    if isinstance(preparer, FindingPreparer):
        if sources:
            _check_finding(preparer, _built(cls, (), _complete(cls, options)), sources)
        return
    inputs = getattr(cls, "inputs", None)
    known = isinstance(inputs, tuple) and inputs and set(inputs) <= set(get_args(Reading))
    _require(bool(known), f"inputs is {inputs!r}. Set it on the class to a tuple of how each image is read.")
    optional = getattr(cls, "optional", 0)
    allowed = isinstance(optional, int) and 0 <= optional < len(inputs or ())
    _require(
        allowed, f"optional is {optional!r}. Set it to how many of the last of {len(inputs or ())} inputs may lack."
    )
    for number in range(len(inputs or ()) - optional, len(inputs or ()) + 1):
        _check_prepared(preparer, (inputs or ())[:number])


def _check_prepared(preparer: Any, inputs: Sequence[Reading]) -> None:
    random = np.random.default_rng(0)
    images = [_sample(reading, random) for reading in inputs]
    before = [image.copy() for image in images]
    with _blame(f"the preparer, given {len(images)} of 49x66,"):
        made, again = preparer(*images), preparer(*images)
    _check_made("the result", made)
    untouched = all(np.array_equal(a, b) for a, b in zip(images, before, strict=True))
    _require(untouched, "it writes into its input. Copy the image first.")
    _require(_equal(made, again), "the same image gives another pair the second time.")


def _check_finding(preparer: FindingPreparer, twin: FindingPreparer, sources: Sequence[str]) -> None:
    with _blame("plan()"):
        _require(bool(preparer.plan(sources).strip()), "plan() says nothing.")
    with _blame("find()"):
        finding, again = preparer.find(sources, lambda done, total: None), twin.find(sources, lambda done, total: None)
    _require(bool(finding.items), f"it finds no item in {list(sources)}.")
    names = [item.name for item in finding.items]
    _require(len(set(names)) == len(names), "two items have the same name.")
    _require(list(finding.items) == list(again.items), "it finds other items, or another order, the second time.")
    with _blame("writing keys, metadata and facts as JSON"):
        for item in finding.items:
            data = [item.key, dict(item.metadata)]
            _require(json.loads(json.dumps(data, allow_nan=False)) == data, f"{item.name!r} has more than plain data.")
        json.dumps(dict(finding.facts), allow_nan=False)
    fresh = pickle.loads(pickle.dumps(finding.items[0]))
    with _blame(f"make({fresh.name!r})"):
        made, again_made = preparer.make(finding.items[0]), twin.make(fresh)
    _check_made(repr(fresh.name), made)
    _require(_equal(made, again_made), "another instance makes another pair of the same item.")


def _check_made(what: str, made: Any) -> None:
    if isinstance(made, np.ndarray):
        _check_pixels(what, made)
    else:
        _check_pair(what, made)


def _equal(made: Pair | Pixels, again: Pair | Pixels) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(_images_of(made), _images_of(again), strict=True))


def _sample(reading: Reading, random: np.random.Generator) -> Pixels:
    """An image as a preparer gets it that wants it read in this way."""
    channels = {"image": 3, "alpha": 4, "ids": 1}[reading]
    return random.integers(0, 4 if reading == "ids" else 256, (49, 66, channels), dtype=np.uint8)


def _images_of(made: Pair | Pixels) -> tuple[Pixels, ...]:
    return tuple(made) if isinstance(made, tuple) else (made,)


_ONLY_TORCH = "Draw random numbers from torch's default generator: it is what the engine seeds."


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise AssertionError(reason)


@contextmanager
def _blame(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{what} fails: {describe(error)}") from error


def _complete(cls: type[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    with _blame("reading its options"):
        model = options_of(cls)
        saved = complete(cls, options, cls.__name__)
    silent = [name for name, field in model.model_fields.items() if not field.description]
    _require(not silent, f"options missing from the Args section of {cls.__name__}: {', '.join(silent)}.")
    with _blame("a round trip of its options through JSON"):
        again = complete(cls, json.loads(json.dumps(saved, allow_nan=False)), cls.__name__)
    _require(again == saved, f"options do not survive JSON: {saved} becomes {again}.")
    return saved


def _built(cls: type[Any], wiring: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    with _blame(f"building {cls.__name__}{wiring}"):
        return build(cls, *wiring, options=options, owner=cls.__name__)


def _called(what: str, function: Callable[..., Any], *inputs: Tensor) -> Tensor:
    from torch import Tensor, equal

    before = [tensor.detach().clone() for tensor in inputs]
    with _blame(what):
        output = function(*inputs)
    _require(isinstance(output, Tensor), f"{what} returns a {type(output).__name__}, not a tensor.")
    untouched = all(equal(tensor, copy) for tensor, copy in zip(inputs, before, strict=True))
    _require(untouched, f"{what} writes into its input. Others read it too: do not compute in place there.")
    result: Tensor = output
    return result


def _network(cls: type[Any], wiring: tuple[int, ...], options: Mapping[str, Any], seed: int = 0) -> Any:
    with _seed(seed):
        return _built(cls, wiring, options)


def _fit(size: int, multiple: int) -> int:
    """The least multiple that is not below ``size``."""
    return -(-size // multiple) * multiple


def _images(channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    import torch

    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def _wild(cls: type[nn.Module], wiring: tuple[int, ...], options: Mapping[str, Any]) -> Any:
    """The network with weights that no training would find, to see what holds whatever they are."""
    import torch

    network = _network(cls, wiring, options)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(100)
    return network


def _check_tensor(what: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    import torch

    _require(tensor.shape == shape, f"{what} is of shape {tuple(tensor.shape)}, not {shape}.")
    _require(tensor.dtype is torch.float32, f"{what} is {tensor.dtype}, not torch.float32.")
    _require(bool(tensor.isfinite().all()), f"{what} is not finite.")


def _check_gradients(network: nn.Module, output: Tensor) -> None:
    with _blame("its gradient"):
        output.square().mean().backward()
    idle = [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]
    _require(not idle, f"no gradient reaches {', '.join(idle)}. Use these parameters, or drop them.")


def _check_reached(what: str, loss: Tensor, leaf: Tensor) -> None:
    import torch

    _require(loss.requires_grad, f"no gradient reaches {what}. Compute the loss with torch, without detach().")
    (gradient,) = torch.autograd.grad(loss, leaf, retain_graph=True, allow_unused=True)
    _require(gradient is not None, f"no gradient reaches {what}.")
    _require(bool(gradient.isfinite().all()), f"the gradient at {what} is not finite.")


def _check_falls(what: str, loss: Callable[..., Any], worse: tuple[Tensor, ...], better: tuple[Tensor, ...]) -> None:
    high, low = _called(what, loss, *worse), _called(what, loss, *better)
    for value in (high, low):
        _check_tensor(what, value, ())
    _require(bool(low < high), f"{what} is {low:.4g} where its side wins and {high:.4g} where it loses. Turn the sign.")
    for logits in worse:
        _check_reached(f"the logits of {what}", high, logits)


def _check_range(generator: nn.Module, source: Tensor) -> None:
    beyond = float((generator(source).detach().abs() - 1).nan_to_num().max())
    _require(beyond < 1e-5, "with other weights the output leaves [-1, 1]. End with tanh.")


def _check_refusal(generator: nn.Module, source: Tensor, multiple: int) -> None:
    height, width = source.shape[-2:]
    said = f"it says size_multiple = {multiple}"
    try:
        generator(source)
    except ValueError as error:
        clear = str(multiple) in str(error) and f"{height}" in str(error)
        _require(clear, f"{said}; its refusal of {height}x{width} does not name both: {error}")
    except Exception as error:
        raise AssertionError(f"{said}, but {height}x{width} is no ValueError: {describe(error)}") from error
    else:
        raise AssertionError(f"{said}, but it takes {height}x{width}. Raise a ValueError that says what it needs.")


def _check_rebuilt(
    cls: type[Any], wiring: tuple[int, ...], options: Mapping[str, Any], network: nn.Module, image: Tensor
) -> None:
    import torch
    from safetensors.torch import load, save

    with _blame("saving the weights as safetensors and loading them strictly"):
        weights = load(save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}))
        rebuilt = _network(cls, wiring, options, seed=1)
        rebuilt.load_state_dict(weights, strict=True)
    outputs = []
    for each in (network, rebuilt):
        with _seed(0), torch.no_grad():
            outputs.append(each.eval()(image))
    same = torch.equal(*outputs)
    _require(same, "built again from options and weights, it gives another output. Register all state as buffers.")


def _check_seed(cls: type[Any], wiring: tuple[int, ...], options: Mapping[str, Any], image: Tensor) -> None:
    import torch

    outputs = []
    for _ in range(2):
        with _seed(0), torch.no_grad():
            outputs.append(_built(cls, wiring, options)(image))
    _require(torch.equal(*outputs), f"two networks built under one seed differ. {_ONLY_TORCH}")


def _check_settings(settings: Mapping[str, Mapping[str, Any]]) -> None:
    from i2i.config import ENGINE

    for section, values in settings.items():
        _require(section in ENGINE, f"settings name {section!r}, which is none of {', '.join(ENGINE)}.")
        required = {name: "" for name, field in ENGINE[section].model_fields.items() if field.is_required()}
        with _blame("settings"):
            check(ENGINE[section], {**required, **json.loads(json.dumps(values))}, section)


def _train(cls: type[Recipe], selection: Any) -> dict[str, Tensor]:
    """Weights and losses after two steps."""
    from i2i.assembly import compose
    from i2i.contracts import Batch

    with _seed(0):
        with _blame("putting it together"):
            recipe = compose(cls, selection, SOURCE, TARGET)
        size = _fit(64, getattr(recipe.generator, "size_multiple", 1))
        batch = Batch(_images(SOURCE, size, size), _images(TARGET, size, size, seed=1))
        losses = [_step(recipe, batch) for _ in range(2)]
    return losses[-1] | recipe.state_dict()


def _step(recipe: Recipe, batch: Batch) -> dict[str, Tensor]:
    """One step by plain gradient descent; unlike fused optimizers, it makes torch notice losses of outdated weights."""
    networks = {name: dict(module.named_parameters()) for name, module in recipe.named_children()}
    waiting = {f"{name}.{p}": None for name, named in networks.items() for p in named if named[p].requires_grad}
    losses: dict[str, Tensor] = {}
    with _blame("step()"):
        for network, update in recipe.step(batch):
            _require(bool(networks.get(network)), f"step() updates {network!r}, but its networks are {list(networks)}.")
            _require(bool(update), f"step() yields no loss for the {network}.")
            for name, loss in update.items():
                _check_tensor(f"the loss {name!r} of the {network}", loss, ())
            for name in _descend(networks[network], update):
                waiting.pop(f"{network}.{name}", None)
            losses |= {f"{network}/{name}": loss.detach() for name, loss in update.items()}
    _require(not waiting, f"step() trains no {', '.join(waiting)}. Update these parameters, or freeze them.")
    return losses


def _descend(parameters: Mapping[str, Tensor], losses: Mapping[str, Tensor]) -> list[str]:
    """Names of the parameters that the losses reach, after a small step down their gradient."""
    import torch

    total = torch.stack(list(losses.values())).sum()
    trained = {name: p for name, p in parameters.items() if p.requires_grad}
    gradients = torch.autograd.grad(total, list(trained.values()), allow_unused=True)
    reached = {name: g for name, g in zip(trained, gradients, strict=True) if g is not None}
    with torch.no_grad():
        for name, gradient in reached.items():
            parameters[name].sub_(1e-3 * gradient)
    return list(reached)


def _check_pair(what: str, pair: Any) -> None:
    _require(isinstance(pair, Pair), f"{what} is a {type(pair).__name__}, not a Pair.")
    for side, pixels in zip(("source", "target"), pair, strict=True):
        _check_pixels(f"the {side} of {what}", pixels)
    source, target = pair.source.shape[:2], pair.target.shape[:2]
    _require(source == target, f"{what} has a source of {source} and a target of {target} pixels.")


def _check_pixels(what: str, pixels: Pixels) -> None:
    _require(isinstance(pixels, np.ndarray), f"{what} is a {type(pixels).__name__}, not an array.")
    _require(pixels.ndim == 3, f"{what} is of shape {pixels.shape}, not (H, W, C).")
    with _blame(what):
        low, high = range_of(pixels.dtype)
    inside = bool(pixels.size and pixels.min() >= low and pixels.max() <= high)
    _require(inside, f"{what} leaves [{low:g}, {high:g}], the range of {pixels.dtype}, or is empty.")
