"""Phone numbers in any format, in every column with text from outside.

A user who may not see phone numbers never sees four consecutive digits of one, on any page or in
any response.
"""

import re
import unicodedata
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.core import mail
from django.db.models import BinaryField, CharField, JSONField, TextField
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from messages.accounts.encrypted_addresses import encrypt_address
from messages.accounts.masking import mask_text, masked
from messages.models import Channel, ChannelKind, Incident, IncidentKind, Notification
from messages.notifications.delivery_lines import notify
from tests.accounts.routes import ROUTES
from tests.attacks.pages import ask
from tests.attacks.tables import fill_every_table


@pytest.fixture
def viewer(masked_admin):
    return masked_admin


NUMBER = "5531976853218"
# Columns that are not masked: ids, names and text from operators.
NOT_FROM_OUTSIDE = {
    *("account.name", "account.client_token", "account.partner_token", "tag.name"),
    *("instance.name", "instance.zapi_id", "instance.token", "instance.token_digest"),
    *("instance.previous_token_digest", "instance.filters", "instance.taken_urls"),
    *(
        "message.zapi_id",
        "queuereading.zapi_id",
        "message.zaap_id",
        "message.failure_code",
        "dailyfailure.code",
        "label.zapi_id",
        "label.zaap_id",
        "answer.zapi_id",
        "answer.digest",
    ),
    *("numbersearches.who", "numbersearches.name", "throttle.key"),
    *("apikey.name", "apikey.prefix", "apikey.hash", "channel.name", "channel.address"),
    *("channel.secret", "channel.kinds", "channel.problem", "savedview.name", "savedview.query"),
    *("auditevent.actor_name", "auditevent.address", "auditevent.recipient", "incident.place"),
    *("batchrow.name", "batchrow.zapi_id", "batchrow.token", "batchrow.client_token"),
    *("batchrow.tags", "batchrow.changes", "batchrow.problem"),
    *("webhook.pushed_url", "webhook.found_url", "webhook.previous_url", "webhook.replaces_url"),
    *("webhook.forward_to", "webhook.problem", "webhook.problem_values", "forward.problem"),
    *("forwardline.problem", "channel.problem_values", "batchrow.problem_values"),
    *("callback.cause", "spooledcallback.cause"),
    *("hold.subject", "hold.placed_by", "hold.released_by"),
    *("erasure.subject", "erasure.erased", "erasedmessage.fingerprint"),
    *("exportjob.query", "exportjob.language", "exportjob.zone", "exportjob.sight"),
    *("rhythm.hours", "workerbeat.host", "workerbeat.only", "workerbeat.jobs", "joblease.job"),
    *("exportpiece.body", "queuedmail.content"),
    *("passwordresetrequest.address", "passwordresetrequest.language"),
}
# Columns that have a separate test.
AUDITED = {"auditevent.details"}
JSON = {
    "incident.values": lambda text: {"reason": text, "status": text, "count": 3, "named": text},
    "erasure.people": lambda text: [text],
}
WRITINGS = [
    "5531976853218:12@s.whatsapp.net",
    "5531976853218@hosted",
    "5531976853218:3@hosted.lid",
    "5531976853218@c.us",
    "5531976853218@g.us",
    "5531976853218-1623281429@g.us",
    "1623281429-5531976853218",
    "5531976853218@broadcast",
    "5531976853218@newsletter",
    "5531976853218@lid",
    "12035531976853218",
    "120355319768532189",
    "tel:+5531976853218",
    "whatsapp:5531976853218",
    "https://wa.me/5531976853218?text=oi",
    "https://api.whatsapp.com/send?phone=5531976853218",
    "55/31/97685/3218",
    "55.31.97685.3218",
    "55_31_97685_3218",
    "55|31|97685|3218",
    "+55\u00a0(31)\u20039 7685\u20113218",
    "55\u200b31\u200c9\u2060768\ufeff53218",
    "5 5 3 1 9 7 6 8 5 3 2 1 8",
    "5,5;3:1*9#7=6~8^5&3@2!1?8",
    "%2B55%2031%2097685-3218",
    "５５３１９７６８５３２１８",
    "٥٥٣١٩٧٦٨٥٣٢١٨",
    "5\u20e35\u20e33\u20e31\u20e39\u20e37\u20e36\u20e38\u20e35\u20e33\u20e32\u20e31\u20e38\u20e3",
    "55 code 31 then 97685 and 3218",
    "5531976853218abc",
    "abc5531976853218def01234567890abcd",
    "Maria 5531976853218",
    '{"phone": "5531976853218"}',
    "5531976853218\n5531976853218",
    "true_5531976853218@c.us_3EB0538DA65A59F6D8A251",
    "2026-07-14 5531976853218 2026-07-14",
]


