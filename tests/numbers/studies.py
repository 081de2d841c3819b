"""The numbers of docs/studies.md."""

import numpy as np

from src.studies.estimates import estimate
from tests.numbers.pages import Said, said
from tests.numbers.results import facts, interval, spread, table, values

DIGITS, CIFAR10 = "digits", "cifar10_small"


def depth() -> list[Said]:
    found = []
    for scale, heading in ((DIGITS, "digits, 10 epochs | 5"), (CIFAR10, "CIFAR-10, 469 steps | 3")):
        errors = {name: own["test_error"] for name, own in facts(f"depth_study/{scale}")["networks"].items()}
        difference = facts(f"depth_study/{scale}")["difference_of_differences"]["test"]
        text = f"| {heading} |" + " {:.1f} ± {:.1f} |" * 5 + "X"
        names = ("plain-20", "plain-56", "residual-20", "residual-56")
        numbers = [number for name in names for number in spread(errors[name])]
        text = text.replace(" |X", " ({:.1f} to {:.1f}) |")
        found.append(said(text, *numbers, *spread(difference), *interval(difference)))
    trained = [facts(f"depth_study/{scale}")["difference_of_differences"]["train"] for scale in (DIGITS, CIFAR10)]
    found.append(
        said("In training error it is {:.1f} ± {:.1f} and {:.1f} ± {:.1f}.", *spread(trained[0]), *spread(trained[1]))
    )
    return found


def small_filters() -> list[Said]:
    rows = {
        "three 3x3 for 7x7": ("one 7x7", "three 3x3", "three 3x3, 43 wide", "three 3x3", "three 3x3, 43 wide"),
        "two 3x3 for 5x5": ("one 5x5", "two 3x3", "two 3x3, 38 wide", "two 3x3", "two 3x3, 38 wide"),
    }
    found = []
    for row, (group, *arms) in rows.items():
        scales = (DIGITS, DIGITS, CIFAR10, CIFAR10)
        gains = [
            facts(f"small_filters/{scale}")["comparisons"][group][arm]["gain"]
            for scale, arm in zip(scales, arms, strict=True)
        ]
        found.append(
            said(f"| {row} |" + " {:.1f} ± {:.1f} |" * 4, *(number for gain in gains for number in spread(gain)))
        )
    first = facts(f"small_filters/{DIGITS}")["comparisons"]["first layer"]["3x3/1 first"]["gain"]
    others = facts(f"small_filters/{CIFAR10}")["comparisons"]["first layer"]
    wide = [others[arm]["gain"] for arm in ("7x7/2 first", "7x7/2 first, 35 wide")]
    text = "| first layer | {:.1f} ± {:.1f}, not shown | – | {:.1f} ± {:.1f} | {:.1f} ± {:.1f} |"
    found.append(said(text, *spread(first), *spread(wide[0]), *spread(wide[1])))
    return found


def cheap(scale: str, kind: str) -> dict[str, float]:
    """A block of 64 channels beside full filters."""
    (own,) = (own for own in facts(f"cheap_filters/{scale}")["networks"] if (own["kind"], own["width"]) == (kind, 64))
    found = estimate(own["losses"])._asdict()
    errors = estimate([*own["errors"].values()])._asdict()
    return {**found, "share": own["share"], "seconds": own["seconds"]["median"], "errors": errors}


def cheap_filters() -> list[Said]:
    def row(name: str, *kinds: str) -> Said:
        own = [cheap(CIFAR10, kind) for kind in kinds]
        columns = [", ".join(["{:.2f}"] * len(own))] * 2 + [", ".join(["{:.1f} ± {:.1f}"] * len(own))]
        numbers = [each["share"] for each in own] + [each["seconds"] for each in own]
        return said(f"| {name} | {' | '.join(columns)} |", *numbers, *(x for each in own for x in spread(each)))

    bottleneck, groups = cheap(CIFAR10, "bottleneck"), cheap(CIFAR10, "2 groups")
    on_digits = [cheap(DIGITS, kind) for kind in ("bottleneck", "2 groups")]
    low, high = interval(cheap(CIFAR10, "1x3 and 3x1"))
    networks = facts(f"cheap_filters/{CIFAR10}")["networks"]
    return [
        said("all {} traced networks", len(networks)),
        row("bottleneck", "bottleneck"),
        row("bottleneck in 2, 4, 8 groups", "2 groups", "4 groups", "8 groups"),
        row("16, 32 groups", "16 groups", "32 groups"),
        row("depthwise separable", "separable"),
        row("1x3 and 3x1", "1x3 and 3x1"),
        said("whose error is {:.1f} ± {:.1f} %", *spread(cheap(CIFAR10, "full")["errors"])),
        said("(by {:.1f} to {:.1f}, the interval of this one comparison)", -high, -low),
        said("at two fifths of the multiplications ({:.1f} to {:.1f})", *interval(bottleneck)),
        said("at a quarter ({:.1f} to {:.1f})", *interval(groups)),
        said("too ({:.1f} ± {:.1f} and {:.1f} ± {:.1f} points higher)", *spread(on_digits[0]), *spread(on_digits[1])),
    ]


