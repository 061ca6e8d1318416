"""Filters in the lists of Django admin, above all by time."""

from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import DateTimeField
from django.urls import reverse

from messages.models import Message, StatusEvent
from tests.attacks.tables import fill_every_table

# Each list with each of its times.
FILTERS = [
    (model._meta, field.name)
    for model, model_admin in admin.site._registry.items()
    for field in model._meta.fields
    if isinstance(field, DateTimeField) and (model is User or field.name in model_admin.list_filter)
]
VALUES = [
    *("2026-01-01", "2026-01-01 10:00", "2026-01-01T10:00:00,5", "20260101", "2026-W01-1"),
    *("2026-01-01 00:00:00+00:00", "2026-01-01T10:00Z", "2026-02-30", "2026-1-1", "10:00"),
    *("0001-01-01", "9999-12-31", "9999-12-31 23:59:59", "2026-01-01,2026-01-02,", "[]", "", "\0"),
]
OTHER_LOOKUPS = ["__in", "__range", "", "__iexact", "__date", "__year__gte", "__nothing"]


def listed(client, options, **filters):
    url = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    return client.get(url, filters, follow=True)


@pytest.mark.parametrize(("options", "name"), FILTERS, ids=str)
def test_time_filter_with_any_value_causes_no_error(admin_client, admin_user, options, name):
    fill_every_table("x", admin_user)
    for value in VALUES:
        answer = listed(admin_client, options, **{f"{name}__gte": value, f"{name}__lt": value})
        assert answer.status_code in {200, 400}, value


@pytest.mark.parametrize("lookup", OTHER_LOOKUPS)
@pytest.mark.parametrize(("options", "name"), FILTERS, ids=str)
def test_lookup_that_is_no_filter_is_refused(admin_client, options, name, lookup):
    assert listed(admin_client, options, **{name + lookup: "2026"}).status_code == 400


def test_time_filter_with_a_list_of_values_opens_the_list(admin_client, db):
    answer = listed(admin_client, Message._meta, first_heard_at__gte=["2026-01-01", "x", "[]"])
    assert answer.status_code == 200


def test_time_filter_without_a_time_zone_uses_the_time_zone_of_the_viewer(admin_client, report):
    admin_client.cookies["statusboard_time_zone"] = "America/Sao_Paulo"
    message = report("SENT")
    Message.objects.update(first_heard_at=datetime(2026, 1, 1, 2, 30, tzinfo=UTC))
    before = listed(admin_client, Message._meta, first_heard_at__lt="2026-01-01")
    after = listed(admin_client, Message._meta, first_heard_at__gte="2026-01-01")
    assert message.zapi_id in before.content.decode()
    assert message.zapi_id not in after.content.decode()


def test_chosen_time_filter_stays_marked(admin_client, report):
    report("SENT")
    page = listed(admin_client, Message._meta).content.decode()
    href = page.split(">Today<")[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    url = reverse("admin:whatsapp_message_changelist")
    marked = admin_client.get(url + href).content.decode().split('class="selected"')[1:]
    assert any(">Today<" in part.split("</li>")[0] for part in marked)


def test_events_can_be_filtered_by_instance(admin_client, report):
    message = report("SENT")
    filters = {"message__instance__id__exact": message.instance_id}
    answer = listed(admin_client, StatusEvent._meta, **filters)
    assert message.zapi_id in answer.content.decode()
