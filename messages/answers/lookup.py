"""Finds answers to messages, and whether the contact wrote afterwards."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connections, router
from django.db.models import Case, Count, F, OuterRef, Subquery, When

from messages.domain.answers import AnswerKind
from messages.models import Answer, Message, Writing

# Answers listed for one message.
MAX_LISTED: Final = 100
# Larger numbers are shown as "1,000+".
MAX_COUNTED: Final = 1000


@dataclass(frozen=True, slots=True)
class Response:
    """The first answer to a message, the number of answers, and when the contact first wrote.

    `answers` is MAX_COUNTED + 1 if there are more. `wrote_at` is the first known time when the
    contact wrote after the message was sent. Only one-to-one chats have it.
    """

    answered_at: datetime | None = None
    kind: AnswerKind | None = None
    answers: int = 0
    wrote_at: datetime | None = None

    @property
    def has_more(self) -> bool:
        return self.answers > MAX_COUNTED


def responses_of(messages: Collection[int]) -> dict[int, Response]:
    """Return the responses by message, in at most two queries.

    Messages without a response are left out. Most installations store no responses. Building the
    second query takes 2 ms, so it is only made if there are some.
    """
    if not messages or not _has_responses():
        return {}
    theirs = Answer.objects.filter(zapi_id=OuterRef("zapi_id"), instance=OuterRef("instance"))
    first = theirs.order_by("at", "digest")
    wrote = Writing.objects.filter(
        address=OuterRef("phone"),
        instance=OuterRef("instance"),
        last_at__gte=OuterRef("started_at"),
    ).order_by("period")
    since = Case(
        When(first_at__gte=OuterRef("started_at"), then=F("first_at")), default=F("last_at")
    )
    number = theirs.order_by().values("zapi_id").annotate(number=Count("pk")).values("number")
    found = Message.objects.filter(pk__in=messages, inbound=False).values_list(
        "pk",
        Subquery(first.values("at")[:1]),
        Subquery(first.values("kind")[:1]),
        Subquery(number),
        Subquery(wrote.annotate(since=since).values("since")[:1]),
    )
    return {
        pk: Response(at, AnswerKind(kind) if kind else None, answers or 0, wrote_at)
        for pk, at, kind, answers, wrote_at in found
        if at or wrote_at
    }


def _has_responses() -> bool:
    """Whether any response is stored. Every list asks this, so Django does not build the query."""
    answers, writings = (model._meta.db_table for model in (Answer, Writing))
    with connections[router.db_for_read(Answer)].cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM {answers}) OR EXISTS (SELECT 1 FROM {writings})"  # noqa: S608
        )
        (found,) = cursor.fetchone()
    return bool(found)


def answers_to(message: Message) -> list[Answer]:
    """Return the first MAX_LISTED answers, oldest first."""
    if message.inbound:
        return []
    found = Answer.objects.filter(zapi_id=message.zapi_id, instance=message.instance_id)
    return list(found.order_by("at", "digest")[:MAX_LISTED])
