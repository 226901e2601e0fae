//! The options of policies: the tokens that they know, the rates that callers have, and the
//! settings that they read.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use tensor_wasm_node::host::POLICY_REUSE;
use tensor_wasm_node::tokens::Tokens;

use crate::values;

/// The variable that holds tokens, for operators who keep them out of files.
pub const TOKENS_VARIABLE: &str = "TENSOR_WASM_API_TOKENS";

#[derive(Args)]
pub struct PolicyOptions {
    /// A policy component to put in front; repeat for more, outermost first
    #[arg(long = "policy", value_name = "COMPONENT", help_heading = "Policy")]
    pub policies: Vec<PathBuf>,
    /// How many requests one instance of a policy in front decides on, one after another. With 1
    /// it remembers nothing from one request to the next, and each request takes longer
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = POLICY_REUSE,
        help_heading = "Policy"
    )]
    pub policy_reuse: NonZeroUsize,
    /// The bearer tokens that policies know, as `tensor-wasm token new` writes them
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    token_file: Option<PathBuf>,
    /// Bearer tokens as token:tenant=* or token:tenant=1,2, separated by commas. Not to
    /// be given as an option, which other users could see: set the variable, or the key
    /// of the configuration file
    #[arg(
        long,
        help_heading = "Policy",
        value_name = "TOKENS",
        env = TOKENS_VARIABLE,
        hide_env_values = true
    )]
    api_tokens: Option<String>,
    /// Let requests without a token through, to anybody who can reach the address
    #[arg(long, help_heading = "Policy")]
    pub insecure_no_auth: bool,
    /// Refuse requests that name no tenant in X-TensorWasm-Tenant, instead of taking
    /// them for tenant 0's
    #[arg(
        long,
        help_heading = "Policy",
        env = "TENSOR_WASM_API_REQUIRE_TENANT",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    require_tenant: bool,
    /// Requests a second that each token may make in the long run; 0 for no limit
    #[arg(
        long,
        value_name = "NUMBER",
        env = "TENSOR_WASM_API_RATE_LIMIT_QPS",
        help_heading = "Policy"
    )]
    rate_limit_qps: Option<u32>,
    /// Requests that each token may make at once after a pause; 0 for no limit
    #[arg(
        long,
        value_name = "NUMBER",
        env = "TENSOR_WASM_API_RATE_LIMIT_BURST",
        help_heading = "Policy"
    )]
    rate_limit_burst: Option<u32>,
    /// Whether each tenant of a token has a limit of its own too
    #[arg(long, value_enum, default_value = "token", help_heading = "Policy")]
    rate_limit_by: RateLimitBy,
    /// Leave the header Authorization in requests that a policy has admitted. The
    /// application then sees its callers' tokens, and can send them elsewhere
    #[arg(long, help_heading = "Policy")]
    pub keep_authorization: bool,
    /// A setting that policies find in wasi:config/store; repeatable
    #[arg(long = "setting", value_name = "KEY=VALUE", value_parser = values::setting, help_heading = "Policy")]
    settings: Vec<(String, String)>,
}

/// What has a bucket of its own.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum RateLimitBy {
    /// Each token
    Token,
    /// Each token, and each tenant of it
    TokenAndTenant,
}

/// Where only one of the two is set, the other is this, as it always was.
const QPS: NonZeroU32 = NonZeroU32::new(100).unwrap();
const BURST: NonZeroU32 = NonZeroU32::new(200).unwrap();

impl PolicyOptions {
    /// Who may call.
    ///
    /// # Errors
    ///
    /// Where tokens can't be read, or are wrong.
    pub fn tokens(&self) -> anyhow::Result<Tokens> {
        let (text, file) = (&self.api_tokens, &self.token_file);
        Tokens::new(text.as_deref(), file.as_deref()).with_context(|| {
            let variable = text.as_ref().map(|_| TOKENS_VARIABLE.to_owned());
            let file = file.as_ref().map(|path| path.display().to_string());
            let sources: Vec<_> = variable.into_iter().chain(file).collect();
            format!("can't use the tokens of {}", sources.join(" and "))
        })
    }

    /// The limit of each token, as requests a second and requests at once.
    pub fn rate(&self) -> Option<(NonZeroU32, NonZeroU32)> {
        let set = |number: Option<u32>| number.and_then(NonZeroU32::new);
        match (set(self.rate_limit_qps), set(self.rate_limit_burst)) {
            (None, None) => None,
            (qps, burst) => Some((qps.unwrap_or(QPS), burst.unwrap_or(BURST))),
        }
    }

    /// What policies find in `wasi:config/store`.
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        let mut set = |key: &str, value: String| settings.push((key.to_owned(), value));
        if self.insecure_no_auth {
            set("insecure-no-auth", "true".to_owned());
        }
        if self.require_tenant {
            set("require-tenant", "true".to_owned());
        }
        if let Some((qps, burst)) = self.rate() {
            set("rate-limit-qps", qps.to_string());
            set("rate-limit-burst", burst.to_string());
        }
        if self.rate_limit_by == RateLimitBy::TokenAndTenant {
            set("rate-limit-by", "token-and-tenant".to_owned());
        }
        settings.extend(self.settings.iter().cloned());
        settings
    }
}
