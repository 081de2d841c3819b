"""Files of weights that are pickles: what they say is read, and nothing in them is run."""

import pickle
import zipfile
from collections import OrderedDict

import jax.numpy as jnp
import numpy as np
import pytest

from src.config.errors import UserError
from src.pretrained.importer import read_arrays
from tests.conftest import ROOT

TORCH_FILES = ROOT / "tests/fixtures/torch"  # written by torch 2.14.1
VALUES = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize("form", ["zip", "sequence"])
def test_tensors_arrive_from_both_forms_of_pytorch(form):
    """The older one here is a checkpoint of a `DataParallel`, with tensors of its optimizer."""
    found = read_arrays(TORCH_FILES / f"{form}.pth")
    expected = {
        "conv.weight": VALUES,
        "conv.turned": VALUES.transpose(2, 0, 1)[1:],
        "norm.weight": np.float32([0, 0.5, 1]),
        "norm.half": (np.arange(4) / 4).astype(jnp.bfloat16),
        "norm.num_batches_tracked": np.array(7),
        "empty": np.zeros((0, 2), np.float32),
        "flag": np.array([True, False]),
    }
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickled_arrays_arrive(tmp_path, protocol):
    tree = {"Net": {"kernel": VALUES, "turned": np.asfortranarray(VALUES[0]), "count": np.array(3)}}
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(tree, protocol))
    if protocol == 2:  # in which bytes are a call
        with pytest.raises(UserError, match=r"w\.pkl names _codecs\.encode, and only arrays are read"):
            read_arrays(tmp_path / "w.pkl")
        return
    found = read_arrays(tmp_path / "w.pkl")
    assert list(found) == ["Net/kernel", "Net/turned", "Net/count"]
    for name, array in tree["Net"].items():
        np.testing.assert_array_equal(found[f"Net/{name}"], array)


def pushed(value):
    """The part of a pickle that leaves a plain value on the stack."""
    return pickle.dumps(value, 2)[2:-1]


def called(name, *arguments):
    """The part of a pickle that calls something, with parts for its arguments."""
    module, _, function = name.rpartition(".")
    return named(module, function) + b"(" + b"".join(arguments) + b"tR"


def named(module, name):
    return f"c{module}\n{name}\n".encode()


def state(part):
    """A dictionary with one value."""
    return b"\x80\x02}" + pushed("w") + part + b"s."


def stored(kind="torch.FloatStorage", size=4, what="storage", view=b""):
    module, _, name = kind.rpartition(".")
    return b"(" + pushed(what) + named(module, name) + pushed("0") + pushed("cpu") + pushed(size) + view + b"tQ"


def tensor(storage, offset=0, shape=(4,), strides=(1,)):
    rest = map(pushed, (offset, shape, strides, False))
    return called("torch._utils._rebuild_tensor_v2", storage, *rest, called("collections.OrderedDict"))


def torch_zip(path, pickled):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", pickled)
        archive.writestr("a/data/0", np.arange(4, dtype=np.float32).tobytes())
    return path


def torch_sequence(path, pickled):
    start = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    values = (4).to_bytes(8, "little") + np.arange(4, dtype=np.float32).tobytes()
    path.write_bytes(b"".join(pickle.dumps(each, 2) for each in start) + pickled + pickle.dumps(["0"], 2) + values)
    return path


def plain_pickle(path, pickled):
    path.write_bytes(pickled)
    return path


FORMS = [(torch_zip, "w.pth"), (torch_sequence, "w.pt"), (plain_pickle, "w.ckpt")]


@pytest.mark.parametrize(("write", "name"), FORMS[:2])
def test_what_is_written_by_hand_is_what_pytorch_writes(tmp_path, write, name):
    found = read_arrays(write(tmp_path / name, state(tensor(stored()))))
    np.testing.assert_array_equal(found["w"], np.arange(4))
    turned = read_arrays(write(tmp_path / name, state(tensor(stored(), 1, (1, 2), (1, 2)))))
    np.testing.assert_array_equal(turned["w"], [[1, 3]])


