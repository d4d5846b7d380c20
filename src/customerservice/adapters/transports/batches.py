"""How all sources cut their mails into batches, and what they give of a mail over the limit."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

#: A batch holds at most this many bytes, unless it is one mail.
BATCH_BYTES: Final = 8_000_000

#: A batch holds at most this many mails.
BATCH_MAILS: Final = 200

#: Of a mail over the size limit we keep this much of its header block, in bytes.
MAX_HEADER: Final = 256 * 1024

_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")

_T = TypeVar("_T")


def batches(items: Iterable[_T], size: Callable[[_T], int]) -> Iterator[list[_T]]:
    """Cut `items` into lists of at most `BATCH_MAILS`, whose sizes sum to at most `BATCH_BYTES`; order is kept.

    A larger item stands alone. Lists are never empty, and each is given as soon as the item after it is known.
    """
    batch: list[_T] = []
    total = 0
    for item in items:
        wanted = size(item)
        if batch and (len(batch) >= BATCH_MAILS or total + wanted > BATCH_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += wanted
    if batch:
        yield batch


def header_block(raw: bytes) -> bytes:
    """Give the header block with its empty line, or its first `MAX_HEADER` bytes; all of a mail without body."""
    start = raw[:MAX_HEADER]
    if start.startswith((b"\r\n", b"\n")):
        return start[: start.index(b"\n") + 1]
    end = _END_OF_HEADER.search(start)
    return start if end is None else start[: end.end()]
