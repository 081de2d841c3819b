"""A study as a command: its settings, and one report after the other."""

from collections.abc import Callable

from src.config.errors import reported
from src.studies.output import arguments
from src.studies.settings import StageT, StudySettings, read_study
from src.training.interruption import resumable


def run_study(name: str, stage: type[StageT], report: Callable[[str, StageT], None]) -> None:
    """Reports every stage of the profile that the command line chooses; mistakes are one line, Ctrl-C is resumable.

    Args:
        name: of the study, as of its file in `conf/study/`.
        stage: class of the settings of its stages.
        report: measures, draws and writes one stage, into the folder of results that it is told.
    """
    with reported(), resumable():
        settings = read_study(StudySettings[stage], name, arguments())  # type: ignore[valid-type]
        for each, own in settings.chosen().items():
            report(f"{name}/{each}", own)
