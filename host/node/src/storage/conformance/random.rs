//! Two databases that are asked for the same things, at random, say the same.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::storage::Metadata;
use crate::storage::functions::{Imports, NewVersion, TenantLimits};
use crate::storage::jobs::{Added, Attempt, JobState, NewJob, OnRestart, StoredHeaders};

/// The ids that each database has given to jobs, by which one answer becomes that of the other.
#[derive(Default)]
struct Ids(Vec<(String, String)>);

impl Ids {
    fn same<T: Debug>(&self, first: &T, second: &T, what: &str) {
        let mut text = format!("{second:?}");
        for (id, other) in &self.0 {
            text = text.replace(other, id);
        }
        assert_eq!(format!("{first:?}"), text, "{what}");
    }
}

fn debug(added: &Added) -> (&'static str, Option<&String>) {
    match added {
        Added::New(id) => ("new", Some(id)),
        Added::Known(id) => ("known", Some(id)),
        Added::Conflict => ("conflict", None),
        Added::TooMany => ("too many", None),
        Added::TooMuch => ("too much", None),
    }
}

/// Has both do the same things, so many.
pub(crate) async fn both_say_the_same(
    first: &dyn Metadata,
    second: &dyn Metadata,
    seed: u64,
    steps: u32,
) {
    let rng = &mut fastrand::Rng::with_seed(seed);
    let mut ids = Ids::default();
    let mut now = 1_000_000;
    for step in 0..steps {
        // No two jobs are made at one time, so that both order them by it.
        now += rng.i64(1..2000);
        let tenant = rng.u64(1..3);
        let name = format!("f{}", rng.u8(0..3));
        let pair = match ids.0.len() {
            0 => ("job_0".to_owned(), "job_0".to_owned()),
            count => ids.0[rng.usize(0..count)].clone(),
        };
        let what = format!("seed {seed}, step {step}");
        macro_rules! same {
            ($call:ident($($argument:expr),*)) => {{
                let of_first = first.$call($($argument),*).await.map_err(|error| format!("{error:?}"));
                let of_second = second.$call($($argument),*).await.map_err(|error| format!("{error:?}"));
                ids.same(&of_first, &of_second, &what);
            }};
        }
        match rng.u8(0..20) {
            0..3 => {
                let version = || NewVersion {
                    digest: format!("blake3:{step}"),
                    size_bytes: 700,
                    imports: Imports::default(),
                    created_by: None,
                };
                let limits = TenantLimits {
                    functions: 2,
                    versions: 3,
                    stored_bytes: 9000,
                    assets: 100,
                };
                let id = format!("fn_{step}");
                same!(add_version(tenant, &name, &id, version(), &limits, now));
            }
            3 => {
                let weights = match rng.bool() {
                    true => BTreeMap::from([(rng.u32(1..6), 100)]),
                    false => BTreeMap::from([(1, 40), (2, 60)]),
                };
                same!(set_traffic(tenant, &name, &weights, now));
            }
            4 => same!(delete_function(tenant, &name)),
            5 => {
                let found = first.function(tenant, &name).await.unwrap();
                if let Some(function) = found {
                    let id = function.id;
                    // No value is set that has the name of a secret: the node refuses that.
                    let secret = format!("secret{}", rng.u8(0..4));
                    let value = rng.u8(0..4).to_string();
                    let values = BTreeMap::from([(value, now.to_string())]);
                    same!(set_values(&id, &values));
                    same!(set_secret(&id, &secret, &[1]));
                    same!(settings(&id));
                }
            }
            6..10 => {
                let key = rng.bool().then(|| rng.u8(0..4).to_string());
                let digest = rng.u8(0..2).to_string();
                let (body, attempts) = (vec![1; rng.usize(0..500)], rng.u32(1..4));
                let is_lost = rng.bool();
                let job = || NewJob {
                    tenant,
                    function_id: name.clone(),
                    function_name: name.clone(),
                    max_attempts: attempts,
                    backoff_ms: 1000,
                    on_restart: match is_lost {
                        true => OnRestart::Lost,
                        false => OnRestart::Run,
                    },
                    created_by: None,
                    method: "POST".to_owned(),
                    uri: "http://h/".to_owned(),
                    headers: StoredHeaders::default(),
                    body: body.clone(),
                    idempotency_key: key.clone(),
                    request_digest: digest.clone(),
                };
                let of_first = first.add_job(job(), 4, 9000, now).await.unwrap();
                let of_second = second.add_job(job(), 4, 9000, now).await.unwrap();
                if let (Added::New(first), Added::New(second)) = (&of_first, &of_second) {
                    ids.0.push((first.clone(), second.clone()));
                }
                ids.same(&debug(&of_first), &debug(&of_second), &what);
            }
            10..13 => same!(claim_job(tenant, now)),
            13 | 14 => {
                let is_last = rng.bool();
                let attempt = Attempt {
                    state: match is_last {
                        true => JobState::Succeeded,
                        false => JobState::Pending,
                    },
                    due_ms: now + rng.i64(0..3000),
                    counts: rng.bool(),
                    status: Some(200),
                    headers: StoredHeaders::default(),
                    body: rng.bool().then(|| vec![2; 30]),
                    error: None,
                };
                let jobs = (
                    first.job(tenant, &pair.0).await.unwrap(),
                    second.job(tenant, &pair.1).await.unwrap(),
                );
                if let (Some(mut of_first), Some(mut of_second)) = jobs {
                    let late = u32::from(rng.u8(0..4) == 0);
                    of_first.claims = of_first.claims.saturating_sub(late);
                    of_second.claims = of_second.claims.saturating_sub(late);
                    let of_first = first.end_attempt(&of_first, &attempt, now).await.unwrap();
                    let of_second = second.end_attempt(&of_second, &attempt, now).await.unwrap();
                    assert_eq!(of_first, of_second, "{what}");
                }
            }
            15 => {
                let of_first = first.cancel_job(tenant, &pair.0, now).await.unwrap();
                let of_second = second.cancel_job(tenant, &pair.1, now).await.unwrap();
                assert_eq!(of_first, of_second, "{what}");
            }
            16 => same!(settle_interrupted(step.is_multiple_of(2), now)),
            17 if rng.bool() => {
                let of_first = first.release_jobs(&[pair.0], now).await.unwrap();
                let of_second = second.release_jobs(&[pair.1], now).await.unwrap();
                assert_eq!(of_first.len(), of_second.len(), "{what}");
            }
            17 => same!(remove_jobs(now - 5000)),
            _ => {
                same!(next_due(tenant));
                same!(jobs(tenant, None, None, None, 100));
                same!(functions(tenant, "", 100));
                same!(tenants_with_jobs());
                same!(digests());
                for kind in ["request", "result"] {
                    let of_first = first.job_body(&pair.0, kind).await.unwrap();
                    let of_second = second.job_body(&pair.1, kind).await.unwrap();
                    assert_eq!(of_first, of_second, "{what}: {kind}");
                }
            }
        }
    }
}
