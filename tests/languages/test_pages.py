"""Pages in Brazilian Portuguese, with local time zone and date formats."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from django.utils import translation
from django.views.defaults import server_error

PORTUGUESE = {"accept-language": "pt-BR,pt;q=0.9,en;q=0.8"}


_NO_WHATSAPP = "Este número não tinha WhatsApp."


@pytest.fixture(autouse=True)
def _language_of_the_test():
    """Restore the language, because a request leaves its language active."""
    with translation.override(translation.get_language()):
        yield


def test_language_follows_the_browser(viewer, report):
    report("SENT", "RECEIVED")
    page = viewer.get("/", headers=PORTUGUESE).content.decode()
    assert '<html lang="pt-br"' in page
    for text in ("Mensagens", "Entregue", "Últimos 7 dias"):
        assert text in page


def test_language_menu_overrides_the_browser(viewer, report):
    report("SENT")
    viewer.post("/preferences/language/", {"language": "pt-br"})
    assert "Enviada" in viewer.get("/", headers={"accept-language": "en"}).content.decode()
    viewer.post("/preferences/language/", {"language": "en"})
    assert "Enviada" not in viewer.get("/", headers=PORTUGUESE).content.decode()


def test_european_portuguese_browser_gets_brazilian_portuguese(viewer):
    assert "Mensagens" in viewer.get("/", headers={"accept-language": "pt-PT"}).content.decode()


def test_summary_sentence_is_in_portuguese(viewer, report, settings):
    settings.DEFAULT_TIME_ZONE = "America/Sao_Paulo"
    message = report("SENT", "RECEIVED")
    delivered = datetime(2025, 11, 22, 12, 14, 3, tzinfo=UTC)
    message.events.filter(status="RECEIVED").update(occurred_at=delivered)
    url = reverse("dashboard:message", args=[message.pk])
    page = viewer.get(url, headers=PORTUGUESE).content.decode()
    assert "Entregue em 22 de nov. de 2025 às 09:14:03." in page
    assert "Sem confirmação de leitura." in page
    assert "São Paulo (UTC−3)" in page


@pytest.mark.parametrize(
    ("statuses", "words"),
    [
        (["SENT"], "Enviada"),
        (["RECEIVED"], "Entregue"),
        (["READ"], "Lida"),
        (["PLAYED"], "Ouvida"),
        (["TELEPORTED"], "TELEPORTED"),
    ],
)
def test_statuses_are_in_portuguese(statuses, words, viewer, report):
    report(*statuses)
    assert f">{words}</span>" in viewer.get("/", headers=PORTUGUESE).content.decode()


def test_dispatched_failed_and_read_by_us_are_in_portuguese(viewer, report, deliver):
    deliver("A1")
    deliver("A2", error="Phone number does not exist")
    report("READ_BY_ME", id="A3")
    page = viewer.get("/?inbound=1", headers=PORTUGUESE).content.decode()
    for words in (
        "Despachada",
        "Falhou",
        "Este número não tinha WhatsApp.",
        "Lida por nós",
    ):
        assert f">{words}</span>" in page


def test_group_counts_are_in_portuguese(viewer, report):
    group = {"phone": "120363019502650977-group", "isGroup": True}
    report("RECEIVED", "READ", participant="5511987654321", **group)
    message = report("RECEIVED", participant="5511987654322", **group)
    page = viewer.get(reverse("dashboard:message", args=[message.pk]), headers=PORTUGUESE)
    assert "Entregue a 2, lida por 1." in page.content.decode()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/account/login/", "Peça a um administrador"),
        ("/account/password/reset/", "Enviaremos um link"),
        ("/account/password/reset/key/x-y/", "Este link não é válido"),
        ("/nowhere/", "Página não encontrada"),
    ],
)
def test_pages_before_sign_in_are_in_portuguese(path, text, client, db):
    assert text in client.get(path, headers=PORTUGUESE, follow=True).content.decode()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/instances/", "Último callback"),
        ("/instances/add/", "Nome que a sua equipe usa"),
        ("/admin/whatsapp/message/", "Mensagens do WhatsApp"),
    ],
)
def test_admin_pages_are_in_portuguese(path, text, client, admin_user, instance):
    client.force_login(admin_user)
    assert text in client.get(path, headers=PORTUGUESE).content.decode()


def test_new_channel_defaults_to_the_users_language(client, admin_user):
    client.force_login(admin_user)
    page = client.get("/attention/channels/add/", headers=PORTUGUESE).content.decode()
    assert '<option value="pt-br" selected>' in page


def test_500_page_is_in_the_language_of_the_request(rf):
    with translation.override("pt-br"):
        assert "Algo deu errado" in server_error(rf.get("/")).content.decode()
