"""Handing out the files of messages: by message and attachment, checked first, to be saved and never to be shown."""

from collections.abc import Mapping
from urllib.parse import quote

import attrs

from customerservice.application.context import DeskContext
from customerservice.application.recording import thread_for
from customerservice.domain.actor import Actor
from customerservice.domain.ids import AttachmentId, MessageId
from customerservice.domain.message import Attachment
from customerservice.errors import NotFound, Refused


@attrs.frozen(kw_only=True)
class FileToHandOut:
    """A file with its bytes, exactly as they came; a name such as ``invoice.pdf`` promises nothing about them."""

    attachment: Attachment
    content: bytes = attrs.field(repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        """The HTTP fields to serve it with, so that a browser saves it and runs nothing in it, whatever it is.

        HTML, SVG, XML, PDF and Flash files can hold programs that would run in the name of the site that shows them.
        Only pictures that run nothing keep their media type, so that a page can show them in its own ``img``.

        >>> file = Attachment(id=None, filename="a b.svg", media_type="image/svg+xml", size=0, sha256="")
        >>> FileToHandOut(attachment=file, content=b"").headers["Content-Disposition"]
        "attachment; filename*=UTF-8''a%20b.svg"
        """
        file = self.attachment
        return {
            "Content-Type": "application/octet-stream" if file.is_download_only else file.media_type,
            # RFC 6266 4.3, RFC 8187: every sign that could mean something is encoded, so that no name adds a field.
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.safe_filename, safe='')}",
            "Content-Length": str(len(self.content)),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }


def hand_out_file(desk: DeskContext, actor: Actor, message_id: MessageId, attachment_id: AttachmentId) -> FileToHandOut:
    """Give a file of a message, after `DeskSettings.file_check` saw its bytes.

    Raises:
        NotFound: there is no such message in the actor's shops, or it has no such file.
        Refused: the check says no (``file-refused``); its words are in the text.
        StoredBytesLost: its bytes are missing, or are not what was stored.
    """
    with desk.storage.unit(reading=True) as unit:
        message = unit.messages.get(message_id)
        if message is None:
            raise NotFound("message", message_id)
        thread_for(unit, actor, message.thread_id)
        attachment = next((one for one in message.attachments if one.id == attachment_id), None)
        if attachment is None:
            raise NotFound("file", attachment_id)
        content = unit.blobs.get(attachment.sha256)
    # Outside of the unit: a scanner of viruses may take long.
    fault = None if desk.settings.file_check is None else desk.settings.file_check(content, attachment)
    if fault is not None:
        raise Refused("file-refused", f"file {attachment_id} is not handed out: {fault}")
    return FileToHandOut(attachment=attachment, content=content)
