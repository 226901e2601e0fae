//! What a job queue promises.

use crate::storage::Metadata;
use crate::storage::jobs::{
    Added, Attempt, JobState, LONGEST_PAUSE_MS, MOST_INTERRUPTIONS, NewJob, OnRestart, ROW_BYTES,
    StoredHeaders,
};

const STORED: u64 = 1 << 20;

fn job(tenant: u64, key: Option<&str>, digest: &str) -> NewJob {
    NewJob {
        tenant,
        function_id: "fn_1".to_owned(),
        function_name: "app".to_owned(),
        max_attempts: 2,
        backoff_ms: 1000,
        on_restart: OnRestart::Run,
        created_by: None,
        method: "POST".to_owned(),
        uri: "http://h/".to_owned(),
        headers: StoredHeaders(vec![("a".to_owned(), vec![0xff])]),
        body: b"body".to_vec(),
        idempotency_key: key.map(str::to_owned),
        request_digest: digest.to_owned(),
    }
}

async fn add(database: &dyn Metadata, job: NewJob) -> String {
    match database.add_job(job, 100, STORED, 1).await.unwrap() {
        Added::New(id) => id,
        _ => panic!("not added"),
    }
}

fn succeeded() -> Attempt {
    Attempt {
        state: JobState::Succeeded,
        due_ms: 0,
        counts: true,
        status: Some(200),
        headers: StoredHeaders::default(),
        body: Some(b"result".to_vec()),
        error: None,
    }
}

/// The job waits for another attempt.
fn waits(due_ms: i64) -> Attempt {
    Attempt {
        state: JobState::Pending,
        due_ms,
        body: None,
        ..succeeded()
    }
}

pub(crate) async fn one_key_makes_one_job(database: &dyn Metadata) {
    let id = add(database, job(1, Some("k"), "d")).await;
    let again = database
        .add_job(job(1, Some("k"), "d"), 1, STORED, 2)
        .await
        .unwrap();
    assert!(matches!(again, Added::Known(known) if known == id));
    let other = database
        .add_job(job(1, Some("k"), "e"), 1, STORED, 2)
        .await
        .unwrap();
    assert!(matches!(other, Added::Conflict));
    let full = database
        .add_job(job(1, None, "d"), 1, STORED, 2)
        .await
        .unwrap();
    assert!(matches!(full, Added::TooMany));
    add(database, job(2, Some("k"), "e")).await;
}

pub(crate) async fn a_job_runs_once_and_ends_once(database: &dyn Metadata) {
    let id = add(database, job(1, None, "d")).await;
    assert!(database.claim_job(2, 5).await.unwrap().is_none());
    assert!(database.claim_job(1, 0).await.unwrap().is_none());
    let claimed = database.claim_job(1, 5).await.unwrap().unwrap();
    assert_eq!((claimed.state, claimed.attempts), (JobState::Running, 1));
    assert_eq!(claimed.headers.0, [("a".to_owned(), vec![0xff])]);
    assert!(database.claim_job(1, 5).await.unwrap().is_none());
    assert!(
        database
            .end_attempt(&claimed, &succeeded(), 6)
            .await
            .unwrap()
    );
    // Once more, as where nobody heard of the first time; and otherwise, as nobody should.
    assert!(
        database
            .end_attempt(&claimed, &succeeded(), 7)
            .await
            .unwrap()
    );
    assert!(!database.end_attempt(&claimed, &waits(7), 7).await.unwrap());
    assert!(!database.cancel_job(1, &id, 8).await.unwrap());
    let job = database.job(1, &id).await.unwrap().unwrap();
    assert_eq!((job.state, job.finished_ms), (JobState::Succeeded, Some(6)));
    assert_eq!(
        database.job_body(&id, "result").await.unwrap().unwrap(),
        b"result"
    );
    assert!(database.job_body(&id, "request").await.unwrap().is_none());
    assert!(database.job(2, &id).await.unwrap().is_none());
    assert_eq!(database.remove_jobs(7).await.unwrap(), 1);
    assert!(database.job_body(&id, "result").await.unwrap().is_none());
}

pub(crate) async fn a_cancelled_job_stays_cancelled(database: &dyn Metadata) {
    let id = add(database, job(1, None, "d")).await;
    let claimed = database.claim_job(1, 5).await.unwrap().unwrap();
    assert!(!database.cancel_job(2, &id, 6).await.unwrap());
    assert!(database.cancel_job(1, &id, 6).await.unwrap());
    let ended = database.end_attempt(&claimed, &succeeded(), 7).await;
    assert!(!ended.unwrap());
    let job = database.job(1, &id).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Cancelled);
}

pub(crate) async fn what_ran_when_the_node_ended_is_run_again_a_few_times_or_is_lost(
    database: &dyn Metadata,
) {
    let id = add(database, job(1, None, "d")).await;
    for _ in 0..MOST_INTERRUPTIONS {
        database.claim_job(1, 5).await.unwrap().unwrap();
        let settled = database.settle_interrupted(false, 5).await.unwrap();
        assert_eq!(settled, (1, 0));
    }
    database.claim_job(1, 5).await.unwrap().unwrap();
    assert_eq!(database.settle_interrupted(false, 5).await.unwrap(), (0, 1));
    let lost = database.job(1, &id).await.unwrap().unwrap();
    assert_eq!(lost.state, JobState::Lost);
    assert!(database.job_body(&id, "request").await.unwrap().is_none());
    let once = NewJob {
        on_restart: OnRestart::Lost,
        ..job(1, None, "d")
    };
    add(database, once).await;
    database.claim_job(1, 5).await.unwrap().unwrap();
    assert_eq!(database.settle_interrupted(true, 5).await.unwrap(), (0, 1));
}

