"""The quarantine's pages: look, try again, give up."""

import json

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from messages.accounts.roles import ADMIN, SEE_PHONES, SUPERVISOR
from messages.ingest import quarantine
from messages.models import Action, AuditEvent, Callback, Instance, Message, UserLimit

LIST = reverse("dashboard:quarantine")
REPROCESS = reverse("dashboard:quarantine-reprocess")
DISCARD = reverse("dashboard:quarantine-discard")
STATUS = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"], "phone": "5544999999999"}


@pytest.fixture(autouse=True)
def _fresh_sums():
    quarantine.forget()


@pytest.fixture
def read(client, admin):
    return lambda path=LIST, **query: client.get(path, query).content.decode()


@pytest.fixture
def send(client, admin):
    return lambda path, **data: client.post(path, data, follow=True).content.decode()


@pytest.fixture
def broken(post):
    """Quarantines a callback that can be understood once it is mended; gives it."""

    def quarantined(body: bytes = b"{") -> Callback:
        post(body)
        return Callback.objects.quarantined().latest("pk")

    return quarantined


def mend(callback: Callback, **changes) -> None:
    Callback.objects.filter(pk=callback.pk).update(body=json.dumps(STATUS | changes).encode())


def detail(callback: Callback) -> str:
    return reverse("dashboard:quarantined", args=[callback.pk])


def test_an_empty_quarantine_says_so(read):
    assert "No rejected callbacks" in read()


def test_the_list_tells_cause_instance_time_size_and_beginning(read, post):
    post({"type": "MessageStatusCallback", "note": "x" * 300})
    page = read()
    size = str(Callback.objects.get().size)
    for words in ("There is no status.", "Atendimento", "just now", size, "&quot;note&quot;"):
        assert words in page
    assert "x" * 161 not in page


def test_the_cause_is_told_in_the_viewers_language(client, admin, broken, monkeypatch):
    broken(b"[" * 65)
    words = {"The JSON is nested more than {} levels deep.": "O JSON tem mais de {} níveis."}
    monkeypatch.setattr("messages.models.cause.gettext", lambda text: words[text])
    assert "O JSON tem mais de 64 níveis." in client.get(LIST).content.decode()


def test_no_secret_is_shown(read, broken):
    callback = broken(b'{"token":"s3cr3t-t0k3n"')
    assert "s3cr3t" not in read() + read(detail(callback))


def test_the_newest_come_first_and_older_ones_a_page_later(read, post):
    for number in range(51):
        post(f"{{{number}".encode())
    first = read()
    assert "{50" in first
    assert "{0<" not in first
    oldest = Callback.objects.order_by("-pk")[49].pk
    assert "{0<" in read(older=str(oldest))
    assert "{50" in read(newer=str(Callback.objects.earliest("pk").pk))


def test_the_list_asks_as_often_for_many_and_reads_no_body(
    client, admin, post, django_assert_max_num_queries
):
    for number in range(30):
        post(f"{{{number}".encode())
    client.get(LIST)
    with django_assert_max_num_queries(7) as asked:
        client.get(LIST)
    (listing,) = [one["sql"] for one in asked if 'FROM "whatsapp_callback"' in one["sql"]]
    assert listing.count('"body"') == 1  # of which the beginning is taken


def test_one_instance_alone_can_be_looked_at(read, broken, instance):
    broken()
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    assert "No rejected callbacks" in read(instance=other.pk)
    assert "It is not JSON" in read(instance=instance.pk)


def test_what_was_mended_is_reprocessed_and_written_down(send, broken, admin, instance):
    mend(callback := broken())
    assert "1 callback was parsed and applied." in send(REPROCESS, callback=callback.pk)
    assert Message.objects.get().zapi_id == "M"
    event = AuditEvent.objects.get(action=Action.REPLAYED)
    assert (event.actor, event.instance) == (admin, instance)
    assert event.details == {"applied": 1, "without body": 0}


def test_what_is_broken_still_stays(send, broken):
    assert "1 callback still cannot be parsed." in send(REPROCESS, callback=broken().pk)
    assert Callback.objects.quarantined().count() == 1


