//! The connection to a node: one for each request, over TCP, TLS or a Unix socket, HTTP/1.1.
//!
//! A command makes few requests, and must neither follow a redirection, which is a
//! function's answer like any other, nor send its token anywhere else.

use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tensor_wasm_runtime::HttpTrust;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::address::{NodeAddress, Transport};
use super::error::{ClientError, NodeError};
use super::request::{Call, RequestBody};

/// How long a connection may take to be there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest JSON that is read.
const LONGEST_JSON: usize = 64 << 20;

/// The longest error that is read.
const LONGEST_ERROR: usize = 64 << 10;

const TENANT: HeaderName = HeaderName::from_static("x-tensorwasm-tenant");

/// Which function a response is of; others are the node's own.
const FUNCTION: HeaderName = HeaderName::from_static("x-tensorwasm-function");

/// A node, and who asks it.
pub struct Client {
    pub address: NodeAddress,
    /// The tenant that is acted for, where the caller says so.
    pub tenant: Option<u64>,
    /// The header `Authorization`.
    pub token: Option<HeaderValue>,
    /// Which certificates are accepted, where the node speaks TLS.
    pub trust: Option<HttpTrust>,
    /// How long the node may say nothing.
    pub timeout: Duration,
}

/// What a node answered: the head, and a body that is read as it comes.
pub struct Answer<'c> {
    pub status: StatusCode,
    pub version: Version,
    pub headers: HeaderMap,
    body: Incoming,
    client: &'c Client,
}

impl Client {
    /// Sends a request, and waits for the head of the answer.
    ///
    /// # Errors
    ///
    /// Where none comes.
    pub async fn send(&self, call: Call) -> Result<Answer<'_>, ClientError> {
        let mut sender = self.connect().await?;
        let target = format!("{}{}", self.address.base_path, call.target.as_str());
        let mut request = Request::new(call.body);
        *request.method_mut() = call.method;
        *request.uri_mut() = target
            .parse()
            .map_err(|error| ClientError::Input(format!("`{target}` is no path: {error}")))?;
        let headers = request.headers_mut();
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("tensor-wasm/", env!("CARGO_PKG_VERSION"))),
        );
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.extend(call.headers);
        let host = HeaderValue::from_str(&self.address.host_header)
            .map_err(|_| ClientError::Input(format!("`{}` names no host", self.address)))?;
        headers.insert(HOST, host);
        if let Some(tenant) = self.tenant {
            headers.insert(TENANT, tenant.into());
        }
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, token.clone());
        }
        let mut response = pin!(sender.send_request(request));
        loop {
            let before = call.sent.load(Ordering::Relaxed);
            match timeout(self.timeout, &mut response).await {
                Ok(Ok(response)) => return Ok(Answer::new(response, self)),
                Ok(Err(cause)) => return Err(self.broken(cause)),
                // It takes the body, and so it is not silent.
                Err(_) if call.sent.load(Ordering::Relaxed) != before => {}
                Err(_) => return Err(self.silent()),
            }
        }
    }

    /// Sends a request whose answer is JSON. Returns its bytes, and what they say.
    ///
    /// # Errors
    ///
    /// Where no such answer comes, or it is an error.
    pub async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<(Bytes, T), ClientError> {
        let bytes = self.send(call).await?.success().await?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok((bytes, value)),
            Err(error) => {
                Err(self.not_a_node(format!("its answer is not the JSON of a node ({error})")))
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<RequestBody>, ClientError> {
        let unreachable = |cause| ClientError::Unreachable {
            address: self.address.to_string(),
            cause,
        };
        let tls = |cause| ClientError::Tls {
            address: self.address.to_string(),
            cause,
        };
        match &self.address.transport {
            Transport::Unix(path) => {
                let stream = within(UnixStream::connect(path)).await;
                self.handshake(stream.map_err(unreachable)?).await
            }
            Transport::Tcp { host, port } => {
                let stream = within(TcpStream::connect((host.as_str(), *port))).await;
                self.handshake(no_delay(stream.map_err(unreachable)?)).await
            }
            Transport::Tls { host, port } => {
                let stream = within(TcpStream::connect((host.as_str(), *port))).await;
                let stream = no_delay(stream.map_err(unreachable)?);
                let name = ServerName::try_from(host.clone())
                    .map_err(|error| tls(io::Error::other(error)))?;
                let trust = self
                    .trust
                    .as_ref()
                    .ok_or_else(|| tls(io::Error::other("there are no authorities to trust")))?;
                let connector = TlsConnector::from(trust.client_config());
                let stream = within(connector.connect(name, stream)).await;
                self.handshake(stream.map_err(tls)?).await
            }
        }
    }

    async fn handshake<S>(&self, stream: S) -> Result<SendRequest<RequestBody>, ClientError>
    where
        TokioIo<S>: Read + Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|cause| self.broken(cause))?;
        // It ends with the sender and with what is read of the answer, which tell of an
        // error too.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn silent(&self) -> ClientError {
        ClientError::Silent {
            address: self.address.to_string(),
            waited: self.timeout,
        }
    }

    fn broken(&self, cause: hyper::Error) -> ClientError {
        if speaks_no_http(&cause) {
            return self.not_a_node(format!("its answer is not HTTP/1.1 ({cause})"));
        }
        ClientError::Broken {
            address: self.address.to_string(),
            cause,
        }
    }

    /// What answers says what no node says.
    pub(super) fn not_a_node(&self, problem: String) -> ClientError {
        ClientError::NotANode {
            address: self.address.to_string(),
            problem,
        }
    }
}

