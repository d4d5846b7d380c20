"""The settings file of the command line: TOML in, checked domain values out, errors that name the place."""

import datetime as dt
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import attrs

from customerservice.domain.contact import AfterReply
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import DEFAULT_SIZE_LIMIT, AfterFetch, FirstSync, SecretKind, SecretRef
from customerservice.domain.wording import Wording
from customerservice.errors import InvalidMailboxName, InvalidValue

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")

_LARGEST_FILE = 1_048_576


@attrs.frozen(kw_only=True)
class SmtpSetting:
    """Where mail goes out: ``smtp://host:587`` (STARTTLS) or ``smtps://host:465``, as whom, and where the secret is."""

    url: str
    user: str | None = None
    secret: SecretRef | None = None


@attrs.frozen(kw_only=True)
class MailboxSetting:
    """A mailbox to read; `domain.mailbox.Mailbox` says what each choice means.

    Attributes:
        contact: id or name of the contact its mail goes to.
        since: where its first sync starts; None leaves the choice to the caller.
    """

    options: ImapOptions
    user: str
    secret: SecretRef
    contact: str | None = None
    after_fetch: AfterFetch = attrs.field(factory=AfterFetch)
    since: FirstSync | None = None
    create_threads: bool = True
    allow_clear_text: bool = False
    size_limit: int = DEFAULT_SIZE_LIMIT
    form_senders: tuple[EmailAddress, ...] = ()
    authserv_id: str | None = None


@attrs.frozen(kw_only=True)
class ContactSetting:
    """A department customers write to; it is found again by its first name."""

    name: Wording
    addresses: tuple[EmailAddress, ...] = ()
    saves_messages: bool = True
    after_reply: AfterReply | None = None
    language: str | None = None


@attrs.frozen(kw_only=True)
class Settings:
    """What a settings file says; everything may be left out.

    Attributes:
        database: an SQLAlchemy URL.
        key_file: the signing keys of reply addresses; see `adapters.system.load_keys`.
        sender: the verified address mail is sent from.
        authserv_id: the authentication service believed in every mailbox that names none of its own (RFC 8601 2.5).
        language: of threads whose mail does not tell in which language it is written.
    """

    database: str | None = None
    key_file: Path | None = None
    sender: EmailAddress | None = None
    authserv_id: str | None = None
    language: str | None = None
    smtp: SmtpSetting | None = None
    contacts: tuple[ContactSetting, ...] = ()
    mailboxes: tuple[MailboxSetting, ...] = ()


