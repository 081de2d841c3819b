"""Scores a run again: `python -m src.evaluate run=runs/resnet20-0123456789 split=test`.

It prints JSON. `run` is a run directory, `split` is `test` (or `validation`, or `train`), `step` is `best` or the step
of a checkpoint that was kept (the latest without it), and `trust=my_package` names a package beside this project whose
code the run may use.
"""

import sys
from typing import Annotated

from pydantic import Field

from .config.arguments import Step, as_typed
from .config.errors import reported
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
    step: Step = None
    trust: Packages = Field(default_factory=list)


def main() -> None:
    """Prints the scores as JSON."""
    with reported():
        settings = read_settings(EvaluateSettings, as_typed(sys.argv[1:]))
        finished = load_run(settings.run, settings.trust, settings.step)
        scores = finished.evaluate(settings.split)
        print(dumps({"run": settings.run, "split": settings.split, "step": int(finished.state.step), **scores}))


if __name__ == "__main__":
    main()
