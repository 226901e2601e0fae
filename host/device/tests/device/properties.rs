//! Whatever tenants do, no limit is passed on the way, and in the end nothing is
//! held. Endless kernels end by their time, or by the end of their instance.

use std::future::Future;
use std::num::{NonZeroU32, NonZeroUsize};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tensor_wasm_device::{
    Argument, Buffer, CpuConfig, Device, Error, Event, Lease, Limits, Module, Queue, Residency,
    Session, Usage,
};

use super::common::{KERNELS, device_with, in_time, line, nothing_is_used, pointer};

/// One thing that a component may do. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Step {
    Allocate(u16),
    AllocateLarge,
    DropBuffer(usize),
    Load,
    LoadWrong,
    DropModule(usize),
    NewQueue,
    DropQueue(usize),
    NewLease,
    /// In the middle of whatever it does.
    DropLease(usize),
    Event,
    WaitForEvent(usize),
    DropEvent(usize),
    Write(usize, u8),
    Read(usize),
    Fill(usize, u8),
    Copy(usize, usize),
    Add(usize),
    Endless,
    Faulty,
    Refused(usize),
    Foreign,
    Synchronize,
    Keep(usize, u8),
    Lookup(u8),
    Release(u8),
}

/// A step, whose it is, and whether its caller gives up where it would wait.
type Turn = (usize, usize, bool, Step);

fn turn() -> impl Strategy<Value = Turn> {
    let n = 0_usize..8;
    let step = prop_oneof![
        6 => any::<u16>().prop_map(Step::Allocate),
        1 => Just(Step::AllocateLarge),
        3 => n.clone().prop_map(Step::DropBuffer),
        3 => Just(Step::Load),
        1 => Just(Step::LoadWrong),
        1 => n.clone().prop_map(Step::DropModule),
        2 => Just(Step::NewQueue),
        1 => n.clone().prop_map(Step::DropQueue),
        1 => Just(Step::NewLease),
        1 => n.clone().prop_map(Step::DropLease),
        3 => Just(Step::Event),
        1 => n.clone().prop_map(Step::WaitForEvent),
        1 => n.clone().prop_map(Step::DropEvent),
        3 => (n.clone(), any::<u8>()).prop_map(|(n, value)| Step::Write(n, value)),
        2 => n.clone().prop_map(Step::Read),
        2 => (n.clone(), any::<u8>()).prop_map(|(n, value)| Step::Fill(n, value)),
        2 => (n.clone(), n.clone()).prop_map(|(from, to)| Step::Copy(from, to)),
        6 => n.clone().prop_map(Step::Add),
        4 => Just(Step::Endless),
        3 => Just(Step::Faulty),
        1 => n.clone().prop_map(Step::Refused),
        1 => Just(Step::Foreign),
        2 => Just(Step::Synchronize),
        2 => (n.clone(), 0_u8..4).prop_map(|(n, name)| Step::Keep(n, name)),
        1 => (0_u8..4).prop_map(Step::Lookup),
        1 => (0_u8..4).prop_map(Step::Release),
    ];
    (0_usize..TENANTS, n, prop::bool::weighted(0.1), step)
}

const TENANTS: usize = 3;

/// Less than what the tenants may have together.
const DEVICE_BYTES: u64 = 6 << 20;

fn limits(tenant: usize) -> Limits {
    Limits {
        memory_bytes: 3 << 20,
        host_bytes: 1 << 20,
        buffers: 8,
        modules: 3,
        queues: 4,
        events: 4,
        launches_in_flight: 6,
        staged_bytes: 32_768,
        launches_per_second: NonZeroU32::new(if tenant == 0 { 500 } else { 0 }),
        kernel_time: Duration::from_millis(5),
        share: NonZeroU32::MIN.saturating_add(tenant as u32),
    }
}

