"""Where the files of a study go: committed results change only by the command that is written in them."""

import json
import shlex
import sys
from pathlib import Path

from ..config.errors import UserError
from ..runs.provenance import command

RESULTS = Path("results")
"""The committed ones."""

FIGURES = Path("runs/figures")
"""Everybody's own."""

OUTPUT = "output="


def arguments() -> list[str]:
    """The settings of the command line without `output=FOLDER`, which every experiment has.

    Raises:
        UserError: it names no folder, or several.
    """
    named_output()
    return [text for text in sys.argv[1:] if not text.startswith(OUTPUT)]


def no_arguments() -> None:
    """For an experiment that has no other setting.

    Raises:
        UserError: there is one.
    """
    for text in arguments():
        raise UserError(f"{text}: this command has no settings but output=FOLDER")


def root(record: str) -> Path:
    """The folder that holds the folders of all studies: the one that `output=` names, or else that of everybody's own.

    Args:
        record: where the study writes its facts in there. If these were made by this very command among the committed
            results, it makes them anew.
    """
    return named_output() or (RESULTS if _made_by_this_command(RESULTS / record) else FIGURES)


def named_output() -> Path | None:
    """The folder that `output=` names, if it does.

    Raises:
        UserError: it names none, or several.
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
        return shlex.split(made_with)[1:] == shlex.split(command())[1:]  # whatever Python is called here
    except (OSError, ValueError, KeyError, TypeError):
        return False
