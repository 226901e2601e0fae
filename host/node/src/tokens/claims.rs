//! The claims of a token: name, tenants, roles and expiry; and their text forms.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tensor_wasm_runtime::policy::Scope;

use super::{LONGEST_NAME, TokenError};

pub(super) const NAME: &str = "has a name that isn't 1 to 64 of A-Z a-z 0-9 . _ -";
const ROLE: &str = "has a role that isn't 1 to 64 of A-Z a-z 0-9 . _ -";
const TENANTS: &str = "has tenants that are neither * nor numbers with commas between them";
const TIME: &str = "has an end that is no time such as 2027-01-01T00:00:00Z, in UTC";

/// The last second that RFC 3339 can write.
const LATEST: u64 = 253_402_300_799;

/// The claims of a token: who holds it, and what it permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The principal's name: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub name: String,
    /// The tenants that it may act for.
    pub scope: Scope,
    /// What it may do, in words of the same characters as a name.
    pub roles: Vec<String>,
    /// When it expires.
    pub expires: Option<SystemTime>,
}

impl Claims {
    /// Whether they can be written and read back.
    pub(super) fn check(&self) -> Result<(), TokenError> {
        let wrong = |problem| Err(TokenError::Claims { problem });
        if !is_word(&self.name) {
            return wrong(NAME);
        }
        if !self.roles.iter().all(|role| is_word(role)) {
            return wrong(ROLE);
        }
        if matches!(&self.scope, Scope::Only(tenants) if tenants.is_empty()) {
            return wrong("is for no tenant: name at least one, or all with *");
        }
        if self.expires.is_some_and(|time| !can_be_written(time)) {
            return wrong("has an end that isn't between the years 1970 and 9999");
        }
        Ok(())
    }
}

/// Whether this can be a name, or a role.
pub(super) fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(fits)
}

/// Reads `*`, or numbers with commas between them.
///
/// # Errors
///
/// What is wrong, without the text.
pub fn parse_tenants(text: &str) -> Result<Scope, &'static str> {
    if text == "*" {
        return Ok(Scope::All);
    }
    let mut tenants = Vec::new();
    for number in text.split(',') {
        let tenant = parse_tenant(number.trim())?;
        if !tenants.contains(&tenant) {
            tenants.push(tenant);
        }
    }
    Ok(Scope::Only(tenants))
}

pub(super) fn parse_tenant(text: &str) -> Result<u64, &'static str> {
    // `parse` alone would accept a sign.
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TENANTS);
    }
    text.parse()
        .map_err(|_| "has a tenant that is no unsigned 64-bit number")
}

pub(super) fn parse_roles(text: &str) -> Result<Vec<String>, &'static str> {
    text.split(',')
        .map(|role| is_word(role).then(|| role.to_owned()).ok_or(ROLE))
        .collect()
}

pub(super) fn parse_time(text: &str) -> Result<SystemTime, &'static str> {
    humantime::parse_rfc3339(text).map_err(|_| TIME)
}

/// Reads when a token expires: a time such as `2027-01-01T00:00:00Z`, or a duration
/// from now such as `90d`, which ends at a full second.
///
/// # Errors
///
/// What is wrong, without the text: neither of the two, or not in the future.
pub fn parse_expiry(text: &str, now: SystemTime) -> Result<SystemTime, &'static str> {
    let far = "ends later than the year 9999";
    let expires = match (parse_time(text), humantime::parse_duration(text)) {
        (Ok(time), _) => time,
        (_, Ok(duration)) => now
            .checked_add(duration)
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map(|since| UNIX_EPOCH + Duration::from_secs(since.as_secs()))
            .ok_or(far)?,
        _ => {
            return Err(
                "is neither a duration such as 90d nor a time such as 2027-01-01T00:00:00Z",
            );
        }
    };
    if expires <= now {
        return Err("is not in the future");
    }
    if !can_be_written(expires) {
        return Err(far);
    }
    Ok(expires)
}

/// A time as a token file has it: RFC 3339, in UTC.
pub fn format_time(time: SystemTime) -> String {
    // The formatter would panic for other times.
    let written = time.clamp(UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(LATEST));
    humantime::format_rfc3339(written).to_string()
}

fn can_be_written(time: SystemTime) -> bool {
    time.duration_since(UNIX_EPOCH)
        .is_ok_and(|since| since.as_secs() <= LATEST)
}

/// Tenants as a token file has them: `*`, or numbers with commas between them.
pub fn format_tenants(scope: &Scope) -> String {
    match scope {
        Scope::All => "*".to_owned(),
        Scope::Only(tenants) => {
            let numbers: Vec<_> = tenants.iter().map(u64::to_string).collect();
            numbers.join(",")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn tenants_are_all_or_numbers() {
        assert_eq!(parse_tenants("*"), Ok(Scope::All));
        assert_eq!(parse_tenants("0"), Ok(Scope::Only(vec![0])));
        assert_eq!(
            parse_tenants("3, 1,3,18446744073709551615"),
            Ok(Scope::Only(vec![3, 1, u64::MAX]))
        );
        for wrong in [
            "",
            ",",
            "1,",
            "+1",
            "-1",
            "1.0",
            "18446744073709551616",
            "*,1",
            "all",
        ] {
            assert!(parse_tenants(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_end_is_a_duration_from_now_or_a_time_to_come() {
        let now = parse_time("2026-01-01T00:00:00.5Z").unwrap();
        let end = |text| parse_expiry(text, now).map(format_time);
        assert_eq!(end("90d").unwrap(), "2026-04-01T00:00:00Z");
        assert_eq!(end("2027-01-01T00:00:00Z").unwrap(), "2027-01-01T00:00:00Z");
        for (wrong, word) in [
            ("2025-12-31T23:59:59Z", "future"),
            ("0s", "future"),
            ("9000y", "9999"),
            ("tomorrow", "90d"),
            ("", "90d"),
            ("2027-01-01", "90d"),
            ("2027-13-01T00:00:00Z", "90d"),
            ("2027-01-01T00:00:00+02:00", "90d"),
            ("99999999999999999999999d", "90d"),
        ] {
            assert!(end(wrong).unwrap_err().contains(word), "{wrong:?}");
        }
    }

    #[test]
    fn times_that_can_not_be_written_do_no_harm() {
        let before = UNIX_EPOCH - Duration::from_secs(1);
        let after = UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(format_time(before), "1970-01-01T00:00:00Z");
        assert_eq!(format_time(after), "9999-12-31T23:59:59Z");
        for time in [before, after] {
            let claims = Claims {
                name: "a".to_owned(),
                scope: Scope::All,
                roles: vec![],
                expires: Some(time),
            };
            assert!(claims.check().is_err());
        }
    }
}