fn check(usage: Usage, limits: &Limits) {
    let Usage {
        memory_bytes,
        host_bytes,
        buffers,
        modules,
        queues,
        events,
        launches_in_flight,
        staged_bytes,
    } = usage;
    assert!(memory_bytes <= limits.memory_bytes, "{usage:?}");
    assert!(host_bytes <= limits.host_bytes, "{usage:?}");
    assert!(buffers <= limits.buffers.into(), "{usage:?}");
    assert!(modules <= limits.modules.into(), "{usage:?}");
    assert!(queues <= limits.queues.into(), "{usage:?}");
    assert!(events <= limits.events.into(), "{usage:?}");
    assert!(
        launches_in_flight <= limits.launches_in_flight.into(),
        "{usage:?}"
    );
    assert!(staged_bytes <= limits.staged_bytes, "{usage:?}");
}

/// All that the instances of one tenant hold.
struct Tenant {
    session: Session,
    kept: Residency,
    leases: Vec<Lease>,
    queues: Vec<Queue>,
    buffers: Vec<Buffer>,
    modules: Vec<Module>,
    events: Vec<Event>,
}

impl Tenant {
    async fn new(device: &Device, number: usize) -> Tenant {
        let session = device.session(limits(number));
        let lease = session.lease();
        Tenant {
            kept: session.residency(),
            queues: vec![lease.create_queue().await.unwrap()],
            buffers: vec![lease.allocate(4096).await.unwrap()],
            modules: vec![lease.load(KERNELS.into()).await.unwrap()],
            leases: vec![lease],
            session,
            events: Vec::new(),
        }
    }
}

fn pick<T: Clone>(from: &[T], n: usize) -> Option<T> {
    from.get(n.checked_rem(from.len())?).cloned()
}

fn remove<T>(from: &mut Vec<T>, n: usize) {
    if let Some(index) = n.checked_rem(from.len()) {
        drop(from.swap_remove(index));
    }
}

/// What a call comes to; `None` where its caller gave it up.
async fn call<T>(
    gives_up: bool,
    call: impl Future<Output = Result<T, Error>>,
) -> Option<Result<T, Error>> {
    let mut call = pin!(call);
    if gives_up {
        return match Pin::as_mut(&mut call).poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(result) => Some(result),
            std::task::Poll::Pending => None,
        };
    }
    Some(call.await)
}

