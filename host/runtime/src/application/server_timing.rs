//! The response header `Server-Timing` (W3C, Server Timing, section 3): what a request has used
//! until the head of its response is sent. Of the standard headers it is the one for this, so
//! that browsers and proxies show it; durations are in milliseconds.

use crate::request::Usage;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Adds the header, beside those that the guest has set.
pub(super) fn add(headers: &mut HeaderMap, usage: &Usage) {
    let ms = |time: Duration| time.as_nanos() as f64 / 1e6;
    let value = format!(
        "total;dur={:.3}, guest;dur={:.3}, device;dur={:.3}, launches;desc=\"{}\", \
         request-bytes;desc=\"{}\"",
        ms(usage.wall),
        ms(usage.guest),
        ms(usage.device),
        usage.launches,
        usage.request_bytes,
    );
    // Digits and plain letters are always a value.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.append(SERVER_TIMING, value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn the_header_is_added_to_what_the_guest_has_set() {
        let mut headers = HeaderMap::new();
        headers.insert(SERVER_TIMING, HeaderValue::from_static("db;dur=5"));
        let usage = Usage {
            wall: Duration::from_micros(2500),
            guest: Duration::from_nanos(1_234_567),
            device: Duration::from_secs(1),
            launches: 3,
            request_bytes: 70,
            ..Usage::default()
        };
        add(&mut headers, &usage);
        let values: Vec<_> = headers.get_all(SERVER_TIMING).iter().collect();
        assert_eq!(
            values,
            [
                "db;dur=5",
                "total;dur=2.500, guest;dur=1.235, device;dur=1000.000, launches;desc=\"3\", \
                 request-bytes;desc=\"70\"",
            ]
        );
    }
}
