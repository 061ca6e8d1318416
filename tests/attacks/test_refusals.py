"""Requests that cannot be read are refused, wherever they go."""

import pytest

from tests.attacks.tables import PK
from tests.plugins.webhook import call

BROKEN = {
    "without a boundary": "multipart/form-data;;",
    "of an endless boundary": "multipart/form-data; boundary=" + "x" * 300,
    "of an odd boundary": "multipart/form-data; boundary=\xff",
}
TLS = {"wsgi.url_scheme": "https"}


@pytest.mark.parametrize("kind", BROKEN)
def test_malformed_form_sent_to_an_unknown_url_gets_404(db, kind):
    answer = call("/no-such-page/", "POST", b"a=1", CONTENT_TYPE=BROKEN[kind], **TLS)
    assert answer.status == 404
    assert b"Page not found" in answer.body


def test_form_with_too_many_fields_sent_to_an_unknown_url_gets_404(db):
    body, kind = b"a=1&" * 3000, "application/x-www-form-urlencoded"
    assert call("/no-such-page/", "POST", body, CONTENT_TYPE=kind, **TLS).status == 404


@pytest.mark.parametrize("key", ["https://xn--/", "9" * 400, "-9223372036854775809", "\0"])
@pytest.mark.parametrize("page", ["auth/user", "whatsapp/callback", "whatsapp/instance"])
def test_django_admin_action_with_an_invalid_id_gets_400(root, page, key):
    actions = {"auth/user": "delete_selected", "whatsapp/instance": "push_webhook"}
    fields = {"action": actions.get(page, "reprocess"), "_selected_action": [str(PK), key]}
    assert root.post(f"/admin/{page}/", fields).status_code == 400


@pytest.mark.parametrize("page", ["auth/user", "whatsapp/message"])
def test_very_long_search_in_django_admin_is_answered(root, page):
    answer = root.get(f"/admin/{page}/", {"q": "x" * 70_000})
    assert answer.status_code == 200


def test_invalid_to_field_in_django_admin_gets_400(root):
    assert root.get("/admin/auth/user/", {"_to_field": "+"}).status_code == 400