/// Whether a step succeeds does not matter: what it leaves behind does.
async fn carry_out(
    tenant: &mut Tenant,
    n: usize,
    gives_up: bool,
    step: Step,
    foreign: Option<Buffer>,
) {
    let (Some(lease), Some(queue)) = (
        n.checked_rem(tenant.leases.len())
            .and_then(|index| tenant.leases.get(index)),
        pick(&tenant.queues, n),
    ) else {
        // Nothing goes without these.
        let lease = tenant.session.lease();
        tenant.queues.extend(lease.create_queue().await);
        tenant.leases.push(lease);
        return;
    };
    let launch = |name: &'static str, blocks: u32, arguments: Vec<Argument>| {
        let module = pick(&tenant.modules, n);
        let queue = queue.clone();
        async move {
            let Some(module) = module else { return Ok(()) };
            let kernel = module.kernel(name)?;
            queue.launch(&kernel, line(blocks, 64), arguments).await
        }
    };
    match step {
        Step::Allocate(bytes) => tenant.buffers.extend(lease.allocate(bytes.into()).await),
        Step::AllocateLarge => tenant.buffers.extend(lease.allocate(2 << 20).await),
        Step::DropBuffer(n) => remove(&mut tenant.buffers, n),
        Step::Load => {
            let loaded = call(gives_up, lease.load(KERNELS.into())).await;
            tenant.modules.extend(loaded.into_iter().flatten());
        }
        Step::LoadWrong => {
            let loaded = call(gives_up, lease.load(b"wrong".to_vec())).await;
            assert!(!matches!(loaded, Some(Ok(_))));
        }
        Step::DropModule(n) => remove(&mut tenant.modules, n),
        Step::NewQueue => tenant.queues.extend(lease.create_queue().await),
        Step::DropQueue(n) => {
            drop(queue);
            remove(&mut tenant.queues, n);
        }
        Step::NewLease => tenant.leases.push(tenant.session.lease()),
        Step::DropLease(n) => remove(&mut tenant.leases, n),
        Step::Event => {
            let event = call(gives_up, queue.record_event()).await;
            tenant.events.extend(event.into_iter().flatten());
        }
        Step::WaitForEvent(n) => {
            if let Some(event) = pick(&tenant.events, n) {
                call(gives_up, event.wait()).await;
            }
        }
        Step::DropEvent(n) => remove(&mut tenant.events, n),
        Step::Write(n, value) => {
            if let Some(to) = pick(&tenant.buffers, n) {
                let data = vec![value; to.size() as usize];
                call(gives_up, queue.write(&to, 0, data)).await;
            }
        }
        Step::Read(n) => {
            if let Some(from) = pick(&tenant.buffers, n) {
                call(gives_up, queue.read(&from, 0, from.size())).await;
            }
        }
        Step::Fill(n, value) => {
            if let Some(buffer) = pick(&tenant.buffers, n) {
                call(gives_up, queue.fill(&buffer, 0, buffer.size(), value)).await;
            }
        }
        Step::Copy(from, to) => {
            if let (Some(from), Some(to)) = (pick(&tenant.buffers, from), pick(&tenant.buffers, to))
            {
                let bytes = from.size().min(to.size());
                call(gives_up, queue.copy(&from, 0, &to, 0, bytes)).await;
            }
        }
        Step::Add(n) => {
            if let Some(buffer) = pick(&tenant.buffers, n) {
                let count = Argument::U32(buffer.size() as u32 / 4);
                let arguments = vec![pointer(&buffer), count, Argument::U32(1)];
                call(gives_up, launch("add", 8, arguments)).await;
            }
        }
        Step::Endless => drop(call(gives_up, launch("spin", 4, vec![])).await),
        Step::Faulty => {
            let arguments = vec![Argument::U64(64), Argument::U64(0)];
            call(gives_up, launch("tell", 4, arguments)).await;
        }
        Step::Refused(n) => {
            if let Some(buffer) = pick(&tenant.buffers, n)
                && !tenant.modules.is_empty()
            {
                let refused = launch("add", 1, vec![pointer(&buffer)]).await;
                assert!(refused.is_err());
            }
        }
        Step::Foreign => {
            if let Some(buffer) = foreign {
                let refused = queue.fill(&buffer, 0, 0, 1).await;
                assert!(matches!(refused, Err(Error::Denied(_))));
                let refused = tenant.kept.keep("foreign", buffer);
                assert!(matches!(refused, Err(Error::Denied(_))));
            }
        }
        Step::Synchronize => drop(call(gives_up, queue.synchronize()).await),
        Step::Keep(n, name) => {
            if let Some(buffer) = pick(&tenant.buffers, n) {
                tenant.kept.keep(&name.to_string(), buffer).unwrap();
            }
        }
        Step::Lookup(name) => {
            let found = tenant.kept.lookup(&name.to_string()).unwrap();
            tenant.buffers.extend(found);
        }
        Step::Release(name) => tenant.kept.release(&name.to_string()).unwrap(),
    }
}

/// Waits until the session is idle: what was cancelled may be in its last slice.
async fn is_idle(session: &Session) {
    while !session.is_idle() {
        tokio::task::yield_now().await;
    }
}

async fn live(turns: Vec<Turn>) {
    let device = device_with(CpuConfig {
        threads: NonZeroUsize::new(2),
        memory_bytes: Some(DEVICE_BYTES),
        ..CpuConfig::default()
    });
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        tenants.push(Tenant::new(&device, number).await);
    }
    for (whose, n, gives_up, step) in turns {
        let foreign = pick(&tenants[(whose + 1) % TENANTS].buffers, n);
        carry_out(&mut tenants[whose], n, gives_up, step, foreign).await;
        for (number, tenant) in tenants.iter().enumerate() {
            check(tenant.session.usage(), &limits(number));
        }
        assert!(device.memory_used() <= DEVICE_BYTES);
    }
    let sessions: Vec<Session> = tenants
        .iter()
        .map(|tenant| tenant.session.clone())
        .collect();
    drop(tenants);
    for session in &sessions {
        is_idle(session).await;
        assert_eq!(session.usage(), Usage::default());
    }
    nothing_is_used(&device).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_tenants_do_no_limit_is_passed_and_nothing_is_held_in_the_end(
        turns in prop::collection::vec(turn(), 1..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(in_time(live(turns)));
    }
}
