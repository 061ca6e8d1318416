"""The webhook of inbound messages, chosen in the form of an instance."""

from django.urls import reverse

from messages.instances.push import run_due_pushes
from messages.instances.webhook_urls import webhook_url
from messages.models import Webhook

THEIRS = "https://crm.example/in"
HOOKS = ["delivery", "connected", "disconnected"]


def save(client, instance, *hooks):
    data = {"name": instance.name, "tags": "", "hooks": [*HOOKS, *hooks], "action": "push"}
    url = reverse("dashboard:instance", args=[instance.pk])
    assert client.post(url, data, secure=True).status_code == 302
    run_due_pushes()


def url_at(zapi, instance):
    return zapi.instances[instance.zapi_id].urls.get("received", "")


def act(client, instance, **data):
    url = reverse("dashboard:instance-webhook", args=[instance.pk, "received"])
    assert client.post(url, data, secure=True).status_code == 302
    run_due_pushes()


def test_inbound_webhook_is_left_alone_unless_chosen(zapi, instance, admin_client):
    save(admin_client, instance)
    assert url_at(zapi, instance) == ""


def test_chosen_inbound_webhook_is_pushed(zapi, instance, admin_client):
    save(admin_client, instance, "received")
    assert url_at(zapi, instance) == webhook_url(instance)
    shown = admin_client.get(reverse("dashboard:instance", args=[instance.pk]), secure=True)
    assert "received" in shown.context["form"].initial["hooks"]


def test_url_of_another_system_is_replaced_only_when_asked_and_restored(
    zapi, instance, admin_client
):
    save(admin_client, instance)
    zapi.instances[instance.zapi_id].urls["received"] = THEIRS
    save(admin_client, instance, "received")
    assert url_at(zapi, instance) == THEIRS
    act(admin_client, instance, action="replace-and-forward", url=THEIRS)
    assert url_at(zapi, instance) == webhook_url(instance)
    webhook = Webhook.objects.get(kind="received")
    assert (webhook.forward_to, webhook.previous_url) == (THEIRS, THEIRS)
    act(admin_client, instance, action="restore", confirmed="yes")
    assert url_at(zapi, instance) == THEIRS
