//! Kernels at their first use, and which of them are kept.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use super::kept::KeptKernels;
use super::*;
use crate::identity::SessionId;
use crate::sync::lock;

/// A module of so many kernels, `k0` and so on, each of which does nothing.
fn module(kernels: usize) -> Arc<Module> {
    let kernels = (0..kernels).map(|number| format!(".visible .entry k{number}() {{ ret; }}\n"));
    let text = format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n{}",
        kernels.collect::<String>()
    );
    let limits = tensor_wasm_ptx::Limits::default();
    Arc::new(tensor_wasm_ptx::parse(text.as_bytes(), &limits).unwrap())
}

/// What launches of a test were told, in order; and how many of them still wait.
#[derive(Default)]
struct Told {
    answers: Mutex<Vec<Known>>,
    asked: AtomicUsize,
}

struct Launch {
    told: Arc<Told>,
    /// So often it says that it waits, then no more.
    patience: usize,
}

impl WaitingLaunch for Launch {
    fn is_waiting(&self) -> bool {
        self.told.asked.fetch_add(1, Ordering::Relaxed) < self.patience
    }

    fn proceed(self: Box<Self>, known: Known) {
        lock(&self.told.answers).push(known);
    }
}

/// Launches a kernel for a session; `None` where it is interpreted, or nobody was told.
fn launch(module: &Arc<Module>, entry: usize, engine: &Arc<KernelEngine>, session: u64) -> Known {
    let told = Arc::new(Told::default());
    let slot = slot(module, entry).unwrap();
    let waiting = launches(&told, usize::MAX);
    if let Some(known) = slot.known_or_wait(waiting) {
        return known;
    }
    assert!(slot.compile(&job(module, entry, engine, session)));
    let answer = lock(&told.answers).pop();
    answer.unwrap()
}

fn launches(told: &Arc<Told>, patience: usize) -> impl FnOnce() -> Box<dyn WaitingLaunch> {
    let told = Arc::clone(told);
    move || Box::new(Launch { told, patience })
}

fn job(module: &Arc<Module>, entry: usize, engine: &Arc<KernelEngine>, session: u64) -> CompileJob {
    CompileJob {
        module: Arc::clone(module),
        kernel: format!("k{entry}"),
        engine: Arc::clone(engine),
        session: SessionId::from(session),
    }
}

fn engine_keeping(kernels: usize, of_tenant: usize) -> Arc<KernelEngine> {
    KernelEngine::keeping(None, KeptKernels::with_limits(kernels, of_tenant))
}

/// Which of the kernels are compiled now.
fn compiled(module: &Arc<Module>, kernels: usize) -> Vec<usize> {
    let is_compiled = |entry: &usize| slot(module, *entry).unwrap().is_compiled();
    (0..kernels).filter(is_compiled).collect()
}

#[test]
fn a_kernel_is_compiled_once_for_all_launches_that_wait_for_it() {
    let (module, engine) = (module(2), engine_keeping(8, 8));
    let told = Arc::new(Told::default());
    let slot = slot(&module, 0).unwrap();
    for _ in 0..3 {
        assert!(slot.known_or_wait(launches(&told, usize::MAX)).is_none());
    }
    assert!(slot.compile(&job(&module, 0, &engine, 1)));
    // Whoever comes for its own launch finds that it is done.
    assert!(!slot.compile(&job(&module, 0, &engine, 2)));
    let answers = lock(&told.answers).clone();
    let kernels: Vec<_> = answers.into_iter().map(Option::unwrap).collect();
    assert_eq!(kernels.len(), 3);
    assert!(
        kernels
            .iter()
            .all(|kernel| Arc::ptr_eq(kernel, &kernels[0]))
    );
    // The other kernel of the module was not touched.
    assert_eq!(compiled(&module, 2), [0]);
}

