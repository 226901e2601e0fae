//! The steps, in order. The first one that fails ends them, but for the removal of the function.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;
use tensor_wasm_runtime::server::RequestId;
use tokio::time::sleep;

use super::metrics::Reading;
use super::report::{Outcome, Report, Step};
use super::{FUNCTION, audit};
use crate::commands::client::connection::{Answer, Client};
use crate::commands::client::error::ClientError;
use crate::commands::client::model::{Function, Usage};
use crate::commands::client::request::{Call, Target};

/// How often, and how many times, the node is asked for what it tells a little later.
const PAUSE: Duration = Duration::from_millis(100);
const TRIES: u32 = 100;

/// A verification that is under way.
pub struct Verification {
    client: Client,
    /// The address of `--admin`.
    admin: Option<Client>,
    audit_log: Option<PathBuf>,
    component: Vec<u8>,
    /// The function's name, which nobody else has.
    name: String,
    function_id: Option<String>,
    /// Whether there may be a function.
    is_deployed: bool,
    /// Of the deployment and the invocation.
    request_ids: Vec<(&'static str, String)>,
    before: Option<Reading>,
    steps: Vec<Step>,
    failure: Option<ClientError>,
}

/// What a step saw, or why it was not done.
enum Seen {
    This(String),
    Nothing(&'static str),
}

impl Verification {
    pub fn new(
        client: Client,
        admin: Option<Client>,
        audit_log: Option<PathBuf>,
    ) -> Result<Self, ClientError> {
        let component = wat::parse_str(FUNCTION)
            .map_err(|error| ClientError::Check(format!("the built-in function: {error}")))?;
        let random = RequestId::random();
        let random = random.as_str();
        let random = random.get(random.len().saturating_sub(12)..);
        Ok(Self {
            name: format!("verify-{}", random.unwrap_or("function")),
            client,
            admin,
            audit_log,
            component,
            function_id: None,
            is_deployed: false,
            request_ids: Vec::new(),
            before: None,
            steps: Vec::new(),
            failure: None,
        })
    }

    /// Does all steps but the removal, until one fails.
    pub async fn run(&mut self) {
        let began = Instant::now();
        let seen = self.ready().await;
        if !self.step("ready", began, seen) {
            return;
        }
        let began = Instant::now();
        let seen = self.deploy().await;
        if !self.step("deploy", began, seen) {
            return;
        }
        let began = Instant::now();
        let seen = self.invoke().await;
        if !self.step("invoke", began, seen) {
            return;
        }
        let began = Instant::now();
        let seen = self.usage().await;
        if !self.step("usage", began, seen) {
            return;
        }
        let began = Instant::now();
        let seen = self.metrics().await;
        if !self.step("metrics", began, seen) {
            return;
        }
        let began = Instant::now();
        let seen = self.audit().await;
        self.step("audit", began, seen);
    }

    /// Removes the function, if there may be one.
    pub async fn clean_up(&mut self) {
        if !self.is_deployed {
            return;
        }
        let began = Instant::now();
        let seen = self.remove().await;
        self.step("remove", began, seen);
    }

    /// What was seen, and the first failure.
    pub fn end(mut self, interrupted: bool) -> (Report, Option<ClientError>) {
        if interrupted {
            let error = ClientError::Check("the verification was interrupted".to_owned());
            self.step("finish", Instant::now(), Err(error));
        }
        let report = Report {
            server: self.client.address.to_string(),
            steps: self.steps,
        };
        (report, self.failure)
    }

    /// Keeps what a step saw. Whether the next one is to be done.
    fn step(
        &mut self,
        name: &'static str,
        began: Instant,
        seen: Result<Seen, ClientError>,
    ) -> bool {
        let (outcome, detail) = match &seen {
            Ok(Seen::This(detail)) => (Outcome::Ok, detail.clone()),
            Ok(Seen::Nothing(why)) => (Outcome::Skipped, (*why).to_owned()),
            Err(error) => (Outcome::Failed, error.to_string()),
        };
        self.steps.push(Step {
            name,
            outcome,
            detail,
            took: began.elapsed(),
        });
        match seen {
            Ok(_) => true,
            Err(error) => {
                // The first one says most.
                self.failure.get_or_insert(error);
                false
            }
        }
    }

