"""The transports satisfy the protocols they are written for; a type checker reads this, nothing runs."""

from customerservice.adapters.transports.files import FileSource
from customerservice.adapters.transports.imap import ImapSource
from customerservice.adapters.transports.memory import MemoryMailbox, MemorySender
from customerservice.adapters.transports.oauth import (
    ClientCredentialsProvider,
    RefreshTokenProvider,
    SecretTokenProvider,
)
from customerservice.adapters.transports.pop3 import Pop3Source
from customerservice.adapters.transports.smtp import SmtpSender
from customerservice.ports.transports import MailSender, MailSource, TokenProvider


def sources(files: FileSource, imap: ImapSource, memory: MemoryMailbox, pop3: Pop3Source) -> list[MailSource]:
    """Each source is what callers ask for."""
    return [files, imap, memory, pop3]


def senders(memory: MemorySender, smtp: SmtpSender) -> list[MailSender]:
    """Each sender is what callers ask for."""
    return [memory, smtp]


def token_providers(
    secret: SecretTokenProvider, refresh: RefreshTokenProvider, client: ClientCredentialsProvider
) -> list[TokenProvider]:
    """Each provider is what callers ask for."""
    return [secret, refresh, client]
