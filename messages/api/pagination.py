"""Keyset pagination: new rows do not shift the rows of a page."""

from dataclasses import dataclass
from typing import Any, Final, Self

from django.core import signing
from django.db.models import Model, Q
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from .problem_details import ParameterError

PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 200
MAX_CURSOR_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row's position and the direction to read from it.

    Signed together with the order, so that it is only valid in the same list.
    """

    place: tuple[str, ...]
    is_back: bool

    @classmethod
    def read(cls, text: str, order: tuple[str, ...]) -> Self | None:
        try:
            place, is_back = signing.loads(text, salt=_salt(order))
        except signing.BadSignature:
            return None
        return cls(tuple(place), bool(is_back))

    def written(self, order: tuple[str, ...]) -> str:
        return signing.dumps([self.place, self.is_back], salt=_salt(order))


class Pages(BasePagination):
    """`order` is one field, or two with the second as tie-breaker, in the same direction."""

    order: tuple[str, ...] = ("-id",)

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.url = request.build_absolute_uri()
        self.size = _size(request)
        self.cursor = _cursor(request, self.order)
        is_back = bool(self.cursor and self.cursor.is_back)
        order = tuple(_reversed(field) for field in self.order) if is_back else self.order
        if self.cursor:
            queryset = queryset.filter(_after(order, self.cursor.place))
        found = list(queryset.order_by(*order)[: self.size + 1])
        self.has_more = len(found) > self.size
        found = found[: self.size]
        self.rows = found[::-1] if is_back else found
        return self.rows

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self._next_url(), "previous": self._previous_url()}
        return Response(links | {"results": data})

    def _next_url(self) -> str | None:
        is_back = bool(self.cursor and self.cursor.is_back)
        return self._url(-1, is_back=False) if self.rows and (is_back or self.has_more) else None

    def _previous_url(self) -> str | None:
        """Also on the first page, where it leads to rows added later."""
        return self._url(0, is_back=True) if self.rows else None

    def _url(self, position: int, *, is_back: bool) -> str:
        row = self.rows[position]
        place = tuple(_field_text(row, field.lstrip("-")) for field in self.order)
        cursor = Cursor(place, is_back).written(self.order)
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


def _cursor(request: Request, order: tuple[str, ...]) -> Cursor | None:
    if "cursor" not in request.query_params:
        return None
    cursor = Cursor.read(request.query_params["cursor"], order)
    if cursor is None:
        raise NotFound(_("Invalid cursor."))
    return cursor


def _salt(order: tuple[str, ...]) -> str:
    return f"messages.api.pagination {' '.join(order)}"


def _reversed(field: str) -> str:
    return field[1:] if field.startswith("-") else f"-{field}"


def _after(order: tuple[str, ...], place: tuple[str, ...]) -> Q:
    """Rows after a position; the first comparison lets the database use the index."""
    names = [field.lstrip("-") for field in order]
    than = "lt" if order[0].startswith("-") else "gt"
    if len(names) == 1:
        return Q((f"{names[0]}__{than}", place[0]))
    is_after = [Q((f"{name}__{than}", value)) for name, value in zip(names, place, strict=True)]
    return Q((f"{names[0]}__{than}e", place[0])) & (is_after[0] | is_after[1])


def _field_text(row: Model | dict[str, Any], name: str) -> str:
    value = row[name] if isinstance(row, dict) else getattr(row, name)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
