//! `tensor-wasm invoke`: a request to a function, now or as a job.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::body::BodySource;
use super::error::{ClientError, EXIT_CODES};
use super::model::CreatedJob;
use super::options::{ClientOptions, LONG_TIMEOUT};
use super::output;
use super::request::{Call, Target};
use super::response::pass_on;
use super::text::plain;
use crate::values;

// How a job is run.
const JOB_METHOD: HeaderName = HeaderName::from_static("x-tensorwasm-job-method");
const JOB_ATTEMPTS: HeaderName = HeaderName::from_static("x-tensorwasm-job-max-attempts");
const JOB_BACKOFF: HeaderName = HeaderName::from_static("x-tensorwasm-job-backoff");
const JOB_RESTART: HeaderName = HeaderName::from_static("x-tensorwasm-job-on-restart");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Headers that are not the caller's to set, since they are the connection's, or options of
/// their own.
const RESERVED: [(HeaderName, &str); 8] = [
    (
        AUTHORIZATION,
        "the token is that of TENSOR_WASM_TOKEN or --token-from",
    ),
    (
        HeaderName::from_static("x-tensorwasm-tenant"),
        "--tenant names the tenant",
    ),
    (HOST, "--server names the node"),
    (CONTENT_LENGTH, "it follows from --data"),
    (TRANSFER_ENCODING, "it follows from --data"),
    (CONNECTION, "it belongs to the connection"),
    (UPGRADE, "it belongs to the connection"),
    (TE, "it belongs to the connection"),
];

/// Send a request to a function of a node
///
/// The function's response goes to standard output as it comes, byte by byte. With --async
/// the node runs the request by itself as a job, and the job's id is printed.
#[derive(Args)]
#[command(after_help = help())]
pub struct Invoke {
    /// The function's id or name
    id: String,
    /// The path, and the query, that the function sees
    #[arg(long, value_name = "PATH", value_parser = path)]
    path: Option<String>,
    /// The method [default: GET, or POST where there is a body]
    #[arg(long, value_name = "METHOD")]
    method: Option<Method>,
    /// The body: text, @FILE for a file's content, or - for standard input
    #[arg(long, value_name = "DATA", allow_hyphen_values = true)]
    data: Option<BodySource>,
    /// A header of the request; repeatable
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Print the head of the response too
    #[arg(long, conflicts_with = "as_job")]
    include: bool,
    /// Have the node run it as a job, and don't wait for the response
    #[arg(long = "async")]
    as_job: bool,
    /// A key that names this request, so that sending it again makes no second job
    #[arg(long, value_name = "KEY", requires = "as_job", help_heading = "Jobs")]
    idempotency_key: Option<String>,
    /// How often the job is tried, at most [default: 1]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=20), requires = "as_job", help_heading = "Jobs")]
    max_attempts: Option<u32>,
    /// The pause before the second attempt; it doubles after each [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = values::duration, requires = "as_job", help_heading = "Jobs")]
    backoff: Option<Duration>,
    /// What becomes of the job when the node ends while it runs [default: run]
    #[arg(long, value_enum, requires = "as_job", help_heading = "Jobs")]
    on_restart: Option<OnRestart>,
    /// Print the node's JSON
    #[arg(long, requires = "as_job", help_heading = "Jobs")]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

/// What becomes of a job that ran when its node ended.
#[derive(Clone, Copy, ValueEnum)]
enum OnRestart {
    /// It is run again
    Run,
    /// It counts as lost
    Lost,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm invoke image --path '/blur?radius=3' --data @cat.png > out.png
  tensor-wasm invoke saxpy --data '{{\"a\": 2}}' --header content-type:application/json
  tensor-wasm invoke image --path /health --include
  JOB=$(tensor-wasm invoke image --async --data @cat.png) && tensor-wasm jobs wait $JOB

{EXIT_CODES}"
    )
}

