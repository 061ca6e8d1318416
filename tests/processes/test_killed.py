"""After SIGKILL of a process of `make run`, no other process keeps the port or runs on."""

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.waiting import wait_until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="asks Linux for processes"),
]


def commands(board) -> dict[int, str]:
    """The processes with the server's DATA_DIR: command by process id."""
    ours = f"DATA_DIR={board.folder}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if ours in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_bytes().decode()
        except OSError:  # the process has ended
            continue
    return found


def is_port_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def web_server_of(board) -> int:
    return next(
        child for child in children_of(board.process.pid) if "granian" in commands(board)[child]
    )


@pytest.mark.parametrize("victim", [lambda board: board.process.pid, web_server_of])
def test_killed_server_leaves_no_process_behind(start_board, victim):
    board = start_board()
    # serve, granian, two web processes and the worker
    wait_until(lambda: len(commands(board)) == 5, "not all processes start")
    os.kill(victim(board), signal.SIGKILL)
    board.process.wait(60)
    wait_until(lambda: is_port_free(board.port) and not commands(board), "a process is left")


def test_killed_web_process_is_replaced(start_board):
    board = start_board()
    server = web_server_of(board)
    wait_until(lambda: len(children_of(server)) == 2, "not all web processes start")
    killed = children_of(server)[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: len(set(children_of(web_server_of(board))) - {killed}) == 2, "none takes its place"
    )
