//! What `serve` says of the host that it serves: the lines on standard output, which
//! programs read.

use tensor_wasm_node::host::{Host, Served};

use super::Serve;
use crate::commands::server::{file_name, list};

impl Serve {
    /// The lines that say what is served. Programs read them, so their form stays.
    pub(super) fn lines(&self, host: &Host) -> String {
        let mut text = self.server.report_policies(host.policies());
        let application = host.application();
        let name = file_name(&self.component);
        text += &format!("component {name} {}\n", application.digest());
        let imports = application.imports();
        for (word, imports) in [("granted", &imports.granted), ("denied", &imports.denied)] {
            text += &format!("{word} {}\n", list(imports));
        }
        let refused = host.parts().grants().refused();
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
        text + &format!(
            "device {}\n",
            self.server.device.describe(host.parts().device())
        )
    }
}
