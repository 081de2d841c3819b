"""The numbers of docs/speed.md."""

from tests.numbers.pages import Said, said
from tests.numbers.results import figures


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


def on_cpus() -> list[Said]:
    """How much longer training takes elsewhere."""
    others = [*other_networks("XLA"), *other_networks("torch")]
    return [
        said("| training step of ResNet-20 | {:.1f} | {:.1f} | {:.1f} |", *steps(20)),
        said("| training step of ResNet-56 | {:.1f} | {:.1f} | {:.1f} |", *steps(56)),
        said("of five other networks | {:.1f} to {:.1f} | {:.2f} to {:.2f} |", *others),
    ]


def on_a_gpu() -> list[Said]:
    """How long a loss surface takes."""
    points = figures("nvidia_h100_80gb_hbm3", "surface_points")
    fast, exact = (points[f"ResNet-56, 10,000 images, 9 points, {kind}"] for kind in ("bfloat16", "float32"))
    return [
        said("take {:.1f} minutes in bfloat16", fast["minutes_of_a_figure"]),
        said("and {:.1f} in float32.", exact["minutes_of_a_figure"]),
        said("{:.1f} and {:.1f} times as fast as an eager", fast["speed_ratio"], exact["speed_ratio"]),
    ]


def details() -> list[Said]:
    """What only this page has."""
    starts, pages = (figures("cpu", name) for name in ("starts", "huge_pages"))
    points = [figures("cpu", "surface_points")[f"ResNet-{depth}, 200 images, 9 points, float32"] for depth in (20, 56)]
    layers = [own["speed_ratio"] for own in figures("cpu", "layers").values()]
    fast = figures("nvidia_h100_80gb_hbm3", "surface_points")["ResNet-56, 10,000 images, 9 points, bfloat16"]
    small, large = evaluations()
    return [
        said("compiles {:.1f} times as fast", starts["compiling the training step of ResNet-20"]["speed_ratio"]),
        said("a training step {:.1f} times as fast", pages["training step of ResNet-20, batch 128"]["speed_ratio"]),
        said("{:.1f} times as fast as by PyTorch (ResNet-20)", points[0]["speed_ratio"]),
        said("and {:.1f} times (ResNet-56)", points[1]["speed_ratio"]),
        said("| evaluation of ResNet-20 | – | {:.1f} |", small),
        said("| evaluation of ResNet-56 | – | {:.1f} |", large),
        said("they are {:.0f} to {:.0f} times faster", min(layers), max(layers)),
        said("(error up to {:.1f} %)", 100 * fast["largest_error"]),
    ]


SAID = [*on_cpus(), *on_a_gpu(), *details()]
