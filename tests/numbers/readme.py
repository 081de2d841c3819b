"""The numbers of README.md."""

import numpy as np

from src.studies.estimates import estimate
from tests.numbers.pages import Said, said
from tests.numbers.results import facts, figures, interval, spread
from tests.numbers.studies import CIFAR10, DIGITS, below, change, cheap, rises, without_any


def error(name: str) -> float:
    """Test error of a run in the first figure, in percent."""
    (run,) = (run for run in facts("training_curves") if run["name"] == name)
    return 100 * (1 - run["test_accuracy"])


def gains() -> list[float]:
    """By how much small filters are better, where it is shown."""
    scales = [facts(f"small_filters/{scale}")["comparisons"] for scale in (DIGITS, CIFAR10)]
    found = [own["gain"] for scale in scales for arms in scale.values() for own in arms.values() if own["gain"]]
    shown = [gain["mean"] for gain in found if gain["low"] > 0]
    assert (len(found), len(shown)) == (11, 10)
    return shown


def changes() -> tuple[int, int]:
    """How many of AlexNet's changes show nothing, and how many there are."""
    scales = [facts(f"alexnet_changes/{scale}") for scale in ("alexnet", "convnet", "googlenet", "lenet_dense")]
    found = [pair["difference"] for scale in scales for pair in scale["pairs"].values()]
    return sum(own["low"] <= 0 <= own["high"] for own in found), len(found)


def introduction() -> list[Said]:
    plain, residual = error("resnet56_noskip"), error("resnet56")
    return [said("still guesses ({:.1f} % test error), and with shortcuts it has {:.1f} %", plain, residual)]


def survey() -> list[Said]:
    accuracy = facts("tabular_conv1d")["accuracy"]
    conv = [spread(estimate(accuracy["1-D ConvNet"][order])._asdict()) for order in ("in order", "shuffled")]
    dense = np.mean([*accuracy["dense"].values()])
    return [said("{:.1f} ± {:.1f} % and {:.1f} ± {:.1f} %, a dense network {:.1f} %", *conv[0], *conv[1], dense)]


def studies() -> list[Said]:
    depth = [facts(f"depth_study/{scale}")["difference_of_differences"]["test"]["mean"] for scale in (DIGITS, CIFAR10)]
    cheaper = max(
        cheap(CIFAR10, kind)["mean"] for kind in ("2 groups", "4 groups", "8 groups", "32 groups", "separable")
    )
    coarse, fine = facts("surface_accuracy/li"), facts("surface_accuracy/li_full")
    shares = [100 * own["images_share"] for own in (*coarse, *fine)]
    close = [own["close"] * own["checked"] for own in (*coarse, *fine)]
    assert close[0] == close[1] == coarse[0]["checked"]
    ratios = [own[key] for key in ("ratio", "median_ratio") for own in facts(f"curvature/{DIGITS}")]
    paths = [100 * sum(own["explained"]) for own in facts(f"training_paths/{DIGITS}").values()]
    gain = facts(f"search/{CIFAR10}")["gain"]
    return [
        said("by far more: {:.1f} points on digits, {:.1f} on a part", *depth),
        said("small ones, by {:.0f} to {:.0f} points", min(gains()), max(gains())),
        said("(error {:.1f} ± {:.1f} points higher on CIFAR-10)", *spread(cheap(CIFAR10, "bottleneck"))),
        said("cheaper forms lose up to {:.1f}", cheaper),
        said("it loses {:.1f} points on average, but {:.1f} with", rises(CIFAR10).mean(), rises(CIFAR10)[0]),
        said("VGG {:.1f} with any", without_any(CIFAR10)),
        said("gains LeNet-5 {:.1f} points", change("lenet_dense", "loss")[0]),
        said(
            "cost AlexNet {:.1f} and {:.1f},", -change("alexnet", "dropout")[0], change("alexnet", "response_norm")[0]
        ),
        said("and {} of {} changes show nothing", *changes()),
        said("{:.1f} points ({:.1f} to {:.1f}) on a part", gain["mean"], *interval(gain)),
        said("on digits it loses {:.1f}", -facts(f"search/{DIGITS}")["gain"]["mean"]),
        said(
            "on digits {:.1f} % of ResNet-20's plane is below 1 with them, {:.1f} % without",
            below(DIGITS, "ResNet-20"),
            below(DIGITS, "20 without shortcuts"),
        ),
        said("all of {} points are within", coarse[0]["checked"]),
        said("from {:.1f} % of the images, more than", shares[0]),
        said("and from {:.1f} % without shortcuts;", shares[1]),
        said("{:.0f} and {:.0f} of {}, from {:.1f} and {:.1f} % |", *close[2:], fine[0]["checked"], *shares[2:]),
        said(
            "(smallest eigenvalue {:.2f} of the largest), less so away from it ({:.2f} at the median point)",
            ratios[0],
            ratios[2],
        ),
        said("on digits {:.1f} and {:.1f} % of it in two", *paths),
    ]


