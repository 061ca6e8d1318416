"""/labels/: labels brought as a CSV file."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from messages.accounts.roles import SUPERVISOR
from messages.models import Action, AuditEvent, Instance, Label, UserLimit

PATH = reverse("dashboard:labels")
HEAD = "zapi_instance_id;message_id;reference;label\n"

pytestmark = pytest.mark.usefixtures("instance")


@pytest.fixture
def supervisor(client, db):
    user = User.objects.create_user("rui")
    user.groups.add(Group.objects.get(name=SUPERVISOR))
    client.force_login(user)
    return client


def upload(client, text):
    file = SimpleUploadedFile("labels.csv", text.encode(), "text/csv")
    return client.post(PATH, {"file": file}, follow=True).content.decode()


def test_each_row_labels_a_message(supervisor):
    page = upload(supervisor, f"{HEAD}instance.id;A;order-1;Olá\ninstance.id;B;order-2;\n")
    assert "2 messages labelled." in page
    assert list(Label.objects.order_by("zapi_id").values_list("reference", "label")) == [
        ("order-1", "Olá"),
        ("order-2", ""),
    ]
    assert AuditEvent.objects.get(action=Action.LABELLED).details == {"messages": 2}


def test_a_row_may_name_both_ids(supervisor):
    head = "zapi_instance_id;message_id;zaap_id;label\n"
    assert "1 message labelled." in upload(supervisor, f"{head}instance.id;A;Z;Olá\n")
    assert Label.objects.get().ids == {"A", "Z"}


def test_wrong_rows_are_named_and_nothing_is_written(supervisor):
    page = upload(supervisor, f"{HEAD}instance.id;A;order-1;\n\nother;B;order-2;\n")
    assert "Nothing was saved." in page
    assert "Row 4" in page  # as a spreadsheet counts, with the headings and the empty one
    assert not Label.objects.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "The file is empty."),
        ("a;b\n", "The first row must have the columns"),
        (HEAD, "The file has no rows."),
        (HEAD + "instance.id;A;R;\n" * 2001, "too large"),
    ],
)
def test_a_file_that_is_none_is_an_error_of_its_field(supervisor, text, words):
    assert words in upload(supervisor, text)
    assert not Label.objects.exists()


def test_who_is_limited_labels_only_what_they_see(supervisor, account):
    other = Instance.objects.create(account=account, name="Vendas", zapi_id="V")
    UserLimit.objects.create(user=User.objects.get(), instance=other)
    assert "Instance not found." in upload(supervisor, f"{HEAD}instance.id;A;R;\n")


def test_support_brings_no_labels(viewer):
    assert viewer.get(PATH).status_code == 403


def test_a_file_that_is_too_large_is_called_so_and_not_misread(supervisor, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert "The file is too large" in upload(supervisor, f"{HEAD}a;b;c;d;e;f\n" + "x" * 100)
