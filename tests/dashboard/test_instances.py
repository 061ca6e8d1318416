"""The instance pages, with a stand-in for Z-API behind them over real HTTP."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messages.access.roles import ADMIN, SUPERVISOR
from messages.instances.addresses import webhook_url
from messages.instances.push import push
from messages.models import Instance, WebhookState
from tests.stand_in import FOREIGN_URL, zapi

__all__ = ["zapi"]

LIST = reverse("dashboard:instances")
ADD = reverse("dashboard:instance-add")
NEW = {"name": "Loja", "zapi_id": "ABC", "token": "the-secret-token", "client_token": ""}
CALLBACK = {"type": "MessageStatusCallback", "status": "SENT", "ids": ["M"], "phone": "5544"}


class Browser(Client):
    """Over https, as PUBLIC_BASE_URL asks for; gives the page's text."""

    def read(self, path: str) -> str:
        return self.get(path, secure=True).content.decode()

    def send(self, path: str, data: dict[str, str] | None = None, action: str = "") -> str:
        answer = self.post(path, (data or {}) | {"action": action}, secure=True, follow=True)
        return answer.content.decode()


def signed_in(role: str) -> Browser:
    user = User.objects.create_user(role)
    user.groups.add(Group.objects.get(name=role))
    browser = Browser()
    browser.force_login(user)
    return browser


@pytest.fixture
def admin(db: None) -> Browser:
    return signed_in(ADMIN)


@pytest.fixture
def supervisor(db: None) -> Browser:
    return signed_in(SUPERVISOR)


@pytest.fixture
def path(instance: Instance) -> str:
    return reverse("dashboard:instance", args=[instance.pk])


def act(name: str, instance: Instance) -> str:
    return reverse(f"dashboard:instance-{name}", args=[instance.pk])


def test_an_empty_list_says_what_to_do(admin):
    assert "No WhatsApp number is connected yet" in admin.read(LIST)
    assert ADD in admin.read(LIST)


def test_who_may_not_add_is_told_whom_to_ask(supervisor):
    assert "Ask an administrator" in supervisor.read(LIST)
    assert ADD not in supervisor.read(LIST)


def test_the_list_tells_connection_webhook_and_last_callback(admin, instance, zapi, post):
    push(instance)
    post(CALLBACK)
    page = admin.read(LIST)
    for words in ("Atendimento", "Connected", "In sync", "just now"):
        assert words in page


def test_the_list_begins_with_the_worst(admin, instance):
    account = instance.account
    for name, connected in (("Fine", True), ("Lost", False)):
        Instance.objects.create(account=account, name=name, zapi_id=name, connected=connected)
    for one in Instance.objects.exclude(name="Atendimento"):
        one.webhooks.create(kind="message-status", state=WebhookState.IN_SYNC)
    page = admin.read(LIST)
    assert page.index("Lost") < page.index("Atendimento") < page.index("Fine")


def test_the_list_leaves_archived_instances_out(admin, instance):
    Instance.objects.update(archived_at=timezone.now())
    assert "Atendimento" not in admin.read(LIST)


def test_the_list_asks_the_same_number_of_times_for_many(
    admin, instance, django_assert_max_num_queries
):
    for number in range(5):
        Instance.objects.create(account=instance.account, name="N", zapi_id=f"Z{number}")
    with django_assert_max_num_queries(7):  # two of them for the list, the others for the session
        admin.read(LIST)


def test_save_and_push_connects_and_pushes(admin, zapi):
    page = admin.send(ADD, NEW, "push")
    instance = Instance.objects.get()
    assert "Saved and pushed" in page
    assert zapi.instances["ABC"].urls["message-status"] == webhook_url(instance)


def test_save_only_calls_nobody(admin, zapi):
    assert "Not pushed yet" in admin.send(ADD, NEW, "save")
    assert zapi.calls == []


def test_a_push_that_fails_still_saves_and_says_what_to_do(admin, zapi):
    zapi.answer_name = "client-token-null"
    page = admin.send(ADD, NEW, "push")
    assert "Saved, but not pushed." in page
    assert page.count("asks for a Client-Token") == 2  # once as the outcome, once in its step
    assert Instance.objects.count() == 1


def test_an_instance_id_that_is_there_is_an_error_of_its_field(admin, instance):
    page = admin.send(ADD, NEW | {"zapi_id": instance.zapi_id}, "save")
    assert "an instance with the id instance.id already" in page
    assert Instance.objects.count() == 1


@pytest.mark.parametrize("field", ["zapi_id", "token", "client_token"])
def test_a_space_inside_is_an_error_of_its_field(admin, field):
    assert "without spaces" in admin.send(ADD, NEW | {field: "a b"}, "save")


