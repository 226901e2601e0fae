//! The device made to fail in earnest, below a server with two tenants: what the tenant is told, that the
//! other one notices nothing, and that the device has its memory back.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::machine::memory_in_use;
use crate::gpu_check::{record::Record, run::Run, service::Service};

/// The server's options: each tenant may have all of the device, and endless kernels end soon.
const OPTIONS: [&str; 4] = [
    "--kernel-timeout=2s",
    "--gpu-memory-bytes=4TiB",
    "--gpu-workers=4",
    "--gpu-worker-idle=10m",
];

/// The tenant whose device fails, and the other one.
const FAILING: u64 = 1;
const OTHER: u64 = 2;

/// How long it may take until a tenant is served again whose worker was killed.
const SOON: Duration = Duration::from_secs(15);

/// What of the memory that was free before must be free again.
const GIVEN_BACK: f64 = 0.98;

pub fn run(run: &Run<'_>, record: &mut Record) -> Result<()> {
    memory_in_use(run, record, "before the server starts")?;
    let service = start(run, "faults")?;
    record.check("both tenants are served", both(&service))?;
    memory_in_use(run, record, "with the contexts of two tenants")?;
    for fault in ["/fault-outside", "/null-pointer", "/misaligned"] {
        record.check(
            format_args!("a kernel's fault, {fault}"),
            faults(&service, fault),
        )?;
    }
    record.check("an endless kernel", endless(&service))?;
    record.check("kill -9 of a worker", killed(&service))?;
    let filled = fill(&service);
    let bytes = filled.as_ref().ok().copied();
    record.check(
        "a full device, with two tenants",
        filled.and_then(|bytes| full(&service, bytes)),
    )?;
    let Some(bytes) = bytes else {
        bail!("how much memory the device has is not known, so neither is what is given back");
    };
    record.check(
        "memory after kill -9 of a worker",
        given_back(&service, bytes),
    )?;
    record.check(
        "kill -9 of the server",
        service
            .kill()
            .map(|took| format!("its workers are gone after {took:.1?}")),
    )?;
    memory_in_use(run, record, "after the server was killed")?;
    // The device was full of the server's memory.
    let service = start(run, "faults-after-kill")?;
    record.check(
        "memory after kill -9 of the server",
        fill(&service).and_then(|now| compared(bytes, now)),
    )?;
    record.check(
        "the server stops while the device is full",
        service.stop().map(|()| "by SIGTERM".to_owned()),
    )?;
    Ok(())
}

fn start(run: &Run<'_>, name: &str) -> Result<Service> {
    let policy = run.bundle.component("policy_admits_as.wasm");
    let policy = format!("--policy={}", policy.display());
    // Whoever is named is a tenant.
    let config = run.out.join("tenants.toml");
    std::fs::write(&config, "[tenants.default]\ngpu = \"grant\"\n")?;
    let config = format!("--config={}", config.display());
    let mut options = vec![policy.as_str(), config.as_str()];
    options.extend(OPTIONS);
    Service::start(run, name, "gpu_scenarios.wasm", &options)
}

/// The kind of a scenario's error.
fn kind(answer: &Value) -> &str {
    let kind = answer.pointer("/error/kind").and_then(Value::as_str);
    kind.unwrap_or("none")
}

/// Runs a kernel that has to run.
fn well(service: &Service, tenant: u64) -> Result<Duration> {
    let begun = Instant::now();
    let answer = service.scenario(tenant, "/increment")?;
    let expected = json!({ "ok": vec![42; 100] });
    ensure!(
        answer == expected,
        "a kernel of tenant {tenant} gives {answer}"
    );
    Ok(begun.elapsed())
}

/// Tries again for a while: who asks before the server has noticed that somebody killed a worker may be
/// told of the loss, or find the device full still. Says how long it took until all was well.
fn soon<T>(mut attempt: impl FnMut() -> Result<T>) -> Result<(T, Duration)> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Ok(seen) => return Ok((seen, begun.elapsed())),
            Err(error) if begun.elapsed() > SOON => {
                return Err(error.context(format!("after {SOON:?}, still")));
            }
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Both tenants run kernels, and each keeps memory on the device.
fn both(service: &Service) -> Result<String> {
    for tenant in [FAILING, OTHER] {
        well(service, tenant)?;
        keep(service, tenant)?;
    }
    Ok(format!("by the workers {:?}", service.workers()))
}

fn keep(service: &Service, tenant: u64) -> Result<()> {
    let kept = service.scenario(tenant, "/residency-keep")?;
    ensure!(
        kept.get("ok").is_some(),
        "tenant {tenant} can't keep a buffer: {kept}"
    );
    Ok(())
}

