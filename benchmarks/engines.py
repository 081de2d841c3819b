"""Engines to time, from the command lines that a user would type."""

import jax

from src.training.engine import Engine
from src.training.from_hydra import compose_runs, run_settings
from src.training.settings import RunSettings

PRECISION = {"cpu": "float32", "gpu": "bfloat16"}
"""Precision of the measurements on each platform."""


def run_settings_of(*arguments: str) -> RunSettings:
    """The settings of one command line of `python -m src.train`."""
    (job,) = compose_runs("train", list(arguments))
    return run_settings(job)


def engine(*arguments: str) -> Engine:
    """The engine of one command line of `python -m src.train`, with its `precision.matmul`."""
    settings = run_settings_of(*arguments)
    jax.config.update("jax_default_matmul_precision", settings.precision.matmul)
    return Engine(settings)
