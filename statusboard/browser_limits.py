"""What a browser may do with a page: the headers that Django does not set."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# What pages may ask of a browser: passkeys, and nothing else that a browser offers.
_OWN = ("publickey-credentials-create", "publickey-credentials-get", "clipboard-write")
_NONE = ["accelerometer", "autoplay", "browsing-topics", "camera", "display-capture"]
_NONE += ["encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "idle-detection"]
_NONE += ["local-fonts", "magnetometer", "microphone", "midi", "payment", "picture-in-picture"]
_NONE += ["screen-wake-lock", "serial", "usb", "xr-spatial-tracking"]
_PERMISSIONS = ", ".join([*(f"{name}=(self)" for name in _OWN), *(f"{name}=()" for name in _NONE)])


class BrowserLimitsMiddleware:
    """What pages may use, that no other site may use them, and that no browser keeps them.

    A kept page would show messages to whoever goes back to it after the sign-out. Static files are
    answered before this middleware and may be kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if "no-store" not in response.headers.get("Cache-Control", ""):
            response.headers["Cache-Control"] = "no-store"
        return response
