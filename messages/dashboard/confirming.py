"""A page that asks once more, before something is done that no other button undoes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

_NOT_ASKED_AGAIN = {"csrfmiddlewaretoken", "confirmed"}


def is_confirmed(request: HttpRequest) -> bool:
    return "confirmed" in request.POST


def ask(
    request: HttpRequest, *, title: str, words: str, button: str, back_url: str
) -> HttpResponse:
    """The same form again, as it was sent, with what it comes to in words."""
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in _NOT_ASKED_AGAIN
        for value in values
    ]
    context = {"title": title, "words": words, "button": button, "back_url": back_url, "sent": sent}
    return render(request, "dashboard/confirm.html", context)
