//! How a request fails: each way is one [`HandleError`], which alone decides status,
//! kind and text of the response, so that two layers can't disagree.

use http::StatusCode;
use thiserror::Error;

/// Why a request got no response of the guest.
///
/// The response of one kind of error is always the same. Details, such as a trap's
/// backtrace, are logged under the request's id, since they would show strangers the
/// inside of the component.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleError {
    /// The guest gave no response within the request timeout.
    #[error("the component gave no response within the request timeout")]
    TimedOut,
    /// As many requests as the limit allows are running.
    #[error("the server is at its limit of concurrent requests: retry after a second")]
    Overloaded,
    /// As many requests of this peer as the limit allows are running.
    #[error(
        "this client's address has {limit} requests running, as many as it may: retry when one has ended"
    )]
    TooManyRequests {
        /// How many may run.
        limit: usize,
    },
    /// The instances of the request's tenant have all the memory that they may.
    #[error(
        "the requests of tenant {tenant} have all the memory that they may: retry when one has ended"
    )]
    TenantCapacityExhausted {
        /// Which tenant.
        tenant: u64,
    },
    /// The guest trapped or exited.
    #[error("the component failed: the server's log holds the cause under this request id")]
    Trapped,
    /// The guest returned, and set no response.
    #[error("the component returned without a response")]
    NoResponse,
    /// A policy decides on the request, and a response came before its decision.
    #[error("the policy let the request end without a decision")]
    Undecided,
    /// The request's body is longer than the limit.
    #[error("the request body is larger than the {limit} bytes that this server accepts")]
    BodyTooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The client stopped sending in the middle of the request's body, or sent it too
    /// slowly.
    #[error("the request body came too slowly, or stopped coming")]
    BodyStalled,
    /// The component imports the GPU, and is refused to this tenant.
    #[error("tenant {tenant} is refused the GPU, which this component asks for")]
    GpuRefused {
        /// Which tenant.
        tenant: u64,
    },
    /// The request could change something, and can't be recorded.
    #[error(
        "the audit log can't be written: only requests that change nothing are served, such as GET"
    )]
    AuditUnavailable,
    /// The request can't be passed to a component.
    #[error("the request is malformed: {0}")]
    BadRequest(&'static str),
    /// The target of the request is longer than the limit.
    #[error("the request's target is longer than the {limit} bytes that this server accepts")]
    TargetTooLong {
        /// In bytes.
        limit: u64,
    },
    /// The head of the request is longer than the limit, or has more headers than the HTTP
    /// library takes.
    #[error(
        "the request's head is too large: this server accepts {limit} bytes, and 100 headers \
         over HTTP/1.1"
    )]
    HeadTooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The body of the request is sent in a transfer coding other than `chunked`.
    #[error("the request's Transfer-Encoding is not supported: send `chunked` alone")]
    UnsupportedCoding,
    /// The guest answered with a status that no final response can have (RFC 9110, sections
    /// 9.3.6, 15 and 15.2).
    #[error("the component answered with status {status}, which can't be sent as a response")]
    InvalidStatus {
        /// What the guest set.
        status: u16,
    },
    /// The host failed, through no fault of guest or client.
    #[error("the server failed: its log holds the cause under this request id")]
    Internal,
}

impl HandleError {
    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::Overloaded | Self::AuditUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooManyRequests { .. } | Self::TenantCapacityExhausted { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::GpuRefused { .. } => StatusCode::FORBIDDEN,
            Self::Trapped
            | Self::NoResponse
            | Self::Undecided
            | Self::InvalidStatus { .. }
            | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyStalled => StatusCode::REQUEST_TIMEOUT,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TargetTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnsupportedCoding => StatusCode::NOT_IMPLEMENTED,
        }
    }

    /// The word in the error response that a client's code may act on. Stable.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TimedOut => "timeout",
            Self::Overloaded => "overloaded",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::TenantCapacityExhausted { .. } => "tenant_capacity_exhausted",
            Self::Trapped => "trap",
            Self::NoResponse => "no_response",
            Self::Undecided => "undecided",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyStalled => "body_stalled",
            Self::GpuRefused { .. } => "gpu_refused",
            Self::AuditUnavailable => "audit_unavailable",
            Self::BadRequest(_) => "bad_request",
            Self::TargetTooLong { .. } => "target_too_long",
            Self::HeadTooLarge { .. } => "head_too_large",
            Self::UnsupportedCoding => "unsupported_coding",
            Self::InvalidStatus { .. } => "invalid_status",
            Self::Internal => "internal",
        }
    }
}