def load_settings(path: Path) -> Settings:
    """Read a settings file.

    Keys may be written with hyphens or underscores. Passwords never stand in the file: ``password_env``,
    ``password_file``, ``oauth_token_env`` or ``oauth_token_file`` name where they are.

    Raises:
        InvalidValue: the file cannot be read, is no TOML, or says something impossible; `reason` names every place at
            once, as ``$.mailboxes[0].mailbox``.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise InvalidValue("settings", f"{path} cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST_FILE:
        raise InvalidValue("settings", f"{path} is larger than {_LARGEST_FILE} bytes")
    try:
        tables = tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidValue("settings", f"{path} is not TOML: {error}") from error
    return _structured(tables, path)


@attrs.frozen(kw_only=True)
class _Secret:
    """The four ways to name a secret, of which a table has one."""

    password_env: str | None = None
    password_file: str | None = None
    oauth_token_env: str | None = None
    oauth_token_file: str | None = None

    def reference(self) -> SecretRef | None:
        found = [
            SecretRef(kind, name, oauth)
            for kind, name, oauth in (
                (SecretKind.ENVIRONMENT, self.password_env, False),
                (SecretKind.FILE, self.password_file, False),
                (SecretKind.ENVIRONMENT, self.oauth_token_env, True),
                (SecretKind.FILE, self.oauth_token_file, True),
            )
            if name is not None
        ]
        if len(found) > 1:
            raise InvalidValue("secret", "name one of password_env, password_file, oauth_token_env, oauth_token_file")
        return found[0] if found else None


@attrs.frozen(kw_only=True)
class _Smtp(_Secret):
    url: str
    user: str | None = None

    def setting(self) -> SmtpSetting:
        secret = self.reference()
        if (self.user is None) != (secret is None):
            raise InvalidValue("smtp", "a user and a secret (password_env, ...) belong together")
        return SmtpSetting(url=self.url, user=self.user, secret=secret)


@attrs.frozen(kw_only=True)
class _Mailbox(_Secret):
    mailbox: ImapOptions
    user: str | None = None
    contact: str | None = None
    after_fetch: AfterFetch = attrs.field(factory=AfterFetch)
    since: FirstSync | None = None
    create_threads: bool = True
    allow_clear_text: bool = False
    size_limit: int = DEFAULT_SIZE_LIMIT
    form_senders: tuple[EmailAddress, ...] = ()
    authserv_id: str | None = None

    def setting(self) -> MailboxSetting:
        self.mailbox.require_usable()
        user, secret = self.mailbox.user or self.user, self.reference()
        if user is None:
            raise InvalidValue("user", "user is missing, and the mailbox string has no /user=")
        if secret is None:
            raise InvalidValue("secret", "name one of password_env, password_file, oauth_token_env, oauth_token_file")
        return MailboxSetting(
            options=self.mailbox,
            user=user,
            secret=secret,
            contact=self.contact,
            after_fetch=self.after_fetch,
            since=self.since,
            create_threads=self.create_threads,
            allow_clear_text=self.allow_clear_text,
            size_limit=self.size_limit,
            form_senders=self.form_senders,
            authserv_id=self.authserv_id,
        )


def _structured(tables: dict[str, Any], path: Path) -> Settings:
    # Imported here: most commands run without a settings file and should start at once.
    import cattrs
    from cattrs.gen import make_dict_structure_fn

    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind, read in _READERS.items():
        converter.register_structure_hook(kind, _reading(read))
    converter.register_structure_hook_func(_is_tuple, lambda value, kind: _list_of(converter, value, kind))
    mailbox = make_dict_structure_fn(_Mailbox, converter)
    smtp = make_dict_structure_fn(_Smtp, converter)
    contact = make_dict_structure_fn(ContactSetting, converter)
    converter.register_structure_hook(MailboxSetting, lambda value, _: mailbox(_table(value), _Mailbox).setting())
    converter.register_structure_hook(SmtpSetting, lambda value, _: smtp(_table(value), _Smtp).setting())
    converter.register_structure_hook(ContactSetting, lambda value, _: contact(_table(value), ContactSetting))
    try:
        return converter.structure(_underscored(tables), Settings)
    except cattrs.ClassValidationError as error:
        faults = cattrs.transform_error(error, format_exception=_explained)
        raise InvalidValue("settings", f"{path}: " + "; ".join(_placed(fault) for fault in faults)) from error


def _reading(read: Callable[[object], object]) -> Callable[[object, object], object]:
    return lambda value, _: read(value)


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _list_of(converter: "Converter", value: object, kind: Any) -> tuple[object, ...]:
    # Without the check a text would be taken for a list of its letters.
    inner: Any = GenericAlias(list, get_args(kind)[:1])
    return tuple(converter.structure(_only(list, value), inner))


def _explained(error: BaseException, _kind: object) -> str:
    match error:
        case InvalidMailboxName():
            return str(error)
        case InvalidValue():
            return error.reason
        case KeyError():
            return "missing"
    extra = getattr(error, "extra_fields", None)
    return f"unknown: {', '.join(sorted(extra))}" if extra else str(error)


def _placed(fault: str) -> str:
    words, _, place = fault.rpartition(" @ ")
    return f"{place}: {words}"


def _underscored(value: Any) -> Any:
    """Give the tables with keys as Python writes them; names of languages keep their hyphens."""
    if isinstance(value, dict):
        return {key.replace("-", "_"): inner if key == "name" else _underscored(inner) for key, inner in value.items()}
    return [_underscored(item) for item in value] if isinstance(value, list) else value


_WORDS = {str: "a text", int: "a whole number", bool: "true or false", dict: "a table", list: "a list"}


def _only(kind: type[T], value: object) -> T:
    # bool is an int to Python, not to people
    if type(value) is not kind:
        raise InvalidValue("type", f"expected {_WORDS[kind]}")
    return value


def _table(value: object) -> dict[str, Any]:
    return _only(dict, value)


def _first_sync(value: object) -> FirstSync:
    # TOML has days of its own: since = 2026-01-31, without quotation marks
    if type(value) is dt.date:
        return FirstSync(since=value)
    return FirstSync.parse(_only(str, value))


def _after_reply(value: object) -> AfterReply:
    text = _only(str, value)
    try:
        return AfterReply(text)
    except ValueError:
        raise InvalidValue("after_reply", f"{text!r} is not one of close, keep, pending1") from None


def _wording(value: object) -> Wording:
    if isinstance(value, dict):
        return Wording(tuple((language, _only(str, text)) for language, text in value.items()))
    return Wording.of(en=_only(str, value))


_READERS: Mapping[type, Callable[[object], object]] = {
    str: lambda value: _only(str, value),
    int: lambda value: _only(int, value),
    bool: lambda value: _only(bool, value),
    Path: lambda value: Path(_only(str, value)),
    EmailAddress: lambda value: EmailAddress(_only(str, value)),
    ImapOptions: lambda value: ImapOptions.parse(_only(str, value)),
    AfterFetch: lambda value: AfterFetch.parse(_only(str, value)),
    AfterReply: _after_reply,
    FirstSync: _first_sync,
    Wording: _wording,
}
