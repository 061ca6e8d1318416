"""Authentication of API keys. People use the session of their browser."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from messages.accounts.api_keys import KeyHolder, holder_of
from messages.models import ApiKey


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer sb_…`; without it, other authentication classes are tried."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        scheme, _space, credentials = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        holder = holder_of(credentials.strip().decode("latin-1"))
        if holder is None:
            raise AuthenticationFailed(_("Unknown, expired or revoked API key."))
        return holder, holder.key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Statusboard"'


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes KeyAuthentication in the schema."""

    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A Statusboard API key."}
