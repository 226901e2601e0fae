//! The route of what functions used.

use std::time::{Duration, SystemTime};

use http::{Response, StatusCode};
use wasmtime_wasi_http::WasiBody;

use super::body;
use super::model::{UsageList, UsageRecord};
use super::{Api, Call};
use crate::error::{INVALID_REQUEST, NodeError};

/// Records of one answer, at most.
const MOST: u32 = 10_000;

const SECONDS_PER_HOUR: u64 = 60 * 60;

/// What is shown where no beginning is named: the last day.
const HOURS: i64 = 24;

impl Api {
    pub(super) async fn usage(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let now = SystemTime::now();
        let end = match call.query.get("to") {
            Some(text) => hour(time("to", text)?, true),
            None => hour(now, true),
        };
        let begin = match call.query.get("from") {
            Some(text) => hour(time("from", text)?, false),
            None => end.saturating_sub(HOURS),
        };
        let found = self
            .functions
            .usage(call.tenant, begin, end, MOST + 1)
            .await?;
        if found.len() > MOST as usize {
            return Err(NodeError::new(
                &INVALID_REQUEST,
                format_args!("there are more than {MOST} records: name a shorter time"),
            ));
        }
        let usage = found.iter().map(|(key, amounts)| {
            let begin = u64::try_from(key.hour).unwrap_or(0);
            let begin = Duration::from_secs(begin.saturating_mul(SECONDS_PER_HOUR));
            UsageRecord::new(SystemTime::UNIX_EPOCH + begin, key, amounts)
        });
        body::json(
            StatusCode::OK,
            &UsageList {
                usage: usage.collect(),
            },
        )
    }
}

fn time(name: &str, text: &str) -> Result<SystemTime, NodeError> {
    humantime::parse_rfc3339(text).map_err(|_| {
        NodeError::new(
            &INVALID_REQUEST,
            format_args!("`{name}` is a time such as 2026-11-30T09:00:00Z"),
        )
    })
}

/// The hour that a time is in, since 1970; or, rounded up, the one after it unless the time is
/// its beginning.
fn hour(time: SystemTime, up: bool) -> i64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let hours = since.as_secs() / SECONDS_PER_HOUR;
    let is_begin = since.as_secs().is_multiple_of(SECONDS_PER_HOUR) && since.subsec_nanos() == 0;
    let hours = hours + u64::from(up && !is_begin);
    i64::try_from(hours).unwrap_or(i64::MAX)
}
