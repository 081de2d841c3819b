"""Checks of Hydra's own settings that Hydra would only reject after it has made directories."""

import logging.config
import os
from copy import deepcopy
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

from .errors import UserError, one_line


def check_hydra_settings(job: DictConfig) -> None:
    """Refuses settings with which Hydra, logging or joblib would fail at their start.

    Args:
        job: a composed configuration with Hydra's node.

    Raises:
        UserError: a setting has an invalid value.
    """
    verbose = job.hydra.verbose
    if not isinstance(verbose, (bool, str, ListConfig)):
        raise UserError(f"hydra.verbose={verbose}: should be true, false or names of loggers")
    if job.hydra.launcher.get("n_jobs") == 0:
        raise UserError("hydra.launcher.n_jobs=0: should be how many jobs run side by side, or -1 for one on each core")
    for name in ("hydra_logging", "job_logging"):
        _check_logs(name, job)


def _check_logs(name: str, job: DictConfig) -> None:
    """Configures logging as Hydra will, but without log files."""
    anywhere = deepcopy(job)
    with open_dict(anywhere):
        anywhere.hydra.runtime.output_dir = ""
    logs: Any = OmegaConf.to_container(anywhere.hydra[name], resolve=True)
    if not logs or not logs.get("root"):
        return
    for handler in logs.get("handlers", {}).values():
        if "filename" in handler:
            handler["filename"] = os.devnull
    try:
        logging.config.dictConfig(logs)
    except (ValueError, TypeError, AttributeError, HydraException) as error:
        why = f": {one_line(error.__cause__)}" if isinstance(error.__cause__, Exception) else ""
        raise UserError(f"hydra.{name}: {one_line(error)}{why}") from None
