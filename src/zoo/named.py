"""Networks by the names of their configurations."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ..config.errors import UserError, did_you_mean
from ..config.place import CONF, check_configurations
from ..config.settings import Settings, read_settings
from ..models.base import ModelSettings


class ModelNode(Settings):
    """The part of a configuration that is a network.

    Attributes:
        model: the network.
    """

    model: ModelSettings


def read_model(values: Mapping[str, Any], trust: str | Sequence[str] = ()) -> ModelSettings:
    """The settings of a network from a file of `conf/model/`.

    Args:
        values: of the file.
        trust: packages beside this project whose networks it may name.

    Raises:
        UserError: a value is not what the network accepts.
    """
    return read_settings(ModelNode, {"model": values}, trust).model


def named_model(name: str, **changes: Any) -> ModelSettings:
    """The settings of `conf/model/<name>.yaml`, with some of them changed.

    Raises:
        UserError: there is no such file, or a value is not what the network accepts.
    """
    check_configurations()
    return read_model(written(name) | changes)


def written(name: str) -> dict[str, Any]:
    """The values of `conf/model/<name>.yaml`; those of a network inside of it are those of its own file.

    Raises:
        UserError: there is no such file.
    """
    path = CONF / "model" / f"{name}.yaml"
    if not path.exists():
        known = [file.stem for file in path.parent.glob("*.yaml")]
        raise UserError(f"model={name}: conf/model/ has no {name}.yaml{did_you_mean(name, known)}")
    values: dict[str, Any] = yaml.safe_load(path.read_text())
    chosen = (each for each in values.pop("defaults", ()) if isinstance(each, dict))
    inside = {group.partition("@")[2]: written(choice) for each in chosen for group, choice in each.items()}
    return inside | values
