"""The page of a model: its files for a host, or one file that opens from the disk."""

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

MODEL, FACTS = "model.onnx", "model.json"
RUNTIME = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
"""Of the page in one file, which computes on the processor."""
PACKED = ".gz"
"""What is kept gzipped: WebAssembly becomes a quarter."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the page knows of its model.

    Args:
        title: Heads the page.
        size: Height and width of the images that it learned from.
        channels: Of what it takes: 1 is gray, 3 are colours.
        look: What its sources look like if they are line drawings, as `i2i_prepare.drawing.Drawing` measured it.
        examples: Sources to try it with, PNG files.
    """

    title: str
    size: tuple[int, int]
    channels: int
    look: Mapping[str, Any] | None = None
    examples: Sequence[bytes] = ()


def write_folder(model: bytes, facts: Facts) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of a page for a host.

    Args:
        model: An ONNX file, uint8 (N, H, W, C) to uint8.
        facts: What the page knows of it.
    """
    for file in _package("page"):
        yield file.name, file.read_bytes()
    for name, packed in _packed_runtime():
        yield f"ort/{name}", gzip.decompress(packed)
    yield from _own(model, facts)


def write_one_file(model: bytes, facts: Facts) -> bytes:
    """Return a page that needs nothing but itself.

    A page from the disk may neither import modules nor fetch files beside it. So its modules become one script, and
    what it would fetch is text in it, gzipped and in base64.

    Args:
        model: An ONNX file, uint8 (N, H, W, C) to uint8.
        facts: What the page knows of it.
    """
    page = {file.name: file.read_bytes() for file in _package("page")}
    runtime = {f"ort/{name}": packed for name, packed in _packed_runtime() if name in RUNTIME}
    others = {"worker.js": page["worker.js"], **dict(_own(model, facts))}
    parts = runtime | {name: gzip.compress(content, 9, mtime=0) for name, content in others.items()}
    texts = {name: content.decode() for name, content in page.items()}
    html, style = texts["index.html"], texts["page.css"]
    script = joined("page.js", texts)
    html = re.sub(r'content="default-src[^"]*"', lambda _: f'content="{_policy(script, style)}"', html)
    html = html.replace('<link rel="stylesheet" href="page.css">', f"<style>{style}</style>")
    for name in ('src="disk.js"', 'type="module" src="page.js"'):
        html = html.replace(f"<script {name}></script>\n", "")
    tail = "".join(_part(name, content) for name, content in parts.items())
    return html.replace("</body>", f'{_notice()}{tail}<script type="module">{script}</script>\n</body>').encode()


def joined(name: str, modules: Mapping[str, str]) -> str:
    """Return a module and all that it imports from beside it as one, each after what it imports.

    Modules import by ``import { a, b } from "./other.js";`` alone, and no two of them have a name in common.

    Args:
        name: Of the module.
        modules: Name -> text.
    """
    taken: dict[str, str] = {}

    def take(name: str) -> None:
        if name in taken:
            return
        for imported in IMPORT.findall(modules[name]):
            take(imported)
        taken[name] = re.sub(r"^export ", "", IMPORT.sub("", modules[name]), flags=re.M)

    take(name)
    return "\n".join(taken.values())


IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.M)


def _own(model: bytes, facts: Facts) -> Iterator[tuple[str, bytes]]:
    """Yield the files that are the model's own."""
    names = [f"example-{number}.png" for number in range(1, len(facts.examples) + 1)]
    yield from zip(names, facts.examples, strict=True)
    yield MODEL, model
    yield FACTS, json.dumps({**asdict(facts), "examples": names, "bytes": len(model)}).encode()


def _policy(script: str, style: str) -> str:
    """Return the policy of the page in one file: its own script and style, and nothing from anywhere."""
    hashes = (base64.b64encode(sha256(text.encode()).digest()).decode() for text in (script, style))
    ours, styled = (f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {ours} blob: 'wasm-unsafe-eval'; style-src {styled}; img-src data: blob:; "
        "worker-src blob:; form-action 'none'; base-uri 'none'"
    )


def _packed_runtime() -> Iterator[tuple[str, bytes]]:
    """Yield name and gzipped content of each file of the runtime."""
    for file in _package("onnxruntime"):
        content, name = file.read_bytes(), file.name.removesuffix(PACKED)
        yield name, content if name != file.name else gzip.compress(content, 9, mtime=0)


def _part(name: str, packed: bytes) -> str:
    return f'<script type="text/plain" data-part="{name}">{base64.b64encode(packed).decode()}</script>\n'


def _notice() -> str:
    text = (files(__package__) / "onnxruntime" / "NOTICE.md").read_text("utf-8")
    return f"<!--\n{text.replace('--', '- -')}-->\n"


def _package(folder: str) -> list[Traversable]:
    return sorted((files(__package__) / folder).iterdir(), key=lambda file: file.name)
