"""Texts: their classes, their unknown words, and the words that the answer hangs on."""

import json
import random

import numpy as np
import pytest

from experiments import inspect
from src import predict
from src.data import imdb
from src.data.texts import FIRST_WORD, UNKNOWN, Texts
from src.interpret.occlusion import word_drops
from src.studies.runs import planned
from src.training.load_run import load_run
from src.training.run import run
from tests.conftest import empty_cache, forget_data

FILLER = ("the", "film", "is", "and", "it", "a", "story", "of", "people")
VERDICTS = (("dull", "bad", "boring"), ("fine", "wonderful", "moving"))


def reviews(count, seed):
    """Reviews of twenty words, one of which says the verdict; every one has a word of its own."""
    rng = random.Random(seed)
    labels = np.arange(count) % 2
    texts = []
    for number, label in enumerate(labels):
        said = [*rng.choices(FILLER, k=18), rng.choice(VERDICTS[label]), f"name{seed}x{number}"]
        rng.shuffle(said)
        texts.append(" ".join(said))
    return Texts(texts, labels)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A run trained on reviews, beside one on digits, an image, and texts in files.

    Of 56 words the network reads all: its convolution leaves 50, which its pooling by 5 divides.
    """
    home = tmp_path_factory.mktemp("texts")
    quiet = ("tracking.progress=none", "tracking.tensorboard=false")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVNETS_CACHE", str(empty_cache(home / "cache")))
        patch.setenv("TFDS_DATA_DIR", str(home / "none"))
        patch.setattr(imdb, "fetched", lambda name, fetch: (reviews(220, 0), reviews(20, 1)))
        forget_data()
        small = ("data.vocabulary=18", "data.length=56", "data.validation=20", "data.batch_size=40",
                 "data.sha256=null", "train.duration=15epochs", "optimizer.learning_rate=0.01",
                 "eval.batch_size=40")  # fmt: skip
        for name, arguments in (
            ("run", ("+experiment=imdb_conv1d", *small)),
            ("digits", ("model=linear", "train.duration=2steps")),
        ):
            own = planned([*arguments, *quiet, f"hydra.run.dir={home / name}"])
            run(own.settings, own.config, home / name)
        folder = home / "reviews"
        folder.mkdir()
        (folder / "good.txt").write_text("\ufeffWonderful: the film is MOVING, Zorro!", "utf-8")
        (folder / "latin.txt").write_bytes("une fin fanée".encode("latin-1"))
        (folder / "none.txt").write_text(" ... \n")
        (home / "photo.png").write_bytes(b"\x89PNG")
        (home / "pictures").mkdir()
        yield home
    forget_data()


@pytest.fixture
def said(home, monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.chdir(home)
        monkeypatch.setattr("sys.argv", ["predict", *arguments])
        code = 0
        try:
            predict.main()
        except SystemExit as end:
            code = end.code
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


@pytest.mark.heavy
def test_typed_texts_and_files_get_their_classes_unknown_words_and_drops(said, home):
    code, out, err = said(
        "run=run", "text=the film | is dull", "text=a wonderful story", "input=reviews", "json=x.jsonl"
    )
    assert code == 0
    assert err == "left out 2 of 3 files: reviews/latin.txt is not a text in UTF-8; reviews/none.txt has no words\n"
    rows = [json.loads(line) for line in (home / "x.jsonl").read_text().splitlines()]
    assert [row["classes"][0] for row in rows] == ["negative", "positive", "positive"]
    assert [row["file"] for row in rows] == [None, None, "reviews/good.txt"]
    assert [(row["words"], row["unknown"]) for row in rows] == [(4, []), (3, []), (6, ["zorro"])]
    assert max(rows[0]["drops"], key=lambda each: each["drop"])["word"] == "dull"
    assert max(rows[1]["drops"], key=lambda each: each["drop"])["word"] == "wonderful"
    assert rows[2]["drops"][5] == {"word": "zorro", "drop": 0}
    table = out.splitlines()
    assert [cell.strip() for cell in table[0].split("|")[1:-1]] == [
        "text", "class", "next", "unknown words", "drop without",
    ]  # fmt: skip
    assert "the film \\| is dull" in table[2]
    assert f"dull {rows[0]['drops'][3]['drop']:.1%}" in table[2]
    assert "1 of 6" in table[4]


@pytest.mark.heavy
def test_there_is_no_album_of_a_run_on_texts(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    monkeypatch.setattr("sys.argv", ["inspect", "run=run"])
    with pytest.raises(SystemExit) as stop:
        inspect.main()
    assert stop.value.code == 2
    said = "error: run=run takes no images\n"
    assert capsys.readouterr().err == said
    assert not (home / "runs").exists()


def test_the_number_of_words_is_chosen(said, home):
    _, out, _ = said("run=run", "text=the film is dull", "words=1")
    assert out.splitlines()[2].split("|")[5].split()[0] == "dull"
    assert len(out.splitlines()[2].split("|")[5].split()) == 2
    _, out, _ = said("run=run", "text=the film is dull", "words=0", "json=none.jsonl")
    assert "drop without" not in out
    assert json.loads((home / "none.jsonl").read_text())["drops"] == []


def test_the_last_words_of_a_long_text_are_read(said, home):
    _, _, err = said("run=run", f"text=zorro {'film ' * 60}", "json=long.jsonl")
    assert err == "1 of 1 texts have more than 56 words, the last of which are read\n"
    row = json.loads((home / "long.jsonl").read_text())
    assert (row["words"], row["unknown"], len(row["drops"])) == (56, [], 56)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run=run"], 'error: text is missing: text="one or more words", or input=FILES'),
        (["run=run", "text="], "error: text= has no words"),
        (["run=run", "text=..."], "error: text=... has no words"),
        (["run=run", "input=reviews/latin.txt"], "error: reviews/latin.txt is not a text in UTF-8"),
        (["run=run", "input=photo.png"], "error: photo.png is an image, and the run reads texts"),
        (["run=run", "input=pictures"], "error: input=pictures: there are no texts (.txt) in it"),
        (["run=run", "input=none.txt"], "error: input=none.txt: there is no such file"),
        (["run=run", "text=a", "pictures=x"], "error: pictures are of images, and run takes texts"),
        (["run=run", "text=a", "words=-1"], "error: words=-1: "),
        (["run=run", "text=a", "words=few"], "error: words=few: "),
        (["run=digits", "text=a"], "error: text is for runs on texts, and digits takes images: input=FILES"),
        (["run=digits", "input=photo.png", "words=3"], "error: words is for runs on texts"),
        (["run=digits", "input=reviews/good.txt"], "error: reviews/good.txt is damaged or not an image"),
    ],
)
def test_what_cannot_be_predicted_is_one_line_and_makes_nothing(said, home, arguments, expected):
    before = sorted(home.rglob("*"))
    code, out, err = said(*arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(expected)
    assert sorted(home.rglob("*")) == before


def test_a_run_without_a_vocabulary_takes_that_of_its_data_or_says_so(said, home, monkeypatch):
    before = said("run=run", "text=the film is dull")
    file = home / "run/preprocessing.json"
    whole = file.read_text()
    old = json.loads(whole)
    del old["vocabulary"]  # as in runs of former times
    file.write_text(json.dumps(old))
    forget_data()
    assert said("run=run", "text=the film is dull") == before
    monkeypatch.setattr(imdb.Imdb, "read", lambda settings, read=imdb.Imdb.read: wordless(read(settings)))
    forget_data()
    code, _, err = said("run=run", "text=the film is dull")
    file.write_text(whole)
    forget_data()
    assert code == 2
    assert err == (
        "error: run has no vocabulary, and neither have its data (imdb_reviews); predict(inputs) in Python takes "
        "numbers of words\n"
    )


def wordless(examples):
    object.__setattr__(examples, "vocabulary", None)
    return examples


def test_drops_are_those_of_one_word_at_a_time(home):
    loaded = load_run(home / "run")
    tokens = loaded.engine.preprocessing.numbered(["the film is dull zorro", f"{'a film ' * 20} moving"])
    drops = word_drops(loaded, tokens)
    whole = loaded.predict(tokens)
    for row, column in ((0, 54), (1, 20), (1, 55)):
        hidden = tokens[[row]]
        hidden[0, column] = UNKNOWN
        answer = whole[row].argmax()
        assert drops[row, column] == pytest.approx(whole[row, answer] - loaded.predict(hidden)[0, answer], abs=1e-6)
    assert (drops[tokens < FIRST_WORD] == 0).all()
    assert (drops.argmax(axis=1) == (54, 55)).all()
    assert (word_drops(loaded, np.zeros((1, 56), np.uint16)) == 0).all()
