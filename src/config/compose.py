"""From a command line to composed configurations, with every mistake in it reported before anything happens.

Hydra itself reports a bad override over several lines, with exit code 1, after it has made a directory. So the command
line is composed and checked here first, and handed over to Hydra only when there is nothing left to refuse.
"""

import itertools
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.main import get_args_parser
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.config.errors import UserError, did_you_mean, nearest, one_line

CONF = Path(__file__).resolve().parents[2] / "conf"
HYDRA_OWN = ("help", "hydra_help", "version", "show_cfg", "cfg", "shell_completion", "info")


def composed_jobs(config: str, arguments: list[str]) -> list[DictConfig]:
    """Composes every job that a command line asks for: one, or with `-m` one for each combination of its sweep.

    Args:
        config: name of the primary configuration in `conf/`.
        arguments: the command line without the program.

    Returns:
        One resolved configuration for each job, with Hydra's own node; nothing when Hydra is asked for help.

    Raises:
        UserError: the command line cannot be read, or names what does not exist.
    """
    asked, unknown = get_args_parser().parse_known_args(arguments)
    if unknown and "=" in unknown[0]:
        raise UserError(
            f"{unknown[0]} is apart from the other settings; options such as -m come before or after them all"
        )
    if unknown:
        raise UserError(f"{unknown[0]} is no option; settings are written key=value, and --help explains the rest")
    if any(getattr(asked, name, None) for name in HYDRA_OWN):
        return []
    with _conf(asked.config_dir):
        mode = "hydra.mode=MULTIRUN" if asked.multirun else "hydra.mode=RUN"
        name = asked.config_name or config
        return [_composed(name, [*overrides, mode]) for overrides in _jobs(asked.overrides, asked.multirun)]


@contextmanager
def _conf(extra: str | None) -> Iterator[None]:
    """Opens `conf/`, and beside it the directory of a person's own configurations if there is one."""
    if extra and not Path(extra).is_dir():
        raise UserError(f"--config-dir {extra} is not there")
    if extra:
        importable_beside(Path(extra))
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            if extra:
                loader = GlobalHydra.instance().config_loader()
                assert isinstance(loader, ConfigLoaderImpl)
                loader.get_search_path().prepend("command-line", f"file://{Path(extra).absolute()}", anchor="schema")
                loader.repository = ConfigRepository(loader.get_search_path())
            yield
    except HydraException as error:
        raise UserError(one_line(error)) from None


def importable_beside(configurations: Path) -> None:
    """Lets Python find what stands beside a person's own configurations, after everything that it finds anyway."""
    folder = str(configurations.absolute().parent)
    if folder not in sys.path:
        sys.path.append(folder)


def find_own_code(hydra: Any) -> None:
    """The same from Hydra's node of a job, for the process that runs it."""
    for source in hydra.runtime.config_sources:
        if source.provider == "command-line":
            importable_beside(Path(source.path))


def _jobs(overrides: list[str], multirun: bool) -> list[list[str]]:
    """The overrides of each job; a sweep over several values becomes several jobs."""
    parsed = [_parsed(text) for text in overrides]
    for override in parsed:
        if override.is_sweep_override() and not multirun:
            raise UserError(f"{override.input_line} names several values; add -m to run one job for each")
        if override.is_sweep_override() and not override.is_discrete_sweep():
            raise UserError(
                f"{override.input_line} names no values that could be run one by one; write some, or a range"
            )
    choices = [
        [f"{_key(override)}={value}" for value in override.sweep_string_iterator()]
        if override.is_sweep_override()
        else [_text(override)]
        for override in parsed
    ]
    for override, values in zip(parsed, choices, strict=True):
        if not values:
            raise UserError(f"{override.input_line} names no value that there is")
    return [list(job) for job in itertools.product(*choices)]


def _parsed(text: str) -> Override:
    """One override.

    Raises:
        UserError: it is not of the form that Hydra reads.
    """
    if text.startswith("="):
        raise UserError(f"{text} has no name before the =; settings are written key=value")
    try:
        (override,) = OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides([text])
        return override
    except HydraException:
        key, _, value = text.partition("=")
        quoted = shlex.quote(f'{key}="{value}"')
        raise UserError(f"cannot read '{text}'; write key=value, and special characters in quotes: {quoted}") from None


