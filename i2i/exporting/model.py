"""A trained model as exporters get it: its translator as a module of one input, with its mode built in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim
from torch.nn.modules.dropout import _DropoutNd

from i2i.config import Mode
from i2i.errors import UsageError
from i2i.exporters import Form, Written
from i2i.exporting.folding import fold
from i2i.exporting.forms import per_image, rewrite, taps2
from i2i.exporting.pictures import Pictures
from i2i.fields import Field
from i2i.translation.exports import to_pictures
from i2i.translation.modes import in_mode
from i2i.translation.translator import Translator

SMALLEST = 16
"""Pixels that an example has twice in height and three times in width, if its network takes any size."""
BARE = "Export the network alone: --set bare=true"


class Model:
    """What `i2i.exporters.Exportable` says, of a translator.

    Args:
        translator: On the CPU.
        sources: Of the model, as its network sees them, (1, C, H, W) each: of images of the training's size.

    Raises:
        UsageError: If it takes several fields or a vector, makes a vector, or draws noise.
    """

    def __init__(self, translator: Translator, sources: Sequence[Tensor] = ()) -> None:
        predictor, config = translator.predictor, translator.config
        self._translator, self._predictor, self._sources = translator, predictor, sources
        check(translator)
        (self._name,) = predictor.sources
        self._source, self._made = config.fields[self._name], config.fields[translator.to]
        self.channels = self._source.channels, self._made.channels
        self.multiple, self.size = predictor.multiple, config.size
        self.look = config.looks.get(self._name)
        self.about = {
            "recipe": config.selection.recipe.name,
            "step": str(config.step),
            "mode": translator.mode,
            "takes": self._name,
            "makes": translator.to,
            "size": f"{config.size[1]}x{config.size[0]}",
        }

    def written(self, *, bare: bool = False, form: Form = "plain") -> Written:
        """Return it as it is to be written; see `i2i.exporters.Exportable.written`."""
        parts = {name: _built_in(part, self._translator.mode) for name, part in self._predictor.parts.items()}
        network = _Network(self._predictor.function, parts, self._name, self._predictor.options)
        unit = -(-SMALLEST // self.multiple) * self.multiple
        # never one pixel, not even of the smallest map: what becomes of that would be built in
        example = torch.rand(2, self.channels[0], 2 * unit, 3 * unit, generator=torch.Generator()) * 2 - 1
        if self._translator.mode == "running":
            fold(network, lambda: network(example[:1]))
        if form == "taps2":
            rewrite(network, taps2)
        axes: dict[int, Any] = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
        if bare:
            return Written(network.eval(), example, axes, (each.numpy() for each in self._sources))
        for field, what in ((self._source, "takes"), (self._made, "makes")):
            check_pictures(field, what)
        height, width = (side + 5 for side in example.shape[2:])
        is_ids = self._source.kind == "ids"
        pictures = torch.zeros(2, height, width, 1 if is_ids else self.channels[0], dtype=torch.uint8)
        module = Pictures(network, self._source, self._made, self.multiple).eval()
        axes = {0: Dim.DYNAMIC, 1: Dim.DYNAMIC, 2: Dim.DYNAMIC}
        return Written(module, pictures, axes, self._pictures_of_sources())

    def _pictures_of_sources(self) -> Iterator[NDArray[Any]]:
        for source in self._sources:
            yield to_pictures(source, self._source)


def check(translator: Translator) -> None:
    """Refuse what a file cannot do.

    Raises:
        UsageError: If the model takes several fields or a vector, makes a vector, or draws noise.
    """
    predictor, fields = translator.predictor, translator.config.fields
    if len(predictor.sources) != 1:
        names = " and ".join(predictor.sources) or "nothing"
        raise UsageError(f"The model makes {translator.to} of {names}. Only a model of one field can be exported.")
    kinds = [fields[name].kind for name in (*predictor.sources, translator.to)]
    if "vector" in kinds:
        raise UsageError("The model takes or makes a vector. Only images and class ids can be exported.")
    if predictor.noises:
        raise UsageError("The model draws noise for each translation, which a file cannot. It cannot be exported.")
    if translator.mode == "paper" and any(_drops(network) for network in predictor.networks):
        raise UsageError(
            "In mode paper the model drops values at random, which a file cannot. Say --mode deterministic."
        )


def check_pictures(field: Field, what: str) -> None:
    """Refuse a field that is no 8-bit picture.

    Raises:
        UsageError: If it is none.
    """
    if any(field.ranges):
        raise UsageError(f"The model {what} numbers in a declared range, which are no 8-bit picture. {BARE}.")
    if field.colours == "lab":
        raise UsageError(f"The model {what} lightness or colours apart, which are no picture. {BARE}.")
    if field.kind == "image" and what == "makes" and field.dtype != "uint8":
        raise UsageError(f"The model makes {field.dtype}, which is no 8-bit picture. {BARE}.")
    if field.kind == "ids" and field.channels > 256:
        raise UsageError(f"The model {what} {field.channels} classes, which 8 bits do not hold. {BARE}.")


class _Network(nn.Module):
    """A recipe's translator as a module of one input."""

    def __init__(self, function: Any, parts: Mapping[str, Any], source: str, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict({name: part for name, part in parts.items() if isinstance(part, nn.Module)})
        self._others = {name: part for name, part in parts.items() if not isinstance(part, nn.Module)}
        self._function, self._source, self._options = function, source, dict(options)

    def forward(self, source: Tensor) -> Tensor:
        """Return what the translator makes of (N, C, H, W)."""
        parts = {**self.networks, **self._others}
        made: Tensor = self._function(**parts, **{self._source: source}, **self._options)
        return made


def _built_in(part: Any, mode: Mode) -> Any:
    """Return a part of its own, with its mode in its modules."""
    if not isinstance(part, nn.Module):
        return part
    form = in_mode(part, mode)
    replaced = per_image(form)
    if replaced is not None:
        return replaced
    rewrite(form, per_image)
    return form


def _drops(network: nn.Module) -> bool:
    return any(isinstance(module, _DropoutNd) and module.training and module.p > 0 for module in network.modules())
