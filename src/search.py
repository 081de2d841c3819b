"""Searches for good settings: `python -m src.search +experiment=resnet20 +profile=quick search.trials=20`.

Every trial is an ordinary run with its own directory. The same command continues the search. It takes the settings of
`src.train`, and `search.trials`, `search.metric`, `search.prune`, `search.directory` and `search.space`, which
conf/search/learning_rate.yaml explains; `search=NAME` selects another file of conf/search/.
"""

import csv
import logging
import shlex
import sys
from pathlib import Path

from optuna.study import Study

from .config.errors import UserError, reported
from .training.interruption import resumable
from .tuning.runs import CONFIG, changes, searched
from .tuning.study import best, rows


def main() -> None:
    """Runs trials until there are `search.trials` of them, and shows them."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, force=True)
    for name in ("absl", "jax"):
        logging.getLogger(name).setLevel(logging.ERROR)
    arguments = sys.argv[1:]
    with reported(), resumable():
        study, directory = searched(arguments)
        conclude(study, directory, arguments)


def conclude(study: Study, directory: Path, arguments: list[str]) -> None:
    """Saves all trials as CSV, and prints the command that trains with the best settings.

    Raises:
        UserError: no trial finished.
    """
    table = directory / "trials.csv"
    found = rows(study)
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    print(f"{len(found)} trials: {table}")
    winner = best(study)
    if winner is None:
        raise UserError(f"none of {len(found)} trials came to its end; {table} says why")
    own = [text for text in arguments if not text.startswith(CONFIG)]
    command = ["python", "-m", "src.train", *own, *changes(winner.params)]
    print(f"best: {winner.value:.4f} by {shlex.join(command)}")


if __name__ == "__main__":
    main()
