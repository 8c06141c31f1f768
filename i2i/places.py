"""Places that people type: paths of this machine, and addresses."""

import re

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
        ('https://tiles.org/{z}/{x}/{y}?...', 'photos?')
    """
    if not is_url(place):
        return place
    scheme, host, path, _ = _parts(place)
    return f"{scheme}://{host}{path}"


def hide_secrets(text: str, place: str) -> str:
    """Return what a stranger's code says about an address, with the address as `without_secrets` shows it.

    Example:
        >>> hide_secrets("403 for 's3://me:pass@bucket/a' (pass)", "s3://me:pass@bucket/a")
        "403 for 's3://bucket/a' (...)"
    """
    if not is_url(place):
        return text
    text = text.replace(place, without_secrets(place))
    *_, secrets = _parts(place)
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "...")
    return text


def _parts(url: str) -> tuple[str, str, str, set[str]]:
    """Return scheme, host, path and what must not be shown of an address."""
    scheme, rest = url.split("://", 1)
    address, mark, query = re.split(r"([?#]|$)", rest, maxsplit=1)
    authority, slash, path = address.partition("/")
    user, _, host = authority.rpartition("@")
    values = [part.rpartition("=")[2] for part in query.split("&")]
    secrets = {user, user.partition(":")[2], query, *(value for value in values if len(value) > 3)} - {""}
    return scheme, host, f"{slash}{path}{f'{mark}...' if query else ''}", secrets
