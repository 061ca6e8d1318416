from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from messages.accounts.scope import Viewer, visible_instances, visible_tags
from messages.dashboard.shared.moments import moment
from messages.domain.render_context import fixed_render_context
from messages.models import Instance
from messages.summaries import (
    Hour,
    cohort,
    count_hours,
    count_total,
    delivery_times,
    failure_reasons,
)

from .chart import chart
from .distribution import distributions
from .figures import MIN_BASELINE, Parts, figures
from .funnel import asides, funnel
from .heat_map import heat_map
from .instance_cards import instance_cards
from .parameters import (
    Question,
    compared_sides,
    instance_links,
    kind_links,
    period_links,
    previous_links,
    tag_links,
)
from .reasons import reasons
from .receipts import are_reads_known, receipts_off


@require_safe
@permission_required("whatsapp.view_message", raise_exception=True)
@fixed_render_context()
def overview(request: HttpRequest) -> HttpResponse:
    instances = {one.pk: one for one in visible_instances(request.user).order_by("name", "id")}
    question = Question.read(request.GET)
    if isinstance(question.compare, int) and question.compare not in instances:
        question = replace(question, compare=None)
    selection = question.selection()
    found = cohort(request.user, selection, with_times=question.needs_times_of_hours)
    settled = replace(selection, until=min(selection.until, question.settled_until))
    times = None if question.is_short else delivery_times(request.user, settled)
    baseline = question.baseline(selection)
    before = count_total(request.user, baseline)
    compared = {}
    if question.compare is not None:
        compared = count_hours(request.user, baseline, with_times=False)
    other = instances.get(question.compare) if isinstance(question.compare, int) else None
    drawn = chart(question, found.hours, compared, _comparison(question, other))
    off = receipts_off(question, found, instances)
    reads_known = off is None or not off.is_all
    stuck = question.stuck.messages(request.user).count()
    context = {
        "question": question,
        "cohort": found,
        "counted": moment(found.counted_at),
        "figures": figures(
            question,
            Hour(found.counts, found.to_delivered),
            before,
            Parts.of(drawn.bars, times),
            reads_known=reads_known,
        ),
        "is_read_comparable": other is None or are_reads_known(question, other, before.counts),
        "has_baseline": before.counts.messages >= MIN_BASELINE,
        "receipts_off": off,
        "steps": funnel(question, found, reads_known=reads_known),
        "asides": asides(question, found.counts, stuck=stuck),
        "chart": drawn,
        "reasons": reasons(question, failure_reasons(request.user, selection)),
        "heat_map": heat_map(question, found),
        "distributions": distributions(question, found),
        "cards": instance_cards(question, found, request.user, instances),
        "instance": instances.get(question.instance or 0),
        "compared_instance": other,
        "comparison": drawn.comparison,
        "filter_count": _filter_count(question),
        "unzoomed": replace(question, zoom=None),
        "days": _day_fields(request, question),
        "period_links": period_links(question),
        "instance_links": instance_links(question, instances.values()),
        "tag_links": tag_links(question, visible_tags(request.user)),
        "kind_links": kind_links(question),
        "previous_links": previous_links(question),
        "instances": instances,
        "sides": compared_sides(question, instances),
    }
    if not found.hours:
        context["nothing"] = _empty_reason(question, instances.values(), request.user)
    return render(request, "dashboard/overview/overview.html", context)


def _comparison(question: Question, instance: Instance | None) -> str:
    """The name of what the messages are compared with; "" for nothing."""
    if instance:
        return instance.name
    return _("Previous period") if question.compare is not None else ""


def _filter_count(question: Question) -> int:
    """How many filters besides the period are set."""
    filters = (question.instance, question.tag, question.groups, question.compare)
    return sum(one not in (None, "") for one in filters)


def _day_fields(request: HttpRequest, question: Question) -> list[str]:
    """The values of the date fields: what was typed, or else the days that are shown."""
    shown = (question.since, question.until - timedelta.resolution)
    return [
        request.GET.get(name) or f"{timezone.localtime(moment):%Y-%m-%d}"
        for name, moment in zip(("first", "last"), shown, strict=True)
    ]


def _empty_reason(question: Question, instances: Collection[Instance], user: Viewer) -> str:
    """The reason for an empty page: a code in the _nothing.html templates."""
    if not instances:
        return "no instance"
    return "not counted" if question.criteria.messages(user).exists() else "none sent"