def test_all_of_an_instance_are_reprocessed(send, broken, instance):
    for number in range(3):
        mend(broken(), ids=[f"M{number}"])
    assert "3 callbacks were parsed" in send(REPROCESS, all=instance.pk)
    assert Message.objects.count() == 3


def test_nothing_is_discarded_before_it_is_confirmed(send, broken):
    callback = broken()
    page = send(DISCARD, callback=callback.pk)
    assert "Discard 1 callback?" in page
    assert str(callback.pk) in page
    assert Callback.objects.quarantined().count() == 1


def test_what_is_discarded_keeps_its_row_and_loses_its_body(send, broken, instance):
    callbacks = [broken(), broken()]
    page = send(DISCARD, callback=[one.pk for one in callbacks], confirmed="1")
    assert "2 callbacks were discarded." in page
    rows = Callback.objects.values_list("outcome", "body")
    assert [(outcome, bytes(body)) for outcome, body in rows] == [("discarded", b"")] * 2
    event = AuditEvent.objects.get(action=Action.DISCARDED)
    assert (event.instance, event.details) == (instance, {"callbacks": 2})


def test_a_discarded_callback_still_tells_why(send, read, broken):
    callback = broken()
    send(DISCARD, callback=callback.pk, confirmed="1")
    page = read(detail(callback))
    assert "Discarded callback" in page
    assert "It is not JSON from line 1, column 2 on." in page


def test_only_the_quarantine_is_discarded(send, post):
    post(STATUS)
    page = send(DISCARD, callback=Callback.objects.get().pk, confirmed="1")
    assert "Select at least one rejected callback" in page
    assert Callback.objects.get().outcome == "applied"


@pytest.mark.parametrize("data", [{}, {"callback": "x"}, {"all": "x"}, {"all": "9" * 30}])
def test_choosing_nothing_does_nothing(send, broken, data):
    broken()
    assert "Select at least one rejected callback" in send(REPROCESS, **data)
    assert not AuditEvent.objects.filter(action=Action.REPLAYED).exists()


def test_a_body_that_was_not_kept_is_missed_in_words(read, broken, settings):
    settings.QUARANTINE_MAX_BYTES = 0
    callback = broken()
    assert "The body was not kept." in read()
    assert "too many rejected callbacks" in read(detail(callback))


def test_who_may_not_see_numbers_sees_no_body(client, admin, broken):
    group = Group.objects.get(name=ADMIN)
    group.permissions.remove(group.permissions.get(codename=SEE_PHONES.split(".")[1]))
    callback = broken(b'{"phone":"5544999999999"')
    pages = client.get(LIST), client.get(detail(callback))
    assert "5544999999999" not in "".join(page.content.decode() for page in pages)


def test_who_may_only_look_has_no_buttons_and_no_way_to_act(client, admin, broken):
    group = Group.objects.get(name=ADMIN)
    group.permissions.remove(group.permissions.get(codename="change_callback"))
    callback = broken()
    assert "Reprocess" not in client.get(LIST).content.decode()
    for path in (REPROCESS, DISCARD):
        assert client.post(path, {"callback": callback.pk, "confirmed": "1"}).status_code == 403
    assert Callback.objects.quarantined().count() == 1


def test_a_supervisor_does_not_look(client, admin):
    admin.groups.set([Group.objects.get(name=SUPERVISOR)])
    assert client.get(LIST).status_code == 403


def test_nobody_sees_or_touches_what_they_are_limited_from(client, admin, broken, instance):
    callback = broken()
    other = Instance.objects.create(account=instance.account, name="Other", zapi_id="other")
    UserLimit.objects.create(user=admin, instance=other)
    assert "No rejected callbacks" in client.get(LIST).content.decode()
    assert client.get(detail(callback)).status_code == 404
    for data in ({"callback": callback.pk}, {"all": instance.pk}):
        client.post(DISCARD, data | {"confirmed": "1"})
    assert Callback.objects.quarantined().count() == 1
