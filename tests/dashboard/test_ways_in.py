"""Links from a CRM, and numbers looked up at Z-API."""

import re
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from messages.accounts.encrypted_addresses import encrypt_address
from messages.jobs.follow_ups import follow_up
from messages.models import Action, Alias, AuditEvent, Instance, Label, SavedView, UserLimit

NUMBER = "5544999991234"


def address_of(answer):
    """The URL of the last redirect."""
    return answer.redirect_chain[-1][0]


def test_link_with_a_message_id_opens_the_message(viewer, deliver):
    message = deliver("A1")
    for text in ("A1", "a1", "ZA1", " A1 "):
        assert viewer.get("/go/", {"message_id": text}).url == f"/messages/{message.pk}/"


def test_link_with_an_unknown_id_opens_the_search(viewer, instance):
    assert viewer.get("/go/", {"message_id": "NONE"}).url == "/?q=NONE"


def test_link_without_an_id_opens_the_start_page(viewer, instance):
    assert viewer.get("/go/").url == "/"


def test_link_with_an_ambiguous_id_needs_the_instance(viewer, report, account):
    message = report("SENT", id="A1")
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    message.pk, message.instance = None, other
    message.save()
    assert viewer.get("/go/", {"message_id": "A1"}).url == "/?q=A1"
    for name in (other.zapi_id, other.pk):
        address = viewer.get("/go/", {"message_id": "A1", "instance": name}).url
        assert address == f"/messages/{message.pk}/"


def test_instance_in_a_link_is_matched_by_zapi_id_before_primary_key(
    viewer, report, instance, account
):
    message = report("SENT", id="A1")
    namesake = Instance.objects.create(account=account, name="Other", zapi_id=str(instance.pk))
    message.pk, message.instance = None, namesake
    message.save()
    asked = {"message_id": "A1", "instance": instance.pk}
    assert viewer.get("/go/", asked).url == f"/messages/{message.pk}/"


def test_link_to_a_hidden_message_opens_the_search(viewer, support, report, account):
    report("SENT", id="A1")
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=support, instance=other)
    assert viewer.get("/go/", {"message_id": "A1"}).url == "/?q=A1"


NUMERIC = ("84213", "11987654321", "333000000000001")


def label(instance, zapi_id, reference):
    Label.objects.create(
        instance=instance, zapi_id=zapi_id, reference=reference, updated_at=timezone.now()
    )


@pytest.mark.parametrize("text", NUMERIC)
def test_masked_user_finds_a_message_by_numeric_reference(masked_viewer, report, instance, text):
    message = report("SENT", id="A1")
    label(instance, "A1", text)
    address = f"/messages/{message.pk}/"
    assert masked_viewer.post("/search/", {"q": text}).url == address
    assert masked_viewer.get("/", {"q": text}).url == address


@pytest.mark.parametrize("text", NUMERIC)
def test_masked_user_finds_a_message_by_numeric_id(masked_viewer, report, text):
    message = report("SENT", id=text)
    assert masked_viewer.post("/search/", {"q": text}).url == f"/messages/{message.pk}/"


def test_reference_of_several_messages_lists_them_all(masked_viewer, report, instance):
    for name in ("A1", "A2"):
        report("SENT", id=name, phone="5511900084213")
        label(instance, name, "84213")
    report("SENT", id="OTHER", phone="5511900084213")
    follow_up()
    page = masked_viewer.post("/search/", {"q": "84213"}, follow=True)
    assert [row.message.zapi_id for row in page.context["rows"]] == ["A2", "A1"]
    assert "Ids, references and labels matching 84213" in page.content.decode()


def test_reference_of_a_hidden_message_finds_nothing(masked_viewer, report, instance, account):
    report("SENT", id="A1")
    label(instance, "A1", "11987654321")
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=User.objects.get(username="masked"), instance=other)
    assert masked_viewer.post("/search/", {"q": "11987654321"}).url == "/"


AMONG_WORDS = ("Cel: (44) 99999-6892", "cliente 5544999996892 ligou", "Fone=44999996892;")


@pytest.mark.parametrize("text", AMONG_WORDS)
def test_masked_user_finds_a_recipient_by_a_number_within_text(masked_viewer, report, text):
    report("SENT", phone="5544999996892")
    answer = masked_viewer.post("/search/", {"q": text})
    assert answer.url == f"/recipients/{encrypt_address('5544999996892')}/"


@pytest.mark.parametrize(
    "text",
    [
        *AMONG_WORDS,
        "Cel: (44) 99999-6892 ou (11) 98888-1234",
        "Pedido 1042, cel 99999-6892",
        "true_5544999996892@c.us_3EB0C767D097E2E3A2F1",
        '{"phone":"5544999996892","ids":["3EB0C767D097E2E3A2F1"]}',
        "CPF 123.456.789-09",
    ],
)
def test_number_within_text_is_removed_from_urls_and_saved_views(masked_viewer, db, text):
    assert masked_viewer.post("/search/", {"q": text}).url == "/"
    assert masked_viewer.get("/", {"q": text}).url == "/"
    masked_viewer.post("/views/", {"name": "Mine", "query": urlencode({"q": text})})
    assert [saved.query for saved in SavedView.objects.all()] == [""]


