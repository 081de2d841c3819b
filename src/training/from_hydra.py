"""From a composed configuration to the typed settings, the name and the directory of a run."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from ..config.compose import compose_jobs, find_own_code, without
from ..config.errors import UserError, first_line
from ..config.kinds import HOME
from ..config.settings import read_settings
from ..runs.files import at_home
from ..runs.identity import run_hash

if TYPE_CHECKING:
    from .settings import RunSettings

NOT_OF_THE_RUN = ("hydra", "search")


def compose_runs(config: str, arguments: list[str]) -> list[DictConfig]:
    """Composes every job of a command line, as `compose_jobs` does, with names for their directories."""
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    OmegaConf.register_new_resolver("package", lambda: HOME, replace=True)
    return compose_jobs(config, with_home(arguments))


def with_home(arguments: Sequence[str]) -> list[str]:
    """A command line whose directories begin with the home directory where they begin with `~`; Hydra knows none."""
    pattern = re.compile(r"""(hydra\.(?:run|sweep)\.dir=["']?)(~[^/"']*)(.*)""", re.DOTALL)
    found = [(argument, pattern.fullmatch(argument)) for argument in arguments]
    return [f"{home[1]}{at_home(home[2])}{home[3]}" if home else argument for argument, home in found]


def run_settings(job: DictConfig) -> "RunSettings":
    """The typed settings of a composed job.

    Raises:
        UserError: a value is not what its part accepts.
    """
    from .settings import RunSettings  # imports JAX, which names of settings do not need

    values = run_config(job)
    return read_settings(RunSettings, values, trust=values.get("trust", ()))


def run_config(job: DictConfig) -> dict[str, Any]:
    """The settings of a composed job as plain values."""
    try:
        return OmegaConf.to_container(without(job, *NOT_OF_THE_RUN), resolve=True, throw_on_missing=True)  # type: ignore[return-value]
    except MissingMandatoryValue as error:
        raise UserError(f"{error.full_key} is missing; write {error.full_key}=…") from None


def run_name(*, _root_: DictConfig) -> str:
    """The name of a run, for `hydra.run.dir`: its experiment, and a hash of what defines its result."""
    find_own_code(_root_.hydra)
    return f"{experiment_of(_root_)}-{run_hash(run_settings(_root_))}"


def experiment_of(job: DictConfig) -> str:
    """The experiment of a composed job, or its network and data where it names none."""
    choices = job.hydra.runtime.choices
    return choices.get("experiment") or f"{choices.model}-{choices.data}"


def run_path(job: DictConfig) -> Path:
    """The directory that Hydra will give to a job.

    Raises:
        UserError: its name is empty, as that of a shell's variable which is not set, or holds a `${…}` that means
            nothing.
    """
    keys = ("sweep.dir", "sweep.subdir") if job.hydra.mode == RunMode.MULTIRUN else ("run.dir",)
    return Path(*(_part(job, key) for key in keys))


def _part(job: DictConfig, key: str) -> str:
    """One of Hydra's own settings that make up a path."""
    try:
        part = OmegaConf.select(job.hydra, key)
    except OmegaConfBaseException as error:
        raise UserError(f"hydra.{key}: {first_line(error)}") from None
    if not part or not part.strip():
        raise UserError(f"hydra.{key} is empty; name a directory")
    return str(part)
