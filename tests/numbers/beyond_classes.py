"""The numbers of docs/beyond_classes.md."""

from tests.numbers.pages import said
from tests.numbers.results import facts

LOCALISED, ONE, NETWORKS = facts("localisation"), facts("segmentation"), facts("segmentation_networks")["networks"]

ROADS = facts("camvid/segmentation")

SAID = [
    said(
        "reaches a mean intersection over union of {:.1f} % with {:,} parameters, and {:.1f} % right pixels: "
        "{:.1f} % of road, {:.1f} % of poles",
        100 * ROADS["mean_iou"],
        ROADS["parameters"],
        100 * ROADS["accuracy"],
        *(ROADS["classes"][name]["iou"] for name in ("road", "pole")),
    ),
    said(
        "{:.1f} % of the test images are localised: {:.1f} % have the right class, and the mean overlap is {:.1f} %. "
        "The network has {:,} parameters and is trained in {:.1f} minutes",
        100 * LOCALISED["localised"],
        100 * LOCALISED["accuracy"],
        100 * LOCALISED["mean_iou"],
        LOCALISED["parameters"],
        LOCALISED["seconds"] / 60,
    ),
    said("reaches a mean intersection over union of {:.1f} % in {:.0f} seconds", 100 * ONE["mean_iou"], ONE["seconds"]),
    said(
        "the chapter's first form has {:.1f} %, FCN-32s {:.1f} %, FCN-16s {:.1f} %, FCN-8s {:.1f} %, and the encoder "
        "and decoder {:.1f} %",
        *(NETWORKS[name]["mean_iou"] for name in NETWORKS),
    ),
]
GIVEN = [
    "134,346,581, 134,364,410 and 134,376,863 parameters; the paper says 134 million",  # tests/models/test_fcn.py
    "pads images by 100 pixels",
    "`model.stride` is 32, 16 or 8",
    "8 bits",
    "701 views of roads",  # tests/data/test_mask_folder.py
    "With 21 classes",
]
