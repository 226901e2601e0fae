//! The head of a request: what its target and its `Host` mean together, and whether its
//! body is framed in a way that this server understands (RFC 9112, sections 3.2, 3.3 and
//! 6.1; RFC 9110, sections 4.2 and 7.2; RFC 9113, section 8.3.1).
//!
//! A guest gets a request whose URI is complete, and so never has to put one together from
//! what a stranger sent. The HTTP library checks the syntax of the head, and leaves what is
//! checked here open.

use http::header::{HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Uri, Version, uri};

use super::authority::FirstAuthority;
use super::limits::Limits;
use super::{authority, forwarded};
use crate::request::HandleError;

/// The longest URI that can be read, in bytes: the limit of the `http` library, which guests
/// use too.
const URI_BYTES: usize = 65_534;

/// What HTTP/2 counts for each header besides its name and its value (RFC 9113, section
/// 6.5.2).
const HEADER_OVERHEAD: usize = 32;

/// What the listener knows of the URI of each of its requests.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// The scheme that clients use.
    pub(super) scheme: Scheme,
    /// The authority of a request that names none.
    pub(super) authority: Authority,
    /// Whether all clients are proxies whose header `Forwarded` can be trusted.
    pub(super) trusts_forwarded: bool,
}

/// The longest target of a request, in bytes: half of what a head may take.
pub(super) fn target_bytes(limits: &Limits) -> u64 {
    u64::from(limits.head_bytes.get()) / 2
}

/// Checks the head of a request, and completes its URI with scheme and authority. `first` is the
/// connection's.
///
/// # Errors
///
/// What is wrong with the head. Then it is not for a guest.
pub(super) fn complete(
    head: &mut Parts,
    origin: &Origin,
    first: &FirstAuthority,
    limits: &Limits,
) -> Result<(), HandleError> {
    check_size(head, limits)?;
    check_coding(&head.headers)?;
    let host = host(&head.headers, first)?;
    let form = form(&head.method, &head.uri)?;
    let target = match head.uri.authority() {
        Some(text) => Some(first.parse(text.as_str().as_bytes()).ok_or(
            HandleError::BadRequest(
                "its target names no server: write a host name or an address, with no user, and \
                 a port where it is not the scheme's",
            ),
        )?),
        None => None,
    };
    let authority = match (head.version, target, host) {
        (Version::HTTP_11, _, None) => {
            return Err(HandleError::BadRequest("it has no Host header"));
        }
        // The two differ where somebody changed one of them on the way. Over HTTP/1.1 the
        // target counts (RFC 9112, section 3.2.2).
        (Version::HTTP_2, Some(target), Some(host))
            if !authority::are_the_same(&origin.scheme, &target, &host) =>
        {
            return Err(HandleError::BadRequest(
                "its Host header and its :authority name different servers",
            ));
        }
        (_, Some(target), _) => target,
        (_, None, Some(host)) => host,
        (Version::HTTP_2, None, None) => {
            return Err(HandleError::BadRequest("it has no :authority"));
        }
        (_, None, None) => origin.authority.clone(),
    };
    let mut parts = uri::Parts::default();
    if let Form::Path(path) = form {
        parts.scheme = Some(scheme(&head.headers, origin));
        parts.path_and_query = Some(path);
    }
    let length = 8 + authority.as_str().len() + path_length(&head.uri);
    parts.authority = Some(authority);
    if length > URI_BYTES {
        let limit = target_bytes(limits);
        return Err(HandleError::TargetTooLong { limit });
    }
    head.uri = Uri::from_parts(parts).map_err(|_| HandleError::BadRequest(NO_TARGET))?;
    Ok(())
}

const NO_TARGET: &str = "its target is neither a path nor a complete http or https URI";

/// What the target of a request names.
enum Form {
    /// A path on the server, or `*` for the server itself.
    Path(PathAndQuery),
    /// The end of a tunnel, and nothing else.
    Tunnel,
}

