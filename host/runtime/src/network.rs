//! Requests that a guest sends: only to the servers that the operator named, and to
//! nobody where none was named. Sockets are never granted.

use http::uri::{Authority, Scheme};
use http_body_util::BodyExt;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

/// A server that a guest may send requests to: a host by name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    host: String,
    port: Option<u16>,
}

impl Destination {
    /// Whether a request to this authority goes there. Without a port the destination
    /// is that of the scheme, and so it is for the request.
    fn is(&self, scheme: &Scheme, authority: &Authority) -> bool {
        let standard = if *scheme == Scheme::HTTPS { 443 } else { 80 };
        self.host.eq_ignore_ascii_case(authority.host())
            && self.port.unwrap_or(standard) == authority.port_u16().unwrap_or(standard)
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Destination, String> {
        let help = || {
            format!(
                "`{text}` names no server: write HOST or HOST:PORT, for example api.example:8443"
            )
        };
        let authority = Authority::from_str(text).map_err(|_| help())?;
        // What the library passes over: an empty or too large port, a user's name.
        let port = authority.port_u16();
        let written = match port {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        let host = authority.host();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if host.is_empty() || !host.chars().all(plain) || written != text {
            return Err(help());
        }
        Ok(Destination {
            host: authority.host().to_owned(),
            port,
        })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// Sends a guest's requests, or refuses to.
pub(crate) struct Outgoing {
    pub(crate) allowed: Arc<[Destination]>,
}

type Answer = (
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Answer, Error>> + Send> {
        let scheme = request.uri().scheme().unwrap_or(&Scheme::HTTPS);
        let goes = request.uri().authority().is_some_and(|authority| {
            self.allowed
                .iter()
                .any(|destination| destination.is(scheme, authority))
        });
        if !goes {
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        Box::new(async move {
            let (response, done) = default_send_request(request, options).await?;
            let done: Box<dyn Future<Output = _> + Send> = Box::new(done);
            Ok((response.map(BodyExt::boxed_unsync), done))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn goes(destination: &str, scheme: Scheme, authority: &str) -> bool {
        let destination: Destination = destination.parse().unwrap();
        destination.is(&scheme, &authority.parse().unwrap())
    }

    #[test]
    fn a_request_goes_only_to_the_server_and_port_that_were_named() {
        assert!(goes("api.example", Scheme::HTTPS, "api.example"));
        assert!(goes("api.example", Scheme::HTTPS, "API.example:443"));
        assert!(goes("api.example", Scheme::HTTP, "api.example:80"));
        assert!(goes("127.0.0.1:9000", Scheme::HTTP, "127.0.0.1:9000"));
        assert!(goes("[::1]:9000", Scheme::HTTP, "[::1]:9000"));
        assert!(!goes("api.example", Scheme::HTTPS, "api.example:8443"));
        assert!(!goes("api.example:443", Scheme::HTTP, "api.example"));
        assert!(!goes("api.example", Scheme::HTTPS, "api.example.evil"));
        assert!(!goes("api.example", Scheme::HTTPS, "api.example@evil"));
    }

    #[test]
    fn whatever_names_no_server_is_refused_with_an_example() {
        for text in [
            "", ":80", "a b", "a:", "a:70000", "user@a", "http://a", "a/b", "*",
        ] {
            let error = text.parse::<Destination>().unwrap_err();
            assert!(error.contains("HOST:PORT"), "{error}");
        }
    }
}
