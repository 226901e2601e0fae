//! Sends one request to another server: connects, does the TLS handshake where the scheme
//! asks for it, and speaks HTTP/1.1. The time for connecting covers all of that.

use super::addresses::Reach;
use super::connections::ConnectionPermit;
use bytes::Bytes;
use http::uri::{Authority, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustix::io::Errno;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::error::Error as _;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// A timeout that the guest does not set. Its request ends long before.
const NO_TIMEOUT: Duration = Duration::from_secs(600);

/// A response, and what has to run for its body to come.
pub(super) type Sent = (
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

/// Sends a request, by TLS where there is a configuration for it. The permit is given back
/// when the connection is closed.
pub(super) async fn send(
    mut request: http::Request<WasiBody>,
    options: RequestOptions,
    tls: Option<Arc<ClientConfig>>,
    permit: ConnectionPermit,
    reach: Reach,
) -> Result<Sent, Error> {
    let uri = request.uri();
    let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
    let limit = options.connect_timeout.unwrap_or(NO_TIMEOUT);
    let connecting = async {
        let stream = connect(authority, tls, permit, reach).await?;
        Ok::<_, Error>(http1::handshake(TokioIo::new(stream)).await?)
    };
    let (mut sender, mut connection) = timeout(limit, connecting)
        .await
        .map_err(|_| Error::ConnectionTimeout)??;
    // A server is sent path and query; the whole URL is for proxies (RFC 9112, 3.2.1).
    *request.uri_mut() = origin_form(request.uri())?;

    let limit = options.first_byte_timeout.unwrap_or(NO_TIMEOUT);
    // How the connection ended. It may end in the same moment in which the response came,
    // also badly: many servers close TLS without a word.
    let mut closed = None;
    let response = {
        let mut response = pin!(timeout(limit, sender.send_request(request)));
        loop {
            tokio::select! {
                biased;
                response = &mut response => break response,
                outcome = &mut connection, if closed.is_none() => closed = Some(outcome),
            }
        }
    };
    let response = match response.map_err(|_| Error::ConnectionReadTimeout)? {
        Ok(response) => response,
        // Why the connection ended says more than that it did.
        Err(error) => return Err(of_hyper(closed.and_then(Result::err).unwrap_or(error))),
    };
    let pause = options.between_bytes_timeout.unwrap_or(NO_TIMEOUT);
    let response = response.map(|body| ResponseBody::new(body, pause).boxed_unsync());
    let rest = async move {
        match closed {
            Some(_) => Ok(()),
            None => match connection.await {
                Err(error) if !is_bare_end(&error) => Err(of_hyper(error)),
                Err(_) | Ok(()) => Ok(()),
            },
        }
    };
    Ok((response, Box::new(rest)))
}

fn origin_form(uri: &Uri) -> Result<Uri, Error> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    path.parse().map_err(|_| Error::HttpRequestUriInvalid)
}

fn of_hyper(error: hyper::Error) -> Error {
    match error.is_timeout() {
        true => Error::HttpResponseTimeout,
        false => Error::from(error),
    }
}

/// Whether a server closed TLS without its last message. Where that cut off the body, the
/// body says so.
fn is_bare_end(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|cause: &io::Error| cause.kind() == io::ErrorKind::UnexpectedEof)
}

/// Connects to a server, by TLS where there is a configuration for it.
async fn connect(
    authority: &Authority,
    tls: Option<Arc<ClientConfig>>,
    permit: ConnectionPermit,
    reach: Reach,
) -> Result<Box<dyn Stream>, Error> {
    let port = match authority.port() {
        Some(_) => authority.port_u16().ok_or(Error::HttpRequestUriInvalid)?,
        None => match tls {
            Some(_) => 443,
            None => 80,
        },
    };
    // An address of IPv6 is in brackets in a URL, and nowhere else.
    let host = authority.host();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let stream = open(host, port, reach).await?;
    // A request is written whole: waiting to fill a packet only adds delay.
    let _ = stream.set_nodelay(true);
    let stream = Permitted {
        stream,
        _permit: permit,
    };
    let Some(config) = tls else {
        return Ok(Box::new(stream));
    };
    let name = match host.parse::<IpAddr>() {
        Ok(address) => ServerName::from(address),
        Err(_) => {
            ServerName::try_from(host.to_owned()).map_err(|_| Error::HttpRequestUriInvalid)?
        }
    };
    let stream = TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(of_handshake)?;
    Ok(Box::new(stream))
}

/// Connects to the first address of a host that answers, of those that its name may lead to.
async fn open(host: &str, port: u16, reach: Reach) -> Result<TcpStream, Error> {
    let addresses = lookup_host((host, port)).await.map_err(|error| {
        tracing::debug!(host, %error, "the name of a server can't be looked up");
        Error::DnsError {
            rcode: Some("name not found".to_owned()),
            info_code: None,
        }
    })?;
    let mut last = Error::DestinationNotFound;
    for address in addresses {
        if !reach.allows(host, address.ip()) {
            tracing::debug!(host, %address, "the name of a server leads to an address that no grant names");
            last = Error::DestinationIpProhibited;
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                tracing::debug!(%address, %error, "a server can't be connected to");
                last = of_connecting(&error);
            }
        }
    }
    Err(last)
}

/// Why a server can't be connected to. Not by the library's own error, which it would log as
/// a warning each time: a guest can try as often as it likes.
fn of_connecting(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Error::DestinationIpUnroutable
        }
        io::ErrorKind::PermissionDenied => Error::DestinationIpProhibited,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            Error::ConnectionTerminated
        }
        _ if is_out_of_descriptors(error) => Error::ConnectionLimitReached,
        _ => Error::DestinationUnavailable,
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE))
}

/// Why a handshake failed: for a guest an untrusted certificate is something else than a
/// server that speaks no TLS.
fn of_handshake(error: io::Error) -> Error {
    let cause = error.get_ref();
    match cause.and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(
            rustls::Error::InvalidCertificate(_)
            | rustls::Error::InvalidCertRevocationList(_)
            | rustls::Error::NoCertificatesPresented
            | rustls::Error::UnsupportedNameType,
        ) => {
            tracing::debug!(%error, "a server's certificate was refused");
            Error::TlsCertificateError
        }
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: Some(format!("{alert:?}")),
        },
        Some(_) => {
            tracing::debug!(%error, "a TLS handshake with a server failed");
            Error::TlsProtocolError
        }
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::TlsProtocolError,
            _ => Error::ConnectionTerminated,
        },
    }
}

/// What HTTP runs on.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that keeps its permit for as long as it has a file descriptor.
struct Permitted {
    stream: TcpStream,
    _permit: ConnectionPermit,
}

impl AsyncRead for Permitted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Permitted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A response's body, which fails where the server pauses for too long.
struct ResponseBody {
    incoming: Incoming,
    pause: Duration,
    timer: Pin<Box<Sleep>>,
}

impl ResponseBody {
    fn new(incoming: Incoming, pause: Duration) -> ResponseBody {
        ResponseBody {
            incoming,
            pause,
            timer: Box::pin(sleep(pause)),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                let next = Instant::now() + self.pause;
                self.timer.as_mut().reset(next);
                Poll::Ready(frame.map(|frame| frame.map_err(of_hyper)))
            }
            Poll::Pending => {
                ready!(self.timer.as_mut().poll(cx));
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
