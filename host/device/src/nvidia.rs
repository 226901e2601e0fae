//! How an NVIDIA device is named: by its number among those that the driver shows, or by its UUID,
//! which stays the same whatever is shown. A part of a device (MIG) has a UUID of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An NVIDIA device that an operator names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NvidiaDevice {
    /// By its number among those that the driver shows, from 0.
    Number(u32),
    /// By its UUID.
    Uuid(NvidiaUuid),
}

impl From<u32> for NvidiaDevice {
    fn from(number: u32) -> NvidiaDevice {
        NvidiaDevice::Number(number)
    }
}

impl fmt::Display for NvidiaDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NvidiaDevice::Number(number) => number.fmt(f),
            NvidiaDevice::Uuid(uuid) => uuid.fmt(f),
        }
    }
}

impl FromStr for NvidiaDevice {
    type Err = NoDeviceName;

    fn from_str(text: &str) -> Result<NvidiaDevice, NoDeviceName> {
        match text.parse() {
            Ok(number) => Ok(NvidiaDevice::Number(number)),
            Err(_) => text.parse().map(NvidiaDevice::Uuid),
        }
    }
}

/// The UUID of an NVIDIA device, or of a part of one. It is written as `nvidia-smi -L` shows it, and
/// as the variable `CUDA_VISIBLE_DEVICES` takes it: `GPU-…` or `MIG-…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NvidiaUuid {
    pub(crate) bytes: [u8; 16],
    /// Whether it is that of a part.
    pub(crate) is_part: bool,
}

/// What is neither a number nor a UUID of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a number, or a UUID as nvidia-smi -L shows it: GPU-… or MIG-…, with 32 hexadecimal digits"
)]
pub struct NoDeviceName;

/// Where a UUID has its hyphens: before these bytes.
const HYPHENS: [usize; 4] = [4, 6, 8, 10];

impl fmt::Display for NvidiaUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_part { "MIG-" } else { "GPU-" })?;
        for (index, byte) in self.bytes.iter().enumerate() {
            if HYPHENS.contains(&index) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for NvidiaUuid {
    type Err = NoDeviceName;

    fn from_str(text: &str) -> Result<NvidiaUuid, NoDeviceName> {
        let (is_part, digits) = match (text.strip_prefix("GPU-"), text.strip_prefix("MIG-")) {
            (Some(digits), _) => (false, digits),
            (None, Some(digits)) => (true, digits),
            (None, None) => return Err(NoDeviceName),
        };
        let digits = digits.replace('-', "");
        let number = u128::from_str_radix(&digits, 16).map_err(|_| NoDeviceName)?;
        let uuid = NvidiaUuid {
            bytes: number.to_be_bytes(),
            is_part,
        };
        // Nothing is left out, doubled, or elsewhere.
        match uuid.to_string().eq_ignore_ascii_case(text) {
            true => Ok(uuid),
            false => Err(NoDeviceName),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const WHOLE: &str = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6";
    const PART: &str = "MIG-01020304-0506-0708-090a-0b0c0d0e0f10";

    #[test]
    fn a_device_is_named_by_number_or_uuid_and_written_the_same() {
        for text in ["0", "17", WHOLE, PART] {
            let device: NvidiaDevice = text.parse().unwrap();
            assert_eq!(device.to_string(), text);
        }
        let upper: NvidiaUuid = WHOLE.replace('f', "F").parse().unwrap();
        assert_eq!(upper.to_string(), WHOLE);
    }

    #[test]
    fn what_names_no_device_is_refused() {
        let long = format!("{WHOLE}0");
        for text in [
            "",
            "-1",
            "4294967296",
            "GPU-",
            "GPU-8932f937",
            "gpu-8932f937-d72c-4106-c12f-20bd9faed9f6",
            "GPU-8932f937d72c4106c12f20bd9faed9f6",
            "GPU-+932f937-d72c-4106-c12f-20bd9faed9f6",
            "MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/0",
            &long,
        ] {
            assert_eq!(text.parse::<NvidiaDevice>(), Err(NoDeviceName), "{text}");
        }
    }
}
