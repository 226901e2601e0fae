//! Tests of the decision on whole requests.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::bindings::credentials::Scope;
use proptest::prelude::*;
use std::cell::RefCell;

/// A request, and a host that knows two valid tokens and an expired one.
struct TestRequest {
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    /// The result of the limiter for a key.
    limiter: fn(&str) -> Result<(), u64>,
    /// The keys of the buckets from which a token was taken.
    taken: RefCell<Vec<String>>,
}

impl TestRequest {
    fn new(method: Method, path: &'static str, headers: &[(&'static str, &str)]) -> TestRequest {
        TestRequest {
            method,
            path,
            headers: headers
                .iter()
                .map(|(name, value)| (*name, value.as_bytes().to_vec()))
                .collect(),
            limiter: |_| Ok(()),
            taken: RefCell::default(),
        }
    }

    fn get(headers: &[(&'static str, &str)]) -> TestRequest {
        TestRequest::new(Method::Get, "/", headers)
    }

    /// The decision on this request under these settings.
    fn decide(&self, pairs: &[(&str, &str)]) -> Verdict<'static> {
        // The settings borrow from the store, which a test can leak.
        let stored: Vec<_> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        decide(self, &Settings::read(stored.leak()).unwrap())
    }
}

impl Head for TestRequest {
    fn method(&self) -> Method {
        self.method
    }

    fn path_with_query(&self) -> Option<String> {
        Some(self.path.to_owned())
    }

    fn header(&self, name: &str) -> Vec<Vec<u8>> {
        self.headers
            .iter()
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value.clone())
            .collect()
    }
}

impl Request for TestRequest {
    fn authenticate(&self, token: &str) -> Result<Principal, credentials::Refusal> {
        let scope = match token {
            "all" => Scope::All,
            "some" => Scope::Only(vec![1, 2]),
            "old" => return Err(credentials::Refusal::Expired),
            _ => return Err(credentials::Refusal::Unknown),
        };
        Ok(Principal {
            id: format!("holder-of-{token}"),
            scope,
            roles: Vec::new(),
        })
    }

    fn take(&self, key: &str, _rate: Rate) -> Result<(), u64> {
        self.taken.borrow_mut().push(key.to_owned());
        (self.limiter)(key)
    }

    fn available(&self, key: &str, rate: Rate) -> u32 {
        rate.burst - u32::from(self.taken.borrow().iter().any(|taken| taken == key))
    }
}

/// The tenant and the caller of an admitted request.
fn admitted(verdict: Verdict<'_>) -> (u64, Option<String>) {
    match verdict {
        Verdict::Admit { caller, tenant, .. } => (tenant, caller.map(|caller| caller.id)),
        other => panic!("it is not admitted: {other:?}"),
    }
}

/// The reason and the caller of a refused request.
fn refused(verdict: Verdict<'_>) -> (Refusal, Option<String>) {
    match verdict {
        Verdict::Refuse { caller, refusal } => (refusal, caller.map(|caller| caller.id)),
        other => panic!("it is not refused: {other:?}"),
    }
}

const ALL: (&str, &str) = ("authorization", "Bearer all");
const SOME: (&str, &str) = ("authorization", "Bearer some");
const TENANT: &str = tenant::HEADER;

#[test]
fn a_request_with_a_known_token_is_admitted_for_its_tenant() {
    let all = Some("holder-of-all".to_owned());
    assert_eq!(
        admitted(TestRequest::get(&[ALL]).decide(&[])),
        (0, all.clone())
    );
    let named = TestRequest::get(&[ALL, (TENANT, "9")]);
    assert_eq!(admitted(named.decide(&[("require-tenant", "1")])), (9, all));
    let within = TestRequest::get(&[SOME, (TENANT, " 2 ")]);
    assert_eq!(admitted(within.decide(&[])).0, 2);
}

