//! What clients know of a node: what was acknowledged has to be there, and what was not may be
//! there or not.

use std::collections::{BTreeMap, BTreeSet};

use super::tables::{STAGED, Tables};
use crate::storage::assets::AssetOwner;
use crate::storage::functions::Function;
use crate::storage::jobs::JobState;

/// Versions of one function that are kept.
pub(super) const VERSIONS: u32 = 3;

/// The digests of assets, by path.
pub(super) type Paths = BTreeMap<String, String>;

/// A function as a client expects it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected {
    /// By number: the digest of the component, and the weight.
    pub(super) versions: BTreeMap<u32, (String, u8)>,
    /// By number, of those that have any.
    pub(super) assets: BTreeMap<u32, Paths>,
    pub(super) values: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, String>,
}

/// What there is under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// A function, or that there is none.
    pub(super) function: Option<Expected>,
    /// The assets that are staged for the next version.
    pub(super) staged: Paths,
}

/// What is known of a name.
#[derive(Clone, Debug)]
pub(super) struct Knowledge {
    /// One of these is so.
    pub(super) candidates: Vec<State>,
    /// A request was given up, and may still change it.
    pub(super) is_changing: bool,
}

impl Default for Knowledge {
    fn default() -> Knowledge {
        Knowledge {
            candidates: vec![State::default()],
            is_changing: false,
        }
    }
}

impl Knowledge {
    /// Whether a function with these versions is among what may be.
    pub(super) fn resolve(&mut self, is: impl Fn(&State) -> bool) -> bool {
        self.candidates.retain(|state| is(state));
        self.is_changing = false;
        !self.candidates.is_empty()
    }

    /// A change begins, which may happen or not.
    pub(super) fn begin(&mut self, change: impl Fn(&State) -> State) {
        for state in self.candidates.clone() {
            let changed = change(&state);
            if !self.candidates.contains(&changed) {
                self.candidates.push(changed);
            }
        }
        self.is_changing = true;
    }
}

/// The function is changed, where there is one.
pub(super) fn changed(state: &State, change: impl FnOnce(&mut Expected)) -> State {
    let mut state = state.clone();
    if let Some(function) = &mut state.function {
        change(function);
    }
    state
}

/// A version more, as a deployment makes it.
pub(super) fn deployed(state: &State, digest: &str) -> State {
    let mut expected = state.function.clone().unwrap_or_default();
    let newest = expected.versions.keys().last().copied().unwrap_or(0) + 1;
    expected
        .versions
        .retain(|number, (_, weight)| *weight > 0 || *number + VERSIONS > newest);
    for (_, weight) in expected.versions.values_mut() {
        *weight = 0;
    }
    expected.versions.insert(newest, (digest.to_owned(), 100));
    if !state.staged.is_empty() {
        expected.assets.insert(newest, state.staged.clone());
    }
    let versions = &expected.versions;
    expected
        .assets
        .retain(|number, _| versions.contains_key(number));
    State {
        function: Some(expected),
        staged: state.staged.clone(),
    }
}

/// No function any more, and nothing staged for it, where there is one.
pub(super) fn deleted(state: &State) -> State {
    match state.function {
        Some(_) => State::default(),
        None => state.clone(),
    }
}

/// Other weights, where all of the versions are there.
pub(super) fn weighted(state: &State, weights: &BTreeMap<u32, u8>) -> State {
    changed(state, |expected| {
        let known = |number| expected.versions.contains_key(number);
        if weights.keys().all(known) {
            for (number, (_, weight)) in &mut expected.versions {
                *weight = weights.get(number).copied().unwrap_or(0);
            }
        }
    })
}

/// Whether an asset can't be at this path beside those that are staged.
pub(super) fn conflicts(state: &State, path: &str) -> bool {
    let is_below = |path: &str, folder: &str| path.starts_with(&format!("{folder}/"));
    let mut staged = state.staged.keys();
    staged.any(|other| is_below(path, other) || is_below(other, path))
}

/// An asset is staged at a path, or none is any more.
pub(super) fn staged(state: &State, path: &str, digest: Option<&str>) -> State {
    let mut state = state.clone();
    match digest {
        Some(digest) => state.staged.insert(path.to_owned(), digest.to_owned()),
        None => state.staged.remove(path),
    };
    state
}

