"""Counts that are read off the traced program."""

import json

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from src import summary
from src.config.errors import UserError
from src.layers.blocks import ConvNorm, Flatten
from src.layers.pooling import AveragePool, GlobalMaxPool, MaxPool
from src.models.program import Field
from src.models.summary import COSTS, SHAPES, as_table, layers
from src.studies.runs import planned
from src.summary import chosen, main
from src.training.run import run
from tests.models.test_program import place


class Chain(nnx.Module):
    """Layers one after the other."""

    def __init__(self, *made):
        self.made = nnx.List(made)

    def __call__(self, x):
        for layer in self.made:
            x = layer(x)
        return x


def rows(make, shape=(32, 32, 3)):
    return layers(lambda: Chain(*make(nnx.Rngs(0))), shape)


def test_multiplications_include_padding_groups_and_dense_layers():
    found = rows(
        lambda rngs: (
            nnx.Conv(3, 8, (3, 3), rngs=rngs),
            nnx.Conv(8, 16, (3, 5), strides=2, feature_group_count=4, rngs=rngs),
            Flatten(),
            nnx.Linear(16 * 16 * 16, 10, rngs=rngs),
        )
    )
    assert [row.multiplications for row in found] == [32 * 32 * 8 * 27, 16 * 16 * 16 * 15 * 2, 0, 4096 * 10]
    assert [row.output_shape for row in found] == [(32, 32, 8), (16, 16, 16), (4096,), (10,)]


def test_three_small_filters_see_as_much_as_one_large_one():
    found = rows(lambda rngs: [nnx.Conv(3, 3, (3, 3), rngs=rngs) for _ in range(3)])
    assert [row.field.size for row in found] == [(3, 3), (5, 5), (7, 7)]


def test_fields_grow_with_strides_windows_and_dilations():
    found = rows(
        lambda rngs: (
            nnx.Conv(3, 3, (7, 7), strides=2, padding=3, rngs=rngs),
            MaxPool(3, 2, padding=1),
            nnx.Conv(3, 3, (1, 3), kernel_dilation=(1, 2), rngs=rngs),
            AveragePool(2),
            GlobalMaxPool(),
        )
    )
    assert [row.field for row in found] == [
        Field((7, 7), (2, 2), 1, place((-3, -3), (2, 2))),
        Field((11, 11), (4, 4), 1, place((-5, -5), (4, 4))),
        Field((11, 27), (4, 4), 2, place((-5, -13), (4, 4))),
        Field((15, 31), (8, 8), 2, place((-5, -13), (8, 8))),
        Field((32, 32), (32, 32), 2),
    ]


@pytest.mark.parametrize("position", [(0, 0), (5, 5), (3, 6)])
def test_the_field_is_where_the_gradient_is(position):
    """What the table says is what one output value depends on."""

    def make(rngs):
        return Chain(
            ConvNorm(1, 4, kernel=3, stride=2, rngs=rngs), nnx.Conv(4, 4, (5, 5), rngs=rngs), AveragePool(2, 1)
        )

    (*_, last) = layers(lambda: make(nnx.Rngs(0)), (32, 32, 1))
    model = make(nnx.Rngs(0))
    model.eval()
    image = jax.random.normal(jax.random.key(0), (1, 32, 32, 1))
    slope = jax.grad(lambda x: model(x)[0, position[0], position[1]].sum())(image)[0, :, :, 0]
    seen = [jnp.nonzero(jnp.abs(slope).sum(axis))[0] for axis in (1, 0)]
    spans = tuple(int(where.max() - where.min()) + 1 for where in seen)
    assert all(span <= size for span, size in zip(spans, last.field.size, strict=True))
    if min(position) > 2:  # away from the border
        assert spans == last.field.size


def test_a_table_adds_up_what_can_be_added():
    found = rows(lambda rngs: (nnx.Conv(3, 8, (3, 3), rngs=rngs), MaxPool(2)))
    *_, total = as_table(found, SHAPES | COSTS).splitlines()
    assert total.split() == ["total", "224", "221,184"]


