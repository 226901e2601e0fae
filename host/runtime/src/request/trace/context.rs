//! The headers `traceparent` and `tracestate` (W3C Trace Context, level 1:
//! <https://www.w3.org/TR/trace-context/>), by which a trace goes from server to server.
//!
//! What a client sends is read strictly and is never trusted: headers that the standard calls
//! invalid count as absent, and are not passed on.

use super::ids::{SpanId, TraceId, hexadecimal};
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The header that names trace and caller.
pub(crate) const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// The header in which vendors keep data of their own about a trace.
pub(crate) const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

/// The length of `traceparent` in version 00, with which those of later versions begin.
const PARENT_LENGTH: usize = 55;

/// The flag that says that the caller may have recorded the trace.
const SAMPLED: u8 = 1;

/// The most members of a list in `tracestate`.
const STATE_MEMBERS: usize = 32;

/// How much of `tracestate` is passed on, in bytes: as much as every participant has to.
const STATE_LENGTH: usize = 512;

/// A place in a trace: where a request comes from, or what it is within this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceContext {
    pub(crate) trace: TraceId,
    /// The span that causes what comes next.
    pub(crate) span: SpanId,
    /// Whether that span was recorded.
    pub(crate) sampled: bool,
    /// What vendors keep about the trace.
    pub(crate) state: Option<HeaderValue>,
}

impl TraceContext {
    /// What a request's headers say; `None` where they name no trace. They hold from then on what
    /// is passed on: nothing that is invalid.
    pub(crate) fn take(headers: &mut HeaderMap) -> Option<TraceContext> {
        let mut parents = headers.get_all(TRACE_PARENT).iter();
        let parent = parents
            .next()
            .and_then(|value| parse_parent(value.as_bytes()));
        let is_one = parents.next().is_none();
        let Some((trace, span, sampled)) = parent.filter(|_| is_one) else {
            headers.remove(TRACE_PARENT);
            headers.remove(TRACE_STATE);
            return None;
        };
        let state = match headers.contains_key(TRACE_STATE) {
            true => take_state(headers),
            false => None,
        };
        Some(TraceContext {
            trace,
            span,
            sampled,
            state,
        })
    }

    /// The value of `traceparent`.
    pub(crate) fn parent(&self) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let digits = |place: &mut [u8], bytes: &[u8]| {
            for (pair, byte) in place.chunks_exact_mut(2).zip(bytes) {
                pair.copy_from_slice(&[hexadecimal(byte >> 4), hexadecimal(*byte)]);
            }
        };
        digits(&mut text[3..35], &self.trace.number().to_be_bytes());
        digits(&mut text[36..52], &self.span.number().to_be_bytes());
        text[54] = hexadecimal(u8::from(self.sampled) * SAMPLED);
        // Digits and hyphens are always a valid header value.
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
    }

    /// Names this place to whom a request is sent.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        headers.insert(TRACE_PARENT, self.parent());
        match &self.state {
            Some(state) => headers.insert(TRACE_STATE, state.clone()),
            None => headers.remove(TRACE_STATE),
        };
    }
}

/// Reads `traceparent`.
fn parse_parent(value: &[u8]) -> Option<(TraceId, SpanId, bool)> {
    let (known, rest) = value.split_at_checked(PARENT_LENGTH)?;
    let [v1, v0, b'-', trace @ .., b'-', f1, f0] = known else {
        return None;
    };
    let (trace, span) = trace.split_at_checked(32)?;
    let [b'-', span @ ..] = span else {
        return None;
    };
    let version = number(&[*v1, *v0])?;
    match (version, rest) {
        // It says that it is invalid.
        (0xff, _) => return None,
        (_, []) => {}
        // A later version may have more, behind another hyphen.
        (1.., [b'-', ..]) => {}
        _ => return None,
    }
    let trace = TraceId::from_number(number(trace)?)?;
    let span = SpanId::from_number(u64::try_from(number(span)?).ok()?)?;
    let flags = number(&[*f1, *f0])?;
    Some((trace, span, flags & u128::from(SAMPLED) != 0))
}

