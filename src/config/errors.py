"""What a person can mend: one clear line, the nearest right thing, exit code 2."""

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
    """Something in the command, the configuration or the data that its user can mend.

    The message is a single line that names the thing, says what is wrong with it and, where there is one, names the
    nearest right thing.
    """


def look_alike(word: str) -> str:
    """The same for all words that look alike, as `resnet2O` and `resnet20` do."""
    return word.lower().translate(ALIKE)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like `word`, if one does at all."""
    looks = {look_alike(name): name for name in sorted(set(known), reverse=True)}
    near = difflib.get_close_matches(look_alike(word), sorted(looks), n=1)
    return looks[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A clause that names the known word nearest to `word`, or lists all of them when none is near.

    Returns:
        `"; did you mean 'depth'?"`, or `"; known are: a, b, c"`, or nothing when nothing is known.
    """
    names = sorted(set(known))
    near = nearest(word, names)
    if near is not None:
        return f"; did you mean '{near}'?"
    return f"; known are: {', '.join(names)}" if names else ""


def say(line: str) -> None:
    """Prints a line to standard error, beside the log; a lost terminal is ignored."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def one_line(error: Exception) -> str:
    """What an error says, without its line breaks."""
    return " ".join(str(error).split())


def first_line(error: BaseException) -> str:
    """What an error of OmegaConf says, without the lines on its types."""
    return str(error).partition("\n")[0]


def no_settings(arguments: Sequence[str]) -> None:
    """For a command that has none.

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