def rises(scale: str) -> np.ndarray:
    """By how much the error rises without each module, mean over the seeds."""
    runs = facts(f"path_ensembles/{scale}")["residual"]
    return np.mean([np.array(run["one_removed"]) - run["whole"] for run in runs], axis=0)


def without_any(scale: str) -> float:
    """By how much the error of the network without shortcuts rises, mean over its modules and the seeds."""
    runs = facts(f"path_ensembles/{scale}")["plain"]
    return float(np.mean([np.array(run["one_removed"]) - run["whole"] for run in runs]))


def missed(scale: str, first: int) -> tuple[float, ...]:
    """The rises without the first modules, without those that halve the image, and the largest of the others."""
    found, halving = rises(scale), facts(f"path_ensembles/{scale}")["residual"][0]["halving"]
    own = [*range(first), *halving]
    return (*found[own], np.delete(found, own).max())


def path_ensembles() -> list[Said]:
    digits, cifar10 = (facts(f"path_ensembles/{scale}") for scale in (DIGITS, CIFAR10))

    def correlation(scale: dict, of: str) -> dict[str, float]:
        return next(found for name, found in scale["criteria"].items() if name.endswith(of))

    def lengths(scale: str) -> str:
        return table(f"path_ensembles/{scale}")["lengths with 95 % of the gradient"][0]

    def share(scale: str) -> float:
        return float(table(f"path_ensembles/{scale}")["their share of all paths, %"][0])

    whole = np.mean([run["whole"] for run in cifar10["residual"]])
    removed = [correlation(scale, "number of modules taken out") for scale in (digits, cifar10)]
    disorder = [correlation(scale, "−tau") for scale in (digits, cifar10)]
    return [
        said(
            "mean over modules | {:.0f} points higher | {:.1f} points higher (from {:.1f} %) |",
            rises(DIGITS).mean(),
            rises(CIFAR10).mean(),
            whole,
        ),
        said(
            "the same without shortcuts | {:.0f} points higher | {:.1f} points higher",
            without_any(DIGITS),
            without_any(CIFAR10),
        ),
        said(
            "taken out, Spearman | {:.2f} | {:.2f} ({:.2f} to {:.2f}) |",
            removed[0]["mean"],
            removed[1]["mean"],
            *interval(removed[1]),
        ),
        said(
            "disorder of the modules, Spearman | {:.2f} | {:.2f} ({:.2f} to {:.2f}) |",
            disorder[0]["mean"],
            disorder[1]["mean"],
            *interval(disorder[1]),
        ),
        said("with 95 % of the gradient | {} | {} |", lengths(DIGITS), lengths(CIFAR10)),
        said(
            "{:.2f} % of the paths carry", float(table(f"path_ensembles/{CIFAR10}")["their share of all paths, %"][2])
        ),
        said("their share of all paths | {:.0f} % | {:.0f} % |", share(DIGITS), share(CIFAR10)),
        said(
            "the first three cost {:.0f}, {:.0f} and {:.0f} points and those that halve the image {:.0f} and {:.0f}, "
            "all others at most {:.0f};",
            *missed(DIGITS, 3),
        ),
        said(
            "the first four cost {:.1f}, {:.1f}, {:.1f} and {:.1f}, those that halve the image {:.1f} and {:.1f}, "
            "all others at most {:.1f}.",
            *missed(CIFAR10, 4),
        ),
    ]


def change(scale: str, pair: str) -> tuple[float, float, float]:
    """A gain in accuracy with its interval."""
    found = facts(f"alexnet_changes/{scale}")["pairs"][pair]["difference"]
    return found["mean"], *interval(found)


