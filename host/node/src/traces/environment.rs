//! OpenTelemetry's variables of the environment
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>), as far as
//! they are about traces.
//!
//! Spans are exported where an endpoint is named, or the exporter by its name. A variable whose
//! value can't be used is an error, and not passed over in silence as the specification suggests:
//! an operator who sets one wants it to work.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::config::{Batches, TraceConfig};
use super::error::TracesError;
use super::sampler::Sampler;

const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_HEADERS",
];
const PROTOCOL: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
];
const TIMEOUT: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
];
const CERTIFICATE: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
];
const COMPRESSION: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
];
const SERVICE: &str = "OTEL_SERVICE_NAME";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
const DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
const PATIENCE: &str = "OTEL_BSP_EXPORT_TIMEOUT";
const QUEUE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";

/// Where a collector on this machine listens.
const DEFAULT_ENDPOINT: &str = "http://localhost:4318";

/// The longest queue, in spans: each may take a few kilobytes.
const LONGEST_QUEUE: usize = 1 << 16;

/// The most attributes of the resource.
const RESOURCE_ATTRIBUTES: usize = 128;

impl TraceConfig {
    /// The variables that may hold secrets, which nothing else reads.
    pub const SECRET_VARIABLES: [&str; 2] = HEADERS;

    /// What OpenTelemetry's variables say, of which `read` gives the values; `None` where nothing
    /// is exported.
    ///
    /// # Errors
    ///
    /// [`TracesError::Variable`]
    pub fn from_variables(
        read: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<TraceConfig>, TracesError> {
        let variables = Variables(&read);
        if variables.is_true(DISABLED)? {
            return Ok(None);
        }
        let is_named = match variables.get(EXPORTER).as_deref() {
            None => false,
            Some("otlp") => true,
            Some("none") => return Ok(None),
            Some(_) => return Err(wrong(EXPORTER, "write otlp, or none")),
        };
        let endpoint = match (variables.get(TRACES_ENDPOINT), variables.get(ENDPOINT)) {
            (Some(whole), _) => endpoint(TRACES_ENDPOINT, &whole)?,
            (None, Some(base)) => within(ENDPOINT, &base)?,
            (None, None) if is_named => within(ENDPOINT, DEFAULT_ENDPOINT)?,
            (None, None) => return Ok(None),
        };
        if let Some((name, protocol)) = variables.first(PROTOCOL)
            && protocol != "http/protobuf"
        {
            return Err(wrong(
                name,
                "this server speaks http/protobuf alone, mostly on port 4318 of a collector: \
                 write http/protobuf, or unset it",
            ));
        }
        if let Some((name, compression)) = variables.first(COMPRESSION)
            && compression != "none"
        {
            return Err(wrong(
                name,
                "this server does not compress: write none, or unset it",
            ));
        }
        let headers = match variables.first(HEADERS) {
            Some((name, text)) => headers(name, &text)?,
            None => Vec::new(),
        };
        let timeout = match variables.first(TIMEOUT) {
            Some((name, text)) => milliseconds(name, &text)?,
            None => Duration::from_secs(10),
        };
        let time = |name, default| match variables.get(name) {
            Some(text) => milliseconds(name, &text),
            None => Ok(Duration::from_millis(default)),
        };
        let size = |name, default| match variables.get(name) {
            Some(text) => size(name, &text),
            None => Ok(default),
        };
        let queue = size(QUEUE, NonZeroUsize::MIN.saturating_add(2047))?;
        let batches = Batches {
            delay: time(DELAY, 5000)?,
            patience: time(PATIENCE, 30_000)?,
            queue,
            size: size(BATCH, NonZeroUsize::MIN.saturating_add(511))?.min(queue),
        };
        Ok(Some(TraceConfig {
            endpoint,
            headers,
            timeout,
            certificate: variables.first(CERTIFICATE).map(|(_, path)| path.into()),
            resource: variables.resource()?,
            sampler: variables.sampler()?,
            batches,
        }))
    }
}

/// The variables of the environment.
struct Variables<'r>(&'r dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// The value of a variable. An empty one counts as none.
    fn get(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The first of these that is set, and its value.
    fn first(&self, names: [&'static str; 2]) -> Option<(&'static str, String)> {
        let mut names = names.into_iter();
        names.find_map(|name| Some((name, self.get(name)?)))
    }

    fn is_true(&self, name: &'static str) -> Result<bool, TracesError> {
        match self.get(name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(wrong(name, "write true or false")),
        }
    }

    /// What the spans are of.
    fn resource(&self) -> Result<Vec<(String, String)>, TracesError> {
        let mut resource = match self.get(RESOURCE) {
            Some(text) => pairs(RESOURCE, &text)?,
            None => Vec::new(),
        };
        if resource.len() > RESOURCE_ATTRIBUTES {
            let problem = format!("it has more than {RESOURCE_ATTRIBUTES} attributes");
            return Err(wrong(RESOURCE, &problem));
        }
        if let Some(name) = self.get(SERVICE) {
            resource.retain(|(key, _)| key != "service.name");
            resource.push(("service.name".to_owned(), name));
        }
        for (key, value) in [
            ("service.name", "tensor-wasm"),
            ("service.version", env!("CARGO_PKG_VERSION")),
        ] {
            if !resource.iter().any(|(known, _)| known == key) {
                resource.push((key.to_owned(), value.to_owned()));
            }
        }
        Ok(resource)
    }

    fn sampler(&self) -> Result<Sampler, TracesError> {
        let name = self.get(SAMPLER);
        let (follows_caller, ratio) = match name.as_deref() {
            None | Some("parentbased_always_on") => (true, Some(1.0)),
            Some("parentbased_always_off") => (true, Some(0.0)),
            Some("parentbased_traceidratio") => (true, None),
            Some("always_on") => (false, Some(1.0)),
            Some("always_off") => (false, Some(0.0)),
            Some("traceidratio") => (false, None),
            Some(_) => {
                return Err(wrong(
                    SAMPLER,
                    "write always_on, always_off or traceidratio, or one of them behind \
                     parentbased_",
                ));
            }
        };
        let ratio = match (ratio, self.get(SAMPLER_ARGUMENT)) {
            (Some(ratio), _) => ratio,
            (None, None) => 1.0,
            (None, Some(text)) => f64::from_str(&text)
                .ok()
                .filter(|ratio| (0.0..=1.0).contains(ratio))
                .ok_or_else(|| wrong(SAMPLER_ARGUMENT, "write a number from 0 to 1"))?,
        };
        Ok(Sampler {
            follows_caller,
            ratio,
        })
    }
}

fn wrong(variable: &'static str, problem: &str) -> TracesError {
    TracesError::Variable {
        variable,
        problem: problem.to_owned(),
    }
}

/// The URL that spans are sent to, below that of a collector.
fn within(name: &'static str, base: &str) -> Result<Uri, TracesError> {
    let base = endpoint(name, base)?.to_string();
    endpoint(name, &format!("{}/v1/traces", base.trim_end_matches('/')))
}

/// A URL of `http` or `https`, as it is.
fn endpoint(name: &'static str, text: &str) -> Result<Uri, TracesError> {
    let problem = "write a URL such as http://localhost:4318";
    let uri = Uri::from_str(text).map_err(|_| wrong(name, problem))?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if !is_web || authority.is_empty() || uri.query().is_some() {
        return Err(wrong(name, problem));
    }
    if authority.contains('@') {
        return Err(wrong(
            name,
            "it names a user: set the header Authorization by OTEL_EXPORTER_OTLP_HEADERS",
        ));
    }
    Ok(uri)
}

fn headers(name: &'static str, text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, TracesError> {
    // What is in it stays out of the message.
    let problem = "write NAME=VALUE,NAME=VALUE with the names and values of headers";
    let pairs = pairs(name, text)?.into_iter().map(|(key, value)| {
        let key = HeaderName::from_str(&key).ok()?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((key, value))
    });
    pairs
        .collect::<Option<_>>()
        .ok_or_else(|| wrong(name, problem))
}

/// Names and values, as in the header `baggage` (W3C) and without properties: both are
/// percent-encoded.
fn pairs(name: &'static str, text: &str) -> Result<Vec<(String, String)>, TracesError> {
    let members = text.split(',').map(str::trim);
    let members = members.filter(|member| !member.is_empty());
    let pairs = members.map(|member| {
        let (key, value) = member.split_once('=')?;
        let decoded = |text: &str| {
            let text = percent_decode_str(text.trim()).decode_utf8().ok()?;
            Some(text.into_owned())
        };
        let key = decoded(key).filter(|key| !key.is_empty())?;
        Some((key, decoded(value)?))
    });
    let problem = "write NAME=VALUE,NAME=VALUE; other characters than letters and digits may have \
                   to be percent-encoded";
    pairs
        .collect::<Option<_>>()
        .ok_or_else(|| wrong(name, problem))
}

fn milliseconds(name: &'static str, text: &str) -> Result<Duration, TracesError> {
    let number = u32::from_str(text).ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| wrong(name, "write a number of milliseconds above 0"))?;
    Ok(Duration::from_millis(number.into()))
}

fn size(name: &'static str, text: &str) -> Result<NonZeroUsize, TracesError> {
    let number = NonZeroUsize::from_str(text).ok();
    let number = number.filter(|number| number.get() <= LONGEST_QUEUE);
    number.ok_or_else(|| {
        let problem = format!("write a number of spans from 1 to {LONGEST_QUEUE}");
        wrong(name, &problem)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn headers_are_read_as_they_were_encoded(
            pairs in prop::collection::vec(("[a-z][a-z0-9-]{0,8}", "[ -~]{0,16}"), 1..6),
        ) {
            let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let members = pairs.iter().map(|(name, value)| {
                format!(" {}= {} ", encoded(name), encoded(value))
            });
            let text = members.collect::<Vec<_>>().join(",,");
            let read = headers(HEADERS[1], &text).unwrap();
            let read: Vec<_> = read
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            prop_assert_eq!(read, pairs);
        }

        #[test]
        fn whatever_is_set_is_read_or_refused_by_the_variable_s_name_and_stays_secret(
            text in "([a-zA-Z0-9%=, -]|\\PC|\\x00|\n){0,24}",
        ) {
            match headers(HEADERS[1], &text) {
                Ok(read) => prop_assert!(read.iter().all(|(_, value)| value.is_sensitive())),
                Err(error) => {
                    let told = error.to_string();
                    prop_assert!(told.contains(HEADERS[1]), "{told}");
                    prop_assert!(text.len() < 8 || !told.contains(&text), "{told}");
                }
            }
        }
    }

    fn config(variables: &[(&str, &str)]) -> Result<Option<TraceConfig>, TracesError> {
        TraceConfig::from_variables(|name| {
            let mut found = variables.iter().filter(|(known, _)| *known == name);
            found.next().map(|(_, value)| (*value).to_owned())
        })
    }

    fn exported(variables: &[(&str, &str)]) -> TraceConfig {
        config(variables).unwrap().unwrap()
    }

    #[test]
    fn the_page_on_tracing_has_each_variable() {
        let page = include_str!("../../../../docs/tracing.md");
        let all = [
            DISABLED,
            EXPORTER,
            ENDPOINT,
            TRACES_ENDPOINT,
            SERVICE,
            RESOURCE,
            SAMPLER,
            SAMPLER_ARGUMENT,
            DELAY,
            PATIENCE,
            QUEUE,
            BATCH,
        ];
        let of_both = [HEADERS, PROTOCOL, TIMEOUT, CERTIFICATE, COMPRESSION];
        for name in all.into_iter().chain(of_both.map(|[_, all]| all)) {
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
    }

    #[test]
    fn nothing_is_exported_unless_an_endpoint_or_the_exporter_is_named() {
        for variables in [
            &[][..],
            &[(ENDPOINT, " ")],
            &[(SERVICE, "x")],
            &[(DISABLED, "true"), (ENDPOINT, "http://h:1")],
            &[(EXPORTER, "none"), (ENDPOINT, "http://h:1")],
        ] {
            assert!(config(variables).unwrap().is_none(), "{variables:?}");
        }
    }

    #[test]
    fn the_endpoint_of_traces_is_taken_as_it_is_and_that_of_all_signals_is_a_base() {
        for (variables, endpoint) in [
            (
                &[(ENDPOINT, "http://h:4318")][..],
                "http://h:4318/v1/traces",
            ),
            (&[(ENDPOINT, "https://h/a/")], "https://h/a/v1/traces"),
            (&[(TRACES_ENDPOINT, "http://h:1/x")], "http://h:1/x"),
            (
                &[(TRACES_ENDPOINT, "http://h/x"), (ENDPOINT, "http://other")],
                "http://h/x",
            ),
            (&[(EXPORTER, "otlp")], "http://localhost:4318/v1/traces"),
        ] {
            assert_eq!(exported(variables).endpoint.to_string(), endpoint);
        }
    }

    #[test]
    fn what_is_not_said_is_as_the_specification_has_it() {
        let config = exported(&[(ENDPOINT, "http://h:4318")]);
        assert_eq!(config.timeout, Duration::from_secs(10));
        assert_eq!(config.batches.delay, Duration::from_secs(5));
        assert_eq!(config.batches.patience, Duration::from_secs(30));
        assert_eq!(config.batches.queue.get(), 2048);
        assert_eq!(config.batches.size.get(), 512);
        assert!(config.sampler.follows_caller);
        assert_eq!(config.sampler.ratio, 1.0);
        assert!(config.headers.is_empty());
        let name = ("service.name".to_owned(), "tensor-wasm".to_owned());
        assert!(config.resource.contains(&name));
    }

    #[test]
    fn what_is_said_of_traces_comes_before_what_is_said_of_all_signals() {
        let config = exported(&[
            (ENDPOINT, "http://h:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            (
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                "Authorization=Basic%20eA%3D%3D, x-b = 2",
            ),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "250"),
            (SERVICE, "images"),
            (RESOURCE, "service.name=other,deployment.environment=a%20b"),
            (SAMPLER, "parentbased_traceidratio"),
            (SAMPLER_ARGUMENT, "0.25"),
            (QUEUE, "100"),
        ]);
        let headers: Vec<_> = config
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert_eq!(headers, [("authorization", "Basic eA=="), ("x-b", "2")]);
        assert!(!format!("{config:?}").contains("eA=="));
        assert_eq!(config.timeout, Duration::from_millis(250));
        let names: Vec<_> = config
            .resource
            .iter()
            .filter(|(name, _)| name == "service.name")
            .collect();
        assert_eq!(names, [&("service.name".to_owned(), "images".to_owned())]);
        assert!(config.resource.iter().any(|(_, value)| value == "a b"));
        assert_eq!(config.sampler.ratio, 0.25);
        assert_eq!(config.batches.size.get(), 100);
    }

    #[test]
    fn a_value_that_can_not_be_used_is_an_error_that_names_the_variable() {
        for (name, value) in [
            (DISABLED, "1"),
            (EXPORTER, "zipkin"),
            (ENDPOINT, "h:4318"),
            (ENDPOINT, "/v1"),
            (ENDPOINT, "grpc://h:1"),
            (ENDPOINT, "http://u:secret@h"),
            (ENDPOINT, "http://h?key=secret"),
            (TRACES_ENDPOINT, "http://"),
            (PROTOCOL[0], "grpc"),
            (PROTOCOL[1], "http/json"),
            (COMPRESSION[1], "gzip"),
            (HEADERS[0], "secret"),
            (HEADERS[1], "a b=secret"),
            (HEADERS[1], "a=secret%0a"),
            (HEADERS[1], "a=%ff"),
            (HEADERS[1], "=secret"),
            (TIMEOUT[1], "10s"),
            (TIMEOUT[1], "0"),
            (RESOURCE, "a"),
            (SAMPLER, "jaeger_remote"),
            (DELAY, "-1"),
            (QUEUE, "0"),
            (QUEUE, "1000000"),
            (BATCH, "x"),
        ] {
            let mut variables = vec![(name, value)];
            if name != ENDPOINT && name != TRACES_ENDPOINT {
                variables.push((ENDPOINT, "http://h"));
            }
            let error = config(&variables).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let ratio = [
            (ENDPOINT, "http://h"),
            (SAMPLER, "traceidratio"),
            (SAMPLER_ARGUMENT, "2"),
        ];
        assert!(
            config(&ratio)
                .unwrap_err()
                .to_string()
                .contains(SAMPLER_ARGUMENT)
        );
    }
}
