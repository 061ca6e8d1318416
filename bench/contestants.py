"""Views to compare the webhook endpoint with. Like the endpoint, they run without middleware."""

import statusboard.wsgi  # noqa: F401  # isort: skip  (first: it sets Django up)

from datetime import UTC, datetime
from typing import Any

from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from messages.domain.statuses import from_provider
from messages.models import Callback, Instance, Message, StatusEvent
from statusboard.webhook_handlers import MinimalHandler


class Bare(APIView):
    """A DRF view that reads the body and stores nothing."""

    permission_classes = ()

    def post(self, request: Request) -> Response:
        assert request.body
        return Response({"outcome": "applied"})


class StatusSerializer(serializers.Serializer[Any]):
    instanceId = serializers.CharField()  # noqa: N815  (Z-API's name)
    status = serializers.CharField()
    ids = serializers.ListField(child=serializers.CharField())
    momment = serializers.IntegerField()
    phone = serializers.CharField()
    phoneDevice = serializers.IntegerField()  # noqa: N815
    isGroup = serializers.BooleanField()  # noqa: N815
    type = serializers.CharField()


class Naive(APIView):
    """The usual tutorial code: a serializer, get_or_create and create."""

    permission_classes = ()

    def post(self, request: Request) -> Response:
        serializer = StatusSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        instance = Instance.objects.get(zapi_id=given["instanceId"])
        now = datetime.now(UTC)
        callback = Callback.objects.create(
            instance=instance, type=given["type"], received_at=now, outcome="applied", size=0
        )
        for message_id in given["ids"]:
            self._store(instance, message_id, given, callback, now)
        return Response({"outcome": "applied"})

    def _store(
        self, instance: Instance, message_id: str, given: Any, callback: Callback, now: datetime
    ) -> None:
        status = from_provider(given["status"])
        message, _ = Message.objects.get_or_create(
            instance=instance,
            zapi_id=message_id,
            defaults={
                "rank": status.rank,
                "phone": given["phone"],
                "is_group": False,
                "inbound": False,
                "first_heard_at": now,
                "started_at": now,
            },
        )
        if status.rank > message.rank:
            message.rank = status.rank
            message.save(update_fields=["rank"])
        StatusEvent.objects.create(
            message=message,
            source=given["type"],
            status=status,
            raw_status=given["status"],
            momment=str(given["momment"]),
            occurred_at=datetime.fromtimestamp(given["momment"] / 1000, UTC),
            received_at=now,
            phone=given["phone"],
            device=given["phoneDevice"],
            callback=callback,
        )


urlpatterns = [path("bare/", Bare.as_view()), path("naive/", Naive.as_view())]


application = MinimalHandler(__name__)
