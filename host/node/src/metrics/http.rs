//! Requests, by route, method and status. All are few and known before, so that each triple has
//! a counter, and none is looked for but the route's.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Method, StatusCode};
use tensor_wasm_runtime::EndedRequest;

use super::histogram::Histogram;

/// The label of requests that took none of the routes of a node's API: those for the component
/// that `serve` serves, and those that a policy or the server itself answered.
const NO_ROUTE: &str = "component";

/// The methods of RFC 9110 and PATCH, and all others.
const METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "other",
];

/// Statuses from 100 to 599; others a response can't have.
const FIRST_STATUS: usize = 100;
const STATUSES: usize = 500;

/// The status that is counted where the client went away before there was one, as in the audit
/// log and in the logs of other servers.
const CLIENT_GONE: u16 = 499;

/// The requests of all routes.
pub(super) struct HttpMetrics {
    no_route: RouteMetrics,
    /// Those of a node's API, each from its first request on.
    routes: Vec<(&'static str, OnceLock<RouteMetrics>)>,
}

/// The requests of one route.
pub(super) struct RouteMetrics {
    /// A row of statuses for each method.
    requests: Box<[AtomicU64]>,
    pub(super) duration: Histogram,
}

impl HttpMetrics {
    /// Requests that may take these routes.
    pub(super) fn new(routes: impl IntoIterator<Item = &'static str>) -> HttpMetrics {
        let routes = routes.into_iter().map(|route| (route, OnceLock::new()));
        HttpMetrics {
            no_route: RouteMetrics::default(),
            routes: routes.collect(),
        }
    }

    pub(super) fn count(&self, request: &EndedRequest<'_>) {
        let route = request.route.and_then(|route| {
            let mut routes = self.routes.iter();
            routes.find(|(name, _)| *name == route)
        });
        match route {
            Some((_, metrics)) => metrics.get_or_init(RouteMetrics::default).count(request),
            None => self.no_route.count(request),
        }
    }

    /// The routes that there were requests of, and that of all others.
    pub(super) fn routes(&self) -> impl Iterator<Item = (&'static str, &RouteMetrics)> {
        let used = self.routes.iter();
        let used = used.filter_map(|(name, metrics)| Some((*name, metrics.get()?)));
        [(NO_ROUTE, &self.no_route)].into_iter().chain(used)
    }
}

impl Default for RouteMetrics {
    fn default() -> Self {
        let requests = (0..METHODS.len() * STATUSES).map(|_| AtomicU64::new(0));
        RouteMetrics {
            requests: requests.collect(),
            duration: Histogram::new(),
        }
    }
}

impl RouteMetrics {
    fn count(&self, request: &EndedRequest<'_>) {
        let status = request
            .status
            .as_ref()
            .map_or(CLIENT_GONE, StatusCode::as_u16);
        let status = usize::from(status).saturating_sub(FIRST_STATUS);
        let place = row(request.method) * STATUSES + status.min(STATUSES - 1);
        if let Some(counter) = self.requests.get(place) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.duration.add(request.duration);
    }

    /// Method, status and number, of those that there were.
    pub(super) fn requests(&self) -> impl Iterator<Item = (&'static str, usize, u64)> {
        let rows = METHODS.iter().zip(self.requests.chunks(STATUSES));
        rows.flat_map(|(method, statuses)| {
            let counts = statuses.iter().map(|count| count.load(Ordering::Relaxed));
            let counts = counts.enumerate().filter(|(_, count)| *count > 0);
            counts.map(|(status, count)| (*method, FIRST_STATUS + status, count))
        })
    }
}

/// Where the statuses of a method are.
fn row(method: Option<&Method>) -> usize {
    let other = METHODS.len() - 1;
    method.map_or(other, |method| match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::DELETE => 4,
        Method::CONNECT => 5,
        Method::OPTIONS => 6,
        Method::TRACE => 7,
        Method::PATCH => 8,
        _ => other,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn each_method_has_the_row_of_its_name() {
        for (at, name) in METHODS.iter().enumerate() {
            let method = Method::from_bytes(name.as_bytes()).unwrap();
            assert_eq!(row(Some(&method)), at, "{name}");
        }
        assert_eq!(row(None), METHODS.len() - 1);
    }
}
