"""The numbers of docs/inside.md."""

import numpy as np

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


def photographs() -> list[Said]:
    found = facts("inspect/transfer_cached-c75fe259c7")
    rates, layers = found["same_class"], found["layers"]
    by_features, by_pixels = (
        [100 * rates[space][name] for name in ("rate", "low", "high")] for space in ("features", "pixels")
    )
    first, middle, last = (layers[f"body.{name}"] for name in ("stem", "blocks.5", "blocks.12"))
    assert last["likeness"]["low"] < last["chance"]["mean"] < last["likeness"]["high"]
    return [
        said("{:.1f} % of the values are inactive after block 5", 100 * middle["inactive"]["mean"]),
        said("and {:.1f} % after block 12", 100 * last["inactive"]["mean"]),
        said("falls from {:.3f} to {:.3f},", first["likeness"]["mean"], last["likeness"]["mean"]),
        said("{:.1f} % of {:.0f} images have a neighbour", by_features[0], rates["features"]["images"]),
        said("nearest by features ({:.1f} to {:.1f} %)", *by_features[1:]),
        said("{:.1f} % by pixels ({:.1f} to {:.1f} %): hardly", *by_pixels),
    ]


def representations() -> list[Said]:
    found = facts("representations/li")
    deep, plain = (found["probes"][name] for name in ("ResNet-56", "without shortcuts"))
    shares = {name: 100 * np.array(own["right"]) / own["images"] for name, own in found["probes"].items()}
    with_shortcuts, without = shares["ResNet-56"], shares["without shortcuts"]
    assert deep["layers"] == plain["layers"] == ["stem", *(f"blocks.{number}" for number in range(27))]
    same, there, _, own = (np.array(each["values"]) for each in found["alignment"])
    assert there[-1].argmax() == there[:, -1].argmax() == 27
    return [
        said("{:,} training images and are tried on {:,} test images", deep["images"], deep["images"]),
        said("{:.1f} % after the first layer, {:.1f} % in the middle,", with_shortcuts[0], with_shortcuts[14]),
        said("{:.1f} % after the last block.", with_shortcuts[-1]),
        said("({:.1f} % after block 7)", without[7]),
        said("({:.1f} % after block 13)", without[13]),
        said("the last fourteen blocks add {:.1f} points", without[-1] - without[13]),
        said("any two are alike by {:.2f} or more;", own[-10:, -10:].min()),
        said("with shortcuts it is {:.2f}.", same[-10:, -10:].min()),
        said("of the other by {:.2f}, and", there[-1, -1]),
    ]


SAID = [*figures(), *photographs(), *representations()]
GIVEN = [
    "at most 1 % of the largest",
    "what a ReLU makes 0",
    "what it would make 0",
    "after block 7",
    "after block 13",
    "after block 5",
    "after block 12",
]