def alexnet_changes() -> list[Said]:
    groups = facts("alexnet_changes/alexnet")["pairs"]["groups"]
    dropout, low, high = change("alexnet", "dropout")
    accuracy = facts("alexnet_changes/googlenet")["pairs"]["auxiliary"]["b"]["accuracy"]["mean"]
    tests = [own["trained"]["p"] for own in facts(f"group_specialisation/{CIFAR10}")["networks"]["two groups"].values()]
    return [
        said("cross-entropy for squared error {:.1f} ({:.1f} to {:.1f})", *change("lenet_dense", "loss")),
        said("ReLU for tanh {:.1f} ({:.1f} to {:.1f})", *change("lenet_dense", "activation")),
        said("convolutions for a dense network {:.1f} ({:.1f} to {:.1f})", *change("convnet", "convolution")),
        said("with a quarter of the parameters, {:.1f} ({:.1f} to {:.1f})", *change("convnet", "collect")),
        said("with batch normalization {:.1f} ({:.1f} to {:.1f})", *change("convnet", "collect_norm")),
        said("costs {:.1f} points ({:.1f} to {:.1f}) this early", -dropout, -high, -low),
        said("it is better by {:.1f} ({:.1f} to {:.1f})", *change("alexnet", "response_norm")),
        said("with {:.1f} times the parameters,", groups["b"]["parameters"] / groups["a"]["parameters"]),
        said("gains {:.1f} ({:.1f} to {:.1f}): undecided.", *change("alexnet", "groups")),
        said("auxiliary heads gain {:.1f} ({:.1f} to {:.1f})", *change("googlenet", "auxiliary")),
        said("hardly begun to learn ({:.0f} %)", accuracy),
        said("(p from {:.2f} to {:.2f})", min(tests), max(tests)),
    ]


def search() -> list[Said]:
    cifar10, digits = facts(f"search/{CIFAR10}"), facts(f"search/{DIGITS}")
    loses = {name: -digits["gain"][name] for name in ("mean",)} | {"std": digits["gain"]["std"]}
    both = {own["validation_accuracy"] for own in digits["arms"].values()}
    assert len(both) == 1
    return [
        said("the best of {} trials, {} of them pruned,", len(cifar10["trials"]), cifar10["states"]["pruned"]),
        said("gains {:.1f} ± {:.1f} points ({:.1f} to {:.1f})", *spread(cifar10["gain"]), *interval(cifar10["gain"])),
        said(
            ", {} trials: the best validation accuracy equals that of the recipe ({:.2f} % both)",
            len(digits["trials"]),
            both.pop(),
        ),
        said("loses {:.1f} ± {:.1f} points.", *spread(loses)),
    ]


def below(scale: str, network: str, level: str = "1.0") -> float:
    """Part of the plane with a loss below a level, in percent."""
    return facts(f"loss_surface/{scale}")[network]["below"][level]["mean"]


def loss_surfaces() -> list[Said]:
    digits, cifar10, li = (facts(f"loss_surface/{scale}") for scale in (DIGITS, CIFAR10, "li_fine"))
    wide, plain = "digits_wide", "without shortcuts"
    widths = [[f"{times}{name}" for times in ("", "2 x ", "4 x ")] for name in (plain, "ResNet-20")]
    curvatures = [li[name]["curvature"] for name in ("ResNet-56", plain)]
    return [
        said(
            "{:.1f} % of the plane of ResNet-20 has a loss below 1, and {:.1f} % without",
            below(DIGITS, "ResNet-20"),
            below(DIGITS, "20 without shortcuts"),
        ),
        said(
            "not convex; {:.1f} and {:.1f} % do without",
            *(digits[f"{n} without shortcuts"]["non_convex"]["mean"] for n in (20, 56)),
        ),
        said(
            "at a training loss of {:.1f}, {:.1f} % of the plane is below 10.",
            cifar10["ResNet-56"]["loss"],
            below(CIFAR10, "ResNet-56", "10.0"),
        ),
        said(
            "still guesses ({:.1f} % error), and {:.1f} % is below 10;",
            cifar10[plain]["test_error"],
            below(CIFAR10, plain, "10.0"),
        ),
        said(
            "the loss is up to {:.0f} million",
            values(f"loss_surface/{CIFAR10}", "without_shortcuts")["train_loss"].max() / 1e6,
        ),
        said("times the filters ({:.1f}, {:.1f}, {:.1f} %)", *(below(wide, name) for name in widths[0])),
        said("the share below 10 ({:.1f}, {:.1f}, {:.1f} %)", *(below(wide, name, "10.0") for name in widths[0])),
        said("neither grows ({:.1f}, {:.1f}, {:.1f} % below 1)", *(below(wide, name) for name in widths[1])),
        said("rugged plain ({:.1f} and {:.1f} % below 1)", below("li_fine", "ResNet-56"), below("li_fine", plain)),
        said(
            "The networks themselves have the published {:.2f} and {:.2f} % test error.",
            *(li[name]["test_error"] for name in ("ResNet-56", plain)),
        ),
        said(
            "Hessian is {:.0f}, and {:,.0f} without shortcuts ({} images).",
            curvatures[0]["largest"],
            round(curvatures[1]["largest"], -3),
            curvatures[0]["images"],
        ),
    ]


