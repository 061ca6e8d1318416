"""PUBLIC_BASE_URL as Z-API sees it: name, certificate, webhook, clock."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import mktime_tz, parsedate_tz
from typing import Final

import certifi
from django.conf import settings

from messages.net import Answer, Failure, PostFailedError, SafeHttpClient, parse_url
from messages.net.url_guard import ParsedUrl, UnsafeUrlError, is_public
from messages.zapi.client import ZapiError, probe

from .findings import Finding, ok, problem, warning

_TIMEOUT: Final = 8.0  # seconds
_UNSET: Final = "Set PUBLIC_BASE_URL=https://status.example.com in the environment or in .env."
# The answer of the webhook endpoint to an unknown key.
_NOT_FOUND: Final = {"error": "Webhook not found."}
_RENEW_BEFORE: Final = timedelta(days=14)
# In seconds. A Date header has whole seconds.
_SMALL_ERROR, _LARGE_ERROR = 5, 60
# OpenSSL's codes (X509_V_ERR_…).
_NOT_YET_VALID, _EXPIRED, _NAMES = 9, 10, {62, 63, 64}
_SELF_SIGNED, _UNKNOWN_ISSUER = {18, 19}, {2, 20, 21}


def dns() -> Iterator[Finding]:
    url = _url()
    if not url:
        yield problem(f"PUBLIC_BASE_URL is empty or not a URL, so Z-API cannot call it. {_UNSET}")
        return
    try:
        found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except OSError:
        yield problem(
            f"The name {url.host} is not found. Create an A or AAAA record with this server's "
            "public IP, or check this server's DNS settings."
        )
        return
    ips = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    shown = ", ".join(ips)
    if all(map(is_public, ips)):
        yield ok(f"{url.host} has the IP {shown}.")
    else:
        yield warning(
            f"{url.host} has the IP {shown} here, which Z-API cannot reach. Check that public DNS "
            "has this server's public IP."
        )


def certificate(ca_file: str) -> Iterator[Finding]:
    url = _url()
    if not url or not url.is_https:
        yield problem(f"Z-API only calls https URLs. {_UNSET}")
        return
    context = ssl.create_default_context(cafile=ca_file or certifi.where())
    try:
        with (
            socket.create_connection((url.host, url.port), _TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=url.host) as connection,
        ):
            found = connection.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        yield problem(_why_not_trusted(url.host, error))
    except ssl.SSLError:
        yield problem(f"{_place(url)} does not speak TLS. Let the proxy serve https at this port.")
    except OSError:
        yield problem(_unreachable(url))
    else:
        yield _expiry(str(found["notBefore"]), str(found["notAfter"]))


def webhook(ca_file: str) -> Iterator[Finding]:
    """Send a callback with an unknown key through the public URL."""
    url = _url()
    if not url:
        yield problem(f"Not checked without PUBLIC_BASE_URL. {_UNSET}")
        return
    try:
        answer = _post(ca_file)
    except PostFailedError as error:
        yield problem(_why_no_answer(url, error.failure))
        return
    yield _judge(answer)


def clock(ca_file: str) -> Iterator[Finding]:
    """Compare this server's clock with the Date header of Z-API and of PUBLIC_BASE_URL."""
    errors: list[float] = []
    for ask in (probe, lambda: _post(ca_file).date):
        with suppress(ZapiError, PostFailedError):
            error = _clock_error(ask)
            errors += [] if error is None else [error]
    if not errors:
        yield warning("No server told the time. Check the clock yourself with timedatectl.")
        return
    worst = max(errors, key=abs)
    if abs(worst) <= _SMALL_ERROR:
        yield ok("This server's clock agrees with other servers.")
        return
    text = (
        f"This server's clock is {abs(worst):.0f} seconds {'fast' if worst > 0 else 'slow'}. Turn "
        "on time synchronisation: timedatectl set-ntp true."
    )
    yield problem(text) if abs(worst) > _LARGE_ERROR else warning(text)


def _url() -> ParsedUrl | None:
    try:
        return parse_url(settings.PUBLIC_BASE_URL, allow_private=True)
    except UnsafeUrlError:
        return None