/// Whether what came is no answer in HTTP/1.1: it can't be read, or it came before anything
/// was asked, as the greeting of a mail server does.
fn speaks_no_http(error: &hyper::Error) -> bool {
    let cause = error
        .source()
        .and_then(<dyn Error>::downcast_ref::<hyper::Error>);
    let is_greeting = |cause: &hyper::Error| {
        !cause.is_closed() && !cause.is_incomplete_message() && cause.source().is_none()
    };
    error.is_parse() || (error.is_canceled() && cause.is_some_and(is_greeting))
}

/// A connection, or the error that it took too long.
async fn within<T>(connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "no answer within {}",
                humantime::format_duration(CONNECT_TIMEOUT)
            ),
        )),
    }
}

/// Has small requests sent at once.
fn no_delay(stream: TcpStream) -> TcpStream {
    // Without it a request may take longer, and nothing else.
    let _ = stream.set_nodelay(true);
    stream
}

impl<'c> Answer<'c> {
    fn new(response: Response<Incoming>, client: &'c Client) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            version: head.version,
            headers: head.headers,
            body,
            client,
        }
    }

    /// The next part of the body, or none at its end.
    ///
    /// # Errors
    ///
    /// Where the body breaks off.
    pub async fn part(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = timeout(self.client.timeout, self.body.frame()).await;
            match frame.map_err(|_| self.client.silent())? {
                None => return Ok(None),
                Some(Err(cause)) => return Err(self.client.broken(cause)),
                // What is no data are trailers.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The beginning of the body: all of it where it is no longer than `limit`, else
    /// somewhat more than that.
    async fn beginning(&mut self, limit: usize) -> Result<Vec<u8>, ClientError> {
        let mut beginning = Vec::new();
        while beginning.len() <= limit
            && let Some(part) = self.part().await?
        {
            beginning.extend_from_slice(&part);
        }
        Ok(beginning)
    }

    /// The whole body of an answer of success.
    ///
    /// # Errors
    ///
    /// Where it breaks off, or the answer is an error.
    pub async fn success(mut self) -> Result<Bytes, ClientError> {
        if self.status.is_success() {
            let body = self.beginning(LONGEST_JSON).await?;
            if body.len() > LONGEST_JSON {
                let problem = format!("its answer is longer than {LONGEST_JSON} bytes");
                return Err(self.client.not_a_node(problem));
            }
            return Ok(body.into());
        }
        Err(self.error().await)
    }

    /// What the node says in place of what it was asked for.
    pub async fn error(mut self) -> ClientError {
        let body = match self.beginning(LONGEST_ERROR).await {
            Ok(body) => body,
            Err(error) => return error,
        };
        match NodeError::from_answer(self.status, &self.headers, &body) {
            Some(error) => ClientError::Node(Box::new(error)),
            None => {
                let problem = format!("it answers {}", self.status);
                self.client.not_a_node(problem)
            }
        }
    }

    /// Whether a function answers, and not the node or its policy: the node says so.
    pub fn is_of_function(&self) -> bool {
        self.headers.contains_key(FUNCTION)
    }
}
