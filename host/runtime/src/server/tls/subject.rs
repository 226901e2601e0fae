//! The subject of a client's certificate, as one line that is safe to log.

use std::fmt::Write as _;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use x509_cert::der::Decode;
use x509_cert::name::Name;

/// The longest subject that is passed on, in characters.
const LONGEST: usize = 256;

/// The subject of a certificate as RFC 4514 writes it, such as `CN=alice,O=Example`.
/// At most 256 characters, none of which can end or reorder a line of a log. A certificate
/// without a subject is named by its fingerprint, `sha256:…`.
pub(super) fn of(certificate: &CertificateDer<'_>) -> Arc<str> {
    let parsed = x509_cert::Certificate::from_der(certificate).ok();
    parsed
        .and_then(|parsed| line(parsed.tbs_certificate().subject()))
        .unwrap_or_else(|| fingerprint(certificate))
        .into()
}

/// `None` where there is nothing to write, or no way to write it.
fn line(name: &Name) -> Option<String> {
    let mut text = String::new();
    // Not `to_string`, which panics where a value can't be written.
    write!(text, "{name}").ok()?;
    (!text.is_empty()).then(|| harmless(&text))
}

fn harmless(text: &str) -> String {
    let mut characters = text.chars().map(|character| match character {
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        // Line and paragraph separators, what is invisible, and what turns the
        // direction of writing.
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => char::REPLACEMENT_CHARACTER,
        character => character,
    });
    let mut line: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        line.pop();
        line.push('…');
    }
    line
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let mut text = "sha256:".to_owned();
    for byte in digest.as_ref() {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    fn subject(parts: &[(DnType, &str)]) -> Arc<str> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        of(certificate.der())
    }

    #[test]
    fn a_subject_is_written_with_its_most_special_part_first() {
        let parts = [
            (DnType::CountryName, "DE"),
            (DnType::OrganizationName, "Example, Inc."),
            (DnType::CommonName, "alice"),
        ];
        assert_eq!(&*subject(&parts), "CN=alice,O=Example\\, Inc.,C=DE");
    }

    #[test]
    fn a_subject_can_neither_end_a_line_nor_turn_it_around() {
        let parts = [(DnType::CommonName, "a\nb\u{85}c\u{202e}d\u{2028}e\u{0}f")];
        let subject = subject(&parts);
        assert_eq!(&*subject, "CN=a\\0ab\u{fffd}c\u{fffd}d\u{fffd}e\\00f");
    }

    #[test]
    fn a_long_subject_is_cut_and_says_so() {
        let long = "é".repeat(1000);
        let cut = subject(&[(DnType::CommonName, &long)]);
        assert_eq!(cut.chars().count(), 256);
        assert!(cut.starts_with("CN=ééé") && cut.ends_with("é…"));
        let fits = "x".repeat(253);
        let whole = subject(&[(DnType::CommonName, &fits)]);
        assert_eq!(*whole, format!("CN={fits}"));
    }

    #[test]
    fn a_certificate_that_names_nobody_goes_by_its_fingerprint() {
        let subject = subject(&[]);
        let digits = subject.strip_prefix("sha256:").unwrap();
        assert_eq!(digits.len(), 64);
        assert!(digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn what_is_no_certificate_goes_by_its_fingerprint() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"no certificate",
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            let certificate = CertificateDer::from(bytes);
            assert!(of(&certificate).starts_with("sha256:"));
        }
    }
}
