"""Forged passkey responses are refused and never cause a server error."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from fido2.cose import ES256
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from tests.attacks.fuzz import JSON_AWKWARD
from tests.plugins.accounts import is_signed_in, sign_in
from tests.plugins.pages import HttpsClient

FLAG = AuthenticatorData.FLAG
ADD = "/account/two-factor/webauthn/add/"
LOGIN = "/account/two-factor/webauthn/login/"
REAUTHENTICATE = "/account/two-factor/webauthn/reauthenticate/"
ID = b"a-credential-of-ana"
# Invalid JSON documents. ODD contains values that replace one part of a valid response.
UNREADABLE = {
    "endless number": "1" * 5000,
    "endless nesting": "[" * 50_000,
    "half of a character": '{"response": "\\ud800"}',
    "no number": "NaN",
    "nothing": "null",
    "list": "[]",
    "text": '"x"',
    "empty": "{}",
    "without parts": '{"response": 1}',
}
NOTHING_OF = (b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 3000, b"\xa3\x01\x02", b"\xbf" * 99)


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


ODD = [
    *(odd for odd in JSON_AWKWARD if odd != "x" * 70_000),
    *("", "\0", "\ud800", "!", "A", "A" * 300, "٣", *map(text_of, NOTHING_OF)),
]


class Passkey:
    """A software passkey that creates the responses of a browser."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, challenge: str) -> dict[str, Any]:
        public = ES256.from_cryptography_key(self._key.public_key())
        attested = AttestedCredentialData.create(b"\0" * 16, ID, public)
        data = AuthenticatorData.create(self._host(), FLAG.UP | FLAG.UV | FLAG.AT, 0, attested)
        attestation = AttestationObject.create("none", data, {})
        client = self._client("webauthn.create", challenge)
        return self._answer(clientDataJSON=client, attestationObject=bytes(attestation))

    def get(self, challenge: str, user: User) -> dict[str, Any]:
        data = bytes(AuthenticatorData.create(self._host(), FLAG.UP | FLAG.UV, 0))
        client = self._client("webauthn.get", challenge)
        signed = data + hashlib.sha256(client).digest()
        signature = self._key.sign(signed, ec.ECDSA(hashes.SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._answer(**parts, userHandle=user_pk_to_url_str(user).encode())

    @staticmethod
    def _host() -> bytes:
        return hashlib.sha256(b"testserver").digest()

    @staticmethod
    def _client(kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": "https://testserver"}
        return json.dumps(said | {"crossOrigin": False}).encode()

    @staticmethod
    def _answer(**parts: bytes) -> dict[str, Any]:
        return {
            "id": text_of(ID),
            "rawId": text_of(ID),
            "type": "public-key",
            "response": {name: text_of(part) for name, part in parts.items()},
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
        }


def challenge_of(browser: Client, page: str) -> str:
    answer = browser.get(page, headers={"x-requested-with": "XMLHttpRequest"})
    assert answer.status_code == 200, answer.headers
    return str(browser.session["mfa.webauthn.state"]["challenge"])


def faulty(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the response with one part missing or invalid."""
    for part in (answer, answer["response"]):
        for name, right in list(part.items()):
            for odd in [*ODD, None]:
                part[name] = odd
                yield answer
                part[name] = right
            del part[name]
            yield answer
            part[name] = right


@pytest.fixture
def passkey() -> Passkey:
    return Passkey()


@pytest.fixture
def signed_in(ana) -> Client:
    client = HttpsClient()
    sign_in(client)
    return client


@pytest.fixture
def _enrolled(signed_in, passkey):
    credential = json.dumps(passkey.create(challenge_of(signed_in, ADD)))
    signed_in.post(ADD, {"name": "x", "credential": credential, "passwordless": "on"})
    assert Authenticator.objects.filter(type="webauthn").exists()


def offer(browser: Client, page: str, answer: dict[str, Any], state: Any) -> int:
    """Post a response to a still valid challenge and return the status. Rate limits are reset."""
    cache.clear()
    session = browser.session
    session["mfa.webauthn.state"] = state
    session.save()
    fields = {"name": "x", "credential": json.dumps(answer)}
    return browser.post(page, fields).status_code


def test_malformed_passkey_registration_causes_no_server_error(signed_in, passkey):
    right = passkey.create(challenge_of(signed_in, ADD))
    state = signed_in.session["mfa.webauthn.state"]
    statuses = {offer(signed_in, ADD, answer, state) for answer in faulty(right)}
    assert statuses <= {200, 302}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_passkey_registration_with_invalid_json_adds_no_passkey(signed_in, text):
    challenge_of(signed_in, ADD)
    assert signed_in.post(ADD, {"name": "x", "credential": text}).status_code == 200
    assert not Authenticator.objects.exists()


@pytest.mark.usefixtures("_enrolled")
def test_software_passkey_signs_in(ana, passkey):
    """Without this, the tests below would pass even if every response were refused."""
    stranger = HttpsClient()
    challenge = challenge_of(stranger, LOGIN)
    stranger.post(LOGIN, {"credential": json.dumps(passkey.get(challenge, ana))})
    assert is_signed_in(stranger)


@pytest.mark.usefixtures("_enrolled")
def test_malformed_passkey_sign_in_causes_no_server_error(ana, passkey):
    stranger = HttpsClient()
    right = passkey.get(challenge_of(stranger, LOGIN), ana)
    state = stranger.session["mfa.webauthn.state"]
    statuses = {offer(stranger, LOGIN, answer, state) for answer in faulty(right)}
    assert statuses == {302}  # redirect to the sign-in page or to the start page


@pytest.mark.usefixtures("_enrolled")
def test_passkey_answer_signed_by_another_key_does_not_sign_in(ana):
    stranger = HttpsClient()
    challenge = challenge_of(stranger, LOGIN)
    stranger.post(LOGIN, {"credential": json.dumps(Passkey().get(challenge, ana))})
    assert not is_signed_in(stranger)


@pytest.mark.usefixtures("_enrolled")
@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("page", [LOGIN, REAUTHENTICATE])
def test_passkey_answer_with_invalid_json_does_not_sign_in(signed_in, page, text):
    client = HttpsClient() if page == LOGIN else signed_in
    client.get(page)
    assert client.post(page, {"credential": text}).status_code < 500
    assert client is signed_in or not is_signed_in(client)
