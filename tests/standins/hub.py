"""A stand-in for the Hugging Face Hub on loopback: enough of its interface for the real client, and faults by rule.

Files travel by LFS, not by xet: run the client with ``HF_HUB_DISABLE_XET=1``, and with ``HF_ENDPOINT`` set before it is
imported. See `environment`.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from faults import Fault
from hub_pages import ROUTES, Answer, Asked, Refused, Request
from hub_state import Account, State

HANG = 4.0
"""Seconds without an answer, after which the connection is closed."""


class Hub:
    """A running stand-in.

    Args:
        accounts: By token.
    """

    def __init__(self, accounts: dict[str, Account] | None = None) -> None:
        self.state = State(accounts or {"hf_writer": Account("ada"), "hf_reader": Account("ada", "read")})
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self.late: list[threading.Thread] = []
        """What takes effect after its client was left without an answer."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        # large files come from another host, to which the client must not follow with its questions about the Hub's
        self.storage = f"http://localhost:{self._server.server_address[1]}"

    def environment(self, home: object, token: str | None = "hf_writer") -> dict[str, str]:
        """Variables under which a client talks to this hub alone and keeps its cache in ``home``."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_TOKEN": token or "",
        }

    def asked(self, method: str, path: str) -> int:
        """How many requests there were of this method and with this in their path."""
        return sum(request.method == method and re.search(path, request.path) is not None for request in self.requests)

    def answer(self, request: Request, wait: float = 0.0) -> Answer:
        """What the hub does and says, after so many seconds."""
        time.sleep(wait)
        with self.lock:
            try:
                account = self._account(request)
                for method, pattern, page in ROUTES:
                    if method == request.method and (match := re.fullmatch(pattern, request.place)):
                        return page(Asked(self, account, request), **match.groupdict())
            except Refused as refused:
                return refused.answer
        return Refused(404, "There is no such page.", "EntryNotFound").answer

    def _account(self, request: Request) -> Account | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.state.accounts:
            raise Refused(401, "Invalid user token.")
        return self.state.accounts.get(token)

    def settle(self) -> None:
        """Nothing fails any more, and all that takes effect late has done so."""
        self.faults = []
        while self.late:
            self.late.pop().join()

    @contextmanager
    def running(self) -> Iterator["Hub"]:
        """Serves until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or a body waits 40 ms for the acknowledgement of its headers

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, self.headers, body)
        with self.hub.lock:
            self.hub.requests.append(request)
            fault = next((fault for fault in self.hub.faults if fault.takes(request.method, request.place)), None)
            if fault is not None and callable(fault.kind):
                fault.kind()
        if fault is None or fault.answers:
            self._send_wrong(self.hub.answer(request), fault)
        else:
            self._fail(fault, request)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815

    def _send_wrong(self, answer: Answer, fault: Fault | None) -> None:
        """Send an answer, as the fault has it."""
        if fault is None or callable(fault.kind):
            self._send(answer)
        elif fault.kind == "cut":
            self._send(answer, len(answer.body) // 2)
            self.close_connection = True
        elif fault.kind == "flip":
            self._send(answer._replace(body=bytes([answer.body[0] ^ 1]) + answer.body[1:] if answer.body else b""))
        else:
            headers = tuple((name, value[::-1] if name.endswith("ETag") else value) for name, value in answer.headers)
            self._send(answer._replace(headers=headers))

    def _fail(self, fault: Fault, request: Request) -> None:
        """Do not answer, whether or not the request takes effect."""
        if fault.effect == 0:
            self.hub.answer(request)
        elif fault.effect is not None:
            self.hub.late.append(threading.Thread(target=self.hub.answer, args=(request, fault.effect)))
            self.hub.late[-1].start()
        if isinstance(fault.kind, int):
            self._send(Answer(fault.kind, fault.says.encode(), (("X-Error-Message", fault.says),)))
            return
        if fault.kind == "hang":
            time.sleep(HANG)
        self.close_connection = True

    def _send(self, answer: Answer, stop: int | None = None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if not any(name == "Content-Length" for name, _ in answer.headers):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[:stop])
            self.wfile.flush()
