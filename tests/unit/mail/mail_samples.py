"""Mails for the tests of the mail ring, put together from a header and a body."""

from collections.abc import Sequence


def mail(body: str | bytes = "Hello\n", **header: str) -> bytes:
    """Give a mail from Anna; fields (underscores stand for hyphens) replace the usual ones, "" leaves one out."""
    fields = {
        "From": "Anna <anna@mail.example>",
        "To": "help@shop.example",
        "Subject": "Order",
        "Date": "Fri, 2 Jan 2026 10:00:00 +0100",
        "Message-ID": "<1@mail.example>",
    }
    fields |= {name.replace("_", "-"): value for name, value in header.items()}
    head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    return head.encode() + b"\n" + (body.encode() if isinstance(body, str) else body)


def part(body: str | bytes, content_type: str = "text/plain; charset=utf-8", **header: str) -> bytes:
    """Give a part of a multipart."""
    fields = {"Content-Type": content_type} | {name.replace("_", "-"): value for name, value in header.items()}
    head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    return head.encode() + b"\n" + (body.encode() if isinstance(body, str) else body)


def multipart(subtype: str, parts: Sequence[bytes], *, boundary: str = "=_b", extra: str = "") -> bytes:
    """Give a multipart entity: its header and its parts."""
    line = f"--{boundary}\n".encode()
    body = b"".join(line + item + b"\n" for item in parts) + f"--{boundary}--\n".encode()
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"{extra}\n\n'.encode() + body


def with_parts(subtype: str, parts: Sequence[bytes], *, boundary: str = "=_b", extra: str = "", **header: str) -> bytes:
    """Give a whole mail whose body is a multipart."""
    head, _, _ = mail("", **header).partition(b"\n\n")
    return head + b"\nMIME-Version: 1.0\n" + multipart(subtype, parts, boundary=boundary, extra=extra)
