"""``mailbox``: the mailboxes kept with their settings and health, and what a mailbox string means."""

import datetime as dt
from typing import TYPE_CHECKING
from uuid import UUID

import attrs
import click

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import DEFAULT_SHOP, MailboxId
from customerservice.domain.imap_options import ImapOptions, TlsMode
from customerservice.domain.mailbox import (
    DEFAULT_SIZE_LIMIT,
    AfterFetch,
    Mailbox,
    SecretKind,
    SecretRef,
    check_reply_address,
)
from customerservice.entrypoints.cli.arguments import (
    ADDRESS,
    AFTER_FETCH,
    MAILBOX_ID,
    MAILBOX_STRING,
    desk_command,
    log_in_options,
    secret_of,
)
from customerservice.entrypoints.cli.outbox import make_sender, smtp_options, smtp_setting
from customerservice.entrypoints.cli.running import Run, WorkFailed, find_contact
from customerservice.entrypoints.cli.showing import print_facts, print_json, print_table, print_text, say, size

if TYPE_CHECKING:
    from customerservice.adapters.settings import SmtpSetting

_MARKS = {True: "ok    ", False: "FAILED", None: "-     "}
_TLS = {
    TlsMode.IMPLICIT: "TLS from the first byte",
    TlsMode.STARTTLS_REQUIRED: "STARTTLS, required",
    TlsMode.STARTTLS_IF_OFFERED: "STARTTLS if the server offers it, else clear text",
    TlsMode.CLEAR: "none: clear text",
}


def mailbox_from(
    options: ImapOptions,
    *,
    user: str | None,
    secret: SecretRef | None,
    after_fetch: AfterFetch | None = None,
    allow_clear_text: bool = False,
) -> Mailbox:
    """Give a mailbox made of these choices, not stored.

    Raises:
        InvalidMailboxName: the string contradicts itself.
        InvalidValue: something is missing, or the choices contradict each other.
    """
    options.require_usable()
    return Mailbox(
        id=MailboxId(UUID(int=0)),
        shop=DEFAULT_SHOP,
        options=options,
        user=options.user or user or "",
        secret=secret,
        after_fetch=after_fetch or AfterFetch(),
        allow_clear_text=allow_clear_text,
    )


@click.group("mailbox")
def mailbox() -> None:
    """The mailboxes kept with their settings and health."""


@mailbox.command("add")
@click.argument("options", metavar="MAILBOX", type=MAILBOX_STRING)
@log_in_options
@click.option("--contact", metavar="ID", help="Contact that gets mail which names no other; id or name.")
@click.option("--after-fetch", type=AFTER_FETCH, help="What happens to stored mail at the server; keep unless chosen.")
@click.option(
    "--create-threads/--no-create-threads", default=True, help="Whether mail of unknown people opens threads."
)
@click.option("--allow-clear-text", is_flag=True, help="Let the password cross a connection without TLS.")
@click.option("--size-limit", type=click.IntRange(min=1), default=DEFAULT_SIZE_LIMIT, help="In bytes.")
@click.option(
    "--form-sender", "form_senders", type=ADDRESS, multiple=True, help="Its Reply-To is the person who wrote."
)
@click.option("--authserv-id", help="The authentication service whose results are believed.")
@desk_command
def add(
    run: Run,
    options: ImapOptions,
    user: str | None,
    password_env: str | None,
    password_file: str | None,
    oauth_token_env: str | None,
    oauth_token_file: str | None,
    contact: str | None,
    after_fetch: AfterFetch | None,
    create_threads: bool,
    allow_clear_text: bool,
    size_limit: int,
    form_senders: tuple[EmailAddress, ...],
    authserv_id: str | None,
) -> None:
    """Keep a mailbox such as '{mail.example:993/imap/ssl}INBOX', or change the settings of the one that is kept.

    Only a reference to the password is stored: the name of the variable or file.
    """
    secret = secret_of(
        password_env=password_env,
        password_file=password_file,
        oauth_token_env=oauth_token_env,
        oauth_token_file=oauth_token_file,
    )
    wanted = mailbox_from(options, user=user, secret=secret, after_fetch=after_fetch, allow_clear_text=allow_clear_text)
    for warning in wanted.warnings:
        say(f"warning: {warning}")
    with run.beginning() as desk:
        box, _ = desk.mailboxes.find_or_add(options, user=wanted.user, secret=secret)
        changed = attrs.evolve(
            box,
            contact_id=find_contact(desk, contact),
            after_fetch=wanted.after_fetch,
            create_threads=create_threads,
            allow_clear_text=allow_clear_text,
            size_limit=size_limit,
            form_senders=frozenset(form_senders),
            authserv_id=authserv_id or run.settings.authserv_id,
        )
        if create_threads and not box.create_threads:
            desk.mailboxes.reconsider_not_ours(box.id)
        _show(run, box if changed == box else desk.mailboxes.save(changed))


