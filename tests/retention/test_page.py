"""The retention page."""

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from messages.accounts.roles import ADMIN
from messages.models import Action, AuditEvent, Message, Retention, UserLimit
from tests.plugins.pages import HttpsClient
from tests.retention.test_purge import READ, age

PAGE = reverse("dashboard:retention")


@pytest.fixture
def admin(db):
    user = User.objects.create_user("chief")
    user.groups.add(Group.objects.get(name=ADMIN))
    client = HttpsClient()
    client.force_login(user)
    return client


def test_default_is_to_keep_everything(admin):
    assert admin.get(PAGE).content.decode().count("Kept forever") == 6


def test_periods_are_saved_and_audited(admin):
    page = admin.post(PAGE, {"messages": 730, "bodies": 90, "action": "save"}, follow=True)
    assert "Saved." in page.content.decode()
    assert dict(Retention.objects.values_list("kind", "days")) == {"messages": 730, "bodies": 90}
    event = AuditEvent.objects.get(action=Action.RETENTION_CHANGED)
    assert event.details == {"before": {}, "after": {"bodies": 90, "messages": 730}}


def test_unchanged_periods_are_not_audited(admin):
    for _ in range(2):
        admin.post(PAGE, {"bodies": 90, "action": "save"})
    assert AuditEvent.objects.filter(action=Action.RETENTION_CHANGED).count() == 1


def test_blank_period_keeps_forever(admin):
    admin.post(PAGE, {"bodies": 90, "action": "save"})
    admin.post(PAGE, {"bodies": "", "action": "save"})
    assert not Retention.objects.exists()


def test_preview_shows_counts_and_saves_nothing(admin, post):
    post(READ)
    age(100)
    answer = admin.post(PAGE, {"messages": 90, "bodies": 90, "action": "preview"})
    deletable = {
        row.kind.value: row.deletable.number for row in answer.context["rows"] if row.deletable
    }
    assert deletable == {"messages": 1, "bodies": 1}
    assert not Retention.objects.exists()
    assert Message.objects.exists()


def test_preview_with_days_only_for_messages_shows_no_error(admin, post):
    post(READ)
    age(100)
    page = admin.post(PAGE, {"messages": 90, "action": "preview"})
    text = page.content.decode()
    assert "errorlist" not in text
    assert "Nothing is saved yet." in text
    assert "To save, enter days here, too." in text
    assert [row.deletable.number for row in page.context["rows"] if row.deletable] == [1]


def test_preview_of_too_few_days_is_an_error_of_its_field(admin):
    page = admin.post(PAGE, {"messages": 1, "action": "preview"}).content.decode()
    assert "The minimum is 40 days." in page


@pytest.mark.parametrize(
    ("entered", "words"),
    [
        ({"messages": 1, "bodies": 1}, "The minimum is 40 days."),
        ({"messages": 90}, "Raw bodies cannot be kept longer than messages"),
        ({"bodies": "x"}, "Enter a whole number."),
    ],
)
def test_invalid_period_is_an_error_of_its_field(admin, entered, words):
    assert words in admin.post(PAGE, entered | {"action": "save"}).content.decode()
    assert not Retention.objects.exists()


def test_limited_user_has_no_access(admin, instance):
    UserLimit.objects.create(user=User.objects.get(), account=instance.account)
    assert admin.get(PAGE).status_code == 403
