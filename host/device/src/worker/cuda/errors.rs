//! The driver's errors: the number of each in `cuda.h`, its name, and what it means to a worker. The
//! names are here too, for drivers and errors of which one does not know the other.

use cudarc::driver::sys::CUresult;

/// What an error says of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Only this call failed.
    Call,
    /// The driver's compiler, or what it needs of the system, failed: only this module where the call
    /// was about one and the next call is answered. Anywhere else, the driver is gone.
    Compiler,
    /// A kernel did something wrong, and CUDA takes the whole process for broken.
    Fault,
    /// The device or the driver is gone.
    Lost,
}

/// Declares the table of errors: by the names of cudarc's bindings, and by name and number those that
/// newer drivers have, behind a semicolon.
macro_rules! errors {
    (
        $($name:ident => $severity:ident,)*
        ; $($newer:ident = $number:literal => $newer_severity:ident,)*
    ) => {
        const ERRORS: &[(u32, &str, Severity)] = &[
            $((CUresult::$name as u32, stringify!($name), Severity::$severity),)*
            $(($number, stringify!($newer), Severity::$newer_severity),)*
        ];

        // None that the bindings name is left out: this would not compile.
        const _: fn(CUresult) = |error| match error {
            CUresult::CUDA_SUCCESS $(| CUresult::$name)* => {}
        };
    };
}

errors! {
    CUDA_ERROR_INVALID_VALUE => Call,
    CUDA_ERROR_OUT_OF_MEMORY => Call,
    CUDA_ERROR_NOT_INITIALIZED => Lost,
    CUDA_ERROR_DEINITIALIZED => Lost,
    CUDA_ERROR_PROFILER_DISABLED => Lost,
    CUDA_ERROR_PROFILER_NOT_INITIALIZED => Lost,
    CUDA_ERROR_PROFILER_ALREADY_STARTED => Lost,
    CUDA_ERROR_PROFILER_ALREADY_STOPPED => Lost,
    CUDA_ERROR_STUB_LIBRARY => Lost,
    CUDA_ERROR_DEVICE_UNAVAILABLE => Lost,
    CUDA_ERROR_NO_DEVICE => Lost,
    CUDA_ERROR_INVALID_DEVICE => Lost,
    CUDA_ERROR_DEVICE_NOT_LICENSED => Lost,
    CUDA_ERROR_INVALID_IMAGE => Call,
    CUDA_ERROR_INVALID_CONTEXT => Lost,
    CUDA_ERROR_CONTEXT_ALREADY_CURRENT => Lost,
    CUDA_ERROR_MAP_FAILED => Lost,
    CUDA_ERROR_UNMAP_FAILED => Lost,
    CUDA_ERROR_ARRAY_IS_MAPPED => Lost,
    CUDA_ERROR_ALREADY_MAPPED => Lost,
    CUDA_ERROR_NO_BINARY_FOR_GPU => Call,
    CUDA_ERROR_ALREADY_ACQUIRED => Lost,
    CUDA_ERROR_NOT_MAPPED => Lost,
    CUDA_ERROR_NOT_MAPPED_AS_ARRAY => Lost,
    CUDA_ERROR_NOT_MAPPED_AS_POINTER => Lost,
    CUDA_ERROR_ECC_UNCORRECTABLE => Lost,
    CUDA_ERROR_UNSUPPORTED_LIMIT => Lost,
    CUDA_ERROR_CONTEXT_ALREADY_IN_USE => Lost,
    CUDA_ERROR_PEER_ACCESS_UNSUPPORTED => Lost,
    CUDA_ERROR_INVALID_PTX => Call,
    CUDA_ERROR_INVALID_GRAPHICS_CONTEXT => Lost,
    CUDA_ERROR_NVLINK_UNCORRECTABLE => Lost,
    CUDA_ERROR_JIT_COMPILER_NOT_FOUND => Compiler,
    CUDA_ERROR_UNSUPPORTED_PTX_VERSION => Call,
    CUDA_ERROR_JIT_COMPILATION_DISABLED => Compiler,
    CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY => Lost,
    CUDA_ERROR_UNSUPPORTED_DEVSIDE_SYNC => Call,
    // The device contained an error of its own; the process is in an inconsistent state.
    CUDA_ERROR_CONTAINED => Lost,
    CUDA_ERROR_INVALID_SOURCE => Call,
    CUDA_ERROR_FILE_NOT_FOUND => Compiler,
    CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND => Compiler,
    CUDA_ERROR_SHARED_OBJECT_INIT_FAILED => Compiler,
    CUDA_ERROR_OPERATING_SYSTEM => Compiler,
    CUDA_ERROR_INVALID_HANDLE => Lost,
    CUDA_ERROR_ILLEGAL_STATE => Lost,
    CUDA_ERROR_LOSSY_QUERY => Lost,
    CUDA_ERROR_NOT_FOUND => Call,
    // Only a question is answered so, and never comes here.
    CUDA_ERROR_NOT_READY => Lost,
    CUDA_ERROR_ILLEGAL_ADDRESS => Fault,
    CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES => Call,
    // By the watchdog of a device that has a display.
    CUDA_ERROR_LAUNCH_TIMEOUT => Fault,
    CUDA_ERROR_LAUNCH_INCOMPATIBLE_TEXTURING => Lost,
    CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED => Lost,
    CUDA_ERROR_PEER_ACCESS_NOT_ENABLED => Lost,
    CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE => Lost,
    CUDA_ERROR_CONTEXT_IS_DESTROYED => Lost,
    CUDA_ERROR_ASSERT => Fault,
    CUDA_ERROR_TOO_MANY_PEERS => Lost,
    CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED => Lost,
    CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED => Lost,
    CUDA_ERROR_HARDWARE_STACK_ERROR => Fault,
    CUDA_ERROR_ILLEGAL_INSTRUCTION => Fault,
    CUDA_ERROR_MISALIGNED_ADDRESS => Fault,
    CUDA_ERROR_INVALID_ADDRESS_SPACE => Fault,
    CUDA_ERROR_INVALID_PC => Fault,
    CUDA_ERROR_LAUNCH_FAILED => Fault,
    CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE => Call,
    // A block ended, and did not free its tensor memory.
    CUDA_ERROR_TENSOR_MEMORY_LEAK => Fault,
    CUDA_ERROR_NOT_PERMITTED => Lost,
    CUDA_ERROR_NOT_SUPPORTED => Call,
    CUDA_ERROR_SYSTEM_NOT_READY => Lost,
    CUDA_ERROR_SYSTEM_DRIVER_MISMATCH => Lost,
    CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE => Lost,
    CUDA_ERROR_MPS_CONNECTION_FAILED => Lost,
    CUDA_ERROR_MPS_RPC_FAILURE => Lost,
    CUDA_ERROR_MPS_SERVER_NOT_READY => Lost,
    CUDA_ERROR_MPS_MAX_CLIENTS_REACHED => Lost,
    CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED => Lost,
    CUDA_ERROR_MPS_CLIENT_TERMINATED => Lost,
    CUDA_ERROR_CDP_NOT_SUPPORTED => Call,
    CUDA_ERROR_CDP_VERSION_MISMATCH => Call,
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED => Lost,
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED => Lost,
    CUDA_ERROR_STREAM_CAPTURE_MERGE => Lost,
    CUDA_ERROR_STREAM_CAPTURE_UNMATCHED => Lost,
    CUDA_ERROR_STREAM_CAPTURE_UNJOINED => Lost,
    CUDA_ERROR_STREAM_CAPTURE_ISOLATION => Lost,
    CUDA_ERROR_STREAM_CAPTURE_IMPLICIT => Lost,
    CUDA_ERROR_CAPTURED_EVENT => Lost,
    CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD => Lost,
    CUDA_ERROR_TIMEOUT => Lost,
    CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE => Lost,
    CUDA_ERROR_EXTERNAL_DEVICE => Lost,
    CUDA_ERROR_INVALID_CLUSTER_SIZE => Call,
    CUDA_ERROR_FUNCTION_NOT_LOADED => Lost,
    CUDA_ERROR_INVALID_RESOURCE_TYPE => Lost,
    CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION => Lost,
    CUDA_ERROR_KEY_ROTATION => Lost,
    // Whatever it was, the driver does not say.
    CUDA_ERROR_UNKNOWN => Compiler,
    ;
    CUDA_ERROR_INSUFFICIENT_LOADER_VERSION = 227 => Compiler,
    CUDA_ERROR_STREAM_DETACHED = 917 => Lost,
    CUDA_ERROR_GRAPH_RECAPTURE_FAILURE = 918 => Lost,
    CUDA_ERROR_FABRIC_NOT_READY = 919 => Lost,
}

