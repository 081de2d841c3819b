"""Sets of TFDS with the features of Oxford Pets."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from tensorflow_datasets.core import constants

from src.config.errors import UserError

CORE = "tensorflow_datasets.core.features"


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def image_feature(channels):
    shape = {"dimensions": ["-1", "-1", str(channels)]}
    return {
        "pythonClassName": f"{CORE}.image_feature.Image",
        "image": {"dtype": "uint8", "shape": shape, "encodingFormat": "png"},
    }


def write_pets(root, splits):
    """A prepared directory, written without TensorFlow: images and trimaps of 1 to 3, by split."""
    from array_record.python.array_record_module import ArrayRecordWriter
    from tensorflow_datasets.core.example_parser import tf_example_pb2

    directory = root / "pets_like" / "4.0.0"
    directory.mkdir(parents=True)
    described = []
    for split, pairs in splits.items():
        file = directory / f"pets_like-{split}.array_record-00000-of-00001"
        writer = ArrayRecordWriter(str(file), "group_size:1")
        for number, (image, mask) in enumerate(pairs):
            example = tf_example_pb2.Example()
            features = example.features.feature
            features["image"].bytes_list.value.append(png(image))
            features["segmentation_mask"].bytes_list.value.append(png(mask))
            features["file_name"].bytes_list.value.append(f"{number}.jpg".encode())
            features["label"].int64_list.value.append(number % 3)
            features["species"].int64_list.value.append(number % 2)
            features["head_bbox"].float_list.value.extend([0.0, 0.0, 0.5, 0.5])
            writer.write(example.SerializeToString())
        writer.close()
        template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
        sizes = {"shardLengths": [str(len(pairs))], "numBytes": str(file.stat().st_size)}
        described.append({"name": split, **sizes, "filepathTemplate": template})
    info = {"name": "pets_like", "version": "4.0.0", "fileFormat": "array_record", "splits": described}
    (directory / "dataset_info.json").write_text(json.dumps(info))

    def classes(count):
        return {"pythonClassName": f"{CORE}.class_label_feature.ClassLabel", "classLabel": {"numClasses": str(count)}}

    features = {
        "image": image_feature(3),
        "segmentation_mask": image_feature(1),
        "file_name": {"pythonClassName": f"{CORE}.text_feature.Text", "text": {}},
        "label": classes(3),
        "species": classes(2),
        "head_bbox": {
            "pythonClassName": f"{CORE}.bounding_boxes.BBoxFeature",
            "boundingBox": {"shape": {"dimensions": ["4"]}, "dtype": "float32"},
        },
    }
    (directory / "features.json").write_text(
        json.dumps({"pythonClassName": f"{CORE}.features_dict.FeaturesDict", "featuresDict": {"features": features}})
    )


def pairs(count, size=(20, 30)):
    """Images whose red says the class of each pixel: 1 the pet, 2 the background, 3 the border."""
    for number in range(count):
        mask = np.random.default_rng(number).integers(1, 4, (2, 3)).repeat(size[0] // 2, 0).repeat(size[1] // 3, 1)
        image = np.full((*size, 3), 30, np.uint8)
        image[..., 0] = 80 * mask
        yield image, mask.astype(np.uint8)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "DATA_DIR", str(tmp_path))  # it was read from the environment long ago
    return tmp_path


PETS = ("data=oxford_pets", "data.name=pets_like", "data.image_size=[10,15]", "data.validation=0")


def test_a_set_like_oxford_pets_is_read_by_name(home, compose):
    image, mask = next(pairs(1))
    odd = [(image, mask[:10]), (image, mask + np.uint8(1))]
    write_pets(home, {"train": [*pairs(6), *odd, *pairs(1, (40, 30))], "test": [*pairs(3)]})
    found = compose(*PETS).dataset()
    assert found.spec.class_names == ("pet", "background", "border")
    assert (found.spec.train, found.spec.test, found.spec.shape) == (7, 3, (10, 15, 3))
    assert found.notes == (
        "masks of another size than their image, left out: 1 (train 6)",
        "masks with other values than those of 3 classes, left out: 1 (train 7)",
    )
    for split in (found.train, found.test):
        said = (split.inputs[..., 0].astype(float) / 80).round().astype(int) - 1
        assert (said == split.targets["mask"]).mean() > 0.9  # but at edges, which are blurred


@pytest.mark.heavy
def test_it_is_trained_on(home, compose, command, tmp_path):
    write_pets(home, {"train": [*pairs(16)], "test": [*pairs(8)]})
    own = ("data.batch_size=8", "task=segmentation", "model=full_resolution", "model.filters=4", "kernels=xla")
    command("src.train", *PETS, *own, "train.duration=2steps", TFDS_DATA_DIR=str(home))
    (run,) = (tmp_path / "runs").iterdir()
    assert 0 <= json.loads((run / "results.json").read_text())["test_mean_iou"] <= 1


def test_what_is_not_prepared_or_has_no_masks_is_one_line(home, compose):
    with pytest.raises(UserError, match=r"data.name=oxford_iiit_pet is not prepared in .*; prepare it where"):
        compose("data=oxford_pets").dataset()
    write_pets(home, {"train": [*pairs(2)], "test": [*pairs(2)]})
    with pytest.raises(UserError, match=r"no training split with the features image and mask; it has .*head_bbox"):
        compose(*PETS, "data.mask=mask").dataset()
