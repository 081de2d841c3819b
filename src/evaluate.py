"""Scores a finished run again: `python -m src.evaluate run=runs/resnet20-0123456789 split=test`."""

from src.start import begin

if __name__ == "__main__":
    begin()  # before anything heavy is imported

import json
import sys
from pathlib import Path
from typing import Annotated

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field
from yaml import YAMLError

from src.config.errors import UserError, one_line, reported
from src.config.settings import Packages, Settings, read_settings
from src.data.dataset import SplitName
from src.training.finished import load_run


class EvaluateSettings(Settings):
    """What to score.

    Attributes:
        run: a run directory.
        split: one of its splits.
        trust: packages beside this project whose code the run may name.
    """

    run: Annotated[str, Field(min_length=1)]
    split: SplitName = "test"
    trust: Packages = Field(default_factory=list)


def main() -> None:
    """Prints the scores as JSON."""
    with reported():
        try:
            arguments = OmegaConf.to_container(OmegaConf.from_cli(sys.argv[1:]))
        except (OmegaConfBaseException, YAMLError) as error:
            raise UserError(f"cannot read the command line: {one_line(error)}") from None
        settings = read_settings(EvaluateSettings, arguments)  # type: ignore[arg-type]
        finished = load_run(Path(settings.run), settings.trust)
        if not len(finished.engine.dataset.split(settings.split)):
            raise UserError(f"split={settings.split}: this run has no {settings.split} split")
        scores = finished.engine.evaluate(finished.state, settings.split)
        print(json.dumps({"run": settings.run, "split": settings.split, **scores}))


if __name__ == "__main__":
    main()
