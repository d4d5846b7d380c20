"""How much of one mail is read."""

import attrs


@attrs.frozen(kw_only=True)
class Limits:
    """How much of one mail is read; what lies beyond leaves a defect and stays in the raw mail.

    Attributes:
        header_bytes: of the header of each part.
        depth: multiparts within each other; what is deeper becomes one attachment ``rest.eml``.
        parts: of the whole mail.
        dash_lines: lines that begin like a boundary and are looked at, in the whole mail.
        parameters: of one header field.
        addresses: of one kind of address header.
        references: Message-IDs of the References header; the last ones count.
        html_characters: of HTML whose structure is read; from the rest only the tags are taken out.
        text_characters: of a text whose lines are read: flowed lines joined, quotation and signature found. A longer
            text stays as it is and is all new.
    """

    header_bytes: int = 256 * 1024
    depth: int = 100
    parts: int = 500
    dash_lines: int = 200_000
    parameters: int = 100
    addresses: int = 1_000
    references: int = 100
    html_characters: int = 1_000_000
    text_characters: int = 2_000_000
