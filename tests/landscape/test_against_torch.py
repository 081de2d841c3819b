"""Points of a real surface, beside an independent evaluation in PyTorch; skipped where it or the weights are not."""

import jax
import numpy as np
import pytest

from experiments.loss_surface import SurfaceScale
from src.landscape.directions import gaussian
from src.landscape.evaluation import at_points
from src.landscape.objective import split_objective
from src.pretrained.importer import read_arrays
from src.studies.settings import StudySettings, read_study
from tests.conftest import LI

IMAGES = 100
PLACES = np.array([[0, 0], [0.37, -0.21], [-0.8, 0.55]], np.float32)

torch = pytest.importorskip("torch", reason="PyTorch is not here")
pytestmark = [pytest.mark.heavy, pytest.mark.skipif(not LI.exists(), reason="the weights of Li et al. are not here")]


def forward(arrays, x):
    """ResNet-56 by PyTorch's functions, with arrays by the names of Li et al.; plain where no shortcut has weights."""
    from torch.nn import functional as F  # noqa: N812

    def norm(name, x):
        keys = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(arrays[f"{name}.{key}"] for key in keys))

    x = F.relu(norm("bn1", F.conv2d(x, arrays["conv1.weight"], padding=1)))
    plain = "layer2.0.shortcut.0.weight" not in arrays
    for scale in (1, 2, 3):
        for number in range(9):
            name, stride = f"layer{scale}.{number}", 2 if scale > 1 and number == 0 else 1
            y = F.relu(norm(f"{name}.bn1", F.conv2d(x, arrays[f"{name}.conv1.weight"], stride=stride, padding=1)))
            y = norm(f"{name}.bn2", F.conv2d(y, arrays[f"{name}.conv2.weight"], padding=1))
            if stride == 2 and not plain:
                x = norm(f"{name}.shortcut.1", F.conv2d(x, arrays[f"{name}.shortcut.0.weight"], stride=2))
            x = F.relu(y if plain else y + x)
    return F.linear(x.mean((2, 3)), arrays["linear.weight"], arrays["linear.bias"])


def moved_names(directions, place, li):
    """What is added to each of their arrays: our directions, with axes in their order."""
    from src.pretrained import li2018

    names = {f"{ours}.kernel": f"{theirs}.weight" for ours, theirs in li2018.resnet(56).items()}
    steps = {}
    for path, *leaves in zip(
        [
            jax.tree_util.keystr(path, simple=True, separator=".")
            for path, _ in jax.tree.leaves_with_path(directions[0])
        ],
        *(jax.tree.leaves(direction) for direction in directions),
        strict=True,
    ):
        if path in names:
            step = sum(float(a) * np.asarray(leaf, np.float64) for a, leaf in zip(place, leaves, strict=True))
            steps[names[path]] = (
                step.transpose(*range(step.ndim)[::-1]) if step.ndim == 2 else step.transpose(3, 2, 0, 1)
            )
    assert steps.keys() <= li.keys()
    return steps


@pytest.mark.parametrize("number", [0, 1])
def test_losses_at_points_of_the_surface_are_pytorchs(number, monkeypatch):
    monkeypatch.chdir(LI.parents[1])
    scale = read_study(StudySettings[SurfaceScale], "loss_surface", [f"scales.li.images={IMAGES}"]).scales["li"]
    scale = scale.model_copy(update={"networks": [scale.networks[number]]})
    (network,) = scale.trained_networks()
    objective = split_objective(network.module, network.task, network.splits, batch_size=IMAGES)
    directions = [gaussian(jax.random.key(seed), objective.parameters) for seed in (3, 4)]
    (where,) = [scale.networks[0].weights.file]
    li = read_arrays(LI / where.rpartition("/")[2])
    data = network.splits["test"]
    images = (np.float64(data.inputs) - data.constants.mean) / data.constants.std
    x = torch.tensor(images.transpose(0, 3, 1, 2))
    labels = torch.tensor(np.asarray(data.targets["label"], np.int64))
    measure = at_points(objective, directions)
    devices = jax.device_count()
    for place in PLACES:
        steps = moved_names(directions, place, li)
        arrays = {name: torch.tensor(np.float64(array) + steps.get(name, 0)) for name, array in li.items()}
        expected = float(torch.nn.functional.cross_entropy(forward(arrays, x), labels))
        found = measure(np.stack([place] * devices))[0]["test_loss"]
        assert found == pytest.approx(expected, rel=1e-4)
