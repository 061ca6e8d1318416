"""Group commit: threads that write at the same time share batches."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError

from messages.ingest.batching import BatchFailedError, BatchWriter
from messages.ingest.file_lock import FileLock
from statusboard.databases import deadline
from tests.waiting import wait_until


class Writer:
    """Records the batches. The item "hold" blocks until `go_on` is set, and the item 13 fails."""

    def __init__(self, **options):
        self.batches: list[list[Any]] = []
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.written_by: Callable[[Any], Any] = self.write
        self.writer: BatchWriter[Any, Any] = BatchWriter(self._call, **options)

    def _call(self, items):
        return self.written_by(items)

    def write(self, numbers):
        self.batches.append(list(numbers))
        if numbers == ["hold"]:
            self.began.set()
            assert self.go_on.wait(60)
        if 13 in numbers:
            raise ValueError("thirteen")
        return [f"{number} written" for number in numbers]

    def wait_for(self, number):
        wait_until(lambda: len(self.writer.waiting) >= number, "nobody waits")

    @contextmanager
    def busy(self, pool, *waiting):
        """Queue these items, in this order, while another thread is writing."""
        holder = pool.submit(self.writer.write, "hold")
        assert self.began.wait(60)
        futures = []
        for place, (number, options) in enumerate(waiting, 1):
            futures.append(pool.submit(self.writer.write, number, **options))
            self.wait_for(place)
        yield futures
        self.go_on.set()
        assert holder.result(60) == "hold written"


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as pool:
        yield pool


def after_hold(writer):
    return writer.batches[1:]


def test_each_thread_gets_its_own_answer(pool):
    writer = Writer()
    assert list(pool.map(writer.writer.write, range(20, 220))) == [
        f"{number} written" for number in range(20, 220)
    ]


def test_single_item_is_written_alone():
    writer = Writer()
    assert [writer.writer.write(1), writer.writer.write(2)] == ["1 written", "2 written"]
    assert writer.batches == [[1], [2]]


def test_waiting_items_are_written_together(pool):
    writer = Writer()
    with writer.busy(pool, (1, {}), (2, {}), (3, {})) as waiting:
        pass
    assert [future.result(60) for future in waiting] == ["1 written", "2 written", "3 written"]
    assert after_hold(writer) == [[1, 2, 3]]


def test_item_marked_as_alone_gets_its_own_batch(pool):
    writer = Writer()
    with writer.busy(pool, (1, {}), (2, {"alone": True}), (3, {})) as waiting:
        pass
    assert [future.result(60) for future in waiting][1] == "2 written"
    assert after_hold(writer) == [[1], [2], [3]]


def test_failed_batch_raises_another_error_than_a_failed_item(pool):
    writer = Writer()
    with writer.busy(pool, (12, {}), (13, {})) as waiting:
        pass
    for future in waiting:
        with pytest.raises(BatchFailedError):
            future.result(60)
    with pytest.raises(ValueError, match="thirteen"):
        writer.writer.write(13, alone=True)
    assert writer.writer.write(12, alone=True) == "12 written"


def test_item_past_its_deadline_is_not_written(pool):
    writer = Writer()
    with writer.busy(pool), deadline(0.01), pytest.raises(OperationalError, match="in time"):
        writer.writer.write(1)
    assert writer.writer.write(2) == "2 written"
    assert after_hold(writer) == [[2]]


def test_other_process_is_waited_for_until_the_deadline(tmp_path):
    mine, other = FileLock(tmp_path / "turn"), FileLock(tmp_path / "turn")
    writer = Writer(process_lock=mine)
    other.acquire(None)
    with deadline(0.05), pytest.raises(OperationalError, match="in time"):
        writer.writer.write(1)
    other.release()
    assert writer.writer.write(2) == "2 written"
    assert writer.batches == [[2]]


def test_writer_past_its_deadline_does_not_block_later_writes(pool):
    writer = Writer()

    def impatient(number):
        with deadline(0.001 * (number % 5)):
            try:
                return writer.writer.write(number)
            except OperationalError:
                return "too late"

    answers = list(pool.map(impatient, range(20, 420)))
    assert set(answers) <= {"too late", *(f"{number} written" for number in range(20, 420))}
    assert writer.writer.write(1) == "1 written"


def test_item_in_another_threads_batch_waits_until_its_deadline(pool):
    writer, in_hand, enough = Writer(), threading.Event(), threading.Event()

    def write_slowly(numbers):
        if len(numbers) == 2:
            in_hand.set()
            assert enough.wait(60)
        return numbers

    def take(number, seconds):
        with deadline(seconds):
            return writer.writer.write(number)

    with writer.busy(pool):
        leader = pool.submit(take, 1, 60)
        writer.wait_for(1)
        companion = pool.submit(take, 2, 2)
        writer.wait_for(2)
        writer.written_by = write_slowly
    with pytest.raises(OperationalError, match="in time"):
        companion.result(60)
    enough.set()
    assert leader.result(60) == 1
