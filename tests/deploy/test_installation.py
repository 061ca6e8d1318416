"""A whole installation, as in docs/install.md: PostgreSQL, nginx with TLS, the three services."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.deploy.certificate import certify
from tests.deploy.units import SERVICES, Service, install
from tests.faults.conftest import need
from tests.faults.postgresql import Cluster, binaries
from tests.faults.proxy import NGINX, Proxy
from tests.mail.test_queue import mail_server, refuse_recipients
from tests.plugins.processes import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.processes

# With characters that mean something in a URL or to a shell.
DATABASE_PASSWORD = "$p@ss/w#rd%40"
ADMIN_PASSWORD = "a-long-password"
STATUS = {
    "type": "MessageStatusCallback",
    "status": "RECEIVED",
    "ids": ["3EB0DEPLOYED"],
    "phone": "5544999999999",
    "instanceId": "Z",
}


class Installation:
    def __init__(self, folder: Path, cluster: Cluster, mail_port: int) -> None:
        self.folder = folder
        self.code, self.tls = folder / "opt", folder / "tls"
        self.ports = {"8000": free_port(), "8001": free_port()}
        install(self.code)
        certify(self.tls)
        _add_role(cluster)
        self._services: dict[str, Service] = {}
        proxy_folder = folder / "nginx"
        proxy_folder.mkdir()
        self._proxy = Proxy(
            proxy_folder, self.ports["8000"], webhook=self.ports["8001"], tls=self.tls
        )
        self._write_settings(cluster, mail_port)

    @property
    def url(self) -> str:
        return f"https://localhost:{self._proxy.port}"

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, self.code / "manage.py", *arguments],
            cwd="/",
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def prepare(self) -> None:
        """Step 5 of the install page."""
        for arguments in (
            ["migrate"],
            ["migrate", "--database", "spool"],
            ["collectstatic", "--no-input"],
            ["createsuperuser", "--no-input", "--username", "admin", "--email", "a@example.com"],
        ):
            done = self.manage(*arguments, DJANGO_SUPERUSER_PASSWORD=ADMIN_PASSWORD)
            assert done.returncode == 0, done.stderr

    def start(self) -> None:
        for name in SERVICES:
            self._services[name] = Service(name, self.code, self.folder / "log", self.ports)
        wait_until(self._is_ready, "the installation is not ready")

    def stop(self, name: str) -> None:
        self._services.pop(name).stop()

    def remove(self) -> None:
        for name in list(self._services):
            self.stop(name)
        self._proxy.stop()

    def session(self) -> requests.Session:
        session = requests.Session()
        # Otherwise REQUESTS_CA_BUNDLE would replace `verify`.
        session.trust_env = False
        session.verify = str(self.tls / "fullchain.pem")
        return session

    def _is_ready(self) -> bool:
        return self.session().get(f"{self.url}/readyz", timeout=30).status_code == 200

    def _write_settings(self, cluster: Cluster, mail_port: int) -> None:
        secrets = {
            "SECRET_KEY": "k" + os.urandom(32).hex(),
            "WEBHOOK_SIGNING_KEYS": os.urandom(32).hex(),
            "FIELD_ENCRYPTION_KEYS": "ZGVwbG95ZWQtZGVwbG95ZWQtZGVwbG95ZWQtZGVwbG8=",
            "DATABASE_PASSWORD": DATABASE_PASSWORD,
        }
        settings = {
            "PUBLIC_BASE_URL": self.url,
            "DATABASE_URL": f"postgres://statusboard@127.0.0.1:{cluster.port}/board",
            "DATA_DIR": str(self.folder / "data"),
            "TRUST_X_FORWARDED_PROTO": "on",
            "WEBHOOK_TRUSTED_PROXIES": "127.0.0.1/32",
            "EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
            # Any server that answers stands for Z-API.
            "ZAPI_BASE_URL": self.url,
            "ZAPI_CA_FILE": str(self.tls / "fullchain.pem"),
        }
        for name, secret in secrets.items():
            file = self.folder / name.lower()
            file.write_text(f"{secret}\n")
            settings[f"{name}_FILE"] = str(file)
        settings_file = self.folder / "statusboard.env"
        settings_file.touch(mode=0o600)
        settings_file.write_text("".join(f"{name}={text}\n" for name, text in settings.items()))
        (self.code / ".env").symlink_to(settings_file)


def _add_role(cluster: Cluster) -> None:
    """Statusboard's user, who must give the password."""
    cluster.query(f"CREATE ROLE statusboard LOGIN PASSWORD '{DATABASE_PASSWORD}'")
    cluster.query("ALTER DATABASE board OWNER TO statusboard")
    cluster.query("ALTER SYSTEM SET max_connections = 200")
    access = cluster.folder / "data" / "pg_hba.conf"
    rule = "host all statusboard 127.0.0.1/32 scram-sha-256\n"
    access.write_text(rule + access.read_text())
    cluster.stop()
    cluster.start()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = binaries()
    need(found, "PostgreSQL's initdb", "REQUIRE_POSTGRES_BINARIES")
    need(NGINX, "nginx", "REQUIRE_NGINX")
    assert found
    cluster = Cluster(found)
    with mail_server(refuse_recipients) as mail_port:
        folder = tmp_path_factory.mktemp("installation")
        installation = Installation(folder, cluster, mail_port)
        try:
            installation.prepare()
            installation.start()
            yield installation
        finally:
            installation.remove()
            cluster.remove()


@pytest.fixture(scope="module")
def webhook(installation: Installation) -> str:
    """The URL that Z-API calls for an instance."""
    arguments = ["--name", "Loja", "--zapi-id", "Z", "--token", "t" * 32, "--no-push", "--json"]
    added = installation.manage("instances", "add", *arguments)
    return str(json.loads(added.stdout)["webhook_url"])


def post(installation: Installation, webhook: str, **more: Any) -> int:
    answer = installation.session().post(webhook, json=STATUS | more, timeout=60)
    return answer.status_code


def test_callback_over_https_appears_on_the_page(installation, webhook):
    assert webhook.startswith(f"{installation.url}/webhooks/")
    assert post(installation, webhook) == 200
    session = installation.session()
    sign_in = f"{installation.url}/account/login/"
    assert session.get(sign_in, timeout=60).status_code == 200
    form = {
        "login": "admin",
        "password": ADMIN_PASSWORD,
        "csrfmiddlewaretoken": session.cookies["__Host-csrftoken"],
    }
    session.post(sign_in, form, headers={"Referer": sign_in}, timeout=60)
    found = session.get(f"{installation.url}/", params={"q": "3EB0DEPLOYED"}, timeout=60).text
    assert re.search(r'href="/messages/\d+/"', found)


def test_doctor_finds_nothing_but_the_private_ip(installation):
    run = installation.manage("doctor", "--json", "--ca-file", f"{installation.tls}/fullchain.pem")
    checks = json.loads(run.stdout)["checks"]
    assert [one for one in checks if one["level"] != "ok" and one["check"] != "dns"] == []
    assert run.returncode == 0


def test_deployment_check_reports_nothing(installation):
    check = installation.manage("check", "--deploy")
    assert "no issues" in check.stdout, check.stderr


def test_logs_contain_no_secret(installation):
    logs = (installation.folder / "log").read_text()
    for name in ("secret_key", "webhook_signing_keys", "field_encryption_keys"):
        assert (installation.folder / name).read_text().strip() not in logs


def test_callback_without_the_webhook_server_is_stored_by_the_page_server(installation, webhook):
    installation.stop("webhook")
    assert post(installation, webhook, ids=["3EB0BACKUP"]) == 200
