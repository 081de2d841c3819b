"""Engines to time, from the command lines that a user would type."""

from omegaconf import OmegaConf

from src.config.compose import composed_jobs
from src.train import read_run_settings, run_name
from src.training.engine import Engine
from src.training.plan import make_plan


def engine(*arguments: str) -> Engine:
    """The engine of one command line of `python -m src.train`."""
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    (job,) = composed_jobs("train", list(arguments))
    settings = read_run_settings(job)
    dataset = settings.dataset()
    return Engine(settings, dataset, make_plan(settings, dataset.spec.train))