/// A path without segments that lead out of the function's own.
fn path(text: &str) -> Result<String, String> {
    let (path, _) = text.split_once('?').unwrap_or((text, ""));
    let decoded = path.replace("%2e", ".").replace("%2E", ".");
    if decoded
        .split('/')
        .any(|segment| matches!(segment, "." | ".."))
    {
        return Err("it has a segment . or .., which is resolved on the way".to_owned());
    }
    if text.contains('#') {
        return Err("it has a #, which is not sent: write %23".to_owned());
    }
    Ok(text.to_owned())
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| "write NAME:VALUE, for example accept:text/plain".to_owned())?;
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| format!("`{}` is no name of a header", name.trim()))?;
    if let Some((_, why)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
        return Err(format!("`{name}` can't be set: {why}"));
    }
    let value = HeaderValue::from_str(value.trim())
        .map_err(|_| format!("the value of `{name}` has a character that no header has"))?;
    Ok((name, value))
}

impl Invoke {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.invoke())
    }

    async fn invoke(self) -> Result<(), ClientError> {
        let client = self.node.client_with_timeout(LONG_TIMEOUT)?;
        let verb = if self.as_job {
            "invoke-async"
        } else {
            "invoke"
        };
        let target = Target::of(&["functions", &self.id, verb])
            .with_path(self.path.as_deref().unwrap_or_default());
        let method = self.method.unwrap_or(match self.data {
            Some(_) => Method::POST,
            None => Method::GET,
        });
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        if self.as_job {
            let text = |text: &str| {
                HeaderValue::from_str(text).map_err(|_| {
                    let shown = plain(text);
                    ClientError::Input(format!("`{shown}` can't be the value of a header"))
                })
            };
            headers.insert(JOB_METHOD, text(method.as_str())?);
            if let Some(key) = &self.idempotency_key {
                headers.insert(IDEMPOTENCY_KEY, text(key)?);
            }
            if let Some(attempts) = self.max_attempts {
                headers.insert(JOB_ATTEMPTS, attempts.into());
            }
            if let Some(pause) = self.backoff {
                let pause = humantime::format_duration(pause).to_string();
                headers.insert(JOB_BACKOFF, text(&pause)?);
            }
            if let Some(restart) = self.on_restart {
                let word = match restart {
                    OnRestart::Run => "run",
                    OnRestart::Lost => "lost",
                };
                headers.insert(JOB_RESTART, HeaderValue::from_static(word));
            }
        }
        let sent_as = if self.as_job { Method::POST } else { method };
        let mut call = Call::new(sent_as, target);
        call.headers = headers;
        if let Some(data) = self.data {
            call = data.put_into(call)?;
        }
        if !self.as_job {
            return pass_on(client.send(call).await?, self.include).await;
        }
        let (json, job) = client.json::<CreatedJob>(call).await?;
        if self.json {
            return output::print_json(&json);
        }
        output::print(&format!("{}\n", plain(&job.job_id)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let (name, value) = header("Accept: a/b, c:d ").unwrap();
        assert_eq!(
            (name.as_str(), value.as_bytes()),
            ("accept", &b"a/b, c:d"[..])
        );
        for (wrong, word) in [
            ("accept", "NAME:VALUE"),
            ("a b:c", "name of a header"),
            ("a:\n", "name of a header"),
            ("authorization: Bearer hush", "TENSOR_WASM_TOKEN"),
            ("X-TensorWasm-Tenant: 7", "--tenant"),
            ("content-length: 7", "--data"),
        ] {
            let Err(error) = header(wrong) else {
                assert_eq!(wrong, "a:\n", "blanks around a value are none of it");
                continue;
            };
            assert!(error.contains(word), "{wrong}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_path_stays_below_the_function() {
        for right in ["", "/a/b?c=../d", "a/.b/..c", "/..."] {
            assert_eq!(path(right).unwrap(), right);
        }
        for wrong in ["..", "/a/../b", "/./a", "/a/%2e%2E?x", "/a#b"] {
            path(wrong).expect_err(wrong);
        }
    }
}
