"""A second implementation of relbook's formats, from their description alone.

Reads the inputs of tests/vectors/golden.json and prints the outputs. It shares no code with
relbook: the standard library, `cryptography` for Ed25519 and `blake3`.

    python3 tests/interop/second.py tests/vectors/golden.json
"""

import hashlib
import json
import struct
import sys
from base64 import b64encode

import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

GENESIS = "relbook 2026 genesis v1"
CHAIN = "relbook 2026 chain v1"


def b64(data):
    return b64encode(data).decode()


def sha256(data):
    return hashlib.sha256(data).digest()


def derive(context, data):
    return blake3.blake3(data, derive_key_context=context).digest()


def public(key):
    return key.public_key().public_bytes_raw()


# DSSE: what is signed, and the envelope for transport.


def pae(kind, body):
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def envelope(kind, body, key_id, signature):
    signatures = [{"keyid": key_id.hex(), "sig": b64(signature)}]
    return {"payload": b64(body), "payloadType": kind.decode(), "signatures": signatures}


# The leaf entry; integers are big-endian.


def leaf_entry(seq, received, prev_chain, key_id, signature, signed):
    head = struct.pack(">QQ", seq, received)
    tail = struct.pack(">I", len(signed)) + signed
    return b"relbook/leaf/v1\n" + head + prev_chain + key_id + signature + tail


# The tree of RFC 6962, by its recursive definitions.


def split(count):
    return 1 << ((count - 1).bit_length() - 1)


def root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


def inclusion(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion(m, leaves[:k]) + [root(leaves[k:])]
    return inclusion(m - k, leaves[k:]) + [root(leaves[:k])]


def consistency(m, leaves, whole=True):
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return consistency(m, leaves[:k], whole) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


# Checkpoints: C2SP signed notes.


def key_hash(name, key):
    return sha256(name.encode() + b"\n\x01" + public(key))[:4]


def checkpoint(origin, size, tree_root, key):
    text = f"{origin}\n{size}\n{b64(tree_root)}\n"
    signature = key_hash(origin, key) + key.sign(text.encode())
    return f"{text}\n\u2014 {origin} {b64(signature)}\n"


def receipt(entry, index, proof, note):
    lines = ["c2sp.org/tlog-proof@v1", f"extra {b64(entry)}", f"index {index}", *map(b64, proof)]
    return "\n".join(lines) + "\n\n" + note


def outputs(inputs):
    origin = inputs["origin"]
    book = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(inputs["book_seed"]))
    genesis = chain = derive(GENESIS, origin.encode() + b"\n" + public(book))
    entries, notes, leaves = [], [], []
    for seq, event in enumerate(inputs["events"]):
        author = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(event["seed"]))
        kind, body = event["payload_type"].encode(), event["body"].encode()
        signed, key_id = pae(kind, body), sha256(public(author))
        signature = author.sign(signed)
        entry = leaf_entry(seq, event["received_micros"], chain, key_id, signature, signed)
        chain = derive(CHAIN, entry)
        leaves.append(sha256(b"\x00" + entry))
        notes.append(checkpoint(origin, seq + 1, root(leaves), book))
        made = {"pae": signed, "key_id": key_id, "signature": signature, "entry": entry}
        made |= {"chain": chain, "leaf": leaves[-1], "root": root(leaves)}
        made = {name: value.hex() for name, value in made.items()}
        entries.append(made | {"envelope": envelope(kind, body, key_id, signature)})
    last = len(leaves) - 1
    hexes = lambda hashes: [one.hex() for one in hashes]
    return {
        "book_key": public(book).hex(),
        "verifier_key": f"{origin}+{key_hash(origin, book).hex()}+{b64(bytes([1]) + public(book))}",
        "genesis": genesis.hex(),
        "entries": entries,
        "checkpoints": notes,
        "inclusion": [hexes(inclusion(seq, leaves)) for seq in range(len(leaves))],
        "consistency": [hexes(consistency(size, leaves)) for size in range(1, len(leaves))],
        "receipt": receipt(entry, last, inclusion(last, leaves), notes[-1]),
    }


json.dump(outputs(json.load(open(sys.argv[1], encoding="utf-8"))["inputs"]), sys.stdout)
