"""Places that people type: paths of this machine, and addresses."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

T = TypeVar("T")

KEY = 8
"""Characters that a key has at least; a shorter value of a query is a word such as ``map``."""

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # two letters at least: one is a drive of Windows


def is_url(place: str) -> bool:
    """Check whether a place is an address such as ``s3://bucket/set``, and not a path.

    Example:
        >>> is_url("hf://ada/faces"), is_url("C://faces"), is_url("./a://b")
        (True, False, False)
    """
    return ADDRESS.match(place) is not None


def without_secrets(place: str) -> str:
    """Return a place as it may be stored, printed and published: an address without user, password and query.

    Only this goes into cards, reports, configurations and messages. The whole address stays in memory.

    Example:
        >>> without_secrets("https://ada:pw@tiles.org/{z}/{x}/{y}?key=123"), without_secrets("photos?")
        ('https://tiles.org/{z}/{x}/{y}', 'photos?')
    """
    if not is_url(place):
        return place
    scheme, host, path, _ = _parts(place)
    return f"{scheme}://{host}{path}"


def hide_secrets(said: T, *places: str) -> T:
    """Return what others say about addresses, as text or plain data, with each as `without_secrets` shows it.

    Example:
        >>> hide_secrets(["403 for 's3://me:pass@bucket/a' (pass)"], "s3://me:pass@bucket/a")
        ["403 for 's3://bucket/a' (...)"]
    """
    urls = [place for place in places if is_url(place)]
    return cast(T, _hidden(said, urls)) if urls else said


def _hidden(said: Any, urls: Sequence[str]) -> Any:
    if isinstance(said, Mapping):
        return {key: _hidden(value, urls) for key, value in said.items()}
    if isinstance(said, list | tuple):
        parts = [_hidden(part, urls) for part in said]
        return type(said)(*parts) if hasattr(said, "_fields") else type(said)(parts)
    if not isinstance(said, str):
        return said
    for url in urls:
        said = said.replace(url, without_secrets(url))
        for secret in sorted(_parts(url)[3], key=len, reverse=True):
            said = said.replace(secret, "...")
    return said


def conceal_secrets(message: str) -> str:
    """Return a message with every address in it as `without_secrets` shows it.

    Example:
        >>> conceal_secrets("'s3://me:pass@bucket/a' and gs://bucket/b?token=1 cannot be read.")
        "'s3://bucket/a' and gs://bucket/b cannot be read."
    """
    return re.sub(rf"{ADDRESS.pattern}[^\s'\"<>`]+", lambda found: without_secrets(found[0]), message)


def _parts(url: str) -> tuple[str, str, str, set[str]]:
    """Return scheme, host, path and what must not be shown of an address."""
    scheme, rest = url.split("://", 1)
    address, _, query = re.split(r"([?#]|$)", rest, maxsplit=1)
    authority, slash, path = address.partition("/")
    user, _, host = authority.rpartition("@")
    values = [part.rpartition("=")[2] for part in query.split("&")]
    secrets = {query, *(value for value in values if len(value) >= KEY), user, user.partition(":")[2]}
    return scheme, host, f"{slash}{path}", {secret for secret in secrets if len(secret) > 3}
