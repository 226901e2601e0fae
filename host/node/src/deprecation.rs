//! What still works and is going to be removed: one table. The warnings at the start, the refusal
//! from the version of the removal on, and the table in `docs/MIGRATION-v0-to-v1.md` come from it.
//! `GOVERNANCE.md` says how long a deprecation lasts.

use std::fmt;

/// A minor version of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// What breaks with each: `1` in `1.4`.
    pub major: u32,
    /// `4` in `1.4`.
    pub minor: u32,
}

impl Release {
    /// The one that this is.
    pub const CURRENT: Release = Release {
        major: number(env!("CARGO_PKG_VERSION_MAJOR")),
        minor: number(env!("CARGO_PKG_VERSION_MINOR")),
    };
}

/// A part of the version that cargo has checked.
const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("a part of a version is a number"),
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Something that users do, and will not be able to do any more.
#[derive(Debug)]
pub struct Deprecation {
    /// What it is; a plural.
    pub what: &'static str,
    /// The first release that warns of it.
    pub since: Release,
    /// The first release that refuses it.
    pub removal: Release,
    /// What to do instead.
    pub cure: &'static str,
}

impl Deprecation {
    /// Whether a release refuses it.
    pub fn is_removed_in(&self, release: Release) -> bool {
        release >= self.removal
    }
}

impl fmt::Display for Deprecation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deprecation { what, cure, .. } = self;
        write!(
            f,
            "{what} are deprecated: {cure}; version {} refuses them",
            self.removal
        )
    }
}

/// Tokens of the environment that do not say whom they are for.
pub const BARE_TOKENS: Deprecation = Deprecation {
    what: "bare bearer tokens in TENSOR_WASM_API_TOKENS",
    since: Release { major: 0, minor: 1 },
    removal: Release { major: 1, minor: 0 },
    cure: "write token:tenant=* or token:tenant=1,2",
};

/// All of them, by the release that first warned.
pub const DEPRECATIONS: &[&Deprecation] = &[&BARE_TOKENS];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_deprecated_stays_for_two_releases_and_until_the_first_major_one() {
        let first_major = Release { major: 1, minor: 0 };
        for deprecation in DEPRECATIONS {
            let Release { major, minor } = deprecation.since;
            let two_later = Release {
                major,
                minor: minor + 2,
            };
            assert!(deprecation.removal >= two_later, "{deprecation}");
            assert!(deprecation.removal >= first_major, "{deprecation}");
        }
    }

    #[test]
    fn the_guide_to_version_1_lists_what_is_deprecated_and_nothing_else() {
        let guide = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/MIGRATION-v0-to-v1.md"
        );
        let guide = std::fs::read_to_string(guide).unwrap();
        let (_, table) = guide.split_once("## 3. Deprecation table").unwrap();
        let (table, _) = table.split_once("\n## ").unwrap();
        let rows: Vec<_> = table
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| item"))
            .collect();
        let expected: Vec<_> = DEPRECATIONS
            .iter()
            .map(|deprecation| {
                let Deprecation {
                    what,
                    since,
                    removal,
                    cure,
                } = deprecation;
                format!("| {what} | {since} | {removal} | {cure} |")
            })
            .collect();
        assert_eq!(rows, expected);
    }
}
