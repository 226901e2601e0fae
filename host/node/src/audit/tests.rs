//! What a log promises while its disk fails, stalls and recovers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod disk;

use std::num::NonZeroUsize;
use std::time::Duration;

use tensor_wasm_runtime::policy::Auditor;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use disk::Disk;

/// Longer than any test may take, so that only what happens wakes the writer.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

struct Log {
    log: AuditLog,
}

fn start(disk: &Disk, change: impl FnOnce(&mut AuditConfig)) -> Log {
    let mut config = AuditConfig {
        retry: NEVER,
        ..AuditConfig::default()
    };
    change(&mut config);
    let log = AuditLog::start(&config, Box::new(disk.clone()), Chain::NEW, None, None).unwrap();
    Log { log }
}

impl Log {
    fn add(&self, resource: &str) {
        self.log.event("test", resource, Outcome::done());
    }

    fn add_and_wait(&self, resource: &str) -> Receiver<()> {
        let record = Record::of_system("test", resource, Outcome::done());
        self.log.push(record).unwrap()
    }

    /// Does something, and waits until the writer has told of it.
    fn round(&self, action: impl FnOnce()) {
        let mut before = 0;
        self.log.queue.wait_until(|state| {
            before = state.rounds;
            true
        });
        action();
        self.log.queue.wait_until(|state| state.rounds > before);
    }

    fn end(&self) {
        assert_eq!(self.log.close(NEVER), 0);
    }

    fn failing(&self) -> bool {
        self.log.stats().failing
    }
}

/// Where the first record ends and in the middle of the second: no room for more.
fn room_for_one_and_a_half() -> usize {
    let disk = Disk::file();
    let log = start(&disk, |_| {});
    log.add("one");
    log.end();
    disk.get(|inside| inside.content.len()) * 3 / 2
}

#[test]
fn half_a_line_on_a_full_disk_is_taken_back_and_the_line_written_later() {
    let disk = Disk::file();
    disk.set(|inside| inside.room = Some(room_for_one_and_a_half()));
    let log = start(&disk, |_| {});
    log.round(|| log.add("one"));
    log.round(|| log.add("two"));
    assert!(log.failing());
    assert_eq!(disk.resources(), ["one"]);
    disk.set(|inside| inside.room = None);
    log.round(|| log.add("three"));
    log.end();
    assert_eq!(disk.resources(), ["one", "two", "three"]);
    let stats = log.log.stats();
    assert_eq!((stats.written, stats.lost, stats.waiting), (3, 0, 0));
    assert!(!stats.failing);
}

#[test]
fn half_a_line_in_a_pipe_is_completed_later() {
    let disk = Disk::default();
    disk.set(|inside| inside.room = Some(room_for_one_and_a_half()));
    let log = start(&disk, |_| {});
    log.round(|| log.add("one"));
    log.round(|| log.add("two"));
    assert!(log.failing());
    disk.set(|inside| inside.room = None);
    log.end();
    assert_eq!(disk.resources(), ["one", "two"]);
}

#[test]
fn nothing_is_written_behind_half_a_line_that_cannot_be_taken_back() {
    let disk = Disk::file();
    disk.set(|inside| {
        inside.room = Some(room_for_one_and_a_half());
        inside.take_back_fails = true;
    });
    let log = start(&disk, |_| {});
    log.round(|| log.add("one"));
    log.round(|| log.add("two"));
    let half = disk.get(|inside| inside.content.clone());
    assert!(!half.ends_with(b"\n"));
    disk.set(|inside| inside.room = None);
    log.round(|| log.add("three"));
    assert_eq!(disk.get(|inside| inside.content.clone()), half);
    assert!(log.failing());
    disk.set(|inside| inside.take_back_fails = false);
    log.end();
    assert_eq!(disk.resources(), ["one", "two", "three"]);
}

