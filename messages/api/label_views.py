"""Labels written by client systems: one, a list, or a CSV file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from messages import labels
from messages.accounts.audit import audit
from messages.accounts.masking import sees_phones
from messages.accounts.roles import LABEL
from messages.accounts.scope import limited_to
from messages.incidents.unconfirmed_messages import unconfirmed_for
from messages.models import Action, Instance, Label
from messages.search.querysets import message_set
from messages.verdicts import announced_message, facts_of

from . import examples, filters, request_schemas
from .base_views import VIEW_MESSAGES, ApiView
from .pagination import Pages
from .parsers import CsvParser, JsonParser
from .problem_details import ParameterError
from .serializers import InstanceRefSerializer, WordsField
from .verdict_serializers import VerdictSerializer, verdict_data
from .views import ListView


class NoSuchInstanceError(ValidationError):
    """Answers 404, as the view of a single label does, if the key may not see the instance."""

    status_code = 404

    def __init__(self, faults: Sequence[labels.Fault]) -> None:
        super().__init__(_details(faults))
        first = faults[0]
        words = _("Nothing was saved. Label %(number)d: %(words)s")
        self.summary = words % {"number": first.position + 1, "words": first.message}


class LabelSerializer(serializers.Serializer[Any]):
    """Only for the schema: messages.labels validates the input."""

    zapi_instance_id = serializers.CharField()
    message_id = serializers.CharField()
    zaap_id = serializers.CharField()
    reference = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # as in serializers.py


_ANNOUNCE: Final = OpenApiParameter(
    "announce",
    bool,
    description="false: the messages are old, or were not sent through Z-API. No alarm is raised "
    "if Z-API reports nothing about them. A CSV file never announces messages.",
)


class ListedLabelSerializer(serializers.ModelSerializer[Label]):
    """A label. `announced_at` is null if it announced no message, or once Z-API reported it."""

    instance = InstanceRefSerializer()  # type: ignore[assignment]
    message_id = serializers.CharField(source="zapi_id")
    reference = WordsField()
    label = WordsField()  # type: ignore[assignment]
    announced_at = serializers.DateTimeField(source="awaited_since", allow_null=True)

    class Meta:
        model = Label
        fields = ["id", "instance", "message_id", "zaap_id", "reference", "label"]
        fields += ["announced_at"]
        read_only_fields = fields


class LabelDetailSerializer(ListedLabelSerializer):
    """A label, and why Z-API has not reported its message."""

    verdict = serializers.SerializerMethodField(
        help_text="Only for a message that was never confirmed; otherwise null."
    )

    class Meta(ListedLabelSerializer.Meta):
        fields = [*ListedLabelSerializer.Meta.fields, "verdict"]
        read_only_fields = fields

    @extend_schema_field(VerdictSerializer(allow_null=True))
    def get_verdict(self, label: Label) -> dict[str, Any] | None:
        now = timezone.now()
        if unconfirmed_for(label, now) is None or _is_reported(label):
            return None
        return verdict_data(facts_of(announced_message(label), self.context["request"].user, now))


def _is_reported(label: Label) -> bool:
    """The worker clears `awaited_since` of reported messages a minute later."""
    return message_set().filter(instance=label.instance).with_id(label.ids).exists()


class LabelledSerializer(serializers.Serializer[Any]):
    labelled = serializers.IntegerField(help_text="Number of labelled messages.")


class LabelView(ApiView):
    """The label of one message, which Z-API may not have reported yet."""

    parser_classes = (JsonParser,)
    examples = (examples.LABEL_BODY, examples.LABEL, examples.LABEL_DETAIL)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.permission = VIEW_MESSAGES if request.method == "GET" else LABEL
        super().initial(request, *args, **kwargs)

    @extend_schema(responses=LabelDetailSerializer)
    def get(self, request: Request, zapi_instance_id: str, message_id: str) -> Response:
        """Get a message's label. If Z-API never reported the message, `verdict` says why."""
        instance = _instance(request, zapi_instance_id)
        labels = Label.objects.filter(instance=instance).named([message_id])
        label = get_object_or_404(labels.select_related("instance"))
        context = {"request": request, "sees_phones": sees_phones(request.user)}
        return Response(LabelDetailSerializer(label, context=context).data)

    @extend_schema(
        parameters=[_ANNOUNCE],
        request={"application/json": request_schemas.ONE},
        responses=LabelSerializer,
    )
    def put(self, request: Request, zapi_instance_id: str, message_id: str) -> Response:
        """Set a message's label."""
        _instance(request, zapi_instance_id)
        named = {"zapi_instance_id": zapi_instance_id, "message_id": message_id}
        texts = request.data
        if not isinstance(texts, Mapping) or set(texts) & set(named):
            raise ValidationError(_("Send an object with a reference, a label, or both."))
        entries, faults = labels.read_entries([named | texts])
        if faults:
            raise _refusal(_details(faults)["0"], in_address=set(named))
        labels.label(entries, by=request.user, announces=_announces(request))
        return Response(_shown(entries[0]))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, zapi_instance_id: str, message_id: str) -> Response:
        """Delete a message's label."""
        instance = _instance(request, zapi_instance_id)
        if not labels.remove_label(instance, message_id):
            raise Http404
        audit(request._request, Action.LABELLED, about=instance, details={"removed": 1})
        return Response(status=204)