#[test]
fn a_refusal_of_an_unknown_caller_has_no_name() {
    for (headers, refusal) in [
        (&[][..], Refusal::NoCredentials),
        (&[("authorization", "Bearer new")], Refusal::UnknownToken),
        (&[("authorization", "Bearer old")], Refusal::ExpiredToken),
    ] {
        assert_eq!(
            refused(TestRequest::get(headers).decide(&[])),
            (refusal, None)
        );
    }
    let twice = TestRequest::get(&[ALL, SOME]).decide(&[]);
    assert!(matches!(refused(twice), (Refusal::InvalidAuth(_), None)));
}

#[test]
fn the_tenant_is_checked_only_for_a_known_caller() {
    let anonymous = TestRequest::get(&[(TENANT, "x")]).decide(&[]);
    assert_eq!(refused(anonymous), (Refusal::NoCredentials, None));
    let some = Some("holder-of-some".to_owned());
    for (headers, settings, refusal) in [
        (&[SOME, (TENANT, "x")][..], &[][..], Refusal::InvalidTenant),
        (
            &[SOME, (TENANT, "1"), (TENANT, "2")],
            &[],
            Refusal::RepeatedTenant,
        ),
        (&[SOME, (TENANT, "3")], &[], Refusal::TenantOutOfScope),
        // The default tenant, 0, must be in the scope too.
        (&[SOME], &[], Refusal::TenantOutOfScope),
        (
            &[SOME],
            &[("require-tenant", "true")],
            Refusal::MissingTenant,
        ),
    ] {
        let verdict = TestRequest::get(headers).decide(settings);
        assert_eq!(refused(verdict), (refusal, some.clone()));
    }
}

#[test]
fn anonymous_requests_are_admitted_only_if_the_operator_allows_them() {
    let open = &[("insecure-no-auth", "true"), ("rate-limit-qps", "1")][..];
    let anonymous = TestRequest::get(&[(TENANT, "4")]);
    assert_eq!(admitted(anonymous.decide(open)), (4, None));
    assert_eq!(*anonymous.taken.borrow(), ["anonymous"]);
    let wrong = TestRequest::get(&[("authorization", "Bearer new")]);
    assert_eq!(refused(wrong.decide(open)).0, Refusal::UnknownToken);
    let known = TestRequest::get(&[ALL]);
    assert!(admitted(known.decide(open)).1.is_some());
    let named = &[("insecure-no-auth", "1"), ("require-tenant", "1")];
    let verdict = TestRequest::get(&[]).decide(named);
    assert_eq!(refused(verdict), (Refusal::MissingTenant, None));
}

#[test]
fn the_rate_is_checked_last_and_only_if_there_is_a_limit() {
    let limit = ("rate-limit-qps", "1");
    let by_tenant = ("rate-limit-by", "token-and-tenant");
    for (request, settings, taken) in [
        (TestRequest::get(&[ALL]), &[by_tenant][..], &[][..]),
        (TestRequest::get(&[ALL]), &[limit], &["token:holder-of-all"]),
        (
            TestRequest::get(&[ALL, (TENANT, "5")]),
            &[limit, by_tenant],
            &["tenant:5/token:holder-of-all", "token:holder-of-all"],
        ),
        (TestRequest::get(&[SOME, (TENANT, "5")]), &[limit], &[]),
        (TestRequest::get(&[]), &[limit], &[]),
    ] {
        request.decide(settings);
        assert_eq!(*request.taken.borrow(), taken);
    }
}

#[test]
fn a_rate_limited_request_is_refused_with_the_time_to_retry() {
    let limit = ("rate-limit-burst", "1");
    let mut soon = TestRequest::get(&[ALL]);
    soon.limiter = |_| Err(2_000_000_001);
    assert_eq!(
        refused(soon.decide(&[limit])),
        (
            Refusal::RateLimited { retry_after: 3 },
            Some("holder-of-all".to_owned())
        )
    );
}

