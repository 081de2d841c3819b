"""Trains a network: `python -m src.train +experiment=resnet56_noskip`.

It composes and checks the settings, trains, tests, and writes a run directory.
"""

import sys

import hydra
from hydra.types import RunMode

from .config.errors import reported
from .config.overrides import readable
from .config.place import CONF
from .config.status import waiting_for
from .training.from_hydra import compose_runs, experiment_of, with_home

CONFIG = "train"


def main() -> None:
    """Refuses what can be refused, then trains the one job, or lets Hydra call `train` for each of several."""
    sys.argv[1:] = with_home(readable(sys.argv[1:]))
    by_hydra = hydra.main(config_path=str(CONF), config_name=CONFIG, version_base="1.3")
    with reported():
        jobs = compose_runs(CONFIG, sys.argv[1:])  # reports wrong names at once, before the import of JAX
        if not jobs:
            by_hydra(lambda config: None)()  # help
            return
        runs = experiment_of(jobs[0]) if len(jobs) == 1 else f"{len(jobs)} runs"
        with waiting_for(f"{runs}: importing JAX"):
            from .training.jobs import conclude, prepare, train, train_alone
        if not prepare(jobs):
            return
    if jobs[0].hydra.mode == RunMode.RUN:
        train_alone(jobs[0])
        return
    from .training.launchers import jobs_apart  # joblib and submitit are needed by sweeps only

    with jobs_apart():
        by_hydra(train)()
    sys.exit(conclude(jobs))


if __name__ == "__main__":
    main()
