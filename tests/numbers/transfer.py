"""The numbers of docs/transfer.md."""

from tests.numbers.pages import Said, said
from tests.numbers.results import facts, interval, spread


def rows() -> list[Said]:
    found = {row["name"]: row for row in facts("transfer/photographs")["rows"]}
    errors = {name: spread(row["accuracy"]) for name, row in found.items()}
    augmented, cached, scratch = "head, images augmented", "head on cached features", "from scratch"
    unfrozen = [found[f"{augmented}; blocks unfrozen: {blocks}"] for blocks in (1, 3, 13)]
    assert all(row["difference"]["low"] < 0 < row["difference"]["high"] for row in unfrozen)
    gain = found[cached]["difference"]
    return [
        said("| dense network on pixels | {:.1f} ± {:.1f} |", *errors["dense network on pixels"]),
        said("| the same MobileNet from scratch, 10 epochs | {:.1f} ± {:.1f} |", *errors[scratch]),
        said("| head on cached features | {:.1f} ± {:.1f} |", *errors[cached]),
        said("| head, images augmented | {:.1f} ± {:.1f} |", *errors[augmented]),
        said(
            "at a tenth of the rate | {:.1f} ± {:.1f}, {:.1f} ± {:.1f}, {:.1f} ± {:.1f} |",
            *(number for row in unfrozen for number in spread(row["accuracy"])),
        ),
        said("are worth {:.1f} points over", gain["mean"]),
        said("(95 % interval {:.1f} to {:.1f}). Unfreezing", *interval(gain)),
        said("the differences are {:.1f}, {:.1f} and {:.1f}, and", *(row["difference"]["mean"] for row in unfrozen)),
        said("the head is right in {:.1f} ± {:.1f} %", *errors[f"{cached}, 50 images"]),
        said("with 200 in {:.1f} ± {:.1f} %;", *errors[f"{cached}, 200 images"]),
        said("teach nothing ({:.1f} ± {:.1f} %)", *errors[f"{scratch}, 50 images"]),
    ]


SAID = rows()
GIVEN = [
    "The chapter's 2,000 photographs to learn from and 1,000 to be tried on, MobileNet of width 0.75",
    "| about 61 |",
    "about 97.5, by MobileNet of width 1 |",
    "With 50 images",
    "with 200 in",
    "every interval holds 0",
]
