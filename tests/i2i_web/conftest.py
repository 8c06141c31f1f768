"""A page of a tiny model on loopback, and Chromium in front of it."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import Browser, find_chromium

from i2i_web.page import Facts, write_folder, write_one_file

onnx = pytest.importorskip("onnx")

SIDE = 32
LOOK: dict[str, Any] = {
    "dark": True, "stroke": [1.0, 1.05, 1.1], "extent": [0.6, 0.85, 1.0], "gray": [0.0, 0.0, 0.0],
    "centre": [0.5, 0.5], "filled": False,
}  # fmt: skip
FACTS = Facts(title="lines → colours", size=(SIDE, SIDE), channels=1, look=LOOK)


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def model() -> bytes:
    """Spreads what is gray over three channels, each by a filter of its own: uint8 (N, H, W, 1) to (N, H, W, 3)."""
    from onnx import TensorProto, helper, numpy_helper

    filters = np.random.default_rng(0).normal(0, 0.6, (3, 1, 5, 5)).astype(np.float32)
    constants = {"filters": filters, "white": np.float32(255)}
    nodes = [
        helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["levels", "white"], ["gray"]),
        helper.make_node("Transpose", ["gray"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "filters"], ["filtered"], pads=[2, 2, 2, 2]),
        helper.make_node("Sigmoid", ["filtered"], ["share"]),
        helper.make_node("Mul", ["share", "white"], ["colours"]),
        helper.make_node("Round", ["colours"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["bytes"], to=TensorProto.UINT8),
        helper.make_node("Transpose", ["bytes"], ["picture"], perm=[0, 2, 3, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "h", "w", 1])],
        [helper.make_tensor_value_info("picture", TensorProto.UINT8, ["n", "h", "w", 3])],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in constants.items()],
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(built.SerializeToString())


@pytest.fixture(scope="session")
def folder(model: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("page")
    for name, content in write_folder(model, FACTS):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.fixture(scope="session")
def one_file(model: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("one") / "page.html"
    path.write_bytes(write_one_file(model, FACTS))
    return path


@pytest.fixture(scope="session")
def host(folder: Path) -> Iterator[str]:
    """Address of a plain host of the folder, which sends no header that threads need."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if find_chromium() is None:
        pytest.skip("there is no Chromium here")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    for domain in ("Page", "Runtime", "Network", "Log"):
        browser(f"{domain}.enable")
    browser.emulate(1280, 800)
    yield browser
    browser.close()
