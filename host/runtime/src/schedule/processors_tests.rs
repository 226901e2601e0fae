#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A guest that waits, by a number of its own.
type Guest = u32;

fn share(weight: u32, limit_ms_per_second: u32) -> ProcessorShare {
    ProcessorShare {
        weight: NonZeroU32::new(weight).unwrap(),
        limit_ms_per_second: NonZeroU32::new(limit_ms_per_second),
    }
}

/// Tenants below 100 have their number as weight; tenant 100 has half a processor.
fn processors(slots: usize) -> Processors<Guest> {
    Processors::new(
        slots,
        Box::new(|tenant| match tenant {
            100 => share(1, 500),
            _ => share(u32::try_from(tenant).unwrap().max(1), 0),
        }),
    )
}

/// Guests that never end, which run for so long whenever it is their turn, until `until`. Returns
/// what each tenant has received.
fn run(
    processors: &mut Processors<Guest>,
    guests: &BTreeMap<Guest, (Key, Duration)>,
    until: Duration,
) -> BTreeMap<Key, Duration> {
    let start = Instant::now();
    let mut now = start;
    let mut received = BTreeMap::new();
    let mut asks: VecDeque<Guest> = guests.keys().copied().collect();
    let mut sleeps: Vec<(Instant, Guest)> = Vec::new();
    // Those that run, by when they give way.
    let mut runs: Vec<(Instant, Guest)> = Vec::new();
    while now - start < until {
        while let Some(guest) = asks.pop_front() {
            let (key, slice) = guests[&guest];
            match processors.begin(key, now, &guest) {
                Admission::Runs => runs.push((now + slice, guest)),
                Admission::Waits { .. } => {}
                Admission::Sleeps(pause) => sleeps.push((now + pause, guest)),
            }
        }
        runs.sort();
        sleeps.sort();
        let ends = runs.first().map(|(end, _)| *end);
        let wakes = sleeps.first().map(|(wake, _)| *wake);
        now = [ends, wakes].into_iter().flatten().min().unwrap();
        if wakes == Some(now) {
            let (_, guest) = sleeps.remove(0);
            processors.woke(guests[&guest].0);
            asks.push_back(guest);
            continue;
        }
        let (_, guest) = runs.remove(0);
        let (key, slice) = guests[&guest];
        *received.entry(key).or_default() += slice;
        let mut throttled = Vec::new();
        processors.end(key, key, slice, now);
        if !processors.wait(key, now, &guest) {
            asks.push_back(guest);
        }
        if let Some(next) = processors.next(now, &mut throttled) {
            runs.push((now + guests[&next].1, next));
        }
        asks.extend(throttled);
    }
    received
}

const SECOND: Duration = Duration::from_secs(1);

proptest! {
    /// However many guests each of them has, and however long those run at once.
    #[test]
    fn tenants_receive_processor_time_by_their_weights(
        slices_us in prop::collection::vec((1_u64..5, 50_u64..1000), 2..24),
    ) {
        let mut processors = processors(1);
        let guests: BTreeMap<Guest, (Key, Duration)> = (0..)
            .zip(slices_us.iter().map(|(tenant, us)| (Some(*tenant), Duration::from_micros(*us))))
            .collect();
        let received = run(&mut processors, &guests, SECOND);
        let parts = received.iter().map(|(key, time)| {
            let weight = key.unwrap() as f64;
            time.as_secs_f64() / weight
        });
        let parts: Vec<f64> = parts.collect();
        let (least, most) = parts.iter().fold((f64::MAX, 0.0_f64), |(least, most), part| {
            (least.min(*part), most.max(*part))
        });
        // Two slices of each of two tenants.
        prop_assert!(most - least <= 0.004, "{received:?}");
    }

    /// Whatever comes and goes: every slot is used while somebody waits, and none is lost.
    #[test]
    fn no_slot_is_lost_and_none_is_free_while_a_guest_waits(
        slots in 1_usize..4,
        steps in prop::collection::vec((0_u64..3, 0_u8..5, 1_u64..2000), 0..200),
    ) {
        let mut processors = processors(slots);
        let mut now = Instant::now();
        let mut runs: Vec<(u64, Guest)> = Vec::new();
        let mut waits: Vec<(u64, Guest)> = Vec::new();
        let mut next_guest = 0;
        for (tenant, what, us) in steps {
            now += Duration::from_micros(us);
            match what {
                0 | 1 => {
                    next_guest += 1;
                    match processors.begin(Some(tenant), now, &next_guest) {
                        Admission::Runs => runs.push((tenant, next_guest)),
                        Admission::Waits { .. } => waits.push((tenant, next_guest)),
                        Admission::Sleeps(_) => prop_assert!(false, "nobody has a limit"),
                    }
                }
                4 => {
                    let start = processors.begin_brief(Some(tenant), now);
                    if start != BriefStart::Refused {
                        next_guest += 1;
                        runs.push((tenant, next_guest));
                    }
                }
                2 if !runs.is_empty() => {
                    let (tenant, _) = runs.remove(0);
                    let took = Duration::from_micros(us);
                    processors.end(Some(tenant), Some(tenant), took, now);
                    if let Some(next) = processors.next(now, &mut Vec::new()) {
                        let index = waits.iter().position(|(_, guest)| *guest == next).unwrap();
                        runs.push(waits.remove(index));
                    } else {
                        prop_assert!(waits.is_empty() || runs.len() >= slots);
                    }
                }
                _ if !waits.is_empty() => {
                    let (tenant, guest) = waits.remove(0);
                    prop_assert!(processors.leave(Some(tenant), &guest));
                    prop_assert!(!processors.leave(Some(tenant), &guest));
                }
                _ => {}
            }
            prop_assert_eq!(processors.running, runs.len());
            prop_assert_eq!(processors.free, slots.saturating_sub(runs.len()));
            prop_assert_eq!(processors.lent, runs.len().saturating_sub(slots));
            prop_assert!(processors.lent <= slots);
            prop_assert!(processors.free == 0 || waits.is_empty());
        }
    }
}

