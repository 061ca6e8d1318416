"""systemd, nginx and promtool accept what deploy/ contains."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.certificate import certify
from tests.deploy.units import SERVICES, UNITS, adapted
from tests.faults.conftest import need
from tests.faults.proxy import NGINX
from tests.plugins.processes import ROOT, free_port

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


def test_configuration_of_the_container_is_accepted_by_nginx(tmp_path):
    need(NGINX, "nginx", "REQUIRE_NGINX")
    certify(tmp_path / "tls")
    (tmp_path / "conf.d").mkdir()
    for there, here in {
        "docker/nginx.conf": "nginx.conf",
        "docker/upstreams.conf": "conf.d/upstreams.conf",
        "nginx/statusboard.conf": "conf.d/statusboard.conf",
    }.items():
        text = (ROOT / "deploy" / there).read_text()
        # Only root may use these ports and folders, and there may be no user nginx.
        text = re.sub(r"(?m)^ *(listen \[::\].*|user nginx;)\n", "", text)
        text = re.sub(r"listen (80|443)", lambda _: f"listen {free_port()}", text)
        text = re.sub(r"/etc/nginx/(conf\.d|tls)/", rf"{tmp_path}/\1/", text)
        text = re.sub(r"/(run|var/log/nginx)/", f"{tmp_path}/", text)
        (tmp_path / here).write_text(text)
    told = subprocess.run(
        [str(NGINX), "-t", "-c", tmp_path / "nginx.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "test is successful" in told.stderr, told.stderr


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
