"""Output folders of studies: committed results are only overwritten by the command that made them."""

import json
import shlex
import sys
from pathlib import Path

from ..config.errors import UserError
from ..runs.provenance import command

RESULTS = Path("results")
"""Committed results."""

FIGURES = Path("runs/figures")
"""Results of the user, not committed."""

OUTPUT = "output="


def arguments() -> list[str]:
    """The settings of the command line without `output=FOLDER`, which every experiment has.

    Raises:
        UserError: `output=` has no value, or occurs several times.
    """
    named_output()
    return [text for text in sys.argv[1:] if not text.startswith(OUTPUT)]


def no_arguments() -> None:
    """Checks the arguments of an experiment without other settings.

    Raises:
        UserError: there is one.
    """
    for text in arguments():
        raise UserError(f"{text}: this command has no settings but output=FOLDER")


def root(record: str) -> Path:
    """The parent folder of the results of all studies: that of `output=`, else `runs/figures`.

    Args:
        record: path of the study's facts inside that folder. If the committed results have the same file, made by the
            same command, the folder is `results`.
    """
    return named_output() or (RESULTS if _made_by_this_command(RESULTS / record) else FIGURES)


def named_output() -> Path | None:
    """The folder of `output=`; None without it.

    Raises:
        UserError: `output=` has no value, or occurs several times.
    """
    named = [text.removeprefix(OUTPUT) for text in sys.argv[1:] if text.startswith(OUTPUT)]
    if named and not named[0]:
        raise UserError("output= is empty; it names the folder to write to")
    if len(named) > 1:
        raise UserError(f"output={named[1]}: there is one output already, {named[0]}")
    return Path(named[0]).expanduser() if named else None


def _made_by_this_command(file: Path) -> bool:
    try:
        made_with = json.loads(file.read_text())["made_with"]["command"]
        return shlex.split(made_with)[1:] == shlex.split(command())[1:]  # ignores the name of the interpreter
    except (OSError, ValueError, KeyError, TypeError):
        return False
