"""The API's own description: for programs, and for people to try it in the browser."""

from django.contrib.auth.decorators import login_required
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from .base_views import ApiView
from .schema import openapi


class SchemaView(ApiView):
    permission_classes = (IsAuthenticated,)
    schema = None  # which leaves it out of the description

    def get(self, request: Request) -> Response:
        return Response(openapi())


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI in files of this host, and without a script or style in the page."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [IsAuthenticated]
    schema = None
    url_name = "api:schema"
    template_name = "api/docs.html"


# A person without a session is led to the sign-in, not shown a problem in JSON.
docs = login_required(DocsView.as_view())
