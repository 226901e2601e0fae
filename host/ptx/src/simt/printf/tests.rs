//! Texts held against what C prints.
#![allow(clippy::unwrap_used)]
use super::*;

/// Arguments that are numbers, and one text that every address means.
struct Given<'a>(std::slice::Iter<'a, u64>);

impl Arguments for Given<'_> {
    type Error = ();

    fn value(&mut self, bytes: u32) -> Result<u64, ()> {
        let value = self.0.next().copied().ok_or(())?;
        Ok(value & crate::numeric::integer::mask(8 * bytes))
    }

    fn text(&mut self, _: u64, most: usize) -> Result<Vec<u8>, ()> {
        Ok(b"text".iter().copied().take(most).collect())
    }
}

fn printed(text: &str, values: &[u64]) -> String {
    let mut out = Vec::new();
    let mut given = Given(values.iter());
    format(text.as_bytes(), &mut given, 1 << 16, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn integers_are_printed_as_in_c() {
    let minus = (-5i64).cast_unsigned();
    for (text, value, expected) in [
        ("%d", minus, "-5"),
        ("%i|", 7, "7|"),
        ("%5d|", minus, "   -5|"),
        ("%-5d|", minus, "-5   |"),
        ("%05d", minus, "-0005"),
        ("%+d", 7, "+7"),
        ("% d", 7, " 7"),
        ("%.3d", minus, "-005"),
        ("%08.3d", 7, "     007"),
        ("%.0d|", 0, "|"),
        ("%u", minus, "4294967291"),
        ("%llu", minus, "18446744073709551611"),
        ("%ld", minus, "-5"),
        ("%hd", 0x1_8000, "-32768"),
        ("%hhu", 0x1ff, "255"),
        ("%x %%", 255, "ff %"),
        ("%#X", 255, "0XFF"),
        ("%#x", 0, "0"),
        ("%#o", 8, "010"),
        ("%c|", 65, "A|"),
        ("%3c|", 65, "  A|"),
        ("%p", 0x1234, "0x1234"),
        ("%s|", 0, "text|"),
        ("%6.2s|", 0, "    te|"),
        ("%-6s|", 0, "text  |"),
        ("%y %", 0, "%y %"),
        ("%zu", 1 << 40, "1099511627776"),
    ] {
        assert_eq!(printed(text, &[value]), expected, "{text}");
    }
    assert_eq!(
        printed("%*d|%-*d|%.*d", &[4, 1, 4, 2, 3, 7]),
        "   1|2   |007"
    );
    assert_eq!(printed("%*d|", &[(-4i64).cast_unsigned(), 1]), "1   |");
}

#[test]
fn floats_are_printed_as_in_c() {
    for (text, value, expected) in [
        ("%f", 1.5, "1.500000"),
        ("%.0f", 2.5, "2"),
        ("%#.0f", 2.5, "2."),
        ("%8.2f|", -1.006, "   -1.01|"),
        ("%08.2f", -1.006, "-0001.01"),
        ("%e", 12345.678, "1.234568e+04"),
        ("%.2E", 1e-300, "1.00E-300"),
        ("%g", 100_000.0, "100000"),
        ("%g", 1_000_000.0, "1e+06"),
        ("%g", 0.0001, "0.0001"),
        ("%g", 0.00001234, "1.234e-05"),
        ("%#g", 1.0, "1.00000"),
        ("%.3g", 1234.0, "1.23e+03"),
        ("%g", 0.0, "0"),
        ("%f", f64::NAN, "nan"),
        ("%05f|", f64::INFINITY, "  inf|"),
        ("%F", f64::NEG_INFINITY, "-INF"),
        ("%a", 1.0, "0x1p+0"),
        ("%a", 0.1, "0x1.999999999999ap-4"),
        ("%.2a", 0.1, "0x1.9ap-4"),
        ("%A", -2.5, "-0X1.4P+1"),
        ("%a", 0.0, "0x0p+0"),
        ("%.3a", 1.0, "0x1.000p+0"),
    ] {
        assert_eq!(printed(text, &[value.to_bits()]), expected, "{text}");
    }
}

#[test]
fn absurd_widths_are_bounded_and_too_many_arguments_ignored() {
    assert_eq!(printed("%999999999999999d", &[1]).len(), WIDEST);
    assert_eq!(printed("%.99999999999f", &[1]).len(), WIDEST + 2);
    let many = printed(&"%d".repeat(40), &[1; 40]);
    assert_eq!(many, format!("{}{}", "1".repeat(32), "%d".repeat(8)));
    let mut out = Vec::new();
    let mut given = Given([].iter());
    format(&[b'x'; 100], &mut given, 10, &mut out).unwrap();
    assert_eq!(out.len(), 10);
    assert!(
        format(b"%d", &mut given, 10, &mut out).is_ok(),
        "no room: nothing is read"
    );
}
