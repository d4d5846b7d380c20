"""Mailbox strings such as ``{mail.example:993/imap/ssl}INBOX``: what each part means and which parts contradict.

The grammar is that of the c-client library, which PHP's ``imap_open`` and shop software built on it use. Parsing
accepts the whole grammar; `ImapOptions.check` then says what cannot be meant, so that a person sees every contradiction
at once.
"""

import enum
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from customerservice.errors import InsecureConnection, InvalidMailboxName

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

IMAP: Final = "imap"
POP3: Final = "pop3"

_SERVICE_NAMES: Final = {
    "imap": IMAP,
    "imap2": IMAP,
    "imap2bis": IMAP,
    "imap4": IMAP,
    "imap4rev1": IMAP,
    "pop3": POP3,
    "pop": POP3,
    "nntp": "nntp",
}
_BARE_SERVICES: Final = (IMAP, POP3, "nntp")

#: Clear or STARTTLS port, and port with TLS from the first byte.
_DEFAULT_PORTS: Final = {
    IMAP: (143, 993),
    POP3: (110, 995),
    "nntp": (119, 563),
    "smtp": (25, 465),
    "submit": (587, 587),
}

#: Switch to attribute, in the order they are rendered.
_FLAGS: Final = {
    "anonymous": "anonymous",
    "debug": "debug",
    "secure": "secure",
    "norsh": "norsh",
    "ssl": "ssl",
    "tls": "tls",
    "tls-sslv23": "tls_sslv23",
    "notls": "notls",
    "validate-cert": "validate_cert",
    "novalidate-cert": "novalidate_cert",
    "tryssl": "tryssl",
    "readonly": "readonly",
    "loser": "loser",
}

_NOT_IMAP: Final = "a service other than imap"

#: Parts that cannot stand together, in either order, and why.
_CONFLICTS: Final = (
    ("/ssl", "/tls", "TLS cannot start both with the first byte and later by STARTTLS; choose one"),
    ("/tls", "/notls", "STARTTLS is both required and forbidden; choose one"),
    ("/norsh", _NOT_IMAP, "it exists for IMAP only; leave /norsh out"),
    ("/validate-cert", "/novalidate-cert", "the certificate is both to be checked and not; leave /novalidate-cert out"),
    ("/readonly", "/pop3", "POP3 cannot open a mailbox read-only; leave /readonly out and keep the mail"),
    ("/anonymous", "/pop3", "POP3 has no anonymous log-in; leave /anonymous out"),
)

#: Flags that a person should think about again, and why.
_DOUBTFUL_FLAGS: Final = (
    ("/novalidate-cert", "the server's certificate is not checked, so anybody on the way can read along"),
    ("/debug", "has no effect here: no protocol trace is ever written"),
    ("/loser", "has no effect here"),
    ("/tryssl", "has no effect here: say /ssl or /tls"),
    ("/tls-sslv23", "has no effect here: the old handshake is never used"),
)

_MAX_HOST = 255
_MAX_SERVICE = 20
_MAX_USER = 64
_MAX_SWITCHES = 1023
_MAX_MAILBOX = 255

_HOST = re.compile(r"\[([^\]]*)\]|[^/:}]*")
_PORT = re.compile(r":([^/:}]*)")
_SWITCH = re.compile(r'/([^/:="}]*)(?:(=)(?:"((?:[^"\\]|\\.)*)"|([^/:}]*)))?', re.DOTALL)
_NEEDS_QUOTES = re.compile(r'[/:}"\\]')
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# A label never starts with a hyphen, so no host can ever look like an option of a program (CVE-2018-19518).
_LABEL = r"\w(?:[\w-]{0,61}\w)?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


class TlsMode(enum.Enum):
    """How a connection becomes private."""

    #: TLS from the first byte.
    IMPLICIT = "implicit"
    #: clear text until STARTTLS, which must succeed before anything else is said.
    STARTTLS_REQUIRED = "starttls"
    #: STARTTLS where the server offers it, else clear text; only where clear text is allowed.
    STARTTLS_IF_OFFERED = "starttls-if-offered"
    #: never TLS; only where clear text is allowed.
    CLEAR = "clear"


