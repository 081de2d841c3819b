"""The numbers of docs/inside.md."""

from tests.numbers.pages import Said, said
from tests.numbers.results import facts


def figures() -> list[Said]:
    found = facts("inspect/resnet20-05265d2e04")
    rates, layers = found["same_class"], found["layers"]
    by_features, by_pixels = (
        [100 * rates[space][name] for name in ("rate", "low", "high")] for space in ("features", "pixels")
    )
    first, last = ([layers[layer][name]["mean"] for name in ("likeness", "chance")] for layer in ("stem", "blocks.8"))
    inactive = [100 * layers[layer]["inactive"]["mean"] for layer in ("blocks.0", "blocks.8")]
    return [
        said("for {:.1f} % of the images by features ({:.1f} to {:.1f} %)", *by_features),
        said("and for {:.1f} % by pixels ({:.1f} to {:.1f} %)", *by_pixels),
        said("the correlation is {:.3f} with the image and {:.3f} with another one", *first),
        said("after the last block it is {:.3f} and {:.3f}, hardly", *last),
        said("{:.1f} % of the values are inactive after the first block, {:.1f} % after the last", *inactive),
    ]


SAID = figures()
GIVEN = ["at most 1 % of the largest", "what a ReLU makes 0", "what it would make 0"]