#[test]
fn while_the_disk_fails_requests_are_refused_or_go_on_as_configured() {
    for (on_failure, ready) in [(OnFailure::Refuse, false), (OnFailure::Warn, true)] {
        let disk = Disk::file();
        let log = start(&disk, |config| config.on_failure = on_failure);
        assert!(log.log.ready());
        disk.set(|inside| inside.room = Some(0));
        log.round(|| log.add("one"));
        assert_eq!(log.log.ready(), ready);
        disk.set(|inside| inside.room = None);
        log.round(|| log.add("two"));
        assert!(log.log.ready());
        log.end();
        assert_eq!(log.log.ready(), ready, "a log that is closed keeps nothing");
    }
}

#[test]
fn what_does_not_fit_while_the_disk_fails_is_counted_and_told_in_its_place() {
    let disk = Disk::file();
    disk.set(|inside| inside.room = Some(0));
    let log = start(&disk, |config| {
        config.backlog = NonZeroUsize::new(2).unwrap();
    });
    // The first is in the writer's hands, two wait, and three find no room.
    log.round(|| log.add("one"));
    for resource in ["two", "three", "four", "five", "six"] {
        log.add(resource);
    }
    let stats = log.log.stats();
    assert_eq!((stats.lost, stats.waiting), (3, 3));
    disk.set(|inside| inside.room = None);
    log.log.reopen();
    log.log
        .queue
        .wait_until(|state| state.idle_without_failure());
    log.add("seven");
    log.end();
    let expected = ["one", "two", "three", "gap of 3", "seven"];
    let mut written = disk.resources();
    written.retain(|resource| resource != "reopen");
    assert_eq!(written, expected);
    assert_eq!(log.log.stats().lost, 3);
}

#[test]
fn a_recovery_needs_no_new_record() {
    let disk = Disk::file();
    disk.set(|inside| inside.room = Some(0));
    let log = start(&disk, |config| config.retry = Duration::from_millis(1));
    log.round(|| log.add("one"));
    disk.set(|inside| inside.room = None);
    log.log
        .queue
        .wait_until(|state| state.idle_without_failure());
    assert_eq!(disk.resources(), ["one"]);
}

#[test]
fn a_torn_line_is_told_of_before_anything_else_happens() {
    let disk = Disk::file();
    let (config, sink) = (AuditConfig::default(), Box::new(disk.clone()));
    let log = AuditLog::start(&config, sink, Chain::NEW, Some("aside".to_owned()), None).unwrap();
    log.queue.wait_until(|state| state.rounds > 0);
    assert_eq!(disk.resources(), ["aside"]);
}

#[test]
fn no_line_waits_for_another() {
    let disk = Disk::file();
    let log = start(&disk, |_| {});
    for count in 1..=3 {
        log.round(|| log.add("x"));
        assert_eq!(disk.records().len(), count);
    }
}

#[test]
fn records_that_gather_during_a_sync_share_the_next_one() {
    let disk = Disk::file();
    disk.set(|inside| inside.stalled = true);
    let log = start(&disk, |config| config.sync = true);
    let first = log.add_and_wait("first");
    disk.wait_until_somebody_waits();
    let mut others: Vec<_> = (0..100).map(|_| log.add_and_wait("other")).collect();
    assert_eq!(others[0].try_recv(), Err(TryRecvError::Empty));
    disk.set(|inside| inside.stalled = false);
    first.blocking_recv().unwrap();
    for other in others {
        other.blocking_recv().unwrap();
    }
    assert_eq!(disk.get(|inside| inside.syncs), 2);
    assert_eq!(disk.records().len(), 101);
}

#[test]
fn an_answer_does_not_wait_for_a_disk_that_fails() {
    for (room, sync_fails) in [(Some(0), false), (None, true)] {
        let disk = Disk::file();
        disk.set(|inside| {
            inside.room = room;
            inside.sync_fails = sync_fails;
            inside.stalled = true;
        });
        let log = start(&disk, |config| config.sync = true);
        let in_hand = log.add_and_wait("in hand");
        disk.wait_until_somebody_waits();
        let queued = log.add_and_wait("queued");
        disk.set(|inside| inside.stalled = false);
        assert!(in_hand.blocking_recv().is_err());
        assert!(queued.blocking_recv().is_err());
        log.log.queue.wait_until(|state| state.is_failing());
        assert!(log.add_and_wait("later").blocking_recv().is_err());
        disk.set(|inside| {
            inside.room = None;
            inside.sync_fails = false;
        });
        log.round(|| log.log.reopen());
        log.log
            .queue
            .wait_until(|state| state.idle_without_failure());
        log.add_and_wait("well again").blocking_recv().unwrap();
        log.end();
        assert_eq!(disk.records().len(), 5);
    }
}

