//! Lines of bounded length, from a reader that may hold anything.

use std::io::{self, BufRead};

use crate::audit::record::LONGEST_LINE;

/// A line, or what stands in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A line, without its newline.
    Whole(&'a [u8]),
    /// A line that is longer than any record.
    TooLong,
    /// The input ends in so many bytes without a newline.
    Torn {
        bytes: u64,
    },
}

/// Reads lines.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R) -> Self {
        Lines {
            reader,
            line: Vec::new(),
        }
    }

    /// The next line, or `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut length: u64 = 0;
        loop {
            let part = match self.reader.fill_buf() {
                Ok(part) => part,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if part.is_empty() {
                return Ok((length > 0).then_some(Line::Torn { bytes: length }));
            }
            let end = part.iter().position(|byte| *byte == b'\n');
            let bytes = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
            length = length.saturating_add(bytes.len() as u64);
            if length <= LONGEST_LINE as u64 {
                self.line.extend_from_slice(bytes);
            }
            let used = bytes.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some(match length <= LONGEST_LINE as u64 {
                    true => Line::Whole(&self.line),
                    false => Line::TooLong,
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use std::io::BufReader;

    #[test]
    fn lines_come_whole_however_the_reader_cuts_them() {
        for size in 1..9 {
            let mut lines = Lines::new(BufReader::with_capacity(size, &b"one\n\nthree\nfo"[..]));
            for expected in [&b"one"[..], b"", b"three"] {
                assert_eq!(lines.next().unwrap(), Some(Line::Whole(expected)));
            }
            assert_eq!(lines.next().unwrap(), Some(Line::Torn { bytes: 2 }));
            assert_eq!(lines.next().unwrap(), None);
        }
    }

    #[test]
    fn of_a_line_that_is_too_long_no_more_is_kept_than_a_line_may_have() {
        let long = vec![b'x'; 3 * LONGEST_LINE];
        let text = [&long, &b"\nnext\n"[..]].concat();
        let mut lines = Lines::new(BufReader::new(text.as_slice()));
        assert_eq!(lines.next().unwrap(), Some(Line::TooLong));
        assert!(lines.line.capacity() <= 2 * LONGEST_LINE);
        assert_eq!(lines.next().unwrap(), Some(Line::Whole(b"next")));
    }
}
