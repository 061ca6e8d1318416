"""The systemd units of deploy/systemd, started as plain processes."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.plugins.processes import ROOT

UNITS = ROOT / "deploy" / "systemd"
SERVICES = ("web", "webhook", "worker")
# What runs on a server. Not its data, secrets or Git history.
_CODE = ("deploy", "locale", "messages", "static", "statusboard", "templates")


def install(folder: Path) -> None:
    """Copy the code to `folder`, as the install page does with Git."""
    folder.mkdir()
    for name in _CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", folder)


def adapted(text: str, folder: Path, ports: dict[str, int]) -> str:
    """A unit with this interpreter, folder and ports instead of those of a server."""
    text = text.replace("/opt/statusboard/.venv/bin/python", sys.executable)
    text = text.replace("/opt/statusboard", str(folder))
    for there, here in ports.items():
        text = text.replace(f"--port {there}", f"--port {here}")
    return text


def command(service: str, folder: Path, ports: dict[str, int]) -> list[str]:
    """The words of the unit's ExecStart."""
    unit = adapted((UNITS / f"statusboard-{service}.service").read_text(), folder, ports)
    found = re.search(r"^ExecStart=((?:.*\\\n)*.*)$", unit, re.MULTILINE)
    assert found, service
    return shlex.split(found[1].replace("\\\n", " "))


class Service:
    """A running service. systemd gives it hardly any environment."""

    def __init__(self, name: str, folder: Path, log: Path, ports: dict[str, int]) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command(name, folder, ports),
                cwd=folder,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"},
                stdout=output,
                stderr=output,
            )

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)
