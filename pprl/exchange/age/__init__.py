"""
The age v1 file format, and nothing more.

A *recipient* is whom a file is sealed to; an *identity* is what opens it.  The format is
the published one (C2SP, `c2sp.org/age`): a header that wraps one file key for each
recipient, a MAC over the header, and a payload of 64 KiB chunks, each of which is
authenticated before it is given out.  The post-quantum recipient, ``age1pq``, joins
ML-KEM-768 with X25519.  There are no plugins, no armour and no choice of algorithms.
"""

from pprl.exchange.age.ability import able
from pprl.exchange.age.files import Decryptor, Encryptor, decrypt_stream, encrypt_stream
from pprl.exchange.age.header import Stanza
from pprl.exchange.age.passphrase import Passphrase
from pprl.exchange.age.postquantum import PqIdentity, PqRecipient
from pprl.exchange.age.wrapping import Opener, Recipient
from pprl.exchange.age.x25519 import X25519Identity, X25519Recipient

__all__ = [
    "Decryptor",
    "Encryptor",
    "Opener",
    "Passphrase",
    "PqIdentity",
    "PqRecipient",
    "Recipient",
    "Stanza",
    "X25519Identity",
    "X25519Recipient",
    "able",
    "decrypt_stream",
    "encrypt_stream",
]
