"""The numbers of docs/attribution.md."""

from tests.numbers.pages import Said, said
from tests.numbers.results import facts, table

CIFAR10 = "faithfulness/cifar10"


def rows() -> list[Said]:
    found, written = facts(CIFAR10), table(CIFAR10)
    methods = found["methods"]
    lines = [
        said(
            f"| {name if name != 'random' else 'random maps'} | {{:.3f}} | {{:.3f}} | {written[name][3]}".rstrip(),
            own["deletion"]["mean"],
            own["insertion"]["mean"],
        )
        for name, own in methods.items()
    ]
    by_all = [name for name in methods if written[name][3] == "deletion, insertion, flipping"]
    assert by_all == ["SmoothGrad"]
    layers = [*methods["guided backpropagation"]["random_layers"].values()]
    for name in ("gradient x input", "integrated gradients"):
        own = [*methods[name]["random_layers"].values()]
        assert own[0]["low"] < 0 < own[0]["high"]
        assert abs(own[-1]["mean"]) < 0.01
    return [
        *lines,
        said("that the network gets right, {} of them", found["images"]),
        said("still correlate by {:.2f} with those before, by {:.2f} when", layers[0]["mean"], layers[-1]["mean"]),
    ]


SAID = rows()
GIVEN = ["was cut off at 6", "with `gamma=0.25` LRP-γ", "agree with Captum 0.9", "of stride 2"]
