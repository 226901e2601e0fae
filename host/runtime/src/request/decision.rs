//! What a policy decides on a request: who calls, for which tenant, and whether the
//! request may pass.

/// What a policy decided on one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The request passes, for this tenant.
    Admitted {
        /// Who calls, where the policy knows.
        caller: Option<Principal>,
        /// The tenant that the call is for.
        tenant: u64,
    },
    /// The policy answers the request itself.
    Refused {
        /// Who calls, where the policy knows.
        caller: Option<Principal>,
        /// The reason, for example `unauthorized`.
        kind: String,
    },
}

impl Decision {
    /// Who calls, where the policy knows.
    pub fn caller(&self) -> Option<&Principal> {
        match self {
            Decision::Admitted { caller, .. } | Decision::Refused { caller, .. } => caller.as_ref(),
        }
    }
}

/// A caller whose token is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// A stable name that is safe to log; never the token itself.
    pub id: String,
    /// The tenants that the principal may act for.
    pub scope: Scope,
    /// What the principal may do, in words that the operator chose and a policy
    /// understands, for example `admin`.
    pub roles: Vec<String>,
}

/// The tenants that a principal may act for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All tenants, including those that are added later.
    All,
    /// These, by number.
    Only(Vec<u64>),
}
