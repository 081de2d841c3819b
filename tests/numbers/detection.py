"""The numbers of docs/detection.md."""

from tests.numbers.pages import said
from tests.numbers.results import facts, figures

FOUND, SPEED = facts("detection"), figures("cpu", "detection")

SAID = [
    said("({:,} parameters) reaches", FOUND["parameters"]),
    said("a mean average precision of {:.1f} %", 100 * FOUND["mean_ap"]),
    said("({:.1f} % at eleven recalls)", 100 * FOUND["mean_ap_11_points"]),
    said(
        "is {:.1f} times as fast on two CPU cores as PyTorch with torchvision, and average precision {:.0f} times",
        *(SPEED[name]["speed_ratio"] for name in ("decoding and suppression", "average precision")),
    ),
]
GIVEN = [
    "Decoding 1,000 images",
    "24 convolutions and two dense layers, with 271,703,550 parameters for images of",
    "cells of 30 numbers",
    "sides 64 divides",
    "have more than 8 bits",
]
