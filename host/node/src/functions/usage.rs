//! What functions use: counted in memory when an invocation ends and when its request is charged,
//! and added to the database every
//! few seconds, at the end of the node, and before it is asked for. A node that is killed loses
//! what it has not added; nothing is added twice.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tensor_wasm_device::MemoryMeter;
use tensor_wasm_runtime::UsageAccount;
use tokio::sync::Mutex as AsyncMutex;
use wasmtime_wasi_http::{Error, WasiBody};

use super::device_memory::DeviceMemory;
use crate::clock::{Clock, SettledTime};
use crate::lock::ignore_poison;
use crate::storage::usage::{Amounts, UsageKey};
use crate::storage::{Metadata, StorageError};

const MS_PER_HOUR: i64 = 60 * 60 * 1000;

/// What was used and is not in the database yet.
#[derive(Clone)]
pub(super) struct Usage {
    clock: Arc<dyn Clock>,
    counted: Arc<Mutex<Counted>>,
    /// Held while counts are moved into the database, so that whoever asks for them does not
    /// miss those that are on their way.
    moving: Arc<AsyncMutex<()>>,
    memory: DeviceMemory,
    /// The first hour that is kept, as it was when older ones were removed last.
    kept_from: Arc<AtomicI64>,
    /// When older ones are removed.
    settled: Arc<SettledTime>,
}

/// Whom an invocation is counted for.
#[derive(Debug)]
pub(crate) struct CountedFunction {
    pub(crate) tenant: u64,
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Counts by tenant, by the function's id, and by hour, of which there are seldom two. Nothing is
/// allocated where a function has been counted before.
#[derive(Default)]
struct Counted(HashMap<u64, HashMap<String, CountedHours>>);

struct CountedHours {
    name: String,
    hours: Vec<(i64, Amounts)>,
}

impl Counted {
    fn add(&mut self, function: &CountedFunction, hour: i64, amounts: Amounts) {
        let CountedFunction { tenant, id, name } = function;
        let of_tenant = self.0.entry(*tenant).or_default();
        let counted = match of_tenant.get_mut(id) {
            Some(counted) => counted,
            None => of_tenant.entry(id.clone()).or_insert_with(|| CountedHours {
                name: name.clone(),
                hours: Vec::new(),
            }),
        };
        match counted.hours.iter_mut().find(|(of, _)| *of == hour) {
            Some((_, counted)) => counted.add(amounts),
            None => counted.hours.push((hour, amounts)),
        }
    }

    /// Takes what was counted.
    fn take(&mut self) -> Vec<(UsageKey, Amounts)> {
        let mut taken = Vec::new();
        for (tenant, functions) in std::mem::take(&mut self.0) {
            for (id, CountedHours { name, hours }) in functions {
                taken.extend(hours.into_iter().map(|(hour, amounts)| {
                    let key = UsageKey {
                        hour,
                        tenant,
                        function_id: id.clone(),
                        function_name: name.clone(),
                    };
                    (key, amounts)
                }));
            }
        }
        taken
    }
}

/// One invocation, which is counted when this is dropped.
pub(super) struct Invocation {
    of: Arc<CountedInvocation>,
    begun: Instant,
    response_bytes: u64,
    has_response: bool,
}

impl Usage {
    /// Nothing was used yet.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Usage {
        Usage {
            clock,
            counted: Arc::default(),
            moving: Arc::default(),
            memory: DeviceMemory::default(),
            kept_from: Arc::default(),
            settled: Arc::default(),
        }
    }

    /// The hour that it is, since 1970.
    fn hour(&self) -> i64 {
        self.clock.now_ms().div_euclid(MS_PER_HOUR)
    }

    /// Begins to count an invocation of a function.
    pub(super) fn begin(&self, function: &Arc<CountedFunction>) -> Invocation {
        Invocation {
            of: Arc::new(self.counted(function)),
            begun: Instant::now(),
            response_bytes: 0,
            has_response: false,
        }
    }

    /// The account of a function, for what it uses while it answers no request.
    pub(super) fn account(&self, tenant: u64, id: &str, name: &str) -> Arc<dyn UsageAccount> {
        let function = CountedFunction {
            tenant,
            id: id.to_owned(),
            name: name.to_owned(),
        };
        Arc::new(self.counted(&Arc::new(function)))
    }

    fn counted(&self, function: &Arc<CountedFunction>) -> CountedInvocation {
        CountedInvocation {
            hour: self.hour(),
            function: function.clone(),
            counted: self.counted.clone(),
            request_bytes: AtomicU64::new(0),
        }
    }

    /// Meters the device memory that a function holds.
    pub(super) fn memory_meter(&self, tenant: u64, id: &str, name: &str) -> MemoryMeter {
        self.memory.meter(tenant, id, name)
    }

    /// Adds what was counted to the database. Where that fails it stays counted.
    pub(super) async fn store(&self, database: &dyn Metadata) -> Result<(), StorageError> {
        let _moving = self.moving.lock().await;
        for (key, amounts) in self.memory.take(self.hour()) {
            self.count(key, amounts);
        }
        let counted = ignore_poison(self.counted.lock()).take();
        if counted.is_empty() {
            return Ok(());
        }
        let stored = database.add_usage(&counted).await;
        if stored.is_err() {
            for (key, amounts) in counted {
                self.count(key, amounts);
            }
        }
        stored
    }