    async fn ready(&mut self) -> Result<Seen, ClientError> {
        let call = Call::get(Target::of(&["readyz"]));
        self.client.send(call).await?.success().await?;
        self.before = match (Reading::of(self.metered()).await, &self.admin) {
            (Ok(reading), _) => Some(reading),
            (Err(error), Some(_)) => return Err(error),
            // The API shows them to those who may act for all tenants.
            (Err(_), None) => None,
        };
        Ok(Seen::This("the node accepts requests".to_owned()))
    }

    /// Whom to ask for metrics.
    fn metered(&self) -> &Client {
        self.admin.as_ref().unwrap_or(&self.client)
    }

    async fn deploy(&mut self) -> Result<Seen, ClientError> {
        let target = Target::of(&["functions"]).with_query("name", Some(&self.name));
        let mut call = Call::new(Method::POST, target).with_bytes(self.component.clone());
        call.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/wasm"));
        // From here on: an answer that is lost does not say that nothing was done.
        self.is_deployed = true;
        let answer = self.client.send(call).await?;
        // Of a deployment that is refused nothing is left.
        self.is_deployed = !answer.status.is_client_error();
        let request_id = request_id(&answer);
        let bytes = answer.success().await?;
        let function: Function = serde_json::from_slice(&bytes).map_err(|error| {
            ClientError::Check(format!(
                "the answer to the deployment is no function: {error}"
            ))
        })?;
        let digest = format!("blake3:{}", blake3::hash(&self.component).to_hex());
        expect(function.digest == digest, || {
            format!(
                "the node has stored {}, and was sent {digest}",
                function.digest
            )
        })?;
        expect(function.imports.denied.is_empty(), || {
            format!("the node denies {}", function.imports.denied.join(", "))
        })?;
        let seen = format!("{} ({})", function.name, function.id);
        self.function_id = Some(function.id);
        self.request_ids
            .extend(request_id.map(|id| ("function.deploy", id)));
        Ok(Seen::This(seen))
    }

    async fn invoke(&mut self) -> Result<Seen, ClientError> {
        let call = Call::get(Target::of(&["f", &self.name]));
        let answer = self.client.send(call).await?;
        let (status, request_id) = (answer.status, request_id(&answer));
        let is_of_function = answer.is_of_function();
        let body = answer.success().await?;
        expect(is_of_function, || {
            "what answers the invocation is not the function: its answer has no \
             x-tensorwasm-function"
                .to_owned()
        })?;
        expect(status == StatusCode::OK && body.is_empty(), || {
            format!("the function answered {status} and {} bytes", body.len())
        })?;
        self.request_ids
            .extend(request_id.map(|id| ("function.invoke", id)));
        Ok(Seen::This(format!("the function answered {status}")))
    }

    async fn usage(&self) -> Result<Seen, ClientError> {
        let id = self.function_id.as_deref();
        let mut requests: u64 = 0;
        for _ in 0..TRIES {
            let call = Call::get(Target::of(&["usage"]));
            let (_, usage) = self.client.json::<Usage>(call).await?;
            let records = usage.usage.iter();
            let own =
                records.filter(|record| record.get("function_id").and_then(Value::as_str) == id);
            let counts = own.filter_map(|record| record.get("requests")?.as_u64());
            requests = counts.sum();
            if requests == 1 {
                return Ok(Seen::This("1 invocation is metered".to_owned()));
            }
            sleep(PAUSE).await;
        }
        Err(ClientError::Check(format!(
            "the usage of the function has {requests} invocations, and not 1"
        )))
    }

