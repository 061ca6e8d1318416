"""systemd and promtool accept what deploy/ contains."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.units import SERVICES, UNITS, adapted
from tests.faults.conftest import need
from tests.plugins.processes import ROOT

ANALYZE = shutil.which("systemd-analyze")
PROMTOOL = shutil.which("promtool")


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, with programs that exist on this machine."""
    need(ANALYZE, "systemd-analyze", "REQUIRE_SYSTEMD")
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    services = [tmp_path / f"statusboard-{name}.service" for name in SERVICES]
    for path in (*services, *tmp_path.glob("*/*.conf")):
        path.write_text(adapted(path.read_text(), ROOT, {}))
    return services


def analyze(*arguments: object) -> None:
    command = ["systemd-analyze", *map(str, arguments)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
    assert told.stderr == ""


def test_units_are_accepted_by_systemd(units):
    analyze("verify", "--man=no", *units, units[0].parent / "statusboard.target")


def test_units_are_hardened(units):
    for unit in units:
        # The exposure times ten. 96 is a service without any protection.
        analyze("security", "--no-pager", "--offline=true", "--threshold=15", unit)


def test_alert_rules_are_accepted_by_prometheus():
    need(PROMTOOL, "promtool", "REQUIRE_PROMTOOL")
    for command in ("check rules alerts.yml", "test rules alerts_test.yml"):
        told = subprocess.run(
            ["promtool", *command.split()],
            cwd=ROOT / "deploy" / "prometheus",
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stdout + told.stderr
