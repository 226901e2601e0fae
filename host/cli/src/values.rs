//! Values of options that need more than a number: sizes, durations, pairs.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use tensor_wasm_runtime::Directory;

/// A duration such as `30s`, `500ms` or `2m`, above zero.
pub fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}: write for example 30s, 500ms or 2m"))?;
    if duration.is_zero() {
        return Err("it has to be longer than nothing".to_owned());
    }
    Ok(duration)
}

/// A duration that may be `0s`.
pub fn delay(text: &str) -> Result<Duration, String> {
    match text {
        "0" | "0s" => Ok(Duration::ZERO),
        _ => duration(text),
    }
}

/// The permissions of a file: octal digits such as `660`.
pub fn mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777 && !text.starts_with('+'))
        .ok_or_else(|| "write three octal digits, for example 660".to_owned())
}

/// A size in bytes such as `1048576`, `64MiB` or `1GB`.
pub fn bytes(text: &str) -> Result<u64, String> {
    text.parse::<ByteSize>()
        .map(|size| size.as_u64())
        .map_err(|_| "write a number of bytes, or for example 64MiB or 1GB".to_owned())
}

/// Processors, such as `2` or `0.25`, in thousandths. At least one of these.
pub fn processors(text: &str) -> Result<u32, String> {
    const MOST: f64 = 65_536.0;
    let wrong = || "write a number of processors, for example 2 or 0.25".to_owned();
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return Err(wrong());
    }
    let number: f64 = text.parse().map_err(|_| wrong())?;
    if !(0.001..=MOST).contains(&number) {
        return Err(format!("write a number from 0.001 to {MOST}"));
    }
    Ok((number * 1000.0).round() as u32)
}

/// As [`processors`], or `0`.
pub fn processors_or_none(text: &str) -> Result<u32, String> {
    match text {
        "0" => Ok(0),
        _ => processors(text),
    }
}

/// Thousandths of a processor, as [`processors`] reads them.
pub fn processors_in_words(thousandths: u32) -> String {
    let (whole, part) = (thousandths / 1000, thousandths % 1000);
    let text = format!("{whole}.{part:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `HOST::GUEST`, or one path for both.
pub fn directory(text: &str) -> Result<Directory, String> {
    let (host, guest) = text.split_once("::").unwrap_or((text, text));
    if host.is_empty() || guest.is_empty() {
        return Err("write HOST::GUEST, for example ./models::/models".to_owned());
    }
    Ok(Directory {
        host: PathBuf::from(host),
        guest: guest.to_owned(),
        is_read_only: false,
        guard: None,
    })
}

/// `KEY=VALUE`, or `KEY` to pass on the variable of this process.
pub fn variable(text: &str) -> Result<(String, String), String> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, value.to_owned()),
        None => {
            let value = std::env::var(text).map_err(|_| {
                format!("the environment has no variable `{text}`: write {text}=VALUE")
            })?;
            (text, value)
        }
    };
    if key.is_empty() {
        return Err("write KEY=VALUE".to_owned());
    }
    Ok((key.to_owned(), value))
}

/// `KEY=VALUE`, of a policy's settings.
pub fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, for example max-request-bytes=65536".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_length() {
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("2m").unwrap(), Duration::from_secs(120));
        for wrong in ["", "5", "0s", "-1s", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_delay_may_be_none() {
        assert_eq!(delay("0s").unwrap(), Duration::ZERO);
        assert_eq!(delay("5s").unwrap(), Duration::from_secs(5));
        assert!(delay("soon").is_err());
    }

    #[test]
    fn permissions_are_octal() {
        assert_eq!(mode("660").unwrap(), 0o660);
        assert_eq!(mode("0600").unwrap(), 0o600);
        for wrong in ["", "668", "rw", "1777", "+660", "-1"] {
            assert!(mode(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_eq!(bytes("1000").unwrap(), 1000);
        assert_eq!(bytes("64MiB").unwrap(), 64 << 20);
        assert_eq!(bytes("1GB").unwrap(), 1_000_000_000);
        for wrong in ["", "many", "-1"] {
            assert!(bytes(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn processors_are_a_number_with_up_to_three_places() {
        for (text, thousandths) in [("1", 1000), ("0.25", 250), ("1.5", 1500), ("0.001", 1)] {
            assert_eq!(processors(text).unwrap(), thousandths, "{text}");
            assert_eq!(processors_in_words(thousandths), text);
        }
        for wrong in [
            "", ".", "0", "0.0001", "-1", "+1", "1e3", "many", "nan", "65537", "1.2.3",
        ] {
            assert!(processors(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(processors_or_none("0").unwrap(), 0);
    }

    #[test]
    fn a_directory_has_a_name_for_the_host_and_one_for_the_guest() {
        let both = directory("./models::/m").unwrap();
        assert_eq!((both.host, both.guest.as_str()), ("./models".into(), "/m"));
        assert_eq!(directory("/data").unwrap().guest, "/data");
        assert!(directory("::/m").is_err() && directory("a::").is_err());
    }

    #[test]
    fn a_variable_is_a_pair_or_one_of_our_own() {
        assert_eq!(variable("A=b=c").unwrap(), ("A".into(), "b=c".into()));
        assert_eq!(variable("PATH").unwrap().0, "PATH");
        assert!(variable("=b").is_err() && variable("NOT_SET_ANYWHERE").is_err());
    }
}
