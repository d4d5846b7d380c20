"""Telling the source what is stored: flag, move or remove a mail there, never before its bytes are safe (P2)."""

from collections.abc import Sequence

import attrs

from customerservice._failpoints import failpoint
from customerservice.application.stored_mail import stored_raw
from customerservice.application.sync_run import SyncRun
from customerservice.domain.delivery import Delivery
from customerservice.domain.ids import DeliveryId
from customerservice.domain.mailbox import AfterFetchKind
from customerservice.errors import StoredBytesLost
from customerservice.ports.storage import UnitOfWork
from customerservice.ports.transports import AckState, MailRef, MailSession

_BATCH = 200


def acknowledge(run: SyncRun, session: MailSession, ids: Sequence[DeliveryId]) -> None:
    """Flag, move or remove at the source what is stored, after reading the stored bytes back.

    What the source refuses stays to be told at a later pass, with an error in the report.

    Raises:
        LeaseLost: another worker took over; the source was not told.
    """
    if not ids:
        return
    ready, lost = run.in_unit(lambda unit: _safe(unit, ids))
    for error in lost:
        run.report.fail(f"{error}; the mail stays at the server")
    if not ready:
        return
    failpoint("sync.before-acknowledge")
    answers = session.acknowledge(list(ready), run.mode)
    failpoint("sync.acknowledged")
    told = []
    for answer in answers:
        if answer.state is AckState.FAILED:
            run.report.fail(f"the server did not {run.mode.kind.value} a mail: {answer.reason}")
            continue
        told.append(ready[answer.ref])
        if answer.state is AckState.FLAGGED:
            run.report.warn(answer.reason)
        elif answer.state is AckState.DONE and run.mode.kind is not AfterFetchKind.SEEN:
            run.report.removed_from_server += 1
    run.in_unit(lambda unit: _note(unit, told))
    failpoint("sync.acknowledgement-noted")


def acknowledge_left_over(run: SyncRun, session: MailSession) -> None:
    """Tell the source what an interrupted pass stored and did not tell."""
    after: DeliveryId | None = None
    while True:
        with run.desk.storage.unit(reading=True) as unit:
            left = unit.deliveries.unacknowledged(run.source, session.state.epoch, limit=_BATCH, after=after)
        if not left:
            return
        after = left[-1].id
        acknowledge(run, session, [delivery.id for delivery in left])


def _safe(unit: UnitOfWork, ids: Sequence[DeliveryId]) -> tuple[dict[MailRef, DeliveryId], Sequence[str]]:
    """Give those the source is to be told of whose bytes can be read back, and what is wrong with the others."""
    ready: dict[MailRef, DeliveryId] = {}
    lost = []
    for delivery in _still_to_tell(unit, ids):
        try:
            stored_raw(unit, delivery)
        except StoredBytesLost as error:
            lost.append(str(error))
        else:
            key = delivery.key
            ready[MailRef(epoch=key.epoch, uid=key.uid, name=key.name)] = delivery.id
    return ready, lost


def _note(unit: UnitOfWork, ids: Sequence[DeliveryId]) -> None:
    # Read again: while the server was told, a person may have decided about a mail that was held.
    told = _still_to_tell(unit, ids, for_change=True)
    unit.deliveries.save([attrs.evolve(delivery, acknowledge=False) for delivery in told])


def _still_to_tell(unit: UnitOfWork, ids: Sequence[DeliveryId], *, for_change: bool = False) -> Sequence[Delivery]:
    found = (unit.deliveries.get(delivery_id, for_change=for_change) for delivery_id in ids)
    return [delivery for delivery in found if delivery is not None and delivery.acknowledge]