#[test]
fn a_tenant_that_was_idle_preempts_others_and_one_that_had_its_share_does_not() {
    let mut processors = processors(1);
    let now = Instant::now();
    assert_eq!(processors.begin(Some(1), now, &1), Admission::Runs);
    let waits = |preempts| Admission::Waits { preempts };
    assert_eq!(processors.begin(Some(1), now, &2), waits(false));
    assert_eq!(processors.begin(Some(0), now, &3), waits(true));
    // It is not idle any more.
    assert_eq!(processors.begin(Some(0), now, &4), waits(false));
    let end = |processors: &mut Processors<Guest>, tenant| {
        processors.end(Some(tenant), Some(tenant), SLICE, now);
        processors.next(now, &mut Vec::new())
    };
    let order = [1, 0, 0, 1].map(|tenant| end(&mut processors, tenant));
    assert_eq!(order, [Some(3), Some(4), Some(2), None]);
    // It has had more than its share when it comes back.
    assert_eq!(processors.begin(Some(2), now, &5), Admission::Runs);
    assert_eq!(processors.begin(Some(1), now, &6), waits(false));
}

#[test]
fn a_brief_guest_of_a_tenant_that_was_idle_is_lent_a_slot_which_the_next_free_one_makes_up_for() {
    let mut processors = processors(1);
    let now = Instant::now();
    assert_eq!(processors.begin(Some(1), now, &1), Admission::Runs);
    let waits = Admission::Waits { preempts: false };
    assert_eq!(processors.begin(Some(1), now, &2), waits);
    assert_eq!(processors.begin_brief(Some(0), now), BriefStart::Lent);
    // Not more than there are slots, and not to those who have had their share.
    assert_eq!(processors.begin_brief(Some(2), now), BriefStart::Refused);
    let mut end = |tenant, ran| {
        processors.end(Some(tenant), Some(tenant), ran, now);
        processors.next(now, &mut Vec::new())
    };
    assert_eq!(end(1, SLICE), None);
    assert_eq!(end(0, 3 * SLICE), Some(2));
    assert_eq!(processors.begin_brief(Some(1), now), BriefStart::Refused);
    assert_eq!(processors.begin_brief(Some(0), now), BriefStart::Refused);
}

#[test]
fn brief_guests_of_one_tenant_are_lent_slots_until_it_is_a_slice_ahead_of_those_who_wait() {
    let mut processors = processors(1);
    let now = Instant::now();
    assert_eq!(processors.begin(Some(1), now, &1), Admission::Runs);
    let waits = Admission::Waits { preempts: false };
    assert_eq!(processors.begin(Some(1), now, &2), waits);
    // The others' slice does not end meanwhile.
    for _ in 0..=20 {
        assert_eq!(processors.begin_brief(Some(0), now), BriefStart::Lent);
        processors.end(Some(0), Some(0), SLICE / 10, now);
        assert_eq!(processors.next(now, &mut Vec::new()), None);
    }
    assert_eq!(processors.begin_brief(Some(0), now), BriefStart::Refused);
}

