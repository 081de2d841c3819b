"""What is reported of a split."""

from typing import Literal, NamedTuple


class Headline(NamedTuple):
    """The one metric that decides: searches, early stopping, the best checkpoint and studies go by it.

    Attributes:
        name: as in `metrics.jsonl`, without the split.
        direction: which values are better, in Optuna's words.
    """

    name: str
    direction: Literal["maximize", "minimize"]