def test_pushing_without_https_is_an_error_that_says_how_to_set_it(admin, settings):
    settings.PUBLIC_BASE_URL = "http://board.example.com"
    assert "Set PUBLIC_BASE_URL=https://" in admin.send(ADD, NEW, "push")
    assert not Instance.objects.exists()


def test_without_a_public_address_the_push_buttons_are_off_and_say_why(admin, path, settings):
    settings.PUBLIC_BASE_URL = ""
    page = admin.read(path)
    assert page.count('disabled aria-describedby="why-off"') == 2
    assert page.count('id="why-off"') == 1
    assert settings.LOCAL_BASE_URL in page


def test_secrets_are_never_shown_not_even_to_who_may_change_them(admin, path, instance):
    instance.token = "0123456789abcdef4f2a"
    instance.save()
    page = admin.read(path)
    assert "•••• 4f2a" in page
    assert "0123456789" not in page
    assert "client-token-of" not in page


def test_a_secret_typed_is_not_sent_back_with_an_error(admin, path):
    page = admin.send(path, {"name": "", "token": "just-typed-in"}, "save")
    assert "This field is required" in page
    assert "just-typed-in" not in page


def test_a_blank_secret_keeps_the_one_stored(admin, path):
    admin.send(path, {"name": "New", "token": "", "client_token": ""}, "save")
    instance = Instance.objects.get()
    assert instance.name == "New"
    assert instance.token.reveal() == "token-of-the-instance"


def test_a_secret_is_replaced_and_pushed_with(admin, path, zapi):
    page = admin.send(path, {"name": "New", "client_token": "replaced"}, "push")
    assert "Saved and pushed" in page
    assert zapi.calls[0].headers["client-token"] == "replaced"


def test_a_shared_client_token_says_whose_it_is_too(admin, path, instance):
    Instance.objects.create(account=instance.account, name="Vendas", zapi_id="V")
    assert "Shared with Vendas: replacing it here" in admin.read(path)


def test_the_steps_are_all_done_after_the_first_callback(admin, path, instance, zapi, post):
    push(instance)
    post(CALLBACK)
    assert admin.read(path).count("progress-step done") == 4


def test_a_new_instance_has_only_been_saved(admin, path):
    assert admin.read(path).count("progress-step done") == 1


def test_a_url_set_by_hand_is_proved_by_its_first_callback(admin, path, post):
    post(CALLBACK)
    page = admin.read(path)
    assert "Z-API has reached this board" in page
    assert "Receive message status" in page


def test_a_url_set_by_hand_is_found_by_verifying(admin, path, instance, zapi):
    push(instance)
    instance.webhooks.update(pushed_url="", pushed_at=None)
    assert "set by hand" in admin.send(act("verify", instance))


def test_the_url_of_somebody_else_is_shown_beside_ours(admin, path, instance, zapi):
    push(instance)
    zapi.instances[instance.zapi_id].urls["message-status"] = FOREIGN_URL
    page = admin.send(act("verify", instance))
    assert FOREIGN_URL in page
    assert "progress-step failed" in page


def test_pushing_again_takes_the_url_back_and_keeps_the_other(admin, path, instance, zapi):
    push(instance)
    zapi.instances[instance.zapi_id].urls["message-status"] = FOREIGN_URL
    page = admin.send(act("push", instance))
    assert "Pushed: Z-API now calls this board." in page
    assert "What Z-API called before" in page


def test_a_passing_fault_says_when_it_is_tried_again(admin, path, instance, zapi):
    zapi.answer_name = "fault"
    assert "Tries again by itself at" in admin.send(act("push", instance))


def test_a_fault_while_verifying_is_a_fault_of_reading_back(admin, path, instance, zapi):
    push(instance)
    zapi.answer_name = "fault"
    page = admin.send(act("verify", instance))
    assert page.index("progress-step failed") > page.index("Pushed to Z-API")


def test_who_may_only_look_sees_the_steps_but_no_secret_url(supervisor, path, instance, zapi):
    push(instance)
    page = supervisor.read(path)
    assert "Z-API calls this URL" in page
    assert "/webhooks/zapi/" not in page
    assert "<form class=" not in page


@pytest.mark.parametrize("name", ["push", "verify"])
def test_who_may_only_look_cannot_act(supervisor, instance, path, zapi, name):
    assert supervisor.post(act(name, instance), secure=True).status_code == 403
    assert supervisor.post(path, {"name": "x"}, secure=True).status_code == 403
    assert zapi.calls == []


@pytest.mark.parametrize("name", ["push", "verify"])
def test_reading_never_acts(admin, instance, zapi, name):
    assert admin.get(act(name, instance), secure=True).status_code == 405
    assert zapi.calls == []


def test_an_unknown_instance_is_not_found(admin):
    path = reverse("dashboard:instance", args=[999])
    assert admin.get(path, secure=True).status_code == 404
