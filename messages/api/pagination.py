"""Keyset pagination: the cursors of the API."""

from typing import Any, Final

from django.core import signing
from django.db.models import Model
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from messages.search.keyset import PAGE_SIZE, take

from .problem_details import ParameterError

MAX_PAGE_SIZE: Final = 200
MAX_CURSOR_LENGTH: Final = 500


class Pages(BasePagination):
    """`order` is one field, or two with the second as tie-breaker, in the same direction."""

    order: tuple[str, ...] = ("-id",)

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.url = request.build_absolute_uri()
        self.size = _size(request)
        place, self.is_back = _cursor(request, self.order)
        self.rows, self.has_more = take(
            queryset, self.order, self.size, place, is_back=self.is_back
        )
        return self.rows

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self._next_url(), "previous": self._previous_url()}
        return Response(links | {"results": data})

    def _next_url(self) -> str | None:
        has_next = self.rows and (self.is_back or self.has_more)
        return self._url(-1, is_back=False) if has_next else None

    def _previous_url(self) -> str | None:
        """Return the URL of the previous page.

        The first page has one too: it shows rows that were added later.
        """
        return self._url(0, is_back=True) if self.rows else None

    def _url(self, position: int, *, is_back: bool) -> str:
        row = self.rows[position]
        place = tuple(_field_text(row, field.lstrip("-")) for field in self.order)
        # Signed together with the order, so that it is only valid in the same list.
        cursor = signing.dumps([place, is_back], salt=_salt(self.order))
        return replace_query_param(self.url, "cursor", cursor)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        example = "https://board.example.com/api/v1/…/?cursor=…"
        link = {"type": ["string", "null"], "format": "uri", "example": example}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": link | {"description": "URL of the next page."},
                "previous": link | {"description": "URL of the previous page, or of newer rows."},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "limit",
                "in": "query",
                "description": "Number of rows per page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_PAGE_SIZE,
                    "default": PAGE_SIZE,
                },
            },
            {
                "name": "cursor",
                "in": "query",
                "description": "Taken from `next` or `previous`.",
                "schema": {"type": "string", "maxLength": MAX_CURSOR_LENGTH},
            },
        ]


def _size(request: Request) -> int:
    text = request.query_params.get("limit", str(PAGE_SIZE))
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 9):
        raise ParameterError({"limit": _("Not a number.")})
    if not 1 <= int(text) <= MAX_PAGE_SIZE:
        words = _("Choose 1 to %(most)d rows per page.") % {"most": MAX_PAGE_SIZE}
        raise ParameterError({"limit": words})
    return int(text)


def _cursor(request: Request, order: tuple[str, ...]) -> tuple[list[str], bool]:
    """A row's place in the order, and whether to read backwards from it."""
    if "cursor" not in request.query_params:
        return [], False
    try:
        place, is_back = signing.loads(request.query_params["cursor"], salt=_salt(order))
    except signing.BadSignature:
        raise NotFound(_("Invalid cursor.")) from None
    return place, is_back


def _salt(order: tuple[str, ...]) -> str:
    return f"messages.api.pagination {' '.join(order)}"


def _field_text(row: Model | dict[str, Any], name: str) -> str:
    value = row[name] if isinstance(row, dict) else getattr(row, name)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
