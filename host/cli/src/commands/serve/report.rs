//! What `serve` says of the host that it serves: the lines on standard output, which
//! programs read, and the log.

use tensor_wasm_node::host::Host;
use tensor_wasm_runtime::server::{Admin, Server};

use super::Serve;
use super::policy::TOKENS_VARIABLE;

impl Serve {
    /// The lines that say what is served, and where. Programs read them, so their form
    /// stays.
    pub(super) fn report(&self, host: &Host, server: &Server, admin: Option<&Admin>) -> String {
        let mut text = format!("listening on {}\n", server.url());
        if let Some(admin) = admin {
            text += &format!("admin on http://{}\n", admin.address());
        }
        for (path, policy) in self.policy.policies.iter().zip(host.policies()) {
            let imports = policy.component.imports();
            text += &format!(
                "policy {} {} granted {}; denied {}\n",
                super::file_name(path),
                policy.component.digest(),
                list(&imports.granted),
                list(&imports.denied)
            );
        }
        let application = host.application();
        let name = super::file_name(&self.component);
        text += &format!("component {name} {}\n", application.digest());
        let imports = application.imports();
        for (word, imports) in [("granted", &imports.granted), ("denied", &imports.denied)] {
            text += &format!("{word} {}\n", list(imports));
        }
        let refused = host.grants().refused();
        let gpu: Vec<_> = imports
            .granted
            .iter()
            .chain(&imports.denied)
            .filter(|import| import.starts_with("tensor:gpu/"))
            .cloned()
            .collect();
        if !refused.is_empty() && !gpu.is_empty() {
            text += &format!(
                "refused to tenant {}: {}\n",
                refused.join(", "),
                gpu.join(", ")
            );
        }
        text + &format!("device {}\n", self.device.describe(host.device()))
    }

    /// Logs what policies go by; as a warning where that admits everybody, or nobody.
    pub(super) fn log_policy(&self, host: &Host) {
        let options = &self.policy;
        if options.insecure_no_auth {
            tracing::warn!(
                "--insecure-no-auth: WHOEVER REACHES {} IS LET IN WITHOUT A TOKEN",
                self.addr
            );
        } else if host.tokens().current().is_empty() {
            tracing::warn!(
                "there is no token, so policies that ask for one refuse every request: \
                 name some with --token-file or {TOKENS_VARIABLE}"
            );
        }
        match options.rate() {
            Some((qps, burst)) => {
                tracing::info!("rate limit: {qps} requests/s for each token, burst {burst}");
            }
            None => tracing::info!("rate limit: none"),
        }
        self.audit.log(host.audit().is_some());
    }
}

fn list(imports: &[String]) -> String {
    match imports {
        [] => "none".to_owned(),
        imports => imports.join(", "),
    }
}
