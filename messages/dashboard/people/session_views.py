from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from messages.accounts.people import end_session


@require_POST
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the user's own sessions."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    end_session(request, session)
    return redirect("usersessions_list")
