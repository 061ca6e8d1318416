"""A hold keeps one message, or all of one recipient, from retention and erasure."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from messages.accounts.encrypted_addresses import encrypt_address
from messages.accounts.roles import ADMIN, SUPERVISOR
from messages.jobs.follow_ups import follow_up
from messages.models import (
    Action,
    Alias,
    Answer,
    AuditEvent,
    Callback,
    DataKind,
    Erasure,
    Hold,
    Label,
    Message,
    Retention,
    StatusEvent,
    UserLimit,
    Writing,
)
from messages.privacy import continue_erasures, find_person, request_erasure
from messages.privacy.retention import Purge, save_periods
from messages.privacy.retention import purge as purging
from tests.plugins.pages import HttpsClient
from tests.retention.test_purge import age

PRIVACY, RETENTION = reverse("dashboard:privacy"), reverse("dashboard:retention")
PHONE, OLD_FORM, LID = "5544999999999", "554499999999", "123456789012345@lid"
OTHER, GROUP = "5511988887777", "120363000000000000-group"
REASON = "Case 7/2026"
PERIODS = {"messages": 90, "bodies": 30, "callbacks": 60}


def status(word="READ", phone=PHONE, ids=("M",), **more):
    payload = {"type": "MessageStatusCallback", "status": word, "ids": list(ids), "phone": phone}
    return payload | {"momment": 1632234645000} | more


def in_group(participant, ids=("G",)):
    return status("READ", GROUP, ids, isGroup=True, participant=participant)


def purge(**days):
    save_periods({DataKind(kind): n for kind, n in (days or PERIODS).items()}, by=None)
    Retention.objects.update(finished_at=None)
    return Purge(threading.Event()).run()


def sign_in(role=ADMIN, **limits):
    user = User.objects.create_user(f"{role}{len(limits)}")
    user.groups.add(Group.objects.get(name=role))
    if limits:
        UserLimit.objects.create(user=user, **limits)
    client = HttpsClient()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db):
    return sign_in()


def message_page(name="M", page="message"):
    return reverse(f"dashboard:{page}", args=[Message.objects.get(zapi_id=name).pk])


def recipient_page(address=PHONE, page="recipient"):
    return reverse(f"dashboard:{page}", args=[encrypt_address(address)])


@pytest.fixture
def hold_message(admin):
    def hold(name="M"):
        page = message_page(name, "message-hold")
        return admin.post(page, {"reason": REASON}, follow=True).content.decode()

    return hold


@pytest.fixture
def hold_recipient(admin):
    def hold(address=PHONE):
        page = recipient_page(address, "recipient-hold")
        return admin.post(page, {"reason": REASON}, follow=True).content.decode()

    return hold


def release(client):
    path = reverse("dashboard:hold-release", args=[Hold.objects.active().get().pk])
    return client.post(path, {"confirmed": "1"}, follow=True).content.decode()


def stored_ids():
    return sorted(Message.objects.values_list("zapi_id", flat=True))


def bodies():
    return [bytes(one.body) for one in Callback.objects.order_by("pk") if one.body]


@pytest.fixture
def two(post):
    """A message to each of two people."""
    post(status())
    post(status(phone=OTHER, ids=["N"]))
    age(100)


class TestPurge:
    def test_held_message_is_kept_with_all_that_belongs_to_it(self, two, instance, hold_message):
        now, old = timezone.now(), timezone.now() - timedelta(days=100)
        for name in ("M", "N"):
            named = {"instance": instance, "zapi_id": name}
            Label.objects.create(**named, label="Order", updated_at=now)
            Answer.objects.create(**named, digest="d", kind="reply", at=old)
        for address in (PHONE, OTHER):
            Writing.objects.create(
                instance=instance, address=address, period=old, first_at=old, last_at=old
            )
        hold_message()
        purge()
        assert stored_ids() == ["M"]
        assert StatusEvent.objects.count() == Callback.objects.count() == len(bodies()) == 1
        assert Label.objects.get().zapi_id == Answer.objects.get().zapi_id == "M"
        assert Writing.objects.get().address == PHONE

    def test_messages_to_a_held_recipient_are_kept_under_every_address(
        self, post, instance, hold_recipient
    ):
        for number, phone in enumerate((PHONE, OLD_FORM, LID, OTHER)):
            post(status(phone=phone, ids=[f"M{number}"]))
        Alias.objects.create(instance=instance, lid=LID, number=PHONE)
        age(100)
        hold_recipient(OLD_FORM)
        purge()
        assert stored_ids() == ["M0", "M1", "M2"]
        assert len(bodies()) == 3

    def test_link_found_after_the_hold_counts_too(self, post, instance, hold_recipient):
        post(status())
        post(status(phone=LID, ids=["L"]))
        age(100)
        hold_recipient()
        Alias.objects.create(instance=instance, lid=LID, number=PHONE)
        purge()
        assert stored_ids() == ["L", "M"]

    def test_group_message_of_a_held_person_is_kept(self, post, hold_recipient):
        post(in_group(PHONE))
        post(in_group(OTHER, ["H"]))
        age(100)
        hold_recipient()
        purge()
        assert stored_ids() == ["G"]
        assert len(bodies()) == 1

    def test_messages_to_a_held_group_are_kept(self, post, hold_recipient):
        post(in_group(OTHER))
        post(status(phone=OTHER, ids=["N"]))
        age(100)
        hold_recipient(GROUP)
        purge()
        assert stored_ids() == ["G"]
        assert len(bodies()) == 1

    def test_rejected_and_repeated_callbacks_of_a_held_recipient_are_kept(
        self, post, hold_recipient
    ):
        post(status())
        post(status())
        post(b'{"phone": "5544999999999", broken')
        post(b'{"phone": "55449999999990", broken')
        age(100)
        hold_recipient()
        purge()
        assert Callback.objects.count() == len(bodies()) == 3

    def test_callback_emptied_before_the_hold_stays_as_a_record(self, two, hold_message):
        purge(bodies=30)
        hold_message()
        purge()
        assert Callback.objects.count() == 1
        assert not bodies()

    def test_more_held_messages_than_a_batch_do_not_stop_the_purge(
        self, post, hold_recipient, monkeypatch
    ):
        monkeypatch.setattr(purging, "BATCH", 2)
        post(status(ids=[f"M{number}" for number in range(5)]))
        for number in range(5):
            post(status(ids=[f"K{number}"]))
        post(status(phone=OTHER, ids=["N"]))
        age(100)
        hold_recipient()
        purge()
        assert len(stored_ids()) == 10
        assert Callback.objects.count() == len(bodies()) == 6

    def test_released_data_is_purged(self, two, admin, hold_message):
        hold_message()
        purge()
        assert "Hold released." in release(admin)
        purge(messages=90, bodies=30)
        assert not Message.objects.exists()
        assert not bodies()

    def test_label_that_names_a_held_recipient_is_kept(self, post, instance, hold_recipient):
        old = timezone.now() - timedelta(days=100)
        for name, words in (("A", "for +55 44 99999-9999"), ("B", "for nobody")):
            Label.objects.create(instance=instance, zapi_id=name, label=words, updated_at=old)
        hold_recipient()
        purge()
        assert Label.objects.get().zapi_id == "A"

    def test_unreadable_hold_stops_the_purge(self, two, hold_recipient):
        hold_recipient()
        Hold.objects.update(subject="no list of names")
        with pytest.raises(ValueError, match="Expecting value"):
            purge()
        assert stored_ids() == ["M", "N"]

    @pytest.mark.parametrize("kind", ["messages", "callbacks", "bodies"])
    def test_killed_purge_continues(self, post, monkeypatch, kind):
        def die(*_arguments):
            raise KeyboardInterrupt

        monkeypatch.setattr(purging, "BATCH", 2)
        for number in range(5):
            post(status(ids=[f"M{number}"]))
        age(100)
        days = {kind: 90} | ({"bodies": 90} if kind == "messages" else {})
        wait = threading.Event.wait
        monkeypatch.setattr(threading.Event, "wait", die)
        with pytest.raises(KeyboardInterrupt):
            purge(**days)
        monkeypatch.setattr(threading.Event, "wait", wait)
        left = {"messages": Message.objects.count(), "callbacks": Callback.objects.count()}
        assert (left | {"bodies": len(bodies())})[kind] == 3
        purge(**days)
        left = {"messages": Message.objects.count(), "callbacks": Callback.objects.count()}
        assert (left | {"bodies": len(bodies())})[kind] == 0


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite in memory, as of tests, has no second thread"
)
@pytest.mark.django_db(transaction=True)
def test_hold_waits_for_the_batch_that_does_not_know_it(post, monkeypatch):
    """The page says that the message is gone, instead of promising to keep it."""
    post(status())
    age(100)
    client, path = sign_in(), message_page(page="message-hold")
    answers: list[int] = []

    def ask():
        answers.append(client.post(path, {"reason": REASON}).status_code)
        connection.close()

    asking = threading.Thread(target=ask)

    def ask_then_delete(messages):
        asking.start()
        asking.join(timeout=1)
        assert not answers
        delete(messages)

    delete = purging._delete_with_events
    monkeypatch.setattr(purging, "_delete_with_events", ask_then_delete)
    purge(messages=90, bodies=90)
    asking.join()
    assert answers == [404]
    assert not Hold.objects.exists()


class TestErasure:
    def test_erasing_a_held_recipient_is_refused_on_the_page(self, two, admin, hold_recipient):
        hold_recipient(OLD_FORM)
        page = admin.post(PRIVACY, {"person": PHONE}).content.decode()
        assert "cannot be erased until every hold is released" in page
        assert "Erase permanently" not in page
        erase = reverse("dashboard:privacy-erase")
        page = admin.post(erase, {"person": PHONE, "confirmation": PHONE}, follow=True)
        assert "placed a hold on this data" in page.content.decode()
        assert not Erasure.objects.exists()

    def test_erasing_a_held_recipient_is_refused_by_the_command(self, two, hold_recipient):
        hold_recipient()
        with pytest.raises(CommandError, match="placed a hold on this data"):
            call_command("privacy", "erase", OLD_FORM, "--yes")
        assert stored_ids() == ["M", "N"]

    def test_erasing_the_recipient_of_a_held_message_is_refused(self, two, hold_message):
        hold_message()
        with pytest.raises(CommandError, match="Release the hold first"):
            call_command("privacy", "erase", PHONE, "--yes")

    def test_erasing_a_participant_of_a_held_message_is_refused(self, post, hold_message):
        post(in_group(PHONE))
        hold_message("G")
        with pytest.raises(CommandError, match="Release the hold first"):
            call_command("privacy", "erase", PHONE, "--yes")

    def test_erasing_a_participant_of_a_held_group_is_refused(self, post, hold_recipient):
        post(in_group(PHONE))
        hold_recipient(GROUP)
        with pytest.raises(CommandError, match="Release the hold first"):
            call_command("privacy", "erase", PHONE, "--yes")

    def test_others_are_erased(self, two, hold_recipient):
        hold_recipient()
        call_command("privacy", "erase", OTHER, "--yes")
        assert stored_ids() == ["M"]
        assert len(bodies()) == 1

    def test_erasing_another_participant_leaves_the_held_one(self, post, hold_recipient):
        post(in_group(PHONE))
        post(in_group(OTHER))
        hold_recipient()
        call_command("privacy", "erase", OTHER, "--yes")
        assert [event.participant for event in StatusEvent.objects.all()] == [PHONE]
        assert len(bodies()) == 1

    def test_others_erasure_leaves_what_belongs_to_a_held_message(
        self, two, post, instance, hold_message
    ):
        post({"phone": OTHER, "ids": ["M"], "type": "Strange"})
        named = {"instance": instance, "zapi_id": "M"}
        Label.objects.create(**named, label=f"ask {OTHER}", updated_at=timezone.now())
        Answer.objects.create(**named, digest="d", kind="reply", at=timezone.now(), author=OTHER)
        hold_message()
        call_command("privacy", "erase", OTHER, "--yes")
        assert Label.objects.exists()
        assert Answer.objects.exists()
        assert len(bodies()) == 2

    def test_hold_stops_a_requested_erasure_until_it_is_released(self, two, admin, hold_recipient):
        request_erasure(find_person(PHONE), None)
        hold_recipient()
        assert continue_erasures() == 0
        assert stored_ids() == ["M", "N"]
        assert "Stopped by a hold" in admin.get(PRIVACY).content.decode()
        release(admin)
        assert continue_erasures() == 1
        assert stored_ids() == ["N"]

    def test_stopped_erasure_does_not_block_others(self, two, hold_recipient):
        request_erasure(find_person(PHONE), None)
        request_erasure(find_person(OTHER), None)
        hold_recipient()
        assert continue_erasures() == 1
        assert stored_ids() == ["M"]

    def test_hold_placed_during_an_erasure_stops_it(self, post, hold_recipient, monkeypatch):
        monkeypatch.setattr("messages.privacy.erase._BATCH_SIZE", 2)
        post(status(ids=[f"M{number}" for number in range(5)]))
        request_erasure(find_person(PHONE), None)
        save = Erasure.save
        held: list[bool] = []

        def hold_then_save(self, *arguments, **named):
            if self.erased and not held:
                held.append(True)
                hold_recipient()
            save(self, *arguments, **named)

        monkeypatch.setattr(Erasure, "save", hold_then_save)
        assert continue_erasures() == 0
        assert Message.objects.exists()

    def test_late_callback_of_a_held_person_is_kept(self, post, hold_recipient):
        post(status("SENT"))
        call_command("privacy", "erase", PHONE, "--yes")
        hold_recipient()
        post(status("READ"))
        follow_up()
        assert stored_ids() == ["M"]
        assert len(bodies()) == 1

    def test_unreadable_hold_forbids_every_erasure(self, two, hold_recipient):
        hold_recipient()
        Hold.objects.update(subject="no list of names")
        with pytest.raises(CommandError, match="Release the hold first"):
            call_command("privacy", "erase", OTHER, "--yes")


class TestPages:
    def test_held_message_says_so(self, two, hold_message):
        page = hold_message()
        assert "this data is not deleted." in page
        assert f"Reason: {REASON}" in page
        assert "Place a hold" not in page

    def test_held_recipient_says_so_on_its_page_and_messages(self, two, admin, hold_recipient):
        assert f"Reason: {REASON}" in hold_recipient()
        assert f"Reason: {REASON}" in admin.get(message_page()).content.decode()
        assert REASON not in admin.get(message_page("N")).content.decode()

    def test_page_asks_for_a_reason_without_a_number(self, two, admin):
        for reason in ("", "ask +55 44 99999-9999"):
            admin.post(message_page(page="message-hold"), {"reason": reason})
        assert not Hold.objects.exists()

    def test_second_hold_on_the_same_thing_changes_nothing(self, two, hold_message, hold_recipient):
        for _ in range(2):
            hold_message()
            hold_recipient()
        assert Hold.objects.count() == 2

    def test_hold_and_release_are_audited(self, two, admin, hold_message, hold_recipient):
        hold_message()
        release(admin)
        hold_recipient()
        release(admin)
        events = AuditEvent.objects.filter(action__in=[Action.HOLD_PLACED, Action.HOLD_RELEASED])
        about = Message.objects.get(zapi_id="M").pk
        found = [(one.action, one.message_pk, bool(one.recipient)) for one in events.reverse()]
        assert found == [
            ("hold placed", about, False),
            ("hold released", about, False),
            ("hold placed", None, True),
            ("hold released", None, True),
        ]
        assert events.filter(details__reason=REASON).count() == 2

    def test_release_asks_first(self, two, admin, hold_message):
        hold_message()
        path = reverse("dashboard:hold-release", args=[Hold.objects.get().pk])
        assert "Release this hold?" in admin.post(path).content.decode()
        assert Hold.objects.active().exists()

    def test_list_shows_who_released(self, two, admin, hold_message):
        hold_message()
        assert "Admin0" in release(admin)
        assert Hold.objects.get().released_by == "Admin0"

    def test_released_hold_keeps_no_number(self, two, admin, hold_recipient):
        hold_recipient()
        assert PHONE not in str(Hold.objects.values_list("subject", flat=True).get().sealed)
        release(admin)
        assert not Hold.objects.get().subject

    def test_list_survives_the_purge_of_a_released_message(self, two, admin, hold_message):
        hold_message()
        release(admin)
        purge()
        assert "A message that was deleted" in admin.get(PRIVACY).content.decode()

    def test_retention_page_mentions_holds(self, two, admin, hold_message):
        assert "keeps data longer" not in admin.get(RETENTION).content.decode()
        hold_message()
        assert "keeps data longer" in admin.get(RETENTION).content.decode()

    def test_person_without_a_page_is_held_from_the_privacy_page(self, post, admin):
        post(in_group(PHONE))
        path = recipient_page(page="recipient-hold")
        assert path in admin.post(PRIVACY, {"person": PHONE}).content.decode()
        page = admin.post(path, {"reason": REASON}, follow=True)
        assert page.redirect_chain[0][0] == PRIVACY
        assert REASON in page.content.decode()


class TestPermissions:
    PATHS = (
        lambda: message_page(page="message-hold"),
        lambda: recipient_page(page="recipient-hold"),
        lambda: reverse("dashboard:hold-release", args=[Hold.objects.get().pk]),
    )

    @pytest.mark.parametrize("path", PATHS)
    def test_supervisor_cannot_hold_or_release(self, two, hold_message, path):
        hold_message()
        answer = sign_in(SUPERVISOR).post(path(), {"reason": REASON, "confirmed": "1"})
        assert answer.status_code == 403
        assert Hold.objects.active().count() == 1

    @pytest.mark.parametrize("path", PATHS)
    def test_limited_admin_cannot_hold_or_release(self, two, instance, hold_message, path):
        hold_message()
        client = sign_in(instance=instance)
        assert client.post(path(), {"reason": REASON, "confirmed": "1"}).status_code == 403
        assert Hold.objects.active().count() == 1

    def test_limited_admin_sees_the_hold_without_actions(self, two, instance, hold_message):
        client = sign_in(instance=instance)
        assert "Place a hold" not in client.get(message_page()).content.decode()
        hold_message()
        page = client.get(message_page()).content.decode()
        assert REASON in page
        assert f"{PRIVACY}#holds" not in page

    def test_masked_admin_sees_no_number(self, two, masked_admin, hold_recipient):
        hold_recipient()
        Hold.objects.update(reason=f"about {PHONE}")
        for path in (PRIVACY, message_page(), recipient_page()):
            page = masked_admin.get(path).content.decode()
            assert "about" in page
            assert PHONE not in page
            assert "+55 44 99999-9999" not in page.replace("such as +55 44 99999-9999", "")
            assert "•••• 99" in page
