"""The read endpoints. Every queryset goes through `limited_to`, as on the pages."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max, Min, Prefetch, Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from messages.accounts.masking import sees_phones
from messages.accounts.roles import SEE_PHONES
from messages.accounts.scope import limited_to
from messages.answers import Response as ContactResponse
from messages.answers import responses_of
from messages.domain.statuses import Status
from messages.incidents.numbers import with_current_stuck_counts
from messages.incidents.stuck_messages import stuck_counts
from messages.incidents.unconfirmed_messages import unconfirmed_counts
from messages.incidents.visibility import for_display, visible_incidents
from messages.labels import Labels, labels_of
from messages.models import HourlySummary, Instance, Message, StatusEvent

from . import examples, filters
from .api_schema import openapi
from .base_views import ApiView
from .pagination import Pages
from .serializers import (
    MAX_EVENTS,
    IncidentSerializer,
    InstanceSerializer,
    ListedEventSerializer,
    MessageSerializer,
    RecipientSerializer,
    SummarySerializer,
)
from .verdict_serializers import MessageDetailSerializer

VIEW_INSTANCES = "whatsapp.view_instance"
_TIMELINE = StatusEvent.objects.order_by("occurred_at", "id")
# One more than is shown, to know whether there are more.
_EVENTS = Prefetch("events", _TIMELINE[: MAX_EVENTS + 1], to_attr="first_events")


class Reading(ApiView, GenericAPIView[Any]):
    """A GET view that tells its serializer whether the caller may see phone numbers."""

    filter_backends = ()
    examples: ClassVar[Sequence[OpenApiExample]] = ()

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "sees_phones": sees_phones(self.request.user)}


class ListView(Reading, ListAPIView[Any]):
    pagination_class = Pages
    query_class: ClassVar[type[filters.Query]] = filters.Query

    def get_queryset(self) -> QuerySet[Any]:
        return self.found(self.query_class.read(self.request))

    def found(self, query: dict[str, Any]) -> QuerySet[Any]:
        raise NotImplementedError


class MessageReading(Reading):
    """Adds labels to the serializer's context."""

    serializer_class = MessageSerializer
    labels: Labels
    responses: Mapping[int, ContactResponse]

    def get_serializer_context(self) -> dict[str, Any]:
        shared = {"labels": self.labels, "responses": self.responses}
        return {**super().get_serializer_context(), **shared}

    def look_up(self, messages: Sequence[Message]) -> None:
        self.labels = labels_of(messages)
        self.responses = responses_of([message.pk for message in messages])


class ByFirstHeard(Pages):
    order = ("-first_heard_at", "-id")


class ByPhone(Pages):
    order = ("phone",)


class ByHour(Pages):
    order = ("-hour", "-id")


class MessageList(MessageReading, ListView):
    """Search messages, newest first."""

    pagination_class = ByFirstHeard
    query_class = filters.MessageQuery
    examples = (examples.MESSAGE,)

    def found(self, query: dict[str, Any]) -> QuerySet[Any]:
        return filters.messages_for(self.request.user, query).prefetch_related(_EVENTS)

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = super().paginate_queryset(queryset)
        self.look_up(rows or ())
        return rows


class MessageDetail(MessageReading, RetrieveAPIView[Message]):
    """Get one message. If it did not arrive, `verdict` says why."""

    serializer_class = MessageDetailSerializer
    examples = (examples.MESSAGE_DETAIL, examples.FAILED_MESSAGE)

    def get_queryset(self) -> QuerySet[Message]:
        found = Message.objects.select_related("instance").prefetch_related(_EVENTS)
        return limited_to(self.request.user, found)

    def get_object(self) -> Message:
        message: Message = super().get_object()
        self.look_up([message])
        return message


