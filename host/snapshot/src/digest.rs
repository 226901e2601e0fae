//! Digests, as they are written everywhere: `blake3:` and 64 hexadecimal digits.

/// What digests begin with.
const BLAKE3: &str = "blake3:";

pub(crate) fn digest_of(bytes: &[u8]) -> String {
    named(&blake3::hash(bytes))
}

pub(crate) fn named(hash: &blake3::Hash) -> String {
    format!("{BLAKE3}{}", hash.to_hex())
}

pub(crate) fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix(BLAKE3).unwrap_or_default();
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digits.len() == 64 && digits.bytes().all(is_digit)
}