#[test]
fn a_stalled_disk_lets_requests_be_refused_before_records_are_lost() {
    let disk = Disk::file();
    disk.set(|inside| inside.stalled = true);
    let log = start(&disk, |config| {
        config.backlog = NonZeroUsize::new(4).unwrap();
    });
    log.add("in hand");
    disk.wait_until_somebody_waits();
    log.add("one");
    log.add("two");
    assert!(log.log.ready());
    log.add("three");
    assert!(!log.log.ready());
    assert_eq!(log.log.stats().lost, 0);
    disk.set(|inside| inside.stalled = false);
    log.end();
    assert_eq!(disk.records().len(), 4);
}

#[test]
fn closing_waits_no_longer_than_it_is_told_to() {
    let disk = Disk::file();
    disk.set(|inside| inside.stalled = true);
    let log = start(&disk, |_| {});
    log.add("one");
    disk.wait_until_somebody_waits();
    log.add("two");
    assert_eq!(log.log.close(Duration::ZERO), 2);
    disk.set(|inside| inside.stalled = false);
    log.end();
    assert_eq!(disk.resources(), ["one", "two"]);
}

#[test]
fn closing_on_a_failing_disk_says_how_much_is_not_written() {
    let disk = Disk::file();
    disk.set(|inside| inside.room = Some(0));
    let log = start(&disk, |_| {});
    log.round(|| log.add("one"));
    log.round(|| log.add("two"));
    assert_eq!(log.log.close(NEVER), 2);
    log.add("after the end");
    let stats = log.log.stats();
    assert_eq!((stats.written, stats.lost, stats.waiting), (0, 3, 0));
}

#[test]
fn after_reopening_the_chain_goes_on_in_the_other_file() {
    let disk = Disk::file();
    let log = start(&disk, |_| {});
    log.round(|| log.add("one"));
    log.round(|| log.log.reopen());
    log.add("two");
    log.end();
    assert_eq!(disk.resources(), ["one", "reopen", "two"]);
}

#[test]
fn where_reopening_fails_records_go_on_to_the_old_file_and_it_is_tried_again() {
    let disk = Disk::file();
    disk.set(|inside| inside.reopen_fails = true);
    let log = start(&disk, |_| {});
    log.round(|| log.log.reopen());
    log.round(|| log.add("one"));
    assert!(log.log.ready());
    assert_eq!(disk.resources(), ["one"]);
    disk.set(|inside| inside.reopen_fails = false);
    log.round(|| log.add("two"));
    log.end();
    assert_eq!(disk.resources(), ["one", "two", "reopen"]);
}

#[test]
fn a_file_that_was_deleted_is_made_anew_and_until_then_nothing_counts_as_kept() {
    let disk = Disk::file();
    let log = start(&disk, |config| config.sync = true);
    disk.set(|inside| {
        inside.gone = true;
        inside.reopen_fails = true;
    });
    assert!(log.add_and_wait("one").blocking_recv().is_err());
    log.log.queue.wait_until(|state| state.is_failing());
    assert!(!log.log.ready());
    disk.set(|inside| inside.reopen_fails = false);
    log.round(|| log.add("two"));
    log.end();
    assert_eq!(disk.resources(), ["one", "reopen", "two"]);
}

#[test]
fn many_threads_write_one_chain_and_none_of_their_records_is_lost() {
    let disk = Disk::file();
    let log = start(&disk, |_| {});
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..250).for_each(|_| log.add("x")));
        }
    });
    log.end();
    assert_eq!(disk.records().len(), 2000);
}