#[test]
fn a_compilation_that_nobody_waits_for_ends_and_the_kernel_may_be_compiled_later() {
    let (module, engine) = (module(1), engine_keeping(8, 8));
    // Nobody waits when its turn has come, or not any more after so many passes.
    for patience in 0..8 {
        let told = Arc::new(Told::default());
        let slot = slot(&module, 0).unwrap();
        assert!(slot.known_or_wait(launches(&told, patience)).is_none());
        assert_eq!(slot.compile(&job(&module, 0, &engine, 1)), patience > 0);
        assert!(lock(&told.answers).is_empty(), "{patience}");
        assert!(compiled(&module, 1).is_empty());
    }
    assert!(launch(&module, 0, &engine, 1).is_some());
}

#[test]
fn no_more_kernels_are_kept_than_there_is_room_for() {
    let (module, engine) = (module(10), engine_keeping(4, 3));
    for entry in 0..5 {
        assert!(launch(&module, entry, &engine, 1).is_some());
    }
    // A tenant's own go first, those that were not used for longest.
    assert_eq!(compiled(&module, 5), [2, 3, 4]);
    assert!(launch(&module, 2, &engine, 1).is_some());
    assert!(launch(&module, 5, &engine, 1).is_some());
    assert_eq!(compiled(&module, 6), [2, 4, 5]);
    // Another tenant's have room, and what is used stays.
    let in_use: Vec<_> = [6, 7]
        .map(|entry| launch(&module, entry, &engine, 2).unwrap())
        .into();
    assert_eq!(compiled(&module, 8), [2, 5, 6, 7]);
    assert!(launch(&module, 8, &engine, 2).is_some());
    assert!(launch(&module, 9, &engine, 3).is_some());
    assert_eq!(compiled(&module, 10).len(), 4);
    assert!(
        [6, 7]
            .iter()
            .all(|used| compiled(&module, 10).contains(used))
    );
    drop(in_use);
    // What is gone is compiled again.
    assert!(launch(&module, 0, &engine, 3).is_some());
}

#[test]
fn where_all_kept_kernels_are_in_use_another_one_is_interpreted_for_now() {
    let (module, engine) = (module(3), engine_keeping(2, 2));
    let in_use: Vec<_> = (0..2)
        .map(|entry| launch(&module, entry, &engine, 1).unwrap())
        .collect();
    assert!(launch(&module, 2, &engine, 1).is_none());
    assert!(launch(&module, 2, &engine, 2).is_none());
    drop(in_use);
    assert!(launch(&module, 2, &engine, 2).is_some());
}

#[test]
fn machine_code_is_kept_up_to_the_bound() {
    let (module, engine) = (module(3), KernelEngine::new(None, 1));
    for entry in 0..3 {
        let in_use = launch(&module, entry, &engine, 1);
        assert!(in_use.is_some_and(|kernel| kernel.bytes() > 1));
    }
    // What a launch uses stays until another kernel wants room.
    assert!(compiled(&module, 3).len() <= 1);
}

#[test]
fn a_kernel_that_can_not_be_compiled_is_not_tried_twice() {
    let text = ".version 8.0\n.target sm_80\n.address_size 64\n\
        .func again() { call again; ret; }\n.visible .entry k0() { call again; ret; }\n";
    let limits = tensor_wasm_ptx::Limits::default();
    let module = Arc::new(tensor_wasm_ptx::parse(text.as_bytes(), &limits).unwrap());
    let engine = engine_keeping(8, 8);
    assert!(launch(&module, 0, &engine, 1).is_none());
    let slot = slot(&module, 0).unwrap();
    let known = slot.known_or_wait(|| unreachable!("it is known"));
    assert!(matches!(known, Some(None)));
}

#[test]
fn a_module_s_kernels_go_with_it() {
    let engine = engine_keeping(8, 8);
    let module = module(2);
    for entry in 0..2 {
        assert!(launch(&module, entry, &engine, 1).is_some());
    }
    assert_eq!(engine.kept().len(), 2);
    drop(module);
    assert_eq!(engine.kept().len(), 0);
}
