"""Cross-site requests, forged headers and other requests of attackers."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client

from tests.accounts.routes import OWN_ROUTES, ROUTES
from tests.attacks.pages import ask
from tests.plugins.accounts import is_signed_in, sign_in
from tests.plugins.pages import HttpsClient
from tests.plugins.webhook import call

# URLs that authenticate by a key and not by a cookie.
KEYED = ("webhooks:", "monitoring:")
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https://board.example.com@evil.example/",
    "javascript:alert(1)",
    "\thttps://evil.example/",
]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"origin": "https://evil.example"}, id="another origin"),
        pytest.param({"origin": "null"}, id="no origin of its own"),
        pytest.param({"referer": "https://evil.example/"}, id="another page"),
        pytest.param({}, id="neither"),
        pytest.param(
            {"origin": "https://testserver", "x-csrftoken": "c" * 32}, id="a token of its own"
        ),
    ],
)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_cross_site_request_changes_nothing(admin_user, fill, method, headers):
    fill("x")
    client = HttpsClient(enforce_csrf_checks=True)
    client.force_login(admin_user)
    taken = {
        route.name: answer.status
        for route in ROUTES
        if not route.name.startswith(KEYED)
        and not (answer := ask(client, route, method, headers=headers)).is_refused
    }
    assert not taken


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("url", ELSEWHERE)
def test_no_page_redirects_to_another_site(admin_client, fill, url, method):
    fill("x")
    data = {"next": url, "redirect_to": url, "language": "en", "theme": "dark"}
    led = {}
    for route in OWN_ROUTES:
        where = ask(admin_client, route, method, data=data).headers.get("Location", "")
        parts = urlsplit(where)
        if parts.hostname not in {None, "testserver"} or parts.scheme not in {"", "https"}:
            led[route.name] = where
    assert not led


@pytest.mark.parametrize("url", ELSEWHERE)
def test_sign_in_does_not_redirect_to_another_site(client, ana, url):
    assert sign_in(client, next=url).headers["Location"] == "/"


def test_sign_in_replaces_the_session_key(client, ana):
    client.get("/account/login/")
    planted = client.session
    planted["planted"] = True
    planted.save()
    client.cookies["__Host-sessionid"] = planted.session_key
    sign_in(client)
    assert is_signed_in(client)
    assert client.session.session_key != planted.session_key
    assert not Session.objects.filter(session_key=planted.session_key).exists()


def test_sign_out_deletes_the_session_on_the_server(client, ana):
    sign_in(client)
    key = client.session.session_key
    client.post("/account/logout/")
    assert not Session.objects.filter(session_key=key).exists()


@pytest.mark.parametrize("header", ["host", "x-forwarded-host"])
def test_forged_host_header_does_not_appear_in_emails(client, ana, header):
    headers = {header: "evil.example"}
    client.post("/account/password/reset/", {"email": "ana@example.com"}, headers=headers)
    assert not [sent for sent in mail.outbox if "evil.example" in str(sent.body)]


def test_request_for_an_unknown_host_is_refused(admin_client):
    answers = {
        admin_client.get(route.path(), headers={"host": "evil.example"}).status_code
        for route in ROUTES
        if not route.name.startswith(KEYED)
    }
    assert answers == {400}


def test_forged_x_forwarded_for_gives_no_more_sign_in_attempts(client, ana):
    for number in range(25):
        headers = {"x-forwarded-for": f"203.0.113.{number}"}
        fields = {"login": f"nobody{number}", "password": "wrong"}
        client.post("/account/login/", fields, headers=headers)
    sign_in(client)
    assert not is_signed_in(client)


def test_session_cookies_are_bound_to_the_host(client, ana):
    client.get("/account/login/")
    sign_in(client)
    for name in ("__Host-sessionid", "__Host-csrftoken"):
        cookie = client.cookies[name]
        assert (cookie["secure"], cookie["httponly"]) == (True, True)
        assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax")


def test_responses_have_strict_transport_security(client: Client, db: None) -> None:
    policy = client.get("/account/login/").headers["Strict-Transport-Security"]
    assert policy == "max-age=31536000; includeSubDomains; preload"


def test_http_is_redirected_to_https(db: None) -> None:
    assert Client().get("/account/login/").headers["Location"].startswith("https://")


def test_too_large_form_is_refused(client: Any, ana: User) -> None:
    body = {"login": "ana", "password": "x" * 2_000_000}
    assert client.post("/account/login/", body).status_code == 400


LONE_SURROGATE = "+2AA-"  # in UTF-7


@pytest.mark.parametrize(
    "path",
    ["/account/login/", "/account/password/reset/", "/search/", "/labels/", "/people/invite/"],
)
@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "idna", "base64", "unknown"])
def test_form_with_an_unusual_charset_causes_no_server_error(admin_client, path, charset):
    names = ("login", "password", "email", "q", "text", "username", "role")
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{LONE_SURROGATE}\r\n'
        for name in names
    ]
    body = "".join([*parts, "--x--\r\n"]).encode()
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    if path.startswith("/account/"):
        admin_client.logout()
    assert admin_client.generic("POST", path, body, content_type=kind).status_code < 500


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "unknown"])
def test_query_with_an_unusual_charset_causes_no_server_error(admin_client, charset):
    kind = f"text/plain; charset={charset}"
    answer = admin_client.get("/?q=%2B2AA-&reference=%2B2AA-", CONTENT_TYPE=kind)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/account/login/", "/webhooks/zapi/key/", "/healthz", "/api/v1/"])
@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x; charset*=unknown''%41",
        "multipart/form-data; boundary*=idna''%41",
        "application/json; charset*=unknown''%41",
        "text/plain; x*='%41",
    ],
)
def test_content_type_with_an_encoded_parameter_causes_no_server_error(db, path, kind):
    assert call(path, "POST", b"--x--", CONTENT_TYPE=kind, HTTP_HOST="127.0.0.1").status < 500
