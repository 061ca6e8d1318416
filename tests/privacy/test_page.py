"""The page of a person's data."""

import io
import zipfile

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from messages.accounts.roles import ADMIN
from messages.exports import prepare_exports
from messages.models import Action, AuditEvent, Erasure, Message, UserLimit
from messages.privacy import continue_erasures
from tests.plugins.pages import HttpsClient

PAGE, EXPORT, ERASE = (
    reverse(f"dashboard:{name}") for name in ("privacy", "privacy-export", "privacy-erase")
)
PHONE = "5544999999999"
READ = {"type": "MessageStatusCallback", "status": "READ", "ids": ["M"], "phone": PHONE}


@pytest.fixture
def admin(db):
    user = User.objects.create_user("chief")
    user.groups.add(Group.objects.get(name=ADMIN))
    client = HttpsClient()
    client.force_login(user)
    return client


def test_person_is_found_in_any_format(admin, post):
    post(READ)
    found = admin.post(PAGE, {"person": "+55 44 9999-9999"}).context["found"]
    assert (found.counts["messages"], found.counts["callbacks"]) == (1, 1)
    assert AuditEvent.objects.filter(action=Action.PERSON_FOUND).count() == 1


def test_invalid_person_is_an_error(admin):
    page = admin.post(PAGE, {"person": "99"}).content.decode()
    assert "Enter a full number with country code" in page
    assert "Erase permanently" not in page


def test_export_file_name_contains_no_number(admin, post):
    post(READ)
    address = admin.post(EXPORT, {"person": PHONE})["Location"]
    prepare_exports()
    assert AuditEvent.objects.get(action=Action.PERSON_EXPORTED).actor_name == "chief"
    answer = admin.get(f"{address}file/")
    downloaded = AuditEvent.objects.latest("pk")
    assert (downloaded.action, downloaded.details["downloaded"]) == ("person exported", True)
    assert PHONE not in f"{address}{answer.headers['Content-Disposition']}"
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        assert "messages.json" in archive.namelist()


def test_erasing_needs_the_number_again(admin, post):
    post(READ)
    page = admin.post(ERASE, {"person": PHONE, "confirmation": "5511988887777"}).content.decode()
    assert "This is not the same number or LID." in page
    assert not Erasure.objects.exists()


def test_confirmed_erasure_is_done_by_the_worker(admin, post):
    post(READ)
    page = admin.post(ERASE, {"person": PHONE, "confirmation": "+55 44 99999-9999"}, follow=True)
    assert "In progress" in page.content.decode()
    continue_erasures()
    page = admin.get(PAGE).content.decode()
    assert "Done" in page
    assert PHONE not in page
    assert not Message.objects.exists()


def test_unreadable_spool_is_mentioned(admin, spool_path):
    spool_path.parent.mkdir()
    spool_path.write_bytes(b"something else altogether" * 400)
    words = "offline buffer cannot be read now"
    assert words in admin.post(PAGE, {"person": PHONE}).content.decode()
    address = admin.post(EXPORT, {"person": PHONE})["Location"]
    prepare_exports()
    assert "The export failed" in admin.get(address).text
    admin.post(ERASE, {"person": PHONE, "confirmation": PHONE})
    continue_erasures()
    assert "Done, except the offline buffer" in admin.get(PAGE).content.decode()


@pytest.mark.parametrize("path", [PAGE, EXPORT, ERASE])
def test_limited_user_has_no_access(admin, post, instance, path):
    post(READ)
    UserLimit.objects.create(user=User.objects.get(), account=instance.account)
    answer = admin.post(path, {"person": PHONE, "confirmation": PHONE})
    assert answer.status_code == 403
    assert Message.objects.exists()
