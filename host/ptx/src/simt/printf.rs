//! `printf`: the format strings of C, as CUDA understands them.
//!
//! Text comes from kernels, so widths and precisions are bounded, and what is no conversion is
//! printed as it stands.

/// The largest width and precision; larger ones count as this.
const WIDEST: usize = 4096;

/// The most arguments of one call. Conversions past them are printed as they stand.
const MOST_ARGUMENTS: u32 = 32;

/// Where a format's arguments come from.
pub(crate) trait Arguments {
    type Error;

    /// The next argument of 4 or 8 bytes.
    fn value(&mut self, bytes: u32) -> Result<u64, Self::Error>;

    /// The text that an argument points at: at most so many bytes, up to its NUL.
    fn text(&mut self, address: u64, most: usize) -> Result<Vec<u8>, Self::Error>;
}

/// One conversion: what stands between a `%` and its letter.
#[derive(Clone, Copy, Debug, Default)]
struct Conversion {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    /// How many bytes an integer has that is passed as 4 or 8.
    bytes: u32,
    letter: u8,
}

/// Appends what a format says, up to so many bytes, and returns how many arguments it used.
pub(crate) fn format<A: Arguments>(
    format: &[u8],
    arguments: &mut A,
    most: usize,
    out: &mut Vec<u8>,
) -> Result<u32, A::Error> {
    let mut used = 0;
    let mut rest = format;
    while let Some((first, after)) = rest.split_first() {
        if out.len() >= most {
            break;
        }
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let (conversion, length, stars) = read(rest);
        let known = b"diouxXcpsfFeEgGaA%".contains(&conversion.letter);
        if !known || used + stars >= MOST_ARGUMENTS {
            out.push(b'%');
            continue;
        }
        rest = rest.get(length..).unwrap_or_default();
        let mut conversion = conversion;
        if conversion.letter == b'%' {
            out.push(b'%');
            continue;
        }
        if conversion.width == usize::MAX {
            let width = signed(arguments.value(4)?, 4);
            conversion.left |= width < 0;
            conversion.width = bounded(width.unsigned_abs());
        }
        if conversion.precision == Some(usize::MAX) {
            let precision = signed(arguments.value(4)?, 4);
            conversion.precision = u64::try_from(precision).ok().map(bounded);
        }
        used += stars + 1;
        let text = match conversion.letter {
            b's' => {
                let address = arguments.value(8)?;
                let room = most.saturating_sub(out.len());
                let most = conversion.precision.unwrap_or(room).min(room);
                conversion.zero = false;
                arguments.text(address, most)?
            }
            b'c' => {
                conversion.zero = false;
                vec![arguments.value(4)? as u8]
            }
            b'p' => format!("{:#x}", arguments.value(8)?).into_bytes(),
            b'd' | b'i' | b'o' | b'u' | b'x' | b'X' => {
                let passed = if conversion.bytes == 8 { 8 } else { 4 };
                let value = arguments.value(passed)?;
                integer(value, &mut conversion).into_bytes()
            }
            _ => float(f64::from_bits(arguments.value(8)?), &mut conversion).into_bytes(),
        };
        pad(&text, conversion, out);
    }
    out.truncate(most);
    Ok(used)
}

fn bounded(size: u64) -> usize {
    usize::try_from(size).unwrap_or(WIDEST).min(WIDEST)
}

/// Reads a conversion behind its `%`, how long it is, and how many arguments its stars take, which
/// are noted as the largest number.
fn read(text: &[u8]) -> (Conversion, usize, u32) {
    let mut conversion = Conversion {
        bytes: 4,
        ..Conversion::default()
    };
    let mut at = 0;
    let mut stars = 0;
    let peek = |at: usize| text.get(at).copied().unwrap_or(0);
    loop {
        match peek(at) {
            b'-' => conversion.left = true,
            b'+' => conversion.plus = true,
            b' ' => conversion.space = true,
            b'#' => conversion.alternate = true,
            b'0' => conversion.zero = true,
            _ => break,
        }
        at += 1;
    }
    let mut number = |at: &mut usize| {
        if peek(*at) == b'*' {
            *at += 1;
            stars += 1;
            return usize::MAX;
        }
        let mut value = 0;
        while peek(*at).is_ascii_digit() {
            value = (value * 10 + usize::from(peek(*at) - b'0')).min(WIDEST);
            *at += 1;
        }
        value
    };
    conversion.width = number(&mut at);
    if peek(at) == b'.' {
        at += 1;
        conversion.precision = Some(number(&mut at));
    }
    loop {
        conversion.bytes = match (peek(at), conversion.bytes) {
            (b'h', 2) => 1,
            (b'h', _) => 2,
            (b'l' | b'j' | b'z' | b't', _) => 8,
            _ => break,
        };
        at += 1;
    }
    conversion.letter = peek(at);
    (conversion, at + 1, stars)
}

fn signed(value: u64, bytes: u32) -> i64 {
    let unused = 64 - 8 * bytes;
    (value << unused).cast_signed() >> unused
}

/// The sign that a number is printed with.
fn sign(negative: bool, conversion: &Conversion) -> &'static str {
    match (negative, conversion.plus, conversion.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    }
}