#[test]
fn a_public_path_is_public_only_for_get_and_head() {
    let open = &[("public-paths", "/healthz"), ("rate-limit-qps", "1")][..];
    for method in [Method::Get, Method::Head] {
        let request = TestRequest::new(method, "/healthz?quick", &[("authorization", "nonsense")]);
        assert_eq!(admitted(request.decide(open)), (0, None));
        assert!(request.taken.borrow().is_empty());
    }
    for method in [Method::Other, Method::Options] {
        let request = TestRequest::new(method, "/healthz", &[]);
        assert_eq!(refused(request.decide(open)).0, Refusal::NoCredentials);
    }
    let other = TestRequest::new(Method::Get, "/healthz/more", &[]);
    assert_eq!(refused(other.decide(open)).0, Refusal::NoCredentials);
}

#[test]
fn a_known_caller_is_known_on_a_public_path_and_is_not_refused_there() {
    let open = &[("public-paths", "/healthz"), ("rate-limit-qps", "1")][..];
    let known =
        |headers: &[(&'static str, &str)]| TestRequest::new(Method::Get, "/healthz", headers);
    let all = Some("holder-of-all".to_owned());
    assert_eq!(
        admitted(known(&[ALL, (TENANT, "9")]).decide(open)),
        (9, all)
    );
    let out_of_scope = known(&[SOME, (TENANT, "9")]);
    assert_eq!(admitted(out_of_scope.decide(open)), (0, None));
    let mut too_many = known(&[ALL]);
    too_many.limiter = |_| Err(1);
    assert_eq!(admitted(too_many.decide(open)), (0, None));
}

#[test]
fn a_preflight_request_needs_no_credentials() {
    let pages = &[("cors-allow-origins", "https://a.example")][..];
    let preflight = |origin: &str, headers: &[(&'static str, &str)]| {
        let mut request = TestRequest::new(Method::Options, "/", headers);
        request.headers.push(("origin", origin.as_bytes().to_vec()));
        request
    };
    let requested_method = ("access-control-request-method", "POST");
    let verdict = preflight("https://a.example", &[requested_method]).decide(pages);
    assert!(
        matches!(&verdict, Verdict::Preflight { origin, .. } if origin == b"https://a.example"),
        "{verdict:?}"
    );
    let other = preflight("https://b.example", &[requested_method]);
    assert_eq!(refused(other.decide(pages)), (Refusal::OriginDenied, None));
    // Without one of the headers, or if no page may call, it is an ordinary request.
    for (request, settings) in [
        (preflight("https://a.example", &[]), pages),
        (
            TestRequest::new(Method::Options, "/", &[requested_method]),
            pages,
        ),
        (preflight("https://a.example", &[requested_method]), &[]),
    ] {
        assert_eq!(refused(request.decide(settings)).0, Refusal::NoCredentials);
    }
}

proptest! {
    #[test]
    fn only_requests_with_a_known_token_within_its_scope_are_admitted_for_any_headers(
        values in prop::collection::vec(
            (
                prop_oneof![
                    Just("authorization"), Just(TENANT), Just("origin"), Just("x-request-id"),
                ],
                prop_oneof![
                    any::<Vec<u8>>(),
                    "[Bb]earer +(all|some|old|new)".prop_map(String::into_bytes),
                    (0..4u64).prop_map(|tenant| tenant.to_string().into_bytes()),
                ],
            ),
            0..4,
        ),
        settings in prop::sample::subsequence(
            vec![("require-tenant", "1"), ("rate-limit-qps", "3"), ("cors-allow-origins", "*")],
            0..=3,
        ),
    ) {
        let mut request = TestRequest::get(&[]);
        request.headers = values;
        if let Verdict::Admit { caller, tenant, .. } = request.decide(&settings) {
            let caller = caller.unwrap();
            prop_assert!(tenant::is_in_scope(&caller.scope, tenant));
            let sent = request.header("authorization");
            prop_assert_eq!(sent.len(), 1);
            let token = sent[0].split(|byte| *byte == b' ').next_back().unwrap().to_vec();
            let id = format!("holder-of-{}", String::from_utf8(token).unwrap());
            prop_assert_eq!(caller.id, id);
            prop_assert!(request.header(TENANT).len() <= 1);
        }
    }
}
