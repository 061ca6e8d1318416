"""Pasted ids and tokens in forms, files and commands."""

from base64 import b64encode

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from messages.accounts.roles import ADMIN
from messages.instances.bulk_import import ImportRow, preview, read_csv, read_partner_list
from messages.models import BatchRow, Instance
from messages.simulator.gateway import SimulatedInstance
from tests.dashboard.test_instances import ADD, Browser, signed_in, work


@pytest.fixture
def admin(db):
    return signed_in(ADMIN)


pytestmark = pytest.mark.django_db

ID = "3C0D1E2F3A4B5C6D7E8F9A0B1C2D3E4F"
TOKEN = "A1B2C3D4E5F60718293A4B5C"
CLIENT_TOKEN = "Fa1b2c3d4e5f60718293a4b5c6d7e8f90S"
OTHER = "3C0D000000000000000000000000AAAA"
URL = f"https://api.z-api.io/instances/{ID}/token/{TOKEN}/send-text"
URLS = [
    URL,
    URL.removesuffix("/send-text"),
    URL.removeprefix("https://"),
    URL.upper(),
    f"{URL}?a=b#c",
    f"  <{URL}>\n",
    f"curl -X POST '{URL}' -H 'Client-Token: {CLIENT_TOKEN}'",
    f"/instances/{ID}/token/{TOKEN}",
    f"{ID}/token/{TOKEN}/",
]
NO_IDS = [
    *(
        "3,90E+31",
        "3.90E+31",
        "3E31",
        "3C0AAAA/",
        "3C0A AAA",
        '3C0A"AAA',
        "3C0A\u0000AAA",
        "3C0A\tB",
    ),
    *("3C0A\r\nAAA", "3C0Á", "３C0A", "A" * 129, "A" * 9000, "..", "#", "{id}", "id: 3C0AAAA"),
    *("https://app.z-api.io/instances", "https://z-api.io/?id=3C0A", TOKEN, CLIENT_TOKEN, "x@y.z"),
    *("api.z-api.io", ".3C0A", "3C0A.", "3C0A..1"),
]
NO_TOKENS = [
    *(
        "A1B2 C3D4",
        "A1B2\r\nC3D4",
        "A1B2\nX-Evil: 1",
        "A1B2\u00a0C3",
        "A1Bé",
        "A1B2\u0000",
        '{"a":"b"}',
    ),
    *(
        "https://api.z-api.io",
        "//x/y",
        "token=A1B2",
        "A" * 501,
        "Client-Token: A1B2",
        "A1B2\u2028C3",
    ),
]
NOISE = [
    " {} ",
    "\n{}\r\n",
    '"{}"',
    "“{}”",
    "'{}',",
    "\ufeff{}",
    "\u200b{}\u200b",
    "\u00a0{}",
    "\u202a{}\u202c",
]


def add(admin: Browser, **given: str) -> str:
    """Submit the form and return the next page."""
    page = admin.send(ADD, {"name": "Loja", "token": TOKEN} | given, "push")
    work()
    return page


def stored() -> tuple[str, str]:
    instance = Instance.objects.get()
    return instance.zapi_id, instance.token.reveal()


def row(text: str) -> BatchRow:
    """The only row of the preview of a file."""
    return preview(read_csv(text.encode()), visible=Instance.objects.all()).rows.get()


@pytest.mark.parametrize("url", URLS)
def test_form_extracts_id_and_token_from_a_url_in_the_id_field(admin, zapi, url):
    page = add(admin, zapi_id=url, token="")
    assert [one.lower() for one in stored()] == [ID.lower(), TOKEN.lower()]
    assert TOKEN not in page


def test_form_extracts_id_and_token_from_a_url_in_the_token_field(admin, zapi):
    add(admin, zapi_id="", token=URL)
    assert stored() == (ID, TOKEN)


def test_form_refuses_a_url_of_another_instance(admin, zapi):
    assert "another instance id" in add(admin, zapi_id=OTHER, token=URL)
    assert "another token" in add(admin, zapi_id=URL, token="other-token")
    assert not Instance.objects.exists()
    assert zapi.calls == []


def test_form_with_errors_shows_only_the_id_of_a_pasted_url(admin):
    page = add(admin, name="", zapi_id=URL)
    assert f'value="{ID}"' in page
    assert TOKEN not in page


def test_form_accepts_the_instance_id_of_zapis_documentation(admin, zapi):
    add(admin, zapi_id="instance.id", token=TOKEN)
    assert stored() == ("instance.id", TOKEN)


@pytest.mark.parametrize("zapi_id", NO_IDS)
def test_form_shows_an_invalid_id_as_a_field_error(admin, zapi, zapi_id):
    page = add(admin, zapi_id=zapi_id)
    assert 'id="id_zapi_id_error"' in page
    assert not Instance.objects.exists()
    assert zapi.calls == []