/// The name of an error, if it is one that was known when this was written.
pub(super) fn name(error: u32) -> Option<&'static str> {
    let mut errors = ERRORS.iter();
    errors.find_map(|(number, name, _)| (*number == error).then_some(*name))
}

/// What an error means. One that is not known may mean anything.
pub(super) fn severity(error: u32) -> Severity {
    let mut errors = ERRORS.iter();
    let found = errors.find_map(|(number, _, severity)| (*number == error).then_some(*severity));
    found.unwrap_or(Severity::Lost)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_error_has_one_row() {
        let numbers: BTreeSet<u32> = ERRORS.iter().map(|(number, ..)| *number).collect();
        assert_eq!(numbers.len(), ERRORS.len());
        assert!(!numbers.contains(&0));
    }

    #[test]
    fn what_is_not_known_to_be_harmless_ends_the_process() {
        for (error, expected, known_as) in [
            (2, Severity::Call, "CUDA_ERROR_OUT_OF_MEMORY"),
            (218, Severity::Call, "CUDA_ERROR_INVALID_PTX"),
            (700, Severity::Fault, "CUDA_ERROR_ILLEGAL_ADDRESS"),
            (702, Severity::Fault, "CUDA_ERROR_LAUNCH_TIMEOUT"),
            (710, Severity::Fault, "CUDA_ERROR_ASSERT"),
            (721, Severity::Fault, "CUDA_ERROR_TENSOR_MEMORY_LEAK"),
            (214, Severity::Lost, "CUDA_ERROR_ECC_UNCORRECTABLE"),
            (220, Severity::Lost, "CUDA_ERROR_NVLINK_UNCORRECTABLE"),
            (226, Severity::Lost, "CUDA_ERROR_CONTAINED"),
            (46, Severity::Lost, "CUDA_ERROR_DEVICE_UNAVAILABLE"),
            (805, Severity::Lost, "CUDA_ERROR_MPS_CONNECTION_FAILED"),
            (304, Severity::Compiler, "CUDA_ERROR_OPERATING_SYSTEM"),
            (
                223,
                Severity::Compiler,
                "CUDA_ERROR_JIT_COMPILATION_DISABLED",
            ),
            (999, Severity::Compiler, "CUDA_ERROR_UNKNOWN"),
        ] {
            assert_eq!(severity(error), expected, "{error}");
            assert_eq!(name(error).unwrap(), known_as);
        }
        for unknown in [998, 12_345, u32::MAX] {
            assert_eq!((severity(unknown), name(unknown)), (Severity::Lost, None));
        }
    }
}
