"""Stored text cannot add headers or recipients to an e-mail."""

import pytest
from django.core import mail

from messages.models import ChannelKind
from messages.notifications.delivery_lines import notify
from tests.mails import sent_mails
from tests.plugins.notifications import channel, opened


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_instance_name_cannot_add_email_headers(instance, end):
    instance.name = f"Loja{end}Bcc: evil@example.com{end}{end}<script>alert(1)</script>"
    instance.save()
    channel(ChannelKind.EMAIL, "operator@example.com")
    opened(instance)
    assert notify() == 1
    sent = mail.outbox[0]
    assert sent.recipients() == ["operator@example.com"]
    assert sent.message()["Bcc"] is None
    assert sent.message().get_content_type() == "text/plain"


def test_invitation_email_cannot_get_more_recipients(admin_client):
    fields = {"username": "bia", "role": "Support", "email": "a@example.com\nBcc: b@example.com"}
    admin_client.post("/people/invite/", fields)
    assert not sent_mails()
