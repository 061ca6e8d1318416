"""The audit log: filters, pages, export."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from messages.accounts.audit import audit
from messages.accounts.roles import ADMIN, SUPERVISOR
from messages.models import Account, Action, AuditEvent, Instance, UserLimit
from tests.plugins.pages import HttpsClient

PAGE = reverse("dashboard:audit")
EXPORT = reverse("dashboard:audit-export")


@pytest.fixture
def admin(db):
    user = User.objects.create_user("chief")
    user.groups.add(Group.objects.get(name=ADMIN))
    client = HttpsClient()
    client.force_login(user)
    return client


@pytest.fixture
def ana(db):
    return User.objects.create_user("ana")


def shown(answer) -> list[str]:
    return [row.event.action for row in answer.context["rows"]]


def exported(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_page_is_for_admins_only(client, ana):
    ana.groups.add(Group.objects.get(name=SUPERVISOR))
    client.force_login(ana)
    assert client.get(PAGE).status_code == 403
    assert client.post(EXPORT).status_code == 403


def test_page_shows_who_did_what_and_where(admin, ana, instance):
    audit(ana, Action.INSTANCE_CHANGED, about=instance, details={"fields": ["name", "token"]})
    page = admin.get(PAGE).content.decode()
    for words in ("ana", "Changed an instance", "Atendimento", "fields: name, token"):
        assert words in page


def test_user_name_with_digits_is_shown_whole(admin, ana):
    audit(ana, Action.USER_CHANGED, details={"user": "maria19871234", "reason": "5544999999999"})
    page = admin.get(PAGE).content.decode()
    assert "maria19871234" in page
    assert "5544999999999" not in page


@pytest.mark.parametrize(
    "details",
    [{"user": ""}, {"limits": 0}, {"accounts": [], "instances": []}, {"page": None}],
    ids=str,
)
def test_details_without_a_value_are_not_shown(admin, details):
    audit(None, Action.USER_CHANGED, details=details)
    assert admin.get(PAGE).context["rows"][0].details == []


def test_changed_periods_are_shown_in_words(admin):
    audit(None, Action.RETENTION_CHANGED, details={"before": {}, "after": {"bodies": 90}})
    page = admin.get(PAGE).content.decode()
    assert "new values: raw callback bodies 90" in page
    assert "previous values" not in page


def test_empty_log_explains_itself(admin):
    assert "No results" in admin.get(PAGE, {"action": "purged"}).content.decode()


@pytest.mark.parametrize(
    "query",
    [{"who": "an"}, {"action": "exported"}, {"who": "ANA", "action": "exported", "period": "24h"}],
)
def test_filters_limit_the_list(admin, ana, query):
    audit(ana, Action.EXPORTED)
    audit(None, Action.PURGED)
    assert shown(admin.get(PAGE, query)) == ["exported"]


def test_instance_filter_limits_the_list(admin, instance):
    audit(None, Action.EXPORTED)
    audit(None, Action.REPLAYED, about=instance)
    assert shown(admin.get(PAGE, {"instance": instance.pk})) == ["replayed"]


def test_invalid_filters_are_ignored(admin):
    audit(None, Action.PURGED)
    nonsense = {"action": "x", "instance": "999", "period": "y", "older": "z"}
    assert "purged" in shown(admin.get(PAGE, nonsense))


def test_pagination_has_no_gaps(admin):
    AuditEvent.objects.bulk_create(
        AuditEvent(action=Action.EXPORTED, actor_name="bot", details={"n": n}) for n in range(120)
    )
    seen, path = [], f"{PAGE}?who=bot"
    while path:
        answer = admin.get(path)
        seen += [row.event.details["n"] for row in answer.context["rows"]]
        older = answer.context["older_url"]
        path = older and PAGE + older
    assert seen == list(range(119, -1, -1))


def test_query_count_does_not_depend_on_events(admin, instance, django_assert_num_queries):
    AuditEvent.objects.bulk_create(
        AuditEvent(action=Action.EXPORTED, instance=instance) for _ in range(60)
    )
    admin.get(PAGE)
    # Two queries for the list and its instances, five for the user
    with django_assert_num_queries(7):
        admin.get(PAGE)


def test_limited_admin_sees_only_own_events(admin, instance):
    other = Instance.objects.create(
        account=Account.objects.create(name="Other"), name="Other", zapi_id="O"
    )
    audit(None, Action.REPLAYED, about=other)
    audit(None, Action.DISCARDED, about=instance)
    chief = User.objects.get(username="chief")
    UserLimit.objects.create(user=chief, account=instance.account)
    assert shown(admin.get(PAGE)) == ["discarded"]
    assert [row["action"] for row in exported(admin.post(EXPORT))] == ["discarded"]
    assert "Other" not in admin.get(PAGE).content.decode()


def test_export_contains_filtered_events(admin, ana):
    audit(ana, Action.EXPORTED, details={"rows": 3})
    audit(None, Action.PURGED)
    rows = exported(admin.post(f"{EXPORT}?who=ana"))
    assert [(row["who"], row["action"], row["details"]) for row in rows] == [
        ("ana", "exported", "rows: 3")
    ]


def test_export_is_audited(admin):
    admin.post(f"{EXPORT}?who=ana")
    event = AuditEvent.objects.get(action=Action.AUDIT_EXPORTED)
    assert (event.actor_name, event.details) == ("chief", {"who": "ana"})


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x"])
def test_export_escapes_formulas(admin, name):
    audit(User.objects.create_user(name), Action.EXPORTED)
    rows = exported(admin.post(f"{EXPORT}?action=exported"))
    assert rows[0]["who"] == f"'{name}"


def test_period_filter_counts_from_now(admin, db):
    audit(None, Action.PURGED)
    with pytest.MonkeyPatch.context() as later:
        later.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(days=2))
        assert shown(admin.get(PAGE, {"period": "24h", "action": "purged"})) == []
        assert shown(admin.get(PAGE, {"period": "7d", "action": "purged"})) == ["purged"]


@pytest.mark.parametrize("typed", ["+55 (44) 99999-9999", "554499999999"])
def test_person_filter_keeps_numbers_out_of_urls(admin, ana, typed):
    audit(ana, Action.PHONE_REVEALED, recipient="5544999999999")
    audit(ana, Action.PHONE_LOOKED_UP, recipient="554499999999")
    audit(ana, Action.PERSON_FOUND, recipient="5511912345678")
    answer = admin.post(reverse("dashboard:audit-person"), {"number": typed})
    assert "9999" not in answer.url
    assert shown(admin.get(answer.url)) == ["phone looked up", "phone revealed"]


def test_partial_number_is_an_error(admin):
    answer = admin.post(reverse("dashboard:audit-person"), {"number": "9999"}, follow=True)
    assert "Enter a full number" in answer.content.decode()


def test_long_list_of_details_is_collapsed(admin):
    names = [f"whatsapp.permission_{n}" for n in range(200)]
    audit(None, Action.USER_CHANGED, details={"user": "ana", "permissions": names})
    text = admin.get(PAGE).text
    shown, _, rest = text.partition("<details><summary>")
    assert "permissions: 200 (whatsapp.permission_0, whatsapp.permission_1" in shown
    assert "whatsapp.permission_199" not in shown
    assert "whatsapp.permission_199" in rest


def test_details_are_shown_in_words(admin):
    audit(None, Action.USER_CHANGED, details={"superuser": True, "active": False, "odd": 1})
    text = " ".join(admin.get(PAGE).text.split())
    for words in ("superuser: yes", "active: no", "odd: 1"):
        assert words in text
