"""Checks of generators and discriminators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from i2i.plugins import describe
from i2i.testing import basics
from i2i.testing.basics import SOURCE, TARGET, answered, blame, called, check_tensor, images, require, seeded

if TYPE_CHECKING:
    from torch import Tensor, nn


@seeded(0)
def check_generator(cls: type[nn.Module], options: Mapping[str, Any] = {}) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.Generator`.

    Looks at shape, dtype and range of what it makes (of logits, where it has an option ``bounded``), at the sizes that
    it says it takes, at the gradients of its parameters, at its options in JSON, and builds it again from options and
    weights.

    Raises:
        AssertionError: If it does not.
    """
    kind = _Kind(cls, (SOURCE, TARGET), options)
    generator = kind.build()
    multiple = getattr(generator, "size_multiple", 1)
    require(type(multiple) is int and multiple >= 1, f"size_multiple is {multiple!r}. It is an integer from 1 on.")
    height = basics.fitting(33, multiple)
    source = images(SOURCE, height, height + multiple)
    without = "" if hasattr(generator, "size_multiple") else " (it has no size_multiple, so any size must do)"
    output = called(f"the generator, given {height}x{height + multiple}{without},", generator, source)
    check_tensor("the output", output, (len(source), TARGET, height, height + multiple))
    _check_gradients(generator, output)
    _check_range(kind, source)
    if multiple > 1:
        _check_refusal(generator, source[..., 1:, :], multiple)
    kind.check_rebuilt(generator, source)
    _check_translating(generator, source)


@seeded(0)
def check_discriminator(cls: type[nn.Module], options: Mapping[str, Any] = {}, size: int = 256) -> None:
    """Check that ``cls`` keeps the contract of `i2i.contracts.Discriminator`, whose verdict has gradients throughout.

    Args:
        cls: The discriminator.
        options: What to build it with.
        size: Height and width of the images that it is shown.

    Raises:
        AssertionError: If it does not.
    """
    kind = _Kind(cls, (SOURCE,), options)
    discriminator = kind.build()
    image = images(SOURCE, size, size).requires_grad_()
    output = answered(f"the discriminator, given {size}x{size},", discriminator, image)
    _check_judgement(output, len(image))
    _check_gradients(discriminator, _flat(output))
    reached = image.grad is not None and bool(image.grad.any())
    require(reached, "the gradient does not reach the image, so no generator could learn from it.")
    judged = kind.judged(image)
    probabilities = bool((judged >= 0).all() and (judged <= 1).all())
    require(not probabilities, "it returns probabilities. Return logits: the losses take the sigmoid themselves.")
    kind.check_rebuilt(discriminator, image.detach())


class _Kind:
    """A network's class with what it is built of."""

    def __init__(self, cls: type[nn.Module], wiring: tuple[int, ...], options: Mapping[str, Any]) -> None:
        self.cls, self.wiring, self.options = cls, wiring, basics.completed(cls, options)

    def build(self, seed: int = 0) -> Any:
        with seeded(seed):
            return basics.built(self.cls, self.wiring, self.options)

    def judged(self, image: Tensor) -> Tensor:
        """Return the output under weights that no training would find, to see what holds whatever they are."""
        import torch

        network = self.build()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.mul_(100)
        return _output(network, image)

    def check_rebuilt(self, network: nn.Module, image: Tensor) -> None:
        import torch
        from safetensors.torch import load, save

        with blame("saving the weights as safetensors and loading them strictly"):
            weights = load(save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}))
            rebuilt = self.build(seed=1)
            rebuilt.load_state_dict(weights, strict=True)
        same = torch.equal(*(_output(each.eval(), image) for each in (network, rebuilt)))
        require(same, "built again from options and weights, it gives another output. Register all state as buffers.")
        repeated = torch.equal(*(_output(self.build(), image) for _ in range(2)))
        require(repeated, f"two networks built under one seed differ. {basics.ONLY_TORCH}")


@seeded(0)
def _output(network: nn.Module, image: Tensor) -> Tensor:
    import torch

    with torch.no_grad():
        return _flat(network(image))


def _flat(output: Any) -> Tensor:
    """Return what a network made; of a verdict, all logits in a row."""
    import torch

    from i2i.contracts import Verdict

    made: Tensor = torch.cat([each.flatten() for each in output.logits]) if isinstance(output, Verdict) else output
    return made


def _check_judgement(output: Any, count: int) -> None:
    """Require logits, or a verdict whose features can be learned from."""
    from torch import Tensor

    from i2i.contracts import Verdict

    verdict = output if isinstance(output, Verdict) else Verdict([output], [])
    require(bool(verdict.logits), "its verdict has no logits.")
    for logits in verdict.logits:
        kind = type(logits).__name__
        require(isinstance(logits, Tensor), f"the output is a {kind}. Return logits, or a Verdict of logits.")
        height, width = logits.shape[-2:] if logits.ndim == 4 else (1, 1)
        check_tensor("the output", logits, (count, 1, height, width))
    for feature in verdict.features:
        check_tensor("a feature", feature, (count, *feature.shape[1:]))
        require(feature.requires_grad, "a feature has no gradient, so nothing can learn to match it.")


def _check_gradients(network: nn.Module, output: Tensor) -> None:
    with blame("its gradient"):
        output.square().mean().backward()
    idle = [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]
    require(not idle, f"no gradient reaches {', '.join(idle)}. Use these parameters, or drop them.")


def _check_range(kind: _Kind, source: Tensor) -> None:
    """Require [-1, 1], and of one that can give logits, that these are not held there."""
    if kind.options.get("bounded", True):
        beyond = float((kind.judged(source).abs() - 1).nan_to_num().max())
        require(beyond < 1e-5, "with other weights the output leaves [-1, 1]. End with tanh.")
    if "bounded" in kind.options:
        free = _Kind(kind.cls, kind.wiring, {**kind.options, "bounded": False}).judged(source)
        held = bool((free.abs() <= 1).all())
        require(not held, "with bounded=false the output stays in [-1, 1], so these are no logits. Leave out tanh.")


def _check_refusal(generator: nn.Module, source: Tensor, multiple: int) -> None:
    height, width = source.shape[-2:]
    said = f"it says size_multiple = {multiple}"
    try:
        generator(source)
    except ValueError as error:
        clear = str(multiple) in str(error) and f"{height}" in str(error)
        require(clear, f"{said}; its refusal of {height}x{width} does not name both: {error}")
    except Exception as error:
        raise AssertionError(f"{said}, but {height}x{width} is no ValueError: {describe(error)}") from error
    else:
        raise AssertionError(f"{said}, but it takes {height}x{width}. Raise a ValueError that says what it needs.")


def _check_translating(generator: nn.Module, source: Tensor) -> None:
    """Require that translating is repeatable and changes nothing, so that threads can do it."""
    import torch

    from i2i.translation.modes import in_mode, inference

    form = in_mode(generator, "paper")
    before = {name: value.clone() for name, value in form.state_dict().items()}
    drawn = torch.get_rng_state()
    outputs = []
    for _ in range(2):
        with inference(0):
            outputs.append(form(source[:1]))
    changed = [name for name, value in form.state_dict().items() if not torch.equal(value, before[name])]
    require(not changed, f"to translate changes {', '.join(changed)}. Only training may change buffers.")
    alone = torch.equal(torch.get_rng_state(), drawn)
    require(alone, "to translate draws from the global generator. Draw with nn.Dropout, torch.randn, torch.rand.")
    require(torch.equal(*outputs), "two translations of one image under one seed differ. Draw with nn.Dropout only.")
