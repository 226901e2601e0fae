//! Load for a server: `wrk` where it is installed, else a generator of our own,
//! on one thread, so that it takes as little as it can from the server that
//! runs beside it. Both keep their connections and send one request after the
//! other on each.

use std::{
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::task::LocalSet;

use crate::http::{Connection, request};

/// Latencies are kept in microseconds, up to one minute, to three digits.
const LONGEST: u64 = 60_000_000;

/// What generates the load.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Generator {
    /// The program of this name.
    Wrk,
    /// The one in this file.
    BuiltIn,
}

/// What is asked of the server, again and again.
pub struct Load<'a> {
    /// Where it listens.
    pub address: SocketAddr,
    /// The path of each request.
    pub path: &'a str,
    /// The tenant that each request names, if any.
    pub tenant: Option<&'a str>,
    /// The value of the `Authorization` header, if any.
    pub authorization: Option<&'a str>,
    /// How many connections send at a time.
    pub connections: usize,
    /// For how long.
    pub time: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Successful answers in a second.
    pub rate: f64,
    /// The middle latency.
    pub p50: Duration,
    /// The latency that one answer in a hundred exceeds.
    pub p99: Duration,
    /// Answers that were no success, and connections that broke.
    pub errors: u64,
}

impl Load<'_> {
    fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let authorization = self.authorization.map(|value| ("Authorization", value));
        let tenant = self.tenant.map(|value| ("X-TensorWasm-Tenant", value));
        authorization.into_iter().chain(tenant)
    }
}

impl Generator {
    /// `wrk` where it can be started, else our own.
    pub fn find() -> Self {
        match Command::new("wrk").arg("--version").output() {
            Ok(_) => Self::Wrk,
            Err(_) => Self::BuiltIn,
        }
    }

    /// Puts a server under load.
    ///
    /// # Errors
    /// Where the server cannot be reached, or the generator fails.
    pub fn run(self, load: &Load<'_>) -> Result<Outcome> {
        match self {
            Self::Wrk => wrk(load),
            Self::BuiltIn => built_in(load),
        }
    }
}

/// What one connection has seen.
struct Seen {
    latencies: Histogram<u64>,
    errors: u64,
}

fn built_in(load: &Load<'_>) -> Result<Outcome> {
    let headers: Vec<_> = load.headers().collect();
    let request: std::rc::Rc<[u8]> = request("GET", load.path, load.address, &headers, b"").into();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = LocalSet::new();
    let started = Instant::now();
    let until = started + load.time;
    let address = load.address;
    let connections: Vec<_> = (0..load.connections)
        .map(|_| {
            let request = std::rc::Rc::clone(&request);
            tasks.spawn_local(async move { keep_asking(address, &request, until).await })
        })
        .collect();
    let mut latencies = Histogram::new_with_max(LONGEST, 3)?;
    let mut errors = 0;
    runtime.block_on(tasks.run_until(async {
        for connection in connections {
            let seen = connection.await.context("a connection's task failed")??;
            latencies.add(seen.latencies)?;
            errors += seen.errors;
        }
        anyhow::Ok(())
    }))?;
    let micros = |quantile| Duration::from_micros(latencies.value_at_quantile(quantile));
    Ok(Outcome {
        rate: latencies.len() as f64 / started.elapsed().as_secs_f64(),
        p50: micros(0.5),
        p99: micros(0.99),
        errors,
    })
}

async fn keep_asking(address: SocketAddr, request: &[u8], until: Instant) -> Result<Seen> {
    let mut seen = Seen {
        latencies: Histogram::new_with_max(LONGEST, 3)?,
        errors: 0,
    };
    let mut connection = Connection::open(address).await?;
    loop {
        let begun = Instant::now();
        if begun >= until {
            return Ok(seen);
        }
        match connection.status(request).await {
            Ok(200..=299) => {
                let micros = begun.elapsed().as_micros() as u64;
                seen.latencies.saturating_record(micros);
            }
            Ok(_) => seen.errors += 1,
            Err(_) => {
                seen.errors += 1;
                connection = Connection::open(address).await?;
            }
        }
    }
}

