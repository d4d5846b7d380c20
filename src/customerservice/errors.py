"""Every error this package raises, as one family.

```
CustomerServiceError
├── InvalidValue (ValueError)            a value that cannot exist, with the field that is wrong
│   ├── InvalidMailboxName               a mailbox string that contradicts itself
│   └── UnknownStatus                    a status that is not one of the allowed ones
├── NotFound (LookupError)               no such thing in the shops of the caller
├── NotAllowed (PermissionError)         the actor may not do this
├── Refused                              a rule of the help desk says no; nothing was changed
├── Conflict                             somebody else changed it first; read again and retry
├── OwnTransactionNeeded                 the operation commits by itself and cannot join a host's transaction
├── SigningKeyNeeded                     no key to sign reply addresses with
├── MissingExtra (ImportError)           an optional package is not installed
├── StorageError
│   ├── StorageUnavailable               cannot be opened or reached just now
│   ├── SchemaOutdated                   older than this code: run ``customerservice db upgrade``
│   ├── SchemaTooNew                     newer than this code: upgrade the package
│   ├── StoredBytesLost                  a blob is missing or its bytes changed
│   └── LeaseLost                        another worker took over
└── TransportError                       a mail server could not be used, with the stage that failed
    ├── ConnectionFailed
    ├── TlsFailed
    │   └── CertificateRejected
    ├── InsecureConnection               the session would be clear text and nobody allowed that
    ├── AuthenticationFailed
    ├── FolderUnavailable
    ├── ServerMisbehaved                 an answer outside the protocol
    ├── ServerBusy                       try later (limits, maintenance)
    └── DeadlineExceeded
```

A class says the kind, attributes carry the data, the text says what happened, to which thing, and what to do. No text
holds a password, a token or a mail body. `temporary` tells whether the same call can succeed later.
"""

from typing import ClassVar


class CustomerServiceError(Exception):
    """Something this package foresaw."""

    #: Whether the same call can succeed later without any change by the caller.
    temporary: ClassVar[bool] = False


class InvalidValue(CustomerServiceError, ValueError):
    """A value that cannot exist.

    Attributes:
        field: the argument or column that is wrong.
        reason: what is wrong with it and what would be right.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class InvalidMailboxName(InvalidValue):
    """A mailbox string (``{host:143/imap/tls}INBOX``) that is malformed or contradicts itself."""


class UnknownStatus(InvalidValue):
    """A status that is not one of the allowed ones; the text names those."""


class NotFound(CustomerServiceError, LookupError):
    """No such thing within the shops of the caller; whether it exists elsewhere is not said.

    Attributes:
        kind: what was looked for (``"thread"``).
        key: by which id.
    """

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"no {kind} {key}")
        self.kind = kind
        self.key = key


class NotAllowed(CustomerServiceError, PermissionError):
    """The actor may not do this."""


class Refused(CustomerServiceError):
    """A rule of the help desk says no; nothing was changed.

    Attributes:
        rule: a short constant naming the rule (``"no-address"``).
    """

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(text)
        self.rule = rule


class Conflict(CustomerServiceError):
    """Somebody else changed it first; read it again and decide again."""

    temporary = True

    def __init__(self, kind: str, key: object) -> None:
        super().__init__(f"{kind} {key} was changed by somebody else in the meantime; read it again")
        self.kind = kind
        self.key = key


class OwnTransactionNeeded(CustomerServiceError):
    """The operation commits by itself, so it cannot run inside a host's transaction (`HelpDesk.join`)."""


class SigningKeyNeeded(CustomerServiceError):
    """There is no key to sign reply addresses with; pass ``keys=`` or a key file."""


class MissingExtra(CustomerServiceError, ImportError):
    """An optional package is not installed; the text names the ``pip install`` that brings it."""

    def __init__(self, extra: str, wanted_for: str) -> None:
        super().__init__(f"{wanted_for} needs: pip install 'customerservice[{extra}]'")
        self.extra = extra


class StorageError(CustomerServiceError):
    """The storage could not do what was asked."""


class StorageUnavailable(StorageError):
    """The storage cannot be opened or reached just now, or is busy or full."""

    temporary = True


class SchemaOutdated(StorageError):
    """The tables are older than this code; ``customerservice db upgrade`` brings them up."""


class SchemaTooNew(StorageError):
    """The tables are newer than this code; upgrade the package before touching them."""


class StoredBytesLost(StorageError):
    """A stored blob is missing, or its bytes no longer have the digest they were stored under."""


class LeaseLost(StorageError):
    """Another worker holds the lease now; what this worker had not committed is dropped."""

    temporary = True


class TransportError(CustomerServiceError):
    """A mail server could not be used.

    Attributes:
        stage: where it failed: ``resolve connect tls login select list fetch acknowledge send``.
    """

    def __init__(self, stage: str, text: str) -> None:
        super().__init__(text)
        self.stage = stage


class ConnectionFailed(TransportError):
    """The server could not be reached, or the connection broke."""

    temporary = True


class TlsFailed(TransportError):
    """TLS was demanded and could not be had; nothing secret was sent."""


class CertificateRejected(TlsFailed):
    """The server's certificate is expired, self-signed, unknown or for another name."""


class InsecureConnection(TransportError):
    """Going on would send a secret in clear text, and the mailbox does not say ``allow_clear_text``."""


class AuthenticationFailed(TransportError):
    """The server refused the user name with this secret; it was tried once."""


class FolderUnavailable(TransportError):
    """The folder does not exist or may not be opened."""


class ServerMisbehaved(TransportError):
    """The server answered outside its protocol; the connection was dropped."""

    temporary = True


class ServerBusy(TransportError):
    """The server asks to come back later."""

    temporary = True


class DeadlineExceeded(TransportError):
    """The operation, or the whole run, took longer than its budget."""

    temporary = True