@mailbox.command("list")
@desk_command
def list_(run: Run) -> None:
    """List the mailboxes."""
    with run.reading() as desk:
        boxes = desk.mailboxes.all()
    if run.as_json:
        for box in boxes:
            print_json(_object(box))
        return
    print_table(
        ("ID", "MAILBOX", "USER", "AFTER FETCH", "LAST SUCCESS", "HEALTH"),
        [
            (box.id, box.options.render(), box.user, box.after_fetch, box.health.last_success_at, _health(box))
            for box in boxes
        ],
    )


@mailbox.command("show")
@click.argument("mailbox_id", type=MAILBOX_ID)
@desk_command
def show(run: Run, mailbox_id: MailboxId) -> None:
    """Show a mailbox with its settings and health."""
    with run.reading() as desk:
        _show(run, desk.mailboxes.get(mailbox_id))


@mailbox.command("remove")
@click.argument("mailbox_id", type=MAILBOX_ID)
@desk_command
def remove(run: Run, mailbox_id: MailboxId) -> None:
    """Forget a mailbox; its mails and threads stay."""
    with run.changing() as desk:
        desk.mailboxes.remove(mailbox_id)
    if run.as_json:
        print_json({"removed": mailbox_id})
    else:
        print_text(f"mailbox {mailbox_id} is forgotten; its mails and threads stay")


@mailbox.command("check")
@click.argument("options", metavar="MAILBOX", type=MAILBOX_STRING)
@log_in_options
@click.option("--allow-clear-text", is_flag=True, help="Let the password cross a connection without TLS.")
@click.option("--probe", is_flag=True, help="Keep the mailbox, and send one mail to a signed reply address of it.")
@click.option("--reply-address", metavar="PATTERN", help="As support+{token}@shop.example; on once a probe arrived.")
@click.option("--sender", type=ADDRESS, envvar="CUSTOMERSERVICE_SENDER", help="The address the probe is sent from.")
@click.option(
    "--patience", type=click.IntRange(min=1), default=180, show_default=True, help="Seconds to wait for the probe."
)
@smtp_options
@desk_command
def check(
    run: Run,
    options: ImapOptions,
    user: str | None,
    password_env: str | None,
    password_file: str | None,
    oauth_token_env: str | None,
    oauth_token_file: str | None,
    allow_clear_text: bool,
    probe: bool,
    reply_address: str | None,
    sender: EmailAddress | None,
    patience: int,
    smtp: str | None,
    smtp_user: str | None,
    smtp_password_env: str | None,
    smtp_password_file: str | None,
    smtp_oauth_token_env: str | None,
) -> None:
    """Explain a mailbox string, and test the connection stage by stage; nothing is read or stored.

    Without a user and a password the string is explained only. With --probe the mailbox is kept, one mail is sent to a
    signed reply address, and the pattern of such addresses is turned on when it arrives.
    """
    if probe and reply_address is None:
        raise click.UsageError("--probe needs --reply-address, as support+{token}@shop.example")
    way_out = (
        smtp_setting(
            run,
            smtp,
            smtp_user,
            password_env=smtp_password_env,
            password_file=smtp_password_file,
            oauth_token_env=smtp_oauth_token_env,
        )
        if probe
        else None
    )
    secret = secret_of(
        password_env=password_env,
        password_file=password_file,
        oauth_token_env=oauth_token_env,
        oauth_token_file=oauth_token_file,
    )
    findings = options.check()
    explained: dict[str, object] = {
        "mailbox": options.render(),
        "service": options.service,
        "host": options.host,
        "port": options.port if findings.errors else options.effective_port,
        "folder": options.mailbox or "INBOX",
        "user": options.user or user,
        "flags": options.flags,
        "tls": None if findings.errors else options.tls_mode(allow_clear_text=allow_clear_text).value,
        "errors": list(findings.errors),
        "warnings": list(findings.warnings),
    }
    if not run.as_json:
        _explain(explained, options, allow_clear_text)
    options.require_usable()
    stages: list[dict[str, object]] | None = None
    arrived: bool | None = None
    if secret is not None or probe:
        box = mailbox_from(options, user=user, secret=secret, allow_clear_text=allow_clear_text)
        stages = _try(run, box)
        if way_out is not None and reply_address is not None and _is_good(stages):
            arrived = _probe(run, box, reply_address, way_out, sender=sender, patience=dt.timedelta(seconds=patience))
    if run.as_json:
        print_json({**explained, "stages": stages, "probe_arrived": arrived})
    elif stages is None:
        print_text("give --user and --password-env to test the connection")
    if not _is_good(stages or []) or arrived is False:
        raise WorkFailed


