//! What the scenarios know as a device: memory that is filled and read by place. Here it lies in a
//! buffer of a real one while a kernel runs.

use std::fs::OpenOptions;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tensor_wasm_device::{Extent, LaunchConfig};
use tensor_wasm_ptx::Module;

use super::common::{Arguments, Flat, Number, module};
use super::compare::{Difference, NumberFormat, Region};
use super::measure::Measure;
use super::place::{self, CorpusDevice, Run, SHARED};

pub use super::interpreter::{doubles, floats, near, near64, places, words};

/// Runs a scenario with the module of each of the two compilers of CUDA C++.
pub fn both(name: &str, scenario: impl Fn(&Arc<Module>)) {
    from("nvrtc", name, &scenario);
    from("clang", name, &scenario);
}

/// Runs a scenario with a compiler's module: on the processor, then on the device under test,
/// which must meet the scenario's expectations too, and agree with the processor.
pub fn from(compiler: &str, name: &str, scenario: impl Fn(&Arc<Module>)) {
    // Elsewhere than in the checkout, where `gpu-check` carries them.
    let folder = std::env::var("TENSOR_WASM_CORPUS");
    let folder = folder.unwrap_or_else(|_| format!("{}/../ptx/corpus", env!("CARGO_MANIFEST_DIR")));
    let path = format!("{folder}/{name}/{compiler}.ptx");
    let text = std::fs::read_to_string(path).unwrap();
    let parsed = module(&text);
    let run = |place| {
        place::begin(place, &text);
        let outcome = catch_unwind(AssertUnwindSafe(|| scenario(&parsed)));
        (outcome.map_err(|panic| said(panic.as_ref())), place::end())
    };
    let (expected, processor) = run(CorpusDevice::Processor);
    let (found, tested) = run(CorpusDevice::Tested);
    let difference = Difference::between(&processor.outputs, &tested.outputs);
    let measure = Measure::of(name, &text);
    let result = judge(&expected, &found, &tested, &difference, &measure);
    println!("{name} from {compiler}: {result:?}");
    tell(&json!({
        "kernel": name,
        "compiler": compiler,
        "measure": measure.name(),
        "why": measure.why(),
        "launches": tested.launches,
        "result": result.as_ref().copied().unwrap_or("failed"),
        "failure": result.as_ref().err(),
        "values": difference.values,
        "differing": difference.differing,
        "largest_ulps": difference.ulps,
        "largest_difference": difference.absolute,
        "processor_ns": u64::try_from(processor.time.as_nanos()).unwrap(),
        "device_ns": u64::try_from(tested.time.as_nanos()).unwrap(),
    }));
    if let Err(failure) = result {
        panic!("{name} from {compiler}: {failure}");
    }
}

/// What is to be said of a kernel; an error where something is not as it should be.
fn judge(
    expected: &Result<(), String>,
    found: &Result<(), String>,
    tested: &Run,
    difference: &Difference,
    measure: &Measure,
) -> Result<&'static str, String> {
    let on = |place: &str, what: &String| format!("on the {place}: {what}");
    expected.clone().map_err(|what| on("processor", &what))?;
    found.clone().map_err(|what| on("device", &what))?;
    if tested.launches == 0 {
        return Ok("not run on a device");
    }
    match (difference.differing, measure) {
        (0, _) => Ok("same bits"),
        (_, Measure::Expectation(_)) => Ok("within tolerance"),
        (count, Measure::Bits) => Err(format!(
            "{count} of {} values differ from the processor's, by {:?} units in the last place at most",
            difference.values, difference.ulps
        )),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

/// Adds a line to the file of results, if one is asked for.
fn tell(line: &serde_json::Value) {
    let Some(path) = std::env::var_os("TENSOR_WASM_CORPUS_RESULTS") else {
        return;
    };
    let file = OpenOptions::new().create(true).append(true).open(path);
    // One write a line: several processes may append to the file.
    file.unwrap()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}

/// Device memory that grows as it is filled.
pub struct Device(pub Flat, Mutex<Vec<Region>>);

impl Device {
    pub fn new() -> Device {
        Device(Flat::new(0), Mutex::default())
    }

    /// Puts values into fresh memory, and returns where they are.
    pub fn put<T: Number>(&self, values: &[T]) -> usize {
        let place = {
            let mut bytes = self.0.0.lock().unwrap();
            let place = bytes.len().next_multiple_of(256);
            bytes.resize(place + values.len() * T::BYTES, 0);
            place
        };
        self.0.put(place, values);
        self.1.lock().unwrap().push(Region {
            place,
            count: values.len(),
            kind: NumberFormat::of::<T>(),
        });
        place
    }

    /// Fresh memory of zeros.
    pub fn zeros<T: Number>(&self, count: usize) -> usize {
        self.put(&vec![T::of(0); count])
    }

    pub fn get<T: Number>(&self, place: usize, count: usize) -> Vec<T> {
        self.0.get(place, count)
    }

    #[track_caller]
    pub fn run(
        &self,
        module: &Arc<Module>,
        entry: &str,
        grid: Extent,
        block: Extent,
        arguments: Arguments,
    ) {
        self.run_with_shared(module, entry, (grid, block, SHARED), arguments);
    }

    /// The same with so many bytes of dynamic shared memory.
    #[track_caller]
    pub fn run_with_shared(
        &self,
        _: &Arc<Module>,
        entry: &str,
        (grid, block, shared): (Extent, Extent, u32),
        arguments: Arguments,
    ) {
        let before = self.0.0.lock().unwrap().clone();
        let config = LaunchConfig {
            grid,
            block,
            shared_bytes: shared,
        };
        let after = place::launch(entry, config, &arguments.0, before);
        let after = after.unwrap_or_else(|error| panic!("`{entry}` failed: {error}"));
        place::keep(&self.1.lock().unwrap(), &after);
        *self.0.0.lock().unwrap() = after;
    }
}
