#!/usr/bin/env python3
"""scripts/protection-vectors.py > native/test/vectors/packet_protection.txt

Packets as native/crypto/traffic_keys.h and aead_packet_protection.h describe them, made without our code: HKDF from
Python's hmac, the ciphers from the package cryptography (Debian: python3-cryptography). The fresh secret is mixed in
during epoch 1, and again, reversed, during epoch 2. The same every time.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

ID = 0xC0DE0123456789AB


def drawn(name, length=32):
    return hashlib.shake_256(name.encode()).digest(length)


def extract(salt, key):
    return hmac.digest(salt, key, "sha256")


def expand(secret, info, length):
    # One block is enough for all we ask for.
    return hmac.digest(secret, info.encode() + b"\x01", "sha256")[:length]


def secret_of(first, epoch, fresh):
    secret = first
    for now in range(epoch):
        secret = expand(secret, "hawser ku", 32)
        if now == 1:
            secret = extract(secret, fresh)
        if now == 2:
            secret = extract(secret, fresh[::-1])
    return secret


def mask_of(suite, key, sample):
    if suite == "aes-256-gcm":
        encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        return encryptor.update(sample) + encryptor.finalize()
    # The nonce of this package is the counter, little-endian, and the nonce: the sample as it is.
    encryptor = Cipher(algorithms.ChaCha20(key, sample), None).encryptor()
    return encryptor.update(bytes(16))


def packet_of(suite, first, epoch, fresh, number, frames):
    secret = secret_of(first, epoch, fresh)
    iv = int.from_bytes(expand(secret, "hawser iv", 12), "big")
    nonce = (iv ^ number).to_bytes(12, "big")
    header = bytearray([0x80 | (epoch & 1)]) + ID.to_bytes(8, "big") + (number & 0xFFFFFFFF).to_bytes(4, "big")
    aead = {"aes-256-gcm": AESGCM, "chacha20-poly1305": ChaCha20Poly1305}[suite]
    sealed = aead(expand(secret, "hawser key", 32)).encrypt(nonce, frames, bytes(header))
    mask = mask_of(suite, expand(first, "hawser hp", 32), sealed[:16])
    header[0] ^= mask[0] & 0x0F
    for i in range(4):
        header[9 + i] ^= mask[1 + i]
    return bytes(header) + sealed


def main():
    for suite in ("aes-256-gcm", "chacha20-poly1305"):
        initiator = drawn(f"{suite} initiator")
        responder = drawn(f"{suite} responder")
        handshake = [drawn(f"{suite} fresh initiator"), drawn(f"{suite} fresh responder")]
        fresh = extract(*handshake)
        for sender, first in (("initiator", initiator), ("responder", responder)):
            for epoch in range(4):
                for number, length in ((0, 1), (2**31 - 1 + epoch, 37), (0x0123456789ABCDE0 + epoch, 200)):
                    frames = drawn(f"{suite} {sender} {epoch} {number}", length)
                    fields = {
                        "suite": suite,
                        "initiator": initiator.hex(),
                        "responder": responder.hex(),
                        "fresh_initiator": handshake[0].hex(),
                        "fresh_responder": handshake[1].hex(),
                        "fresh": fresh.hex(),
                        "sender": sender,
                        "epoch": epoch,
                        "number": f"{number:016x}",
                        "id": f"{ID:016x}",
                        "frames": frames.hex(),
                        "packet": packet_of(suite, first, epoch, fresh, number, frames).hex(),
                    }
                    for name, value in fields.items():
                        print(f"{name} = {value}")
                    print()


main()
