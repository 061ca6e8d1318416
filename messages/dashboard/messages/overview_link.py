"""The link from a list back to the Overview that counts the same messages."""

from dataclasses import replace

from django.utils import timezone

from messages.dashboard.overview.parameters import Period, Question
from messages.search.criteria import Criteria


def overview_url(criteria: Criteria) -> str:
    """The Overview with the filters of the list; "" if it does not have these filters.

    Filters by status, reason or time of delivery are left out: the Overview shows all of them.
    """
    since, until = criteria.since, criteria.until
    is_of_hours = since and until and not (since.minute or until.minute)
    too_many = len(criteria.instances) + len(criteria.tags) > 1
    if not (since and until and is_of_hours) or criteria.is_search or too_many:
        return ""
    zoomed = Question(
        now=timezone.now(),
        zoom=(since, until),
        instance=next(iter(criteria.instances), None),
        tag=next(iter(criteria.tags), ""),
    )
    for groups in (None, True, False):
        question = replace(zoomed, groups=groups)
        if (criteria.kinds or zoomed.kinds) == question.kinds:
            return _with_named_period(question).url()
    return ""


def _with_named_period(question: Question) -> Question:
    """With "Last 7 days" instead of the dates, if those are the same."""
    for period in Period:
        if period is not Period.CUSTOM:
            named = replace(question, period=period, zoom=None)
            if (named.since, named.until) == question.zoom:
                return named
    return question
