"""Engines to time, from the command lines that a user would type."""

from src.training.composed import composed_runs, run_settings
from src.training.engine import Engine
from src.training.plan import make_plan


def engine(*arguments: str) -> Engine:
    """The engine of one command line of `python -m src.train`."""
    (job,) = composed_runs("train", list(arguments))
    settings = run_settings(job)
    dataset = settings.dataset()
    return Engine(settings, dataset, make_plan(settings, dataset.spec.train))
