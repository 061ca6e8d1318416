"""The OpenAPI 3.1 schema, generated from the views."""

from functools import cache
from typing import Any, Final

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample

from .problem_details import MEDIA_TYPE

_Generator: Any = SchemaGenerator  # drf-spectacular has no type hints
_NUMBER: Final = {"schema": {"type": "integer"}}
_LIMITS: Final = {
    "RateLimit-Limit": _NUMBER | {"description": "Requests allowed per minute."},
    "RateLimit-Remaining": _NUMBER | {"description": "Requests left in this minute."},
    "RateLimit-Reset": _NUMBER | {"description": "Seconds until the limit resets."},
}
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "All errors found in the request.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer to the invalid part; empty for all of it.",
                    },
                    "parameter": {
                        "type": "string",
                        "description": "The invalid query parameter, instead of a pointer.",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_PROBLEMS: Final = {
    400: "Invalid parameter or body.",
    401: "Missing, unknown, expired or revoked key.",
    403: "The key does not allow this.",
    404: "Not found, or not visible to this key.",
    406: "Only JSON is available.",
    411: "The body was chunked and has no Content-Length.",
    413: "The request body is too large.",
    415: "Unsupported media type.",
    429: "Too many requests: wait for the seconds in Retry-After.",
    500: "Server error.",
    503: "The database is unavailable: try again after the seconds in Retry-After.",
}


class ApiSchema(AutoSchema):
    """Reads `query_class`, `examples` and the first docstring line from the views."""

    def get_summary(self) -> str:
        return str(self.get_description()).partition("\n")[0].rstrip(".")

    def get_override_parameters(self) -> list[Any]:
        query = getattr(self.view, "query_class", None)
        return [query] if query and query().fields else []

    def get_examples(self) -> list[OpenApiExample]:
        return list(getattr(self.view, "examples", ()))

    def _get_request_body(self, direction: Any = "request") -> dict[str, Any] | None:
        body: dict[str, Any] | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        return body and body | {"required": True}

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for body in bodies.values():
            body |= {"description": body["description"] or "Done.", "headers": _LIMITS}
        return bodies | {str(code): _problem(code) for code in self._problems()}

    def _problems(self) -> list[int]:
        has_body = self.method in {"PUT", "POST"}
        names_things = has_body or "{" in self.path or self._is_list_view()
        applies = {
            400: has_body or bool(self._get_parameters()),
            404: names_things,  # a list answers 404 to an invalid cursor
            411: has_body,
            413: has_body,
            415: has_body,
        }
        return [code for code in _PROBLEMS if applies.get(code, True)]


@cache
def openapi() -> dict[str, Any]:
    """Generated once; it is the same for all callers."""
    with translation.override("en"):
        generator = _Generator(urlconf="messages.api.urls")
        schema: dict[str, Any] = generator.get_schema(public=True)
    schema["components"]["schemas"]["Problem"] = _PROBLEM
    return schema


def _problem(code: int) -> dict[str, Any]:
    # Only the view knows the caller's limits, and server errors do not come from the view.
    limits = _LIMITS if code < 500 else {}
    waiting = {"Retry-After": _NUMBER} if code in {429, 503} else {}
    return {
        "description": _PROBLEMS[code],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "headers": limits | waiting,
    }