@pytest.mark.parametrize("field", ["token", "client_token"])
@pytest.mark.parametrize("text", NO_TOKENS)
def test_form_shows_an_invalid_token_as_a_field_error(admin, zapi, field, text):
    page = add(admin, zapi_id=ID, **{field: text})
    assert f'id="id_{field}_error"' in page
    assert not Instance.objects.exists()
    assert zapi.calls == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"token": CLIENT_TOKEN, "client_token": TOKEN}, "Enter it in the Client-Token field"),
        ({"client_token": TOKEN}, "Enter it in the Token field"),
        ({"token": "other", "client_token": "other"}, "Enter it in the Token field"),
        ({"token": ID}, "This is an instance id"),
        ({"client_token": ID}, "This is an instance id"),
        ({"client_token": URL}, "This is a URL"),
        ({"name": f"{ID}/token/{TOKEN}"}, "The name must not contain a token"),
    ],
)
def test_form_explains_a_credential_in_the_wrong_field(admin, zapi, given, words):
    assert words in add(admin, **{"zapi_id": ID} | given)
    assert not zapi.calls


@pytest.mark.parametrize("noise", NOISE)
def test_form_strips_quotes_and_invisible_characters(admin, zapi, noise):
    add(
        admin,
        zapi_id=noise.format(ID),
        token=noise.format(TOKEN),
        client_token=noise.format(CLIENT_TOKEN),
    )
    assert stored() == (ID, TOKEN)
    assert zapi.calls[0].headers["client-token"] == CLIENT_TOKEN


def test_new_token_can_be_pasted_as_the_instances_url(admin, instance):
    Instance.objects.update(zapi_id=ID)
    where = reverse("dashboard:instance", args=[instance.pk])
    assert "another instance id" in admin.send(
        where, {"name": "L", "token": URL.replace(ID, OTHER)}
    )
    admin.send(where, {"name": "L", "token": URL})
    assert stored() == (ID, TOKEN)


def test_file_with_a_url_as_id_gives_id_and_token():
    found = row(f"name;id\nLoja;{URL}\n")
    assert (found.plan, found.zapi_id, found.token.reveal()) == ("add", ID, TOKEN)


@pytest.mark.parametrize(
    "zapi_id", ["3,90E+31", "3C0AAAA/", "3C0A AAA", f"{OTHER}/token/", CLIENT_TOKEN]
)
def test_file_row_with_an_invalid_id_is_refused(zapi_id):
    found = row(f"name;id;token\nLoja;{zapi_id};T\n")
    assert found.plan == "refuse"
    assert found.problem_text


def test_file_in_utf_16_is_imported():
    content = f"name\tid\ttoken\r\nLoja São\t{ID}\t{TOKEN}\r\n".encode("utf-16")
    found = preview(read_csv(content), visible=[]).rows.get()
    assert (found.plan, found.name, found.zapi_id) == ("add", "Loja São", ID)


def test_file_rows_are_numbered_as_in_a_spreadsheet():
    content = f'id;name;token\n\n{ID};"Two\nlines";T\n\n{OTHER};B;T\n'.encode()
    rows = preview(read_csv(content), visible=[]).rows
    assert list(rows.values_list("number", flat=True)) == [3, 5]


def test_refused_file_row_contains_no_token(admin):
    batch = preview(
        [ImportRow(name=f"Loja {URL}", zapi_id=f"x:{URL} /token/SECRET-1", token="a b")],
        visible=[],
    )
    row = batch.rows.get()
    assert TOKEN not in f"{row.name}{row.zapi_id}"
    assert "SECRET-1" not in row.zapi_id


def test_partner_list_row_with_an_invalid_id_is_refused(zapi):
    zapi.instances["3C0AAAA/"] = SimulatedInstance("3C0AAAA/", "token")
    rows = preview(read_partner_list("the-partner-token"), visible=[]).rows
    assert rows.get().plan == "refuse"


def test_command_extracts_id_and_token_from_a_url():
    call_command("instances", "add", "--name", "Loja", "--zapi-id", URL, "--no-push")
    assert stored() == (ID, TOKEN)


def test_command_refuses_an_invalid_id():
    with pytest.raises(CommandError, match="An instance id has"):
        call_command(
            *("instances", "add", "--name", "L", "--zapi-id", "3C0AAAA/", "--token", "T"),
        )


def test_command_refuses_an_invalid_token(instance):
    with pytest.raises(CommandError, match="without spaces"):
        call_command("instances", "rotate", instance.zapi_id, "--token", "a b")


@pytest.fixture
def url_as_id(instance: Instance) -> Instance:
    """An instance with a URL as its id, which older versions accepted."""
    Instance.objects.update(zapi_id=URL)
    instance.refresh_from_db()
    return instance


def test_pages_hide_the_token_of_a_url_stored_as_id(admin, url_as_id, zapi):
    pages = [reverse("dashboard:instances"), reverse("dashboard:instance", args=[url_as_id.pk])]
    work()
    in_a_webhooks_url = b64encode(URL.encode()).decode()[100:120]
    for path in (*pages, reverse("dashboard:messages"), reverse("dashboard:overview")):
        page = admin.read(path)
        assert TOKEN not in page
        assert in_a_webhooks_url not in page
    assert "Delete this instance and connect it again" in admin.read(pages[1])


def test_command_hides_the_token_of_a_url_stored_as_id(url_as_id, capsys):
    call_command("instances", "list", "--json")
    assert TOKEN not in capsys.readouterr().out


def test_instance_with_a_url_as_id_is_not_pushed(admin, url_as_id, zapi):
    admin.send(reverse("dashboard:instance-push", args=[url_as_id.pk]))
    work()
    assert zapi.calls == []


def test_instance_with_a_url_as_id_can_be_deleted(admin, url_as_id):
    admin.insist(reverse("dashboard:instance-delete", args=[url_as_id.pk]))
    assert not Instance.objects.exists()
