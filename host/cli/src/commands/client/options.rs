//! The options that all commands of the client share: which node, which tenant, which token.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use http::HeaderValue;
use tensor_wasm_runtime::HttpTrust;

use super::address::{NodeAddress, Transport};
use super::connection::Client;
use super::error::ClientError;
use crate::config::CLIENT_TOKEN;
use crate::values;

/// How long a node may say nothing.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long it may where it compiles, or runs a function.
pub const LONG_TIMEOUT: Duration = Duration::from_secs(600);

/// Longer than any token, in bytes: a path such as `/dev/zero` must not fill the memory.
const LONGEST_TOKEN: u64 = 4096;

#[derive(Args)]
pub struct ClientOptions {
    /// The address of the node: http://HOST:PORT, https://HOST:PORT or unix:PATH
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "TENSOR_WASM_SERVER",
        default_value = "http://127.0.0.1:8080",
        help_heading = "Node"
    )]
    server: NodeAddress,
    /// The tenant to act for; without it the node decides, usually for tenant 0
    #[arg(
        long,
        value_name = "NUMBER",
        env = "TENSOR_WASM_TENANT",
        help_heading = "Node"
    )]
    tenant: Option<u64>,
    /// A file whose first line is the token to send; by default the token is that of the
    /// variable TENSOR_WASM_TOKEN, if it is set
    #[arg(long, value_name = "FILE", help_heading = "Node")]
    token_from: Option<PathBuf>,
    /// Authorities that certify the node, PEM, beside those of the platform or of the
    /// variable SSL_CERT_FILE
    #[arg(long, value_name = "FILE", help_heading = "Node")]
    ca: Option<PathBuf>,
    /// How long the node may say nothing before the command gives up [default: 60s; 10m
    /// where the node compiles or runs a function]
    #[arg(long, value_name = "TIME", value_parser = values::duration, help_heading = "Node")]
    timeout: Option<Duration>,
}

impl ClientOptions {
    /// A client of the node.
    ///
    /// # Errors
    ///
    /// Where the token or the authorities can't be used.
    pub fn client(&self) -> Result<Client, ClientError> {
        self.client_with_timeout(TIMEOUT)
    }

    /// A client that lets the node say nothing for so long, where no option says otherwise.
    ///
    /// # Errors
    ///
    /// As [`ClientOptions::client`].
    pub fn client_with_timeout(&self, default: Duration) -> Result<Client, ClientError> {
        let trust = match self.server.transport {
            Transport::Tls { .. } => Some(HttpTrust::load(self.ca.as_deref())?),
            Transport::Tcp { .. } | Transport::Unix(_) => None,
        };
        Ok(Client {
            address: self.server.clone(),
            tenant: self.tenant,
            token: self.token()?,
            trust,
            timeout: self.timeout.unwrap_or(default),
        })
    }

    /// A client of another address of the node, which is told neither tenant nor token.
    ///
    /// # Errors
    ///
    /// Where the authorities can't be used.
    pub fn client_of_nobody(&self, address: &NodeAddress) -> Result<Client, ClientError> {
        let trust = match address.transport {
            Transport::Tls { .. } => Some(HttpTrust::load(self.ca.as_deref())?),
            Transport::Tcp { .. } | Transport::Unix(_) => None,
        };
        Ok(Client {
            address: address.clone(),
            tenant: None,
            token: None,
            trust,
            timeout: self.timeout.unwrap_or(TIMEOUT),
        })
    }

    /// The header `Authorization`.
    fn token(&self) -> Result<Option<HeaderValue>, ClientError> {
        let (token, source) = match &self.token_from {
            Some(path) => (first_line(path)?, path.display().to_string()),
            None => match std::env::var_os(CLIENT_TOKEN) {
                Some(token) if !token.is_empty() => {
                    let token = token.into_string().unwrap_or_default();
                    (token, CLIENT_TOKEN.to_owned())
                }
                _ => return Ok(None),
            },
        };
        let token = token.trim();
        let header = HeaderValue::from_str(&format!("Bearer {token}"));
        // What the source holds is not shown: it may be a secret all the same.
        match header {
            Ok(mut header) if !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic()) => {
                header.set_sensitive(true);
                Ok(Some(header))
            }
            _ => Err(ClientError::Input(format!(
                "{source} holds no token: it has to be one word of ASCII characters, as \
                 `tensor-wasm token new` prints it"
            ))),
        }
    }
}

/// The first line of a file.
fn first_line(path: &Path) -> Result<String, ClientError> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST_TOKEN).read_to_end(&mut text))
        .map_err(|cause| ClientError::File {
            path: path.to_owned(),
            cause,
        })?;
    let line = text.split(|byte| *byte == b'\n').next();
    Ok(String::from_utf8_lossy(line.unwrap_or_default()).into_owned())
}