/// A number in hexadecimal, in lower case.
fn number(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// Reads `tracestate`, and makes one header of all. One that is invalid is removed: the trace
/// goes on without it.
fn take_state(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let lines = headers.get_all(TRACE_STATE).iter();
    let lines: Vec<&[u8]> = lines.map(HeaderValue::as_bytes).collect();
    let state = state(&lines.join(&b","[..]));
    match &state {
        Some(state) => headers.insert(TRACE_STATE, state.clone()),
        None => headers.remove(TRACE_STATE),
    };
    state
}

/// The members of a list that are passed on, as one list.
fn state(list: &[u8]) -> Option<HeaderValue> {
    let mut members: Vec<&[u8]> = Vec::new();
    for member in list.split(|byte| *byte == b',') {
        let member = member.trim_ascii();
        if member.is_empty() {
            continue;
        }
        let at = member.iter().position(|byte| *byte == b'=')?;
        let (key, value) = member.split_at_checked(at)?;
        let is_new = members
            .iter()
            .all(|one| one.split(|byte| *byte == b'=').next() != Some(key));
        let value = value.get(1..)?;
        if !is_new || !is_key(key) || !is_value(value) || members.len() == STATE_MEMBERS {
            return None;
        }
        members.push(member);
    }
    // The standard's order: long members first, then those at the end.
    let length = |members: &[&[u8]]| members.iter().map(|one| one.len() + 1).sum::<usize>();
    if length(&members) > STATE_LENGTH + 1 {
        members.retain(|member| member.len() <= 128);
    }
    while length(&members) > STATE_LENGTH + 1 {
        members.pop();
    }
    if members.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&members.join(&b","[..])).ok()
}

/// Whether this can be the key of a member (section 3.3.1.3.1): a name, or one of a tenant's
/// system with `@`.
fn is_key(key: &[u8]) -> bool {
    let is_part = |part: &[u8], longest: usize, digit_first: bool| {
        let first = part.first().is_some_and(|first| {
            first.is_ascii_lowercase() || (digit_first && first.is_ascii_digit())
        });
        let rest = part.iter().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(byte)
        });
        first && rest && part.len() <= longest
    };
    match key.iter().position(|byte| *byte == b'@') {
        None => is_part(key, 256, false),
        Some(at) => {
            let (tenant, system) = key.split_at(at);
            let system = system.get(1..).unwrap_or_default();
            is_part(tenant, 241, true) && is_part(system, 14, false)
        }
    }
}

