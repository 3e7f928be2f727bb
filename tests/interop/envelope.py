"""Reads and makes event envelopes (DSSE) with securesystemslib, which knows nothing of relbook.

    envelope.py verify KEY.pub KEYID ENVELOPE          exit 0 when it verifies, and no changed one does
    envelope.py sign KEY.pem KEYID TYPE BODY           prints the envelope of a file
"""

import copy
import json
import sys
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey


def read(path):
    with open(path, "rb") as file:
        return file.read()


def changed(envelope):
    """Yields envelopes that differ in one thing that is signed, or in the signature."""
    body = bytearray(b64decode(envelope["payload"]))
    body[len(body) // 2] ^= 1
    yield envelope | {"payload": b64encode(body).decode()}
    yield envelope | {"payloadType": envelope["payloadType"] + "x"}
    other = copy.deepcopy(envelope)
    signature = bytearray(b64decode(other["signatures"][0]["sig"]))
    signature[9] ^= 1
    other["signatures"][0]["sig"] = b64encode(signature).decode()
    yield other


def verify(key_file, keyid, envelope_file):
    key = SSlibKey.from_crypto(load_pem_public_key(read(key_file)), keyid)
    envelope = json.loads(read(envelope_file))
    Envelope.from_dict(copy.deepcopy(envelope)).verify([key], 1)
    for other in changed(envelope):
        try:
            Envelope.from_dict(copy.deepcopy(other)).verify([key], 1)
        except VerificationError:
            continue
        sys.exit("a changed envelope verifies")


def sign(key_file, keyid, kind, body_file):
    private = load_pem_private_key(read(key_file), None)
    key = SSlibKey.from_crypto(private.public_key(), keyid)
    envelope = Envelope(read(body_file), kind, {})
    envelope.sign(CryptoSigner(private, key))
    print(json.dumps(envelope.to_dict()))


{"verify": verify, "sign": sign}[sys.argv[1]](*sys.argv[2:])
