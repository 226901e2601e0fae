//! Which requests are traced: the samplers of OpenTelemetry's SDKs.

use tensor_wasm_runtime::TraceId;

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    /// Whether a caller that named the trace decides, by whether it recorded it.
    pub follows_caller: bool,
    /// The part of all others that is traced: from 0 to 1.
    pub ratio: f64,
}

impl Sampler {
    /// Whether a request of this trace is traced. All servers that sample by a ratio decide alike
    /// for one trace, or one with a larger ratio traces more.
    pub(super) fn samples(&self, trace: TraceId, caller: Option<bool>) -> bool {
        if let (true, Some(recorded)) = (self.follows_caller, caller) {
            return recorded;
        }
        if self.ratio >= 1.0 {
            return true;
        }
        // As the SDKs do: by 63 of the bits that are random in every id.
        let number = (trace.number() as u64) >> 1;
        let bound = self.ratio.max(0.0) * (1_u64 << 63) as f64;
        number < bound as u64
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn sampler(follows_caller: bool, ratio: f64) -> Sampler {
        Sampler {
            follows_caller,
            ratio,
        }
    }

    #[test]
    fn a_caller_that_named_the_trace_decides_where_it_may() {
        let trace = TraceId::random();
        for (caller, ratio) in [(true, 0.0), (false, 1.0)] {
            assert_eq!(sampler(true, ratio).samples(trace, Some(caller)), caller);
            assert_eq!(sampler(false, ratio).samples(trace, Some(caller)), !caller);
            assert_eq!(sampler(true, ratio).samples(trace, None), ratio > 0.0);
        }
    }

    #[test]
    fn a_ratio_is_of_the_ids_and_a_larger_one_traces_all_that_a_smaller_one_does() {
        let traces: Vec<_> = (0..10_000).map(|_| TraceId::random()).collect();
        let sampled = |ratio: f64| -> Vec<bool> {
            let all = traces.iter();
            all.map(|trace| sampler(true, ratio).samples(*trace, None))
                .collect()
        };
        let (few, many) = (sampled(0.1), sampled(0.3));
        let count = |sampled: &[bool]| sampled.iter().filter(|sampled| **sampled).count();
        // Six standard deviations.
        assert!((820..1180).contains(&count(&few)), "{}", count(&few));
        assert!((2720..3280).contains(&count(&many)), "{}", count(&many));
        assert!(few.iter().zip(&many).all(|(few, many)| !few || *many));
        let largest = TraceId::from_number(u128::MAX).unwrap();
        assert!(sampler(true, 1.0).samples(largest, None));
        assert!(!sampler(true, 0.0).samples(TraceId::from_number(1).unwrap(), None));
    }
}
