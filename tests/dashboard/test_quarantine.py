"""The pages of rejected callbacks."""

import json

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from messages.accounts.roles import ADMIN, SEE_PHONES, SUPERVISOR
from messages.ingest import quarantine
from messages.models import Action, AuditEvent, Callback, Instance, Message, UserLimit

LIST = reverse("dashboard:quarantine")
REPROCESS = reverse("dashboard:quarantine-reprocess")
DISCARD = reverse("dashboard:quarantine-discard")
STATUS = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"], "phone": "5544999999999"}


@pytest.fixture(autouse=True)
def _fresh_sums():
    quarantine.forget_usages()


@pytest.fixture
def read(client, admin):
    return lambda path=LIST, **query: client.get(path, query).content.decode()


@pytest.fixture
def send(client, admin):
    return lambda path, **data: client.post(path, data, follow=True).content.decode()


@pytest.fixture
def broken(post):
    """A function that quarantines a callback and returns it. `mend()` then makes its body valid."""

    def quarantined(body: bytes = b"{") -> Callback:
        post(body)
        return Callback.objects.quarantined().latest("pk")

    return quarantined


def mend(callback: Callback, **changes) -> None:
    Callback.objects.filter(pk=callback.pk).update(body=json.dumps(STATUS | changes).encode())


def detail(callback: Callback) -> str:
    return reverse("dashboard:quarantined", args=[callback.pk])


def test_list_without_callbacks_says_so(read):
    assert "No rejected callbacks" in read()


def test_list_shows_cause_instance_time_size_and_beginning(read, post):
    post({"type": "MessageStatusCallback", "note": "x" * 300})
    page = read()
    callback = Callback.objects.get()
    for words in (
        "The field status is missing.",
        "Atendimento",
        timezone.localtime(callback.received_at).strftime("%H:%M:%S"),
        str(callback.size),
        "&quot;note&quot;",
    ):
        assert words in page
    assert "x" * 161 not in page


def test_cause_is_shown_in_the_users_language(client, admin, broken):
    broken(b"[" * 65)
    page = client.get(LIST, headers={"Accept-Language": "pt-br"}).content.decode()
    assert "O JSON tem mais de 64 níveis." in page


def test_list_shows_no_secret(read, broken):
    callback = broken(b'{"token":"s3cr3t-t0k3n"')
    assert "s3cr3t" not in read() + read(detail(callback))


def test_list_is_paginated_newest_first(read, post):
    for number in range(51):
        post(f"{{{number}".encode())
    first = read()
    assert "{50" in first
    assert "{0<" not in first
    oldest = Callback.objects.order_by("-pk")[49].pk
    assert "{0<" in read(older=oldest.hex)
    assert "{50" in read(newer=Callback.objects.earliest("pk").pk.hex)


def test_list_query_count_is_fixed_and_reads_no_body(
    client, admin, post, django_assert_max_num_queries
):
    for number in range(30):
        post(f"{{{number}".encode())
    client.get(LIST)
    with django_assert_max_num_queries(7) as asked:
        client.get(LIST)
    (listing,) = [one["sql"] for one in asked if 'FROM "whatsapp_callback"' in one["sql"]]
    assert listing.count('"body"') == 1  # one query: it selects only the beginning of each body


def test_list_can_be_limited_to_an_instance(read, broken, instance):
    broken()
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    assert "No rejected callbacks" in read(instance=other.pk)
    assert "The JSON is invalid" in read(instance=instance.pk)


def test_reprocessing_a_fixed_callback_applies_and_audits_it(send, broken, admin, instance):
    mend(callback := broken())
    assert "1 callback was parsed and applied." in send(REPROCESS, callback=callback.pk)
    assert Message.objects.get().zapi_id == "M"
    event = AuditEvent.objects.get(action=Action.REPLAYED)
    assert (event.actor, event.instance) == (admin, instance)
    assert event.details == {"applied": 1, "without body": 0}