    /// Removes what was used longer ago, once in an hour. Returns whether it was that time.
    pub(super) async fn remove_old(
        &self,
        database: &dyn Metadata,
        retention: Duration,
    ) -> Result<bool, StorageError> {
        let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let Some(now_ms) = self.settled.now_ms(&*self.clock) else {
            return Ok(false);
        };
        let kept_from = now_ms.saturating_sub(retention).div_euclid(MS_PER_HOUR);
        let is_due = self.kept_from.load(Ordering::Relaxed) != kept_from;
        if is_due {
            database.remove_usage_before(kept_from).await?;
            self.kept_from.store(kept_from, Ordering::Relaxed);
        }
        Ok(is_due)
    }

    fn count(&self, key: UsageKey, amounts: Amounts) {
        let function = CountedFunction {
            tenant: key.tenant,
            id: key.function_id,
            name: key.function_name,
        };
        ignore_poison(self.counted.lock()).add(&function, key.hour, amounts);
    }
}

/// What an invocation is counted for, while it runs and until its request is charged, which may be
/// after its response. What the request is charged is counted for the function, in the hour in which
/// the invocation began.
struct CountedInvocation {
    hour: i64,
    function: Arc<CountedFunction>,
    counted: Arc<Mutex<Counted>>,
    /// Bytes of the request's body that the function has read.
    request_bytes: AtomicU64,
}

impl CountedInvocation {
    fn count(&self, amounts: Amounts) {
        ignore_poison(self.counted.lock()).add(&self.function, self.hour, amounts);
    }
}

impl UsageAccount for CountedInvocation {
    fn charged(&self, usage: &tensor_wasm_runtime::Usage) {
        // Requests and their bytes are those of the function's invocations, which are counted
        // where they end.
        let amounts = Amounts {
            guest_ns: nanoseconds(usage.guest),
            device_ns: nanoseconds(usage.device),
            launches: usage.launches,
            ..Amounts::default()
        };
        if amounts != Amounts::default() {
            self.count(amounts);
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Invocation {
    /// The account of the function, for what the request is charged.
    pub(super) fn account(&self) -> Arc<dyn UsageAccount> {
        self.of.clone()
    }

    /// Counts the bytes of the request's body as the function reads them.
    pub(super) fn request(&self, body: WasiBody) -> CountedBody {
        CountedBody {
            body,
            of: self.of.clone(),
        }
    }

    /// The function has answered.
    pub(super) fn responded(&mut self) {
        self.has_response = true;
    }

    /// So many bytes of the response were sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.response_bytes += bytes as u64;
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        let amounts = Amounts {
            requests: 1,
            failures: u64::from(!self.has_response),
            wall_us: u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            request_bytes: self.of.request_bytes.load(Ordering::Relaxed),
            response_bytes: self.response_bytes,
            ..Amounts::default()
        };
        self.of.count(amounts);
    }
}

/// The body of a request, whose bytes are counted as they are read.
pub(super) struct CountedBody {
    body: WasiBody,
    of: Arc<CountedInvocation>,
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            let bytes = data.len() as u64;
            self.of.request_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::clock::SystemClock;
    use crate::storage::database::Database;
    use crate::storage::usage::UsageStore;

    #[tokio::test]
    async fn what_was_used_longer_ago_than_it_is_kept_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("node.db"))
            .await
            .unwrap();
        let usage = Usage::new(Arc::new(SystemClock));
        let now = usage.hour();
        for hours in [0, 1, 2, 30, 1000] {
            let key = UsageKey {
                hour: now - hours,
                tenant: 7,
                function_id: "fn_1".to_owned(),
                function_name: "a".to_owned(),
            };
            let amounts = Amounts {
                requests: 1,
                ..Amounts::default()
            };
            usage.count(key, amounts);
        }
        usage.store(&database).await.unwrap();
        let kept = async || {
            let rows = database.usage(7, 0, i64::MAX, 100).await.unwrap();
            rows.iter()
                .map(|(key, _)| now - key.hour)
                .collect::<Vec<_>>()
        };
        let hours = |number: u64| Duration::from_secs(number * 60 * 60);
        usage.remove_old(&database, hours(30)).await.unwrap();
        assert_eq!(kept().await, [30, 2, 1, 0]);
        usage.remove_old(&database, hours(1)).await.unwrap();
        assert_eq!(kept().await, [1, 0]);
        usage.remove_old(&database, Duration::MAX).await.unwrap();
        assert_eq!(kept().await, [1, 0]);
    }

    #[tokio::test]
    async fn what_is_counted_is_in_the_database_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("node.db"))
            .await
            .unwrap();
        let usage = Usage::new(Arc::new(SystemClock));
        let function = |tenant, id: &str| {
            let (id, name) = (id.to_owned(), "a".to_owned());
            Arc::new(CountedFunction { tenant, id, name })
        };
        for _ in 0..3 {
            let mut invocation = usage.begin(&function(7, "fn_1"));
            invocation.responded();
            invocation.sent(10);
            drop(invocation);
            usage.store(&database).await.unwrap();
            usage.store(&database).await.unwrap();
        }
        drop(usage.begin(&function(7, "fn_1")));
        drop(usage.begin(&function(8, "fn_2")));
        usage.store(&database).await.unwrap();
        let mut sum = Amounts::default();
        for (key, amounts) in database.usage(7, 0, i64::MAX, 100).await.unwrap() {
            assert_eq!(
                (key.function_id.as_str(), key.function_name.as_str()),
                ("fn_1", "a")
            );
            sum.add(amounts);
        }
        assert_eq!((sum.requests, sum.failures, sum.response_bytes), (4, 1, 30));
        assert_eq!(database.usage(7, 0, 1, 100).await.unwrap(), []);
    }
}
