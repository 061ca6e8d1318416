"""Inviting people, and changing what they may do."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from messages.models import Action, AuditEvent, Instance, UserLimit
from tests.mails import sent_mails
from tests.plugins.accounts import PASSWORD, enrol, is_signed_in, sign_in
from tests.plugins.pages import HttpsClient

INVITE = "/people/invite/"
NEW = {"username": "bia", "email": "bia@example.com", "role": "Supervisor"}
CHOSEN = {"new_password1": "a-new-long-one", "new_password2": "a-new-long-one"}


def link_in(text: str) -> str:
    found = re.search(r"https://board\.example\.com(/invitation/[\w-]+/[\w-]+/)", text)
    assert found
    return found[1]


def choose_password(link: str) -> Any:
    """Open the link in a new browser and choose a password, as the invited user does."""
    browser = HttpsClient()
    page = browser.get(link, follow=True)
    path = page.redirect_chain[-1][0] if page.redirect_chain else link
    return browser.post(path, CHOSEN)


def person_page(user: User, action: str = "") -> str:
    return f"/people/{user.pk}/{action}"


def test_invited_user_chooses_a_password_and_can_sign_in(boss_client):
    page = boss_client.post(INVITE, NEW)
    choose_password(link_in(page.text))
    browser = HttpsClient()
    sign_in(browser, "bia", CHOSEN["new_password1"])
    assert is_signed_in(browser)
    assert User.objects.get(username="bia").has_perm("whatsapp.export_message")


@pytest.mark.parametrize(
    ("masked", "words"),
    [
        ((), "Overview and open problems. Sees full phone numbers."),
        (("support",), "Overview and open problems. Sees only masked phone numbers."),
        (("supervisor",), "Sees masked phone numbers, and can reveal one by giving a reason."),
    ],
)
def test_invitation_says_whether_a_role_sees_full_numbers(boss_client, settings, masked, words):
    settings.MASK_PHONES_FOR = masked
    assert words in boss_client.get(INVITE).text


def test_accepted_invitation_opens_sign_in_with_the_name_filled_in(boss_client):
    link = link_in(boss_client.post(INVITE, NEW).text)
    browser = HttpsClient()
    path = browser.get(link, follow=True).redirect_chain[-1][0]
    page = browser.post(path, CHOSEN, follow=True)
    assert "Password saved. You can sign in now." in page.text
    assert page.context["form"]["login"].value() == "bia"


def test_weak_password_error_is_at_the_first_field(boss_client):
    link = link_in(boss_client.post(INVITE, NEW).text)
    browser = HttpsClient()
    path = browser.get(link, follow=True).redirect_chain[-1][0]
    page = browser.post(path, {"new_password1": "1234", "new_password2": "1234"})
    assert set(page.context["form"].errors) == {"new_password1"}


def test_accepted_invitation_is_audited(boss_client):
    choose_password(link_in(boss_client.post(INVITE, NEW).text))
    event = AuditEvent.objects.get(action=Action.USER_CHANGED)
    told = {"user": "bia", "password": "new", "invitation": "accepted"}
    assert event.details == told


def test_invitation_link_is_sent_by_email(boss_client):
    page = boss_client.post(INVITE, NEW)
    sent = sent_mails()[0]
    assert sent.to == ["bia@example.com"]
    assert link_in(str(sent.body)) == link_in(page.text)


def test_invitation_without_an_email_address_only_shows_the_link(boss_client):
    page = boss_client.post(INVITE, NEW | {"email": ""})
    assert link_in(page.text)
    assert not sent_mails()


def test_invitation_without_a_mail_server_shows_the_link_and_a_warning(boss_client, settings):
    settings.EMAIL_SERVER_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page = boss_client.post(INVITE, NEW)
    assert "E-mail is not configured" in page.text
    assert link_in(page.text)


def test_invitation_link_works_once(boss_client):
    link = link_in(boss_client.post(INVITE, NEW).text)
    choose_password(link)
    assert "not valid" in HttpsClient().get(link).text


def test_invitation_link_expires(boss_client, settings):
    link = link_in(boss_client.post(INVITE, NEW).text)
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "not valid" in HttpsClient().get(link).text


def test_new_invitation_link_invalidates_the_previous_one(boss_client):
    first = link_in(boss_client.post(INVITE, NEW).text)
    user = User.objects.get(username="bia")
    second = link_in(boss_client.post(person_page(user, "link/")).text)
    assert "not valid" in HttpsClient().get(first).text
    assert choose_password(second).status_code == 302


def test_password_reset_token_does_not_open_an_invitation(boss_client, ana):
    HttpsClient().post(reverse("account_reset_password"), {"email": "ana@example.com"})
    key = str(sent_mails()[0].body).partition("/key/")[2].partition("/")[0].partition("-")[2]
    link = link_in(boss_client.post(INVITE, NEW).text)
    forged = link.replace(link.split("/")[-2], key)
    assert "not valid" in HttpsClient().get(forged).text


def test_invitation_token_is_removed_from_the_url(boss_client):
    link = link_in(boss_client.post(INVITE, NEW).text)
    assert HttpsClient().get(link).headers["Location"].endswith("/choose-password/")


def test_invitation_is_audited_without_its_link(boss_client):
    page = boss_client.post(INVITE, NEW)
    event = AuditEvent.objects.get(action=Action.INVITED)
    assert (event.actor_name, event.details["user"]) == ("boss", "bia")
    assert link_in(page.text).split("/")[-2] not in str(event.details)


@pytest.mark.parametrize(
    "fields", [{"username": "BOSS"}, {"email": "Boss@example.com"}, {"username": "a\nb"}]
)
def test_invitation_with_invalid_or_existing_name_or_email_is_refused(boss_client, fields):
    page = boss_client.post(INVITE, NEW | fields)
    assert page.status_code == 200
    assert User.objects.count() == 1


def test_invitation_limits_are_stored_for_the_user(boss_client, instance, account):
    Instance.objects.create(account=account, name="Other", zapi_id="other")
    boss_client.post(INVITE, NEW | {"instances": [instance.pk]})
    browser = HttpsClient()
    browser.force_login(User.objects.get(username="bia"))
    assert UserLimit.objects.get().instance == instance


def test_role_change_is_saved_and_audited(boss_client, ana):
    boss_client.post(person_page(ana), {"role": "Supervisor"})
    assert list(ana.groups.values_list("name", flat=True)) == ["Supervisor"]
    event = AuditEvent.objects.get(action=Action.USER_CHANGED)
    assert event.details["role"] == "Supervisor"


def test_admin_cannot_be_limited(boss_client, ana, instance):
    page = boss_client.post(person_page(ana), {"role": "Admin", "instances": [instance.pk]})
    assert "Admins see everything" in page.text


def test_last_admin_cannot_lose_the_role(boss_client, boss):
    page = boss_client.post(person_page(boss), {"role": "Support"})
    assert "You cannot remove the last admin" in page.text
    assert list(boss.groups.values_list("name", flat=True)) == ["Admin"]


def test_one_of_two_admins_can_give_up_the_role(boss_client, boss, new_person):
    new_person("second", "Admin")
    boss_client.post(person_page(boss), {"role": "Support"})
    assert list(boss.groups.values_list("name", flat=True)) == ["Support"]


def test_admin_cannot_deactivate_own_account(boss_client, boss, new_person):
    new_person("second", "Admin")
    boss_client.post(person_page(boss, "activity/"), {"active": "off"})
    boss.refresh_from_db()
    assert boss.is_active


def test_deactivated_user_is_signed_out(boss_client, client, ana):
    sign_in(client)
    boss_client.post(person_page(ana, "activity/"), {"active": "off"})
    assert not is_signed_in(client)


def test_reactivated_user_can_sign_in(boss_client, client, new_person):
    off = new_person("off", is_active=False)
    boss_client.post(person_page(off, "activity/"), {"active": "on"})
    sign_in(client, "off")
    assert is_signed_in(client)


def test_two_factor_reset_keeps_the_password(boss_client, client, ana):
    enrol(ana)
    boss_client.post(person_page(ana, "reset-two-factor/"))
    sign_in(client, password=PASSWORD)
    assert is_signed_in(client)
    details = AuditEvent.objects.get(action=Action.TWO_FACTOR_CHANGED).details
    assert details == {"user": "ana", "reset": True}


@pytest.mark.parametrize("action", ["", "activity/", "reset-two-factor/", "link/"])
def test_admin_cannot_change_a_superuser(boss_client, admin_user, action):
    data = {"role": "Support", "active": "off"}
    assert boss_client.post(person_page(admin_user, action), data).status_code == 403


def test_limited_admin_cannot_open_people(boss_client, boss, instance):
    UserLimit.objects.create(user=boss, instance=instance)
    assert boss_client.get("/people/").status_code == 403


def test_people_list_shows_role_limits_and_second_factor(boss_client, boss, ana, instance):
    UserLimit.objects.create(user=ana, instance=instance)
    enrol(boss)
    rows = {row.user.username: row for row in boss_client.get("/people/").context["rows"]}
    assert (rows["ana"].role, rows["ana"].limits) == ("Support", ["Atendimento"])
    assert (rows["boss"].has_factor, rows["ana"].has_factor) == (True, False)


def test_people_list_query_count_is_fixed(
    boss_client, new_person, instance, django_assert_num_queries
):
    boss_client.get("/people/")
    for number in range(10):
        UserLimit.objects.create(user=new_person(f"p{number}"), instance=instance)
    with django_assert_num_queries(8):
        boss_client.get("/people/")


def test_only_a_superuser_changes_people_in_django_admin(client, boss):
    boss.is_staff = True
    boss.save()
    client.force_login(boss)
    assert client.get(f"/admin/auth/user/{boss.pk}/change/").status_code == 403