def _composed(config: str, overrides: list[str]) -> DictConfig:
    """One composed configuration, or the first override that stands in its way."""
    parsed = [_parsed(text) for text in overrides]
    known = compose(config, return_hydra_config=True)
    for override in parsed:
        _check_group(override, known)
    try:
        job = compose(config, overrides, return_hydra_config=True)
        OmegaConf.resolve(without(job, "hydra"))
        return job
    except (HydraException, OmegaConfBaseException) as error:
        groups = [_text(override) for override in parsed if _is_group(override)]
        known = compose(config, groups, return_hydra_config=True)
        for override in parsed:
            if not _is_group(override):
                _check_key(override, known)
        raise UserError(one_line(error)) from None


def _check_group(override: Override, known: DictConfig) -> None:
    """Refuses a choice that its group does not have, and a plus too many or too few.

    Raises:
        UserError: naming the right spelling or the nearest choice.
    """
    if not _is_group(override):
        return
    name, key = str(override.key_or_group), _key(override)
    choice = override.value()
    options = _options(name)
    chosen_by_default = name in known.hydra.runtime.choices
    for option in choice if isinstance(choice, list) else [choice]:
        if option in (None, ""):
            raise UserError(f"{key}= is empty{did_you_mean('', options)}")
        if str(option) not in options:
            raise UserError(f"{key}={option}: conf/{name}/ has no {option}.yaml{did_you_mean(str(option), options)}")
    if override.is_add() and chosen_by_default:
        raise UserError(f"{override.input_line}: there is a {name} already; write {_text(override).lstrip('+')}")
    if not override.is_add() and not override.is_delete() and not chosen_by_default:
        raise UserError(f"{override.input_line}: nothing to replace; write +{override.input_line}")


def _check_key(override: Override, known: DictConfig) -> None:
    """Refuses a key that no file of the composition has.

    Raises:
        UserError: naming the nearest key and the file it belongs to.
    """
    key = str(override.key_or_group)
    if key.startswith("hydra.") or override.is_add():
        return
    if OmegaConf.select(known, key, throw_on_missing=False) is None and not _exists(known, key):
        groups = [*known.hydra.runtime.choices, *_groups()]
        keys = {name: name for name in [*_keys(without(known, "hydra")), *groups]}
        if "." not in key:
            keys |= {name.rpartition(".")[2]: name for name in keys if "." in name}
        near = nearest(key, keys)
        if near is None:
            raise UserError(f"{override.input_line}: there is no such setting; see the table of settings in README.md")
        mend = f"did you mean '{keys[near]}'? It belongs to {_file_of(keys[near], known)}"
        raise UserError(f"{override.input_line}: there is no such setting; {mend}")


def _file_of(key: str, known: DictConfig) -> str:
    """The file of `conf/` that a setting is written in."""
    group = key.split(".")[0]
    choice = known.hydra.runtime.choices.get(group)
    if choice:
        return f"conf/{group}/{choice}.yaml"
    return f"conf/{group}/" if group in _groups() else "conf/train.yaml"


def _is_group(override: Override) -> bool:
    name = str(override.key_or_group)
    return name in _groups() or name.startswith("hydra/")


def _groups() -> list[str]:
    return [name for name in GlobalHydra.instance().config_loader().list_groups("") if name != "hydra"]


def _options(group: str) -> list[str]:
    return GlobalHydra.instance().config_loader().get_group_options(group)


def _key(override: Override) -> str:
    """The key as it was typed, with its plus signs, its tilde and its package."""
    return _text(override).partition("=")[0]


def _text(override: Override) -> str:
    """The override as it was typed."""
    return override.input_line or ""


def _exists(config: DictConfig, key: str) -> bool:
    """Whether the key is written down, be it with the value null."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return isinstance(node, DictConfig) and name in node


def _keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Every key of a configuration, dotted."""
    for name, node in config.items_ex(resolve=False):
        yield f"{prefix}{name!s}"
        if isinstance(node, DictConfig) and not node._is_none():
            yield from _keys(node, f"{prefix}{name!s}.")


def without(config: DictConfig, *names: str) -> DictConfig:
    """A composed configuration less some of its top nodes."""
    return OmegaConf.masked_copy(config, [str(name) for name in config if name not in names])
