"""/labels/: import labels from a CSV file."""

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


def test_row_can_contain_both_message_id_and_zaap_id(supervisor):
    head = "zapi_instance_id;message_id;zaap_id;label\n"
    assert "1 message labelled." in upload(supervisor, f"{head}instance.id;A;Z;Olá\n")
    assert Label.objects.get().ids == {"A", "Z"}


def test_file_with_invalid_rows_names_them_and_saves_nothing(supervisor):
    page = upload(supervisor, f"{HEAD}instance.id;A;order-1;\n\nother;B;order-2;\n")
    assert "Nothing was saved." in page
    assert "Row 4" in page  # counted as in a spreadsheet, including the header and the empty row
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
def test_invalid_file_shows_an_error(supervisor, text, words):
    assert words in upload(supervisor, text)
    assert not Label.objects.exists()


def test_limited_user_can_only_label_visible_instances(supervisor, account):
    other = Instance.objects.create(account=account, name="Vendas", zapi_id="V")
    UserLimit.objects.create(user=User.objects.get(), instance=other)
    assert "Instance not found." in upload(supervisor, f"{HEAD}instance.id;A;R;\n")


def test_support_cannot_open_the_labels_page(viewer):
    assert viewer.get(PATH).status_code == 403


def test_too_large_file_is_refused_with_the_reason(supervisor, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert "The file is too large" in upload(supervisor, f"{HEAD}a;b;c;d;e;f\n" + "x" * 100)
