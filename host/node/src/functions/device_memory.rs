//! The device memory that each function holds, over time: read from meters ([`MemoryMeter`]) when
//! usage is stored, and counted in the hour in which it is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tensor_wasm_device::MemoryMeter;

use crate::lock::ignore_poison;
use crate::storage::usage::{Amounts, UsageKey};

const NANOSECONDS_PER_MS: u128 = 1_000_000;

/// The meters of the functions that have used the device, by their ids.
#[derive(Clone, Default)]
pub(super) struct DeviceMemory(Arc<Mutex<HashMap<String, MeteredFunction>>>);

struct MeteredFunction {
    tenant: u64,
    name: String,
    meter: MemoryMeter,
    /// What was counted until now, in bytes times milliseconds.
    counted: u128,
}

impl DeviceMemory {
    /// The meter of a function, whichever of its versions uses it and however often it is loaded.
    pub(super) fn meter(&self, tenant: u64, function_id: &str, name: &str) -> MemoryMeter {
        let mut functions = ignore_poison(self.0.lock());
        let function = functions
            .entry(function_id.to_owned())
            .or_insert_with(|| MeteredFunction {
                tenant,
                name: name.to_owned(),
                meter: MemoryMeter::default(),
                counted: 0,
            });
        function.meter.clone()
    }

    /// What functions have held since this was called before. Forgets those that are not loaded
    /// and hold nothing.
    pub(super) fn take(&self, hour: i64) -> Vec<(UsageKey, Amounts)> {
        let mut taken = Vec::new();
        ignore_poison(self.0.lock()).retain(|id, function| {
            // Before what it has held is read: after that it holds nothing.
            let is_unused = function.meter.is_unused();
            let held = function.meter.byte_nanoseconds() / NANOSECONDS_PER_MS;
            let since = held.saturating_sub(function.counted);
            function.counted = held;
            if since > 0 {
                let key = UsageKey {
                    hour,
                    tenant: function.tenant,
                    function_id: id.clone(),
                    function_name: function.name.clone(),
                };
                let amounts = Amounts {
                    device_byte_ms: u64::try_from(since).unwrap_or(u64::MAX),
                    ..Amounts::default()
                };
                taken.push((key, amounts));
            }
            !is_unused
        });
        taken
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use tensor_wasm_device::{CpuConfig, Device, Limits};

    use super::*;

    #[tokio::test]
    async fn what_functions_hold_adds_up_to_what_their_tenant_holds() {
        let session = Device::cpu(CpuConfig::default())
            .unwrap()
            .session(Limits::default());
        let functions = DeviceMemory::default();
        let mut taken = Vec::new();
        for round in 0..3_u64 {
            let mut buffers = Vec::new();
            for (name, bytes) in [("a", 1 << 20), ("b", 3 << 20)] {
                let meter = functions.meter(7, &format!("fn_{name}"), name);
                let lease = session.lease().with_memory_meter(meter);
                buffers.push(lease.allocate(bytes).await.unwrap());
                assert_eq!(
                    functions.meter(7, &format!("fn_{name}"), name).bytes(),
                    bytes
                );
            }
            tokio::time::sleep(Duration::from_millis(5 + round)).await;
            taken.extend(functions.take(1));
            drop(buffers);
        }
        taken.extend(functions.take(2));
        let of = |name: &str| -> u64 {
            let all = taken.iter().filter(|(key, _)| key.function_name == name);
            all.map(|(_, amounts)| amounts.device_byte_ms).sum()
        };
        let (a, b) = (of("a"), of("b"));
        assert!(a > 0 && b > a, "{a} {b}");
        let of_tenant = session.memory_byte_nanoseconds() / NANOSECONDS_PER_MS;
        // Of each function less than a byte times a millisecond is not counted.
        let missing = of_tenant - u128::from(a + b);
        assert!(missing <= 2, "{missing} of {of_tenant}");
        assert!(taken.iter().all(|(key, _)| key.tenant == 7));
        // Nothing is held, and nothing is loaded.
        assert!(functions.take(3).is_empty());
        assert!(functions.0.lock().unwrap().is_empty());
    }
}
