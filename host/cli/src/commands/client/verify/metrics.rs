//! The node's metrics, in the text format of Prometheus, as far as they are checked.

use bytes::Bytes;

use crate::commands::client::connection::Client;
use crate::commands::client::error::ClientError;
use crate::commands::client::request::{Call, Target};

/// What the metrics say at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Requests that deployed a function.
    pub deployments: f64,
    /// Requests that invoked a function.
    pub invocations: f64,
    /// Records that were written to the audit log.
    pub records: f64,
    /// Whether records can't be written.
    pub is_audit_failing: bool,
}

impl Reading {
    /// Asks the address of `--admin`.
    ///
    /// # Errors
    ///
    /// Where there are no metrics of a node.
    pub async fn of(admin: &Client) -> Result<Self, ClientError> {
        let call = Call::get(Target::of(&["metrics"]));
        let bytes: Bytes = admin.send(call).await?.success().await?;
        let text = String::from_utf8_lossy(&bytes);
        Self::parse(&text).ok_or_else(|| {
            ClientError::Check(format!(
                "what answers at {} has no metrics of a node: name the address of its --admin",
                admin.address
            ))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let requests = "tensor_wasm_http_requests_total";
        text.contains("tensor_wasm_build_info").then(|| Self {
            deployments: sum(text, requests, "route=\"function.deploy\""),
            invocations: sum(text, requests, "route=\"function.invoke\""),
            records: sum(text, "tensor_wasm_audit_records_written_total", ""),
            is_audit_failing: sum(text, "tensor_wasm_audit_failing", "") > 0.0,
        })
    }
}

/// The sum of the series of a metric that have this label.
fn sum(text: &str, name: &str, label: &str) -> f64 {
    let series = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let is_this = labels.is_empty() || labels.starts_with('{');
        (is_this && labels.contains(label)).then(|| value.parse::<f64>().ok())?
    });
    series.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_added_up_by_label() {
        let text = "# TYPE tensor_wasm_http_requests counter\n\
             tensor_wasm_http_requests_total{route=\"function.invoke\",status=\"200\"} 3\n\
             tensor_wasm_http_requests_total{route=\"function.invoke\",status=\"502\"} 2\n\
             tensor_wasm_http_requests_total{route=\"function.deploy\",status=\"201\"} 1\n\
             tensor_wasm_audit_records_written_total 7\n\
             tensor_wasm_audit_failing 0\n";
        assert_eq!(Reading::parse(text), None);
        let text = format!("{text}tensor_wasm_build_info{{version=\"1\"}} 1\n");
        let expected = Reading {
            deployments: 1.0,
            invocations: 5.0,
            records: 7.0,
            is_audit_failing: false,
        };
        assert_eq!(Reading::parse(&text), Some(expected));
    }
}
