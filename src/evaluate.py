"""Scores a run again: `python -m src.evaluate run=runs/resnet20-0123456789 split=test`.

It prints JSON. `run` is a run directory, `split` is `test` (or `validation`, or `train`), `step` is `best` or the step
of a checkpoint that was kept (the latest without it), and `trust=my_package` names a package beside this project whose
code the run may use.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from .config.errors import UserError, reported
from .config.settings import Packages, Settings, read_settings
from .data.dataset import SplitName
from .plain_json import dumps
from .training.load_run import load_run


class EvaluateSettings(Settings):
    """What to score.

    Attributes:
        run: a run directory.
        split: one of its splits.
        step: of a checkpoint that was kept, or `best`; the latest without.
        trust: packages beside this project whose code the run may name.
    """

    run: Annotated[str, Field(min_length=1)]
    split: SplitName = "test"
    step: int | Literal["best"] | None = None
    trust: Packages = Field(default_factory=list)


def main() -> None:
    """Prints the scores as JSON."""
    with reported():
        settings = read_settings(EvaluateSettings, as_typed(sys.argv[1:]))
        finished = load_run(settings.run, settings.trust, settings.step)
        if not getattr(finished.engine.spec, settings.split):
            raise UserError(f"split={settings.split}: this run has no {settings.split} split")
        scores = finished.engine.evaluate(finished.state, settings.split)
        print(dumps({"run": settings.run, "split": settings.split, "step": int(finished.state.step), **scores}))


def as_typed(arguments: Sequence[str]) -> dict[str, Any]:
    """The settings of a command line. Values stay strings, because a directory may be called `2024` or `off`.

    Raises:
        UserError: an argument is not of the form key=value.
    """
    for argument in arguments:
        if "=" not in argument:
            raise UserError(f"{argument}: settings are written key=value, like run={argument}")
    values: dict[str, Any] = {key: value for key, _, value in (text.partition("=") for text in arguments)}
    if values.get("step", "").isdecimal():
        values["step"] = int(values["step"])
    if "trust" in values:
        values["trust"] = [name.strip() for name in values["trust"].strip("[]").split(",")]
    return values


if __name__ == "__main__":
    main()
