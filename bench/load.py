"""Start granian with the production options and put it under load with wrk."""

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.board import ROOT

PORT = int(os.environ.get("BENCH_PORT", "8799"))
# The same number of threads as WEB_THREADS, for every contestant.
THREADS = "20"
CONNECTIONS = 16


@dataclass(frozen=True)
class Result:
    """Requests per second, latencies in milliseconds, and requests without a 2xx response."""

    rate: float
    p50_ms: float
    p99_ms: float
    failed: int


@contextmanager
def server(
    application: str, environment: dict[str, str], path: str, python: str = sys.executable
) -> Iterator[int]:
    """Start granian with `application`, wait until `path` responds, and yield the process id."""
    command = [python, "-m", "granian", "--interface", "wsgi", "--port", str(PORT)]
    command += ["--workers", "2", "--blocking-threads", THREADS, "--no-ws"]
    command += ["--log-level", "error", application]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)
    try:
        _wait_for(path)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(path: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=1)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The server did not start.")


def load(
    path: str,
    seconds: float,
    *,
    ids: int = 0,
    connections: int = CONNECTIONS,
    sender: str = "zapi",
) -> Result:
    """POST callbacks with unique ids.

    `ids` is the number of ids per callback; 0 means a realistic mix. `sender` is one of load.lua.
    """
    seed = f"{time.time_ns():x}-"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "20s"]
    command += ["-s", "bench/load.lua"]
    command += [f"http://127.0.0.1:{PORT}{path}", "--", str(ids), seed, sender]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT"))
    return Result(**json.loads(line.removeprefix("RESULT ")))


def ratio(mine: list[Result], theirs: list[Result], name: str = "rate") -> float:
    """Median of the ratios, pair by pair."""
    pairs = zip(mine, theirs, strict=True)
    ratios: list[float] = [getattr(one, name) / getattr(two, name) for one, two in pairs]
    return statistics.median(ratios)


def memory_of_largest_worker(pid: int, field: str = "VmRSS") -> float:
    """MiB of the largest descendant of the server process: VmRSS (current) or VmHWM (peak)."""
    pids, found = [pid], []
    while pids:
        children = Path(f"/proc/{pids[0]}/task/{pids.pop(0)}/children").read_text().split()
        pids += [int(child) for child in children]
        found += [_memory(int(child), field) for child in children]
    return max(found)


def _memory(pid: int, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith(field)).split()[1]) / 1024