def _is_good(stages: list[dict[str, object]]) -> bool:
    return not any(stage["ok"] is False for stage in stages)


def _probe(
    run: Run,
    wanted: Mailbox,
    pattern: str,
    way_out: "SmtpSetting",
    *,
    sender: EmailAddress | None,
    patience: dt.timedelta,
) -> bool:
    """Keep the mailbox and try its signed reply address; whether the probe arrived."""
    from customerservice.bootstrap import mail_source

    check_reply_address(pattern)
    sent_from = sender or run.settings.sender
    if sent_from is None:
        raise click.UsageError("say from which address to send: --sender, or sender in the settings file")
    with run.beginning() as desk:
        box, _ = desk.mailboxes.find_or_add(
            wanted.options, user=wanted.user, secret=wanted.secret, allow_clear_text=wanted.allow_clear_text
        )
        proven = desk.mailboxes.probe_reply_address(
            box.id,
            pattern,
            sender=make_sender(run, way_out),
            sent_from=sent_from,
            source=mail_source(box, secret_callables=run.secret_callables),
            patience=patience,
        )
    words = "arrived: signed reply addresses are on" if proven else f"did not arrive within {patience}; nothing changed"
    if run.as_json:
        return proven is not None
    print_text(f"{_MARKS[proven is not None]}  the probe to {pattern} {words}")
    return proven is not None


def _explain(explained: dict[str, object], options: ImapOptions, allow_clear_text: bool) -> None:
    facts = dict(explained)
    del facts["errors"], facts["warnings"]
    if facts["tls"] is not None:
        facts["tls"] = _TLS[options.tls_mode(allow_clear_text=allow_clear_text)]
    print_facts(facts.items())
    for warning in options.check().warnings:
        print_text(f"warning: {warning}")


def _try(run: Run, box: Mailbox) -> list[dict[str, object]]:
    """Connect, and give what became of each stage."""
    from customerservice.adapters.transports.diagnosis import diagnose
    from customerservice.bootstrap import mail_source

    source = mail_source(box, secret_callables=run.secret_callables)
    stages: list[dict[str, object]] = []
    for result in diagnose(box.options, source, allow_clear_text=box.allow_clear_text):
        stages.append(
            {"stage": result.stage.value, "ok": result.ok, "text": result.text, "advice": result.advice or None}
        )
        if not run.as_json:
            print_text(f"{_MARKS[result.ok]}  {result.stage.value + ':':<12} {result.text}")
            if result.advice:
                print_text(f"{'':<22}{result.advice}")
    return stages


def _health(box: Mailbox) -> str:
    if box.health.errors_in_a_row:
        return f"failing ({box.health.errors_in_a_row} in a row): {box.health.last_error}"
    return "ok" if box.health.last_success_at is not None else "never synced"


def _secret(reference: SecretRef | None) -> str | None:
    if reference is None:
        return None
    kinds = {SecretKind.ENVIRONMENT: "variable", SecretKind.FILE: "file", SecretKind.CALLABLE: "asked for:"}
    return f"{kinds[reference.kind]} {reference.name}{' (OAuth 2 token)' if reference.oauth else ''}"


def _object(box: Mailbox) -> dict[str, object]:
    health = box.health
    return {
        "id": box.id,
        "shop": box.shop,
        "mailbox": box.options.render(),
        "user": box.user,
        "secret": _secret(box.secret),
        "contact": box.contact_id,
        "after_fetch": str(box.after_fetch),
        "create_threads": box.create_threads,
        "allow_clear_text": box.allow_clear_text,
        "size_limit": box.size_limit,
        "reply_address": box.reply_address,
        "form_senders": sorted(str(address) for address in box.form_senders),
        "authserv_id": box.authserv_id,
        "first_sync": str(box.first_sync),
        "health": {
            "last_success_at": health.last_success_at,
            "last_error": health.last_error,
            "last_error_at": health.last_error_at,
            "errors_in_a_row": health.errors_in_a_row,
        },
        "warnings": list(box.warnings),
    }


def _show(run: Run, box: Mailbox) -> None:
    shown = _object(box)
    if run.as_json:
        print_json(shown)
        return
    facts = {name.replace("_", " "): value for name, value in shown.items() if name not in ("health", "warnings")}
    facts["size limit"] = size(box.size_limit)
    facts["form senders"] = ", ".join(sorted(str(address) for address in box.form_senders))
    facts["last success"] = box.health.last_success_at
    facts["health"] = _health(box)
    print_facts(facts.items())