/// The versions of a function, in the form in which they are expected.
pub(super) fn versions_of(function: &Function) -> BTreeMap<u32, (String, u8)> {
    let versions = function.versions.iter();
    let versions = versions.map(|(number, version)| {
        let version = (version.digest.clone(), version.weight);
        (*number, version)
    });
    versions.collect()
}

/// A job that was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct KnownJob {
    pub(super) tenant: u64,
    pub(super) max_attempts: u32,
    pub(super) is_run_again: bool,
    /// Its end, once somebody has seen it.
    pub(super) end: Option<End>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) state: JobState,
    pub(super) status: Option<u16>,
    pub(super) error: Option<(String, String)>,
}

/// What all clients know.
#[derive(Default)]
pub(super) struct Model {
    /// By tenant and name.
    pub(super) functions: BTreeMap<(u64, String), Knowledge>,
    pub(super) jobs: BTreeMap<String, KnownJob>,
    /// By function's id and key: the job, and the digest of its request.
    pub(super) keys: BTreeMap<(String, String), (String, String)>,
    /// Digests that were sent with each key, acknowledged or not.
    pub(super) sent: BTreeMap<(String, String), BTreeSet<String>>,
    /// How many processes have ended.
    pub(super) ends: u32,
    /// What should never happen.
    pub(super) faults: Vec<String>,
}

impl Model {
    /// What should never happen did.
    pub(super) fn fault(&mut self, text: impl Into<String>) {
        self.faults.push(text.into());
    }

    /// Holds the tables against what is known, when no process runs.
    pub(super) fn check(&mut self, tables: &Tables) {
        let mut faults = Vec::new();
        for ((tenant, name), knowledge) in &mut self.functions {
            let found = tables.function(*tenant, name);
            let versions = found.as_ref().map(versions_of);
            let settings = found.as_ref().map(|function| tables.settings(&function.id));
            let names = |secrets: bool| -> Option<BTreeSet<String>> {
                let settings = settings.as_ref()?.iter();
                let settings = settings.filter(|(_, setting)| setting.is_secret() == secrets);
                Some(settings.map(|(name, _)| name.clone()).collect())
            };
            let (values, secrets) = (names(false), names(true));
            let owner = AssetOwner {
                tenant: *tenant,
                function_name: name,
            };
            let paths = |version| -> Paths {
                let assets = tables.assets_of(owner, version).into_iter();
                assets.map(|(path, asset)| (path, asset.digest)).collect()
            };
            let numbers = versions.iter().flat_map(BTreeMap::keys);
            let of_versions = numbers.map(|number| (*number, paths(*number)));
            let of_versions: BTreeMap<_, _> =
                of_versions.filter(|(_, paths)| !paths.is_empty()).collect();
            let staged = paths(STAGED);
            let candidates = knowledge.candidates.clone();
            let is_expected = knowledge.resolve(|state| {
                let is_staged = state.staged == staged;
                let state = state.function.as_ref();
                let keys = |map: &BTreeMap<String, String>| -> BTreeSet<String> {
                    map.keys().cloned().collect()
                };
                is_staged
                    && state.map(|state| state.versions.clone()) == versions
                    && state.is_none_or(|state| state.assets == of_versions)
                    && state.map(|state| keys(&state.values)) == values
                    && state.map(|state| keys(&state.secrets)) == secrets
            });
            if !is_expected {
                faults.push(format!(
                    "tenant {tenant}: {name} is {versions:?} with {values:?} and {secrets:?}, \
                     {of_versions:?}, and {staged:?} is staged; it may be {candidates:?}"
                ));
            }
        }
        for (id, known) in &self.jobs {
            let Some(row) = tables.jobs.get(id) else {
                faults.push(format!("{id} was acknowledged, and is not there"));
                continue;
            };
            let end = End {
                state: row.job.state,
                status: row.job.status,
                error: row.job.error.clone(),
            };
            if known.end.as_ref().is_some_and(|seen| *seen != end) {
                faults.push(format!(
                    "{id} ended as {:?}, and then as {end:?}",
                    known.end
                ));
            }
        }
        self.faults.extend(faults);
    }
}