class EventList(ListView):
    """List events, last arrived first."""

    serializer_class = ListedEventSerializer
    query_class = filters.EventQuery
    permission = "whatsapp.view_statusevent"
    examples = (examples.LISTED_EVENT,)

    def found(self, query: dict[str, Any]) -> QuerySet[Any]:
        events = StatusEvent.objects.select_related("message__instance")
        return filters.narrow_events(
            limited_to(self.request.user, events, "message__instance"), query
        )


class RecipientList(ListView):
    """List recipients with the number of messages that reached each status.

    Requires permission to see full phone numbers.
    """

    serializer_class = RecipientSerializer
    pagination_class = ByPhone
    query_class = filters.RecipientQuery
    permission = SEE_PHONES
    examples = (examples.RECIPIENT,)

    def found(self, query: dict[str, Any]) -> QuerySet[Any]:
        found = limited_to(self.request.user, Message.objects.filter(inbound=False))
        if phone := query.get("phone"):
            found = found.filter(phone__in=filters.addresses_of(phone))
        return found.exclude(phone="").values("phone").annotate(**_TALLY)


_TALLY = {
    "messages": Count("pk"),
    "delivered": Count("pk", filter=Q(rank__gte=Status.RECEIVED.rank)),
    "read": Count("pk", filter=Q(rank__gte=Status.READ.rank)),
    "failed": Count("pk", filter=Q(rank=Status.FAILED.rank)),
    "first_message_at": Min("first_heard_at"),
    "last_message_at": Max("first_heard_at"),
}


class InstanceReading(Reading):
    serializer_class = InstanceSerializer
    permission = VIEW_INSTANCES
    examples = (examples.INSTANCE,)
    counts: dict[str, Any]

    def get_serializer_context(self) -> dict[str, Any]:
        return super().get_serializer_context() | self.counts

    def count(self, instances: Sequence[Instance]) -> None:
        now = timezone.now()
        self.counts = {
            "stuck": stuck_counts(instances, now),
            "unconfirmed": unconfirmed_counts(instances, now),
        }

    def instances(self) -> QuerySet[Instance]:
        active = Instance.objects.active().with_last_heard()
        found = active.select_related("account").prefetch_related("webhooks")
        return limited_to(self.request.user, found, path="")


class InstanceList(InstanceReading, ListView):
    """List active instances."""

    def found(self, query: dict[str, Any]) -> QuerySet[Any]:
        return self.instances()

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = super().paginate_queryset(queryset)
        self.count(rows or ())
        return rows


class InstanceDetail(InstanceReading, RetrieveAPIView[Instance]):
    """Get one instance."""

    def get_queryset(self) -> QuerySet[Instance]:
        return self.instances()

    def get_object(self) -> Instance:
        instance: Instance = super().get_object()
        self.count([instance])
        return instance


class SummaryList(ListView):
    """List message counts per hour, newest hour first."""

    serializer_class = SummarySerializer
    pagination_class = ByHour
    query_class = filters.SummaryQuery
    examples = (examples.SUMMARY,)

    def found(self, query: dict[str, Any]) -> QuerySet[Any]:
        hours = HourlySummary.objects.select_related("instance")
        return filters.narrow_summaries(limited_to(self.request.user, hours), query)


class IncidentList(ListView):
    """List open and resolved incidents, newest first."""

    serializer_class = IncidentSerializer
    query_class = filters.IncidentQuery
    permission = "whatsapp.view_incident"
    examples = (examples.INCIDENT,)

    def found(self, query: dict[str, Any]) -> QuerySet[Any]:
        return filters.narrow_incidents(visible_incidents(self.request.user), query)

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = with_current_stuck_counts(super().paginate_queryset(queryset) or ())
        return for_display(self.request.user, rows)


class SchemaView(ApiView):
    permission_classes = (IsAuthenticated,)
    schema = None  # not part of the schema

    def get(self, request: Request) -> Response:
        return Response(openapi())


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI without files of other hosts and without inline scripts and styles."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [IsAuthenticated]
    schema = None
    url_name = "api:schema"
    template_name = "api/docs.html"


# People without a session are redirected to the sign-in page.
docs = login_required(DocsView.as_view())