#[test]
fn a_tenant_with_a_limit_gets_what_it_says_on_the_average_and_others_the_rest() {
    let mut processors = processors(2);
    let slice = Duration::from_micros(700);
    let guests: BTreeMap<Guest, (Key, Duration)> = (0..16)
        .map(|guest| (guest, (Some(if guest < 12 { 100 } else { 1 }), slice)))
        .collect();
    let received = run(&mut processors, &guests, 10 * SECOND);
    let limited = received[&Some(100)].as_secs_f64();
    let other = received[&Some(1)].as_secs_f64();
    // Half a processor for ten seconds, and what it may have after a pause.
    assert!((4.9..5.2).contains(&limited), "{limited}");
    assert!(other > 14.5, "{other}");
}

#[test]
fn a_tenant_s_limit_counts_what_guests_took_before_they_were_its_own() {
    let mut processors = processors(1);
    let now = Instant::now();
    assert!(processors.try_begin(None, now));
    processors.end(None, Some(100), SECOND, now);
    assert!(processors.try_begin(None, now));
    processors.end(None, None, Duration::ZERO, now);
    let admission = processors.begin(Some(100), now, &1);
    assert!(matches!(admission, Admission::Sleeps(_)), "{admission:?}");
}

/// A policy that is composed with its application decides whose request it is.
#[test]
fn guests_whose_tenant_was_decided_while_they_ran_do_not_wait_for_all_that_come_later() {
    let mut processors = processors(1);
    let now = Instant::now();
    let mut running = (None, 0);
    assert_eq!(processors.begin(None, now, &0), Admission::Runs);
    for guest in 1..100 {
        processors.begin(None, now, &guest);
    }
    let mut ended = 0;
    for _ in 0..40 {
        // Each takes one turn to learn whose it is, and another one to its end.
        let (key, guest) = running;
        processors.end(key, Some(1), SLICE, now);
        match key {
            None => assert!(processors.wait(Some(1), now, &guest)),
            Some(_) => ended += 1,
        }
        let next = processors.next(now, &mut Vec::new()).unwrap();
        let has_begun = processors.tenants[&None].waiting.front() > Some(&next);
        running = (has_begun.then_some(1), next);
    }
    assert!(ended >= 15, "{ended} of 20");
}

#[test]
fn tenants_that_neither_run_nor_wait_are_forgotten() {
    let mut processors = processors(2);
    let now = Instant::now();
    for tenant in 0..5 * TENANTS as u64 {
        let tenant = Some(tenant + 1000);
        assert!(processors.try_begin(tenant, now));
        processors.end(tenant, tenant, SLICE, now);
    }
    assert!(processors.tenants.len() <= TENANTS);
}

#[test]
fn shares_that_change_count_for_guests_that_run_and_wait_already() {
    let shares = std::sync::Arc::new(std::sync::Mutex::new([share(1, 0), share(1, 0)]));
    let of = shares.clone();
    let share_of = move |tenant: u64| of.lock().unwrap()[usize::try_from(tenant).unwrap()];
    let mut processors = Processors::new(1, Box::new(share_of));
    let guests: BTreeMap<Guest, (Key, Duration)> = (0..8)
        .map(|guest| (guest, (Some(u64::from(guest % 2)), SLICE)))
        .collect();
    let ratio = |processors: &mut Processors<Guest>| {
        let received = run(processors, &guests, 2 * SECOND);
        // They leave, so that the next ones begin anew.
        for (guest, (key, _)) in &guests {
            processors.leave(*key, guest);
        }
        processors.end(Some(0), Some(0), SLICE, Instant::now());
        received[&Some(1)].as_secs_f64() / received[&Some(0)].as_secs_f64()
    };
    let even = ratio(&mut processors);
    assert!((0.95..1.05).contains(&even), "{even}");
    *shares.lock().unwrap() = [share(1, 0), share(3, 0)];
    processors.refresh_shares(Instant::now());
    let weighted = ratio(&mut processors);
    assert!((2.8..3.2).contains(&weighted), "{weighted}");
    *shares.lock().unwrap() = [share(1, 0), share(1, 100)];
    processors.refresh_shares(Instant::now());
    let limited = ratio(&mut processors);
    assert!((0.1..0.2).contains(&limited), "{limited}");
}
