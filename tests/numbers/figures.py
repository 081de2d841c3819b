"""The numbers of docs/figures.md."""

import numpy as np

from src.studies.estimates import estimate
from tests.numbers.pages import Said, said
from tests.numbers.results import facts, spread


def tables() -> list[Said]:
    accuracy = facts("tabular_conv1d")["accuracy"]
    conv = [spread(estimate(accuracy["1-D ConvNet"][order])._asdict()) for order in ("in order", "shuffled")]
    dense = np.mean([*accuracy["dense"].values()])
    return [said("{:.1f} ± {:.1f} % and {:.1f} ± {:.1f} %, a dense network {:.1f} %", *conv[0], *conv[1], dense)]


SAID = tables()