def test_reprocessing_a_broken_callback_keeps_it(send, broken):
    assert "1 callback still cannot be parsed." in send(REPROCESS, callback=broken().pk)
    assert Callback.objects.quarantined().count() == 1


def test_reprocessing_all_covers_the_instance(send, broken, instance):
    for number in range(3):
        mend(broken(), ids=[f"M{number}"])
    assert "3 callbacks were parsed" in send(REPROCESS, all=instance.pk)
    assert Message.objects.count() == 3


def test_discarding_needs_confirmation(send, broken):
    callback = broken()
    page = send(DISCARD, callback=callback.pk)
    assert "Discard 1 callback?" in page
    assert str(callback.pk) in page
    assert Callback.objects.quarantined().count() == 1


def test_discarded_callback_keeps_its_row_without_body(send, broken, instance):
    callbacks = [broken(), broken()]
    page = send(DISCARD, callback=[one.pk for one in callbacks], confirmed="1")
    assert "2 callbacks were discarded." in page
    rows = Callback.objects.values_list("outcome", "body")
    assert [(outcome, bytes(body)) for outcome, body in rows] == [("discarded", b"")] * 2
    event = AuditEvent.objects.get(action=Action.DISCARDED)
    assert (event.instance, event.details) == (instance, {"callbacks": 2})


def test_discarded_callback_still_shows_its_cause(send, read, broken):
    callback = broken()
    send(DISCARD, callback=callback.pk, confirmed="1")
    page = read(detail(callback))
    assert "Discarded callback" in page
    assert "The JSON is invalid at line 1, column 2." in page


def test_discarding_skips_callbacks_that_are_not_quarantined(send, post):
    post(STATUS)
    page = send(DISCARD, callback=Callback.objects.get().pk, confirmed="1")
    assert "Select at least one rejected callback" in page
    assert Callback.objects.get().outcome == "applied"


@pytest.mark.parametrize("data", [{}, {"callback": "x"}, {"all": "x"}, {"all": "9" * 30}])
def test_empty_selection_changes_nothing(send, broken, data):
    broken()
    assert "Select at least one rejected callback" in send(REPROCESS, **data)
    assert not AuditEvent.objects.filter(action=Action.REPLAYED).exists()


def test_missing_body_is_mentioned(read, broken, settings):
    settings.QUARANTINE_MAX_BYTES = 0
    callback = broken()
    assert "The body was not kept." in read()
    assert "too many rejected callbacks" in read(detail(callback))


def test_body_is_hidden_without_permission_to_see_numbers(client, admin, broken):
    group = Group.objects.get(name=ADMIN)
    group.permissions.remove(group.permissions.get(codename=SEE_PHONES.split(".")[1]))
    callback = broken(b'{"phone":"5544999999999"')
    pages = client.get(LIST), client.get(detail(callback))
    assert "5544999999999" not in "".join(page.content.decode() for page in pages)


def test_viewer_without_change_permission_cannot_act(client, admin, broken):
    group = Group.objects.get(name=ADMIN)
    group.permissions.remove(group.permissions.get(codename="change_callback"))
    callback = broken()
    assert "Reprocess" not in client.get(LIST).content.decode()
    for path in (REPROCESS, DISCARD):
        assert client.post(path, {"callback": callback.pk, "confirmed": "1"}).status_code == 403
    assert Callback.objects.quarantined().count() == 1


def test_supervisor_has_no_access(client, admin):
    admin.groups.set([Group.objects.get(name=SUPERVISOR)])
    assert client.get(LIST).status_code == 403


def test_callbacks_of_other_instances_are_hidden_and_untouched(client, admin, broken, instance):
    callback = broken()
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    UserLimit.objects.create(user=admin, instance=other)
    assert "No rejected callbacks" in client.get(LIST).content.decode()
    assert client.get(detail(callback)).status_code == 404
    for data in ({"callback": callback.pk}, {"all": instance.pk}):
        client.post(DISCARD, data | {"confirmed": "1"})
    assert Callback.objects.quarantined().count() == 1
