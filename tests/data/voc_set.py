"""A prepared TFDS directory with VOC's features, written without TensorFlow."""

import io
import json

import numpy as np
import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordWriter
from PIL import Image
from tensorflow_datasets.core.example_parser import tf_example_pb2

NAMES = ["bird", "boat", "cat"]
POSES = ["frontal", "left", "unspecified"]


def write_voc(root, splits):
    """Splits are lists of (height, width, objects), and objects (box in shares, label, difficult)."""
    directory = root / "voc_like" / "1.0.0"
    directory.mkdir(parents=True)
    features = tfds.features
    features.FeaturesDict(
        {
            "image": features.Image(),
            "image/filename": features.Text(),
            "objects": features.Sequence(
                {
                    "label": features.ClassLabel(names=NAMES),
                    "bbox": features.BBoxFeature(),
                    "pose": features.ClassLabel(names=POSES),
                    "is_truncated": np.bool_,
                    "is_difficult": np.bool_,
                }
            ),
            "labels": features.Sequence(features.ClassLabel(names=NAMES)),
            "labels_no_difficult": features.Sequence(features.ClassLabel(names=NAMES)),
        }
    ).save_config(str(directory))
    info = {"name": "voc_like", "version": "1.0.0", "fileFormat": "array_record", "splits": []}
    rng = np.random.default_rng(0)
    for split, examples in splits.items():
        file = directory / f"voc_like-{split}.array_record-00000-of-00001"
        writer = ArrayRecordWriter(str(file), "group_size:1")
        for number, example in enumerate(examples):
            writer.write(serialized(rng, f"{split}{number}.png", *example))
        writer.close()
        info["splits"].append(
            {
                "name": split,
                "shardLengths": [str(len(examples))],
                "numBytes": str(file.stat().st_size),
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
            }
        )
    (directory / "dataset_info.json").write_text(json.dumps(info))


def serialized(rng, name, height, width, objects):
    example, buffer = tf_example_pb2.Example(), io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(buffer, "PNG")
    fields = example.features.feature
    fields["image"].bytes_list.value.append(buffer.getvalue())
    fields["image/filename"].bytes_list.value.append(name.encode())
    fields["objects/bbox"].float_list.value.extend(side for box, _, _ in objects for side in box)
    fields["objects/label"].int64_list.value.extend(label for _, label, _ in objects)
    fields["objects/pose"].int64_list.value.extend(2 for _ in objects)
    fields["objects/is_truncated"].int64_list.value.extend(0 for _ in objects)
    fields["objects/is_difficult"].int64_list.value.extend(int(difficult) for _, _, difficult in objects)
    for field, own in (("labels", objects), ("labels_no_difficult", [each for each in objects if not each[2]])):
        fields[field].int64_list.value.extend(sorted({label for _, label, _ in own}))
    return example.SerializeToString()
