"""A mailbox the help desk reads: where it is, what is done with its mail, and how it fares."""

import datetime as dt
import enum
from typing import TYPE_CHECKING, Self

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ContactId, MailboxId, ShopId
from customerservice.domain.text import one_line
from customerservice.errors import InvalidValue

if TYPE_CHECKING:  # a help desk without a mailbox does without the grammar of their strings
    from customerservice.domain.imap_options import ImapOptions

#: Mail over this size is recorded, not fetched, unless the mailbox says otherwise (R30), in bytes.
DEFAULT_SIZE_LIMIT = 50 * 1024 * 1024

#: The largest size limit a mailbox can have, in bytes: what a storage can keep as a number.
LARGEST_SIZE_LIMIT = 2**63 - 1


class AfterFetchKind(enum.Enum):
    """What happens at the server to a mail that is stored (R32)."""

    KEEP = "keep"
    SEEN = "seen"
    MOVE = "move"
    DELETE = "delete"


@attrs.frozen
class AfterFetch:
    """What happens at the server to a mail that is stored (R32); `folder` is set exactly for MOVE."""

    kind: AfterFetchKind = AfterFetchKind.KEEP
    folder: str | None = None

    def __attrs_post_init__(self) -> None:
        if (self.kind is AfterFetchKind.MOVE) != (self.folder is not None):
            raise InvalidValue("after_fetch", "a folder belongs to move, and to move only")
        if self.folder is not None and (not self.folder or not self.folder.isprintable() or len(self.folder) > 255):
            raise InvalidValue("after_fetch", "the folder's name must be 1 to 255 printable characters")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``keep``, ``seen``, ``delete`` or ``move:FOLDER``."""
        name, _, folder = text.partition(":")
        try:
            kind = AfterFetchKind(name)
        except ValueError:
            raise InvalidValue("after_fetch", f"{name!r} is not one of keep, seen, delete, move:FOLDER") from None
        return cls(kind, folder or None)

    def __str__(self) -> str:
        return self.kind.value if self.folder is None else f"{self.kind.value}:{self.folder}"


@attrs.frozen
class FirstSync:
    """Where the first sync of a mailbox starts (R27): now (`everything` false, no day), a day, or the beginning."""

    everything: bool = False
    since: dt.date | None = None

    def __attrs_post_init__(self) -> None:
        if self.everything and self.since is not None:
            raise InvalidValue("first_sync", "either from the beginning or from a day")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``now``, ``all`` or a day as YYYY-MM-DD."""
        if text in ("now", "all"):
            return cls(everything=text == "all")
        try:
            return cls(since=dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).date())
        except ValueError:
            raise InvalidValue("first_sync", f"{text!r} is not one of now, all, YYYY-MM-DD") from None

    def __str__(self) -> str:
        if self.since is not None:
            return self.since.isoformat()
        return "all" if self.everything else "now"


class SecretKind(enum.Enum):
    """Where a mailbox's secret is kept."""

    ENVIRONMENT = "env"
    FILE = "file"
    #: a callable that the host registered under this name.
    CALLABLE = "callable"


@attrs.frozen
class SecretRef:
    """Where a secret is kept; never the secret itself (R44, R55).

    Attributes:
        name: of the environment variable, path of the file, or name of the registered callable.
        oauth: the secret is an OAuth 2 access token rather than a password.
    """

    kind: SecretKind
    name: str
    oauth: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.name or not self.name.isprintable():
            raise InvalidValue("secret", "name the environment variable, file or callable that holds it")


@attrs.frozen(kw_only=True)
class MailboxHealth:
    """How the last syncs went.

    Attributes:
        last_success_at: aware UTC; None before the first.
        last_error: text of the last failure, None after a success.
        errors_in_a_row: 0 after a success.
    """

    last_success_at: dt.datetime | None = None
    last_error: str | None = None
    last_error_at: dt.datetime | None = None
    errors_in_a_row: int = 0

    def succeeded(self, now: dt.datetime) -> Self:
        """Give the health after a sync that worked."""
        return type(self)(last_success_at=now)

    def failed(self, now: dt.datetime, error: str) -> Self:
        """Give the health after a sync that failed."""
        return attrs.evolve(
            self, last_error=one_line(error), last_error_at=now, errors_in_a_row=self.errors_in_a_row + 1
        )