def surfaces() -> list[Said]:
    shares = [below("li_fine", network) for network in ("ResNet-56", "without shortcuts")]
    published = figures("cpu", "published")
    errors = [100 * published[network]["test_error"] for network in ("ResNet-56", "ResNet-56 without shortcuts")]
    return [
        said("{:.1f} % and {:.1f} % of the plane have a loss below 1", *shares),
        said("{:.2f} % and {:.2f} % test error on CIFAR-10", *errors),
    ]


def steps(depth: int) -> list[float]:
    """How much longer a training step takes the others."""
    found = figures("cpu", "steps")
    peers = ("XLA", "torch", "torch compiled")
    return [found[f"resnet{depth} training step, batch 128, beside {peer}"]["speed_ratio"] for peer in peers]


def evaluations() -> list[float]:
    """How much longer PyTorch takes to evaluate each network."""
    found = figures("cpu", "steps")
    return [found[f"resnet{depth} evaluation, batch 128, beside torch"]["speed_ratio"] for depth in (20, 56)]


def other_networks(peer: str) -> tuple[float, float]:
    """How much longer their training steps take by a peer, at least and at most."""
    ratios = [own["speed_ratio"] for name, own in figures("cpu", "networks").items() if name.endswith(f"beside {peer}")]
    return min(ratios), max(ratios)


def speed() -> list[Said]:
    layers = [own["speed_ratio"] for own in figures("cpu", "layers").values()]
    points = figures("nvidia_h100_80gb_hbm3", "surface_points")
    fast, exact = (points[f"ResNet-56, 10,000 images, 9 points, {kind}"] for kind in ("bfloat16", "float32"))
    return [
        said("ResNet-20 takes {:.1f} times as long by XLA, {:.1f} times in PyTorch, and {:.1f} times", *steps(20)),
        said("ResNet-56 it is {:.1f}, {:.1f} and {:.1f} times", *steps(56)),
        said("evaluation takes {:.1f} and {:.1f} times as long in PyTorch", *evaluations()),
        said("take {:.1f} to {:.1f} times as long by XLA and", *other_networks("XLA")),
        said("and {:.2f} to {:.2f} times in PyTorch", *other_networks("torch")),
        said("they are {:.0f} to {:.0f} times faster", min(layers), max(layers)),
        said("take {:.1f} minutes in bfloat16", fast["minutes_of_a_figure"]),
        said("(error up to {:.1f} %)", 100 * fast["largest_error"]),
        said("and {:.1f} in float32,", exact["minutes_of_a_figure"]),
        said("{:.1f} and {:.1f} times as fast as an eager", fast["speed_ratio"], exact["speed_ratio"]),
    ]


SAID = [*introduction(), *survey(), *studies(), *surfaces(), *speed()]
GIVEN = [
    "With Python 3.11 to 3.13",
    "are within 2 % (or 0.01)",
    "more than the 10 % aimed at",
    "error of its loss is 1 %",
    "torchvision 0.29.1",
    "below 1e-12 in double precision for the 16 that were run",
    "below 5e-5",
    "Keras 3.15.1",
    "the same for 13 networks",
    "6n+2 layers",
    "not within 250 steps",
]
