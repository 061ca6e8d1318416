"""nginx with deploy/nginx, except for ports, certificate and folders."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from tests.plugins.processes import ROOT, free_port
from tests.waiting import wait_until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

_MAIN = """
{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


class Proxy:
    def __init__(
        self, folder: Path, behind: int, *, webhook: int = 0, tls: Path | None = None
    ) -> None:
        """Serve `behind`, the port of a web server; callbacks go to `webhook` if there is one.

        `tls`: a folder with fullchain.pem and privkey.pem. Without it, it serves plain http.
        """
        assert NGINX
        self.port = free_port()
        self.http_port = free_port()
        self._folder = folder
        configuration = folder / "nginx.conf"
        configuration.write_text(
            _MAIN.format(
                user="user root;" if os.getuid() == 0 else "",
                folder=folder,
                site=self._upstreams(behind, webhook or behind) + self._site(folder, tls),
            )
        )
        self._process = subprocess.Popen([NGINX, "-c", configuration], stderr=subprocess.DEVNULL)
        wait_until((folder / "nginx.pid").exists, "nginx does not start")

    def logs(self) -> str:
        return "".join(log.read_text() for log in self._folder.glob("*.log"))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def _upstreams(self, pages: int, webhook: int) -> str:
        ports = {"127.0.0.1:8000": f"127.0.0.1:{pages}", "127.0.0.1:8001": f"127.0.0.1:{webhook}"}
        return _adapted("upstreams.conf", ports)

    def _site(self, folder: Path, tls: Path | None) -> str:
        site = _adapted(
            "statusboard.conf",
            {
                "listen 443 ssl;": f"listen 127.0.0.1:{self.port}{' ssl' if tls else ''};",
                "listen 80;": f"listen 127.0.0.1:{self.http_port};",
                "/var/log/nginx/": f"{folder}/",
                "/etc/nginx/tls/": f"{tls}/",
            },
        )
        site = re.sub(r"(?m)^ *listen \[::\].*\n", "", site)
        return site if tls else re.sub(r"(?m)^ *ssl_.*\n", "", site)


def _adapted(name: str, changes: dict[str, str]) -> str:
    text = (ROOT / "deploy" / "nginx" / name).read_text()
    for there, here in changes.items():
        assert there in text, f"deploy/nginx/{name} has no {there}"
        text = text.replace(there, here)
    return text