class LabelList(ListView):
    """Many labels at once: all of them or, if one is invalid, none."""

    serializer_class = ListedLabelSerializer
    query_class = filters.LabelQuery
    parser_classes = (JsonParser, CsvParser)
    examples = (
        *(examples.LABELS_BODY, examples.LABELS_CSV, examples.LABELLED, examples.LISTED_LABEL),
    )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.permission = LABEL if request.method == "POST" else VIEW_MESSAGES
        super().initial(request, *args, **kwargs)

    def found(self, query: dict[str, Any]) -> QuerySet[Any]:
        found = Label.objects.select_related("instance")
        if query.get("confirmed") is False and isinstance(self.paginator, Pages):
            self.paginator.order = ("-awaited_since", "-id")  # as in the index
        return filters.narrow_labels(limited_to(self.request.user, found), query)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List labels, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        parameters=[_ANNOUNCE],
        request={"application/json": request_schemas.MANY, "text/csv": request_schemas.CSV},
        responses=LabelledSerializer,
    )
    def post(self, request: Request) -> Response:
        """Set many labels at once, all or none."""
        raw = request.data
        if not isinstance(raw, list) or not 0 < len(raw) <= labels.MAX_AT_ONCE:
            words = _("Send a list of 1 to %(most)d labels.") % {"most": labels.MAX_AT_ONCE}
            raise ValidationError(words)
        entries, faults = labels.read_entries(raw)
        if faults:
            raise ValidationError(_details(faults))
        try:
            is_file = str(request.content_type).startswith(CsvParser.media_type)
            announces = not is_file and _announces(request)
            number = labels.label(entries, by=request.user, announces=announces)
        except labels.LabelsRefusedError as refusal:
            raise NoSuchInstanceError(refusal.faults) from None
        audit(request._request, Action.LABELLED, details={"messages": number})
        return Response({"labelled": number})


def _announces(request: Request) -> bool:
    field = serializers.BooleanField()
    try:
        return bool(field.run_validation(request.query_params.get("announce", "true")))
    except ValidationError as error:
        raise ParameterError({"announce": error.detail}) from None


def _instance(request: Request, zapi_id: str) -> Instance:
    visible = limited_to(request.user, Instance.objects.active(), path="")
    return get_object_or_404(visible, zapi_id=zapi_id)


def _refusal(details: Mapping[str, Any], in_address: set[str]) -> ValidationError:
    """Return the exception for these faults.

    If ids are wrong, report only them, because they are in the URL and not in the body.
    """
    ids = {name: words for name, words in details.items() if name in in_address}
    return ParameterError(ids) if ids else ValidationError(details)


def _details(faults: Iterable[labels.Fault]) -> dict[str, Any]:
    """Return the faults in the format of DRF: nested by position, then by field.

    The field is "" if the whole entry is wrong.
    """
    details: dict[str, Any] = {}
    for fault in faults:
        details.setdefault(str(fault.position), {}).setdefault(fault.field, []).append(
            fault.message
        )
    return details


def _shown(entry: labels.Entry) -> dict[str, str]:
    return {
        "zapi_instance_id": entry.zapi_instance_id,
        "message_id": entry.message_id,
        "zaap_id": entry.zaap_id,
        "reference": entry.reference,
        "label": entry.label,
    }
