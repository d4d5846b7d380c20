"""Tests a mailbox stage by stage and says what to do about the one that fails (R56)."""

import enum
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from customerservice.adapters.transports.connection import CLEAR_TEXT, NOT_VALIDATED, TimeLimits, Wire, resolve
from customerservice.domain.imap_options import ImapOptions, TlsMode
from customerservice.errors import (
    AuthenticationFailed,
    CertificateRejected,
    ConnectionFailed,
    DeadlineExceeded,
    FolderUnavailable,
    InsecureConnection,
    ServerBusy,
    ServerMisbehaved,
    TlsFailed,
    TransportError,
)
from customerservice.ports.transports import MailSource


class Stage(enum.Enum):
    """One stage of reaching a mailbox, in their order."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    CERTIFICATE = "certificate"
    LOG_IN = "log-in"
    FOLDER = "folder"
    COUNT = "count"


@attrs.frozen(kw_only=True)
class StageResult:
    """What one stage gave.

    Attributes:
        ok: whether it worked; None if it was not reached, or does not apply.
        text: what was found, one sentence without secrets.
        advice: what to do about a failure; "" otherwise.
    """

    stage: Stage
    ok: bool | None
    text: str
    advice: str = ""


#: What to do, by the kind of failure; the first that fits.
_ADVICE: Final[tuple[tuple[type[TransportError], str], ...]] = (
    (
        CertificateRejected,
        "have the certificate put right, or trust its issuer on this machine; /novalidate-cert is a risk",
    ),
    (TlsFailed, "use /ssl on port 993 (POP3: 995), /tls on port 143 (POP3: 110), and ask the provider which it offers"),
    (InsecureConnection, "use /ssl or /tls; allow clear text only in a network you trust"),
    (
        AuthenticationFailed,
        "check user and password; many providers want an app password or OAuth, and IMAP switched on",
    ),
    (FolderUnavailable, "check the folder's name, its upper and lower case, and that the account may open it"),
    (ServerBusy, "wait, and close other programs that keep this mailbox open"),
    (DeadlineExceeded, "check host and port; a firewall may drop the connection silently"),
    (ConnectionFailed, "check host and port, and that a firewall lets this machine out"),
    (ServerMisbehaved, "check that the port is the one of this service; else tell the provider"),
)

#: Where in our order an error's stage belongs.
_STAGE_OF: Final = {
    "resolve": Stage.RESOLVE,
    "connect": Stage.CONNECT,
    "tls": Stage.TLS,
    "login": Stage.LOG_IN,
    "select": Stage.FOLDER,
    "list": Stage.COUNT,
}


def diagnose(
    options: ImapOptions, source: MailSource, *, allow_clear_text: bool = False, limits: TimeLimits | None = None
) -> Iterator[StageResult]:
    """Give the result of each `Stage`, in their order and each once, as it becomes known.

    Connects twice: once to see that something is there, once by `source`, which logs in once and opens the folder.
    Nothing at the server is changed.

    Raises:
        InvalidMailboxName: the options cannot be used at all; nothing was connected.
    """
    options.require_usable()
    port = options.effective_port
    left = list(Stage)
    try:
        addresses = resolve(options.host, port)
        found = ", ".join(dict.fromkeys(str(address[0]) for _, address in addresses))
        yield StageResult(stage=left.pop(0), ok=True, text=f"{options.host} is {found}")
        Wire.connect_to(addresses, host=options.host, port=port, limits=limits or TimeLimits()).close()
        yield StageResult(stage=left.pop(0), ok=True, text=f"something answers on port {port}")
        mode = options.tls_mode(allow_clear_text=allow_clear_text)
        with source.open() as session:
            state = session.state
            count = state.count
            if count is None:
                count = sum(len(window) for window in session.listing(after=0))
    except TransportError as error:
        yield from _failed(error, left, options)
        return
    yield from _secured(options, None if CLEAR_TEXT in state.warnings else mode)
    yield StageResult(stage=Stage.LOG_IN, ok=True, text="the server knows this user and secret")
    yield StageResult(stage=Stage.FOLDER, ok=True, text="it can be read" + ("" if state.read_only else " and changed"))
    yield StageResult(stage=Stage.COUNT, ok=True, text="1 mail" if count == 1 else f"{count} mails")


def _failed(error: TransportError, left: Sequence[Stage], options: ImapOptions) -> Iterator[StageResult]:
    """Give the results of the stages that are left, one of which failed with `error`."""
    failing = Stage.CERTIFICATE if isinstance(error, CertificateRejected) else _STAGE_OF.get(error.stage, Stage.COUNT)
    advice = next((words for kind, words in _ADVICE if isinstance(error, kind)), "")
    order = list(Stage)
    if order.index(failing) > order.index(Stage.CERTIFICATE):
        # how far TLS got is not told by an error that came after it
        mode = TlsMode.IMPLICIT if options.ssl else TlsMode.STARTTLS_REQUIRED if options.tls else None
        yield from _secured(options, mode)
        left = [stage for stage in left if stage not in (Stage.TLS, Stage.CERTIFICATE)]
    for stage in left:
        if stage is failing:
            yield StageResult(stage=stage, ok=False, text=str(error), advice=advice)
        elif order.index(stage) < order.index(failing):
            yield StageResult(stage=stage, ok=True, text="fine")
        else:
            yield StageResult(stage=stage, ok=None, text="not reached")


def _secured(options: ImapOptions, mode: TlsMode | None) -> Iterator[StageResult]:
    """Give the results of TLS and certificate for a connection secured in this mode; None for clear or unknown."""
    if mode is None:
        yield StageResult(stage=Stage.TLS, ok=None, text="not demanded: the connection may be clear text")
        yield StageResult(stage=Stage.CERTIFICATE, ok=None, text="not demanded")
        return
    how = "from the first byte" if mode is TlsMode.IMPLICIT else "after STARTTLS or STLS"
    yield StageResult(stage=Stage.TLS, ok=True, text=f"the connection is encrypted {how}")
    if options.novalidate_cert:
        yield StageResult(stage=Stage.CERTIFICATE, ok=None, text=NOT_VALIDATED)
    else:
        yield StageResult(stage=Stage.CERTIFICATE, ok=True, text=f"it is valid for {options.host}")
