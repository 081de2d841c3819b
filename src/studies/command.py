"""A study as a command: its settings, and one report after the other."""

from collections.abc import Callable

from ..config.errors import reported
from ..training.interruption import resumable
from .output import arguments
from .results import results_folder
from .settings import ScaleT, StudySettings, read_study


def run_study(name: str, scale: type[ScaleT], report: Callable[[str, ScaleT], None]) -> None:
    """Reports every scale that the command line chooses; mistakes are one line, Ctrl-C is resumable.

    Args:
        name: of the study, as of its file in `conf/study/`.
        scale: class of the settings of its scales.
        report: measures, draws and writes one scale; its first argument is the folder of results.
    """
    with reported(), resumable():
        settings = read_study(StudySettings[scale], name, arguments())  # type: ignore[valid-type]
        for each in settings.chosen():
            results_folder(f"{name}/{each}")
        for each, own in settings.chosen().items():
            report(f"{name}/{each}", own)
