"""The query parameters of each list.

An unknown parameter is an error. Otherwise a client that misspells a filter would get all messages
and not notice.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from messages.accounts.masking import sees_phones
from messages.accounts.number_search_limits import record_no_result, wait_to_search
from messages.accounts.scope import Viewer
from messages.domain.failures import CODES, Retry
from messages.domain.message_kinds import SHARED, MessageKind
from messages.domain.statuses import Status
from messages.incidents.unconfirmed_messages import unconfirmed
from messages.instances.tags import MAX_TAG_LENGTH
from messages.labels import MAX_REFERENCE_LENGTH
from messages.models import HourlySummary, Incident, Message, StatusEvent
from messages.models.label import LabelQuerySet
from messages.search.criteria import EARLIEST, LATEST, STATUSES, Criteria, Period, View
from messages.search.parser import MAX_TEXT_LENGTH, Search, parse_search
from messages.search.querysets import MessageQuerySet, message_set

from .problem_details import ParameterError

_OF_PAGES: Final = {"limit", "cursor"}
_LARGEST_ID: Final = 2**63 - 1
_SOMETHING: Final = r"^[^\u0000]*[^\s\u0000-\u001f\u007f\u0085][^\u0000]*$"


class StatusField(serializers.ChoiceField):
    """A status name in any case."""

    def __init__(self, statuses: Iterable[Status] = Status, **options: Any) -> None:
        super().__init__(choices=[status.value for status in statuses], **options)

    def to_internal_value(self, data: Any) -> Status:
        return Status(super().to_internal_value(str(data).upper()))


class MomentField(serializers.DateTimeField):
    def to_internal_value(self, value: Any) -> datetime:
        return min(max(super().to_internal_value(value), EARLIEST), LATEST)


class Query(serializers.Serializer[Any]):
    """The validated parameters of a list."""

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        given, fields = request.query_params, cls().fields
        if unknown := set(given) - set(fields) - _OF_PAGES:
            words = _("Unknown parameter.")
            raise ParameterError(dict.fromkeys(sorted(unknown), words))
        query = cls(
            data={
                name: given.getlist(name) if isinstance(field, serializers.ListField) else text
                for name, field in fields.items()
                if (text := given.get(name)) is not None
            }
        )
        if not query.is_valid():
            raise ParameterError(query.errors)
        checked: dict[str, Any] = query.validated_data
        return checked


def _ids(words: str) -> serializers.ListField:
    child = serializers.IntegerField(min_value=1, max_value=_LARGEST_ID)
    return serializers.ListField(child=child, required=False, help_text=words)


def _id(words: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1, max_value=_LARGEST_ID, required=False, help_text=words
    )


def _text(longest: int, words: str) -> serializers.CharField:
    """A text field that refuses blank text and NUL characters. The schema says so too."""

    @extend_schema_field({"type": "string", "maxLength": longest, "pattern": _SOMETHING})
    class Text(serializers.CharField):
        pass

    return Text(max_length=longest, required=False, help_text=words)


def _message_id() -> serializers.CharField:
    return _text(MAX_TEXT_LENGTH, "Z-API's `messageId` or `zaapId`.")


class MessageQuery(Query):
    message_id = _message_id()
    reference = _text(MAX_REFERENCE_LENGTH, "The message's id in your system, set with its label.")
    q = _text(
        MAX_TEXT_LENGTH,
        "As in the search box: a number in any format, part of a number, an id "
        "or its first half, a LID, or words of a label.",
    )
    view = serializers.ChoiceField(
        choices=[view.value for view in View if view.lists_messages], required=False
    )
    status = serializers.ListField(
        child=StatusField(),
        required=False,
        help_text="Any of these values of a message's `status`. READ_BY_ME and "
        "PLAYED_BY_ME also find messages read only by your own account.",
    )
    reached = StatusField(
        STATUSES, required=False, help_text="Messages that reached this step or a later one."
    )
    reason = serializers.ListField(
        child=serializers.ChoiceField(choices=CODES),
        required=False,
        help_text="Any of these values of `failure.code`: messages that failed for this reason.",
    )
    retry = serializers.ListField(
        child=serializers.ChoiceField(choices=Retry.values),
        required=False,
        help_text="Any of these values of `failure.retry`.",
    )
    instance = _ids("Statusboard's `id` of each instance.")
    tag = serializers.ListField(
        child=_text(MAX_TAG_LENGTH, ""),
        required=False,
        help_text="Messages of instances with any of these tags, ignoring case.",
    )
    period = serializers.ChoiceField(
        choices=Period.values,
        required=False,
        help_text="When the message was first seen. `today` and `yesterday` are days in the "
        "server's time zone (DEFAULT_TIME_ZONE). The default is 7 days; 24 hours for "
        "the stuck view alone; all time if the parameters search, name a message "
        "or limit the time.",
    )
    since = MomentField(
        required=False, help_text="Messages whose first step was at this time or later."
    )
    until = MomentField(required=False, help_text="Messages whose first step was before this time.")
    kind = serializers.ListField(
        child=serializers.ChoiceField(choices=MessageKind.values),
        required=False,
        help_text="Any of these kinds. Without it, our own status is left out, except when "
        "searching.",
    )
    groups = serializers.BooleanField(
        required=False,
        help_text="true: the same as the kinds group, list and channel. false: individual.",
    )
    inbound = serializers.BooleanField(
        required=False,
        help_text="Include messages from contacts that your account read. Not needed when "
        "searching by id, reference, READ_BY_ME or PLAYED_BY_ME.",
    )


class EventQuery(Query):
    message = _id("Statusboard's `id` of the message.")
    message_id = _message_id()
    instance = _ids("Statusboard's `id` of each instance.")


class RecipientQuery(Query):
    phone = _text(
        MAX_TEXT_LENGTH,
        "A full number, LID or group, with or without the ninth digit.",
    )


class SummaryQuery(Query):
    instance = _ids("Statusboard's `id` of each instance.")
    since = MomentField(required=False, help_text="Hours that start at this time or later.")
    until = MomentField(required=False, help_text="Hours that start before this time.")
    groups = serializers.BooleanField(
        required=False, help_text="true: only groups. false: no groups."
    )


class LabelQuery(Query):
    message_id = _message_id()
    reference = _text(MAX_REFERENCE_LENGTH, "The message's id in your system.")
    instance = _ids("Statusboard's `id` of each instance.")
    confirmed = serializers.BooleanField(
        required=False,
        help_text="false: Z-API has reported nothing about the message in the time that its "
        "instance allows. true: Z-API has reported the message.",
    )


class IncidentQuery(Query):
    instance = _ids("Statusboard's `id` of each instance.")
    open = serializers.BooleanField(
        required=False, help_text="true: only open incidents. false: only resolved ones."
    )


def messages_for(user: Viewer, query: dict[str, Any]) -> MessageQuerySet:
    """Return the messages for these parameters.

    The Messages page shows the same ones for the same parameters.
    """
    for text in {query.get("q", ""), query.get("reference", "")}:
        if wait := wait_to_search(user, text):
            raise Throttled(wait)
    is_named = bool({"message_id", "reference"} & set(query))
    statuses = query.get("status", ())
    criteria = Criteria(
        search=_search(user, query.get("q", "")),
        view=View(query.get("view", "")),
        reached=query.get("reached"),
        instances=tuple(query.get("instance", ())),
        tags=tuple(query.get("tag", ())),
        chosen_period=_period(query, is_named),
        since=query.get("since"),
        until=query.get("until"),
        kinds=_kinds(query, is_named=is_named),
        reasons=tuple(query.get("reason", ())),
        retries=tuple(map(Retry, query.get("retry", ()))),
        inbound=query.get("inbound", is_named or any(status.is_by_me for status in statuses)),
    )
    found = criteria.messages(user).select_related("instance")
    if statuses:
        found = found.shown_as(statuses)
    if message_id := query.get("message_id"):
        found = found.with_id(parse_search(message_id).ids)
    if reference := query.get("reference"):
        found = found.with_reference([reference])
        if not found.exists():
            record_no_result(user, reference)
    return found


def narrow_events(found: QuerySet[StatusEvent], query: dict[str, Any]) -> QuerySet[StatusEvent]:
    if "message" in query:
        found = found.filter(message=query["message"])
    if "message_id" in query:
        named = message_set().with_id(parse_search(query["message_id"]).ids)
        found = found.filter(message__in=named.values("pk"))
    if query.get("instance"):
        found = found.filter(message__instance__in=query["instance"])
    return found


def narrow_labels(found: LabelQuerySet, query: dict[str, Any]) -> LabelQuerySet:
    if message_id := query.get("message_id"):
        found = found.named(parse_search(message_id).ids)
    if reference := query.get("reference"):
        found = found.filter(reference=reference)
    if query.get("instance"):
        found = found.filter(instance__in=query["instance"])
    match query.get("confirmed"):
        case False:
            return unconfirmed(found, timezone.now())
        case True:
            return found.with_a_message_in(Message.objects.all())
        case _:
            return found


def narrow_incidents(found: QuerySet[Incident], query: dict[str, Any]) -> QuerySet[Incident]:
    if "open" in query:
        found = found.filter(resolved_at__isnull=query["open"])
    return found.filter(instance__in=query["instance"]) if query.get("instance") else found


def narrow_summaries(
    found: QuerySet[HourlySummary], query: dict[str, Any]
) -> QuerySet[HourlySummary]:
    names = {"since": "hour__gte", "until": "hour__lt", "groups": "is_group"}
    wanted = {names[name]: value for name, value in query.items() if name in names}
    if query.get("instance"):
        wanted["instance__in"] = query["instance"]
    return found.filter(**wanted)


def addresses_of(phone: str) -> tuple[str, ...]:
    """All forms in which an address may be stored."""
    return parse_search(phone).addresses or (phone,)


def _search(user: Viewer, text: str) -> Search:
    """Callers who may not see numbers must not guess them digit by digit."""
    search = parse_search(text)
    if search.is_for_person and not sees_phones(user):
        raise ParameterError(
            {"q": _("To search for phone numbers, you need permission to see them.")}
        )
    return search


def _kinds(query: dict[str, Any], *, is_named: bool) -> tuple[MessageKind, ...]:
    if "groups" in query:
        return SHARED if query["groups"] else (MessageKind.INDIVIDUAL,)
    wanted = query.get("kind", MessageKind if is_named else ())
    return tuple(map(MessageKind, wanted))


def _period(query: dict[str, Any], is_named: bool) -> Period | None:
    if "period" in query:
        return Period(query["period"])
    return Period.ALL if is_named else None
