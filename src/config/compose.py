"""Composes configurations from a command line, and reports every mistake in it before anything happens.

Hydra reports a bad override in several lines, with exit code 1, after it has made a directory. So the command line is
composed and checked here first, and passed to Hydra only when it has no mistakes.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from threading import RLock
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.main import get_args_parser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException
from yaml import MarkedYAMLError

from .errors import UserError, first_line, one_line
from .mistakes import check_choice, check_group, check_key, is_group
from .overrides import each_job, parsed, readable, typed_text
from .place import CONF, check_configurations

UNPLACED = (HydraException, OmegaConfBaseException, AttributeError, AssertionError)
"""Raised by Hydra and OmegaConf for overrides of keys that do not exist; the last two where a value was null."""

DIRECTORIES = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")
"""These contain names of runs, which need JAX and are computed later."""

LOCK = RLock()

HYDRA_OWN = ("help", "hydra_help", "version", "show_cfg", "cfg", "shell_completion", "info")


def compose_jobs(config: str, arguments: list[str]) -> list[DictConfig]:
    """Composes every job of a command line: one, or one for each combination of its sweep.

    A sweep has several values for a setting, on the command line or in `hydra.sweeper.params`, with `-m` or
    `hydra.mode=MULTIRUN`.

    Args:
        config: name of the primary configuration in `conf/`.
        arguments: the command line without the program name.

    Returns:
        One resolved configuration per job, with Hydra's own node; an empty list when help is requested.

    Raises:
        UserError: the command line cannot be read, or names what does not exist.
    """
    check_configurations()
    _check_text(arguments)
    asked, unknown = get_args_parser().parse_known_args(readable(arguments))
    if unknown and "=" in unknown[0] and not unknown[0].startswith("-"):
        raise UserError(
            f"{unknown[0]} is apart from the other settings; options such as -m come before or after them all"
        )
    if unknown:
        raise UserError(f"{unknown[0]} is no option; settings are written key=value, and --help explains the rest")
    if any(getattr(asked, name, None) for name in HYDRA_OWN):
        return []
    with _conf(asked.config_dir):
        name = asked.config_name or config
        known = cache(partial(compose, name, return_hydra_config=True))
        written = _written(name, asked.overrides, known)
        multirun = asked.multirun or written.mode == RunMode.MULTIRUN
        swept = _swept(written) if multirun else []
        mode = "hydra.mode=MULTIRUN" if multirun else "hydra.mode=RUN"
        overrides = each_job([*swept, *asked.overrides], multirun)
        jobs = [_compose(name, [*own, mode], known) for own in overrides]
        if multirun and any(_swept(job.hydra) != swept for job in jobs):
            raise UserError("hydra.sweeper.params stands in one choice of a sweep over several; type those values")
        return jobs


def _check_text(arguments: list[str]) -> None:
    """Refuses arguments that are no valid text: file names in another encoding, or a terminal without umlauts.

    Raises:
        UserError: an argument is not UTF-8; the message says what to do.
    """
    for argument in arguments:
        if not argument.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise UserError(f"{ascii(argument)[1:-1]} is no UTF-8 text here; set PYTHONUTF8=1, or use plain letters")


@contextmanager
def _conf(extra: str | None) -> Iterator[None]:
    """Makes Hydra read `conf/`, and the directory of `--config-dir` if there is one."""
    if extra and not Path(extra).is_dir():
        raise UserError(f"--config-dir {extra} is not there")
    if extra:
        importable_beside(Path(extra))
    try:
        with alone_with_hydra(), initialize_config_dir(str(CONF), version_base="1.3"):
            if extra:
                loader = GlobalHydra.instance().config_loader()
                assert isinstance(loader, ConfigLoaderImpl)
                loader.get_search_path().prepend("command-line", f"file://{Path(extra).absolute()}", anchor="schema")
                loader.repository = ConfigRepository(loader.get_search_path())
            yield
    except HydraException as error:
        raise UserError(one_line(error)) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{mark.name}, line {mark.line + 1}" if mark else "a configuration"
        raise UserError(f"{where}: {error.problem}; this is no YAML") from None
    except UnicodeDecodeError as error:
        raise UserError(f"a file of --config-dir {extra} is no UTF-8 text: {one_line(error)}") from None


@contextmanager
def alone_with_hydra() -> Iterator[None]:
    """Hydra has one configuration for the whole process: other threads wait, and an application's own comes back."""
    with LOCK:
        before = GlobalHydra.instance().hydra
        GlobalHydra.instance().clear()
        try:
            yield
        finally:
            GlobalHydra.instance().hydra = before


def importable_beside(configurations: Path) -> None:
    """Appends the folder around the user's configurations to `sys.path`, so that modules there can be imported."""
    folder = str(configurations.absolute().parent)
    if folder not in sys.path:
        sys.path.append(folder)


def find_own_code(hydra: Any) -> None:
    """Does the same from Hydra's node of a job, in the process that runs it."""
    for source in hydra.runtime.config_sources:
        if source.provider == "command-line":
            importable_beside(Path(source.path))


def _written(config: str, overrides: list[str], known: Callable[[], DictConfig]) -> DictConfig:
    """Hydra's own settings, before the jobs are composed.

    If the overrides cannot be composed, the settings without them; composing the first job then reports the mistake.
    """
    loader = GlobalHydra.instance().config_loader()
    try:
        return loader.load_configuration(config, overrides, RunMode.MULTIRUN, validate_sweep_overrides=False).hydra
    except (*UNPLACED, ValueError):
        return known().hydra


def _swept(hydra: DictConfig) -> list[str]:
    """The sweep of a configuration, as overrides that come before those of the command line."""
    sweeper: Any = hydra.sweeper or {}
    if not str(sweeper.get("_target_")).endswith(".BasicSweeper"):
        raise UserError("hydra/sweeper: sweeps are made by Hydra's basic sweeper; searches by python -m src.search")
    return [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]


def _compose(config: str, overrides: list[str], known: Callable[[], DictConfig]) -> DictConfig:
    """Composes one job, or reports the first wrong override; `known` composes the configuration without overrides."""
    typed = [parsed(text) for text in overrides]
    for override in typed:
        check_choice(override)
    try:
        job = compose(config, overrides, return_hydra_config=True)
        OmegaConf.resolve(without(job, "hydra"))
        _check_references(job, [str(override.key_or_group) for override in typed])
        return job
    except UNPLACED as error:
        for override in typed:
            check_group(override, known())
        groups = [typed_text(override) for override in typed if is_group(override)]
        chosen = compose(config, groups, return_hydra_config=True)
        for override in typed:
            if not is_group(override):
                check_key(override, chosen)
        why = f": {first_line(error.__cause__)}" if error.__cause__ else ""
        raise UserError(f"{one_line(error)}{why}") from None


def _check_references(job: DictConfig, keys: Iterable[str]) -> None:
    """Refuses values of Hydra's own settings with interpolations of keys that do not exist.

    Raises:
        UserError: naming the setting.
    """
    for key in keys:
        if key.startswith("hydra.") and key not in DIRECTORIES:
            try:
                OmegaConf.select(job, key)
            except InterpolationKeyError as error:
                raise UserError(f"{key}: {first_line(error)}") from None


def without(config: DictConfig, *names: str) -> DictConfig:
    """A composed configuration without some of its top-level nodes."""
    return OmegaConf.masked_copy(config, [str(name) for name in config if name not in names])
