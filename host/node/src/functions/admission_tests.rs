#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

const NEVER: Duration = Duration::from_secs(60);

fn number(of: usize) -> NonZeroUsize {
    NonZeroUsize::new(of).unwrap()
}

/// Tenant 3 has weight 3, and any other 1.
fn admission(running: usize, held: usize, of_each: usize) -> Arc<Admission> {
    let limits = AdmissionLimits {
        running: number(running),
        held: number(held),
        of_each: number(of_each),
    };
    let weight = |tenant| NonZeroU32::new(if tenant == 3 { 3 } else { 1 }).unwrap();
    Arc::new(Admission::new(limits, weight))
}

fn runs(admission: &Arc<Admission>, tenant: u64) -> Permit {
    match admission.enter(tenant) {
        Ok(Entered::Runs(permit)) => permit,
        _ => panic!("it does not run"),
    }
}

fn waits(admission: &Arc<Admission>, tenant: u64) -> InQueue {
    match admission.enter(tenant) {
        Ok(Entered::Waits(waiting)) => waiting,
        _ => panic!("it does not wait"),
    }
}

fn runs_or_waits(admission: &Arc<Admission>, tenant: u64) -> Entered {
    match admission.enter(tenant) {
        Ok(entered) => entered,
        Err(no_place) => panic!("it is refused: {no_place:?}"),
    }
}

fn refused(admission: &Arc<Admission>, tenant: u64) -> NoPlace {
    match admission.enter(tenant) {
        Err(no_place) => no_place,
        Ok(_) => panic!("it is not refused"),
    }
}

#[tokio::test]
async fn a_request_runs_at_once_where_a_place_is_free_and_waits_for_one_where_none_is() {
    let admission = admission(1, 8, 8);
    let first = admission.admit(1, NEVER).await.unwrap();
    let second = tokio::spawn({
        let admission = admission.clone();
        async move { admission.admit(2, NEVER).await.map(drop) }
    });
    while ignore_poison(admission.state.lock()).waiting == 0 {
        tokio::task::yield_now().await;
    }
    drop(first);
    assert_eq!(second.await.unwrap(), Ok(()));
    let state = admission.state.lock().unwrap();
    assert_eq!((state.running, state.waiting), (0, 0));
}

#[tokio::test]
async fn one_that_waits_longer_than_it_can_is_refused_and_forgotten() {
    let admission = admission(1, 8, 8);
    let _running = runs(&admission, 1);
    let outcome = admission.admit(2, Duration::from_millis(1)).await;
    assert_eq!(outcome.err(), Some(NoPlace::Node));
    assert_eq!(admission.state.lock().unwrap().waiting, 0);
}

#[test]
fn the_tenant_that_had_less_is_next_whoever_came_first() {
    let admission = admission(1, 64, 64);
    let mut running = Some(runs(&admission, 1));
    let mut flood: Vec<_> = (0..20).map(|_| waits(&admission, 1)).collect();
    let mut quiet = waits(&admission, 2);
    drop(running.take());
    let Ok(Ok(_permit)) = quiet.place.try_recv() else {
        panic!("the quiet tenant waits");
    };
    assert!(flood.iter_mut().all(|one| one.place.try_recv().is_err()));
}

#[test]
fn places_are_given_by_weight() {
    let admission = admission(1, 128, 64);
    let mut running = Some(runs(&admission, 9));
    let mut waiting: Vec<_> = [1, 3]
        .into_iter()
        .flat_map(|tenant| [tenant; 40])
        .map(|tenant| waits(&admission, tenant))
        .collect();
    let mut order = Vec::new();
    for _ in 0..40 {
        // Each has its place for as long, as far as the queue is told.
        if let Some(permit) = running.take() {
            let mut state = admission.state.lock().unwrap();
            state.end(permit.tenant, EXPECTED);
            drop(state);
            std::mem::forget(permit);
            admission.admit_next();
        }
        for one in &mut waiting {
            if let Ok(Ok(permit)) = one.place.try_recv() {
                order.push(permit.tenant);
                running = Some(permit);
            }
        }
    }
    let of_three = order.iter().filter(|tenant| **tenant == 3).count();
    assert!((29..=31).contains(&of_three), "{of_three} of 40: {order:?}");
}

