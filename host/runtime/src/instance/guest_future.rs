//! A guest at work on one request, as a future. Each poll is a turn on the processors, where the
//! guest's tenant shares those with others, and is charged to the request.
//!
//! What a poll takes is wall time of its thread, whose reading takes some tens of nanoseconds: the
//! thread's own processor time takes a system call. That is read where the two may differ, since
//! the operating system may have let others run meanwhile, and it matters whose time it was.

use crate::request::{Finish, KeptForGuest, RequestTask};
use crate::schedule::Turns;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// How long the polls of a guest may be, on the average, for the thread that serves its request
/// to run it.
const BRIEF: Duration = Duration::from_micros(250);

/// What a poll counts for at most in the average of its application.
const MOST: Duration = BRIEF.saturating_mul(4);

/// A poll of this length does what nothing interrupts, such as a large copy.
const LONG: Duration = Duration::from_millis(10);

/// For how many times its length the guests of its application count as long: so that no mixture of long
/// polls and brief ones takes more than a small part of the threads that serve HTTP. For as long the
/// processor time of polls is measured after one whose time may have been another's.
const LONG_FOR: u32 = 64;

thread_local! {
    /// Whether this thread is within a poll of a guest.
    static IS_POLLING: Cell<bool> = const { Cell::new(false) };
}

/// Whether the caller is within a poll of a guest, which may be another one: a policy takes the
/// response of the component behind it. Wasmtime lets no guest run within the poll of another one.
pub(super) fn is_within_a_guest() -> bool {
    IS_POLLING.get()
}

/// A guest at work on one request.
pub(super) struct GuestFuture {
    task: Arc<RequestTask>,
    /// How long the guests of its application run at once.
    polls: Arc<PollTimes>,
    /// `None` for a policy, which works for no tenant, but for the operator.
    turns: Option<Turns>,
    work: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Of whoever counts the guest, until it has ended.
    _kept: Option<KeptForGuest>,
}

/// What became of a guest where the task of its request's connection was to run it.
pub(super) enum RunHere {
    /// It is done.
    Done,
    /// It waits.
    Waits,
    /// It is not for this thread, now or any more: it runs for long, or others are before it.
    Elsewhere,
}

/// How far a guest ran in one poll.
enum Ran {
    ToItsEnd,
    /// Whether it took no longer than it may on a thread that serves HTTP.
    UntilItWaits {
        brief: bool,
    },
    /// It was interrupted, and would go on at once.
    UntilItGaveWay,
}

impl GuestFuture {
    pub(super) fn new(
        task: Arc<RequestTask>,
        turns: Option<Turns>,
        polls: Arc<PollTimes>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> GuestFuture {
        GuestFuture {
            _kept: task.context().begin_guest(),
            task,
            polls,
            turns,
            work: Box::pin(work),
        }
    }

    pub(super) fn task(&self) -> &Arc<RequestTask> {
        &self.task
    }

    /// Runs the guest on the thread that serves its request. Whether that may be is decided by
    /// how long such guests have run before, so that one that computes keeps no other request
    /// from being served; by the longest time for which a guest runs at once, where nothing is
    /// known yet.
    pub(super) fn poll_here(&mut self, cx: &mut Context<'_>) -> RunHere {
        let key = self.task.context().tenant();
        let began = Instant::now();
        if let Some(turns) = &mut self.turns
            && !(self.polls.are_brief(began) && turns.begin_brief(key, began))
        {
            return RunHere::Elsewhere;
        }
        // Guests are interrupted at fixed times, whenever they began: one that has just begun goes on
        // at the next poll, where it asks for another turn.
        match self.run(began, cx, BRIEF) {
            Ran::ToItsEnd => RunHere::Done,
            Ran::UntilItWaits { brief } if self.turns.is_none() || brief => RunHere::Waits,
            Ran::UntilItGaveWay if self.turns.is_none() => RunHere::Waits,
            Ran::UntilItWaits { .. } | Ran::UntilItGaveWay => RunHere::Elsewhere,
        }
    }

    /// Runs the guest when it is its turn, on the threads for guests.
    pub(super) fn poll_in_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(turns) = &mut self.turns {
            ready!(turns.poll_begin(self.task.context().tenant(), cx));
        }
        match self.run(Instant::now(), cx, Duration::ZERO) {
            Ran::ToItsEnd => Poll::Ready(()),
            Ran::UntilItWaits { .. } => Poll::Pending,
            Ran::UntilItGaveWay => {
                // The threads that serve HTTP do not wait for the operating system to end this
                // one's slice, which is longer than a guest's.
                std::thread::yield_now();
                Poll::Pending
            }
        }
    }

    /// Polls the guest, and ends its turn. One that is interrupted before it has run for `whole` waits
    /// for no turn yet.
    fn run(&mut self, began: Instant, cx: &mut Context<'_>, whole: Duration) -> Ran {
        let is_doubted = self.turns.is_some() && self.polls.are_doubted(began);
        let processor_time = is_doubted.then(thread_processor_time);
        IS_POLLING.set(true);
        let polled = catch_unwind(AssertUnwindSafe(|| self.work.as_mut().poll(cx)));
        IS_POLLING.set(false);
        let ran = began.elapsed();
        let took = match processor_time {
            Some(before) if ran > BRIEF => {
                let own = thread_processor_time().saturating_sub(before);
                Took::Measured(own.min(ran))
            }
            Some(_) => Took::Measured(ran),
            None => Took::AtMost(ran),
        };
        let context = self.task.context();
        context.usage().add_guest(ran);
        let interrupted = self.task.run.take_gave_way() && matches!(polled, Ok(Poll::Pending));
        let gave_way = interrupted && took.longest() > whole;
        if let Some(turns) = &mut self.turns {
            match gave_way {
                true => turns.give_way(context.tenant(), ran),
                false => turns.end(context.tenant(), ran),
            }
            self.polls.add(began, took);
        }
        let polled = polled.unwrap_or_else(|_| {
            tracing::error!(
                request_id = context.id(),
                trace_id = %context.trace_id(),
                "the host panicked while it ran the guest"
            );
            self.task.run.mark_failed();
            self.task.run.finish(Finish::Failed);
            Poll::Ready(())
        });
        match polled {
            Poll::Ready(()) => {
                // What is used after the response's end is charged as it comes.
                context.charge_if_ended();
                Ran::ToItsEnd
            }
            Poll::Pending if gave_way => Ran::UntilItGaveWay,
            Poll::Pending => Ran::UntilItWaits {
                brief: took.longest() <= BRIEF,
            },
        }
    }
}

