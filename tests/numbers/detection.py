"""The numbers of docs/detection.md."""

from tests.numbers.pages import said
from tests.numbers.results import facts, figures

FOUND, SPEED, CELLS = facts("detection"), figures("cpu", "detection"), facts("bccd/detection")
REGIONS = facts("regions")
PASS, MANY = (REGIONS["ways"][name] for name in ("one pass", "regions"))

SAID = [
    said("({:,} parameters) reaches", FOUND["parameters"]),
    said("a mean average precision of {:.1f} %", 100 * FOUND["mean_ap"]),
    said("({:.1f} % at eleven recalls)", 100 * FOUND["mean_ap_11_points"]),
    said(
        "photographs the mean average precision is {:.1f} % ({:.1f} % at eleven recalls), with {:,} parameters",
        100 * CELLS["mean_ap"],
        100 * CELLS["mean_ap_11_points"],
        CELLS["parameters"],
    ),
    said(
        "White cells have {:.1f} %, red cells {:.1f} % and platelets, the smallest by far, {:.1f} %",
        *(CELLS["classes"][name]["ap"] for name in ("WBC", "RBC", "Platelets")),
    ),
    said(
        "is {:.1f} times as fast on two CPU cores as PyTorch with torchvision, and average precision {:.0f} times",
        *(SPEED[name]["speed_ratio"] for name in ("decoding and suppression", "average precision")),
    ),
    said("On {} drawn images one pass has", REGIONS["images"]),
    said(
        "one pass has a mean average precision of {:.1f} %, and {} regions have {:.1f} %, with {:.0f} times the "
        "multiplications and {:.0f} times the time",
        PASS["mean_ap"],
        MANY["regions"],
        MANY["mean_ap"],
        *(MANY[name] / PASS[name] for name in ("multiplications", "milliseconds")),
    ),
]
GIVEN = [
    "has 364 photographs of blood",
    "learnt from 205 photographs",
    "Decoding 1,000 images",
    "24 convolutions and two dense layers, with 271,703,550 parameters for images of",
    "cells of 30 numbers",
    "sides 64 divides",
    "have more than 8 bits",
]
