//! Unsigned decimal numbers, parsed strictly and written without `std::fmt`.

/// Parses a number that consists only of digits and fits in 64 bits.
#[must_use]
pub fn parse(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(())?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Appends a number to a text.
pub fn push(text: &mut String, number: u64) {
    if number >= 10 {
        push(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// A number as text.
#[must_use]
pub fn to_string(number: u64) -> String {
    let mut text = String::new();
    push(&mut text, number);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_digits_that_fit_in_64_bits_are_a_number() {
        assert_eq!(parse(b"0"), Some(0));
        assert_eq!(parse(b"007"), Some(7));
        assert_eq!(parse(b"18446744073709551615"), Some(u64::MAX));
        for text in [
            &b""[..],
            b"18446744073709551616",
            b"99999999999999999999999999",
            b"+1",
            b"-1",
            b" 1",
            b"1 ",
            b"1,2",
            b"0x1",
            b"1e3",
            b"\xd9\xa1",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_written_number_parses_as_the_same_number(number: u64) {
            prop_assert_eq!(to_string(number), number.to_string());
            prop_assert_eq!(parse(to_string(number).as_bytes()), Some(number));
        }

        #[test]
        fn any_bytes_parse_as_the_standard_library_parses_digits(bytes: Vec<u8>) {
            let digits = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
            let expected = str::from_utf8(&bytes)
                .ok()
                .filter(|_| digits)
                .and_then(|text| text.parse().ok());
            prop_assert_eq!(parse(&bytes), expected);
        }
    }
}
