"""Errors that the user can fix: one line with the nearest valid alternative, exit code 2."""

import difflib
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from .status import show_status

EXIT_USER_ERROR = 2
ALIKE = str.maketrans("oil", "011")
SIGNALLED = 128
"""Added to the number of the signal that ended a process."""


class UserError(Exception):
    """An error in the command, the configuration or the data that the user can fix.

    The message is a single line. It says what is wrong with which value and, if there is one, names the nearest valid
    alternative.
    """


def look_alike(word: str) -> str:
    """A normal form that is equal for words that look alike, such as `resnet2O` and `resnet20`."""
    return word.lower().translate(ALIKE)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most similar to `word`, or None if no word is similar."""
    looks = {look_alike(name): name for name in sorted(set(known), reverse=True)}
    near = difflib.get_close_matches(look_alike(word), sorted(looks), n=1)
    return looks[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A clause that suggests the known word nearest to `word`, or lists all known words if none is near.

    Returns:
        `"; did you mean 'depth'?"`, or `"; known are: a, b, c"`, or an empty string without known words.
    """
    names = sorted(set(known))
    near = nearest(word, names)
    if near is not None:
        return f"; did you mean '{near}'?"
    return f"; known are: {', '.join(names)}" if names else ""


def say(line: str) -> None:
    """Prints a line to standard error; a closed terminal is ignored."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def one_line(error: Exception) -> str:
    """The message of an error on one line."""
    return " ".join(str(error).split())


def first_line(error: BaseException) -> str:
    """The first line of an OmegaConf error; the others repeat types."""
    return str(error).partition("\n")[0]


def no_settings(arguments: Sequence[str]) -> None:
    """Checks the arguments of a command without settings.

    Raises:
        UserError: there are arguments.
    """
    if arguments:
        raise UserError(f"{arguments[0]}: this command has no settings")


@contextmanager
def reported() -> Iterator[None]:
    """Prints a `UserError` as one line on standard error and exits with code 2."""
    show_status("")
    try:
        yield
    except UserError as error:
        say(f"error: {error}")
        sys.exit(EXIT_USER_ERROR)
