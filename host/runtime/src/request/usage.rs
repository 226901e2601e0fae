//! What one request used. It is the request's and not an instance's, so that it is right where
//! instances are reused, and counts what policies and application used together.
//!
//! All of it is charged to the request's tenant, each part once: what was charged before is
//! remembered, and a charge is what has come since.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a request used, or a part of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests that have ended.
    pub requests: u64,
    /// From the request's head to the end of the response's body.
    pub wall: Duration,
    /// The time in which guests ran, on threads of the host.
    pub guest: Duration,
    /// The device's time of kernels: on the processor of all its threads, added up.
    pub device: Duration,
    /// Launches of kernels.
    pub launches: u64,
    /// Bytes that were read of the request's body.
    pub request_bytes: u64,
    /// Bytes that were sent of the response's body.
    pub response_bytes: u64,
}

/// How many bytes of a request's body have been read. Clones are the same number.
#[derive(Clone, Debug, Default)]
pub struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    pub(crate) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The meter of one request.
#[derive(Debug)]
pub(crate) struct RequestUsage {
    began: Instant,
    /// `None` where the request has no body.
    body: Option<BytesRead>,
    guest_nanoseconds: Counter,
    device_nanoseconds: Counter,
    launches: Counter,
    response_bytes: Counter,
    /// What was charged of `body`.
    request_bytes_charged: AtomicU64,
    has_ended: AtomicBool,
}

/// A number that grows, and how much of it was charged.
#[derive(Debug, Default)]
struct Counter {
    all: AtomicU64,
    charged: AtomicU64,
}

impl Counter {
    fn add(&self, amount: u64) {
        self.all.fetch_add(amount, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    /// What has not been charged yet. From now on it has.
    fn charge(&self) -> u64 {
        charge(&self.charged, self.get())
    }
}

/// How much of `all` has not been charged. Of two threads that ask at one time with different
/// numbers, each gets what the other did not.
fn charge(charged: &AtomicU64, all: u64) -> u64 {
    if charged.load(Ordering::Relaxed) == all {
        return 0;
    }
    let before = charged.fetch_max(all, Ordering::Relaxed);
    all.saturating_sub(before)
}

impl RequestUsage {
    /// The meter of a request whose head came at `began`.
    pub(crate) fn new(began: Instant) -> RequestUsage {
        RequestUsage {
            began,
            body: None,
            guest_nanoseconds: Counter::default(),
            device_nanoseconds: Counter::default(),
            launches: Counter::default(),
            response_bytes: Counter::default(),
            request_bytes_charged: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
        }
    }

    /// The request has a body, of which so much is read.
    pub(crate) fn set_body(&mut self, body: Option<BytesRead>) {
        self.body = body;
    }

    /// A guest has run for the request.
    pub(crate) fn add_guest(&self, time: Duration) {
        self.guest_nanoseconds.add(nanoseconds(time));
    }

    /// A kernel has run for the request.
    pub(crate) fn add_device(&self, time: Duration) {
        self.device_nanoseconds.add(nanoseconds(time));
    }

    /// A kernel was launched.
    pub(crate) fn add_launch(&self) {
        self.launches.add(1);
    }

    /// A part of the response's body goes to the client.
    pub(crate) fn add_response_bytes(&self, bytes: u64) {
        self.response_bytes.add(bytes);
    }

    /// What was used until now. As many `requests` as have ended.
    pub(crate) fn until_now(&self) -> Usage {
        Usage {
            requests: self.has_ended.load(Ordering::Relaxed).into(),
            wall: self.began.elapsed(),
            guest: Duration::from_nanos(self.guest_nanoseconds.get()),
            device: Duration::from_nanos(self.device_nanoseconds.get()),
            launches: self.launches.get(),
            request_bytes: self.request_bytes(),
            response_bytes: self.response_bytes.get(),
        }
    }

    /// What has not been charged yet. From now on it has. `None` where that is nothing.
    pub(crate) fn charge(&self) -> Option<Usage> {
        let usage = Usage {
            guest: Duration::from_nanos(self.guest_nanoseconds.charge()),
            device: Duration::from_nanos(self.device_nanoseconds.charge()),
            launches: self.launches.charge(),
            request_bytes: charge(&self.request_bytes_charged, self.request_bytes()),
            response_bytes: self.response_bytes.charge(),
            ..Usage::default()
        };
        (usage != Usage::default()).then_some(usage)
    }

    /// The response has ended. As [`charge`](Self::charge), with the request itself and its
    /// wall time, the first time that it is called.
    pub(crate) fn end(&self) -> Option<Usage> {
        if self.has_ended.swap(true, Ordering::Relaxed) {
            return self.charge();
        }
        Some(Usage {
            requests: 1,
            wall: self.began.elapsed(),
            ..self.charge().unwrap_or_default()
        })
    }

    /// Whether the response has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    fn request_bytes(&self) -> u64 {
        self.body.as_ref().map_or(0, BytesRead::get)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::thread;

    use proptest::prelude::*;

    use super::*;

    fn sum(parts: impl IntoIterator<Item = Usage>) -> Usage {
        parts.into_iter().fold(Usage::default(), |sum, part| Usage {
            requests: sum.requests + part.requests,
            wall: sum.wall + part.wall,
            guest: sum.guest + part.guest,
            device: sum.device + part.device,
            launches: sum.launches + part.launches,
            request_bytes: sum.request_bytes + part.request_bytes,
            response_bytes: sum.response_bytes + part.response_bytes,
        })
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Guest(u64),
        Device(u64),
        Launch,
        Read(u64),
        Send(u64),
        Charge,
        End,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..1_u64 << 40).prop_map(Step::Guest),
            (0..1_u64 << 40).prop_map(Step::Device),
            Just(Step::Launch),
            (0..1_u64 << 40).prop_map(Step::Read),
            (0..1_u64 << 40).prop_map(Step::Send),
            Just(Step::Charge),
            Just(Step::End),
        ]
    }

