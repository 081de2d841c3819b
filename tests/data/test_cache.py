"""A cache entry is whole, verified, and made once."""

import itertools
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from src.config.errors import UserError
from src.data.cache import cached
from src.data.examples import Examples, checksum
from tests.data.fill_cache import small


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVNETS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def never():
    raise AssertionError("prepared a second time")


def test_a_data_set_is_prepared_once():
    first, second = cached("small", small), cached("small", never)
    assert checksum(first) == checksum(second)
    assert second.class_names == ("a", "b", "c")


def test_a_copy_remembers_where_it_came_from(home):
    cached("small", lambda: replace(small(), source="authors"))
    assert cached("small", never).source == "authors"
    manifest = json.loads((home / "small" / "manifest.json").read_text())
    del manifest["source"]  # as in copies of former times
    (home / "small" / "manifest.json").write_text(json.dumps(manifest))
    assert cached("small", never).source is None


def test_a_copy_is_read_where_nothing_can_be_written(monkeypatch):
    def refused(*_, **__):
        raise PermissionError("read-only")

    cached("small", small)
    monkeypatch.setattr("src.data.cache.locked", refused)
    assert checksum(cached("small", never)) == checksum(small())
    with pytest.raises(UserError, match="cannot write the data cache: read-only; set CONVNETS_CACHE"):
        cached("another", small)


def test_a_copy_that_no_checksum_speaks_for_is_told_of(caplog):
    caplog.set_level("INFO")
    known = checksum(cached("small", small))
    cached("small", never, known)
    assert "as it was prepared before" not in caplog.text
    cached("small", never)
    assert "small is used as it was prepared before" in caplog.text


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *itertools.product(["train_images.npy", "test_labels.npy"], ["flip", "cut", "remove"]),
        ("manifest.json", "flip"),
        ("manifest.json", "cut"),
    ],
)
def test_a_damaged_copy_is_replaced(home, name, damage, caplog):
    cached("small", small)
    file = home / "small" / name
    content = bytearray(file.read_bytes())
    if damage == "remove":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        content[-5] ^= 1
        file.write_bytes(content)
    again = cached("small", small)
    assert checksum(again) == checksum(small())
    assert "damaged" in caplog.text
    assert checksum(cached("small", never)) == checksum(again)


def texts():
    return replace(small(), vocabulary=("the", "film", "it's"))


def test_a_vocabulary_is_kept_beside_the_texts(home):
    cached("small", texts, texts=True)
    assert cached("small", never, texts=True).vocabulary == ("the", "film", "it's")
    (home / "small/vocabulary.txt").write_text("the\nfilms\nit's")
    assert cached("small", texts, texts=True).vocabulary == ("the", "film", "it's")
    (home / "small/vocabulary.txt").unlink()
    assert cached("small", texts, texts=True).vocabulary == ("the", "film", "it's")


def test_texts_of_former_times_get_their_vocabulary_and_are_used_without_it_where_it_cannot_be_had(caplog):
    def offline():
        raise UserError("no network")

    cached("small", small)
    assert cached("small", offline, texts=True).vocabulary is None
    assert "without the words of its texts: no network" in caplog.text
    other = replace(texts(), train=texts().train[:2])
    assert checksum(cached("small", lambda: other, texts=True)) == checksum(small())
    assert cached("small", texts, texts=True).vocabulary == ("the", "film", "it's")
    assert cached("small", never, texts=True).vocabulary == ("the", "film", "it's")


@pytest.mark.parametrize("name", ["manifest.json", "train_images.npy", "mine.txt"])
def test_a_folder_that_is_not_ours_is_not_replaced(home, name):
    """Somebody's own data may have the name of a set, and even arrays that are called like ours."""
    mine = home / "small" / name
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    if name == "manifest.json":
        (home / "small" / "photograph.png").write_bytes(b"mine")
    with pytest.raises(UserError, match="which is not ours; set CONVNETS_CACHE to another directory"):
        cached("small", small)
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("moment", "pattern", "there"),
    [
        ("before-open", "train_labels", False),
        ("before-open", "manifest.json", False),
        ("before-rename", "small$", False),
        ("after-rename", "small$", True),
    ],
)
def test_an_entry_whose_writer_is_killed_is_whole_or_not_there(home, moment, pattern, there):
    arguments = [sys.executable, "-m", "tests.faulty", moment, pattern, "1", "tests.data.fill_cache"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (home / "small").exists() == there
    assert checksum(cached("small", never if there else small)) == checksum(small())


def test_nothing_is_left_of_an_attempt_that_failed(home):
    def fails():
        raise UserError("no network")

    with pytest.raises(UserError):
        cached("small", fails)
    assert [path.name for path in home.iterdir()] == [".small.lock"]


def slowly(log):
    def prepare():
        with open(log, "a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(1)
        return small()

    cached("small", prepare)


@pytest.mark.heavy
def test_of_two_processes_that_start_together_one_prepares(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=slowly, args=(tmp_path / "log",)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len((tmp_path / "log").read_text().splitlines()) == 1


def test_one_data_set_does_not_wait_for_another():
    both = threading.Thread(target=cached, args=("one", lambda: cached("another", small)), daemon=True)
    both.start()
    both.join(timeout=20)
    assert not both.is_alive()


def test_a_cache_that_cannot_be_written_is_one_line(monkeypatch):
    monkeypatch.setenv("CONVNETS_CACHE", "/proc/none")
    with pytest.raises(UserError, match="set CONVNETS_CACHE"):
        cached("small", small)


def test_other_examples_than_the_known_ones_are_replaced():
    cached("small", lambda: Examples(small().test, small().train, small().class_names))
    assert checksum(cached("small", small, checksum(small()))) == checksum(small())