@attrs.frozen(kw_only=True)
class Mailbox:
    """A mailbox the help desk reads (R44).

    The id is its identity; service, host, user and folder only find it again, so a changed flag, port or password keeps
    the history of its mails.

    Attributes:
        options: service, host, port, folder, user and flags of the mailbox string.
        user: the log-in name.
        contact_id: where mail goes that names no contact of its own.
        create_threads: whether mail of unknown people opens threads (R43).
        interval: least time between two syncs by a timer.
        reply_address: pattern of signed reply addresses, with ``{token}`` in its local part; None until proven (R82).
        form_senders: addresses whose mail speaks for the person in its Reply-To (R39).
        size_limit: in bytes; larger mail is recorded, its body not fetched.
        authserv_id: the only authentication service whose Authentication-Results are believed (RFC 8601 2.5).
        version: raised by the storage at each save.
    """

    id: MailboxId
    shop: ShopId
    options: "ImapOptions"
    user: str
    secret: SecretRef | None
    contact_id: ContactId | None = None
    after_fetch: AfterFetch = AfterFetch()
    create_threads: bool = True
    first_sync: FirstSync = FirstSync()
    interval: dt.timedelta = dt.timedelta(minutes=5)
    allow_clear_text: bool = False
    reply_address: str | None = None
    form_senders: frozenset[EmailAddress] = frozenset()
    size_limit: int = DEFAULT_SIZE_LIMIT
    authserv_id: str | None = None
    health: MailboxHealth = MailboxHealth()
    version: int = 1

    def __attrs_post_init__(self) -> None:
        # The host cannot be missing: no `ImapOptions` is without one.
        missing = [name for name, value in (("user", self.user), ("secret", self.secret)) if not value]
        if missing:
            raise InvalidValue("mailbox", "still missing: " + ", ".join(missing))
        if not self.user.isprintable():
            raise InvalidValue("user", "control characters are not allowed")
        if not 1 <= self.size_limit <= LARGEST_SIZE_LIMIT:
            raise InvalidValue("size_limit", f"at least one byte, at most {LARGEST_SIZE_LIMIT}")
        if self.reply_address is not None:
            check_reply_address(self.reply_address)
        if self.after_fetch.kind in (AfterFetchKind.MOVE, AfterFetchKind.SEEN) and self.options.service == "pop3":
            raise InvalidValue("after_fetch", "POP3 knows no folders and no flags: choose keep or delete")
        if self.first_sync.since is not None and self.options.service == "pop3":
            raise InvalidValue("first_sync", "POP3 does not tell when a mail came: choose now or all")
        if self.after_fetch.kind is not AfterFetchKind.KEEP and self.options.readonly:
            raise InvalidValue("after_fetch", "the mailbox is /readonly, so its mail can only be kept (R54)")

    @property
    def finding_key(self) -> tuple[str, str, str, str]:
        """Service, host, user and folder, folded: what finds this mailbox again (R44)."""
        folder = self.options.mailbox or "INBOX"
        return (
            self.options.service,
            self.options.host.lower(),
            self.user,
            "INBOX" if folder.upper() == "INBOX" else folder,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about this choice (R32, R49, R51), one sentence each."""
        found = list(self.options.check().warnings)
        if self.after_fetch.kind in (AfterFetchKind.MOVE, AfterFetchKind.DELETE):
            found.append(
                f"after-fetch {self.after_fetch.kind.value}: other mail programs no longer find the mail there"
            )
        return tuple(found)


def check_reply_address(pattern: str) -> None:
    """Raise `InvalidValue` unless the pattern gives a plain address with room for a token in its local part (R82).

    A number of up to 12 digits, a hyphen and 26 characters take the place of ``{token}``; the local part may have 64
    bytes.
    """
    if pattern.count("{token}") != 1 or "{token}" not in pattern.rpartition("@")[0]:
        raise InvalidValue("reply_address", "must hold {token} once, before the @")
    try:
        EmailAddress(pattern.replace("{token}", "9" * 12 + "-" + "a" * 26))
    except InvalidValue as error:
        raise InvalidValue("reply_address", error.reason) from None
