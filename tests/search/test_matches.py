"""A search finds people by every address, labels and references."""

import pytest
from django.utils import timezone

from messages.accounts.encrypted_addresses import encrypt_address
from messages.jobs.follow_ups import follow_up
from messages.models import Alias, Instance, Label, UserLimit

NUMBER, LID = "5544999999999", "123456789012345@lid"


def found(client, text):
    page = client.get("/", {"q": text})
    return {row.message.zapi_id for row in page.context["rows"]}


@pytest.fixture
def tied(deliver, report):
    """Messages with number and LID, with the same LID only, and of another person."""
    deliver("BOTH")
    report("READ", id="BOTH", phone=LID)
    report("READ", id="LID ONLY", phone=LID)
    report("READ", id="SOMEBODY ELSE", phone="999@lid")
    follow_up()


def label(instance, zapi_id, **fields):
    Label.objects.create(instance=instance, zapi_id=zapi_id, updated_at=timezone.now(), **fields)


@pytest.mark.parametrize(
    "text", [NUMBER, "554499999999", "+55 (44) 9 9999-9999", LID, "123456789012345"]
)
def test_person_is_found_by_every_address(viewer, tied, text):
    assert found(viewer, text) == {"BOTH", "LID ONLY"}


def test_search_by_number_shows_the_linked_lid(viewer, tied):
    page = viewer.get("/", {"q": NUMBER}).content.decode()
    assert f"Includes the linked LID: {LID}." in page


def test_search_by_lid_shows_the_linked_number(viewer, tied):
    page = viewer.get("/", {"q": LID}).content.decode()
    assert "Includes the linked number: +55 44 99999-9999." in page


@pytest.mark.parametrize(
    "text", ["99999-9999", "99999999", "*999999*", "+5544999", "+55449", "4499999"]
)
def test_search_by_partial_number_includes_the_linked_lid(viewer, tied, text):
    page = viewer.get("/", {"q": text})
    assert {row.message.zapi_id for row in page.context["rows"]} == {"BOTH", "LID ONLY"}
    assert f"Includes the linked LID: {LID}." in page.content.decode()


@pytest.mark.parametrize("text", ["+55448877", "*448877*"])
def test_search_by_partial_number_without_the_ninth_digit_includes_the_lid(
    viewer, deliver, report, text
):
    deliver("BOTH", phone="554488776655")
    report("READ", id="BOTH", phone=LID)
    report("READ", id="LID ONLY", phone=LID)
    follow_up()
    assert found(viewer, text) == {"BOTH", "LID ONLY"}


def test_many_linked_lids_are_shown_as_a_count(viewer, instance):
    Alias.objects.bulk_create(
        Alias(instance=instance, lid=f"{n}@lid", number=f"55449999911{n}") for n in range(10, 15)
    )
    page = viewer.get("/", {"q": "+55449999"}).content.decode()
    assert "Includes 5 linked LIDs." in page


def test_too_many_linked_lids_ask_for_more_digits(viewer, tied, instance, monkeypatch):
    monkeypatch.setattr("messages.search.matches.MAX_ADDRESSES", 1)
    Alias.objects.create(instance=instance, lid="7@lid", number="5544999999998")
    page = viewer.get("/", {"q": "+55449999"}).content.decode()
    assert "Includes 1 linked LIDs. Type more digits" in page


def test_linked_lid_of_a_hidden_instance_is_not_used(viewer, support, tied, account, report):
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=support, instance=other)
    for text in (NUMBER, "99999-9999"):
        assert LID not in viewer.get("/", {"q": text}).content.decode()


def test_message_under_two_numbers_is_found_by_either(viewer, report):
    report("RECEIVED")
    report("RECEIVED", phone="5511987654321")
    follow_up()
    assert found(viewer, NUMBER) == found(viewer, "5511987654321") == {"3EB0A1"}


def test_full_number_and_its_beginning_are_found_before_the_worker_runs(viewer, report):
    report("SENT")
    assert found(viewer, NUMBER) == found(viewer, "+5544") == {"3EB0A1"}


@pytest.mark.parametrize("text", ["*4499*", "9999-9999"])
def test_partial_number_with_too_many_matches_is_still_found(viewer, report, monkeypatch, text):
    monkeypatch.setattr("messages.search.matches.MAX_ADDRESSES", 1)
    report("SENT", id="A")
    report("SENT", id="B", phone="554499999999")
    report("SENT", id="C", phone="5511987654321")
    follow_up()
    assert found(viewer, text) == {"A", "B"}


def test_partial_number_does_not_find_messages_of_a_hidden_instance(
    viewer, support, report, account
):
    report("SENT")
    follow_up()
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=support, instance=other)
    assert found(viewer, "*9999*") == set()


def test_message_is_found_by_reference_and_part_of_its_label(viewer, report, instance):
    report("SENT", id="A")
    report("SENT", id="B")
    label(instance, "A", reference="ORDER-17", label="Boleto de novembro")
    assert found(viewer, "ORDER-17") == found(viewer, "boleto DE") == {"A"}


def test_message_is_found_by_the_label_of_its_zaap_id(viewer, deliver, instance):
    deliver("A")
    label(instance, "ZA", reference="ORDER-17")
    assert found(viewer, "ORDER-17") == {"A"}


@pytest.mark.parametrize("text", ["joao", "JOÃO", "João de", "ação"])
def test_label_search_ignores_case_and_accents(viewer, report, instance, text):
    report("SENT", id="A")
    label(instance, "A", label="Cobrança do João de Açaí: AÇÃO")
    assert found(viewer, text) == {"A"}


