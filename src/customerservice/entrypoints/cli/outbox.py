"""``outbox``: mail on its way out."""

from typing import TYPE_CHECKING

import attrs
import click

from customerservice.adapters.settings import SmtpSetting
from customerservice.domain.ids import OutboxId
from customerservice.domain.outbox import OutboxEntry, OutboxState
from customerservice.entrypoints.cli.arguments import OUTGOING, Command, desk_command, secret_of, with_options
from customerservice.entrypoints.cli.running import Run, WorkFailed
from customerservice.entrypoints.cli.showing import (
    Progress,
    paged,
    print_json,
    print_table,
    print_text,
    say,
    say_where_more_is,
)
from customerservice.ports.storage import Page

if TYPE_CHECKING:
    from customerservice.adapters.transports.smtp import SmtpSender


_SMTP_OPTIONS = (
    click.option(
        "--smtp", metavar="URL", help="smtp://host:587 (STARTTLS) or smtps://host:465 (TLS from the first byte)."
    ),
    click.option("--smtp-user", metavar="USER", help="Log in as this user."),
    click.option("--smtp-password-env", metavar="VAR", help="Environment variable that holds the password."),
    click.option("--smtp-password-file", metavar="FILE", help="File that holds the password; - is standard input."),
    click.option("--smtp-oauth-token-env", metavar="VAR", help="Environment variable with an OAuth 2 access token."),
)


def smtp_options(command: Command) -> Command:
    """Give a command the options that say where mail goes out; `smtp_setting` reads them."""
    return with_options(_SMTP_OPTIONS, command)


@click.group("outbox")
def outbox() -> None:
    """Mail on its way out."""


@outbox.command("deliver")
@smtp_options
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many mails.")
@desk_command
def deliver(
    run: Run,
    smtp: str | None,
    smtp_user: str | None,
    smtp_password_env: str | None,
    smtp_password_file: str | None,
    smtp_oauth_token_env: str | None,
    limit: int,
) -> None:
    """Send what waits. A mail that is refused for now is tried again by a later run, for 48 hours."""
    setting = smtp_setting(
        run,
        smtp,
        smtp_user,
        password_env=smtp_password_env,
        password_file=smtp_password_file,
        oauth_token_env=smtp_oauth_token_env,
    )
    sender = make_sender(run, setting)
    line, tried = Progress(), 0

    def stop() -> bool:
        nonlocal tried
        line.show(f"mail {(tried := tried + 1)}")
        return run.interruption()

    try:
        with run.changing() as desk, run.interruption.finishing():
            report = desk.deliver(sender, limit=limit, stop=stop)
    finally:
        line.clear()
    for error in report.errors:
        say(f"error: {error}")
    if run.as_json:
        print_json(attrs.asdict(report))
    else:
        counted = {
            "sent": report.sent,
            "failed": report.failed,
            "tried again later": report.postponed,
            "unknown": report.unknown,
        }
        print_text(", ".join(f"{count} {name}" for name, count in counted.items() if count) or "nothing waits")
    if report.errors:
        raise WorkFailed


@outbox.command("list")
@click.option(
    "--state",
    "states",
    type=click.Choice([state.value for state in OutboxState]),
    multiple=True,
    help="Only these; all that is not sent unless chosen.",
)
@click.option("--after", metavar="KEY", help="The page after this key.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Mails on a page.")
@click.option("--all", "everything", is_flag=True, help="All pages.")
@desk_command
def list_(run: Run, states: tuple[str, ...], after: str | None, limit: int, everything: bool) -> None:
    """List mails on their way out, oldest first."""
    chosen = [OutboxState(name) for name in states] or [one for one in OutboxState if one is not OutboxState.SENT]

    def page(key: str | None) -> Page[OutboxEntry]:
        return desk.outbox.page(chosen, after=key, limit=limit)

    with run.reading() as desk:
        entries, more = paged(page, after, everything=everything)
    if run.as_json:
        for entry in entries:
            print_json(_entry_object(entry))
    else:
        print_table(
            ("ID", "SINCE", "STATE", "TO", "TRIES", "ERROR"),
            [(one.id, one.created_at, one.state.value, _addressed(one), one.tries, one.last_error) for one in entries],
        )
    say_where_more_is(more)


@outbox.command("retry")
@click.argument("outbox_id", metavar="ID", type=OUTGOING)
@desk_command
def retry(run: Run, outbox_id: OutboxId) -> None:
    """Let a mail that failed, or whose outcome nobody knows, be tried once more.

    The same bytes go out with the same Message-ID. Who got it is left out; where nobody knows, it may arrive twice.
    """
    with run.changing() as desk:
        entry = desk.outbox.send_again(outbox_id)
    if run.as_json:
        print_json(_entry_object(entry))
    else:
        print_text(f"mail {entry.id} waits again; outbox deliver sends it")


def _addressed(entry: OutboxEntry) -> str:
    return ", ".join(str(result.address) for result in entry.recipients)


def _entry_object(entry: OutboxEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "thread": entry.thread_id,
        "message": entry.message_id,
        "message_id": entry.header_id,
        "state": entry.state.value,
        "since": entry.created_at,
        "next_try": None if entry.state.is_final else entry.next_try_at,
        "tries": entry.tries,
        "error": entry.last_error,
        "recipients": [
            {"address": str(one.address), "state": one.state.value, "code": one.code, "text": one.text}
            for one in entry.recipients
        ],
    }


def smtp_setting(
    run: Run,
    url: str | None,
    user: str | None,
    *,
    password_env: str | None,
    password_file: str | None,
    oauth_token_env: str | None,
) -> SmtpSetting:
    """Give where to send: as the options say, else as the settings file does; neither is wrong usage."""
    secret = secret_of(
        password_env=password_env, password_file=password_file, oauth_token_env=oauth_token_env, prefix="--smtp-"
    )
    known = run.settings.smtp
    if url is None and known is None:
        raise click.UsageError("say where to send: --smtp smtp://host:587, or [smtp] in the settings file")
    if url is None and known is not None and user is None and secret is None:
        return known
    if (user is None) != (secret is None):
        raise click.UsageError("--smtp-user and a secret (--smtp-password-env, ...) belong together")
    return SmtpSetting(url=url or (known.url if known is not None else ""), user=user, secret=secret)


def make_sender(run: Run, setting: SmtpSetting) -> "SmtpSender":
    """Give the way out that a setting names; nothing is connected yet.

    Raises:
        InvalidValue: its URL cannot be read, or its secret cannot be found.
    """
    from customerservice.adapters.secrets import resolve_secret
    from customerservice.adapters.transports.oauth import SecretTokenProvider
    from customerservice.adapters.transports.smtp import SmtpSender, SmtpSettings

    server, reference = SmtpSettings.parse(setting.url), setting.secret
    secret, tokens = None, None
    if reference is not None and reference.oauth:
        tokens = SecretTokenProvider(lambda: resolve_secret(reference, callables=run.secret_callables))
    elif reference is not None:
        secret = resolve_secret(reference, callables=run.secret_callables)
    return SmtpSender(server.host, server.port, tls=server.tls, user=setting.user, secret=secret, token_provider=tokens)
