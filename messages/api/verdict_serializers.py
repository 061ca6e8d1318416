"""Why a message did not arrive, in the answer for one message."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from messages.answers import MAX_LISTED, answers_to
from messages.domain.failures import FailureOwner
from messages.domain.verdict import (
    Advice,
    Cause,
    Certainty,
    Facts,
    Finding,
    Possible,
    Says,
    SourceKind,
    judge,
)
from messages.models import Message
from messages.verdicts import Explanation, SourceText, explain, facts_of

from .serializers import AnswerSerializer, MessageSerializer

# The enumerations' values, in the order of the documentation.
_CAUSES, _CERTAINTIES, _ADVICE, _POSSIBLE, _KINDS, _FINDINGS, _SAYS = (
    [one.value for one in codes]
    for codes in (Cause, Certainty, Advice, Possible, SourceKind, Finding, Says)
)


class SourceSerializer(serializers.Serializer[SourceText]):
    """What one source says, and how that relates to the cause."""

    source = serializers.ChoiceField(choices=_KINDS, source="kind")  # type: ignore[assignment]
    finding = serializers.ChoiceField(choices=_FINDINGS)
    says = serializers.ChoiceField(choices=_SAYS)
    text = serializers.CharField(help_text="In one or two sentences, with times in UTC.")


class VerdictSerializer(serializers.Serializer[Explanation]):
    """Why a message did not arrive. Sentences are in the language of the request."""

    cause = serializers.ChoiceField(choices=_CAUSES, source="verdict.cause")
    certainty = serializers.ChoiceField(
        choices=_CERTAINTIES,
        source="verdict.certainty",
        help_text="`said`: Z-API said so.",
    )
    owner = serializers.ChoiceField(
        choices=FailureOwner.values,
        source="verdict.owner",
        allow_null=True,
        help_text="Whose problem it is; null if nobody knows.",
    )
    text = serializers.CharField(source="cause", help_text="The cause in one sentence.")
    sources = SourceSerializer(many=True)
    possible = serializers.ListField(
        child=serializers.ChoiceField(choices=_POSSIBLE),
        source="verdict.possible",
        help_text="Other causes that nobody can know.",
    )
    advice = serializers.ChoiceField(choices=_ADVICE, source="verdict.advice")
    advice_text = serializers.CharField(source="advice")


def verdict_data(facts: Facts | None) -> dict[str, Any] | None:
    """The verdict on these facts, as the API shows it."""
    if facts is None:
        return None
    explanation = explain(judge(facts), facts, lambda time: f"{time:%Y-%m-%dT%H:%M:%SZ}")
    return VerdictSerializer(explanation).data


class MessageDetailSerializer(MessageSerializer):
    """A message, and why it did not arrive."""

    verdict = serializers.SerializerMethodField(
        help_text="Only for a failed or stuck message; otherwise null."
    )

    answers = serializers.SerializerMethodField(help_text=f"The first {MAX_LISTED}.")

    class Meta(MessageSerializer.Meta):
        fields = [*MessageSerializer.Meta.fields, "answers", "verdict"]
        read_only_fields = fields

    @extend_schema_field(AnswerSerializer(many=True))
    def get_answers(self, message: Message) -> list[dict[str, Any]]:
        if not self._response_to(message).answers:
            return []
        return [AnswerSerializer(one, context=self.context).data for one in answers_to(message)]

    @extend_schema_field(VerdictSerializer(allow_null=True))
    def get_verdict(self, message: Message) -> dict[str, Any] | None:
        user, response = self.context["request"].user, self._response_to(message)
        return verdict_data(facts_of(message, user, timezone.now(), response=response))