@pytest.mark.parametrize(("write", "name"), FORMS)
def test_what_a_pickle_would_run_is_refused_and_not_run(tmp_path, write, name):
    ran = tmp_path / "ran"
    calls = {
        "posix.system": pushed(f"touch {ran}"),
        "os.system": pushed(f"touch {ran}"),
        "builtins.open": pushed(str(ran)) + pushed("w"),
        "builtins.exec": pushed(f"open({str(ran)!r}, 'w')"),
        "collections.OrderedDict.fromkeys": pushed("ab"),
        "torch.load": pushed(str(ran)),
        "numpy.load": pushed(str(ran)),
        "src.pretrained.pickled.Call": pushed("a") + pushed(()),
    }
    for full, arguments in calls.items():
        with pytest.raises(UserError, match=rf"{name} names {full}, and only arrays are read; nothing in it was run$"):
            read_arrays(write(tmp_path / name, state(called(full, arguments))))
        assert not ran.exists()


class Touches:
    """As a pickle of Python's own would be made for harm."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize(("write", "name"), FORMS)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_harmful_object_between_arrays_is_refused(tmp_path, write, name, protocol):
    ran = tmp_path / "ran"
    pickled = pickle.dumps({"w": OrderedDict(a=1, b=Touches(str(ran)))}, protocol)
    with pytest.raises(UserError, match=r"names (io|_io|builtins|__builtin__)\.open, and only arrays"):
        read_arrays(write(tmp_path / name, pickled))
    assert not ran.exists()
    pickle.loads(pickled)["w"]["b"].close()
    assert ran.exists()


def test_a_pickle_cannot_change_what_it_names(tmp_path):
    """BUILD sets attributes of whatever is on the stack."""
    name = named("torch._utils", "_rebuild_tensor_v2")
    for change in ({"__call__": 1}, (None, {"__call__": 1})):
        with pytest.raises(UserError, match="is no file of PyTorch weights"):
            read_arrays(torch_zip(tmp_path / "w.pth", state(name + pushed(change) + b"b")))
        ordered = named("collections", "OrderedDict") + pushed(change) + b"b"
        with pytest.raises(UserError, match="is no file of PyTorch weights"):
            read_arrays(torch_zip(tmp_path / "w.pth", state(ordered)))


@pytest.mark.parametrize(
    "part",
    [
        tensor(stored(), shape=(5,)),
        tensor(stored(), offset=1),
        tensor(stored(), offset=-1, shape=(2,)),
        tensor(stored(), shape=(2,), strides=(4,)),
        tensor(stored(), shape=(2,), strides=(-1,)),
        tensor(stored(), shape=(10**6,), strides=(0,)),
        tensor(stored("torch.DoubleStorage")),
        tensor(stored(what="module")),
        tensor(stored(view=pushed(("0", 1, 2)))),
        tensor(pushed("0")),
        called("torch.FloatStorage", pushed(4)),
    ],
)
def test_tensors_that_make_no_sense_are_one_line(tmp_path, part):
    with pytest.raises(UserError, match=r"w\.pth is no file of PyTorch weights: [^\n]+$"):
        read_arrays(torch_zip(tmp_path / "w.pth", state(part)))


def test_files_that_are_something_else_are_one_line(tmp_path):
    whole = (TORCH_FILES / "sequence.pth").read_bytes()
    contents = {
        "w.pth": [b"", b"no pickle", whole[:900], whole[:-3], pickle.dumps(3), pickle.dumps([1])],
        "w.ckpt": [b"", b"no pickle", pickle.dumps(3), pickle.dumps({"a": [1]}), pickle.dumps({"a": np.array(["a"])})],
    }
    for name, several in contents.items():
        for content in several:
            (tmp_path / name).write_bytes(content)
            with pytest.raises(UserError, match=rf"{name} is no (file of PyTorch weights|pickle of NumPy arrays): ."):
                read_arrays(tmp_path / name)
        (tmp_path / name).unlink()
        with pytest.raises(UserError, match="is not there"):
            read_arrays(tmp_path / name)
    with pytest.raises(UserError, match="no state dict"):
        read_arrays(torch_zip(tmp_path / "w.pth", b"\x80\x02" + tensor(stored()) + b"."))
    with pytest.raises(UserError, match="has no tensors; "):
        read_arrays(torch_zip(tmp_path / "w.pth", pickle.dumps({"epoch": 3}, 2)))