@pytest.mark.parametrize(
    ("inputs", "outputs", "groups", "said"),
    [
        (10, 12, 4, r"layer made\.1\.conv, a convolution from 10 to 12 channels in 4 groups, cannot take 32x32x10"),
        (12, 10, 4, r"layer made\.1\.conv, .* from 12 to 10 channels in 4 groups, .* 10 is not a multiple of 4"),
        (7, 8, 1, r"layer made\.1\.conv, .* from 7 to 8 channels in 1 group, cannot take 32x32x"),
    ],
)
def test_a_layer_that_does_not_fit_is_named(inputs, outputs, groups, said):
    first = inputs if groups > 1 else inputs + 1
    with pytest.raises(UserError, match=said):
        rows(
            lambda rngs: (
                ConvNorm(3, first, kernel=1, rngs=rngs),
                ConvNorm(inputs, outputs, kernel=3, groups=groups, rngs=rngs),
            )
        )


@pytest.mark.heavy
def test_the_command_shows_published_inputs_or_those_of_the_data(command):
    found = json.loads(command("src.summary", "model=lenet5", "json=True", "zoo=false").stdout)
    assert (found["input"], found["total"], found["trainable"]) == ([32, 32, 1], 61_706, 61_706)
    assert found["multiplications"] == sum(layer["multiplications"] for layer in found["layers"])
    other = json.loads(command("src.summary", "model=resnet", "data=digits", "json=true").stdout)
    assert (other["input"], other["outputs"]) == ([8, 8, 1], 10)
    table = command("src.summary", "model=convnet").stdout
    assert "84.0%" in table  # of the parameters are in the dense layer (chapter, Fig. 9)
    assert table.splitlines()[-1] == "703,594 trainable parameters, 703,594 with running statistics"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "write model=NAME"),
        (["model=vgg61"], "did you mean 'vgg"),
        (["model=vgg16", "data=digits"], "at least 32x32, not 8x8; model.small=true"),
        (["model=resnet50", "model.variant=theirs"], "'torchvision' or 'keras'"),
        (["-m", "model=vgg16,vgg19"], "a summary is of one network"),
        (["model=vgg16", "--cfg", "job"], "a summary is of one network"),
        (["model=vgg16", "json=yes"], "json=yes: should be true or false"),
    ],
)
def test_a_summary_of_what_does_not_exist_is_one_line(refused, arguments, said):
    code, line = refused(summary, *arguments)
    assert code == 2
    assert said in line


def test_help_shows_how_a_summary_is_asked_for(command):
    assert "python -m src.summary model=vgg16" in command("src.summary", "model=lenet5", "--help").stdout


class Attentive(nnx.Module):
    """A layer that is called by keyword, and one whose weights are used twice."""

    def __init__(self, rngs):
        self.attention = nnx.MultiHeadAttention(2, 4, rngs=rngs, decode=False)
        self.turn = nnx.Linear(4, 4, rngs=rngs)

    def __call__(self, x):
        x = self.attention(x.reshape(len(x), -1, 4), sow_weights=False)
        return self.turn(x) @ self.turn.kernel[...].T


def test_layers_keep_their_options_and_attributes():
    found = {row.name: row for row in layers(lambda: Attentive(nnx.Rngs(0)), (2, 2, 4))}
    assert found["turn"].parameters == 20
    assert found["turn"].multiplications == 4 * 4 * 4


def test_an_empty_dictionary_of_layers_stays_one():
    class Optional(nnx.Module):
        def __init__(self, rngs):
            self.head = nnx.Linear(3, 2, rngs=rngs)
            self.others = nnx.Dict()

        def __call__(self, x):
            return self.others["head"](x) if "head" in self.others else self.head(x)

    assert [row.name for row in layers(lambda: Optional(nnx.Rngs(0)), (3,))] == ["head"]


@pytest.mark.heavy
def test_the_network_of_a_recipe_or_a_run_is_that_of_its_data(monkeypatch, capsys, tmp_path):
    own = planned(["model=linear", "train.duration=2steps", "tracking.tensorboard=false", f"hydra.run.dir={tmp_path}"])
    run(own.settings, own.config, tmp_path)
    for argument, outputs in {"+experiment=segmentation_shapes": 4, f"run={tmp_path}": 10}.items():
        monkeypatch.setattr("sys.argv", ["summary", argument, "json=true"])
        main()
        assert json.loads(capsys.readouterr().out)["outputs"] == outputs
    with pytest.raises(UserError, match="has its own settings; leave out the others"):
        chosen([f"run={tmp_path}", "model=linear"])
