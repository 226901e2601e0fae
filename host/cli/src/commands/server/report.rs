//! What a server says of itself: the lines on standard output, which programs read and whose
//! form therefore stays, and the log.

use std::path::Path;

use tensor_wasm_node::host::{HostParts, Policy};
use tensor_wasm_runtime::server::{Admin, Server};

use super::ServerOptions;
use super::policy::TOKENS_VARIABLE;

/// The lines that say where it listens.
pub fn listening(server: &Server, admin: Option<&Admin>) -> String {
    let mut text = format!("listening on {}\n", server.url());
    if let Some(admin) = admin {
        text += &format!("admin on http://{}\n", admin.address());
    }
    text
}

impl ServerOptions {
    /// The lines that say which policies stand in front, and what each was granted.
    pub fn report_policies(&self, policies: &[Policy]) -> String {
        let mut text = String::new();
        for (path, policy) in self.policy.policies.iter().zip(policies) {
            let imports = policy.component.imports();
            text += &format!(
                "policy {} {} granted {}; denied {}\n",
                file_name(path),
                policy.component.digest(),
                list(&imports.granted),
                list(&imports.denied)
            );
        }
        text
    }

    /// Logs what policies go by; as a warning where that admits everybody, or nobody.
    pub fn log_policy(&self, host: &HostParts) {
        let options = &self.policy;
        if options.insecure_no_auth {
            self.warn_of_no_auth();
        } else if host.tokens().current().is_empty() {
            tracing::warn!(
                "there is no token, so policies that ask for one refuse every request: \
                 name some with --token-file or {TOKENS_VARIABLE}"
            );
        }
        self.log_rate();
        self.audit.log(host.audit().is_some());
    }

    /// Logs how often each token may call.
    pub fn log_rate(&self) {
        match self.policy.rate() {
            Some((qps, burst)) => {
                tracing::info!("rate limit: {qps} requests/s for each token, burst {burst}");
            }
            None => tracing::info!("rate limit: none"),
        }
    }

    /// Logs that everybody is let in.
    pub fn warn_of_no_auth(&self) {
        tracing::warn!(
            "--insecure-no-auth: WHOEVER REACHES {} IS LET IN WITHOUT A TOKEN",
            self.listener.addr
        );
    }
}

/// Names on one line.
pub fn list(imports: &[String]) -> String {
    match imports {
        [] => "none".to_owned(),
        imports => imports.join(", "),
    }
}

/// The last part of a path.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}
