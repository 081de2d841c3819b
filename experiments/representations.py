"""What the layers of a network hold: linear probes, and how alike layers are, within a network and between two.

Alain and Bengio 2016 (arXiv:1610.01644), Kornblith et al. 2019 (arXiv:1905.00414).

`python -m experiments.representations [scale=full]` trains what is not trained yet (`conf/study/representations.yaml`
says what) and writes `representations/SCALE/{table.md,results.json,probes.png,alignment.png}`. Probes learn from
training images and are tried on test images, whose layers are compared too; both without augmentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from scipy.stats import spearmanr

from src.config.errors import say
from src.data.batches import normalized
from src.data.examples import LABEL
from src.interpret.layers import Reader, outermost, reader
from src.interpret.probes import averaged, probe
from src.interpret.similarity import alignment
from src.models.captured import layer_outputs
from src.plots.representations import Alignment, ProbeCurve, alignments_figure, probes_figure
from src.runs.versions import version
from src.studies.cached import cached
from src.studies.command import run_study
from src.studies.networks import NetworksScale, TrainedNetwork
from src.studies.results import write_results
from src.studies.rows import Columns, by_name, table
from src.tasks.intervals import wilson_interval
from src.training.batched import in_batches

LEARNT_FROM, TRIED_ON = "train", "test"
BATCH_SIZE = 128


@dataclass(frozen=True)
class Probes:
    """What linear classifiers read off the blocks of a network.

    Attributes:
        name: title of the network.
        layers: names of the blocks, in the order of their computation.
        right: test images that each classifier gives their class.
        images: all test images.
        measured_by: commit, device and kernels.
    """

    name: str
    layers: list[str]
    right: list[int]
    images: int
    measured_by: list[str]

    def share(self, layer: int) -> str:
        """Of the right answers at a block, with its 95 % interval."""
        low, high = wilson_interval(self.right[layer], self.images)
        return f"{100 * self.right[layer] / self.images:.1f} ({100 * low:.1f} to {100 * high:.1f})"

    @property
    def rise(self) -> float:
        """Spearman's correlation of the depth and the right answers."""
        return float(spearmanr(range(len(self.right)), self.right).statistic)


COLUMNS: Columns[Probes] = {
    "network": lambda row: row.name,
    "first block %": lambda row: row.share(0),
    "middle %": lambda row: row.share(len(row.layers) // 2),
    "last %": lambda row: row.share(-1),
    "correlation with depth": lambda row: f"{row.rise:.3f}",
}


def main() -> None:
    """Trains, measures and reports, scale by scale."""
    run_study("representations", NetworksScale, report)


def report(name: str, scale: NetworksScale) -> None:
    """One scale, from its networks to its files."""
    networks = scale.trained_networks()
    found = [probed(network) for network in networks]
    alike = [compared(one, other) for one in networks for other in networks]
    curves = [ProbeCurve(row.name, row.layers, np.array(row.right), row.images) for row in found]
    write_results(
        name,
        {"probes": by_name(found), "alignment": [each._asdict() for each in alike]},
        figures={"probes": probes_figure(curves), "alignment": alignments_figure(alike)},
        table=f"{table(COLUMNS, found)}\n{depths(alike)}",
    )


def probed(network: TrainedNetwork) -> Probes:
    """The probes of all blocks of a network, from the cache if they are there."""
    say(f"{network.title}: probes")
    found = cached({**network.identity, "measure": "probes"}, [probes], partial(probes, network))
    layers, right = zip(*found.value.items(), strict=True)
    return Probes(network.title, list(layers), list(right), network.splits[TRIED_ON].examples, [found.measured_by])


def compared(one: TrainedNetwork, other: TrainedNetwork) -> Alignment:
    """How alike the blocks of two networks are, from the cache if it is known."""
    say(f"{one.title} and {other.title}: alignment")
    identity = {"one": one.identity, "other": other.identity, "measure": "alignments"}
    found = cached(identity, [alignments], partial(alignments, one, other))
    return Alignment(one.title, other.title, found.value, [found.measured_by])


def of_stored(network: TrainedNetwork) -> Reader:
    """Gives the blocks of images as they are stored."""
    return reader(network.module, blocks(network), partial(normalized, constants=network.splits[TRIED_ON].constants))


def blocks(network: TrainedNetwork) -> list[str]:
    """The names of the outermost parts with maps, in the order of their computation."""
    layers = layer_outputs(network.module, network.splits[TRIED_ON].inputs.shape[1:])
    return [layer.name for layer in outermost(layers)]


@version(1)
def probes(network: TrainedNetwork) -> dict[str, int]:
    """How many test images a linear classifier of each block gives their class."""
    read = of_stored(network)
    compact = jax.jit(lambda images: {name: averaged(outputs) for name, outputs in read(images).items()})
    splits = [network.splits[name] for name in (LEARNT_FROM, TRIED_ON)]
    (known, labels), (tried, of_tried) = [
        (in_batches(compact, split.inputs, BATCH_SIZE), np.asarray(split.targets[LABEL])) for split in splits
    ]
    return {name: int(probe(known[name], labels, tried[name], of_tried).sum()) for name in blocks(network)}


@version(1)
def alignments(one: TrainedNetwork, other: TrainedNetwork) -> list[list[float]]:
    """How alike each block of one network is to each of another one, on the test images."""
    read = of_stored(one)
    second = read if other is one else of_stored(other)
    found: list[list[float]] = alignment(read, second, one.splits[TRIED_ON].inputs).tolist()
    return found


def depths(alike: Sequence[Alignment]) -> str:
    """For two networks, where in the one the block is that is most like each block of the other."""
    return "".join(
        f"- {each.one} and {each.other}: the depth of a block and that of the block most like it have a Spearman "
        f"correlation of {spearmanr(range(len(each.values)), np.argmax(each.values, 1)).statistic:.3f}\n"
        for each in alike
        if each.one != each.other
    )


if __name__ == "__main__":
    main()
