"""The schema as JSON, and Swagger UI."""

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
    schema = None  # not part of the schema

    def get(self, request: Request) -> Response:
        return Response(openapi())


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI without files of other hosts and without inline scripts and styles."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [IsAuthenticated]
    schema = None
    url_name = "api:schema"
    template_name = "api/docs.html"


# People without a session are redirected to the sign-in page.
docs = login_required(DocsView.as_view())
