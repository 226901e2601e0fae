//! Values that are left out wherever they occur. All are looked for at once, by the automaton of their
//! beginnings (Aho and Corasick, "Efficient String Matching", 1975), so that it takes time by the text
//! and by how many of them end at one place, which is once for each that another one ends with. Which values these are, [`Redaction`](super::Redaction) says.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use percent_encoding::percent_decode;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

/// What stands for each byte that is left out.
pub(super) const MARK: u8 = b'*';

/// The shortest value that is looked for where it is not named: a shorter one would be found in what
/// has nothing to do with it.
const SHORTEST: usize = 4;

/// The shortest value of a cookie that is looked for by itself. Shorter ones are of those that say `dark`
/// or `en`.
const SHORTEST_OF_COOKIE: usize = 12;

/// How many bytes of a value are looked for. What follows them where they are found is left out as
/// far as the longest value is that begins so.
const LOOKED_FOR: usize = 64;

/// Values that are left out wherever they occur.
#[derive(Clone, Debug, Default)]
pub(super) struct HiddenValues {
    values: BTreeSet<Vec<u8>>,
    /// Made when it is first needed. `None` where they are too many.
    search: OnceLock<Option<Search>>,
}

/// What finds them.
#[derive(Clone, Debug)]
struct Search {
    begins: AhoCorasick,
    /// For each beginning, how long the longest value is that has it.
    lengths: Vec<usize>,
}

impl HiddenValues {
    /// One more, if it is one that can be told from others.
    pub(super) fn add(&mut self, value: &[u8]) {
        let is_told = value.len() < SHORTEST || value.iter().all(|byte| *byte == MARK);
        if !is_told && self.values.insert(value.to_vec()) {
            self.search = OnceLock::new();
        }
    }

    /// The value of a header, parameter, variable or setting, and what of it is a secret by itself: of
    /// credentials with a scheme, as in `Bearer abc`, what follows the scheme; of cookies the value of
    /// each.
    pub(super) fn add_named(&mut self, name: &str, value: &[u8]) {
        self.add(value);
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("cookie") {
            let cookies = value.split(|byte| *byte == b';');
            cookies.for_each(|cookie| self.add_cookie(cookie));
        } else if is("set-cookie") {
            // What follows the cookie are its attributes.
            if let Some(cookie) = value.split(|byte| *byte == b';').next() {
                self.add_cookie(cookie);
            }
        } else if let Some(scheme) = value.iter().position(|byte| *byte == b' ') {
            self.add(value.get(scheme + 1..).unwrap_or_default());
        }
    }

