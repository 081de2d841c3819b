"""Kinds: short names of settings classes, which stay valid when the classes move.

`kind: vgg` in the settings of a network selects the settings class in `vgg.py`, in the same package as the abstract
    class of all networks. So adding a network, data set or optimizer takes one new file and no registration. A class in
    a user's own package is named by its import path: `_target_: package.module.Class`.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import did_you_mean, one_line
from .hashed_names import HASHED_NAMES

KIND, TARGET = "kind", "_target_"
HOME = __name__.partition(".")[0]

Class = type[Any]


def chosen_class(node: Mapping[str, Any], expected: Class, trust: Sequence[str]) -> Class:
    """The settings class that a node selects.

    Args:
        node: its settings, with a `kind` or a `_target_`; `_target_` takes precedence.
        expected: the abstract class that it must derive from.
        trust: packages outside this project that may be imported.

    Raises:
        ValueError: the class does not exist, does not derive from `expected`, or is not trusted.
    """
    if TARGET not in node:
        return _of_kind(node[KIND], expected)
    kind = kind_at(node[TARGET])
    return _of_path(kind, expected, trust) if kind == node[TARGET] else _of_kind(kind, expected)


def kind_at(path: Any) -> Any:
    """The kind of a class from its import path in old runs; any other path is returned unchanged."""
    return next((name for name, old in HASHED_NAMES.items() if old == path), path)


def family(cls: Class) -> Class | None:
    """The abstract class whose kind a class is; None for a class without kinds."""
    return next((base for base in cls.__mro__ if inspect.isabstract(base)), None)


def hashed_name(cls: Class) -> dict[str, str]:
    """The part of a run's identity that names a class.

    Classes that are older than kinds are named by their import paths of that time. Newer ones are named by their kind,
    or not at all if they have none.
    """
    inside = cls.__module__.partition(".")[0] == HOME
    chosen = family(cls) is not None
    name = cls.__module__.rpartition(".")[2] if chosen else cls.__name__
    if inside and name in HASHED_NAMES:
        return {TARGET: HASHED_NAMES[name]}
    if not chosen:
        return {}
    return {KIND: name} if inside else {TARGET: f"{cls.__module__}.{cls.__qualname__}"}


def kinds(expected: Class) -> list[str]:
    """The names of all kinds of an abstract class; imports all of them."""
    room = importlib.import_module(_room(expected))
    names = [module.name for module in pkgutil.iter_modules(room.__path__)]
    return [name for name in names if _in_module(importlib.import_module(f"{room.__name__}.{name}"), expected)]


def _of_kind(kind: Any, expected: Class) -> Class:
    """The class of a kind; searches only the package of the expected class."""
    found = None
    if isinstance(kind, str) and kind.isidentifier():
        name = f"{_room(expected)}.{kind}"
        try:
            found = _in_module(importlib.import_module(name), expected)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    if found is None:
        known = did_you_mean(str(kind), kinds(expected))
        raise ValueError(f"{KIND} {kind!r} is not a kind of {expected.__name__}{known}")
    return found


def _room(expected: Class) -> str:
    """The package that contains the kinds of an abstract class."""
    return expected.__module__.rpartition(".")[0]


def _in_module(module: Any, expected: Class) -> Class | None:
    """The class of a module that derives from the expected one."""
    own = [cls for cls in vars(module).values() if isinstance(cls, type) and cls.__module__ == module.__name__]
    return next((cls for cls in own if issubclass(cls, expected) and not inspect.isabstract(cls)), None)


def _of_path(path: Any, expected: Class, trust: Sequence[str]) -> Class:
    """Imports a class of a trusted package, and nothing else."""
    package = str(path).partition(".")[0]
    if not isinstance(path, str) or package not in trust:
        if package == HOME:
            raise ValueError(f"{TARGET} {path!r}: classes of this project are chosen by {KIND}")
        raise ValueError(f"{TARGET} {path!r} is outside this project; if you trust that code, add trust={package}")
    module, _, name = path.rpartition(".")
    try:
        chosen = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name and f"{path}.".startswith(f"{error.name}."):
            elsewhere = f"where {package} is elsewhere, begin the command with PYTHONPATH=FOLDER"
            raise ValueError(f"{TARGET} {path!r} does not exist; {elsewhere}") from None
        raise ValueError(f"{TARGET} {path!r} cannot be imported: {one_line(error)}") from None
    except AttributeError:
        raise ValueError(f"{TARGET} {path!r} does not exist") from None
    except Exception as error:
        words = f"{type(error).__name__}: {one_line(error)}"
        raise ValueError(f"{TARGET} {path!r} cannot be imported: {words}") from None
    if not (isinstance(chosen, type) and issubclass(chosen, expected)):
        raise ValueError(f"{TARGET} {path!r} is not a kind of {expected.__name__}")
    return chosen