fn integer(value: u64, conversion: &mut Conversion) -> String {
    let value = value & crate::numeric::integer::mask(8 * conversion.bytes);
    let mut prefix = "";
    let mut digits = match conversion.letter {
        b'd' | b'i' => {
            let value = signed(value, conversion.bytes);
            prefix = sign(value < 0, conversion);
            value.unsigned_abs().to_string()
        }
        b'o' => format!("{value:o}"),
        b'x' => format!("{value:x}"),
        b'X' => format!("{value:X}"),
        _ => value.to_string(),
    };
    if let Some(precision) = conversion.precision {
        conversion.zero = false;
        if value == 0 && precision == 0 {
            digits.clear();
        }
        if digits.len() < precision {
            digits.insert_str(0, &"0".repeat(precision - digits.len()));
        }
    }
    if conversion.alternate {
        match conversion.letter {
            b'x' if value != 0 => prefix = "0x",
            b'X' if value != 0 => prefix = "0X",
            b'o' if !digits.starts_with('0') => digits.insert(0, '0'),
            _ => {}
        }
    }
    with_zeros(prefix, &digits, conversion)
}

/// Zeros between a number's sign and its digits, up to its width.
fn with_zeros(prefix: &str, digits: &str, conversion: &Conversion) -> String {
    let length = prefix.len() + digits.len();
    let zeros = if conversion.zero && !conversion.left {
        conversion.width.saturating_sub(length)
    } else {
        0
    };
    format!("{prefix}{}{digits}", "0".repeat(zeros))
}

fn float(value: f64, conversion: &mut Conversion) -> String {
    let prefix = sign(value.is_sign_negative(), conversion);
    let magnitude = value.abs();
    let upper = conversion.letter.is_ascii_uppercase();
    let (mut prefix, mut text) = (prefix.to_owned(), String::new());
    if !magnitude.is_finite() {
        conversion.zero = false;
        text.push_str(if magnitude.is_nan() { "nan" } else { "inf" });
    } else {
        let alternate = conversion.alternate;
        let precision = conversion.precision.unwrap_or(6);
        match conversion.letter.to_ascii_lowercase() {
            b'f' => text = fixed(magnitude, precision, alternate),
            b'e' => text = exponential(magnitude, precision, alternate),
            b'g' => text = general(magnitude, precision.max(1), alternate),
            _ => {
                prefix.push_str("0x");
                text = hexadecimal(magnitude, conversion.precision, alternate);
            }
        }
    }
    if upper {
        prefix.make_ascii_uppercase();
        text.make_ascii_uppercase();
    }
    with_zeros(&prefix, &text, conversion)
}

fn fixed(magnitude: f64, precision: usize, alternate: bool) -> String {
    let point = if alternate && precision == 0 { "." } else { "" };
    format!("{magnitude:.precision$}{point}")
}

/// The digits and the exponent of a number in scientific notation.
fn scientific(magnitude: f64, precision: usize) -> (String, i32) {
    let text = format!("{magnitude:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.to_owned(), exponent.parse().unwrap_or(0))
}

fn exponential(magnitude: f64, precision: usize, alternate: bool) -> String {
    let (digits, exponent) = scientific(magnitude, precision);
    let point = if alternate && precision == 0 { "." } else { "" };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{point}e{sign}{:02}", exponent.unsigned_abs())
}

fn general(magnitude: f64, precision: usize, alternate: bool) -> String {
    let (_, exponent) = scientific(magnitude, precision - 1);
    let places = i64::try_from(precision).unwrap_or(1) - 1 - i64::from(exponent);
    let in_range = exponent >= -4 && places >= 0;
    let strip = |text: String| {
        if alternate || !text.contains('.') {
            return text;
        }
        let text = text.trim_end_matches('0').trim_end_matches('.');
        text.to_owned()
    };
    if in_range {
        let places = usize::try_from(places).unwrap_or(0);
        return strip(fixed(magnitude, places, alternate));
    }
    let text = exponential(magnitude, precision - 1, alternate);
    match text.split_once('e') {
        Some((digits, exponent)) => format!("{}e{exponent}", strip(digits.to_owned())),
        None => text,
    }
}

fn hexadecimal(magnitude: f64, precision: Option<usize>, alternate: bool) -> String {
    let bits = magnitude.to_bits();
    let (field, mut fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    let mut lead = u64::from(field != 0);
    let exponent = match (field, fraction) {
        (0, 0) => 0,
        (0, _) => -1022,
        _ => field - 1023,
    };
    if let Some(precision) = precision.filter(|precision| *precision < 13) {
        let below = 4 * (13 - u32::try_from(precision).unwrap_or(0));
        let whole = (lead << 52) | fraction;
        let (kept, lost) = (whole >> below, whole & ((1 << below) - 1));
        let half = 1u64 << (below - 1);
        let up = lost > half || (lost == half && kept & 1 == 1);
        let rounded = (kept + u64::from(up)) << below;
        (lead, fraction) = (rounded >> 52, rounded & ((1 << 52) - 1));
    }
    let digits = format!("{fraction:013x}");
    let digits = match precision {
        None => digits.trim_end_matches('0').to_owned(),
        Some(precision) => format!("{digits:0<precision$}")
            .get(..precision)
            .unwrap_or_default()
            .to_owned(),
    };
    let point = if digits.is_empty() && !alternate {
        ""
    } else {
        "."
    };
    format!("{lead}{point}{digits}p{exponent:+}")
}

fn pad(text: &[u8], conversion: Conversion, out: &mut Vec<u8>) {
    let blanks = conversion.width.saturating_sub(text.len());
    let blanks = std::iter::repeat_n(b' ', blanks);
    if conversion.left {
        out.extend_from_slice(text);
        out.extend(blanks);
    } else {
        out.extend(blanks);
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests;
