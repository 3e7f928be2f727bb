//! What a signature says of itself: its kind, and the key that it names.
//!
//! Nothing is verified here: that needs keys that the user trusts, and a program that the
//! configuration of the repository may name, which an importer must never start. The name of the
//! key is a claim, as the tag is. A signature that cannot be read names nobody.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

/// Tells the kind of a signature by its armour.
pub(super) fn kind(armour: &[u8]) -> Option<&'static str> {
    let starts = |text: &str| armour.starts_with(text.as_bytes());
    if starts("-----BEGIN PGP ") {
        Some("gpg")
    } else if starts("-----BEGIN SSH SIGNATURE") {
        Some("ssh")
    } else if starts("-----BEGIN SIGNED MESSAGE") {
        Some("x509")
    } else {
        (!armour.is_empty()).then_some("unknown")
    }
}

/// Returns the key that a signature names: `SHA256:...` as ssh-keygen prints it, or the
/// fingerprint or key id of OpenPGP in hexadecimal.
pub(super) fn signer(armour: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(armour).ok()?;
    let bytes = unwrap(text)?;
    match kind(armour)? {
        "gpg" => openpgp_issuer(&bytes).map(hex::encode_upper),
        "ssh" => {
            let key = ssh_public_key(&bytes)?;
            Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key))))
        }
        _ => None,
    }
}

/// Takes the bytes out of the armour: headers, an empty line, base64, a checksum.
fn unwrap(text: &str) -> Option<Vec<u8>> {
    let lines = text.lines().map(str::trim).skip(1).take_while(|line| !line.starts_with('-'));
    let base64: String =
        lines.filter(|line| !line.contains(':') && !line.starts_with('=')).collect();
    STANDARD.decode(base64).ok()
}

/// Reads the public key of an SSHSIG blob (OpenSSH, PROTOCOL.sshsig).
fn ssh_public_key(bytes: &[u8]) -> Option<&[u8]> {
    let (_version, rest) = bytes.strip_prefix(b"SSHSIG")?.split_at_checked(4)?;
    let (length, rest) = rest.split_at_checked(4)?;
    rest.get(..usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?)
}

/// Reads the issuer of an OpenPGP signature packet (RFC 9580, 5.2.3): its fingerprint, or the key
/// id where there is no fingerprint.
fn openpgp_issuer(bytes: &[u8]) -> Option<&[u8]> {
    const SIGNATURE: u8 = 2;
    let (first, rest) = bytes.split_first()?;
    let (tag, body) = if first & 0x40 != 0 {
        let (length, rest) = length(rest)?;
        (first & 0x3f, rest.get(..length)?)
    } else {
        let width = 1_usize << (first & 3);
        let (digits, rest) = rest.split_at_checked(width)?;
        let length = digits.iter().fold(0_usize, |all, digit| (all << 8) | usize::from(*digit));
        ((first >> 2) & 0x0f, rest.get(..length)?)
    };
    // Version 4: version, type, two algorithms, then the two areas of subpackets.
    if tag != SIGNATURE || *body.first()? != 4 {
        return None;
    }
    let (hashed, rest) = area(body.get(4..)?)?;
    let (unhashed, _) = area(rest)?;
    let find = |kind| subpacket(hashed, kind).or_else(|| subpacket(unhashed, kind));
    // A fingerprint has the version of its key before it.
    find(33).and_then(|fingerprint| fingerprint.get(1..)).or_else(|| find(16))
}

fn area(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(length.try_into().ok()?)))
}

fn subpacket(mut area: &[u8], kind: u8) -> Option<&[u8]> {
    while !area.is_empty() {
        let (length, rest) = length(area)?;
        let (packet, rest) = rest.split_at_checked(length)?;
        let (first, content) = packet.split_first()?;
        if first & 0x7f == kind {
            return Some(content);
        }
        area = rest;
    }
    None
}

/// Reads a length as packets of the new format and subpackets have it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match *bytes {
        [short @ 0..192, ref rest @ ..] => Some((usize::from(short), rest)),
        [high @ 192..224, low, ref rest @ ..] => {
            Some((((usize::from(high) - 192) << 8) + usize::from(low) + 192, rest))
        }
        [255, a, b, c, d, ref rest @ ..] => {
            Some((usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?, rest))
        }
        _ => None,
    }
}
