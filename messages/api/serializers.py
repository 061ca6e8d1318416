"""The API's representations. Field names and statuses are a contract: add, never rename."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from messages.accounts.masking import mask_text, masked
from messages.answers import Response
from messages.domain.answers import AnswerKind
from messages.domain.failures import (
    CODES,
    FailureCategory,
    FailureOwner,
    Retry,
    failure_code,
    failure_text,
    find_failure,
)
from messages.domain.message_kinds import MessageKind
from messages.domain.statuses import Status, highest
from messages.incidents.presentation import description
from messages.incidents.unconfirmed_messages import Unconfirmed
from messages.labels import Labels
from messages.models import (
    Answer,
    HourlySummary,
    Incident,
    Instance,
    Label,
    Message,
    StatusEvent,
    WebhookKind,
    WebhookState,
)
from messages.models.summary import LATENCY_EDGES, latency_column

# A message to a large group has thousands of events; /events/ lists them all.
MAX_EVENTS: Final = 300

_STATUSES: Final = [status.value for status in Status]
_COUNTS = serializers.DictField(child=serializers.IntegerField())


class AddressField(serializers.CharField):
    """A number, LID or group; masked for callers who may not see phone numbers."""

    def to_representation(self, value: str) -> str:
        return value if self.context["sees_phones"] else masked(value)


class WordsField(serializers.CharField):
    """Free text; numbers in it are masked for callers who may not see phone numbers."""

    def to_representation(self, value: str) -> str:
        return _words(value, self.context)


# Some serializers declare a field called `instance` or `label`, although the base class has such an
# attribute. This works, because DRF removes declared fields from the class. The type stubs do not
# know that.


class InstanceRefSerializer(serializers.ModelSerializer[Instance]):
    zapi_id = serializers.CharField(source="shown_id", read_only=True)

    class Meta:
        model = Instance
        fields = ["id", "zapi_id", "name"]
        read_only_fields = fields  # here and below: the schema then marks them as required


class EventSerializer(serializers.ModelSerializer[StatusEvent]):
    """One step as Z-API reported it. `repeats` counts further copies of the same report."""

    status = serializers.ChoiceField(choices=_STATUSES)
    raw_status = WordsField()
    source = WordsField()  # type: ignore[assignment]  # as `instance` below
    reason = WordsField()
    phone = AddressField()
    participant = AddressField(help_text="The group or broadcast participant; otherwise empty.")
    device = serializers.SerializerMethodField(help_text="null for groups.")
    occurred_at_is_arrival = serializers.BooleanField(
        source="time_is_arrival",
        help_text="true if Z-API gave no valid time; `occurred_at` is then the arrival time.",
    )

    class Meta:
        model = StatusEvent
        fields = ["id", "status", "raw_status", "source", "occurred_at", "received_at"]
        fields += ["occurred_at_is_arrival", "phone", "participant", "device", "reason", "repeats"]
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_device(self, event: StatusEvent) -> int | None:
        return None if event.device < 0 else event.device


class ListedEventSerializer(EventSerializer):
    """An event in a list of its own, with its message and instance."""

    message = serializers.IntegerField(source="message_id", help_text="The message's `id`.")
    message_id = serializers.CharField(
        source="message.zapi_id", help_text="Z-API's id of the message."
    )
    instance = InstanceRefSerializer(source="message.instance")  # type: ignore[assignment]

    class Meta(EventSerializer.Meta):
        fields = [*EventSerializer.Meta.fields, "message", "message_id", "instance"]
        read_only_fields = fields


class AnswerSerializer(serializers.ModelSerializer[Answer]):
    """An answer to a message. Its content is never stored."""

    kind = serializers.CharField(help_text=", ".join(AnswerKind.values))
    author = AddressField(help_text="A number or LID; empty if Z-API did not name the person.")

    class Meta:
        model = Answer
        fields = ["kind", "at", "author"]
        read_only_fields = fields


class FailureSerializer(serializers.Serializer[dict[str, Any]]):
    """Why a message failed. Without a category, owner and retry if Z-API's text is not known."""

    code = serializers.ChoiceField(choices=CODES)
    category = serializers.ChoiceField(choices=list(FailureCategory), allow_null=True)
    owner = serializers.ChoiceField(
        choices=FailureOwner.values, allow_null=True, help_text="Whose problem it is."
    )
    retry = serializers.ChoiceField(
        choices=Retry.values, allow_null=True, help_text="Whether to send the message again."
    )
    text = serializers.CharField(help_text="One sentence in the language of the request.")


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message: the highest status reached, the earliest time of each step, and its events."""

    message_id = serializers.CharField(source="zapi_id", help_text="Z-API's id of the message.")
    instance = InstanceRefSerializer()  # type: ignore[assignment]
    phone = AddressField(help_text="The recipient: a number, a LID, a group, a list or a channel.")
    kind = serializers.ChoiceField(
        choices=MessageKind.choices,
        help_text="What the message was sent to. `status` is your own status.",
    )
    status = serializers.SerializerMethodField()
    failure = serializers.SerializerMethodField(help_text="null if the status is not FAILED.")
    failure_reason = WordsField(
        source="failure", help_text="The reason of a failure in Z-API's own words."
    )
    read_by_us_at = serializers.DateTimeField(source="by_us_at", allow_null=True)
    reference = serializers.SerializerMethodField(help_text="The message's id in your system.")
    label = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="The label that your system attached."
    )
    read_by_us_is_automatic = serializers.SerializerMethodField(
        help_text="Whether Z-API is set to read messages by itself; null if not read or unknown."
    )
    answered_at = serializers.SerializerMethodField(
        help_text="The first reply, reaction, vote or press of a button. It proves reading."
    )
    answer_kind = serializers.SerializerMethodField(help_text="The kind of the first answer.")
    answer_count = serializers.SerializerMethodField(help_text="At most 1001: more than 1000.")
    wrote_at = serializers.SerializerMethodField(
        help_text="When the contact wrote to you after this message, without a reference to it."
    )
    events = serializers.SerializerMethodField(
        help_text=f"By event time, the first {MAX_EVENTS}. `/events/?message=` lists them all."
    )
    has_more_events = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = ["id", "message_id", "zaap_id", "instance", "phone", "kind", "is_group"]
        fields += ["inbound", "reference", "label", "status", "failure"]
        fields += ["failure_reason", "first_heard_at"]
        fields += ["last_event_at", "dispatched_at", "sent_at", "failed_at", "delivered_at"]
        fields += ["read_at", "played_at", "read_by_us_at", "read_by_us_is_automatic"]
        fields += ["answered_at", "answer_kind", "answer_count", "wrote_at"]
        fields += ["events", "has_more_events"]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=_STATUSES))
    def get_status(self, message: Message) -> str:
        return _status_of(message, (Status(event.status) for event in _events_of(message)))

    @extend_schema_field(FailureSerializer(allow_null=True))
    def get_failure(self, message: Message) -> dict[str, Any] | None:
        if message.rank != Status.FAILED.rank:
            return None
        found = find_failure(message.failure)
        return {
            "code": failure_code(message.failure),
            "category": found and found.category,
            "owner": found and found.owner,
            "retry": found and found.retry,
            "text": _words(failure_text(message.failure), self.context),
        }

    def get_reference(self, message: Message) -> str:
        return _words(self._label_of(message).reference, self.context)

    def get_label(self, message: Message) -> str:
        return _words(self._label_of(message).label, self.context)

    @extend_schema_field(EventSerializer(many=True))
    def get_events(self, message: Message) -> list[dict[str, Any]]:
        shown = sorted(_events_of(message)[:MAX_EVENTS], key=_in_order)
        return [EventSerializer(event, context=self.context).data for event in shown]

    @extend_schema_field(serializers.BooleanField(allow_null=True))
    def get_read_by_us_is_automatic(self, message: Message) -> bool | None:
        return message.instance.auto_read if message.by_us_at else None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_answered_at(self, message: Message) -> datetime | None:
        return self._response_to(message).answered_at

    @extend_schema_field(serializers.ChoiceField(choices=AnswerKind.values, allow_null=True))
    def get_answer_kind(self, message: Message) -> str | None:
        return self._response_to(message).kind

    def get_answer_count(self, message: Message) -> int:
        return self._response_to(message).answers

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_wrote_at(self, message: Message) -> datetime | None:
        return self._response_to(message).wrote_at

    def _response_to(self, message: Message) -> Response:
        responses: Mapping[int, Response] = self.context["responses"]
        return responses.get(message.pk) or Response()

    def get_has_more_events(self, message: Message) -> bool:
        return len(_events_of(message)) > MAX_EVENTS

    def _label_of(self, message: Message) -> Label:
        labels: Labels = self.context["labels"]
        return labels.get((message.instance_id, message.zapi_id)) or Label()


class RecipientSerializer(serializers.Serializer[dict[str, Any]]):
    """Message counts of one recipient."""

    phone = AddressField()
    messages = serializers.IntegerField()
    delivered = serializers.IntegerField()
    read = serializers.IntegerField()
    failed = serializers.IntegerField()
    first_message_at = serializers.DateTimeField()
    last_message_at = serializers.DateTimeField()


class InstanceSerializer(serializers.ModelSerializer[Instance]):
    """A WhatsApp number at Z-API and its state. Never contains a secret."""

    zapi_id = serializers.CharField(source="shown_id", read_only=True)
    account = serializers.CharField(source="account.name")
    connection_reason = WordsField()
    last_heard_at = serializers.DateTimeField(allow_null=True)
    webhook = serializers.SerializerMethodField(
        help_text="State of the message-status webhook at Z-API."
    )
    stuck = serializers.SerializerMethodField(
        help_text="Stuck messages of the last 24 hours, as in `/messages/?view=stuck`."
    )

    unconfirmed = serializers.SerializerMethodField(
        help_text="Messages announced in the last 24 hours and never confirmed, as in "
        "`/labels/?confirmed=false`."
    )

    class Meta:
        model = Instance
        fields = ["id", "zapi_id", "name", "account", "connected", "connection_changed_at"]
        fields += ["connection_reason", "last_heard_at", "webhook", "stuck", "unconfirmed"]
        fields += ["created_at", "auto_read", "receipts_off_since"]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=WebhookState.values))
    def get_webhook(self, instance: Instance) -> str:
        states = {hook.kind: hook.state for hook in instance.webhooks.all()}
        return states.get(WebhookKind.MESSAGE_STATUS, WebhookState.NEVER_VERIFIED)

    def get_stuck(self, instance: Instance) -> int:
        numbers: dict[int, int] = self.context["stuck"]
        return numbers.get(instance.pk, 0)

    def get_unconfirmed(self, instance: Instance) -> int:
        numbers: dict[int, Unconfirmed] = self.context["unconfirmed"]
        return numbers[instance.pk].number if instance.pk in numbers else 0


class SummarySerializer(serializers.ModelSerializer[HourlySummary]):
    """Counts of the messages that one instance started in one hour."""

    instance = InstanceRefSerializer()  # type: ignore[assignment]
    delivered_within = serializers.SerializerMethodField(
        help_text="Messages delivered within each number of seconds after sending."
    )
    read_within = serializers.SerializerMethodField(
        help_text="Messages read within each number of seconds after delivery."
    )

    class Meta:
        model = HourlySummary
        fields = ["id", "hour", "instance", "is_group", "messages", "dispatched", "sent"]
        fields += ["delivered", "read", "played", "failed", "waiting_to_send"]
        fields += ["waiting_to_deliver", "delivered_within", "read_within", "computed_at"]
        read_only_fields = fields

    @extend_schema_field(_COUNTS)
    def get_delivered_within(self, summary: HourlySummary) -> dict[str, int]:
        return _within(summary, "delivered")

    @extend_schema_field(_COUNTS)
    def get_read_within(self, summary: HourlySummary) -> dict[str, int]:
        return _within(summary, "read")


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    """A problem, from when it was detected until it was resolved."""

    instance = InstanceRefSerializer(allow_null=True)  # type: ignore[assignment]
    words = serializers.SerializerMethodField(help_text="The problem described in one sentence.")
    note = WordsField()

    class Meta:
        model = Incident
        fields = ["id", "kind", "words", "instance", "opened_at", "last_seen_at", "resolved_at"]
        fields += ["acknowledged_at", "note"]
        read_only_fields = fields

    def get_words(self, incident: Incident) -> str:
        """The description is not masked here.

        The view already masked the texts from Z-API before this. All other numbers in the
        description are counts.
        """
        return description(incident)


def _words(text: str, context: Mapping[str, Any]) -> str:
    return text if context["sees_phones"] else mask_text(text)


def _status_of(message: Message, steps: Iterable[Status]) -> Status:
    """Return the status with the message's rank.

    If no status or two statuses have this rank, derive it from the events.
    """
    if message.rank == Status.PENDING.rank:
        return Status.PENDING if set(steps) == {Status.PENDING} else Status.DISPATCHED
    return Status.of_rank(message.rank) if message.rank else highest(steps)


def _events_of(message: Message) -> list[StatusEvent]:
    """The events that the view prefetched, if any."""
    found: list[StatusEvent] = getattr(message, "first_events", [])
    return found


def _in_order(event: StatusEvent) -> tuple[Any, ...]:
    """The sort key: the time, then the rank for events of the same second."""
    return event.occurred_at, Status(event.status).rank, event.received_at


def _within(summary: HourlySummary, latency: str) -> dict[str, int]:
    return {str(edge): getattr(summary, latency_column(latency, edge)) for edge in LATENCY_EDGES}
