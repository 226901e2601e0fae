//! The lines that `serve` prints when it is ready.

use std::net::SocketAddr;

/// What `serve` says of itself at its start.
#[derive(Clone, Debug)]
pub struct Start {
    /// Where it serves.
    pub address: SocketAddr,
    /// The same as it printed it, `http` or `https` included.
    pub url: String,
    /// Where it answers health checks, if it was asked to.
    pub admin: Option<SocketAddr>,
    /// The component's file and digest.
    pub component: String,
    /// The interfaces that the component was given.
    pub granted: Vec<String>,
    /// The interfaces that it asked for and was not given.
    pub denied: Vec<String>,
    /// The device, or that there is none.
    pub device: String,
    /// All of it, as printed.
    pub text: String,
}

impl Start {
    /// Reads the lines, once the last of them is there: the one of the device.
    pub fn parse(text: &str) -> Option<Self> {
        let after = |prefix: &str| {
            text.split_inclusive('\n')
                .filter_map(|line| line.strip_suffix('\n'))
                .find_map(|line| line.strip_prefix(prefix))
        };
        let device = after("device ")?.to_owned();
        let url = after("listening on ")?.to_owned();
        Some(Self {
            address: address(&url)?,
            url,
            admin: after("admin on ").and_then(address),
            component: after("component ").or(after("node "))?.to_owned(),
            granted: after("granted ").map(list).unwrap_or_default(),
            denied: after("denied ").map(list).unwrap_or_default(),
            device,
            text: text.to_owned(),
        })
    }
}

fn address(url: &str) -> Option<SocketAddr> {
    let (scheme, address) = url.split_once("://")?;
    matches!(scheme, "http" | "https")
        .then(|| address.parse().ok())
        .flatten()
}

fn list(line: &str) -> Vec<String> {
    line.split(", ")
        .filter(|name| *name != "none")
        .map(str::to_owned)
        .collect()
}