def surface_accuracy() -> list[Said]:
    fine, coarse = facts("surface_accuracy/li_full"), facts("surface_accuracy/li")

    def counts(own: dict) -> tuple[float, ...]:
        n = own["checked"]
        return 100 * own["images_share"], own["close"] * n, n, own["two_errors"] * n

    row = " | {:.1f} % | {:.0f} of {:.0f} | {:.0f} |"
    examples = [
        values("surface_accuracy/li_full", name)["test_examples"] for name in ("ResNet-56", "without_shortcuts")
    ]
    entirely = [int((own == 10_000).sum()) for own in examples]
    return [
        said(
            "| 51x51, `scale=full` | ResNet-56" + row + " | | without shortcuts" + row,
            *counts(fine[0]),
            *counts(fine[1]),
        ),
        said("| 11x11 | ResNet-56" + row + " | | without shortcuts" + row, *counts(coarse[0]), *counts(coarse[1])),
        said("On the fine one {} and {} of {:,} points are measured entirely,", *entirely, examples[0].size),
        said("half of all points take {:.0f} and {:.0f} images at most", *map(np.median, examples)),
    ]


def curvature() -> list[Said]:
    with_, without = facts(f"curvature/{DIGITS}")
    return [
        said(
            "the eigenvalues go from {:.1f} to {:.0f} for ResNet-20, and from {:.1f} to {:.0f} without",
            with_["smallest"],
            with_["largest"],
            without["smallest"],
            without["largest"],
        ),
        said("a true eigenvalue lies within {:.2f} of each", max(with_["error"], without["error"])),
        said(
            "the median of the smallest one is {:.0f} and {:,.0f}, "
            "and at half of the points it is at most {:.2f} and {:.2f}",
            with_["median_smallest"],
            without["median_smallest"],
            with_["median_ratio"],
            without["median_ratio"],
        ),
    ]


def training_paths() -> list[Said]:
    both = [100 * sum(own["explained"]) for own in facts(f"training_paths/{DIGITS}").values()]
    return [said("hold {:.1f} and {:.1f} % of the movement", *both)]


def batch_sizes() -> list[Said]:
    pairs = [own["solutions"] for own in facts(f"batch_size_interpolation/{DIGITS}").values()]
    small, large = ([own[f"batch {size}"] for own in pairs] for size in (32, 512))
    around = {f"{x:.1f} ± {y:.1f}" for x, y in (spread(own["loss_around"]) for own in large)}
    losses = [np.mean([own["train_loss"] for own in solutions]) for solutions in (large, small)]
    assert len(around) == 1
    return [
        said("with batches of 512 is {}, with and without weight decay", around.pop()),
        said(
            "it is {:.1f} ± {:.1f} and {:.1f} ± {:.1f} (three",
            *spread(small[1]["loss_around"]),
            *spread(small[0]["loss_around"]),
        ),
        said("their training loss is {:.2f} against {:.3f}.", *losses),
    ]


SAID = [
    *depth(),
    *small_filters(),
    *cheap_filters(),
    *path_ensembles(),
    *alexnet_changes(),
    *search(),
    *loss_surfaces(),
    *surface_accuracy(),
    *curvature(),
    *training_paths(),
    *batch_sizes(),
]
GIVEN = [
    "the paper's 64,000 are in",
    "bottleneck in 2, 4, 8 groups",
    "| 16, 32 groups",
    "network of 54 modules",
    "carry 95 %.",
    "of ResNet-20 and -56 not convex",
    "standard error of 1 % of the loss (or 0.005)",
    "exact losses within 2 % or 0.01",
    "(40 products",
    "The published 40 to 90 % are",
    "with batches of 32 it is",
    "| digits, 10 epochs | 5 |",
    "| CIFAR-10, 469 steps | 3 |",
    "at most that of guessing (2.3)",
    "where 10 of 10,000 images have a loss of 8",
    "with 5 of a loss of 100",
]
