"""Image-to-image translation made of plugins: the core engine, which knows no model by name."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from i2i.api import evaluate, export, prepare, train, train_seeds
from i2i.hookspecs import hookimpl

if TYPE_CHECKING:
    from i2i.translation import Translator

__all__ = ["Translator", "evaluate", "export", "hookimpl", "prepare", "train", "train_seeds"]
__version__ = version("i2i-toolkit")


def __getattr__(name: str) -> Any:
    # torch is only paid for by those who translate
    if name == "Translator":
        from i2i.translation import Translator

        return Translator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
