//! The life of a process that serves: it listens, assembles its host, serves until a signal
//! comes or a thread is lost that it can't do without, drains, and ends.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tensor_wasm_node::host::Served;
use tensor_wasm_node::metrics::Metrics;
use tensor_wasm_node::traces::Traces;
use tensor_wasm_runtime::server::{Admin, Drained};
use tokio::runtime::Builder;

use super::reload::Reload;
use super::supervisor::Supervisor;
use super::watchdog::Watched;
use super::{
    ServerCommand, ServerOptions, Telemetry, files, protection, report, signals, systemd, watchdog,
};
use crate::commands;
use crate::config::Settings;

/// How long what still runs may delay the end of the process.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How long the last records may take to reach the disk.
const LAST_RECORDS: Duration = Duration::from_secs(5);

/// How long the last spans may take to reach their collector.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// Runs a command that serves, until it has ended.
///
/// # Errors
///
/// Where it can't begin to serve.
pub fn run<C: ServerCommand>(command: &C, settings: Settings) -> anyhow::Result<ExitCode> {
    let options = command.options();
    let log = options.log.start()?;
    settings.log();
    files::check_descriptor_limit(options.requests.limits().connections);
    let supervisor = Supervisor::start(longest_end(options));
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("can't start the threads that serve HTTP")?;
    {
        let _context = runtime.enter();
        signals::survive_file_size_limit()?;
    }
    // First the address, which fails fast, then what takes long: nobody should
    // wait for a compilation to learn that a port is in use.
    let server = options
        .listener
        .listen(&runtime, options.requests.limits())?;
    let tls = options.tls.load()?;
    let server = server
        .with_tls(tls.clone())
        .with_trusted_forwarded(options.listener.trust_forwarded)
        .with_drain_delay(options.requests.drain_delay);
    let metrics = (C::SHOWS_METRICS || options.listener.admin.is_some()).then(|| {
        let tenants = settings.tenants.by_id.keys().copied();
        Arc::new(Metrics::new(tenants))
    });
    let admin = match (options.listener.admin, &metrics) {
        (Some(address), Some(metrics)) => {
            Some(Admin::start(address, server.readiness(), metrics.clone())?)
        }
        _ => None,
    };
    let traces = match &settings.traces {
        Some(config) => {
            tracing::info!(collector = %config.endpoint, "spans of traces are exported");
            Some(Arc::new(Traces::start(config.clone())?))
        }
        None => None,
    };
    let telemetry = Telemetry {
        metrics,
        traces: traces.clone(),
    };
    let host = {
        let _context = runtime.enter();
        command.assemble(&settings, telemetry)?
    };
    if host
        .parts()
        .device()
        .is_some_and(|device| options.device.is_in_workers(device))
    {
        protection::hide_memory();
    }
    if host.is_decided_on() {
        options.log_policy(host.parts());
    }
    let mut reload = Reload::<C>::new(settings, log, &host, options.tenant(), tls);
    let signals = signals::listen(move || reload.run())?;
    watchdog::start(vec![
        Watched {
            name: "the threads that serve HTTP",
            threads: runtime.handle().clone(),
        },
        Watched {
            name: "the threads that run guests",
            threads: host.parts().guest_threads().clone(),
        },
    ])?;
    let lines = report::listening(&server, admin.as_ref()) + &command.report(&host);
    if let Err(error) = commands::print(&lines) {
        // As with the log: whoever does not hear of the server can still use it.
        tracing::warn!("the lines about what is served are lost: {error:#}");
    }
    systemd::notify(systemd::READY);
    let lost = supervisor.lost();
    let shutdown = async {
        tokio::select! {
            () = signals => {}
            () = lost => {}
        }
        systemd::notify(systemd::STOPPING);
    };

    let drain = options.requests.drain_timeout;
    let Drained { cut_off } = runtime.block_on(host.serve(server, shutdown, drain));
    match cut_off {
        0 => tracing::info!("drained: every request was answered"),
        _ => tracing::warn!(
            cut_off,
            "the time for draining is over: requests were cut off"
        ),
    }
    runtime.shutdown_timeout(LAST_WAIT);
    let lost = host.close(LAST_RECORDS);
    if let Some(traces) = traces {
        traces.close(LAST_SPANS);
    }
    if lost > 0 {
        tracing::error!(lost, "records could not be written to the audit log");
    }
    Ok(match supervisor.has_lost() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// How long the end of the process may take, from the signal on.
fn longest_end(options: &ServerOptions) -> Duration {
    options
        .requests
        .drain_delay
        .saturating_add(options.requests.drain_timeout)
        .saturating_add(LAST_WAIT)
        .saturating_add(LAST_RECORDS)
        .saturating_add(LAST_SPANS)
        .saturating_add(LAST_WAIT)
}