    fn add_cookie(&mut self, cookie: &[u8]) {
        let name = cookie.iter().position(|byte| *byte == b'=');
        let value = name.and_then(|end| cookie.get(end + 1..));
        let value = value.unwrap_or_default().trim_ascii();
        let quoted = value.strip_prefix(b"\"");
        let quoted = quoted.and_then(|value| value.strip_suffix(b"\""));
        let value = quoted.unwrap_or(value);
        for value in [value, &decoded(value)] {
            if value.len() >= SHORTEST_OF_COOKIE {
                self.add(value);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Leaves out of `shown` what is found in `bytes`, of which it is a copy.
    pub(super) fn leave_out(&self, bytes: &[u8], shown: &mut [u8]) {
        if self.values.is_empty() {
            return;
        }
        let search = self.search.get_or_init(|| Search::of(&self.values));
        let Some(search) = search else {
            shown.fill(MARK);
            return;
        };
        // As far as something was left out. Each match ends at or behind the one before, and from its
        // end to here nothing is left to do.
        let mut until = 0;
        // The last range of matches that overlap or are beside each other. Of those with one end the longest
        // comes first, and the others add nothing.
        let mut filled = 0..0;
        for found in search.begins.find_overlapping_iter(bytes) {
            let length = search.lengths.get(found.pattern().as_usize());
            let length = length.copied().unwrap_or_else(|| found.len());
            let end = found.start().saturating_add(length).min(shown.len());
            match filled.contains(&found.start()) || filled.end == found.start() {
                true => fill(shown, filled.end..found.end()),
                false => {
                    fill(shown, found.range());
                    filled.start = found.start();
                }
            }
            filled.end = filled.end.max(found.end());
            fill(shown, found.end().max(until)..end);
            until = until.max(end);
        }
    }
}

impl Search {
    fn of(values: &BTreeSet<Vec<u8>>) -> Option<Search> {
        let mut longest: BTreeMap<&[u8], usize> = BTreeMap::new();
        for value in values {
            let (begin, _) = value.split_at(value.len().min(LOOKED_FOR));
            let length = longest.entry(begin).or_default();
            *length = value.len().max(*length);
        }
        let begins = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(longest.keys());
        Some(Search {
            begins: begins.ok()?,
            lengths: longest.into_values().collect(),
        })
    }
}

fn fill(shown: &mut [u8], range: Range<usize>) {
    if let Some(part) = shown.get_mut(range) {
        part.fill(MARK);
    }
}

/// A value without its escapes.
pub(super) fn decoded(value: &[u8]) -> Vec<u8> {
    percent_decode(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(values: &[&[u8]], bytes: &[u8]) -> Vec<u8> {
        let mut hidden = HiddenValues::default();
        values.iter().for_each(|value| hidden.add(value));
        let mut shown = bytes.to_vec();
        hidden.leave_out(bytes, &mut shown);
        shown
    }

    #[test]
    fn values_that_overlap_are_left_out_both() {
        assert_eq!(shown(&[b"abcd", b"cdefgh"], b"abcdefghi"), b"********i");
        assert_eq!(shown(&[b"abcdef", b"bcde"], b"abcde"), b"a****");
    }

    #[test]
    fn of_values_that_begin_alike_the_longest_is_left_out() {
        let (short, long) = ([b'a'; 64], [[b'a'; 64], [b'b'; 64]].concat());
        for values in [[&short[..], &long[..]], [&long[..], &short[..]]] {
            assert_eq!(shown(&values, &long), [MARK; 128]);
        }
    }

    #[test]
    fn each_long_cookie_is_left_out_without_the_others() {
        let mut hidden = HiddenValues::default();
        hidden.add_named(
            "Cookie",
            b"theme=dark; session=abcdefghijkl; id=\"mnopqrstuvwx\"; e=abcdefghijkm%2F",
        );
        for (text, expected) in [
            ("<abcdefghijkl>", "<************>"),
            ("<mnopqrstuvwx>", "<************>"),
            ("<abcdefghijkm/>", "<*************>"),
            ("a dark path", "a dark path"),
        ] {
            let mut shown = text.as_bytes().to_vec();
            hidden.leave_out(text.as_bytes(), &mut shown);
            assert_eq!(shown, expected.as_bytes());
        }
    }

    #[test]
    fn many_long_values_that_nearly_occur_take_time_by_the_text_alone() {
        let mut hidden = HiddenValues::default();
        for length in 2000..2030 {
            hidden.add(&[vec![b'a'; length], vec![b'b']].concat());
        }
        let text = vec![b'c'; 1 << 20];
        let mut shown = text.clone();
        hidden.leave_out(&text, &mut shown);
        assert_eq!(shown, text);
        let text = [vec![b'a'; 2000], vec![b'b']].concat();
        let mut shown = text.clone();
        hidden.leave_out(&text, &mut shown);
        assert_eq!(shown, [MARK; 2001]);
    }

    /// Values of two letters, many of which begin alike for longer than is looked for.
    fn values() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let alike = ("[ab]{64}", prop::collection::vec("[ab]{0,40}", 0..4));
        let alike = alike.prop_map(|(begin, rests)| {
            let values = rests.into_iter().map(|rest| format!("{begin}{rest}"));
            values.map(String::into_bytes).collect::<Vec<_>>()
        });
        let others = prop::collection::vec("[ab]{4,80}".prop_map(String::into_bytes), 0..6);
        (alike, others).prop_map(|(alike, others)| [alike, others].concat())
    }

    proptest! {
        #[test]
        fn each_byte_of_each_value_is_left_out(
            values in values(),
            pieces in prop::collection::vec((any::<prop::sample::Index>(), "[abc]{0,9}"), 0..8),
        ) {
            let mut text = Vec::new();
            for (which, between) in pieces {
                text.extend_from_slice(between.as_bytes());
                if !values.is_empty() {
                    let value: &Vec<u8> = which.get(&values);
                    text.extend_from_slice(value);
                }
            }
            let borrowed: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            let shown = shown(&borrowed, &text);
            prop_assert_eq!(shown.len(), text.len());
            for value in &values {
                for (at, part) in text.windows(value.len()).enumerate() {
                    let is_out = shown.iter().skip(at).take(part.len()).all(|byte| *byte == MARK);
                    prop_assert!(part != value || is_out, "{:?} at {}", value, at);
                }
            }
            for (shown, byte) in shown.iter().zip(&text) {
                prop_assert!(shown == byte || *shown == MARK);
            }
        }
    }
}