    async fn metrics(&self) -> Result<Seen, ClientError> {
        let Some(before) = self.before else {
            return Ok(Seen::Nothing(
                "no --admin is named, and the API shows this caller no metrics",
            ));
        };
        let mut reading = before;
        for _ in 0..TRIES {
            reading = Reading::of(self.metered()).await?;
            if reading.deployments > before.deployments && reading.invocations > before.invocations
            {
                return Ok(Seen::This(format!(
                    "{} deployments and {} invocations are counted",
                    reading.deployments, reading.invocations
                )));
            }
            sleep(PAUSE).await;
        }
        Err(ClientError::Check(format!(
            "the metrics at {} have {} deployments and {} invocations, as many as before: is it \
             the --admin of this node?",
            self.metered().address,
            reading.deployments,
            reading.invocations
        )))
    }

    async fn audit(&self) -> Result<Seen, ClientError> {
        if let Some(path) = &self.audit_log {
            for (action, id) in &self.request_ids {
                self.recorded(path, action, id).await?;
            }
            let ids: Vec<_> = self.request_ids.iter().map(|(_, id)| id.as_str()).collect();
            return Ok(Seen::This(format!("records of {}", ids.join(", "))));
        }
        let Some(before) = self.before else {
            return Ok(Seen::Nothing("neither --admin nor --audit-log is named"));
        };
        let mut reading = before;
        for _ in 0..TRIES {
            reading = Reading::of(self.metered()).await?;
            expect(!reading.is_audit_failing, || {
                "the node can't write its audit log".to_owned()
            })?;
            // A deployment and an invocation at least.
            if reading.records >= before.records + 2.0 {
                return Ok(Seen::This(format!(
                    "{} records are written",
                    reading.records
                )));
            }
            if reading.records == 0.0 {
                return Ok(Seen::Nothing("the node keeps no audit log"));
            }
            sleep(PAUSE).await;
        }
        // Where no policy decides on requests, only the node's own events are recorded.
        match reading.records == before.records {
            true => Ok(Seen::Nothing("the node keeps no records of requests")),
            false => Err(ClientError::Check(format!(
                "the node has written {} records, and only one since the deployment",
                reading.records
            ))),
        }
    }

    /// Waits until the audit log has the record of a request.
    async fn recorded(
        &self,
        path: &std::path::Path,
        action: &str,
        id: &str,
    ) -> Result<(), ClientError> {
        for _ in 0..TRIES {
            if let Some((recorded, status)) = audit::record_of(path, id)? {
                return expect(recorded == action && (200..300).contains(&status), || {
                    format!("the record of {id} says {recorded} and {status}, and not {action}")
                });
            }
            sleep(PAUSE).await;
        }
        Err(ClientError::Check(format!(
            "{} has no record of {action} with the request id {id}",
            path.display()
        )))
    }

    async fn remove(&mut self) -> Result<Seen, ClientError> {
        let target = || Target::of(&["functions", &self.name]);
        let removed = self
            .client
            .send(Call::new(Method::DELETE, target()))
            .await?;
        // Where the deployment failed there may be none.
        if removed.status != StatusCode::NOT_FOUND || self.function_id.is_some() {
            removed.success().await?;
        }
        let shown = self.client.send(Call::get(target())).await?;
        expect(shown.status == StatusCode::NOT_FOUND, || {
            format!("the function {} is still there", self.name)
        })?;
        self.is_deployed = false;
        Ok(Seen::This("the function is gone".to_owned()))
    }
}

fn request_id(answer: &Answer<'_>) -> Option<String> {
    let id = answer.headers.get("x-request-id")?;
    Some(id.to_str().ok()?.to_owned())
}

fn expect(is_so: bool, or_else: impl FnOnce() -> String) -> Result<(), ClientError> {
    match is_so {
        true => Ok(()),
        false => Err(ClientError::Check(or_else())),
    }
}