/// How long a poll took.
#[derive(Clone, Copy)]
enum Took {
    /// Of its thread's processor time.
    Measured(Duration),
    /// No more than this, in which the operating system may have let others run.
    AtMost(Duration),
}

impl Took {
    fn longest(self) -> Duration {
        match self {
            Took::Measured(took) | Took::AtMost(took) => took,
        }
    }
}

/// The processor time that the calling thread has had.
fn thread_processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// How long the polls of an application's guests take.
#[derive(Default)]
pub(crate) struct PollTimes {
    /// A moving average, in nanoseconds.
    average: AtomicU64,
    /// Until when they count as long, whatever the average is, in nanoseconds since [`EPOCH`].
    long_until: AtomicU64,
    /// Until when the processor time of polls is to be measured, in nanoseconds since [`EPOCH`].
    doubted_until: AtomicU64,
}

/// What times are counted from.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn since_epoch(time: Instant) -> u64 {
    nanoseconds(time.saturating_duration_since(*EPOCH))
}

impl PollTimes {
    fn are_brief(&self, now: Instant) -> bool {
        Duration::from_nanos(self.average.load(Ordering::Relaxed)) <= BRIEF
            && since_epoch(now) >= self.long_until.load(Ordering::Relaxed)
    }

    /// Whether the processor time of a poll that begins now is to be measured.
    fn are_doubted(&self, now: Instant) -> bool {
        since_epoch(now) < self.doubted_until.load(Ordering::Relaxed)
    }

    /// A poll that began then took so long.
    fn add(&self, began: Instant, took: Took) {
        let longest = took.longest();
        let until = || {
            let until = longest.saturating_mul(LONG_FOR);
            since_epoch(began).saturating_add(nanoseconds(until))
        };
        let counted = match took {
            Took::AtMost(longest) if longest > BRIEF => {
                self.doubted_until.fetch_max(until(), Ordering::Relaxed);
                BRIEF
            }
            Took::AtMost(_) | Took::Measured(_) => longest.min(MOST),
        };
        let before = self.average.load(Ordering::Relaxed);
        // Of two threads that add at one time one may be missed, which does not matter.
        let after = before
            .saturating_sub(before / 8)
            .saturating_add(nanoseconds(counted) / 8);
        self.average.store(after, Ordering::Relaxed);
        if matches!(took, Took::Measured(own) if own >= LONG) {
            self.long_until.fetch_max(until(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_poll_among_many_brief_ones_keeps_guests_from_the_threads_of_http_for_long() {
        let polls = PollTimes::default();
        let mut now = Instant::now();
        assert!(polls.are_brief(now) && !polls.are_doubted(now));
        let long = Duration::from_millis(50);
        // Of the first one it is not known whose time it was.
        polls.add(now, Took::AtMost(long));
        now += long;
        assert!(polls.are_brief(now) && polls.are_doubted(now));
        now += long * 60;
        assert!(polls.are_doubted(now));
        polls.add(now, Took::Measured(long));
        now += long;
        for _ in 0..1000 {
            polls.add(now, Took::AtMost(Duration::from_micros(1)));
        }
        assert!(!polls.are_brief(now));
        now += long * 60;
        assert!(!polls.are_brief(now));
        now += long * 4;
        assert!(polls.are_brief(now) && !polls.are_doubted(now));
    }

    #[test]
    fn polls_that_are_long_on_the_average_are_not_brief() {
        let (polls, now) = (PollTimes::default(), Instant::now());
        polls.add(now, Took::Measured(Duration::from_millis(2)));
        assert!(polls.are_brief(now));
        for _ in 0..8 {
            polls.add(now, Took::Measured(BRIEF * 2));
        }
        assert!(!polls.are_brief(now));
    }

    #[test]
    fn polls_during_which_the_operating_system_let_others_run_are_no_matter() {
        let (polls, now) = (PollTimes::default(), Instant::now());
        for _ in 0..100 {
            polls.add(now, Took::AtMost(Duration::from_millis(20)));
            assert!(polls.are_brief(now) && polls.are_doubted(now));
        }
        for _ in 0..100 {
            polls.add(now, Took::Measured(Duration::from_micros(80)));
            assert!(polls.are_brief(now));
        }
    }

    #[test]
    fn the_processor_time_of_a_thread_is_its_own() {
        let work = |most: Duration| {
            let before = thread_processor_time();
            while thread_processor_time().saturating_sub(before) < most {}
        };
        let before = thread_processor_time();
        let worker = std::thread::spawn(move || work(Duration::from_millis(50)));
        assert!(worker.join().is_ok());
        let waited = thread_processor_time().saturating_sub(before);
        assert!(waited < Duration::from_millis(50), "{waited:?}");
        work(Duration::from_millis(1));
        assert!(thread_processor_time() > before + waited);
    }
}
