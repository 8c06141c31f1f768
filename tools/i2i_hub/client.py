"""Talk to the Hub: what may pass is tried again, what lasts becomes one line that a person can act on."""

import re
import sys
import warnings
from collections.abc import Callable, Mapping
from itertools import count
from json import JSONDecodeError
from pathlib import Path
from traceback import walk_tb
from typing import Literal, TypeVar

import httpx2
from huggingface_hub import HfApi, get_session, set_client_factory
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)
from huggingface_hub.utils.tqdm import disable_progress_bars

from i2i import __version__
from i2i.errors import I2iError, UsageError
from i2i.net.retry import BUSY, Retry
from i2i.system.files import cannot_write

T = TypeVar("T")
RepoType = Literal["model", "dataset"]

RETRY = Retry(patience=300.0)
"""The Hub counts requests over five minutes."""

TIMEOUT = 120.0
"""Seconds without a byte after which a request counts as lost; the client alone would wait for ever."""

FAILURES = (httpx2.HTTPError, OSError, HFValidationError, RevisionResolutionError, JSONDecodeError, UnicodeDecodeError)
"""What the client raises: its own errors are HTTPErrors or OSErrors."""


class HubError(I2iError):
    """The Hub did not do what was asked, or cannot be reached."""

    exit_code = 69


class AccessError(HubError):
    """The Hub refuses this account, or nobody is logged in."""

    exit_code = 77


def check_name(name: str) -> str:
    """Return the name, if it is ``USER/NAME``.

    Raises:
        UsageError: If not.
    """
    if not is_name(name):
        raise UsageError(f"{name!r} is not USER/NAME. Give the account and the name, such as ada/edges2shoes.")
    return name


def is_name(text: str) -> bool:
    """Return whether this is ``USER/NAME``."""
    return re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", text) is not None


def connect(*, endpoint: str | None = None, quiet: bool = False) -> HfApi:
    """Return the client, which says to the Hub that i2i is asking.

    Args:
        endpoint: Address of another Hub; that of the environment, or the Hub itself, when not given.
        quiet: Show no progress.
    """
    hooks = get_session().event_hooks  # the client's own, which obey HF_HUB_OFFLINE
    set_client_factory(lambda: httpx2.Client(event_hooks=hooks, follow_redirects=True, timeout=TIMEOUT))
    if quiet or not sys.stderr.isatty():
        disable_progress_bars()
    return HfApi(endpoint=endpoint, library_name="i2i", library_version=__version__)


def attempt(name: str, action: Callable[[], T], *, place: Path = Path(HF_HUB_CACHE)) -> T:
    """Do something on the Hub, again if it fails in a way that may pass.

    Args:
        name: The repository, for messages.
        action: What to do; twice does no harm.
        place: Where it writes, for messages.

    Raises:
        HubError: If it fails for good.
        OutputError: If something cannot be written, or the disk is full.
    """
    for tried in count(1):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of too little room, once a file and once a folder
                return action()
        except Exception as error:
            if not isinstance(error, FAILURES) and not _is_unreadable(error):
                raise
            failure = _behind(error)
        passing = _passing(failure)
        headers = failure.response.headers if isinstance(failure, HfHubHTTPError) else {}
        if not passing or not RETRY.again(tried, passing, headers):
            break
    raise _explain(failure, name, place) from failure


def may_pass(error: Exception) -> bool:
    """Return whether an error of the client may pass, so that what was asked may have happened nevertheless."""
    return bool(_passing(_behind(error)))


def _behind(error: Exception) -> Exception:
    """Return the failure that the client hides behind the lack of a copy in its cache."""
    hidden = isinstance(error, LocalEntryNotFoundError | RevisionResolutionError)
    return error.__cause__ if hidden and isinstance(error.__cause__, Exception) else error


def _is_unreadable(error: Exception) -> bool:
    """Return whether the client stumbled over an answer that is not the Hub's, or only a part of it.

    Such answers come from a proxy, or from a network that wants a login. An error of these kinds that is raised outside
    of the client is a mistake in i2i.
    """
    if isinstance(error, JSONDecodeError | UnicodeDecodeError):
        return True
    passed = (str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__))
    return isinstance(error, KeyError | TypeError | AttributeError) and any(
        name.startswith("huggingface_hub.") for name in passed
    )


def _passing(error: Exception) -> str:
    """Return what is wrong, a sentence without its full stop, if it may pass; else nothing."""
    if isinstance(error, tuple(REFUSALS)):
        return ""
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return f"The Hub is out of order (status {status})" if status in BUSY else ""
    if _is_unreadable(error):
        return "What answers is not the Hub, or it is cut off"
    if isinstance(error, httpx2.HTTPError | ConnectionError | TimeoutError):
        return f"The Hub cannot be reached ({_first_line(error)})"
    return ""


REFUSALS: Mapping[type[Exception], tuple[type[I2iError], str]] = {
    LocalTokenNotFoundError: (AccessError, "Nobody is logged in to the Hub. Run `hf auth login`, or set HF_TOKEN."),
    OfflineModeIsEnabled: (HubError, "{name} is not in the cache, and HF_HUB_OFFLINE switches the Hub off. Unset it."),
    GatedRepoError: (AccessError, "{name} is only for those whom its owner has let in. Ask for access on its page."),
    DisabledRepoError: (AccessError, "{name} is switched off by the Hub. Its page says why."),
    RevisionNotFoundError: (HubError, "{name} has no such revision. Look at its branches and commits on the Hub."),
    RepositoryNotFoundError: (
        HubError,
        "{name} is not on the Hub, or it is private and this account may not see it. Check the name, or log in by "
        "`hf auth login`.",
    ),
    RemoteEntryNotFoundError: (HubError, "{name} lacks a file that it should have: {said}"),
    HFValidationError: (UsageError, "{name!r} cannot be the name of a repository: {said}"),
}
"""What to raise for an error of the client, the first that fits: a gated repository is one that is not found, too."""

STATUSES: Mapping[int, tuple[type[HubError], str]] = {
    401: (AccessError, "The Hub does not know this token. Log in again by `hf auth login`, or mend HF_TOKEN."),
    403: (
        AccessError,
        "This account may not write to {name}. Give a token with the role `write`, of an account that may.{said}",
    ),
    409: (HubError, "{name} has changed on the Hub in the meantime. Look at it, then repeat the command."),
    412: (HubError, "{name} has changed on the Hub in the meantime. Look at it, then repeat the command."),
}
"""What to raise for an answer of any other kind."""


def _explain(error: Exception, name: str, place: Path) -> I2iError:
    """Return what is wrong, and what to do, in one line."""
    for kind, (raised, words) in REFUSALS.items():
        if isinstance(error, kind):
            return raised(words.format(name=name, said=_first_line(error)))
    if passing := _passing(error):
        return HubError(f"{passing}. Check the network and HF_ENDPOINT, or try again later.")
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        said = f" It says: {' '.join(error.server_message.split())}" if error.server_message else ""
        refused, words = STATUSES.get(status, (HubError, f"The Hub refuses {{name}} (status {status}).{{said}}"))
        return refused(words.format(name=name, said=said))
    if isinstance(error, OSError) and error.errno:
        return cannot_write(place, error)
    return HubError(f"The Hub cannot be asked ({_first_line(error)}). Check the network and HF_ENDPOINT.")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
