"""Files from the web: whole and with the SHA-256 that they should have, or not at all."""

import logging
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import pooch
import requests

from ..config.status import show_status, waiting_for
from .examples import SourceError

CONNECT_SECONDS = 5.0
"""A server that has not answered by then is given up."""

SILENT_SECONDS = 30.0
"""A connection over which nothing has come for so long counts as cut."""

ATTEMPTS = 5
PAUSE = 1.0
"""Seconds before the second attempt; before the third it is twice that, and so on."""

PIECE = 2**14
"""Bytes that are taken together; of a connection that is cut at most so many are lost."""

CUT = (requests.exceptions.ChunkedEncodingError, requests.ConnectionError, requests.Timeout)


def download(url: str, sha256: str, folder: Path) -> Path:
    """Gets a file, or finds it where it was downloaded before.

    What has come of it stands beside it with the ending `.part`, from where the next attempt goes on, be it of this
    process or of a later one. Of several processes only one may use a folder at a time.

    Raises:
        SourceError: the server does not answer, cuts every connection or sends another file, or the folder cannot be
            written.
    """
    host, name = urlsplit(url).netloc, _file_name(url)
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        with waiting_for(f"connecting to {host}"):
            return Path(pooch.retrieve(url, f"sha256:{sha256}", name, folder, downloader=_fetch))
    except requests.RequestException as error:
        raise SourceError(f"{host} {_in_words(error)}") from None
    except ValueError:
        raise SourceError(f"{name} from {host} is not the published file (SHA-256 differs)") from None
    except OSError as error:
        raise SourceError(f"{folder} cannot be written: {error.strerror}") from None


def _fetch(url: str, file: str, _: object) -> None:
    """A downloader for Pooch, which then compares checksums; one that goes on where a connection was cut."""
    Path(file).unlink()  # it is empty, and would stay where the process is killed
    _check_reachable(url)
    part = Path(file).with_name(f"{_file_name(url)}.part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _append(url, part)
            break
        except CUT:
            if attempt == ATTEMPTS:
                raise
            time.sleep(attempt * PAUSE)
    part.replace(file)


def _check_reachable(url: str) -> None:
    """Waits for a first answer, but not for long.

    This takes a thread: looking up a host's name has no time limit, and a host may have many addresses, of which each
    has the whole time.

    Raises:
        requests.RequestException: there is none.
    """
    outcomes: SimpleQueue[Exception | None] = SimpleQueue()

    def ask() -> None:
        try:
            requests.head(url, timeout=SILENT_SECONDS, allow_redirects=True).close()
            outcomes.put(None)
        except Exception as error:
            outcomes.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        error = outcomes.get(timeout=CONNECT_SECONDS)
    except Empty:
        raise requests.ConnectTimeout from None
    if error is not None:
        raise error


def _append(url: str, part: Path) -> None:
    """Downloads what a part of a file lacks."""
    done = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", "Range": f"bytes={done}-"}
    with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, SILENT_SECONDS)) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is lacking
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            done = 0  # not every server knows parts
        total = done + int(answer.headers.get("Content-Length", 0))
        with open(part, "ab" if done else "wb") as file:
            for piece in answer.iter_content(PIECE):
                file.write(piece)
                done += len(piece)
                show_status(f"downloading {_file_name(url)}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")


def _file_name(url: str) -> str:
    return Path(urlsplit(url).path).name


def _in_words(error: requests.RequestException) -> str:
    """What a server did, to stand behind its name."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.ConnectTimeout):
        return f"did not answer within {CONNECT_SECONDS:g} s"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"cut the connection {ATTEMPTS} times"
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return f"cannot be reached: {getattr(cause, 'strerror', None) or cause}"
