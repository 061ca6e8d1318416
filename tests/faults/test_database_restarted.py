"""PostgreSQL restarts between requests and breaks every connection. Users see no error."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.faults.conftest import StartDoor
from tests.faults.postgresql import Cluster

pytestmark = pytest.mark.faults

PASSWORD = "a-password-for-this-test"
VISITORS = 16


def test_pages_open_after_a_database_restart(cluster: Cluster, start_door: StartDoor):
    door = start_door(cluster.url)
    door.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    door.manage("createsuperuser", "--no-input", "--username=ana", "--email=ana@example.com")
    url = f"http://127.0.0.1:{door.port}/"
    session = signed_in(url)
    assert open_pages(session, url) == [200] * VISITORS
    cluster.stop()
    cluster.start()
    assert open_pages(session, url) == [200] * VISITORS


def signed_in(url: str) -> requests.Session:
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=VISITORS))
    # Like a browser, which the server tells to reload a busy page.
    session.headers["Accept"] = "text/html"
    session.get(f"{url}account/login/", timeout=60)
    form = {
        "login": "ana",
        "password": PASSWORD,
        "csrfmiddlewaretoken": session.cookies["csrftoken"],
    }
    headers = {"Referer": url}
    answer = session.post(f"{url}account/login/", form, headers=headers, timeout=60)
    assert answer.status_code == 200
    return session


def open_pages(session: requests.Session, url: str) -> list[int]:
    """Open enough pages in parallel to use every thread."""
    with ThreadPoolExecutor(VISITORS) as pool:
        return list(pool.map(lambda _: status_of(session, url), range(VISITORS)))


def status_of(session: requests.Session, url: str) -> int:
    page = session.get(url)
    # If too many pages are open at once, a browser comes back by itself.
    while page.status_code == 503 and "Refresh" in page.headers:
        time.sleep(0.2)
        page = session.get(url)
    return page.status_code
