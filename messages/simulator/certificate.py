"""A self-signed certificate, for a simulator that is called over https."""

import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFETIME = timedelta(days=30)


def make_context(certificate_file: Path, lifetime: timedelta = _LIFETIME) -> ssl.SSLContext:
    """Write a new certificate for 127.0.0.1 and localhost, and return a context to serve with it.

    It is valid since an hour ago, so a negative lifetime makes an expired one.
    Clients must trust the file. The key is on the disk only until it is loaded.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate_file.write_bytes(_certify(key, lifetime).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as key_file:
        key_file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        key_file.flush()
        context.load_cert_chain(certificate_file, key_file.name)
    return context


def _certify(key: ec.EllipticCurvePrivateKey, lifetime: timedelta) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Z-API simulator")])
    addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
