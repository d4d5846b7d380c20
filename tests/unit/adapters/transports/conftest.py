"""Throw-away certificates, good and bad, for servers on loopback."""

import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

pytest.register_assert_rewrite("customerservice.testing.sender_contract", "customerservice.testing.transport_contract")


class Certificates:
    """An authority that one client context trusts, and server contexts of every sort."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        self.trust = ssl.create_default_context()
        self._authority.configure_trust(self.trust)
        self._made: dict[str, ssl.SSLContext] = {}
        self._makers: dict[str, Callable[[ssl.SSLContext], None]] = {
            "good": self._authority.issue_cert("localhost", "127.0.0.1").configure_cert,
            "wrong name": self._authority.issue_cert("other.example").configure_cert,
            "unknown authority": trustme.CA().issue_cert("127.0.0.1").configure_cert,
            "expired": self._expired,
            "self-signed": self._self_signed,
        }

    def server(self, sort: str = "good") -> ssl.SSLContext:
        """Give a server's context: ``good``, ``wrong name``, ``unknown authority``, ``expired`` or ``self-signed``."""
        if sort not in self._made:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._makers[sort](context)
            self._made[sort] = context
        return self._made[sort]

    def _expired(self, context: ssl.SSLContext) -> None:
        long_ago = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
        self._authority.issue_cert(
            "127.0.0.1", not_before=long_ago, not_after=long_ago + dt.timedelta(days=1)
        ).configure_cert(context)

    def _self_signed(self, context: ssl.SSLContext) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .sign(key, hashes.SHA256())
        )
        path = self._folder / "self-signed.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(path)


@pytest.fixture(scope="session")
def outside_address() -> str:
    """Give an address of this machine that is not loopback, which counts as leaving the machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: this only asks which address would be used
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give the certificates of this test run."""
    return Certificates(tmp_path_factory.mktemp("certificates"))
