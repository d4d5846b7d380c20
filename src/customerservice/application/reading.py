"""Reading stored mail and deciding about it: each attempt is counted before it begins, so no mail stops the others."""

import contextlib
import logging
from collections.abc import Mapping, Sequence

import attrs

from customerservice._failpoints import failpoint
from customerservice.application.intake import Intake
from customerservice.application.stored_mail import quarantined, stored_raw
from customerservice.application.surroundings import surroundings
from customerservice.application.sync_run import SyncRun
from customerservice.domain.delivery import MAX_ATTEMPTS, Delivery
from customerservice.errors import CustomerServiceError, StoredBytesLost
from customerservice.mail.received import ReceivedMail
from customerservice.ports.storage import UnitOfWork

log = logging.getLogger("customerservice.sync")

_BATCH = 200
_EXTRA: Mapping[str, str] = {"customerservice_action": "read"}


def read(run: SyncRun, stored: Sequence[tuple[Delivery, bytes]]) -> None:
    """Read a batch and store what it became, in one unit; if anything in it fails, each mail in a unit of its own (P3).

    Raises:
        LeaseLost: another worker took over; nothing was stored.
        StorageUnavailable: the storage failed; the mails are read at the next pass.
    """
    if not stored:
        return
    try:
        _settle(run, [(delivery, run.desk.reader(raw)) for delivery, raw in stored])
        return
    except Exception as error:
        if _is_of_the_moment(error):
            raise
        log.warning("a batch failed; reading its mails one by one", exc_info=True, extra=_EXTRA)
    for delivery, raw in stored:
        _read_alone(run, delivery, raw, counted=True)


def read_left_over(run: SyncRun) -> None:
    """Read, one by one, what an interrupted pass stored and did not read."""
    while not run.time_is_up():
        with run.desk.storage.unit(reading=True) as unit:
            left = unit.deliveries.unread(run.source, limit=_BATCH)
        for delivery in left:
            _read_stored(run, delivery)
        run.bounds.progress(run.report)
        if len(left) < _BATCH:
            return


def _read_stored(run: SyncRun, delivery: Delivery) -> None:
    try:
        with run.desk.storage.unit(reading=True) as unit:
            raw = stored_raw(unit, delivery)
    except StoredBytesLost as error:
        _give_up(run, delivery, str(error))
        return
    _read_alone(run, delivery, raw, counted=False)


def _read_alone(run: SyncRun, delivery: Delivery, raw: bytes, *, counted: bool) -> None:
    """Read one mail, counting each attempt before it begins; the third failure quarantines it (R29, P3)."""
    reason = "reading it did not end"
    while counted or delivery.attempts < MAX_ATTEMPTS:
        if not counted:
            delivery = _counted(run, delivery, delivery.attempts + 1)
        failpoint("sync.attempt-counted")
        counted = False
        try:
            _settle(run, [(delivery, run.desk.reader(raw))])
            return
        except Exception as error:
            if _is_of_the_moment(error):
                # Best effort: where the storage is away for long, no mail of good health must run out of attempts.
                with contextlib.suppress(CustomerServiceError):
                    _counted(run, delivery, delivery.attempts - 1)
                raise
            reason = f"{type(error).__name__} while reading it"
            log.warning("a mail could not be read", exc_info=True, extra=_EXTRA)
    _give_up(run, delivery, f"{reason}, {delivery.attempts} times")


def _counted(run: SyncRun, delivery: Delivery, attempts: int) -> Delivery:
    counted = attrs.evolve(delivery, attempts=attempts)
    run.in_unit(lambda unit: unit.deliveries.save([counted]))
    return counted


def _settle(run: SyncRun, readings: Sequence[tuple[Delivery, ReceivedMail]]) -> None:
    failpoint("sync.parsed")

    def work(unit: UnitOfWork) -> Sequence[Delivery]:
        around = surroundings(unit, run.desk, shop=run.shop, mailbox=run.mailbox, contact_id=run.contact_id)
        intake = Intake(unit, run.desk, around, run.actor, run.desk.clock.now())
        ended = []
        for delivery, mail in readings:
            ended.append(intake.take(delivery, mail))
            # Saved at once: the next mail of the batch must see this one's content.
            unit.deliveries.save(ended[-1:])
        intake.close()
        failpoint("sync.outcome-written")
        return ended

    ended = run.in_unit(work)
    failpoint("sync.outcome-committed")
    for delivery in ended:
        run.report.count(delivery)


def _give_up(run: SyncRun, delivery: Delivery, reason: str) -> None:
    ended = quarantined(delivery, reason)
    run.in_unit(lambda unit: unit.deliveries.save([ended]))
    run.report.count(ended)


def _is_of_the_moment(error: Exception) -> bool:
    """Whether the moment is to blame rather than the mail: the storage is away, another worker took over."""
    return isinstance(error, CustomerServiceError) and error.temporary
