"""The HTTP side of ``i2i serve``: an image in the body of a request, its translation in the answer."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.middleware.trustedhost import TrustedHostMiddleware

from i2i import __version__, images
from i2i.errors import DataError, I2iError
from i2i.images import ImageError
from i2i.system.text import visible
from i2i.translation.translator import Given, Translator
from i2i_serve.service import BusyError, ClosedError, Service

MEDIA = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".npy": "application/octet-stream",
    ".tif": "image/tiff",
}
"""How results are encoded, and what that is called."""
NOTES = "I2I-Notes"
"""Header of an answer: what had to be done to read the image."""

Encoding = Literal["auto", "png", "jpg", "webp", "npy", "tif"]
TOO_LARGE, BUSY = 413, 503
IMAGE_BODY = {"requestBody": {"required": True, "content": {"image/*": {}, "application/octet-stream": {}}}}
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in MEDIA.values()}, "description": "The translation."}
}


class Door(NamedTuple):
    """Who may ask, and for how much."""

    token: str = ""
    """That requests have to have, but for ``/health`` and the description of the interface; none where empty."""
    hosts: tuple[str, ...] = ("*",)
    """Names under which the server may be asked for."""
    bytes: int = 50_000_000
    """Of the body of a request."""
    pixels: int = images.MAX_PIXELS
    """Of an image."""


class ModelFacts(NamedTuple):
    """What a model takes and makes."""

    takes: str
    makes: str
    channels_in: int
    channels_out: int
    size: tuple[int, int]
    mode: str


def make_app(service: Service, door: Door) -> FastAPI:
    """Return the application; `uvicorn.run` serves it.

    Args:
        service: What translates; it is entered already.
        door: Who may ask, and for how much.
    """
    app = FastAPI(title="i2i", version=__version__, description="Translates images with trained models.")
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(door.hosts))
    app.add_exception_handler(I2iError, _refusal)
    asked = [Depends(_checks_token(door.token))] if door.token else []
    first = next(iter(service.translators))

    @app.get("/", include_in_schema=False)
    def begin() -> RedirectResponse:
        return RedirectResponse("docs")

    @app.get("/health")
    def health() -> dict[str, str]:
        """Say that the server is there."""
        return {"status": "ok"}

    @app.get("/models", dependencies=asked)
    def models() -> dict[str, ModelFacts]:
        """Say what there is, and what it takes and makes."""
        return {name: _facts(translator) for name, translator in service.translators.items()}

    @app.get("/metrics", dependencies=asked, response_class=PlainTextResponse)
    def metrics() -> str:
        """Say what was done, as Prometheus reads it."""
        return "".join(_measured(service))

    async def translate(request: Request, encoding: Annotated[Encoding, Query()] = "auto") -> Response:
        """Translate an image: PNG, JPEG, WebP, TIFF, NPY and others in the body of the request.

        Results are encoded as PNG where that holds them without loss, else as NPY, unless `encoding` says otherwise.
        """
        name = request.path_params.get("name", first)
        if name not in service.translators:
            raise HTTPException(
                404, f"There is no model {visible(name)!r}. There are {', '.join(service.translators)}."
            )
        began = time.perf_counter()
        with service.reading():
            body = await _body(request, door.bytes)
            given = await run_in_threadpool(_read, service.translators[name], body, door.pixels)
        made = service.ask(name, given.fields)
        try:
            picture = await asyncio.wait_for(asyncio.wrap_future(made), service.limits.seconds)
        except TimeoutError:
            raise BusyError(f"It takes more than {service.limits.seconds:g} seconds. Ask again later.") from None
        answer = await run_in_threadpool(_encoded, picture, encoding, given.notes)
        service.counts.add(seconds=time.perf_counter() - began)
        return answer

    for path in ("/translate", "/models/{name}/translate"):
        app.post(path, dependencies=asked, response_class=Response, responses=PICTURE, openapi_extra=IMAGE_BODY)(
            translate
        )
    return app


def source_of(translator: Translator, name: str) -> str:
    """Return the one field that a model is given.

    Raises:
        DataError: If it takes more than one image.
    """
    needed = [field for field in translator.columns if field not in translator.optional] or list(translator.columns)
    if len(needed) > 1 or translator.config.fields[needed[0]].kind == "vector":
        raise DataError(f"{name} takes {' and '.join(needed)}. `i2i serve` is for models that take one image.")
    return needed[0]


def _facts(translator: Translator) -> ModelFacts:
    source = translator.config.fields[source_of(translator, "The model")]
    made = translator.made
    return ModelFacts(
        source.kind, made.kind, source.channels, made.channels, translator.config.size, str(translator.mode)
    )


def _read(translator: Translator, body: bytes, max_pixels: int) -> Given:
    return translator.read({source_of(translator, "The model"): (body,)}, max_pixels)


def _encoded(picture: Any, encoding: Encoding, notes: Sequence[str]) -> Response:
    """Return a picture, and what had to be done to read what it was made of.

    Raises:
        DataError: If it cannot be encoded so.
    """
    suffix = images.suffix_for(picture) if encoding == "auto" else f".{encoding}"
    try:
        content = images.encode(picture, suffix)
    except ImageError as error:  # it is no fault of the image that was sent
        raise DataError(str(error)) from None
    headers = {NOTES: visible("; ".join(notes)).encode("ascii", "backslashreplace").decode()} if notes else {}
    return Response(content, media_type=MEDIA[suffix], headers=headers)


async def _body(request: Request, most: int) -> bytes:
    """Read the body of a request, and no more of it than is allowed.

    Raises:
        HTTPException: If it is larger.
    """
    parts, size = [], 0
    stream: AsyncIterator[bytes] = request.stream()
    async for part in stream:
        parts.append(part)
        size += len(part)
        if size > most:
            raise HTTPException(TOO_LARGE, f"The image has more than {most:,} bytes. Send a smaller one.")
    return b"".join(parts)


async def _refusal(_: Request, error: Exception) -> JSONResponse:
    """Turn a mistake of who asks into an answer of one line."""
    status, headers = 422, {}
    if isinstance(error, BusyError | ClosedError):
        status, headers = BUSY, {"Retry-After": "1"}
    elif isinstance(error, ImageError):
        status = TOO_LARGE if error.reason == "too-large" else 415
    return JSONResponse({"detail": visible(" ".join(str(error).splitlines()))}, status, headers)


def _checks_token(token: str) -> Callable[..., Awaitable[None]]:
    bearer = HTTPBearer(auto_error=False)

    async def check(given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
        if given is None or not secrets.compare_digest(given.credentials.encode(), token.encode()):
            raise HTTPException(401, "A token is needed: Authorization: Bearer TOKEN.", {"WWW-Authenticate": "Bearer"})

    return check


def _measured(service: Service) -> list[str]:
    counts = service.counts
    figures = {
        "translated_total": counts.translated,
        "batches_total": counts.batches,
        "refused_total": counts.refused,
        "failed_total": counts.failed,
        "seconds_total": counts.seconds,
        "waiting": service.waiting,
    }
    kinds = {name: "counter" if name.endswith("_total") else "gauge" for name in figures}
    return [f"# TYPE i2i_{name} {kinds[name]}\ni2i_{name} {value:g}\n" for name, value in figures.items()]
