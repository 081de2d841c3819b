"""Errors for names on a command line that do not exist, with the nearest ones that do."""

from collections.abc import Iterator
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from omegaconf import Container, DictConfig, OmegaConf

from .errors import UserError, did_you_mean, look_alike, nearest
from .kinds import TARGET
from .overrides import typed_key, typed_text

RECIPES = "experiment"
"""The group whose files change settings of all other groups."""

BROUGHT = {
    "lr": "optimizer.learning_rate={}",
    "wd": "optimizer.weight_decay={}",
    "opt": "optimizer={}",
    "scheduler": "schedule={}",
    "lr_scheduler": "schedule={}",
    "epoch": "train.duration={}epochs",
    "epochs": "train.duration={}epochs",
    "max_epochs": "train.duration={}epochs",
    "num_epochs": "train.duration={}epochs",
    "steps": "train.duration={}steps",
    "max_steps": "train.duration={}steps",
    "iterations": "train.duration={}steps",
    "ema": "train.average={}",
    "bs": "data.batch_size={}",
    "batch_size": "data.batch_size={}",
    "batch": "data.batch_size={}",
    "dataset": "data={}",
    "arch": "model={}",
    "network": "model={}",
    "gpu": "parallel.devices={}",
    "gpus": "parallel.devices={}",
    "num_gpus": "parallel.devices={}",
    "amp": "precision=bfloat16",
    "fp16": "precision=bfloat16",
    "bf16": "precision=bfloat16",
    "logger": "tracking={}",
    "output_dir": "hydra.run.dir={}",
    "save_dir": "hydra.run.dir={}",
}
"""Names of settings in other projects, and what they are called here."""


def check_choice(override: Override) -> None:
    """Refuses choices that Hydra accepts: none at all, and a file of `conf/experiment` for settings of its own.

    Raises:
        UserError: what is missing.
    """
    if not is_group(override):
        return
    name, key = str(override.key_or_group), typed_key(override)
    for option in _choices(override):
        if option in (None, ""):
            raise UserError(f"{key}= is empty{did_you_mean('', options(name))}")
        recipe = name == RECIPES and str(option) in options(name) and not override.package
        if recipe and _file(name, str(option)).header.get("package") != "_global_":
            raise UserError(f"{key}={option}: {name}/{option}.yaml has to begin with the line: # @package _global_")


def check_group(override: Override, known: DictConfig) -> None:
    """Refuses an option that its group does not have, and a missing or superfluous plus sign.

    Args:
        override: as typed.
        known: the composition without it.

    Raises:
        UserError: the message has the right spelling or the nearest option.
    """
    if not is_group(override):
        return
    name, key = str(override.key_or_group), typed_key(override)
    chosen_by_default = name in known.hydra.runtime.choices
    for option in _choices(override):
        if str(option) not in options(name):
            raise UserError(f"{key}={option}: conf/{name}/ has no {option}.yaml{_meant(name, str(option), known)}")
    if override.is_add() and chosen_by_default:
        raise UserError(f"{override.input_line}: there is a {name} already; write {typed_text(override).lstrip('+')}")
    if not override.is_add() and not override.is_delete() and not chosen_by_default:
        raise UserError(f"{override.input_line}: nothing to replace; write +{override.input_line}")


def _choices(override: Override) -> list[Any]:
    """The options that an override selects; several for a list of them."""
    choice = override.value()
    return choice if isinstance(choice, list) else [choice]


def check_key(override: Override, known: DictConfig) -> None:
    """Refuses a key that the composed configuration does not have.

    Args:
        override: as typed.
        known: the composition with the selected groups and no other overrides.

    Raises:
        UserError: the message has the nearest key and its file.
    """
    key = str(override.key_or_group)
    if key.startswith("hydra.") or override.is_add() or _exists(known, key):
        return
    raise UserError(f"{override.input_line}: {_mend(key, typed_text(override).partition('=')[2], known)}")


def _mend(key: str, value: str, known: DictConfig) -> str:
    """What to write instead of a setting that does not exist."""
    group, _, name = key.partition(".")
    owners = [option for option in options(group) if name and _exists(_file(group, option).config, name)]
    if owners:
        choices = " or ".join(f"{group}={option}" for option in owners[:3])
        return f"{group}={known.hydra.runtime.choices.get(group)} has no such setting; it belongs to {choices}"
    lacking = "there is no such setting"
    if name == TARGET:
        return f"{lacking}; a class of your own is added: +{key}={value}"
    brought = BROUGHT.get(key.rpartition(".")[2].lower())
    if brought:
        return f"{lacking}; write {brought.format(value or '…')}"
    keys = {name: name for name in [*_keys(known), *known.hydra.runtime.choices, *_groups()]}
    if "." not in key:
        keys |= {name.rpartition(".")[2]: name for name in keys if "." in name}
    near = nearest(key, keys)
    if near is None:
        return f"{lacking}; see the table of settings in docs/settings.md"
    return f"{lacking}; did you mean '{keys[near]}'? It belongs to {_file_of(keys[near], known)}"


def _meant(group: str, option: str, known: DictConfig) -> str:
    """Suggests the nearest option of a group, or an option of the same name in another group."""
    for other in [group, *_groups()]:
        for choice in options(other):
            if other != group and look_alike(choice) == look_alike(option):
                return f"; there is {'' if other in known.hydra.runtime.choices else '+'}{other}={choice}"
            if look_alike(choice) == look_alike(option):
                return f"; did you mean '{choice}'?"
    return did_you_mean(option, options(group))


def _file_of(key: str, known: DictConfig) -> str:
    """The file in `conf/` that defines a setting."""
    group = key.split(".")[0]
    choice = known.hydra.runtime.choices.get(group)
    if choice:
        return f"conf/{group}/{choice}.yaml"
    return f"conf/{group}/" if group in _groups() else "conf/train.yaml"


def is_group(override: Override) -> bool:
    """Whether an override selects a file of a group, and does not set a value."""
    name = str(override.key_or_group)
    return name in _groups() or name.startswith("hydra/")


def options(group: str) -> list[str]:
    """The options of a group; empty if there is no such group."""
    return GlobalHydra.instance().config_loader().get_group_options(group)


def _groups() -> list[str]:
    return [name for name in GlobalHydra.instance().config_loader().list_groups("") if name != "hydra"]


def _file(group: str, option: str) -> ConfigResult:
    """The file of an option, before composition."""
    loader = GlobalHydra.instance().config_loader()
    assert isinstance(loader, ConfigLoaderImpl)
    found = loader.repository.load_config(f"{group}/{option}")
    assert found is not None
    return found


def _exists(config: Container, key: str) -> bool:
    """Whether a key exists, even with the value null."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return name in {*node} if isinstance(node, DictConfig) else OmegaConf.select(config, key) is not None


def _keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """All dotted keys of a configuration except Hydra's own."""
    for name, node in config.items_ex(resolve=False):
        if f"{prefix}{name!s}" == "hydra":
            continue
        yield f"{prefix}{name!s}"
        if isinstance(node, DictConfig) and not node._is_none():
            yield from _keys(node, f"{prefix}{name!s}.")
