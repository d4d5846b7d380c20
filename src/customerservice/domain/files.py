"""What a stranger's file may be called, shown as and taken for: names, media types, first bytes."""

import re
import unicodedata

_LONGEST = 255  # bytes of UTF-8, as file systems have it
_LONGEST_EXTENSION = 20  # characters
_NAMELESS = "attachment"
# What moves between folders, begins a stream of NTFS, or means something to a shell or a header.
_SEPARATORS = str.maketrans("\\", "/")
_MEANINGFUL = str.maketrans(dict.fromkeys('<>"|?*／＼∕⁄⧵：', "_"))
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)
#: Categories of characters that nobody sees, or that turn the direction of others.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

#: What browsers show without running anything in it.
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_ACTIVE_EXTENSIONS = frozenset(
    {"svg", "svgz", "htm", "html", "xhtml", "xht", "shtml", "mht", "mhtml", "xml", "xsl", "xslt", "pdf", "swf", "js",
     "mjs", "hta", "php", "jsp", "asp", "aspx"}
)  # fmt: skip
_PROGRAMS = r"exe|scr|com|bat|cmd|pif|msi|js|jse|vbs|vbe|wsf|hta|ps1|lnk|jar|cpl|iso|img"
_TWO_EXTENSIONS = re.compile(
    rf"\.(?:pdf|docx?|xlsx?|pptx?|odt|ods|txt|rtf|csv|jpe?g|png|gif|zip)[\s.]*\.(?:{_PROGRAMS})$", re.IGNORECASE
)

_MAGIC = (
    (b"%PDF-", "application/pdf"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"), (b"PK\x03\x04", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"), (b"{\\rtf", "application/rtf"),
    (b"MZ", "application/x-msdownload"), (b"\x7fELF", "application/x-executable"), (b"#!", "text/x-shellscript"),
    (b"Rar!\x1a\x07", "application/vnd.rar"), (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"), (b"II*\x00", "image/tiff"), (b"MM\x00*", "image/tiff"),
    (b"FWS", "application/x-shockwave-flash"), (b"CWS", "application/x-shockwave-flash"),
)  # fmt: skip
_MARKUP = re.compile(
    rb"\s{0,100}(?:<\?xml[^>]{0,200}>\s{0,100})?(?:<!--.{0,200}?-->\s{0,100})?<(!doctype\s+html|html|head|body|script|svg)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_SNIFFED = 1_024  # bytes
# Types and extensions under which files with the same first bytes go; office files with a password are OLE storages.
_KINDS = {
    "application/pdf": r"pdf|ai",
    "image/png": r"png|x-png",
    "image/jpeg": r"jpe?g|pjpeg|jfif",
    "image/gif": r"gif",
    "image/webp": r"webp",
    "image/heic": r"hei[cf]|mp4|m4[av]|mov|quicktime|3gpp?|avif",
    "image/tiff": r"tiff?|dng|nef|cr2",
    "image/svg+xml": r"svg|svg\+xml|xml",
    "text/html": r"x?html?|xhtml\+xml|mhtml?|xml|eml|rfc822",
    "application/zip": r"(?:x-)?zip(?:-compressed)?|jar|apk|epub(?:\+zip)?|[a-z]{3,4}x|od[a-z]|pages|key|vnd\..*",
    "application/x-ole-storage": r"doc|dot|xls|xlt|ppt|pps|msg|msi|msword|vnd\..*|vsd|(?:doc|xls|ppt)x",
    "application/rtf": r"rtf|doc|msword|richtext",
    "application/gzip": r"t?gz|gzip|x-gzip|svgz|x-compressed(?:-tar)?|emz",
}


def safe_filename(name: str | None) -> str:
    r"""Give a name under which a stranger's file can be shown, offered and saved: never empty, one line, no folder.

    What nobody sees or what turns the direction of letters is taken out first, then folders, drives, streams of NTFS,
    dots and blanks at the ends; the names of Windows' devices get an underscore. At most 255 bytes of UTF-8, the
    extension kept. Giving the result again changes nothing. It is no name to store under: two files may have the same.

    >>> safe_filename("..\\..\\Rechnung\u202efdp.exe"), safe_filename("CON.txt"), safe_filename("...")
    ('Rechnungfdp.exe', '_CON.txt', 'attachment')
    """
    seen = "".join(
        character
        for character in unicodedata.normalize("NFC", (name or "")[:10_000])
        if unicodedata.category(character) not in _UNSEEN
    )
    # Taking characters out may have put others together.
    last = unicodedata.normalize("NFC", seen).translate(_SEPARATORS).rpartition("/")[2]
    while ":" in last:
        head, _, rest = last.partition(":")
        last = rest if len(head.strip()) <= 1 else head
    last = " ".join(last.translate(_MEANINGFUL).split()).strip(". ")
    if _DEVICES.match(last) is not None:
        last = f"_{last}"
    return _cut(last) or _NAMELESS


def _cut(name: str) -> str:
    if len(name.encode("utf-8")) <= _LONGEST:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > _LONGEST_EXTENSION:
        stem, extension = name, ""
    room = _LONGEST - len(f"{dot}{extension}".encode())
    kept = stem.encode("utf-8")[: room if extension else _LONGEST].decode("utf-8", "ignore").rstrip(". ")
    return f"{kept}.{extension}" if extension else kept


def is_download_only(media_type: str, filename: str | None = None) -> bool:
    """Tell whether a file is only ever offered for download, never shown in a page or a tab.

    True for all but the pictures that run nothing: SVG, HTML, XML, PDF and Flash can run scripts or load from elsewhere
    in the name of the site that serves them, and so can a file that only has the extension of one.
    """
    extension = (filename or "").rpartition(".")[2].strip().lower()
    return media_type not in _SHOWN or extension in _ACTIVE_EXTENSIONS


def sniff_media_type(content: bytes) -> str | None:
    """Give the media type that the first bytes of a file tell, or None; office files count as what they are made of."""
    found = next((media_type for magic, media_type in _MAGIC if content.startswith(magic)), None)
    if found is not None:
        return found
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return "image/heic"
    markup = _MARKUP.match(content[:_SNIFFED].removeprefix(b"\xef\xbb\xbf"))
    if markup is None:
        return None
    return "image/svg+xml" if markup[1].lower() == b"svg" else "text/html"


def is_disguised(filename: str | None, media_type: str, content: bytes) -> bool:
    """Tell whether a file is not what its name or its declared media type says, as programs in disguise are not.

    It is a hint for people: careless programs declare wrong types as well. A file without telling first bytes, an
    extension or a type that tells nothing are no hint.
    """
    name = safe_filename(filename)
    if _TWO_EXTENSIONS.search(name) is not None:
        return True
    sniffed = sniff_media_type(content)
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if sniffed is None:
        return False
    fitting = _KINDS.get(sniffed)
    declared = media_type.partition("/")[2]
    claims = [claim for claim in (declared, extension) if claim not in ("", "octet-stream", "x-download", "bin")]
    if fitting is None:
        # Programs and the like may only be called so: a picture or a document is something else.
        return any(re.fullmatch(pattern, claim) for pattern in _KINDS.values() for claim in claims)
    return any(re.fullmatch(fitting, claim) is None and _is_known(claim) for claim in claims)


def _is_known(claim: str) -> bool:
    return claim in ("plain", "txt", "csv") or any(re.fullmatch(pattern, claim) for pattern in _KINDS.values())
