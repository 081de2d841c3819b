import pytest
from flax import nnx

from src.models.depth import depth
from src.zoo.published import maker
from src.zoo.winners import ENTRANTS, built

DEPTHS = {"lenet5": 5, "resnet18": 18, "resnet50": 50, "mobilenet": 28}


class Fork(nnx.Module):
    """Two ways that meet: three layers, and one."""

    def __init__(self, rngs):
        self.long = nnx.List([nnx.Linear(4, 4, rngs=rngs) for _ in range(3)])
        self.short = nnx.Linear(4, 4, rngs=rngs)

    def __call__(self, x):
        y = self.short(x)
        for layer in self.long:
            x = nnx.relu(layer(x))
        return x + y


def test_the_longest_way_counts():
    assert depth(lambda: Fork(nnx.Rngs(0)), (4,)) == 3


@pytest.mark.parametrize(("model", "layers"), DEPTHS.items())
def test_depth_is_what_the_name_says(model, layers):
    assert depth(*maker(model, {})) == layers


@pytest.mark.heavy
@pytest.mark.parametrize(
    "entrant", [entrant for entrant in ENTRANTS if entrant.model], ids=lambda entrant: entrant.name
)
def test_entrants_have_the_published_depth(entrant):
    assert built(entrant).depth == entrant.layers
