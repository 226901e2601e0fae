//! The head of a module: its version, its target and the size of its addresses.

use crate::syntax::lex::Token;
use crate::syntax::parse::{Parsed, Parser, shortened};

/// The oldest and the newest major version of PTX that the parser knows.
const VERSIONS: std::ops::RangeInclusive<u32> = 3..=9;

impl Parser<'_> {
    pub(super) fn version(&mut self) -> Parsed<()> {
        self.bump();
        let at = self.at;
        let text = self.lexer.token_text();
        let version = text.split_once('.').and_then(|(major, minor)| {
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        });
        let Some(version) = version else {
            return Err(self.unexpected("a version, such as `8.0`"));
        };
        self.bump();
        if !VERSIONS.contains(&version.0) {
            let (major, minor) = version;
            let message = format!(
                "PTX {major}.{minor} is not known: versions {}.0 to {}.x are",
                VERSIONS.start(),
                VERSIONS.end()
            );
            return self.issue(at, message);
        }
        self.module.version = version;
        Ok(())
    }

    pub(super) fn target(&mut self) -> Parsed<()> {
        self.bump();
        let (name, at) = self.name("a target, such as `sm_75`")?;
        let digits = name
            .strip_prefix("sm_")
            .map(|rest| rest.trim_end_matches(['a', 'f']))
            .and_then(|digits| digits.parse::<u32>().ok());
        let Some(number) = digits else {
            let name = shortened(name);
            return self.issue(at, format!("`{name}` is not a target, such as `sm_75`"));
        };
        let newest = self.limits.max_target;
        if number > newest {
            let message = format!(
                "target sm_{number} is newer than this device: compile for sm_{newest} or older"
            );
            return self.issue(at, message);
        }
        self.module.target = number;
        while self.eat(',') {
            let (option, at) = self.name("an option of the target")?;
            if !matches!(
                option,
                "debug" | "texmode_independent" | "texmode_unified" | "map_f64_to_f32"
            ) {
                let option = shortened(option);
                return self.issue(at, format!("target option `{option}` is not known"));
            }
        }
        Ok(())
    }

    pub(super) fn address_size(&mut self) -> Parsed<()> {
        self.bump();
        let at = self.at;
        match self.bump() {
            Token::Integer(64) => Ok(()),
            _ => self.issue(at, "addresses must have 64 bits: `.address_size 64`"),
        }
    }
}
