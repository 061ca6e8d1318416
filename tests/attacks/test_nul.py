"""PostgreSQL refuses NUL characters and SQLite stores them, so they are removed from requests."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from messages.models import Instance, SavedView, Webhook
from tests.plugins.pages import HttpsClient

PAGES: dict[str, list[str]] = {
    "instances": ["tag", "q", "page", "archived"],
    "messages": ["q", "label", "reference", "status", "instance", "period", "since", "cursor"],
    "overview": ["instance", "period", "groups"],
    "audit": ["who", "action", "instance", "person", "older"],
    "quarantine": ["instance", "cause", "before"],
    "go": ["message_id", "instance"],
}


@pytest.fixture
def root(admin_user: User) -> Client:
    browser = HttpsClient()
    browser.force_login(admin_user)
    return browser


@pytest.mark.parametrize(
    ("page", "parameter"), [(page, name) for page, names in PAGES.items() for name in names]
)
def test_page_with_nul_in_a_parameter_is_no_server_error(root, instance, page, parameter):
    answer = root.get(reverse(f"dashboard:{page}"), {parameter: "a\0b"})
    assert answer.status_code < 500


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("instance-batch-start", {"kind": "verify", "tag": "a\0b"}),
        ("view-save", {"query": "q=a\0b", "name": "a\0b"}),
        ("api-key-revoke", {"key": "a\0b"}),
        ("audit-person", {"number": "a\0b"}),
    ],
)
def test_form_with_nul_is_no_server_error(root, instance, name, data):
    assert root.post(reverse(f"dashboard:{name}"), data).status_code < 500


def test_path_with_nul_is_not_found(root, instance):
    where = reverse("dashboard:instance-webhook", args=[instance.pk, "x"]).replace("x/", "%00/")
    assert root.post(where, {"action": "leave"}).status_code == 404


def test_session_cookie_with_nul_is_not_signed_in(client):
    client.cookies["sessionid"] = "a" * 20 + "\0"
    assert client.get("/").status_code == 302


def test_confirmed_url_is_stored_without_nul(root, instance):
    Webhook.objects.create(instance=instance, kind="message-status")
    where = reverse("dashboard:instance-webhook", args=[instance.pk, "message-status"])
    root.post(where, {"action": "replace", "url": "https://a\0b"})
    assert "\0" not in Webhook.objects.get().replaces_url


def test_saved_view_is_stored_without_nul(root):
    root.post(reverse("dashboard:view-save"), {"query": "q=a%00b", "name": "Mine"})
    assert "\0" not in "".join(view.query for view in SavedView.objects.all())


def _import(root: Client, content: bytes) -> Any:
    data = {"source": "file", "file": SimpleUploadedFile("a.csv", content)}
    return root.post(reverse("dashboard:instance-import"), data, follow=True)


def _labels(root: Client, content: bytes) -> Any:
    data = {"file": SimpleUploadedFile("a.csv", content)}
    return root.post(reverse("dashboard:labels"), data, follow=True)


@pytest.mark.parametrize("upload", [_import, _labels])
@pytest.mark.parametrize(
    "content",
    [
        b"id;name\0;token\nA;B;C\n",
        b"zapi_instance_id;message_id;label\ninstance.id;M;a\0b\n",
        "zapi_instance_id\tmessage_id\n".encode("utf-16-le"),
        b"\xff\xfea",
        b"PK\x03\x04\0\0",
    ],
)
def test_file_with_nul_is_refused_with_a_message(
    root, instance, upload: Callable[..., Any], content
):
    assert "is not valid text" in upload(root, content).content.decode()
    assert Instance.objects.count() == 1
