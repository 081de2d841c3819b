"""The runs that a study is about: trained here, or taken as they are if they finished before."""

from collections.abc import Sequence
from pathlib import Path

from src.config.errors import UserError
from src.runs.directory import RunDirectory
from src.training.composed import composed_runs, run_config, run_path, run_settings
from src.training.finished import FinishedRun, load_run
from src.training.run import run

NAMED = "run="


def trained(arguments: Sequence[str]) -> list[RunDirectory]:
    """The finished runs of a command line of `src.train`, in its order; with `-m` there may be several.

    Raises:
        UserError: the command line names what does not exist.
    """
    jobs = composed_runs("train", list(arguments))
    if not jobs:
        raise UserError("settings are written key=value, as for python -m src.train")
    checked = [(run_settings(job), run_config(job), run_path(job)) for job in jobs]
    for settings, config, path in checked:
        run(settings, config, path)
    return [RunDirectory(path) for _, _, path in checked]


def named_or_trained(arguments: Sequence[str], otherwise: Sequence[str]) -> FinishedRun:
    """The run that a command line names with `run=`, or the one that it describes by settings.

    Args:
        arguments: the command line.
        otherwise: settings that come before those of the command line if no run is named.

    Raises:
        UserError: the run cannot be loaded or trained.
    """
    named = [argument.removeprefix(NAMED) for argument in arguments if argument.startswith(NAMED)]
    if named and len(arguments) > 1:
        raise UserError(f"{NAMED}{named[0]} has its own settings; leave out the others")
    (directory,) = [RunDirectory(Path(named[0]))] if named else trained([*otherwise, *arguments])
    return load_run(directory.path)