@attrs.frozen
class Findings:
    """What is wrong with a mailbox string, one sentence each: errors refuse it, warnings do not."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def _invalid(field: str, reason: str) -> InvalidMailboxName:
    return InvalidMailboxName(field, reason)


def _service_name(name: str) -> str:
    lowered = name.lower()
    return _SERVICE_NAMES.get(lowered, lowered)


def _show(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _printable(field: str, text: str, limit: int) -> None:
    if _UNPRINTABLE.search(text) is not None:
        raise _invalid(field, "control characters are not allowed")
    if len(text) > limit:
        raise _invalid(field, f"longer than {limit} characters")


@attrs.frozen(kw_only=True)
class ImapOptions:
    """One mailbox string, taken apart; equal values are the same string but for order and spelling of its switches.

    >>> ImapOptions.for_host("mail.example").with_port(993).with_ssl().render()
    '{mail.example:993/imap/ssl}'
    >>> ImapOptions.parse("{mail.example/pop3:995/SSL}").effective_port
    995

    Attributes:
        host: name or address of the server; an IPv6 address without its brackets.
        port: as written; None where it was left out, see `effective_port`.
        service: lower case; only ``imap`` and ``pop3`` can be opened.
        user: log-in name from ``/user=``; it wins over a name given beside the string.
        authuser: the account whose password is used to act for `user`.
        mailbox: the folder's name in Unicode; "" means INBOX.
        ssl: TLS from the first byte.
        tls: STARTTLS is required.
        notls: STARTTLS is never used.
        validate_cert: what happens anyway; kept because it contradicts `novalidate_cert`.
        novalidate_cert: neither chain nor name of the certificate are checked.
        norsh: kept and rendered, without effect: no shell is ever started.
        readonly: nothing is changed at the server.
        anonymous: log in without account.
        secure: never send a readable password.
        debug: without effect.
        loser: without effect.
        tryssl: without effect.
        tls_sslv23: without effect.
    """

    host: str
    port: int | None = None
    service: str = attrs.field(default=IMAP, converter=_service_name)
    user: str | None = None
    authuser: str | None = None
    mailbox: str = ""
    ssl: bool = False
    tls: bool = False
    notls: bool = False
    validate_cert: bool = False
    novalidate_cert: bool = False
    norsh: bool = False
    readonly: bool = False
    anonymous: bool = False
    secure: bool = False
    debug: bool = False
    loser: bool = False
    tryssl: bool = False
    tls_sslv23: bool = False

    def __attrs_post_init__(self) -> None:
        _check_host(self.host)
        if self.port is not None and not 1 <= self.port <= 65535:
            raise _invalid("port", f"{self.port} is not between 1 and 65535")
        if not self.service:
            raise _invalid("service", "empty")
        _printable("service", self.service, _MAX_SERVICE)
        for field, name in (("user", self.user), ("authuser", self.authuser)):
            if name is not None:
                if not name:
                    raise _invalid(field, "empty; leave the switch out")
                _printable(field, name, _MAX_USER)
        _printable("mailbox", self.mailbox, _MAX_MAILBOX)

    @classmethod
    def for_host(cls, host: str) -> Self:
        """Start from a host: IMAP, INBOX, no switches.

        Raises:
            InvalidMailboxName: neither a host name nor an address.
        """
        return cls(host=host)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a mailbox string.

        Contradictions of valid switches are not errors here, see `check`.

        Raises:
            InvalidMailboxName: outside the grammar, or the host is no host name or address; `reason` names the part.
        """
        if not text.startswith("{"):
            raise _invalid("mailbox string", "must look like {host:143/imap/tls}INBOX, but does not start with {")
        match = _HOST.match(text, 1)
        assert match is not None  # the pattern also matches nothing at all
        reader = _SwitchReader(host=match[0] if match[1] is None else match[1])
        if match[1] is not None and _address(match[1]) is None:
            raise _invalid("host", f"{_show(match[0])} holds no IP address")
        position = reader.read(text, match.end())
        if position - match.end() > _MAX_SWITCHES:
            raise _invalid("mailbox string", f"more than {_MAX_SWITCHES} characters between the host and }}")
        return cls(**reader.found, mailbox=text[position + 1 :])

    def render(self) -> str:
        """Give the canonical string; `parse` reads it back to an equal value."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        service = f"/{self.service}" if self.service in _BARE_SERVICES else f"/service={_quoted(self.service)}"
        user = "" if self.user is None else f"/user={_quoted(self.user)}"
        authuser = "" if self.authuser is None else f"/authuser={_quoted(self.authuser)}"
        return f"{{{host}{port}{service}{self.flags}{user}{authuser}}}{self.mailbox}"

    def __str__(self) -> str:
        return self.render()

    @property
    def flags(self) -> str:
        """The flags that are set, in canonical order, as ``/ssl/notls``, or ""; neither service nor users."""
        return "".join(f"/{switch}" for switch, attribute in _FLAGS.items() if getattr(self, attribute))

    @property
    def effective_port(self) -> int:
        """The port to connect to: the one given, else the service's default (R48: IMAP 143 or 993, POP3 110 or 995).

        Raises:
            InvalidMailboxName: no port is given and the service has no default.
        """
        if self.port is not None:
            return self.port
        try:
            return _DEFAULT_PORTS[self.service][self.ssl]
        except KeyError:
            raise _invalid("port", f"must be given, as the service {_show(self.service)} has no default port") from None

    @property
    def is_loopback(self) -> bool:
        """Whether the host can only be this machine: ``localhost``, 127.0.0.0/8 or ::1."""
        if self.host.lower().rstrip(".") == "localhost":
            return True
        address = _address(self.host)
        if address is None:
            return False
        # From Python 3.13 on a mapped ::ffff:127.0.0.1 counts as loopback; the answer must not depend on the version.
        return address.is_loopback and getattr(address, "ipv4_mapped", None) is None

    def with_port(self, port: int) -> Self:
        """Set the port."""
        return attrs.evolve(self, port=port)

    def with_mailbox(self, mailbox: str) -> Self:
        """Set the folder, by its name in Unicode; "" is INBOX."""
        return attrs.evolve(self, mailbox=mailbox)

    def with_user(self, user: str, *, authuser: str | None = None) -> Self:
        """Set the log-in name, and the account whose password is used to act for it."""
        return attrs.evolve(self, user=user, authuser=authuser)

    def with_service(self, service: str) -> Self:
        """Set the service."""
        return attrs.evolve(self, service=service)

    def with_pop3(self) -> Self:
        """Speak POP3 instead of IMAP."""
        return self.with_service(POP3)

    def with_ssl(self) -> Self:
        """Use TLS from the first byte."""
        return self.with_flag("ssl")

    def with_tls(self) -> Self:
        """Require STARTTLS."""
        return self.with_flag("tls")

    def with_notls(self) -> Self:
        """Never use STARTTLS."""
        return self.with_flag("notls")

    def with_novalidate_cert(self) -> Self:
        """Do not check the server's certificate."""
        return self.with_flag("novalidate-cert")

    def with_readonly(self) -> Self:
        """Change nothing at the server."""
        return self.with_flag("readonly")

    def with_flag(self, name: str) -> Self:
        """Set a flag by its switch name, as ``novalidate-cert``.

        Raises:
            InvalidMailboxName: no such flag.
        """
        attribute = _FLAGS.get(name.lower())
        if attribute is None:
            raise _invalid("flag", f"{_show(name)} is not one of {', '.join(_FLAGS)}")
        change: dict[str, Any] = {attribute: True}
        return attrs.evolve(self, **change)

    def check(self) -> Findings:
        """Find every contradiction (errors) and everything doubtful (warnings) in these options (R47, R50 to R54)."""
        parts = {f"/{switch}" for switch, attribute in _FLAGS.items() if getattr(self, attribute)}
        parts.add(f"/{self.service}")
        if self.service != IMAP:
            parts.add(_NOT_IMAP)
        errors = [
            f"{one} and {other.replace(_NOT_IMAP, f'/{self.service}')}: {why}"
            for one, other, why in _CONFLICTS
            if one in parts and other in parts
        ]
        if self.service not in (IMAP, POP3):
            errors.append(f"/service={self.service}: only imap and pop3 can be opened")
        warnings = [f"{flag}: {why}" for flag, why in _DOUBTFUL_FLAGS if flag in parts]
        warnings += [text for applies, text in _PORT_WARNINGS if applies(self)]
        if self.notls and not self.ssl and not self.is_loopback:
            warnings.append("/notls without /ssl: refused unless the mailbox allows clear text; use /ssl or /tls")
        return Findings(tuple(errors), tuple(warnings))

    def require_usable(self) -> None:
        """Do nothing if these options can be opened.

        Raises:
            InvalidMailboxName: they contradict themselves; `reason` holds every error of `check`.
        """
        errors = self.check().errors
        if errors:
            raise _invalid("mailbox string", "; ".join(errors))

    def tls_mode(self, *, allow_clear_text: bool) -> TlsMode:
        """Decide how the connection becomes private (R49); loopback counts as allowed.

        Raises:
            InsecureConnection: ``/notls`` without ``/ssl``, and nobody allowed clear text.
        """
        allowed = allow_clear_text or self.is_loopback
        if self.ssl:
            return TlsMode.IMPLICIT
        if self.tls:
            return TlsMode.STARTTLS_REQUIRED
        if not self.notls:
            return TlsMode.STARTTLS_IF_OFFERED if allowed else TlsMode.STARTTLS_REQUIRED
        if allowed:
            return TlsMode.CLEAR
        raise InsecureConnection(
            "tls", f"/notls would send the password to {self.host} in clear text; use /ssl or /tls, or allow clear text"
        )


