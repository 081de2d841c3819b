"""The numbers of the first table of docs/studies.md."""

from tests.numbers.detection import MANY, PASS
from tests.numbers.pages import Said, said
from tests.numbers.results import facts, interval, spread
from tests.numbers.studies import CIFAR10, DIGITS, below, change, cheap, rises, without_any


def gains() -> list[float]:
    """By how much small filters are better, where it is shown."""
    scales = [facts(f"small_filters/{scale}")["comparisons"] for scale in (DIGITS, CIFAR10)]
    found = [own["gain"] for scale in scales for arms in scale.values() for own in arms.values() if own["gain"]]
    shown = [gain["mean"] for gain in found if gain["low"] > 0]
    assert (len(found), len(shown)) == (11, 10)
    return shown


def changes() -> tuple[int, int]:
    """How many of AlexNet's changes have no effect that is shown, and how many there are."""
    scales = [facts(f"alexnet_changes/{scale}") for scale in ("alexnet", "convnet", "googlenet", "lenet_dense")]
    found = [pair["difference"] for scale in scales for pair in scale["pairs"].values()]
    return sum(own["low"] <= 0 <= own["high"] for own in found), len(found)


def rows() -> list[Said]:
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
    (worth,) = (
        row["difference"]["mean"]
        for row in facts("transfer/photographs")["rows"]
        if row["name"] == "head on cached features"
    )
    cells = facts("bccd/detection")
    roads = facts("camvid/segmentation")
    return [
        said("{:.0f} times the multiplications of one pass", MANY["multiplications"] / PASS["multiplications"]),
        said("| mean intersection over union {:.1f} %", 100 * roads["mean_iou"]),
        said("most cells: mean average precision {:.1f} %", 100 * cells["mean_ap"]),
        said("by far more: {:.1f} points on digits, {:.1f} on a part", *depth),
        said("small ones, by {:.0f} to {:.0f} points", min(gains()), max(gains())),
        said("(error {:.1f} ± {:.1f} points higher on CIFAR-10)", *spread(cheap(CIFAR10, "bottleneck"))),
        said("cheaper forms lose up to {:.1f}", cheaper),
        said("it loses {:.1f} points on average, but {:.1f} with", rises(CIFAR10).mean(), rises(CIFAR10)[0]),
        said("VGG {:.1f} without any one", without_any(CIFAR10)),
        said("gains LeNet-5 {:.1f} points", change("lenet_dense", "loss")[0]),
        said(
            "cost AlexNet {:.1f} and {:.1f},", -change("alexnet", "dropout")[0], change("alexnet", "response_norm")[0]
        ),
        said("and for {} of {} changes no effect is shown", *changes()),
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
        said("{:.1f} points over training from scratch; unfreezing", worth),
    ]


SAID = rows()
GIVEN = [
    "are within 2 % (or 0.01)",
    "more than the 10 % aimed at",
    "not within 250 steps",
    "on 2,000 photographs of cats",
]