def _place(url: ParsedUrl) -> str:
    return f"{url.host}, port {url.port},"


def _post(ca_file: str) -> Answer:
    url = f"{settings.PUBLIC_BASE_URL}/webhooks/zapi/doctor/"
    options = {"ca_file": ca_file, "allow_private": True}
    with SafeHttpClient(url, whole_timeout=_TIMEOUT, **options) as client:  # type: ignore[arg-type]
        return client.post(b"{}", {"Content-Type": "application/json"})


def _unreachable(url: ParsedUrl) -> str:
    return (
        f"{_place(url)} cannot be reached from this server. Start the proxy, open the port in the "
        "firewall, and check the IP in DNS."
    )


def _why_not_trusted(host: str, error: ssl.SSLCertVerificationError) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return "The certificate has expired. Renew it and reload the proxy."
    if code == _NOT_YET_VALID:
        return "The certificate is not valid yet. Check this server's clock, or get another one."
    if code in _NAMES:
        return f"The certificate is not for {host}. Get one for this name."
    if code in _SELF_SIGNED:
        return "The certificate is self-signed, so Z-API refuses it. Get one from a public CA."
    if code in _UNKNOWN_ISSUER:
        return (
            "The certificate's issuer is not known. Use a public CA, and let the proxy send the "
            "whole chain (fullchain.pem)."
        )
    return f"The certificate is not trusted ({error.verify_message}). Get another one."


def _expiry(begins: str, ends: str) -> Finding:
    begin, end = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC) for text in (begins, ends)
    )
    left = end - datetime.now(UTC)
    # A certificate for a few days is renewed later.
    if left < min(_RENEW_BEFORE, (end - begin) / 4):
        return warning(
            f"The certificate expires on {end:%Y-%m-%d}, in {left.days} days. Renew it now, and "
            "check why it was not renewed automatically."
        )
    return ok(f"The certificate is valid until {end:%Y-%m-%d}.")


def _why_no_answer(url: ParsedUrl, failure: Failure) -> str:
    if failure is Failure.NOT_TRUSTED:
        return "The certificate is not trusted. See the check of the certificate."
    if failure is Failure.TOO_SLOW:
        return (
            f"{_place(url)} did not answer in {_TIMEOUT:g} seconds. Check the proxy, the web "
            "server and the firewall."
        )
    return _unreachable(url)


def _judge(answer: Answer) -> Finding:
    try:
        is_ours = json.loads(answer.body) == _NOT_FOUND
    except (ValueError, RecursionError):
        is_ours = False
    status = answer.status
    if status == 404 and is_ours:
        return ok("The webhook answers through PUBLIC_BASE_URL.")
    if 300 <= status < 400:
        return problem(
            f"The webhook answers with a redirect ({status}), which loses callbacks. Let the proxy "
            "pass /webhooks/ on without a redirect, and use the final host name in PUBLIC_BASE_URL."
        )
    if status in {401, 403}:
        return problem(
            f"Something in front of the webhook refuses callers ({status}). Exclude /webhooks/ "
            "from passwords and from rules of the firewall."
        )
    if status == 429:
        return warning("The webhook limits this server's wrong keys. Try again in a minute.")
    if status in {502, 503, 504}:
        return problem(
            f"The proxy answers {status}, because it does not reach the web server. Start it, and "
            "check the address in the proxy's configuration."
        )
    return problem(
        f"Another answer than Statusboard's came from PUBLIC_BASE_URL (status {status}). Let the "
        "proxy pass this host name to Statusboard."
    )


def _clock_error(ask: Callable[[], str]) -> float | None:
    """By how many seconds this clock is fast; None if the answer has no valid date."""
    before = time.time()
    date = ask()
    after = time.time()
    with suppress(ValueError, OverflowError, TypeError):
        parsed = parsedate_tz(date)
        if parsed:
            told = mktime_tz(parsed)
            # The Date header has whole seconds. The server wrote it at some time
            # between `before` and `after`.
            if before - 1 <= told <= after:
                return 0.0
            return before - 1 - told if told < before else after - told
    return None