def test_message_id_next_to_a_number_opens_the_message(masked_viewer, report):
    message = report("SENT", id="3EB0C767D097E2E3A2F1")
    text = "true_5544999996892@c.us_3EB0C767D097E2E3A2F1"
    assert masked_viewer.post("/search/", {"q": text}).url == f"/messages/{message.pk}/"


def test_id_with_many_digits_is_not_treated_as_a_number(masked_viewer, report):
    report("SENT")
    text = "3EB012345678ABCDEF12"
    assert masked_viewer.post("/search/", {"q": text}).url == f"/?q={text}"
    assert "No messages found" in masked_viewer.get("/", {"q": text}).content.decode()


@pytest.mark.parametrize("text", ["12", "nothing"])
def test_search_hints_for_masked_users_mention_only_full_numbers(masked_viewer, report, text):
    report("SENT")
    page = masked_viewer.get("/", {"q": text}).content.decode()
    assert "digits of" not in page
    assert "full number" in page


def test_number_without_messages_can_be_looked_up_at_zapi(viewer, zapi, instance):
    assert "Check with Z-API" in viewer.get("/", {"q": NUMBER}).content.decode()
    answer = viewer.post("/look-up/", {"phone": NUMBER, "instance": instance.pk}, follow=True)
    assert "On WhatsApp this number is +55 44 9999-1234" in answer.content.decode()
    assert Alias.objects.get().number == NUMBER
    assert "Includes the linked LID" in answer.content.decode()
    assert "Check with Z-API" not in answer.content.decode()
    assert "On WhatsApp this number is" in viewer.get(address_of(answer)).content.decode()


def test_look_up_searches_for_the_number_and_lid_from_zapi(viewer, zapi, instance, report):
    report("SENT", id="A1", phone="5215512345678")
    fields = {"phone": "+52 55 1234 5678", "instance": instance.pk}
    page = viewer.post("/look-up/", fields, follow=True)
    assert "On WhatsApp this number is +52 15512345678" in page.content.decode()
    assert "Includes the linked number: +52 15512345678." in page.content.decode()
    assert [row.message.zapi_id for row in page.context["rows"]] == ["A1"]


@pytest.mark.parametrize("change", ["", "x", "another number"])
def test_forged_look_up_result_in_the_url_is_ignored(viewer, zapi, instance, change):
    fields = {"phone": NUMBER, "instance": instance.pk}
    address = viewer.post("/look-up/", fields).url
    if change == "another number":
        address = address.replace(f"q={NUMBER}", "q=5544999991235")
    else:
        address = re.sub("looked_up=[^&]*", f"looked_up={change}", address)
    page = viewer.get(address).content.decode()
    assert "On WhatsApp this number is" not in page
    assert "Check with Z-API" in page


def test_look_up_is_audited_without_the_number(viewer, support, zapi, instance):
    viewer.post("/look-up/", {"phone": NUMBER, "instance": instance.pk})
    event = AuditEvent.objects.get(action=Action.PHONE_LOOKED_UP)
    assert (event.actor, event.instance) == (support, instance)
    assert event.details == {"is_on_whatsapp": True, "has_lid": True}
    assert event.recipient
    assert "9999" not in event.recipient


def test_refused_look_up_is_explained_and_audited(viewer, zapi, instance):
    zapi.answer_name = "unauthorized"
    answer = viewer.post("/look-up/", {"phone": NUMBER, "instance": instance.pk}, follow=True)
    assert "does not know this instance id and token" in answer.content.decode()
    assert AuditEvent.objects.filter(action=Action.PHONE_LOOKED_UP).exists()


def test_look_up_of_a_number_not_on_whatsapp_says_so(viewer, zapi, instance):
    fields = {"phone": "5544999990000", "instance": instance.pk}
    answer = viewer.post("/look-up/", fields, follow=True)
    assert "+55 44 99999-0000 is not on WhatsApp." in answer.content.decode()


def test_partial_number_is_not_looked_up(viewer, zapi, instance):
    viewer.post("/look-up/", {"phone": "9999", "instance": instance.pk})
    assert zapi.calls == []


def test_look_up_with_a_hidden_instance_is_not_found(viewer, support, zapi, instance, account):
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=support, instance=other)
    fields = {"phone": NUMBER, "instance": instance.pk}
    assert viewer.post("/look-up/", fields).status_code == 404
    assert zapi.calls == []


def test_look_up_by_get_is_refused(viewer, instance):
    assert viewer.get("/look-up/", {"phone": NUMBER}).status_code == 405


def test_masked_user_cannot_look_up_numbers(masked_viewer, instance):
    fields = {"phone": NUMBER, "instance": instance.pk}
    assert masked_viewer.post("/look-up/", fields).status_code == 403


@pytest.mark.parametrize("text", ["9999-9999", "9999-99"])
def test_digits_can_be_searched_anywhere_in_the_number(viewer, report, text):
    report("SENT", phone="5588999999991")
    follow_up()
    page = viewer.get("/", {"q": text})
    if not page.context["rows"]:
        page = viewer.get(page.context["anywhere_url"])
    assert [row.message.phone for row in page.context["rows"]] == ["5588999999991"]
