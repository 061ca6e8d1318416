"""nginx with docs/nginx.conf, except for ports, certificate and folders."""

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
    def __init__(self, folder: Path, behind: int) -> None:
        assert NGINX
        self.port = free_port()
        self.http_port = free_port()
        self._folder = folder
        configuration = folder / "nginx.conf"
        configuration.write_text(
            _MAIN.format(
                user="user root;" if os.getuid() == 0 else "",
                folder=folder,
                site=self._site(folder, behind),
            )
        )
        self._process = subprocess.Popen([NGINX, "-c", configuration], stderr=subprocess.DEVNULL)
        wait_until((folder / "nginx.pid").exists, "nginx does not start")

    def logs(self) -> str:
        return "".join(log.read_text() for log in self._folder.glob("*.log"))

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def _site(self, folder: Path, behind: int) -> str:
        site = (ROOT / "docs" / "nginx.conf").read_text()
        for there, here in {
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port};",
            "listen 80;": f"listen 127.0.0.1:{self.http_port};",
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{behind};",
            "/var/log/nginx/": f"{folder}/",
        }.items():
            assert there in site, f"docs/nginx.conf has no {there}"
            site = site.replace(there, here)
        return re.sub(r"(?m)^ *ssl_.*\n", "", site)
