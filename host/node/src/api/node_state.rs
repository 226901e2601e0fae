//! The routes of what a node has beside its functions, for whoever backs up and restores a whole node.

use std::sync::Arc;

use futures::StreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tensor_wasm_runtime::policy::{Principal, Scope};
use tensor_wasm_snapshot::AuditPosition;
use wasmtime_wasi_http::{Error, WasiBody};

use super::model::ImportedState;
use super::snapshots::{SNAPSHOT, expect_snapshot};
use super::{Api, Call, body};
use crate::audit::AuditLog;
use crate::error::{INVALID_REQUEST, NodeError, OPERATOR_ONLY};
use crate::functions::NodeFacts;
use crate::tokens::Tokens;

/// What a backup has that is not in the node's storage.
pub(crate) struct OperatorFiles {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) audit: Option<Arc<AuditLog>>,
}

impl OperatorFiles {
    fn facts(&self) -> NodeFacts {
        let (tokens, tokens_left_out) = self.tokens.current().hashed_lines();
        let position = self.audit.as_ref().and_then(|audit| audit.position());
        NodeFacts {
            tokens,
            tokens_left_out,
            audit: position.map(|head| AuditPosition {
                seq: head.seq,
                hash: head.hash.to_string(),
            }),
        }
    }
}

impl Api {
    /// Whether whoever calls may act for all tenants. Where no policy says who calls, there is one tenant
    /// only.
    pub(super) fn is_operator(&self, call: &Call<'_>) -> bool {
        let is_operator = |caller: &Principal| caller.scope == Scope::All;
        !self.is_guarded || call.scope.caller().is_some_and(is_operator)
    }

    fn expect_operator(&self, call: &Call<'_>) -> Result<(), NodeError> {
        match self.is_operator(call) {
            true => Ok(()),
            false => Err(NodeError::new(
                &OPERATOR_ONLY,
                "the state of a node is that of all tenants: ask with a token that is valid for all \
                 of them",
            )),
        }
    }

    pub(super) async fn node_state(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        self.expect_operator(&call)?;
        let facts = self.operator_files.get().map(OperatorFiles::facts);
        let with_jobs = match call.query.get("jobs") {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => {
                let problem = "`jobs` is true or false";
                return Err(NodeError::new(&INVALID_REQUEST, problem));
            }
        };
        let facts = facts.unwrap_or_default();
        let file = self.functions.node_state(facts, with_jobs).await?;
        let length = file.file_bytes;
        let frames = file.bytes_from(0).map(|part| match part {
            Ok(bytes) => Ok(Frame::data(bytes)),
            // The log says why.
            Err(_) => Err(Error::ConnectionTerminated),
        });
        let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(SNAPSHOT));
        headers.insert(CONTENT_LENGTH, length.into());
        Ok(response)
    }

    pub(super) async fn import_node_state(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        self.expect_operator(&call)?;
        let (head, mut body) = call.request.into_parts();
        expect_snapshot(&head.headers)?;
        let mut upload = self.functions.node_state_upload();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(body::broken)?;
            if let Some(data) = frame.data_ref() {
                upload.write(data).await?;
            }
        }
        let imported = upload.finish().await?;
        body::json(
            StatusCode::OK,
            &ImportedState {
                usage_added: imported.usage_added,
                usage_known: imported.usage_known,
                jobs_added: imported.jobs_added,
                jobs_known: imported.jobs_known,
            },
        )
    }
}