/// The form of a target (RFC 9112, section 3.2), which not every method may have.
fn form(method: &Method, uri: &Uri) -> Result<Form, HandleError> {
    let names_scheme = uri.scheme().is_some();
    if method == Method::CONNECT {
        let port = uri.authority().and_then(Authority::port_u16);
        return match (names_scheme, port) {
            (false, Some(_)) => Ok(Form::Tunnel),
            _ => Err(HandleError::BadRequest(
                "the target of CONNECT is a host and a port, such as example.com:443",
            )),
        };
    }
    if uri
        .scheme()
        .is_some_and(|scheme| *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS)
    {
        return Err(HandleError::BadRequest(NO_TARGET));
    }
    // A target that is an authority alone has no path, and only CONNECT may have it.
    let Some(path) = uri.path_and_query() else {
        return Err(HandleError::BadRequest(NO_TARGET));
    };
    match path.as_str() {
        "*" if method == Method::OPTIONS => Ok(Form::Path(path.clone())),
        "*" => Err(HandleError::BadRequest(
            "only OPTIONS may have the target *",
        )),
        text if text.starts_with('/') => Ok(Form::Path(path.clone())),
        // A query without a path, which only a complete URI can have.
        text => PathAndQuery::try_from(format!("/{text}"))
            .map(Form::Path)
            .map_err(|_| HandleError::BadRequest(NO_TARGET)),
    }
}

/// The scheme that the client used, as far as this server knows. What the client itself
/// says, in its target or in `:scheme`, proves nothing.
fn scheme(headers: &HeaderMap, origin: &Origin) -> Scheme {
    let forwarded = match origin.trusts_forwarded {
        true => forwarded::scheme(headers),
        false => None,
    };
    forwarded.unwrap_or_else(|| origin.scheme.clone())
}

/// The server that the header `Host` names.
fn host(headers: &HeaderMap, first: &FirstAuthority) -> Result<Option<Authority>, HandleError> {
    let mut hosts = headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else {
        return Ok(None);
    };
    if hosts.next().is_some() {
        return Err(HandleError::BadRequest("it has more than one Host header"));
    }
    match first.parse(host.as_bytes()) {
        Some(authority) => Ok(Some(authority)),
        None => Err(HandleError::BadRequest(
            "its Host header names no server: write a host name or an address, and a port where \
             it is not the scheme's",
        )),
    }
}

/// Checks that a body is sent as it is, or in chunks. The library also takes other codings
/// below chunks, and a guest can't know of them, since it does not see this header.
fn check_coding(headers: &HeaderMap) -> Result<(), HandleError> {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(value) = values.next() else {
        return Ok(());
    };
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    if values.next().is_none() && is_chunked(value.as_bytes()) {
        return Ok(());
    }
    let all = headers.get_all(TRANSFER_ENCODING).iter();
    let mut codings = all.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    Err(match codings.all(is_chunked) {
        true => HandleError::BadRequest("its Transfer-Encoding names chunked more than once"),
        false => HandleError::UnsupportedCoding,
    })
}

fn path_length(uri: &Uri) -> usize {
    uri.path_and_query().map_or(0, |path| path.as_str().len())
}

/// Checks the size of target and head. Over HTTP/1 the library has checked the head already,
/// by the bytes that it read.
fn check_size(head: &Parts, limits: &Limits) -> Result<(), HandleError> {
    let authority = head.uri.authority().map_or(0, |text| text.as_str().len());
    let target = authority + path_length(&head.uri);
    let limit = target_bytes(limits);
    if target as u64 > limit {
        return Err(HandleError::TargetTooLong { limit });
    }
    if head.version == Version::HTTP_2 {
        let headers = head.headers.iter();
        let sizes =
            headers.map(|(name, value)| name.as_str().len() + value.len() + HEADER_OVERHEAD);
        let size = target + sizes.sum::<usize>();
        let limit = u64::from(limits.head_bytes.get());
        if size as u64 > limit {
            return Err(HandleError::HeadTooLarge { limit });
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "request_head_tests.rs"]
mod tests;
