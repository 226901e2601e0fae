//! Text for people: what a server says as one line that can't control the terminal, sizes,
//! and lists.

/// Text of a server on one line, with its control characters escaped.
pub fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Names with commas between them, or a dash where there is none.
pub fn list(names: &[String], between: &str) -> String {
    match names {
        [] => "-".to_owned(),
        names => plain(&names.join(between)),
    }
}

/// A size in the unit that reads best.
pub fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_controls_no_terminal() {
        assert_eq!(plain("a\x1b[2Jb\r\nc"), "a\\u{1b}[2Jb\\r\\nc");
        assert_eq!(plain("schön"), "schön");
    }
}
