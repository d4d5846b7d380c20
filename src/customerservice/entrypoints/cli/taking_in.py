"""The commands that take mail in: ``ingest`` from files, ``sync`` from mailboxes."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

import attrs
import click

from customerservice.application.sync_run import SyncBounds, SyncReport
from customerservice.domain.ids import MailboxId
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import AfterFetch, FirstSync, Mailbox, SecretRef
from customerservice.entrypoints.cli.arguments import (
    AFTER_FETCH,
    FIRST_SYNC,
    MAILBOX_ID,
    MAILBOX_STRING,
    desk_command,
    log_in_options,
    secret_of,
)
from customerservice.entrypoints.cli.mailboxes import mailbox_from
from customerservice.entrypoints.cli.running import Run, WorkFailed, find_contact
from customerservice.entrypoints.cli.showing import Progress, print_facts, print_json, print_text, say, size
from customerservice.errors import CustomerServiceError, InvalidValue, NotFound

if TYPE_CHECKING:
    from customerservice.adapters.settings import MailboxSetting
    from customerservice.bootstrap import HelpDesk
    from customerservice.ports.transports import MailSession, MailSource

_CHOICES = "now (only mail that comes from now on), all, or a day such as 2026-01-31"

#: Between two tries of a watched mailbox that cannot be reached, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 300.0
#: A connection is used so long at most, in seconds: many servers end a session after half an hour.
_SESSION_AGE = 1500.0


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True)
@click.option("--contact", metavar="ID", help="Contact that gets mail which names no other; id or name.")
@desk_command
def ingest(run: Run, paths: tuple[str, ...], contact: str | None) -> None:
    """Store mail from files, folders, mbox files and Maildirs, each mail once; - is standard input."""
    with run.beginning() as desk:
        contact_id = find_contact(desk, contact)
        done = _counted(run, None, None, lambda bounds: desk.ingest(paths, contact_id=contact_id, bounds=bounds))
    done.require()


@click.command("sync")
@click.argument("mailbox_id", required=False, type=MAILBOX_ID)
@click.option("--mailbox", "options", type=MAILBOX_STRING, help="As {host:993/imap/ssl}INBOX; found again or made.")
@log_in_options
@click.option("--after-fetch", type=AFTER_FETCH, help="What happens to stored mail at the server; keep unless chosen.")
@click.option("--since", type=FIRST_SYNC, help="Where the first sync of a mailbox starts; without effect later.")
@click.option("--limit", type=click.IntRange(min=1), help="Fetch at most so many mails.")
@click.option("--contact", metavar="ID", help="Contact of a new mailbox; id or name.")
@click.option("--allow-clear-text", is_flag=True, help="Let the password cross a connection without TLS.")
@click.option("--watch", is_flag=True, help="Go on until interrupted, waiting for new mail.")
@desk_command
def sync(
    run: Run,
    mailbox_id: MailboxId | None,
    options: ImapOptions | None,
    user: str | None,
    password_env: str | None,
    password_file: str | None,
    oauth_token_env: str | None,
    oauth_token_file: str | None,
    after_fetch: AfterFetch | None,
    since: FirstSync | None,
    limit: int | None,
    contact: str | None,
    allow_clear_text: bool,
    watch: bool,
) -> None:
    """Take over what is new in a mailbox: the one with that id, or of that string, else every mailbox there is.

    The string finds or makes the mailbox by service, host, user and folder; flags and port never make a new one.
    """
    if mailbox_id is not None and options is not None:
        raise click.UsageError("give a mailbox id or --mailbox, not both")
    secret = secret_of(
        password_env=password_env,
        password_file=password_file,
        oauth_token_env=oauth_token_env,
        oauth_token_file=oauth_token_file,
    )
    wish = _Wish(
        mailbox_id=mailbox_id,
        options=options,
        user=user,
        secret=secret,
        after_fetch=after_fetch,
        since=since,
        contact=contact,
        allow_clear_text=allow_clear_text,
    )
    wish.check(run)
    with run.beginning() as desk:
        boxes = wish.mailboxes(run, desk)
        for box in boxes:
            for warning in box.warnings:
                say(f"warning: {warning}")
        if watch:
            _watch(run, desk, boxes, limit)
            return
        passes = [_counted(run, box, limit, _pass_over(desk, box)) for box in boxes if not run.interruption()]
    for done in passes:
        done.require()


@attrs.frozen(kw_only=True)
class _Wish:
    """Which mailbox the caller means, and what is new about it."""

    mailbox_id: MailboxId | None
    options: ImapOptions | None
    user: str | None
    secret: SecretRef | None
    after_fetch: AfterFetch | None
    since: FirstSync | None
    contact: str | None
    allow_clear_text: bool

    def check(self, run: Run) -> None:
        """Refuse what is wrong usage before any database is made."""
        file = run.file
        if self.options is not None:
            # Made and thrown away: says everything that is missing at once.
            mailbox_from(self.options, user=self.user, secret=self.secret, after_fetch=self.after_fetch)
            if self.since is None and file is not None and not file.exists():
                raise _no_start(self.options.render())
            return
        if self.user is not None:
            raise click.UsageError("--user belongs to --mailbox")
        if file is not None and not file.exists() and not run.settings.mailboxes:
            raise _no_mailbox() if self.mailbox_id is None else NotFound("mailbox", self.mailbox_id)

    def mailboxes(self, run: Run, desk: "HelpDesk") -> list[Mailbox]:
        """Give the mailboxes to sync, stored, each with its start decided."""
        if self.options is not None:
            chosen = [self._of_string(run, desk, self.options)]
        elif self.mailbox_id is not None:
            chosen = [self._changed(desk, desk.mailboxes.get(self.mailbox_id))]
        else:
            chosen = self._all(run, desk)
        starts = {_finding_key(setting): setting.since for setting in run.settings.mailboxes}
        return [self._started(desk, box, self.since or starts.get(box.finding_key)) for box in chosen]

    def _of_string(self, run: Run, desk: "HelpDesk", options: ImapOptions) -> Mailbox:
        wanted = mailbox_from(options, user=self.user, secret=self.secret, after_fetch=self.after_fetch)
        if self.since is None and not any(box.finding_key == wanted.finding_key for box in desk.mailboxes.all()):
            raise _no_start(options.render())
        box, is_new = desk.mailboxes.find_or_add(
            options,
            user=wanted.user,
            secret=self.secret,
            contact_id=find_contact(desk, self.contact),
            after_fetch=self.after_fetch,
            first_sync=self.since,
            allow_clear_text=self.allow_clear_text,
        )
        if is_new and run.settings.authserv_id is not None:
            return desk.mailboxes.save(attrs.evolve(box, authserv_id=run.settings.authserv_id))
        return self._changed(desk, box)

    def _all(self, run: Run, desk: "HelpDesk") -> list[Mailbox]:
        for setting in run.settings.mailboxes:
            store_mailbox(desk, setting, run.settings.authserv_id)
        found = list(desk.mailboxes.all())
        if not found:
            raise _no_mailbox()
        if self.secret is not None and len(found) > 1:
            raise click.UsageError("one secret for several mailboxes: say which mailbox")
        return [self._changed(desk, box) for box in found]

    def _changed(self, desk: "HelpDesk", box: Mailbox) -> Mailbox:
        changed = attrs.evolve(
            box,
            secret=self.secret or box.secret,
            after_fetch=self.after_fetch or box.after_fetch,
            allow_clear_text=self.allow_clear_text or box.allow_clear_text,
        )
        return box if changed == box else desk.mailboxes.save(changed)

    @staticmethod
    def _started(desk: "HelpDesk", box: Mailbox, since: FirstSync | None) -> Mailbox:
        if desk.mailboxes.was_synced(box.id):
            return box
        if since is None:
            raise _no_start(box.options.render())
        return box if box.first_sync == since else desk.mailboxes.save(attrs.evolve(box, first_sync=since))


def store_mailbox(desk: "HelpDesk", setting: "MailboxSetting", authserv_id: str | None) -> Mailbox:
    """Store the mailbox of a settings file, or bring the stored one up to it."""
    box, _ = desk.mailboxes.find_or_add(setting.options, user=setting.user, secret=setting.secret)
    changed = attrs.evolve(
        box,
        contact_id=find_contact(desk, setting.contact) or box.contact_id,
        after_fetch=setting.after_fetch,
        create_threads=setting.create_threads,
        allow_clear_text=setting.allow_clear_text,
        size_limit=setting.size_limit,
        form_senders=frozenset(setting.form_senders),
        authserv_id=setting.authserv_id or authserv_id,
    )
    return box if changed == box else desk.mailboxes.save(changed)


def _no_mailbox() -> click.UsageError:
    return click.UsageError("there is no mailbox yet: give --mailbox and --user, or see 'mailbox add --help'")


def _finding_key(setting: "MailboxSetting") -> tuple[str, str, str, str]:
    return mailbox_from(setting.options, user=setting.user, secret=setting.secret).finding_key


def _no_start(mailbox: str) -> click.UsageError:
    return click.UsageError(f"{mailbox} was never synced: choose where to start with --since: {_CHOICES}")


@attrs.frozen
class _Done:
    """A pass that ended: what it did, and the error that ended it early, if one did."""

    report: SyncReport
    error: CustomerServiceError | None = None

    def require(self) -> None:
        """Do nothing if everything worked.

        Raises:
            WorkFailed: something did not; what, was printed.
        """
        if self.report.errors:
            raise WorkFailed

    @property
    def is_news(self) -> bool:
        return bool(self.report.fetched or self.report.errors)


def _counted(
    run: Run,
    mailbox: Mailbox | None,
    limit: int | None,
    work: Callable[[SyncBounds], SyncReport],
    *,
    always: bool = True,
) -> _Done:
    """Run a pass, which a signal ends after its current unit, and print what it did; without `always` only news."""
    name = None if mailbox is None else str(mailbox.id)
    line, done = Progress(), _Done(SyncReport(mailbox=name))

    def progress(report: SyncReport) -> None:
        nonlocal done
        done = _Done(report)
        line.show(f"{report.fetched} mails, {size(report.bytes)} stored")

    try:
        with run.interruption.finishing():
            done = _Done(work(SyncBounds(limit=limit, stop=run.interruption, progress=progress)))
    except InvalidValue:
        raise
    except CustomerServiceError as error:
        done.report.errors.append(str(error))
        done = _Done(done.report, error)
    finally:
        line.clear()
    if always or done.is_news:
        _print_report(run, mailbox, done.report)
    return done


def _print_report(run: Run, mailbox: Mailbox | None, report: SyncReport) -> None:
    for warning in report.warnings:
        say(f"warning: {warning}")
    for error in report.errors:
        say(f"error: {error}")
    if run.as_json:
        print_json(report_object(report))
    else:
        print_report(mailbox, report)


def report_object(report: SyncReport) -> dict[str, object]:
    """Give what a pass did as the JSON object of ``sync --json`` and ``ingest --json``."""
    counts = attrs.asdict(report, filter=lambda field, _: field.name != "warnings")
    return {**counts, "skipped": dict(report.skipped), "seconds": round(report.seconds, 3)}


def print_report(mailbox: Mailbox | None, report: SyncReport) -> None:
    """Print what a pass did, for people; what is zero is left out."""
    title = "" if mailbox is None else f"{mailbox.options.render()}: "
    mails = "1 mail" if report.fetched == 1 else f"{report.fetched} mails"
    print_text(f"{title}{mails} in {report.seconds:.1f} s, {size(report.bytes)} stored")
    counted = [
        ("new threads", report.created_threads),
        ("joined threads", report.joined_threads),
        ("attached", report.attached),
        ("held", report.held),
        ("already known", report.already_known),
        *((reason, count) for reason, count in sorted(report.skipped.items())),
        ("quarantined", report.quarantined),
        ("removed from the server", report.removed_from_server),
    ]
    print_facts((f"  {name}", count or None) for name, count in counted)


def _pass_over(
    desk: "HelpDesk", box: Mailbox, source: "MailSource | None" = None
) -> Callable[[SyncBounds], SyncReport]:
    return lambda bounds: desk.sync(box.id, source=source, bounds=bounds)


def _watch(run: Run, desk: "HelpDesk", boxes: Sequence[Mailbox], limit: int | None) -> None:
    """Sync again and again until a signal comes; ends by itself only over what waiting cannot mend."""
    from customerservice.bootstrap import mail_source

    pause, first = _FIRST_PAUSE, True
    with ExitStack() as stack:
        sources = {
            box.id: stack.enter_context(_KeptSource(mail_source(box, secret_callables=run.secret_callables)))
            for box in boxes
        }
        while not run.interruption():
            failed = False
            for box in boxes:
                source = sources[box.id]
                done = _counted(run, box, limit, _pass_over(desk, box, source), always=first)
                if done.error is not None:
                    source.drop()
                    failed = True
                    if not done.error.temporary:
                        raise WorkFailed
                if run.interruption():
                    return
            first = False
            if failed:
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE
                _wait([(box, sources[box.id]) for box in boxes])


def _wait(watched: "Sequence[tuple[Mailbox, _KeptSource]]") -> None:
    """Wait until new mail is likely, or until the next look is due; a signal ends it at once."""
    seconds = min(box.interval for box, _ in watched).total_seconds()
    if len(watched) > 1 or watched[0][0].options.service == "pop3":
        # POP3 shows new mail, and removes old one, only over a new connection.
        for _, source in watched:
            source.drop()
        time.sleep(seconds)
        return
    try:
        watched[0][1].wait(seconds)
    except CustomerServiceError:
        # The next pass connects again, and says what is wrong if that does not work.
        watched[0][1].drop()


class _KeptSource:
    """A source whose session outlives a pass, so that the same one waits for new mail: none comes in between unseen."""

    def __init__(self, source: "MailSource") -> None:
        self._source = source
        self._session: MailSession | None = None
        self._opened_at = 0.0

    def open(self) -> "MailSession":
        if self._session is None or time.monotonic() - self._opened_at > _SESSION_AGE:
            self.drop()
            self._session, self._opened_at = self._source.open(), time.monotonic()
        return _Borrowed(self._session)

    def wait(self, seconds: float) -> None:
        if self._session is not None:
            self._session.wait(min(seconds, _SESSION_AGE))

    def drop(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()


class _Borrowed:
    """A session that its user does not close."""

    def __init__(self, session: "MailSession") -> None:
        self._session = session
        self.state = session.state
        self.listing = session.listing
        self.fetch = session.fetch
        self.acknowledge = session.acknowledge
        self.wait = session.wait

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
