"""The overrides of a command line, and the jobs of a sweep over several values."""

import itertools
import re
import shlex
from collections.abc import Mapping, Sequence

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from .errors import UserError, say

RENAMED = {
    "optimizer.trust": "optimizer.trust_coefficient",
    "optimizer.average": "optimizer.decay",
    "debug=profile": "debug=trace",
}
"""Settings, groups of them, or choices, that had another name before."""


INNER = re.compile(r"^model\.body(?==\w+$)")
"""A choice inside of another one, as it is typed; Hydra calls it `model@model.body`."""

REQUIREMENT = re.compile(r"""(?<=[=\[,])package:[\w.-]+==[\w.+-]+(?=$|[],])""")
"""A package with its version; Hydra takes no = in a value without quotes."""


def readable(arguments: Sequence[str], renamed: Mapping[str, str] = RENAMED) -> list[str]:
    """A command line as Hydra reads it: today's names of settings, with a line for old ones, and packages in quotes."""
    new = (INNER.sub("model@model.body", with_new_key(argument, renamed)) for argument in arguments)
    return [REQUIREMENT.sub(r'"\g<0>"', argument) for argument in new]


def with_new_key(argument: str, renamed: Mapping[str, str]) -> str:
    """The same for one argument."""
    name = argument.lstrip("+~")
    for old, now in renamed.items():
        if name == old or name.startswith((f"{old}=", f"{old}.")):
            say(f"{old} is called {now} now")
            return argument.removesuffix(name) + now + name.removeprefix(old)
    return argument


def parsed(argument: str) -> Override:
    """Parses one override.

    Raises:
        UserError: Hydra cannot parse it.
    """
    if argument.startswith("="):
        raise UserError(f"{argument} has no name before the =; settings are written key=value")
    try:
        (override,) = OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides([argument])
        return override
    except HydraException:
        key, _, value = argument.partition("=")
        quoted = shlex.quote(f'{key}="{value}"')
        raise UserError(
            f"cannot read '{argument}'; write key=value, and special characters in quotes: {quoted}"
        ) from None


def each_job(arguments: Sequence[str], multirun: bool) -> list[list[str]]:
    """The overrides of each job; a sweep has one job for each combination of values.

    Args:
        arguments: as typed; the last one of a repeated key counts, as in Hydra's sweeps.
        multirun: whether several jobs are allowed.

    Raises:
        UserError: an argument has several values without `multirun`, or no value.
    """
    overrides = [parsed(argument) for argument in arguments]
    for override in overrides:
        if override.is_sweep_override():
            check_sweep(override, multirun)
    if not multirun:
        return [list(arguments)]
    values = {typed_key(override): typed_values(override) for override in overrides}
    return [list(job) for job in itertools.product(*values.values())]


def check_sweep(override: Override, multirun: bool) -> None:
    """Refuses a sweep over values that cannot be enumerated.

    Raises:
        UserError: the message says why.
    """
    typed = override.input_line
    if not multirun:
        raise UserError(f"{typed} names several values; add -m to run one job for each")
    if override.is_hydra_override():
        raise UserError(f"{typed} names several values; Hydra's own settings are the same for all jobs")
    if not override.is_discrete_sweep():
        raise UserError(f"{typed} names no values that could be run one by one; write some, or a range")
    if not typed_values(override):
        raise UserError(f"{typed} names no value that there is")


def typed_values(override: Override) -> list[str]:
    """One override per value."""
    if not override.is_sweep_override():
        return [typed_text(override)]
    return [f"{typed_key(override)}={value}" for value in override.sweep_string_iterator()]


def typed_key(override: Override) -> str:
    """The key as typed, with plus signs, tilde and package."""
    return typed_text(override).partition("=")[0]


def typed_text(override: Override) -> str:
    """The override as typed."""
    return override.input_line or ""
