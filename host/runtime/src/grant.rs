//! What an operator decides on a capability: grant it, deny it, or refuse the components
//! that ask for it.

use std::fmt;
use std::str::FromStr;

/// What an operator decides on a capability. `T` is what a grant gives; it is nothing
/// where only the decision is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant<T = ()> {
    /// The calls work.
    Granted(T),
    /// The component is loaded, and each call answers that access is denied.
    Denied,
    /// A component that imports the capability is not loaded.
    Refused,
}

impl<T> Grant<T> {
    /// The decision alone.
    pub fn decision(&self) -> Grant {
        match self {
            Grant::Granted(_) => Grant::Granted(()),
            Grant::Denied => Grant::Denied,
            Grant::Refused => Grant::Refused,
        }
    }
}

/// The default of a host whose operator says nothing.
impl Default for Grant {
    fn default() -> Self {
        Grant::Granted(())
    }
}

impl Grant {
    /// The decisions, in the order in which help lists them.
    pub const ALL: [Grant; 3] = [Grant::Granted(()), Grant::Denied, Grant::Refused];

    /// The word for it in options and configuration files.
    pub fn word(self) -> &'static str {
        match self {
            Grant::Granted(()) => "grant",
            Grant::Denied => "deny",
            Grant::Refused => "refuse",
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Grant, String> {
        Grant::ALL
            .into_iter()
            .find(|grant| grant.word() == text)
            .ok_or_else(|| format!("`{text}` is not a grant: write grant, deny or refuse"))
    }
}

/// What becomes of a component that imports a capability, decided when it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadDecision {
    /// The decision: granted where at least one of the component's tenants may use the
    /// capability, refused where none may even have the component.
    pub grant: Grant,
    /// The tenants that the component is refused to, for the error; empty where it is
    /// not refused.
    pub refused_to: String,
}

impl LoadDecision {
    /// Granted, or else denied.
    pub fn granted_if(granted: bool) -> LoadDecision {
        LoadDecision {
            grant: match granted {
                true => Grant::Granted(()),
                false => Grant::Denied,
            },
            refused_to: String::new(),
        }
    }

    /// Refused to these tenants.
    pub fn refused(tenants: String) -> LoadDecision {
        LoadDecision {
            grant: Grant::Refused,
            refused_to: tenants,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_read_and_written_by_the_same_words() {
        for grant in Grant::ALL {
            assert_eq!(grant.to_string().parse(), Ok(grant));
        }
        let error = "maybe".parse::<Grant>();
        assert!(error.is_err_and(|error| error.contains("grant, deny or refuse")));
    }
}