def shows_digits(text: str) -> list[str]:
    """Four consecutive digits of NUMBER in the text, in any script, ignoring separators."""
    plain = "".join(
        str(unicodedata.digit(one, one)) if one.isnumeric() else one
        for one in unicodedata.normalize("NFKC", text)
    )
    runs = [NUMBER[at : at + 4] for at in range(len(NUMBER) - 3)]
    # Separators used in phone numbers, but not those that pages use in times.
    close = re.sub(r"(?<=\d)[ /|._()\u200b-\u200f\u2060\ufeff\u20e3]{1,3}(?=\d)", "", plain)
    nine = [NUMBER[at : at + 6] for at in range(len(NUMBER) - 5)]
    return [one for one in runs if one in plain] + [one for one in nine if one in close]


def read(answer):
    body = answer.body
    if body.startswith(b"PK"):
        with ZipFile(BytesIO(body)) as archive:
            body = b"".join(archive.read(name) for name in archive.namelist())
        body = re.sub(rb"<v>\d+\.\d+</v>", b"", body)
    text = body.decode("utf-8", "replace")
    # Images and random tokens may contain any digits.
    text = re.sub(r"<svg.*?</svg>|csrfmiddlewaretoken\"? value=\"\w+\"", "", text, flags=re.DOTALL)
    text = re.sub(r":\d\d\.\d+(?=Z|\+|\")|cursor=[^\"]*|[0-9a-f-]{36}|[0-9a-f]{32}", "", text)
    text = re.sub(r"(?:recipients|live|static)/[^\"'\s]+|nonce=\"[^\"]*\"", "", text)
    return text + answer.headers.get("Location", "") + answer.headers.get("Content-Disposition", "")


@pytest.fixture
def rows(admin_user):
    return fill_every_table("x", admin_user)


def columns():
    for model in apps.get_app_config("whatsapp").get_models():
        for field in model._meta.local_fields:
            name = f"{model._meta.model_name}.{field.name}"
            is_text = isinstance(field, CharField | TextField | BinaryField | JSONField)
            if is_text and not field.choices:
                yield name, field


def write_everywhere(rows, text):
    for name, field in columns():
        model = name.partition(".")[0]
        if name in NOT_FROM_OUTSIDE | AUDITED or model not in rows:
            continue
        value = text[: field.max_length]
        if isinstance(field, BinaryField):
            value = text.encode()
        if name in JSON:
            value = JSON[name](text)
        type(rows[model]).objects.filter(pk=rows[model].pk).update(**{field.name: value})


def showing(viewer):
    found = {}
    for route in ROUTES:
        if not route.name.startswith(("dashboard:", "api:", "admin:whatsapp")):
            continue
        if digits := shows_digits(read(ask(viewer, route))):
            found[route.name] = digits
    for form in ("csv", "xlsx"):
        answer = viewer.post("/messages/exports/", {"format": form})
        body = b"".join(answer) if answer.streaming else answer.content
        answer.body = body
        if digits := shows_digits(read(answer)):
            found[form] = digits
    return found


@pytest.mark.parametrize("text", WRITINGS)
def test_number_in_any_format_is_masked_on_every_page(viewer, rows, text):
    write_everywhere(rows, text)
    assert not showing(viewer)


MAIN = [
    *("/?period=all&inbound=1", "/messages/7777/", "/attention/", "/quarantine/"),
    *("/api/v1/messages/?period=all&inbound=1", "/api/v1/events/", "/api/v1/incidents/"),
    *("/api/v1/instances/", "/instances/7777/", "/admin/whatsapp/callback/"),
]
between = st.text(st.characters(exclude_categories=["Nd", "Nl", "No", "Cs", "Lo"]), max_size=3)
scripts = st.sampled_from(["0", "\N{ARABIC-INDIC DIGIT ZERO}", "\N{FULLWIDTH DIGIT ZERO}"])