    fn take(step: Step, usage: &RequestUsage, body: &BytesRead) -> Option<Usage> {
        match step {
            Step::Guest(time) => usage.add_guest(Duration::from_nanos(time)),
            Step::Device(time) => usage.add_device(Duration::from_nanos(time)),
            Step::Launch => usage.add_launch(),
            Step::Read(bytes) => body.add(bytes),
            Step::Send(bytes) => usage.add_response_bytes(bytes),
            Step::Charge => return usage.charge(),
            Step::End => return usage.end(),
        }
        None
    }

    proptest! {
        /// Whatever threads use, charge and end a request meanwhile.
        #[test]
        fn what_is_charged_adds_up_to_what_was_used(
            threads in proptest::collection::vec(
                proptest::collection::vec(step(), 0..40),
                1..4,
            ),
        ) {
            let body = BytesRead::default();
            let mut usage = RequestUsage::new(Instant::now());
            usage.set_body(Some(body.clone()));
            let charged = thread::scope(|scope| {
                let run = |steps: Vec<Step>| {
                    let parts = steps.into_iter().filter_map(|step| take(step, &usage, &body));
                    parts.collect::<Vec<_>>()
                };
                let threads: Vec<_> = threads
                    .into_iter()
                    .map(|steps| scope.spawn(move || run(steps)))
                    .collect();
                let parts = threads.into_iter().flat_map(|thread| thread.join().unwrap());
                parts.collect::<Vec<_>>()
            });
            let charged = sum(charged.into_iter().chain(usage.end()));
            let used = usage.until_now();
            prop_assert_eq!(charged.requests, 1);
            prop_assert!(charged.wall <= used.wall);
            prop_assert_eq!(charged, Usage { wall: charged.wall, ..used });
            prop_assert_eq!(usage.charge(), None);
        }
    }
}
