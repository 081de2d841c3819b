"""A study as a command: its settings, and one report after the other."""

from collections.abc import Callable

from ..config.errors import reported
from ..training.interruption import resumable
from .output import arguments
from .results import results_folder
from .settings import StageT, StudySettings, read_study


def run_study(name: str, stage: type[StageT], report: Callable[[str, StageT], None]) -> None:
    """Reports every stage of the profile that the command line chooses; mistakes are one line, Ctrl-C is resumable.

    Args:
        name: of the study, as of its file in `conf/study/`.
        stage: class of the settings of its stages.
        report: measures, draws and writes one stage, into the folder of results that it is told.
    """
    with reported(), resumable():
        settings = read_study(StudySettings[stage], name, arguments())  # type: ignore[valid-type]
        for each in settings.chosen():
            results_folder(f"{name}/{each}")
        for each, own in settings.chosen().items():
            report(f"{name}/{each}", own)
