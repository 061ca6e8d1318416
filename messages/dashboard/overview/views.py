from collections.abc import Collection

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from messages.accounts.scope import Viewer, visible_instances
from messages.dashboard.shared.moments import moment
from messages.domain.render_context import fixed_render_context
from messages.models import Instance
from messages.summaries import cohort

from .chart import chart
from .funnel import asides, funnel, latencies, reasons, worst
from .parameters import Period, Question, instance_links, kind_links, period_links


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
@fixed_render_context()
def overview(request: HttpRequest) -> HttpResponse:
    question = Question.read(request.GET)
    instances = {one.pk: one for one in visible_instances(request.user).order_by("name", "id")}
    found = cohort(
        request.user,
        since=question.since,
        until=question.until,
        instances=question.instances(request.user),
        groups=question.groups,
    )
    stuck = question.stuck.messages(request.user).count()
    context = {
        "question": question,
        "is_custom": question.period is Period.CUSTOM,
        "cohort": found,
        "counted": moment(found.counted_at),
        "steps": funnel(question, found),
        "asides": asides(question, found.counts, stuck=stuck),
        "latencies": latencies(found),
        "chart": chart(question, found),
        "reasons": reasons(question, request.user),
        "worst": worst(question, found.instances, instances),
        "instance": instances.get(question.instance or 0),
        "period_links": period_links(question),
        "instance_links": instance_links(question, instances.values()),
        "kind_links": kind_links(question),
    }
    if not found.hours:
        context["nothing"] = _empty_reason(question, instances.values(), request.user)
    return render(request, "dashboard/overview/overview.html", context)


def _empty_reason(question: Question, instances: Collection[Instance], user: Viewer) -> str:
    """The reason for an empty page: a code in the _nothing.html templates."""
    if not instances:
        return "no instance"
    return "not counted" if question.criteria.messages(user).exists() else "none sent"
