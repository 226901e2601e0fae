//! The list of all capabilities, and what their grants mean to a component's imports.

use super::config::Config;
use super::environment::Environment;
use super::filesystem::Filesystem;
use super::gpu::Gpu;
use super::http::Http;
use super::interface::{self, Interface};
use super::next::Next;
use super::output::OutputSink;
use super::policy::Policy;
use super::shape::CapabilityModule;
use super::sockets::Sockets;
use super::wasi::Wasi;
use crate::error::{Error, MissingImport};
use crate::grant::{Grant, LoadDecision};
use std::sync::Arc;

/// The capabilities of one application, as its operator has set them.
pub(crate) struct Capabilities {
    /// Who takes the lines that instances write, beside the host's log.
    pub(crate) output: Option<Arc<dyn OutputSink>>,
    pub(crate) gpu: Gpu,
    pub(crate) policy: Policy,
    pub(crate) config: Config,
    pub(crate) next: Next,
    pub(crate) environment: Environment,
    pub(crate) filesystem: Filesystem,
    pub(crate) http: Http,
}

/// One capability in the table.
struct Entry {
    interfaces: &'static [Interface],
    decision: LoadDecision,
    unavailable: Option<&'static str>,
}

impl Entry {
    fn of<C: CapabilityModule>(capability: &C) -> Entry {
        Entry {
            interfaces: C::INTERFACES,
            decision: capability.load_decision(),
            unavailable: capability.unavailable(),
        }
    }
}

/// A component's imports, sorted by whether they work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// The imports that do what they say.
    pub granted: Vec<String>,
    /// The imports that are linked, and answer that access is denied, or show nothing.
    pub denied: Vec<String>,
}

impl Capabilities {
    /// The table: every interface of this host, with what becomes of its importers.
    fn table(&self) -> [Entry; 9] {
        [
            Entry::of(&self.gpu),
            Entry::of(&self.policy),
            Entry::of(&self.config),
            Entry::of(&Wasi),
            Entry::of(&self.environment),
            Entry::of(&self.filesystem),
            Entry::of(&Sockets),
            Entry::of(&self.next),
            Entry::of(&self.http),
        ]
    }

    /// Sorts a component's imports.
    ///
    /// # Errors
    ///
    /// [`Error::MissingImports`] with all that this host does not have, and
    /// [`Error::GpuRefused`] with all imports of the GPU where it is refused.
    pub(crate) fn report<'a>(
        &self,
        imports: impl Iterator<Item = &'a str>,
    ) -> Result<ImportReport, Error> {
        let table = self.table();
        let mut report = ImportReport::default();
        let mut refused = Vec::new();
        let mut refused_to = None;
        let mut missing = Vec::new();
        for name in imports {
            let entry = match interface::find(name, &table, |entry| entry.interfaces) {
                Ok(entry) => entry,
                Err(reason) => {
                    let name = name.to_string();
                    missing.push(MissingImport { name, reason });
                    continue;
                }
            };
            if let Some(reason) = entry.unavailable {
                let (name, reason) = (name.to_string(), reason.to_string());
                missing.push(MissingImport { name, reason });
                continue;
            }
            match entry.decision.grant {
                Grant::Granted(()) => report.granted.push(name.to_string()),
                Grant::Denied => report.denied.push(name.to_string()),
                Grant::Refused => {
                    refused.push(format!("`{name}`"));
                    refused_to = Some(&entry.decision.refused_to);
                }
            }
        }
        if !missing.is_empty() {
            return Err(Error::MissingImports(missing));
        }
        if let Some(tenants) = refused_to {
            return Err(Error::GpuRefused {
                tenants: tenants.clone(),
                imports: refused,
            });
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::capability::http::HttpLimits;
    use crate::capability::policy::PolicyGrant;

    /// Capabilities of which nothing is granted, and the GPU as said.
    fn nothing(gpu: Grant<crate::GpuAccess>) -> Capabilities {
        let mut policy = PolicyGrant::default();
        Capabilities {
            output: None,
            gpu: Gpu::new(Arc::new(gpu), true, false),
            config: Config::new(&mut policy),
            policy: Policy::new(&policy, false),
            next: Next::new(None, false, false),
            environment: Environment::new(Vec::new()),
            filesystem: Filesystem::open(Vec::new(), std::num::NonZeroU32::MIN).unwrap(),
            http: Http::new(
                crate::capability::http::HttpGrant::default(),
                HttpLimits::of_memory(1 << 20),
            ),
        }
    }

    fn report(imports: &[&str]) -> Result<ImportReport, Error> {
        nothing(Grant::Denied).report(imports.iter().copied())
    }

    #[test]
    fn every_missing_import_is_named_in_one_error() {
        let imports = [
            "acme:db/sql@1.0.0",
            "wasi:http/types@0.2.4",
            "wasi:io/zebra@0.2.0",
        ];
        let error = report(&imports).unwrap_err().to_string();
        assert!(error.contains("acme:db/sql@1.0.0"), "{error}");
        assert!(error.contains("wasi:io/zebra@0.2.0"), "{error}");
        assert!(!error.contains("`wasi:http/types@0.2.4`"), "{error}");
    }

    #[test]
    fn a_version_of_another_line_is_missing_with_the_one_that_the_host_has() {
        let error = report(&["tensor:gpu/kernels@0.9.0"]).unwrap_err();
        assert!(error.to_string().contains("0.1.x"), "{error}");
        assert!(report(&["wasi:cli/stdin@0.2.99"]).is_ok());
        assert!(report(&["wasi:cli/stdin@0.3.0"]).is_ok());
        for import in ["wasi:cli/stdin@1.0.0", "wasi:cli/stdin", "wasi:cli/stdin@x"] {
            assert!(report(&[import]).is_err(), "{import}");
        }
        assert!(report(&["stdin"]).is_err());
    }

    #[test]
    fn a_draft_fits_in_its_own_version_alone() {
        assert!(report(&["wasi:config/store@0.2.0-rc.1"]).is_ok());
        let error = report(&["wasi:config/store@0.2.0-rc.2"]).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("in version 0.2.0-rc.1: build"), "{error}");
    }

    #[test]
    fn imports_that_reach_out_of_the_instance_are_denied_unless_granted() {
        let imports = [
            "tensor:gpu/kernels@0.1.0",
            "wasi:filesystem/types@0.2.6",
            "wasi:cli/environment@0.2.6",
            "wasi:sockets/tcp@0.2.6",
            "wasi:http/outgoing-handler@0.2.6",
            "wasi:clocks/wall-clock@0.2.6",
        ];
        let report = report(&imports).unwrap();
        assert_eq!(report.granted, ["wasi:clocks/wall-clock@0.2.6"]);
        assert_eq!(report.denied.len(), 5);
    }

    #[test]
    fn a_policy_without_a_component_behind_it_is_missing_one() {
        let error = report(&["wasi:http/incoming-handler@0.2.6"]).unwrap_err();
        assert!(error.to_string().contains("--policy"), "{error}");
    }

    #[test]
    fn a_refused_gpu_is_refused_by_the_names_of_its_imports() {
        let imports = ["tensor:gpu/kernels@0.1.0", "tensor:gpu/residency@0.1.0"];
        let error = nothing(Grant::Refused)
            .report(imports.into_iter())
            .unwrap_err();
        assert!(matches!(&error, Error::GpuRefused { imports, .. } if imports.len() == 2));
        assert!(error.to_string().contains("tenant 0"), "{error}");
    }
}
