"""Arguments and options that several commands share, read into domain values; what cannot be read is wrong usage."""

import datetime as dt
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import click

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import DeliveryId, MailboxId, OutboxId
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import AfterFetch, FirstSync, SecretKind, SecretRef
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef
from customerservice.domain.status import ThreadStatus
from customerservice.entrypoints.cli.running import STANDARD_INPUT, Run
from customerservice.errors import InvalidValue

T = TypeVar("T")
P = ParamSpec("P")

Command = Callable[..., None]


class Value(click.ParamType[T]):
    """A parameter read by a function that raises `InvalidValue`, or ValueError, for what it cannot read."""

    def __init__(self, name: str, read: Callable[[str], T]) -> None:
        """Call the parameter `name` in help texts."""
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """Read what stands on the command line; a default that is a value already stays."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # click gives defaults as Any
        try:
            return self._read(value)
        except InvalidValue as error:
            self.fail(f"{error.field}: {error.reason}", param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError(f"{text!r} is no id such as 0198c6f2-7d5e-7000-8000-3f1f0c2b9a41") from None


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day such as 2026-01-31") from None


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day or moment such as 2026-01-31 or 2026-01-31T14:00+01:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


ADDRESS = Value("address", EmailAddress)
AFTER_FETCH = Value("keep|seen|delete|move:FOLDER", AfterFetch.parse)
DAY = Value("day", _day)
DELIVERY = Value("id", lambda text: DeliveryId(_uuid(text)))
CUSTOMER = Value("customer", CustomerRef)
EMPLOYEE = Value("employee", EmployeeRef)
FIRST_SYNC = Value("now|all|DATE", FirstSync.parse)
MAILBOX_ID = Value("mailbox_id", lambda text: MailboxId(_uuid(text)))
MAILBOX_STRING = Value("mailbox", ImapOptions.parse)
OUTGOING = Value("id", lambda text: OutboxId(_uuid(text)))
MOMENT = Value("moment", _moment)
ORDER = Value("order", OrderRef)
STATUS = Value("status", ThreadStatus.parse)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")

_DESK_OPTIONS = (
    click.option(
        "--db",
        "database",
        metavar="URL",
        envvar="CUSTOMERSERVICE_DB",
        help="The database, as sqlite:///helpdesk.db (default) or postgresql://...; also CUSTOMERSERVICE_DB.",
    ),
    click.option(
        "--config",
        "config_path",
        metavar="FILE",
        envvar="CUSTOMERSERVICE_CONFIG",
        type=click.Path(path_type=Path),
        help="The settings file (TOML); also CUSTOMERSERVICE_CONFIG.",
    ),
    click.option(
        "--key-file",
        "key_path",
        metavar="FILE",
        envvar="CUSTOMERSERVICE_KEY_FILE",
        type=click.Path(path_type=Path),
        help="The keys that sign reply addresses; also CUSTOMERSERVICE_KEY_FILE.",
    ),
    json_option,
)

_MAILBOX_OPTIONS = (
    click.option("--user", help="Log-in name; may stand in the mailbox string as /user=."),
    click.option("--password-env", metavar="VAR", help="Environment variable that holds the password."),
    click.option("--password-file", metavar="FILE", help="File that holds the password; - is standard input."),
    click.option("--oauth-token-env", metavar="VAR", help="Environment variable that holds an OAuth 2 access token."),
    click.option("--oauth-token-file", metavar="FILE", help="File that holds an OAuth 2 access token."),
)


def with_options(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    """Give a command these options, listed in this order by its help."""
    for option in reversed(options):
        command = option(command)
    return command


def desk_command(function: Callable[Concatenate[Run, P], None]) -> Command:
    """Give a command the options of every command that uses a database, and its `Run` as first argument."""

    def command(
        context: click.Context,
        /,
        database: str | None,
        config_path: Path | None,
        key_path: Path | None,
        as_json: bool,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        run = Run(
            database=database,
            config_path=config_path,
            key_path=key_path,
            as_json=as_json,
            interruption=context.obj,
        )
        function(run, *args, **kwargs)

    functools.update_wrapper(command, function)
    return with_options(_DESK_OPTIONS, click.pass_context(command))


def log_in_options(command: Command) -> Command:
    """Give a command the options that say as whom to log in to a mailbox; `secret_of` reads them."""
    return with_options(_MAILBOX_OPTIONS, command)


def secret_of(
    *,
    password_env: str | None,
    password_file: str | None,
    oauth_token_env: str | None,
    oauth_token_file: str | None = None,
    prefix: str = "--",
) -> SecretRef | None:
    """Give where the secret is, None if no option says so; two options are wrong usage."""
    given = [
        reference
        for reference in (
            password_env and SecretRef(SecretKind.ENVIRONMENT, password_env),
            password_file and _password_file(password_file),
            oauth_token_env and SecretRef(SecretKind.ENVIRONMENT, oauth_token_env, oauth=True),
            oauth_token_file and SecretRef(SecretKind.FILE, oauth_token_file, oauth=True),
        )
        if isinstance(reference, SecretRef)
    ]
    if len(given) > 1:
        raise click.UsageError(f"give one of {prefix}password-env, {prefix}password-file, {prefix}oauth-token-env")
    return given[0] if given else None


def _password_file(name: str) -> SecretRef:
    return SecretRef(SecretKind.CALLABLE, STANDARD_INPUT) if name == "-" else SecretRef(SecretKind.FILE, name)
