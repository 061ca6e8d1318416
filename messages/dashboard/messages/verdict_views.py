"""Shows why a message did not arrive, and searches Z-API's queue for it."""

from django.contrib import messages as flash
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from messages.accounts.audit import audit
from messages.accounts.scope import Viewer, limited_to
from messages.answers import Response
from messages.dashboard.shared.moments import Moment
from messages.domain import render_context
from messages.domain.verdict import judge
from messages.instances.sync import FAILURES
from messages.models import Action, Label, Message
from messages.verdicts import (
    Explanation,
    announced_message,
    ask_queue,
    explain,
    facts_of,
    trouble_of,
)


@require_POST
@permission_required("whatsapp.view_message", raise_exception=True)
def message_queue(request: HttpRequest, pk: int) -> HttpResponse:
    """Search Z-API's queue for a message that has a verdict. This is audited."""
    visible = limited_to(request.user, Message.objects.select_related("instance__account"))
    message = get_object_or_404(visible, pk=pk)
    if not queue_url(message):
        raise Http404
    _ask(request, message)
    audit(request, Action.QUEUE_READ, about=message)
    return redirect("dashboard:message", pk=message.pk)


@require_POST
@permission_required("whatsapp.view_message", raise_exception=True)
def announced_queue(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask Z-API's queue about a message that a label announced."""
    visible = limited_to(request.user, Label.objects.select_related("instance__account"))
    label = get_object_or_404(visible.filter(instance__archived_at=None), pk=pk)
    _ask(request, announced_message(label))
    audit(request, Action.QUEUE_READ, about=label.instance, details={"message": label.zapi_id})
    return redirect("dashboard:announced", pk=label.pk)


def _ask(request: HttpRequest, message: Message) -> None:
    try:
        ask_queue(message.instance, message)
    except FAILURES as error:
        flash.error(request, str(error))


def verdict_of(
    message: Message, user: Viewer, response: Response | None = None
) -> Explanation | None:
    """Return the verdict, or None if the message arrived or may still arrive."""
    facts = facts_of(message, user, render_context.now(), response=response)
    if facts is None:
        return None
    return explain(judge(facts), facts, lambda time: Moment(time).brief)


def queue_url(message: Message) -> str:
    """The URL that searches Z-API's queue, or '' without a verdict or for an archived instance."""
    is_active = message.instance.archived_at is None
    has_verdict = trouble_of(message, render_context.now()) is not None
    return (
        reverse("dashboard:message-queue", args=[message.pk]) if is_active and has_verdict else ""
    )
