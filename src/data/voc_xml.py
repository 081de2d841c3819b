"""Images with boxes in XML, one file for each image, as VOC has them and many programs write them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated as Given
from typing import Literal
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers.expat import ExpatError, ParserCreate

from pydantic import Field

from ..config.errors import UserError, one_line
from ..config.settings import not_defining
from .annotations import Annotated, Form, Images, Thing, files_below, read_examples, split_of
from .examples import Examples, with_test
from .faults import Faults
from .settings import DataSettings, only

LISTS = "ImageSets/Main"
"""Where VOC lists the images of its splits: `train.txt`, `val.txt`, `test.txt`."""


class VocXml(DataSettings):
    """Images below `root` and an XML file for each, beside it or in a folder of its own.

    The splits are those of the lists in `root/ImageSets/Main`, or the folders `root/train`, `root/test` and
    `root/validation` (or `val`, `valid`, `dev`). A split for validation is the test split where there is no other.

    Attributes:
        root: the folder.
        image_size: side of the square that every image is stretched to.
        channels: 3 for colour, 1 for grey.
        classes: names of the classes; those that images for training show, in the order of the alphabet, without.
        test_share: part of the images that is set aside as test split where there is none.
        strict: refuse a folder about which anything is odd.
    """

    name: Given[str, only("voc_xml")]
    root: Given[str, Field(min_length=1)]
    image_size: Given[int, Field(gt=0)]
    channels: Literal[1, 3]
    classes: list[str] | None
    test_share: Given[float, Field(gt=0, lt=1)]
    strict: bool = not_defining(False)

    def read(self) -> Examples:
        """Reads every annotation and decodes its image; what is odd is counted in the notes.

        Raises:
            UserError: nothing can be read; something is odd, and `strict` refuses that.
        """
        root, faults = Path(self.root).expanduser(), Faults()
        form = Form(self.image_size, self.channels)
        splits = annotated_splits(root, faults)
        examples = read_examples(self.name, splits, self.classes, form, self.test_share, faults)
        if self.strict:
            faults.refuse()
        return examples


def annotated_splits(root: Path, faults: Faults) -> dict[str, list[Annotated]]:
    """What all annotations in a folder say, by the splits.

    Raises:
        UserError: there are none.
    """
    files, images = [path for path in files_below(root) if path.suffix.lower() == ".xml"], Images(root)
    if not files:
        raise UserError(f"data.root: {root} has no annotations (.xml)")
    splits: dict[str, list[Annotated]] = {}
    for title, paths in _splits(root, files, faults).items():
        splits[title] = [each for path in paths if (each := _annotated(path, root, images, faults))]
    for path in images.unused():
        faults.add("images without an annotation, left out", str(path.relative_to(root)))
    return splits


def _splits(root: Path, files: Sequence[Path], faults: Faults) -> dict[str, list[Path]]:
    """The annotations of each split."""
    lists = root / LISTS
    if lists.is_dir():
        return _listed(lists, files, faults)
    folders = {path.name: split_of([path.name]) for path in root.iterdir() if path.is_dir()}
    if "train" not in folders.values():
        return {"train": list(files)}
    splits: dict[str, list[Path]] = {}
    for path in files:
        split = folders.get(path.relative_to(root).parts[0])
        if split is None:
            faults.add("annotations in the folder of no split, left out", str(path.relative_to(root)))
        else:
            splits.setdefault(split, []).append(path)
    return with_test(splits)


def _listed(lists: Path, files: Sequence[Path], faults: Faults) -> dict[str, list[Path]]:
    """The annotations that the lists of VOC name; `trainval` is read where there is no `train`.

    Raises:
        UserError: there is no list of images for training.
    """
    by_stem = {path.stem: path for path in files}
    names = {"train": "train", "test": "test", "validation": "val"}
    if not (lists / "train.txt").exists():
        names = {"train": "trainval", "test": "test"}
    splits: dict[str, list[Path]] = {}
    for split, name in names.items():
        stems = (lists / f"{name}.txt").read_text("utf-8").splitlines() if (lists / f"{name}.txt").exists() else []
        for stem in filter(None, map(str.strip, stems)):
            if stem in by_stem:
                splits.setdefault(split, []).append(by_stem[stem])
            else:
                faults.add("images that are listed without an annotation", f"{name}.txt: {stem}")
    if "train" not in splits:
        raise UserError(f"data.root: {lists} lists no images for training (train.txt)")
    for path in sorted({*files} - {path for paths in splits.values() for path in paths}):
        faults.add(f"annotations in no list of {LISTS}, left out", path.name)
    return with_test(splits)


def _annotated(path: Path, root: Path, images: Images, faults: Faults) -> Annotated | None:
    """What a file says of its image; None if it cannot be read, or there is no image."""
    place = str(path.relative_to(root))
    try:
        tree = parsed(path.read_bytes())
        things = tuple(_thing(each) for each in tree.findall("object"))
        size = _size(tree)
    except (ExpatError, ValueError, OSError) as error:
        faults.add("annotations that cannot be read, left out", f"{place} ({one_line(error)})")
        return None
    image = images.find([path.stem, tree.findtext("filename") or ""], path.parent)
    if image is None:
        faults.add("annotations without their image, left out", place)
        return None
    return Annotated(place, image, size, things)


def parsed(content: bytes) -> Element:
    """The tree of an XML file. Entities, which could name other files or grow without end, are not read.

    Raises:
        ExpatError: it is no XML.
        ValueError: it declares a document type, where entities are.
    """
    builder, parser = TreeBuilder(), ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type, which is not read")

    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)
    return builder.close()


def _thing(node: Element) -> Thing:
    """One object; VOC counts pixels from 1, and the last ones of a box are inside.

    Raises:
        ValueError: it has no name or no box.
    """
    name = (node.findtext("name") or "").strip()
    values = [node.findtext(f"bndbox/{corner}") for corner in ("ymin", "xmin", "ymax", "xmax")]
    if not name or None in values:
        raise ValueError("an object has no name or no bndbox")
    top, left, bottom, right = (float(value or "") for value in values)
    flat = bottom <= top or right <= left
    box = (top, left, bottom, right) if flat else (top - 1, left - 1, bottom, right)
    return Thing(name, box, difficult=re.fullmatch(r"\s*1\s*", node.findtext("difficult") or "") is not None)


def _size(tree: Element) -> tuple[int, int] | None:
    """Height and width, if they are said; some programs write zeros."""
    height, width = (int(float(tree.findtext(f"size/{side}") or 0)) for side in ("height", "width"))
    return (height, width) if height > 0 and width > 0 else None