@pytest.mark.parametrize(
    "text",
    ["1042 pedido", "saiu, PEDIDO", "“nº 1042”", "#1042 saiu", "pedi sai 104", " Nº  saiu "],
)
def test_label_is_found_by_its_words_in_any_order(viewer, report, instance, text):
    report("SENT", id="A")
    report("SENT", id="B")
    label(instance, "A", label="Pedido nº 1042 saiu")
    label(instance, "B", label="Pedido nº 2099 entregue")
    assert found(viewer, text) == {"A"}


@pytest.mark.parametrize("written", ["Pedido nº 1042", "Pedido n° 1042", "Pedido n 1042"])
@pytest.mark.parametrize("text", ["pedido nº 1042", "n° 1042", "PEDIDO Nª 1042"])
def test_label_search_ignores_ordinal_signs(viewer, report, instance, written, text):
    report("SENT", id="A")
    label(instance, "A", label=written)
    assert found(viewer, text) == {"A"}


def test_digits_among_the_words_of_a_label_are_not_searched_as_a_number(viewer, report, instance):
    report("SENT", id="A")
    report("SENT", id="B", phone="5544988771042")
    follow_up()
    label(instance, "A", label="Pedido nº 1042 saiu")
    page = viewer.get("/?q=pedido+1042")
    assert {row.message.zapi_id for row in page.context["rows"]} == {"A"}
    other = page.context["other_reading"]
    assert str(other.label) == "Search numbers containing 1042 instead"
    assert found(viewer, "*1042*") == {"B"}
    assert other.url == "/?q=%2A1042%2A"


def test_masked_viewer_gets_no_link_to_a_part_of_a_number(masked_viewer, report, instance):
    report("SENT", id="A")
    label(instance, "A", label="Pedido nº 1042 saiu")
    assert masked_viewer.get("/?q=pedido+1042").context["other_reading"] is None
    assert not masked_viewer.get("/?q=maria+1042").context["anywhere_url"]


@pytest.mark.parametrize("text", ["1042 cancelado", "1 2"])
def test_label_without_one_of_the_words_is_not_found(viewer, report, instance, text):
    report("SENT", id="A")
    label(instance, "A", label="Pedido nº 1042 saiu")
    assert found(viewer, text) == set()


def test_reference_is_found_in_quotes(viewer, report, instance):
    report("SENT", id="A")
    label(instance, "A", reference="ORDER-17")
    assert found(viewer, "“ORDER-17”") == {"A"}


@pytest.mark.parametrize("text", ["3EB0C767", "3eb0c767d0", "3EB0C767D097…", '"id": "3EB0C767"'])
def test_message_is_found_by_the_beginning_of_its_id(viewer, report, text):
    report("SENT", id="3EB0C767D097E2E3A2F1")
    report("SENT", id="3EB0C768D097E2E3A2F1")
    assert found(viewer, text) == {"3EB0C767D097E2E3A2F1"}
    assert "message ids that start with this text" in viewer.get("/", {"q": text}).content.decode()


@pytest.mark.parametrize("end", ["9", "Z", "ZZZZZZZZ", "F", "z"])
def test_id_prefix_may_end_in_any_character(viewer, report, end):
    report("SENT", id=f"ABCDEF1{end}X1")
    report("SENT", id=f"ABCDEF1{end}")
    assert found(viewer, f"ABCDEF1{end}") == {f"ABCDEF1{end}", f"ABCDEF1{end}X1"}


def test_message_is_found_by_the_beginning_of_its_zaap_id(viewer, deliver):
    deliver("3EB0C767D097E2E3A2F1")  # its zaapId has a Z in front
    assert found(viewer, "Z3EB0C767") == {"3EB0C767D097E2E3A2F1"}


def test_id_prefix_with_too_many_matches_asks_for_more(viewer, report, monkeypatch):
    monkeypatch.setattr("messages.search.matches.MAX_MATCHES", 1)
    report("SENT", id="3EB0C767A")
    report("SENT", id="3EB0C767B")
    page = viewer.get("/", {"q": "3EB0C767"}).content.decode()
    assert (
        "Includes 1 message ids that start with this text. Type more of the id to get fewer "
        "results." in page
    )


def test_id_prefix_of_a_hidden_instance_finds_nothing(viewer, support, report, account):
    report("SENT", id="3EB0C767D097E2E3A2F1")
    other = Instance.objects.create(account=account, name="Other", zapi_id="other", token="t")
    UserLimit.objects.create(user=support, instance=other)
    assert found(viewer, "3EB0C767") == set()


def test_link_with_a_whatsapp_web_id_opens_the_message(viewer, report):
    message = report("SENT", id="3EB0C767D097E2E3A2F1")
    answer = viewer.get("/go/", {"message_id": "true_5544999999999@c.us_3EB0C767D097E2E3A2F1"})
    assert answer.url == f"/messages/{message.pk}/"


def test_search_by_accents_only_finds_no_label(viewer, report, instance):
    report("SENT", id="A")
    label(instance, "A", label="João")
    assert found(viewer, "\u0301\u0301\u0301") == set()


def test_zaap_id_finds_its_message(viewer, deliver):
    deliver("A")
    assert found(viewer, "ZA") == {"A"}


@pytest.mark.parametrize("text", ["9999-9999", "+5544", "4499"])
def test_masked_user_cannot_search_by_part_of_a_number(masked_viewer, tied, text):
    assert masked_viewer.get("/", {"q": text}).url == "/"


@pytest.mark.parametrize("text", [NUMBER, LID, "123456789012345"])
def test_masked_user_opens_a_number_under_an_encrypted_address(masked_viewer, tied, text):
    answer = masked_viewer.get("/", {"q": text})
    assert answer.url == f"/?recipient={encrypt_address(LID if text != NUMBER else NUMBER)}"


def test_masked_user_can_search_by_id(masked_viewer, tied):
    assert found(masked_viewer, "BOTH") == {"BOTH"}
