//! Which text format a client prefers (RFC 9110, section 12.5.1).

/// Whether a client that sent this `Accept` prefers OpenMetrics to the format of Prometheus.
pub(super) fn prefers_open_metrics(accept: Option<&str>) -> bool {
    let (mut open_metrics, mut text) = (0.0, 0.0);
    for range in accept.unwrap_or_default().split(',') {
        let mut parts = range.split(';').map(str::trim);
        let quality = match parts.next() {
            Some("application/openmetrics-text") => &mut open_metrics,
            Some("text/plain" | "text/*" | "*/*") => &mut text,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        *quality = f32::max(*quality, weight);
    }
    open_metrics > 0.0 && open_metrics >= text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_weighs_more_is_what_it_prefers() {
        for (accept, expected) in [
            ("", false),
            ("*/*", false),
            ("application/openmetrics-text", true),
            ("application/openmetrics-text;q=0", false),
            (
                "application/openmetrics-text; version=1.0.0; q=0.4, text/plain;q=0.9",
                false,
            ),
            ("text/plain;q=0.3,application/openmetrics-text;q=0.7", true),
            ("application/openmetrics-text;q=odd", false),
        ] {
            assert_eq!(prefers_open_metrics(Some(accept)), expected, "{accept}");
        }
        assert!(!prefers_open_metrics(None));
    }
}