/// The other tenant still has what it kept, and its kernels run.
fn other_is_well(service: &Service) -> Result<()> {
    let kept = service.scenario(OTHER, "/residency-lookup")?;
    let numbers = kept.get("ok").and_then(Value::as_array);
    ensure!(
        numbers.is_some(),
        "the other tenant lost its memory: {kept}"
    );
    well(service, OTHER).context("the other tenant")?;
    Ok(())
}

fn faults(service: &Service, scenario: &str) -> Result<String> {
    let answer = service.scenario(FAILING, scenario)?;
    ensure!(kind(&answer) == "fault", "the tenant is told {answer}");
    let again = well(service, FAILING)?;
    other_is_well(service)?;
    let message = answer.pointer("/error/message").and_then(Value::as_str);
    let told = message.map_or_else(|| answer.to_string(), str::to_owned);
    Ok(format!(
        "the tenant is told: {told}; its next kernel ends {again:.1?} later"
    ))
}

fn endless(service: &Service) -> Result<String> {
    let begun = Instant::now();
    let answer = service.scenario(FAILING, "/endless-kernel")?;
    let took = begun.elapsed();
    let failed = answer.pointer("/ok/failed/kind").and_then(Value::as_str);
    ensure!(
        failed == Some("deadline-exceeded"),
        "the tenant is told {answer}"
    );
    let after = answer.pointer("/ok/after");
    ensure!(
        after == Some(&json!(vec![42; 4])),
        "the next kernel of its request gives {answer}"
    );
    other_is_well(service)?;
    Ok(format!(
        "it is ended, and the next kernel has run, after {took:.1?}; its limit is 2 s"
    ))
}

fn killed(service: &Service) -> Result<String> {
    let gone = service.kill_worker(FAILING)?;
    let (_, again) = soon(|| well(service, FAILING))?;
    other_is_well(service)?;
    Ok(format!(
        "it is gone after {gone:.1?}; the tenant's next kernel ends {again:.1?} later"
    ))
}

/// Has the tenant keep memory until there is no more; how many bytes it got.
fn fill(service: &Service) -> Result<u64> {
    let answer = service.scenario(FAILING, "/residency-fill")?;
    let refused = answer.pointer("/ok/refused/kind").and_then(Value::as_str);
    ensure!(
        refused == Some("out-of-memory"),
        "the full device is told of as {answer}"
    );
    let kept = answer.pointer("/ok/kept").and_then(Value::as_u64);
    kept.filter(|kept| *kept > 0)
        .with_context(|| format!("nothing was allocated: {answer}"))
}

/// The same, with nothing left of the last time.
fn fill_anew(service: &Service) -> Result<u64> {
    service.scenario(FAILING, "/residency-empty")?;
    fill(service)
}

/// The device is full: nobody loses anything, and with the memory freed all is well.
fn full(service: &Service, bytes: u64) -> Result<String> {
    let before = service.workers();
    let other = service.scenario(OTHER, "/increment")?;
    let refused = kind(&other);
    ensure!(
        other.get("ok").is_some() || refused == "out-of-memory",
        "the other tenant is told {other}"
    );
    let own = service.scenario(FAILING, "/increment")?;
    ensure!(
        own.get("ok").is_some() || kind(&own) == "out-of-memory",
        "the tenant itself is told {own}"
    );
    let after = service.workers();
    ensure!(
        before == after,
        "the workers {before:?} have become {after:?}"
    );
    let kept = service.scenario(OTHER, "/residency-lookup")?;
    ensure!(
        kept.get("ok").is_some_and(|ok| !ok.is_null()),
        "the other tenant lost its memory: {kept}"
    );
    let freed = service.scenario(FAILING, "/residency-empty")?;
    ensure!(
        freed.get("ok").is_some(),
        "the memory can't be freed: {freed}"
    );
    well(service, OTHER)?;
    well(service, FAILING)?;
    Ok(format!(
        "{bytes} bytes fill it; meanwhile the other tenant is told: {}",
        match refused {
            "none" => "nothing, its kernel runs",
            other => other,
        }
    ))
}

/// What a worker had that was killed is free.
fn given_back(service: &Service, bytes: u64) -> Result<String> {
    let filled = fill(service)?;
    compared(bytes, filled)?;
    let gone = service.kill_worker(FAILING)?;
    let (said, took) = soon(|| compared(bytes, fill_anew(service)?))?;
    Ok(format!(
        "{said}, {took:.1?} after the process was gone, which took {gone:.1?}"
    ))
}

fn compared(before: u64, now: u64) -> Result<String> {
    if (now as f64) < before as f64 * GIVEN_BACK {
        bail!("of {before} bytes only {now} are free again");
    }
    Ok(format!("{now} of {before} bytes are free again"))
}
