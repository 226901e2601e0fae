//! What an operator sets: the mechanisms that policies ask, and their settings.

use super::audit::Auditor;
use super::authenticator::Authenticator;
use super::limiter::Limiter;
use arc_swap::{ArcSwap, Cache};
use std::fmt;
use std::sync::Arc;
use wasmtime_wasi_config::WasiConfigVariables;

/// The mechanisms behind `tensor:policy/*`, and the settings in `wasi:config/store`.
/// What is left out fails closed: no caller is known, and every bucket is empty.
#[derive(Clone, Default)]
pub struct PolicyGrant {
    /// Who answers `tensor:policy/credentials`.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Who answers `tensor:policy/limiter`.
    pub limiter: Option<Arc<dyn Limiter>>,
    /// Who keeps a record of each decision. Without it nothing is recorded.
    pub auditor: Option<Arc<dyn Auditor>>,
    /// What `wasi:config/store` shows. No secrets: where policy and application are one
    /// composite, both see them.
    pub settings: ConfigValues,
    /// Whether an application behind a policy that decides sees the `Authorization` of its
    /// callers, which it could send elsewhere. It is removed unless this is set.
    pub keep_authorization: bool,
}

/// What `wasi:config/store` shows, as pairs of key and value. Clones share it: what is replaced
/// here, components find at their next call.
#[derive(Clone, Default)]
pub struct ConfigValues(Arc<ArcSwap<Values>>);

#[derive(Default)]
struct Values {
    pairs: Vec<(String, String)>,
    variables: WasiConfigVariables,
}

impl Values {
    fn of(pairs: Vec<(String, String)>) -> Values {
        Values {
            variables: pairs.iter().cloned().collect(),
            pairs,
        }
    }
}

impl From<Vec<(String, String)>> for ConfigValues {
    fn from(pairs: Vec<(String, String)>) -> ConfigValues {
        ConfigValues(Arc::new(ArcSwap::from_pointee(Values::of(pairs))))
    }
}

impl fmt::Debug for ConfigValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0.load().pairs).finish()
    }
}

impl ConfigValues {
    /// Shows these from now on.
    pub fn replace(&self, pairs: Vec<(String, String)>) {
        self.0.store(Arc::new(Values::of(pairs)));
    }

    /// What is shown now.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.load().pairs.clone()
    }

    /// Whether nothing is shown now.
    pub fn is_empty(&self) -> bool {
        self.0.load().pairs.is_empty()
    }

    /// What one instance reads them by.
    pub(crate) fn reader(&self) -> ConfigReader {
        let mut now = Cache::new(self.0.clone());
        ConfigReader {
            at_start: now.load().clone(),
            now,
        }
    }
}

/// What one instance reads its values by.
pub(crate) struct ConfigReader {
    /// The values when the instance was made.
    at_start: Arc<Values>,
    now: Cache<Arc<ArcSwap<Values>>, Arc<Values>>,
}

impl ConfigReader {
    /// The values as they are now.
    pub(crate) fn variables(&mut self) -> &WasiConfigVariables {
        &self.now.load().variables
    }

    /// Whether the values are those with which the instance was made: what it remembers of them
    /// holds.
    pub(crate) fn is_as_at_start(&mut self) -> bool {
        Arc::ptr_eq(&self.at_start, self.now.load())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_was_made_before_a_reload_is_told_from_one_that_was_made_after_it() {
        let pairs = |value: &str| vec![("key".to_owned(), value.to_owned())];
        let values = ConfigValues::from(pairs("1"));
        let mut before = values.reader();
        assert!(before.is_as_at_start());
        // Also where a reload changes nothing: what is compared is who wrote them.
        values.replace(pairs("1"));
        assert!(!before.is_as_at_start());
        assert!(values.reader().is_as_at_start());
        values.clone().replace(pairs("2"));
        assert!(!before.is_as_at_start());
    }
}
