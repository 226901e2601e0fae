//! What every scenario needs: a kernel from both compilers, memory that is filled and read by place,
//! and numbers that look random and are always the same.

use std::sync::{Arc, Mutex};

use tensor_wasm_ptx::{Extent, Limits, Module, parse};

use super::common::checked::launch_checked;
use super::common::{Arguments, Flat, Number, launch, module};

/// Runs a scenario with the module of each of the two compilers of CUDA C++.
pub fn both(name: &str, scenario: impl Fn(&Arc<Module>)) {
    from("nvrtc", name, &scenario);
    from("clang", name, &scenario);
}

/// Runs a scenario with a compiler's module, after printing it and parsing it again.
pub fn from(compiler: &str, name: &str, scenario: impl Fn(&Arc<Module>)) {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/corpus/{name}/{compiler}.ptx");
    let parsed = module(&std::fs::read_to_string(path).unwrap());
    let printed = parsed.to_string();
    let again = parse(printed.as_bytes(), &Limits::default());
    assert!(
        again.is_ok_and(|again| again == *parsed),
        "{name} from {compiler}"
    );
    println!("{name} from {compiler}");
    scenario(&parsed);
}

/// Device memory that grows as it is filled.
pub struct Device(pub Flat, Mutex<Vec<(usize, usize, bool)>>);

impl Device {
    pub fn new() -> Device {
        Device(Flat::new(0), Mutex::default())
    }

    /// Puts values into fresh memory, and returns where they are.
    pub fn put<T: Number>(&self, values: &[T]) -> usize {
        let place = {
            let mut bytes = self.0.0.lock().unwrap();
            // A byte at least lies between two.
            let place = (bytes.len() + 1).next_multiple_of(256);
            bytes.resize(place + values.len() * T::BYTES, 0);
            place
        };
        let buffer = (place, values.len() * T::BYTES, true);
        self.1.lock().unwrap().push(buffer);
        self.0.put(place, values);
        place
    }

    /// Fresh memory of zeros.
    pub fn zeros<T: Number>(&self, count: usize) -> usize {
        self.put(&vec![T::of(0); count])
    }

    pub fn get<T: Number>(&self, place: usize, count: usize) -> Vec<T> {
        self.0.get(place, count)
    }

    /// Runs a kernel. Checks must find nothing in it, and change nothing.
    #[track_caller]
    pub fn run(
        &self,
        module: &Arc<Module>,
        entry: &str,
        grid: Extent,
        block: Extent,
        arguments: Arguments,
    ) {
        self.run_with_shared(module, entry, (grid, block, 4096), arguments);
    }

    /// The same with so many bytes of dynamic shared memory.
    #[track_caller]
    pub fn run_with_shared(
        &self,
        module: &Arc<Module>,
        entry: &str,
        (grid, block, shared): (Extent, Extent, u32),
        arguments: Arguments,
    ) {
        let before = self.0.0.lock().unwrap().clone();
        let again = Arguments(arguments.0.clone());
        launch(module, entry, grid, block, shared, arguments, &self.0).unwrap();
        let checked = Flat::new(0);
        *checked.0.lock().unwrap() = before;
        let shape = (grid, block, shared);
        let buffers = self.1.lock().unwrap().clone();
        if let Err(finding) = launch_checked(module, entry, shape, again, &checked, &buffers) {
            panic!("{finding}");
        }
        assert!(*checked.0.lock().unwrap() == *self.0.0.lock().unwrap());
    }
}

/// Arguments that begin with these places.
pub fn places(places: &[usize]) -> Arguments {
    places.iter().fold(Arguments::new(), |arguments, place| {
        arguments.pointer(*place as u64)
    })
}

/// Words that look random and are always the same.
pub fn words(seed: u32, count: usize) -> Vec<u32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        })
        .collect()
}

/// Floats from -8 to 8.
pub fn floats(seed: u32, count: usize) -> Vec<f32> {
    let part = |word: u32| (word >> 8) as f32 / (1 << 20) as f32 - 8.0;
    words(seed, count).into_iter().map(part).collect()
}

pub fn doubles(seed: u32, count: usize) -> Vec<f64> {
    floats(seed, count)
        .into_iter()
        .map(|value| f64::from(value) * 1.000_000_1)
        .collect()
}

/// Whether all values are as near as asked, in relation to their size.
#[track_caller]
pub fn near(found: &[f32], expected: &[f64], tolerance: f64) {
    let found: Vec<f64> = found.iter().map(|value| f64::from(*value)).collect();
    near64(&found, expected, tolerance);
}

#[track_caller]
pub fn near64(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let allowed = tolerance * (1.0 + expected.abs());
        assert!(
            (found - expected).abs() <= allowed,
            "{index}: {found} is not {expected}"
        );
    }
}
