"""Threads that write to SQLite side by side."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection

from messages.ingest.turns import Turns
from statusboard.deadline import deadline

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(turns, numbers):
    def take(number):
        try:
            return turns.take(number)
        except ValueError as error:
            return str(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(take, numbers))


def test_everybody_gets_their_own_answer():
    assert in_threads(Turns(lambda number: number * 2), range(200)) == [n * 2 for n in range(200)]


def test_one_that_fails_spoils_nobody_elses():
    def write(number):
        if number == 13:
            raise ValueError("thirteen")
        return number

    answers = in_threads(Turns(write), range(40))
    assert answers == [n if n != 13 else "thirteen" for n in range(40)]


def test_those_who_wait_are_committed_together():
    began, go_on = threading.Event(), threading.Event()
    transactions = []

    def write(number):
        if number == 0:
            began.set()
            go_on.wait(5)
        transactions.append((threading.get_ident(), number))
        return number

    turns = Turns(write)

    def take(number):
        try:
            return turns.take(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(take, 0)
        assert began.wait(5)
        others = [pool.submit(take, number) for number in (1, 2, 3)]
        while len(turns._waiting) < 3:
            time.sleep(0.01)
        go_on.set()
        assert [future.result(5) for future in (first, *others)] == [0, 1, 2, 3]
    assert len({thread for thread, number in transactions if number}) == 1


def test_who_cannot_wait_longer_is_told_so():
    turns: Turns[int, int] = Turns(lambda number: number)
    with turns._turn, deadline(0.01), pytest.raises(OperationalError, match="turn"):
        turns.take(1)
    assert turns.take(2) == 2
