"""Typed settings: each part of the project declares its own class; this module checks composed nodes against them."""

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from .errors import UserError, did_you_mean
from .kinds import KIND, TARGET, chosen_class, hashed_name, kinds

log = logging.getLogger(__name__)

S = TypeVar("S", bound="Settings")

Packages = Annotated[list[str], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)]
"""One package or several."""


class Settings(BaseModel):
    """Base class of all settings: immutable, unknown fields refused.

    The node of an abstract class selects one of its kinds with `kind` or `_target_`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())

    def __hash__(self) -> int:
        """Of the values, which may be lists."""
        return hash(self.model_dump_json())

    @property
    def rule_revision(self) -> int:
        """Revision of the code behind these values; a higher one says that equal values now give another result.

        Override it where a bug fix changed results, for the values concerned. It is part of a run's name, so that one
        name never means two results.
        """
        return 1

    @model_validator(mode="wrap")
    @classmethod
    def _read_as_kind(cls, node: Any, handler: Callable[[Any], Any], info: Any) -> Any:
        if not isinstance(node, Mapping):
            return handler(node)
        if not inspect.isabstract(cls):
            return handler(with_new_names(cls, node))
        if not {KIND, TARGET} & {*node}:
            raise ValueError(f"should say with {KIND} which {cls.__name__} it is; there are {', '.join(kinds(cls))}")
        chosen = chosen_class(node, cls, (info.context or {}).get("trust", ()))
        return chosen.model_validate(without_choice(chosen, node), context=info.context)


def not_defining(default: Any = ..., **unless: str) -> Any:
    """A field that does not affect the result, such as how a run is displayed; it is not part of a run's identity.

    Args:
        default: default value of the field.
        unless: values of other fields with which this one does affect the result.
    """
    return Field(default, json_schema_extra={"defining": False, "unless": {**unless}})


def added(default: Any) -> Any:
    """A field that was added later. At its default, the behaviour before, it is not part of a run's identity."""
    return Field(default, json_schema_extra={"added": True})


def renamed(old: str, default: Any = ...) -> Any:
    """A renamed field. The old name is still read, and is still the one in a run's identity."""
    return Field(default, json_schema_extra={"was": old})


def without_choice(cls: type[Settings], node: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a node without `kind` and `_target_`. With a `_target_`, `kind` may be a field of the class."""
    own = {*cls.model_fields, *old_names(cls).values()} if TARGET in node else set()
    return {key: value for key, value in node.items() if key not in {KIND, TARGET} - own}


def with_new_names(cls: type[Settings], node: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a node with old field names replaced by the new ones; logs a line for each."""
    new = {old: name for name, old in old_names(cls).items() if old in node}
    for old, name in new.items():
        log.warning("%s is called %s now", old, name)
    return {new.get(key, key): value for key, value in node.items()}


def old_names(cls: type[Settings]) -> dict[str, str]:
    """Old names of fields, by their new names."""
    extras = {name: field.json_schema_extra for name, field in cls.model_fields.items()}
    return {name: str(extra["was"]) for name, extra in extras.items() if isinstance(extra, dict) and "was" in extra}


def defining_values(settings: Settings) -> dict[str, Any]:
    """The values that define a result, as nested JSON values; a run's identity consists of them."""
    values: dict[str, Any] = {**hashed_name(type(settings))}
    for name, field in type(settings).model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        value = getattr(settings, name)
        unless: Any = extra.get("unless", {})
        matters = any(getattr(settings, other) == needed for other, needed in unless.items())
        if (extra.get("defining") is False and not matters) or (extra.get("added") and value == field.default):
            continue
        values[str(extra.get("was", name))] = (
            defining_values(value)
            if isinstance(value, Settings)
            else settings.model_dump(mode="json", include={name})[name]
        )
    return values


def rule_revisions(settings: Settings, prefix: str = "") -> dict[str, int]:
    """Revisions above 1 of settings and nested settings, by dotted keys such as `optimizer`."""
    found = {prefix: settings.rule_revision} if settings.rule_revision > 1 else {}
    for name in type(settings).model_fields:
        part = getattr(settings, name)
        if isinstance(part, Settings):
            found |= rule_revisions(part, f"{prefix}.{name}".lstrip("."))
    return found


def read_settings(cls: type[S], node: Mapping[str, Any], trust: str | Sequence[str] = ()) -> S:
    """Checks a nested mapping against a settings class.

    Args:
        cls: the settings class.
        node: for example a composed configuration, or one from an untrusted run directory.
        trust: packages outside this project whose classes the mapping may name. They are imported and so executed;
            therefore this has to come from the command line and never from the mapping itself.

    Raises:
        UserError: a value is of the wrong type or out of range, or a field is unknown or missing. One line has all of
            them, each with its full key.
    """
    trust = (trust,) if isinstance(trust, str) else tuple(trust)
    try:
        return cls.model_validate(node, context={"trust": trust})
    except ValidationError as error:
        raise UserError("; ".join(_in_words(details, cls, node, trust) for details in error.errors())) from None


def _in_words(details: ErrorDetails, cls: type[Settings], node: Mapping[str, Any], trust: Sequence[str]) -> str:
    """One validation error as `key=value: what is wrong`."""
    key = ".".join(str(part) for part in details["loc"])
    kind, given = details["type"], details["input"]
    if kind == "missing":
        return f"{key} is missing"
    if kind == "extra_forbidden":
        *parents, name = details["loc"]
        return f"{key} is not a setting{did_you_mean(str(name), _siblings(cls, node, parents, trust))}"
    if given is None or given == "":
        return f"{key} is empty: {_expected(details)}"
    if isinstance(given, Mapping):
        return f"{key}: {_expected(details)}" if key else _expected(details)
    if kind == "model_type":
        names = _siblings(cls, node, [*details["loc"]], trust)
        form = f" {{{', '.join(f'{name}: …' for name in names)}}}" if names else ""
        return f"{key}={given}: should be a group of settings{form}, or null where it can be left out"
    return f"{key}={given}: {_expected(details)}"


def _expected(details: ErrorDetails) -> str:
    """What the value should be, in the words of the validator."""
    if details["type"] == "model_type":
        return "should be a group of settings, or null where it can be left out"
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = message.replace("should be a valid integer", "should be a whole number")
    return message[:1].lower() + message[1:] if details["type"] != "value_error" else message


def _siblings(cls: type[Settings], node: Mapping[str, Any], parents: list[Any], trust: Sequence[str]) -> list[str]:
    """Names of the valid settings at the place of an unknown one."""
    for parent in parents:
        node = node[parent]
        if parent not in cls.model_fields:  # a key of a mapping, whose value class is known already
            continue
        types = (cls.model_fields[parent].annotation, *get_args(cls.model_fields[parent].annotation))
        cls = next(each for each in types if isinstance(each, type) and issubclass(each, Settings))
        if inspect.isabstract(cls) and isinstance(node, Mapping) and {KIND, TARGET} & {*node}:
            cls = chosen_class(node, cls, trust)
    return list(cls.model_fields)