#[test]
fn more_places_go_to_those_that_wait_and_fewer_take_none_away() {
    let admission = admission(1, 8, 2);
    let _running = runs(&admission, 1);
    assert_eq!(admission.held().len(), 1);
    let mut waiting = [waits(&admission, 1), waits(&admission, 2)];
    assert_eq!(refused(&admission, 1), NoPlace::Tenant { limit: 2 });
    let of = |tenant| {
        let held = admission.held().into_iter();
        let mut held = held.filter(|one| one.tenant == tenant);
        held.next().map(|one| (one.running, one.waiting))
    };
    assert_eq!((of(1), of(2), of(3)), (Some((1, 1)), Some((0, 1)), None));
    let limits = |running, of_each| AdmissionLimits {
        running: number(running),
        held: number(8),
        of_each: number(of_each),
    };
    admission.set_limits(limits(3, 3));
    let mut places = waiting.iter_mut().map(|one| one.place.try_recv());
    let held: Vec<_> = places
        .by_ref()
        .map(|place| place.unwrap().unwrap())
        .collect();
    let more = runs_or_waits(&admission, 1);
    admission.set_limits(limits(1, 1));
    assert_eq!(refused(&admission, 1), NoPlace::Tenant { limit: 1 });
    drop((held, more));
    assert_eq!(admission.state.lock().unwrap().waiting, 0);
}

#[test]
fn weights_that_change_count_for_those_that_wait() {
    let weight = Arc::new(std::sync::atomic::AtomicU32::new(1));
    let of = weight.clone();
    let limits = AdmissionLimits {
        running: number(1),
        held: number(64),
        of_each: number(64),
    };
    let load = move |_| NonZeroU32::new(of.load(std::sync::atomic::Ordering::Relaxed)).unwrap();
    let admission = Arc::new(Admission::new(limits, load));
    let _running = runs(&admission, 1);
    let _waiting = waits(&admission, 2);
    weight.store(5, std::sync::atomic::Ordering::Relaxed);
    admission.refresh_weights();
    let state = admission.state.lock().unwrap();
    assert!(
        state
            .tenants
            .values()
            .all(|tenant| tenant.weight.get() == 5)
    );
}

#[test]
fn a_full_queue_refuses_the_tenant_that_holds_most_for_its_weight() {
    let admission = admission(2, 6, 64);
    let _running = [runs(&admission, 1), runs(&admission, 1)];
    let mut flood: Vec<_> = (0..4).map(|_| waits(&admission, 1)).collect();
    assert_eq!(refused(&admission, 1), NoPlace::Node);
    let mut quiet = waits(&admission, 2);
    // The one that came last has lost its place in the queue.
    let last = flood.pop().map(|mut last| last.place.try_recv());
    assert!(matches!(last, Some(Ok(Err(NoPlace::Node)))));
    assert!(flood.iter_mut().all(|one| one.place.try_recv().is_err()));
    assert!(quiet.place.try_recv().is_err());
    assert_eq!(admission.state.lock().unwrap().waiting, 4);
}

#[test]
fn a_tenant_holds_no_more_than_it_may() {
    let admission = admission(1, 64, 2);
    let _held = (runs(&admission, 1), waits(&admission, 1));
    assert_eq!(refused(&admission, 1), NoPlace::Tenant { limit: 2 });
    let _other = waits(&admission, 2);
}

#[test]
fn one_that_left_the_queue_is_passed_over() {
    let admission = admission(1, 64, 64);
    let running = runs(&admission, 1);
    let (gone, mut stays) = (waits(&admission, 2), waits(&admission, 2));
    drop(gone);
    drop(running);
    assert!(stays.place.try_recv().is_ok());
}

#[test]
fn a_permit_that_nobody_takes_goes_to_the_next() {
    let admission = admission(1, 64, 64);
    let running = runs(&admission, 1);
    let (mut gone, mut stays) = (waits(&admission, 2), waits(&admission, 2));
    gone.place.close();
    drop(running);
    assert!(stays.place.try_recv().is_ok());
}

#[test]
fn tenants_without_requests_are_forgotten() {
    let admission = admission(4, 64, 64);
    for tenant in 0..5 * TENANTS as u64 {
        drop(runs(&admission, tenant));
    }
    assert!(admission.state.lock().unwrap().tenants.len() <= TENANTS);
}