_PORT_WARNINGS: Final[tuple[tuple[Callable[[ImapOptions], bool], str], ...]] = (
    (
        lambda options: options.ssl and options.port == 143,
        "/ssl on port 143: servers expect clear text there; leave the port out or use 993, or say /tls instead of /ssl",
    ),
    (
        lambda options: options.ssl and options.port == 110,
        "/ssl on port 110: servers expect clear text there; leave the port out or use 995, or say /tls instead of /ssl",
    ),
    (
        lambda options: not options.ssl and options.port == 993,
        "port 993 without /ssl: servers expect TLS from the first byte there; add /ssl",
    ),
    (
        lambda options: not options.ssl and options.port == 995,
        "port 995 without /ssl: servers expect TLS from the first byte there; add /ssl",
    ),
)


class _SwitchReader:
    """Collects the ports and switches of one string; each may stand anywhere between host and closing brace."""

    def __init__(self, host: str) -> None:
        self.found: dict[str, Any] = {"host": host}
        self._service_switch = ""

    def read(self, text: str, position: int) -> int:
        """Read from `position` on and give the position of the closing brace."""
        while text[position : position + 1] != "}":
            if match := _PORT.match(text, position):
                self._port(match[1])
            elif match := _SWITCH.match(text, position):
                self._switch(match)
            elif position == len(text):
                raise _invalid("mailbox string", "the closing } is missing")
            else:
                raise _invalid("mailbox string", f"{_show(text[position:])} stands where /, : or }} should")
            position = match.end()
        return position

    def _port(self, digits: str) -> None:
        if "port" in self.found:
            raise _invalid("port", f"two ports: {self.found['port']} and {_show(digits)}")
        # isdecimal and isdigit take digits of every script, which no server would read the same way
        if not digits.isascii() or not digits.isdigit() or len(digits) > 20:
            raise _invalid("port", f"{_show(digits)} is not a number")
        self.found["port"] = int(digits)

    def _switch(self, match: re.Match[str]) -> None:
        name = match[1].lower()
        switch = f"/{match[1]}"
        if match[2] is None:
            self._bare(name, switch)
            return
        if name not in ("service", "user", "authuser"):
            raise _invalid("switch", f"{_show(switch)} is not a switch that takes a value")
        if match[4] is not None and match[4].startswith('"'):
            raise _invalid("switch", f"the quotation mark after {switch}= is not closed")
        value = match[4] if match[3] is None else re.sub(r"\\(.)", r"\1", match[3], flags=re.DOTALL)
        if name == "service":
            self._service(value, f"{switch}={value}")
        elif name in self.found:
            raise _invalid(name, f"two values: {_show(self.found[name])} and {_show(value)}")
        else:
            self.found[name] = value

    def _bare(self, name: str, switch: str) -> None:
        if name in _SERVICE_NAMES:
            self._service(name, switch)
        elif name in _FLAGS:
            self.found[_FLAGS[name]] = True
        elif not name:
            raise _invalid("switch", "empty: there is nothing after a /")
        elif name in ("service", "user", "authuser"):
            raise _invalid("switch", f"{switch} needs a value, as in {switch}=name")
        else:
            raise _invalid("switch", f"{_show(switch)} is unknown")

    def _service(self, name: str, switch: str) -> None:
        if self._service_switch:
            raise _invalid("service", f"two services: {_show(self._service_switch)} and {_show(switch)}")
        self._service_switch = switch
        self.found["service"] = name


def _quoted(value: str) -> str:
    if _NEEDS_QUOTES.search(value) is None:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _address(text: str) -> "IPv4Address | IPv6Address | None":
    """Give the IP address the text is, without zone; None for a name."""
    import ipaddress  # as slow to import as this whole module, and needed for few hosts

    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


def _check_host(host: str) -> None:
    if not host:
        raise _invalid("host", "missing")
    if len(host) > _MAX_HOST:
        raise _invalid("host", f"longer than {_MAX_HOST} characters")
    if "oproxycommand" in host.lower():
        raise _invalid("host", "names an option of a remote shell; no shell is ever started")
    if _address(host) is None and _HOST_NAME.fullmatch(host) is None:
        raise _invalid("host", f"{_show(host)} is neither a host name nor an address")
