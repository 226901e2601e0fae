//! Why components can't be composed, with the component that is at fault.

use std::fmt;

use thiserror::Error;

/// One of the components that were to be composed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// A policy, by its position in the chain, from 0.
    Policy(usize),
    /// The application behind the policies.
    Application,
    /// The component whose exports [`plug`](crate::plug) connects.
    Provider,
    /// The component whose imports [`plug`](crate::plug) connects.
    Consumer,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(index) => write!(f, "policy {}", index + 1),
            Self::Application => f.write_str("the application"),
            Self::Provider => f.write_str("the provider"),
            Self::Consumer => f.write_str("the consumer"),
        }
    }
}

/// Why components could not be composed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The bytes are not a component, or an invalid one.
    #[error("{member} is not a valid WebAssembly component: {cause}")]
    NotAComponent {
        /// Whose bytes.
        member: Member,
        /// What is wrong, and at which offset.
        cause: String,
    },
    /// The bytes are a core module.
    #[error(
        "{member} is a core module, not a component: build it for wasm32-wasip2, or wrap it with `wasm-tools component new`"
    )]
    CoreModule {
        /// Whose bytes.
        member: Member,
    },
    /// A component is initialized, which is of no use in a composite.
    #[error(
        "{member} exports `{export}`, and a component that was composed of several is not initialized: no image can be made of it. Serve it behind its policies with `tensor-wasm serve APPLICATION --policy POLICY`, or build it without `init`"
    )]
    Initialized {
        /// Which one.
        member: Member,
        /// The export with its `init`.
        export: String,
    },
    /// An application imports `tensor:policy` behind a policy that does.
    #[error(
        "the application imports {}, and a policy in front of it imports `tensor:policy` too; composed, equal imports become one, and the application could admit its own requests. Remove the import from the application, and from what is plugged into it. If it is a policy, name it before the application; if it is a composite, compose again from its parts",
        quoted(.imports)
    )]
    ApplicationDecides {
        /// Its imports of `tensor:policy`.
        imports: Vec<String>,
    },
    /// The application exports no handler.
    #[error(
        "the application exports no HTTP handler (`wasi:http/incoming-handler@0.2` or `wasi:http/handler@0.3`); it exports {}",
        list(.exports)
    )]
    ApplicationWithoutHandler {
        /// What it exports instead.
        exports: Vec<String>,
    },
    /// A policy exports no handler, so that it would never be called.
    #[error(
        "{member} exports no `{handler}`, which the application exports, so it can't stand in front of it; it exports {}{}",
        list(.exports),
        served_apart(.exports)
    )]
    PolicyWithoutExport {
        /// Which policy.
        member: Member,
        /// The interface that the chain is made of.
        handler: String,
        /// What it exports instead.
        exports: Vec<String>,
    },
    /// A policy imports no handler, so that it would answer each request itself.
    #[error(
        "{member} imports no `{handler}`, so it could never pass a request on; name a middleware here, and the application last"
    )]
    PolicyWithoutImport {
        /// Which policy.
        member: Member,
        /// The interface that the chain is made of.
        handler: String,
    },
    /// Export and import have the same name and different types.
    #[error("`{interface}` of {provider} doesn't fit {consumer}: {cause}")]
    Mismatch {
        /// Who exports it.
        provider: Member,
        /// Who imports it.
        consumer: Member,
        /// The interface, as the consumer names it.
        interface: String,
        /// The first difference.
        cause: String,
    },
    /// The provider exports nothing that the consumer imports.
    #[error("the provider exports nothing that the consumer imports; it exports {}", list(.exports))]
    NothingToPlug {
        /// What the provider exports.
        exports: Vec<String>,
    },
    /// Imports of the same name and incompatible types, in two members.
    #[error("two of the components import `{interface}` with types that contradict: {cause}")]
    ImportConflict {
        /// The interface.
        interface: String,
        /// The first difference.
        cause: String,
    },
    /// The composition is not a valid component.
    #[error("the components can't be composed: {0}")]
    Encode(String),
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// What to do with a policy that handles requests by another version of WASI.
fn served_apart(exports: &[String]) -> &'static str {
    let handles = |export: &String| {
        let handlers = super::HANDLERS.iter();
        let names = handlers.filter_map(|handler| handler.split_once('@'));
        export
            .split_once('@')
            .is_some_and(|(export, _)| names.into_iter().any(|(name, _)| name == export))
    };
    match exports.iter().any(handles) {
        true => {
            ". Composed, all need the same version of WASI: serve them apart, with `tensor-wasm serve APPLICATION --policy POLICY`, where they may differ"
        }
        false => "",
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