/// Whether this can be the value of a member: visible ASCII and spaces, but for commas and signs
/// of equality, and no space at its end.
fn is_value(value: &[u8]) -> bool {
    let is_character = |byte: &u8| matches!(byte, b' '..=b'~') && !b",=".contains(byte);
    (1..=256).contains(&value.len())
        && value.iter().all(is_character)
        && value.last().is_some_and(|last| *last != b' ')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn headers(parents: &[&str], states: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, values) in [(TRACE_PARENT, parents), (TRACE_STATE, states)] {
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(name.clone(), value);
            }
        }
        headers
    }

    fn state_of(states: &[&str]) -> Option<String> {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let mut headers = headers(&[&parent], states);
        let context = TraceContext::take(&mut headers).unwrap();
        assert_eq!(headers.get(TRACE_STATE), context.state.as_ref());
        context
            .state
            .map(|state| state.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_trace_of_this_version_or_a_later_one_goes_on() {
        for (parent, sampled) in [
            (format!("00-{TRACE}-{SPAN}-00"), false),
            (format!("00-{TRACE}-{SPAN}-01"), true),
            (format!("00-{TRACE}-{SPAN}-ff"), true),
            (format!("00-{TRACE}-{SPAN}-02"), false),
            (format!("cc-{TRACE}-{SPAN}-01"), true),
            (format!("cc-{TRACE}-{SPAN}-01-what-is-to-come"), true),
        ] {
            let mut headers = headers(&[&parent], &[]);
            let context = TraceContext::take(&mut headers).unwrap();
            assert_eq!(context.trace.to_string(), TRACE, "{parent}");
            assert_eq!(context.span.to_string(), SPAN, "{parent}");
            assert_eq!(context.sampled, sampled, "{parent}");
            let own = format!("00-{TRACE}-{SPAN}-0{}", u8::from(sampled));
            assert_eq!(context.parent(), own, "{parent}");
        }
    }

    #[test]
    fn what_is_no_parent_counts_as_absent_and_is_not_passed_on() {
        let zeros = "0".repeat(32);
        let valid = format!("00-{TRACE}-{SPAN}-01");
        for parents in [
            vec![""],
            vec!["00"],
            vec![&*format!("ff-{TRACE}-{SPAN}-01")],
            vec![&*format!("00-{zeros}-{SPAN}-01")],
            vec![&*format!("00-{TRACE}-{}-01", &zeros[..16])],
            vec![&*format!("00-{}-{SPAN}-01", TRACE.to_uppercase())],
            vec![&*format!("00-{TRACE}-{SPAN}-0G")],
            vec![&*format!("00-{TRACE}-{SPAN}-1")],
            vec![&*format!("00-{TRACE}-{SPAN}-01-x")],
            vec![&*format!("00-{TRACE}-{SPAN}-01 ")],
            vec![&*format!("cc-{TRACE}-{SPAN}-01x")],
            vec![&*format!("cc-{TRACE}-{SPAN}-01.x")],
            vec![&*format!("00_{TRACE}-{SPAN}-01")],
            vec![&*format!("00-{TRACE}_{SPAN}-01")],
            vec![&*format!("0 -{TRACE}-{SPAN}-01")],
            vec![&*valid, &*valid],
            vec![],
        ] {
            let mut headers = headers(&parents, &["a=1"]);
            assert_eq!(TraceContext::take(&mut headers), None, "{parents:?}");
            assert!(headers.is_empty(), "{parents:?}: {headers:?}");
        }
    }

    #[test]
    fn the_state_of_all_headers_is_one_list() {
        assert_eq!(state_of(&["a=1"]).unwrap(), "a=1");
        assert_eq!(
            state_of(&["a=1 , b=2 ,", "", ",t1@c=x y"]).unwrap(),
            "a=1,b=2,t1@c=x y"
        );
        assert_eq!(state_of(&[]), None);
        assert_eq!(state_of(&[" , ,"]), None);
    }

    #[test]
    fn a_state_that_is_invalid_is_dropped_and_the_trace_goes_on() {
        let many: Vec<String> = (0..33).map(|number| format!("k{number}=v")).collect();
        for state in [
            "a",
            "=1",
            "a=",
            "A=1",
            "1a=1",
            "a=1,a=2",
            "a=b=c",
            "a b=1",
            "a@=1",
            "@a=1",
            "a@b@c=1",
            "a=\u{e9}",
            &many.join(","),
            &format!("{}=1", "k".repeat(257)),
            &format!("t@{}=1", "k".repeat(15)),
            &format!("a={}", "v".repeat(257)),
        ] {
            assert_eq!(state_of(&[state]), None, "{state}");
        }
    }

    #[test]
    fn of_a_long_state_long_members_go_first_and_then_those_at_the_end() {
        let long = format!("long={}", "v".repeat(200));
        let short: Vec<String> = (10..42)
            .map(|number| format!("k{number}={}", "v".repeat(28)))
            .collect();
        let list = [&[long][..], &short[..20]].concat().join(",");
        let kept = state_of(&[&list]).unwrap();
        assert_eq!(kept, short[..15].join(","));
        assert!(kept.len() <= STATE_LENGTH);
        let exact = format!("a={},b={}", "v".repeat(254), "v".repeat(253));
        assert_eq!(exact.len(), STATE_LENGTH);
        assert_eq!(state_of(&[&exact]).unwrap(), exact);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(
            parent in prop::collection::vec(any::<u8>(), 0..80),
            state in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            parse_parent(&parent);
            super::state(&state);
        }

        #[test]
        fn what_is_written_is_read_again(trace in 1..=u128::MAX, span in 1..=u64::MAX, sampled: bool) {
            let context = TraceContext {
                trace: TraceId::from_number(trace).unwrap(),
                span: SpanId::from_number(span).unwrap(),
                sampled,
                state: Some(HeaderValue::from_static("a=1")),
            };
            let mut headers = headers(&["nonsense"], &["b=2"]);
            context.put(&mut headers);
            prop_assert_eq!(TraceContext::take(&mut headers), Some(context));
        }
    }
}