pub(crate) async fn an_attempt_whose_end_is_written_late_ends_no_other(database: &dyn Metadata) {
    add(database, job(1, None, "d")).await;
    let first = database.claim_job(1, 5).await.unwrap().unwrap();
    assert!(database.end_attempt(&first, &waits(6), 6).await.unwrap());
    let second = database.claim_job(1, 7).await.unwrap().unwrap();
    assert_eq!(second.id, first.id);
    for late in [waits(6), succeeded()] {
        assert!(!database.end_attempt(&first, &late, 8).await.unwrap());
    }
    let running = database.job(1, &first.id).await.unwrap().unwrap();
    assert_eq!((running.state, running.attempts), (JobState::Running, 2));
    assert!(
        database
            .end_attempt(&second, &succeeded(), 9)
            .await
            .unwrap()
    );
}

pub(crate) async fn jobs_that_nobody_runs_wait_again(database: &dyn Metadata) {
    let mut ids = Vec::new();
    for _ in 0..2 {
        add(database, job(1, None, "d")).await;
        ids.push(database.claim_job(1, 5).await.unwrap().unwrap().id);
    }
    let tenants = database.release_jobs(&ids[..1], 6).await.unwrap();
    assert_eq!(tenants, [1]);
    let again = database.claim_job(1, 6).await.unwrap().unwrap();
    assert_eq!((&again.id, again.attempts), (&ids[1], 1));
    assert!(database.claim_job(1, 6).await.unwrap().is_none());
}

pub(crate) async fn a_job_is_due_where_the_clock_was_set_back(database: &dyn Metadata) {
    let now = 100 * LONGEST_PAUSE_MS;
    let added = database.add_job(job(1, None, "d"), 9, STORED, now).await;
    assert!(matches!(added.unwrap(), Added::New(_)));
    let a_little_before = now - LONGEST_PAUSE_MS;
    let claimed = database.claim_job(1, a_little_before).await.unwrap();
    assert!(claimed.is_none());
    let long_before = a_little_before - 1;
    assert!(database.claim_job(1, long_before).await.unwrap().is_some());
}

pub(crate) async fn jobs_are_listed_newest_first_by_function_and_state(database: &dyn Metadata) {
    let mut ids = Vec::new();
    for time in 1..=3 {
        match database
            .add_job(job(1, None, "d"), 9, STORED, time)
            .await
            .unwrap()
        {
            Added::New(id) => ids.push(id),
            _ => panic!("not added"),
        }
    }
    ids.reverse();
    let list = async |function, state, after| -> Vec<String> {
        let jobs = database.jobs(1, function, state, after, 2).await.unwrap();
        jobs.into_iter().map(|job| job.id).collect()
    };
    assert_eq!(list(None, None, None).await, ids[..2]);
    assert_eq!(list(Some("app"), None, Some(&*ids[1])).await, ids[2..]);
    assert!(list(Some("other"), None, None).await.is_empty());
    assert!(list(None, Some(JobState::Running), None).await.is_empty());
    assert_eq!(list(None, Some(JobState::Pending), None).await, ids[..2]);
}

pub(crate) async fn what_jobs_store_is_given_back_as_they_end_and_are_removed(
    database: &dyn Metadata,
) {
    // Adds a job where exactly so much is stored, which one byte less of a limit refuses.
    let add_to = async |stored: i64| -> String {
        let limit = (stored + ROW_BYTES + 4).cast_unsigned();
        let full = database.add_job(job(1, None, "d"), 9, limit - 1, 1).await;
        assert!(matches!(full.unwrap(), Added::TooMuch), "{stored}");
        let added = database.add_job(job(1, None, "d"), 9, limit, 1).await;
        match added.unwrap() {
            Added::New(id) => id,
            _ => panic!("more than {stored} bytes are stored"),
        }
    };
    let id = add_to(0).await;
    let claimed = database.claim_job(1, 5).await.unwrap().unwrap();
    assert_eq!(claimed.id, id);
    database
        .end_attempt(&claimed, &succeeded(), 6)
        .await
        .unwrap();
    let other = add_to(ROW_BYTES + 6).await;
    assert!(database.cancel_job(1, &other, 6).await.unwrap());
    let third = add_to(2 * ROW_BYTES + 6).await;
    assert!(database.cancel_job(1, &third, 6).await.unwrap());
    assert_eq!(database.remove_jobs(7).await.unwrap(), 3);
    add_to(0).await;
}

pub(crate) async fn long_headers_of_jobs_count_among_what_their_tenant_stores(
    database: &dyn Metadata,
) {
    let long = StoredHeaders(vec![("a".to_owned(), vec![b'x'; 2000])]);
    let with_headers = || NewJob {
        headers: long.clone(),
        ..job(1, None, "d")
    };
    let refused = database.add_job(with_headers(), 9, 4000, 1).await;
    assert!(matches!(refused.unwrap(), Added::TooMuch));
    let added = database.add_job(with_headers(), 9, 1 << 20, 1).await;
    assert!(matches!(added.unwrap(), Added::New(_)));
    let claimed = database.claim_job(1, 5).await.unwrap().unwrap();
    let attempt = Attempt {
        headers: StoredHeaders(vec![("b".to_owned(), vec![b'x'; 4000])]),
        ..succeeded()
    };
    assert!(database.end_attempt(&claimed, &attempt, 6).await.unwrap());
    let other = database.add_job(job(1, None, "d"), 9, 16_000, 7).await;
    assert!(matches!(other.unwrap(), Added::TooMuch));
    assert_eq!(database.remove_jobs(7).await.unwrap(), 1);
    let other = database
        .add_job(job(1, None, "d"), 9, 2 * ROW_BYTES as u64, 7)
        .await;
    assert!(matches!(other.unwrap(), Added::New(_)));
}
