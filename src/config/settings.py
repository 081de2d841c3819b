"""Typed settings: each part of the project declares its own, and this turns a composed node into checked values."""

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from src.config.errors import UserError, did_you_mean, one_line

TARGET = "_target_"
HOME = "src"

S = TypeVar("S", bound="Settings")

Packages = Annotated[list[str], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)]
"""One package or several."""


class Settings(BaseModel):
    """Base of all settings: immutable, every field required or defaulted in the open, unknown fields refused.

    A node with a `_target_` is read as that class, which has to be a kind of the class that the place expects. So a
    new network or data set is a new class and a new configuration, and no table elsewhere has to know of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())

    @property
    def rule_revision(self) -> int:
        """Number of the rule that these values stand for; a higher one says that equal values give another result now.

        It is overridden where a rule was mended, for the values whose results changed. It is part of a run's name, so
        that no name means two results.
        """
        return 1

    @model_validator(mode="wrap")
    @classmethod
    def _read_as_target(cls, node: Any, handler: Callable[[Any], Any], info: Any) -> Any:
        if not isinstance(node, Mapping) or TARGET not in node:
            if isinstance(node, Mapping) and inspect.isabstract(cls):
                raise ValueError(f"should say with {TARGET} which {cls.__name__} it is; see the files beside it")
            return handler(node)
        chosen = _import_target(node[TARGET], cls, (info.context or {}).get("trust", ()))
        fields = {key: value for key, value in node.items() if key != TARGET}
        return handler(fields) if chosen is cls else chosen.model_validate(fields, context=info.context)


def not_defining(default: Any = ..., **unless: str) -> Any:
    """A field that says how a run is shown or placed, not what its result is; it is left out of a run's identity.

    Args:
        default: of the field.
        unless: another field and its value, with which this one defines the result after all.
    """
    return Field(default, json_schema_extra={"defining": False, "unless": {**unless}})


def added(default: Any) -> Any:
    """A field that came later. At the value that always held before, it is left out of identities: runs keep names."""
    return Field(default, json_schema_extra={"added": True})


def defining_values(settings: Settings) -> dict[str, Any]:
    """The values that define a result, as plain nested JSON values: the ground of a run's identity."""
    values: dict[str, Any] = {TARGET: f"{type(settings).__module__}.{type(settings).__qualname__}"}
    for name, field in type(settings).model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        value = getattr(settings, name)
        unless: Any = extra.get("unless", {})
        matters = any(getattr(settings, other) == needed for other, needed in unless.items())
        if (extra.get("defining") is False and not matters) or (extra.get("added") and value == field.default):
            continue
        values[name] = (
            defining_values(value)
            if isinstance(value, Settings)
            else settings.model_dump(mode="json", include={name})[name]
        )
    return values


def rule_revisions(settings: Settings, prefix: str = "") -> dict[str, int]:
    """Revisions above 1 in settings and their parts, by dotted keys such as `optimizer`."""
    found = {prefix: settings.rule_revision} if settings.rule_revision > 1 else {}
    for name in type(settings).model_fields:
        part = getattr(settings, name)
        if isinstance(part, Settings):
            found |= rule_revisions(part, f"{prefix}.{name}".lstrip("."))
    return found


def read_settings(cls: type[S], node: Mapping[str, Any], trust: str | Sequence[str] = ()) -> S:
    """Checks a plain nested mapping against `cls`.

    Args:
        cls: the class of the whole.
        node: for instance a composed configuration, or one that was found in a stranger's directory.
        trust: packages beside this project whose classes the mapping may name. Naming one imports it, which executes
            it, so this has to come from the person at the keyboard and never from the mapping itself.

    Raises:
        UserError: a value is of the wrong type or outside its range, a field is unknown or missing. All of them are
            in the one line, each with its full key.
    """
    trust = (trust,) if isinstance(trust, str) else tuple(trust)
    try:
        return cls.model_validate(node, context={"trust": trust})
    except ValidationError as error:
        raise UserError("; ".join(_in_words(details, cls, node, trust) for details in error.errors())) from None


def _import_target(path: Any, expected: type[Settings], trust: Sequence[str]) -> type[Settings]:
    """Imports a settings class of this project or of a trusted package; nothing else is ever imported."""
    package = str(path).partition(".")[0]
    if not isinstance(path, str) or package not in (HOME, *trust):
        raise ValueError(f"{TARGET} {path!r} is outside this project; if you trust that code, add trust={package}")
    module, _, name = path.rpartition(".")
    elsewhere = "" if package == HOME else f"; where {package} is elsewhere, begin the command with PYTHONPATH=FOLDER"
    try:
        chosen = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name and f"{path}.".startswith(f"{error.name}."):
            raise ValueError(f"{TARGET} {path!r} does not exist{elsewhere}") from None
        raise ValueError(f"{TARGET} {path!r} cannot be imported: {one_line(error)}") from None
    except AttributeError:
        raise ValueError(f"{TARGET} {path!r} does not exist") from None
    except Exception as error:
        words = f"{type(error).__name__}: {one_line(error)}"
        raise ValueError(f"{TARGET} {path!r} cannot be imported: {words}") from None
    if not (isinstance(chosen, type) and issubclass(chosen, expected)):
        raise ValueError(f"{TARGET} {path!r} is not a kind of {expected.__name__}")
    return chosen


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
    """What should have been there, in the words of the part that owns the value."""
    if details["type"] == "model_type":
        return "should be a group of settings, or null where it can be left out"
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = message.replace("should be a valid integer", "should be a whole number")
    return message[:1].lower() + message[1:] if details["type"] != "value_error" else message


def _siblings(cls: type[Settings], node: Mapping[str, Any], parents: list[Any], trust: Sequence[str]) -> list[str]:
    """Names of the settings beside an unknown one, found by walking down from the root."""
    for parent in parents:
        node = node[parent]
        if isinstance(node, Mapping) and TARGET in node:
            cls = _import_target(node[TARGET], Settings, trust)
            continue
        if parent not in cls.model_fields:  # a name in a mapping, of whose values the class is known already
            continue
        kinds = (cls.model_fields[parent].annotation, *get_args(cls.model_fields[parent].annotation))
        cls = next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Settings))
    return list(cls.model_fields)
