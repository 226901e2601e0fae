//! The query of a request: known names, each at most once.

use std::str::FromStr;

use crate::error::{INVALID_REQUEST, NodeError};

/// The parameters of a query.
#[derive(Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of a route that has these parameters.
    pub(super) fn parse(query: Option<&str>, known: &[&str]) -> Result<Query, NodeError> {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs: Vec<(String, String)> = pairs.into_owned().collect();
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let takes = match known {
                    [] => "this route takes none".to_owned(),
                    known => format!("this route takes {}", known.join(", ")),
                };
                return Err(NodeError::new(
                    &INVALID_REQUEST,
                    format_args!("the query parameter `{name}` is unknown: {takes}"),
                ));
            }
            if pairs.iter().take(at).any(|(other, _)| other == name) {
                return Err(NodeError::new(
                    &INVALID_REQUEST,
                    format_args!("the query has `{name}` more than once"),
                ));
            }
        }
        Ok(Query(pairs))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let found = pairs.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A whole number between two others, or the default.
    pub(super) fn number(
        &self,
        name: &str,
        range: (u32, u32),
        default: u32,
    ) -> Result<u32, NodeError> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        let (least, most) = range;
        match u32::from_str(text) {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(NodeError::new(
                &INVALID_REQUEST,
                format_args!("`{name}` is a number from {least} to {most}"),
            )),
        }
    }
}
