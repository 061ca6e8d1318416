"""A label announces a message. Z-API never confirms some of them."""

from datetime import timedelta

import pytest

from messages.incidents.presentation import description
from messages.incidents.unconfirmed_messages import confirm_labels
from messages.models import Incident, Instance, KeyRole, Label
from tests.plugins.incidents import ago, send

LABEL = {"reference": "order-1042", "label": "Your order"}


@pytest.fixture(autouse=True)
def _no_call_to_the_real_zapi(zapi):
    """Requests for Z-API's queue go to the stand-in."""


@pytest.fixture
def announce(labeller, instance):
    def send_label(message_id="3EB0A1", query="", **texts):
        path = f"/messages/instance.id/{message_id}/label{query}"
        return labeller.write("PUT", path, LABEL | texts)

    return send_label


@pytest.fixture
def listed(reader):
    def read(**query):
        found = reader.read("/labels/", confirmed="false", **query)["results"]
        return [row["message_id"] for row in found]

    return read


def text_of(client, path) -> str:
    return str(client.get(path).content.decode())


def test_announced_message_is_unconfirmed_after_the_time_of_its_instance(announce, listed, clock):
    announce()
    assert listed() == []
    clock.advance(minutes=11)
    assert listed() == ["3EB0A1"]
    Instance.objects.update(unconfirmed_after=20)
    assert listed() == []


@pytest.mark.parametrize("ids", [("3EB0A1", "Z"), ("OTHER", "3EB0A1"), ("Z9", "Z9")])
def test_callback_under_either_id_confirms_the_message(announce, listed, clock, deliver, ids):
    announce(zaap_id="Z9")
    clock.advance(minutes=11)
    deliver(ids[0], zaapId=ids[1])
    assert listed() == []


def test_worker_forgets_that_a_confirmed_message_was_awaited(announce, report):
    announce()
    report("SENT")
    announce("3EB0A2")
    assert confirm_labels() == 1
    assert Label.objects.exclude(awaited_since=None).get().zapi_id == "3EB0A2"


def test_second_label_does_not_announce_the_message_again(announce, listed, clock):
    announce()
    clock.advance(minutes=11)
    announce(label="Another text")
    assert listed() == ["3EB0A1"]


def test_labels_of_old_messages_announce_nothing(announce, labeller, listed, clock):
    announce(query="?announce=false")
    labeller.write(
        "POST",
        "/labels/",
        b"zapi_instance_id,message_id,label\ninstance.id,CSV,Old\n",
        media_type="text/csv",
    )
    row = {"zapi_instance_id": "instance.id", "message_id": "JSON", "label": "Old"}
    labeller.write("POST", "/labels/?announce=false", [row])
    clock.advance(minutes=11)
    assert listed() == []


def test_invalid_announce_parameter_is_refused(labeller, instance):
    answer = labeller.send("PUT", "/messages/instance.id/A/label?announce=maybe", LABEL)
    assert answer.status_code == 400
    assert not Label.objects.exists()


def test_label_announced_in_the_future_is_not_unconfirmed(announce, listed, clock):
    announce()
    Label.objects.update(awaited_since=clock.now + timedelta(days=400))
    assert listed() == []
    assert confirm_labels() == 0


def test_labels_list_filters_and_pages(announce, reader, clock, report):
    for number in range(3):
        announce(f"A{number}", reference=f"r{number}")
    report("SENT", id="A1")
    first = reader.read("/labels/", limit=2)
    assert [row["message_id"] for row in first["results"]] == ["A2", "A1"]
    assert [row["message_id"] for row in reader.read(first["next"])["results"]] == ["A0"]
    assert [row["message_id"] for row in reader.read("/labels/", reference="r0")["results"]] == [
        "A0"
    ]
    confirmed = reader.read("/labels/", confirmed="true")["results"]
    assert [row["message_id"] for row in confirmed] == ["A1"]
    clock.advance(minutes=11)
    first = reader.read("/labels/", confirmed="false", limit=1)
    assert [row["message_id"] for row in first["results"]] == ["A2"]
    assert [row["message_id"] for row in reader.read(first["next"])["results"]] == ["A0"]


def test_labels_of_other_instances_are_not_listed(announce, make_key, account, clock):
    announce()
    clock.advance(minutes=11)
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    limited = make_key(instances=[other])
    assert limited.read("/labels/", confirmed="false")["results"] == []


def test_reading_labels_needs_no_right_to_write_them(reader, instance):
    assert reader.send("POST", "/labels/", []).status_code == 403
    assert reader.read("/labels/")["results"] == []


