//! Requests of every shape, judged as a whole.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::bindings::credentials::Scope;
use proptest::prelude::*;
use std::cell::RefCell;

/// A request of a test, and a host that knows two tokens.
struct Asked {
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    /// What the limiter answers to a key.
    limiter: fn(&str) -> Result<(), u64>,
    taken: RefCell<Vec<String>>,
}

impl Asked {
    fn new(method: Method, path: &'static str, headers: &[(&'static str, &str)]) -> Asked {
        Asked {
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

    fn get(headers: &[(&'static str, &str)]) -> Asked {
        Asked::new(Method::Get, "/", headers)
    }

    fn under(&self, pairs: &[(&str, &str)]) -> Verdict<'static> {
        // A test's settings may live as long as the test does.
        let stored: Vec<_> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        of(self, &Settings::read(stored.leak()).unwrap())
    }
}

impl Call for Asked {
    fn method(&self) -> Method {
        self.method.clone()
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
}

/// The tenant and the caller of a request that goes through.
fn admitted(verdict: Verdict<'_>) -> (u64, Option<String>) {
    match verdict {
        Verdict::Admit { caller, tenant } => (tenant, caller.map(|caller| caller.id)),
        other => panic!("it does not go through: {other:?}"),
    }
}

/// Why a request does not go through, and whose it is.
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
fn a_known_token_goes_through_for_its_tenant() {
    let all = Some("holder-of-all".to_owned());
    assert_eq!(admitted(Asked::get(&[ALL]).under(&[])), (0, all.clone()));
    let named = Asked::get(&[ALL, (TENANT, "9")]);
    assert_eq!(admitted(named.under(&[("require-tenant", "1")])), (9, all));
    let within = Asked::get(&[SOME, (TENANT, " 2 ")]);
    assert_eq!(admitted(within.under(&[])).0, 2);
}

#[test]
fn whoever_is_not_known_is_refused_without_a_name() {
    for (headers, refusal) in [
        (&[][..], Refusal::NoCredentials),
        (&[("authorization", "Bearer new")], Refusal::UnknownToken),
        (&[("authorization", "Bearer old")], Refusal::ExpiredToken),
    ] {
        assert_eq!(refused(Asked::get(headers).under(&[])), (refusal, None));
    }
    let twice = Asked::get(&[ALL, SOME]).under(&[]);
    assert!(matches!(refused(twice), (Refusal::InvalidAuth(_), None)));
}

#[test]
fn a_tenant_is_looked_at_once_the_caller_is_known() {
    let nobody = Asked::get(&[(TENANT, "x")]).under(&[]);
    assert_eq!(refused(nobody), (Refusal::NoCredentials, None));
    let some = Some("holder-of-some".to_owned());
    for (headers, settings, refusal) in [
        (&[SOME, (TENANT, "x")][..], &[][..], Refusal::InvalidTenant),
        (
            &[SOME, (TENANT, "1"), (TENANT, "2")],
            &[],
            Refusal::RepeatedTenant,
        ),
        (&[SOME, (TENANT, "3")], &[], Refusal::TenantOutOfScope),
        // The default is a tenant as others are.
        (&[SOME], &[], Refusal::TenantOutOfScope),
        (
            &[SOME],
            &[("require-tenant", "true")],
            Refusal::MissingTenant,
        ),
    ] {
        let verdict = Asked::get(headers).under(settings);
        assert_eq!(refused(verdict), (refusal, some.clone()));
    }
}

#[test]
fn nobody_goes_through_only_where_the_operator_says_so() {
    let open = &[("insecure-no-auth", "true"), ("rate-limit-qps", "1")][..];
    let nobody = Asked::get(&[(TENANT, "4")]);
    assert_eq!(admitted(nobody.under(open)), (4, None));
    assert_eq!(*nobody.taken.borrow(), ["anonymous"]);
    let wrong = Asked::get(&[("authorization", "Bearer new")]);
    assert_eq!(refused(wrong.under(open)).0, Refusal::UnknownToken);
    let known = Asked::get(&[ALL]);
    assert!(admitted(known.under(open)).1.is_some());
    let named = &[("insecure-no-auth", "1"), ("require-tenant", "1")];
    let verdict = Asked::get(&[]).under(named);
    assert_eq!(refused(verdict), (Refusal::MissingTenant, None));
}

#[test]
fn a_rate_is_asked_for_last_and_only_where_there_is_one() {
    let limit = ("rate-limit-qps", "1");
    let by_tenant = ("rate-limit-by", "token-and-tenant");
    for (asked, settings, taken) in [
        (Asked::get(&[ALL]), &[by_tenant][..], &[][..]),
        (Asked::get(&[ALL]), &[limit], &["token:holder-of-all"]),
        (
            Asked::get(&[ALL, (TENANT, "5")]),
            &[limit, by_tenant],
            &["tenant:5/token:holder-of-all", "token:holder-of-all"],
        ),
        (Asked::get(&[SOME, (TENANT, "5")]), &[limit], &[]),
        (Asked::get(&[]), &[limit], &[]),
    ] {
        asked.under(settings);
        assert_eq!(*asked.taken.borrow(), taken);
    }
}

#[test]
fn who_comes_too_soon_hears_when_to_come_again() {
    let limit = ("rate-limit-burst", "1");
    let mut soon = Asked::get(&[ALL]);
    soon.limiter = |_| Err(2_000_000_001);
    assert_eq!(
        refused(soon.under(&[limit])),
        (
            Refusal::RateLimited { retry_after: 3 },
            Some("holder-of-all".to_owned())
        )
    );
}

#[test]
fn a_public_path_is_open_for_reading_alone() {
    let open = &[("public-paths", "/healthz"), ("rate-limit-qps", "1")][..];
    for method in [Method::Get, Method::Head] {
        let asked = Asked::new(method, "/healthz?quick", &[("authorization", "nonsense")]);
        assert_eq!(admitted(asked.under(open)), (0, None));
        assert!(asked.taken.borrow().is_empty());
    }
    for method in [Method::Post, Method::Delete, Method::Options] {
        let asked = Asked::new(method, "/healthz", &[]);
        assert_eq!(refused(asked.under(open)).0, Refusal::NoCredentials);
    }
    let other = Asked::new(Method::Get, "/healthz/more", &[]);
    assert_eq!(refused(other.under(open)).0, Refusal::NoCredentials);
}

#[test]
fn a_browser_that_asks_beforehand_needs_no_credentials() {
    let pages = &[("cors-allow-origins", "https://a.example")][..];
    let ask = |origin: &str, headers: &[(&'static str, &str)]| {
        let mut asked = Asked::new(Method::Options, "/", headers);
        asked.headers.push(("origin", origin.as_bytes().to_vec()));
        asked
    };
    let question = ("access-control-request-method", "POST");
    let verdict = ask("https://a.example", &[question]).under(pages);
    assert!(
        matches!(&verdict, Verdict::Preflight { origin, .. } if origin == b"https://a.example"),
        "{verdict:?}"
    );
    let other = ask("https://b.example", &[question]);
    assert_eq!(refused(other.under(pages)), (Refusal::OriginDenied, None));
    // What is no such question, and where no page may call, is a request like others.
    for (asked, settings) in [
        (ask("https://a.example", &[]), pages),
        (Asked::new(Method::Options, "/", &[question]), pages),
        (ask("https://a.example", &[question]), &[]),
    ] {
        assert_eq!(refused(asked.under(settings)).0, Refusal::NoCredentials);
    }
}

proptest! {
    #[test]
    fn for_any_headers_only_a_known_token_within_its_scope_is_admitted(
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
        let mut asked = Asked::get(&[]);
        asked.headers = values;
        if let Verdict::Admit { caller, tenant } = asked.under(&settings) {
            let caller = caller.unwrap();
            prop_assert!(tenant::holds(&caller.scope, tenant));
            let sent = asked.header("authorization");
            prop_assert_eq!(sent.len(), 1);
            let token = sent[0].split(|byte| *byte == b' ').next_back().unwrap().to_vec();
            let id = format!("holder-of-{}", String::from_utf8(token).unwrap());
            prop_assert_eq!(caller.id, id);
            prop_assert!(asked.header(TENANT).len() <= 1);
        }
    }
}