fn wrk(load: &Load<'_>) -> Result<Outcome> {
    // wrk takes whole seconds.
    let seconds = load.time.as_secs().max(1);
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--latency", "--timeout", "30s"]);
    command.args(["--connections", &load.connections.to_string()]);
    command.args(["--duration", &format!("{seconds}s")]);
    for (name, value) in load.headers() {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    let output = command
        .arg(format!("http://{}{}", load.address, load.path))
        .output()
        .context("cannot start wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!(
            "wrk failed: {}{text}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    read_wrk(&text).with_context(|| format!("cannot read what wrk says:\n{text}"))
}

/// Reads the summary that `wrk --latency` prints.
fn read_wrk(text: &str) -> Option<Outcome> {
    let after = |prefix: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(prefix))
            .map(str::trim)
    };
    let mut rate: f64 = after("Requests/sec:")?.parse().ok()?;
    // `  81 requests in 1.00s, 10.2KB read`
    let requests: f64 = text
        .lines()
        .find_map(|line| line.trim().split_once(" requests in "))
        .and_then(|(count, _)| count.parse().ok())?;
    let mut errors = 0;
    if let Some(count) = after("Non-2xx or 3xx responses:") {
        let failed: u64 = count.parse().ok()?;
        errors += failed;
        if requests > 0.0 {
            rate *= 1.0 - failed as f64 / requests;
        }
    }
    // `Socket errors: connect 0, read 3, write 0, timeout 0`
    if let Some(sockets) = after("Socket errors:") {
        errors += sockets
            .split([' ', ','])
            .filter_map(|word| word.parse::<u64>().ok())
            .sum::<u64>();
    }
    Some(Outcome {
        rate,
        p50: time(after("50%")?)?,
        p99: time(after("99%")?)?,
        errors,
    })
}

/// A time as wrk writes it: `812.00us`, `1.25ms`, `2.00s`, `1.20m`.
fn time(text: &str) -> Option<Duration> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use super::*;

    const WRK: &str = "Running 1s test @ http://127.0.0.1:8080/
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   406.31us  117.54us   2.06ms   81.92%
    Req/Sec     9.82k   337.39    10.12k    81.82%
  Latency Distribution
     50%  395.00us
     75%  446.00us
     90%  512.00us
     99%    1.25ms
  10742 requests in 1.10s, 1.31MB read
  Socket errors: connect 0, read 2, write 0, timeout 1
  Non-2xx or 3xx responses: 5371
Requests/sec:   9767.28
Transfer/sec:      1.19MB
";

    #[test]
    fn the_output_of_wrk_is_parsed_and_only_successes_count() {
        let outcome = read_wrk(WRK).unwrap();
        assert!((outcome.rate - 9767.28 / 2.0).abs() < 0.01);
        assert_eq!(outcome.p50, Duration::from_micros(395));
        assert_eq!(outcome.p99, Duration::from_micros(1250));
        assert_eq!(outcome.errors, 5371 + 3);
    }

    #[test]
    fn the_generator_counts_successes_and_errors_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    let answer: &[u8] = match number {
                        0 => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
                        _ => b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n",
                    };
                    let mut request = [0; 1024];
                    while matches!(stream.read(&mut request), Ok(1..)) {
                        stream.write_all(answer).unwrap();
                    }
                });
            }
        });
        let load = Load {
            address,
            path: "/",
            tenant: None,
            authorization: None,
            connections: 2,
            time: Duration::from_millis(200),
        };
        let outcome = built_in(&load).unwrap();
        assert!(outcome.rate > 0.0 && outcome.errors > 0, "{outcome:?}");
        assert!(outcome.p50 <= outcome.p99);
    }
}