@st.composite
def written(draw):
    zero = ord(draw(scripts))
    pieces = [draw(between)]
    for digit in NUMBER:
        pieces += [chr(zero + int(digit)), draw(st.one_of(st.just(""), between))]
    ends = st.sampled_from(["", ":7@s.whatsapp.net", "@hosted", "@c.us", "-group", "@broadcast"])
    return "".join(pieces)[:100] + draw(ends)


@given(written())
@example("55 31 97685 3218@x")
@settings(max_examples=300, deadline=None)
def test_number_in_a_random_format_is_masked(text):
    assert not re.search(r"[0-9]{4}", "".join(filter(str.isnumeric, masked(text)))) or (
        re.fullmatch(r"[0-9]+-1\d{9}(-group|@g\.us)?", text)
    )
    assert sum(map(str.isnumeric, mask_text(text))) <= 2


@given(text=written())
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_number_in_a_random_format_is_masked_on_the_main_pages(viewer, rows, text):
    write_everywhere(rows, text.replace("\0", ""))
    for path in MAIN:
        answer = viewer.get(path)
        assert answer.status_code == 200, path
        answer.body = answer.content
        assert not shows_digits(read(answer)), path


def test_every_text_column_is_classified_for_masking():
    """A new column with text is masked, or named above with a reason."""
    known = {name for name, _field in columns()}
    from_outside = {
        *("callback.type", "callback.cause_values", "callback.body", "instance.connection_reason"),
        "instance.status_error",
        *("instance.payment_status", "message.phone", "message.failure", "alias.lid"),
        *("alias.number", "otheraddress.phone", "knownaddress.address", "erasure.people"),
        *("followup.type", "followup.body", "followup.lid", "followup.number", "followup.inbound"),
        *("answer.author", "writing.address"),
        *("instance.number", "instance.previous_number"),
        *("forward.body", "incident.values", "incident.note", "hold.reason"),
        *("label.reference", "label.label", "label.label_folded", "label.label_masked"),
        *(
            "statusevent.source",
            "statusevent.raw_status",
            "statusevent.momment",
            "statusevent.phone",
        ),
        *("statusevent.participant", "statusevent.reason", "spooledcallback.zapi_id"),
        *("spooledcallback.body", "spooledcallback.token_digest", "spooledcallback.cause_values"),
    }
    assert known == from_outside | NOT_FROM_OUTSIDE | AUDITED


@pytest.mark.parametrize(
    "address",
    [
        *("120363019502650977-group", "120363019502650977@g.us", "120363019502650977"),
        *("120363019502650977@newsletter", "status@broadcast", ""),
        *("1774895799-broadcast", "1774895799@broadcast"),
    ],
)
def test_address_that_is_not_a_number_is_not_masked(address):
    assert masked(address) == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("5531976853218:12@s.whatsapp.net", "•••• 18"),
        ("5531976853218@hosted", "•••• 18"),
        ("55/31/97685/3218", "•••• 18"),
        ("5531976853218-1623281429@g.us", "••••-1623281429@g.us"),
        ("123456789012345@lid", "•••• LID"),
        ("Maria", "••••"),
    ],
)
def test_masked_address_shows_only_its_last_digits(address, shown):
    assert masked(address) == shown


def test_address_in_an_unknown_format_can_be_revealed(viewer, post):
    address = "5531976853218:12@tomorrow"
    post({"type": "MessageStatusCallback", "status": "SENT", "ids": ["A1"], "phone": address})
    page = viewer.get(f"/recipients/{encrypt_address(address)}/")
    assert "•••• 18" in page.text
    shown = viewer.post(
        reverse("dashboard:recipient-reveal", args=[encrypt_address(address)]),
        {"reason": "He asked me to"},
    )
    assert address in shown.text


def test_notification_masks_numbers(instance, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    now = timezone.now()
    channel = Channel.objects.create(
        name="Mail", kind=ChannelKind.EMAIL, address="a@example.com", language="en", next_at=now
    )
    incident = Incident.objects.create(
        kind=IncidentKind.DISCONNECTED,
        instance=instance,
        opened_at=now,
        last_seen_at=now,
        values={"reason": "55/31/97685/3218 is gone"},
    )
    Notification.objects.create(
        channel=channel, incident=incident, transition="opened", created_at=now
    )
    assert notify() == 1
    assert "•••• 18 is gone" in mail.outbox[0].body
