"""A page that asks once more, before something is done that no other button undoes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

_NOT_ASKED_AGAIN = {"csrfmiddlewaretoken", "confirmed"}


def is_confirmed(request: HttpRequest) -> bool:
    return "confirmed" in request.POST


def ask(
    request: HttpRequest, *, title: str, words: str, back_url: str, **buttons: str
) -> HttpResponse:
    """The same form again, as it was sent, with what it comes to in words.

    `button` says yes; `first` is a better way to say it, where there is one: `confirmed` holds
    "first" then.
    """
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in _NOT_ASKED_AGAIN
        for value in values
    ]
    context = {"title": title, "words": words, "back_url": back_url, "sent": sent} | buttons
    return render(request, "dashboard/confirm.html", context)
