"""Plugins out of one file, for a run: no package, no installation."""

import hashlib
import importlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from i2i.errors import MissingInputError, UsageError
from i2i.kinds import COMPONENTS, HOOKS
from i2i.plugins import FAILURES, Plugins, at_work, describe, installed

Checksum = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
"""SHA-256 in hexadecimal; empty where there is no file."""


class PluginFile(BaseModel):
    """A file that a run needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    sha256: Checksum = ""

    @property
    def package(self) -> str:
        """Return what stands for a distribution and its version: the file's name and the begin of its checksum."""
        return f"{Path(self.path).name} {_version(self.sha256)}"


def load_plugin_file(path: str | os.PathLike[str], sha256: str = "") -> PluginFile:
    """Run a file of Python with hooks, and add it to the installed plugins under the file's stem.

    Its folder comes last in ``sys.path``, so that it imports what is beside it, and so that processes which read images
    find it too. A file that changed since is loaded anew, and takes the place of what it was.

    Args:
        path: The file.
        sha256: Its checksum, where it has to be a certain one.

    Raises:
        MissingInputError: If there is no such file.
        UsageError: If it cannot be a plugin, is not the one that is wanted, or provides what another plugin does.
    """
    path = Path(os.path.abspath(path))
    try:
        code = path.read_bytes()
    except OSError as error:
        raise MissingInputError(f"Cannot read the plugin file {path}: {error.strerror}.") from None
    checksum = hashlib.sha256(code).hexdigest()
    if sha256 not in ("", checksum):
        raise UsageError(
            f"The plugin file {path} has changed: its sha256 is {checksum[:12]}..., and was {sha256[:12]}.... "
            f"Put back what it was, or say --plugin-file {path} to go on with what it is."
        )
    name, plugins = _name(path), installed(COMPONENTS)
    if not is_loaded(checksum):
        if name in plugins.checksums():
            plugins.unregister(name)
        module = _run(path, name, code)
        try:
            plugins.register(module, name, path.name, _version(checksum), checksum)
            if reason := next(_flaws(plugins, name), ""):
                plugins.unregister(name)
                raise UsageError(f"The plugin file {path} cannot be used: {reason}")
        except UsageError:
            del sys.modules[name]
            raise
    return PluginFile(path=str(path), sha256=checksum)


def is_loaded(sha256: str) -> bool:
    """Return whether a file with this checksum is among the plugins."""
    return sha256 in installed(COMPONENTS).checksums().values()


def _version(sha256: str) -> str:
    return f"0+{sha256[:12]}"


def _flaws(plugins: Plugins, name: str) -> Iterator[str]:
    """Yield what is wrong with a plugin that was registered: hooks that are not asked, and names that are taken."""
    for hook in plugins.hooks_of(name):
        if HOOKS[hook] != COMPONENTS:
            yield f"{hook} is asked of installed packages alone. Make one: i2i plugins new."
    yield from plugins.clashes_of(name)
    yield from (f"{problem.reason}" for problem in plugins.problems if problem.plugin == name)


def _name(path: Path) -> str:
    if path.suffix != ".py" or not re.fullmatch(r"[A-Za-z]\w*", path.stem, re.ASCII):
        raise UsageError(f"{path.name!r} is no name of a plugin file. Call it by letters, digits and _, as my_loss.py.")
    return path.stem


def _run(path: Path, name: str, code: bytes) -> ModuleType:
    """Run the code that was read, as the module that every process imports under that name."""
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    importlib.invalidate_caches()
    spec = None
    with suppress(ValueError):
        spec = find_spec(name)
    if spec is None or spec.origin is None or not os.path.samefile(spec.origin, path):
        raise UsageError(f"The plugin file {path} has the name of another module, {spec and spec.origin}. Rename it.")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        with at_work(name, path.name):
            exec(compile(code, path, "exec"), module.__dict__)
    except FAILURES as error:
        del sys.modules[name]
        raise UsageError(f"The plugin file {path} fails: {describe(error)}.") from error
    return module