def test_view_lists_what_was_never_confirmed(viewer, announce, clock):
    announce()
    clock.advance(minutes=11)
    page = text_of(viewer, "/?view=unconfirmed")
    assert "order-1042" in page
    assert "3EB0A1" in page
    assert "11 min" in page
    assert "order-1042" in text_of(viewer, "/?view=unconfirmed&q=order-1042")
    for query in ("instance=999999", "q=nothing", "until=2020-01-01T00:00Z"):
        assert viewer.get(f"/?view=unconfirmed&{query}").context["label_rows"] == []


def test_view_without_rows_says_that_all_is_well(viewer, instance):
    assert "Z-API has reported every announced message" in text_of(viewer, "/?view=unconfirmed")


def test_view_pages_by_key(viewer, instance, clock):
    Label.objects.bulk_create(
        Label(
            instance=instance,
            zapi_id=f"L{number:03}",
            reference="r",
            updated_at=clock.now,
            awaited_since=clock.now - timedelta(hours=1, seconds=number // 7),
        )
        for number in range(120)
    )
    seen, address = [], "/?view=unconfirmed"
    while address:
        page = viewer.get(address).context
        seen += [row.label.zapi_id for row in page["label_rows"]]
        address = page["older_url"]
    assert len(seen) == len(set(seen)) == 120


def test_page_of_the_label_says_what_to_check(viewer, announce, clock):
    announce()
    clock.advance(minutes=11)
    page = text_of(viewer, f"/messages/announced/{Label.objects.get().pk}/")
    assert "Z-API has reported nothing about it for 11 min" in page
    assert "What to check" in page
    assert f"/messages/announced/{Label.objects.get().pk}/" in text_of(viewer, "/?q=3EB0A1")


def test_page_of_the_label_leads_to_the_message_once_reported(viewer, announce, report):
    announce()
    message = report("SENT")
    answer = viewer.get(f"/messages/announced/{Label.objects.get().pk}/")
    assert answer["Location"] == f"/messages/{message.pk}/"


def test_numbers_in_labels_are_masked(masked_viewer, announce, clock):
    announce(label="To 5544999991234", reference="order-7")
    clock.advance(minutes=11)
    for path in ("/?view=unconfirmed", f"/messages/announced/{Label.objects.get().pk}/"):
        page = text_of(masked_viewer, path)
        assert "order-7" in page
        assert "5544999991234" not in page


def test_instances_show_the_number_of_unconfirmed_messages(
    admin, client, make_key, announce, clock
):
    announce()
    clock.advance(minutes=11)
    client.force_login(admin)
    assert "1 never confirmed" in text_of(client, "/instances/")
    assert "announced by your software" in text_of(
        client, f"/instances/{Instance.objects.get().pk}/"
    )
    manager = make_key(KeyRole.ADMIN)
    assert [one["unconfirmed"] for one in manager.read("/instances/")["results"]] == [1]


def test_one_incident_names_the_number_and_the_oldest(announce, look, clock):
    announce()
    clock.advance(minutes=5)
    announce("3EB0A2")
    clock.advance(minutes=11)
    assert look() == ["unconfirmed"]
    incident = Incident.objects.get()
    assert description(incident) == (
        "Your software announced 2 messages about which Z-API has reported nothing. "
        "The oldest was announced 16 min ago."
    )


def test_incident_ends_when_the_callback_arrives(announce, look, clock, listener, deliver):
    announce()
    clock.advance(minutes=11)
    look()
    deliver("3EB0A1")
    assert look() == ["unconfirmed"]
    clock.advance(minutes=6)
    assert look() == []
    assert listener == [("unconfirmed", "opened"), ("unconfirmed", "resolved")]


def test_incident_looks_back_one_day(announce, look, clock, listed):
    announce()
    clock.advance(days=1, minutes=1)
    assert look() == []
    assert listed() == ["3EB0A1"]


def test_disconnection_explains_unconfirmed_messages(announce, look, clock):
    announce()
    clock.advance(minutes=11)
    Instance.objects.update(connected=False, connection_changed_at=ago(clock, minutes=20))
    assert look() == ["disconnected"]
    assert "1 message about which Z-API has reported nothing" in description(Incident.objects.get())


def test_archived_instance_has_no_unconfirmed_messages(announce, look, listed, clock):
    announce()
    clock.advance(minutes=11)
    Instance.objects.update(archived_at=clock.now)
    assert look() == []
    assert listed() == []


def test_stuck_messages_are_not_unconfirmed(instance, listed, clock):
    send(instance, 3, ago(clock, hours=1))
    assert listed() == []
