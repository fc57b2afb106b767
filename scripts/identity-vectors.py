#!/usr/bin/env python3
"""scripts/identity-vectors.py > native/test/vectors/ed25519_to_x25519_libsodium.txt

What libsodium (libsodium.so.23, Debian: libsodium23) makes of identities: 64 key pairs, the first of them that of
libsodium's own test ed25519_convert, and public keys of all kinds that an honest seed does not give: the ends of the
field, encodings that are not canonical, points off the curve, of small order and of mixed order. The same every time.
"""

import ctypes
import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1)

sodium = ctypes.CDLL("libsodium.so.23")
sodium.sodium_init()


def mapped(public):
    out = ctypes.create_string_buffer(32)
    refused = sodium.crypto_sign_ed25519_pk_to_curve25519(out, public)
    return None if refused else out.raw


def key_pair(seed):
    public = ctypes.create_string_buffer(32)
    secret = ctypes.create_string_buffer(64)
    converted = ctypes.create_string_buffer(32)
    sodium.crypto_sign_seed_keypair(public, secret, seed)
    sodium.crypto_sign_ed25519_sk_to_curve25519(converted, secret)
    return public.raw, converted.raw


def drawn(name, number):
    return hashlib.sha256(f"{name} {number}".encode()).digest()


def decode(encoded):
    y = int.from_bytes(encoded, "little")
    sign = y >> 255
    y &= 2**255 - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P:
        return None
    return (x if x & 1 == sign else P - x), y


def encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def add(a, b):
    k = D * a[0] * b[0] * a[1] * b[1]
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P)
    return x % P, y % P


def multiply(factor, point):
    product = NEUTRAL
    while factor:
        if factor & 1:
            product = add(product, point)
        point = add(point, point)
        factor >>= 1
    return product


def small_order_points():
    for number in range(1000):
        point = decode(drawn("random", number))
        torsion = multiply(ORDER, point) if point else NEUTRAL
        if multiply(4, torsion) != NEUTRAL:
            return [multiply(factor, torsion) for factor in range(8)]
    raise AssertionError


def candidates():
    for y in [*range(40), *(P - 1 - k for k in range(40)), *(P + k for k in range(19))]:
        for sign in (0, 1):
            yield (y | sign << 255).to_bytes(32, "little")
    for number in range(64):
        yield drawn("random", number)
    small = small_order_points()
    yield from map(encode, small)
    for number in range(4):
        honest = decode(key_pair(drawn("mixed", number))[0])
        yield from (encode(add(honest, point)) for point in small)


def main():
    cases = []
    published = bytes.fromhex("421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee")
    for number in range(64):
        seed = drawn("hawser", number) if number else published
        public, secret = key_pair(seed)
        cases.append(
            f"seed = {seed.hex()}\nid = {public.hex()}\nsecret = {secret.hex()}\n"
            f"public = {mapped(public).hex()}\nresult = valid\n"
        )
    for public in dict.fromkeys(candidates()):
        out = mapped(public)
        verdict = f"public = {out.hex()}\nresult = valid\n" if out else "result = invalid\n"
        cases.append(f"id = {public.hex()}\n{verdict}")
    print("\n".join(cases), end="")


main()
