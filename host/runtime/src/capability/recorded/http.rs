//! What a guest of WASI 0.2 sends to other servers, and what they answer. Where a request is replayed,
//! nothing is sent, and the responses are those of the recording.

use super::error_code::{code, value as code_value};
use super::wasi;
use crate::capability::http::RespondedView;
use crate::journal::{JournalView, Sender, compared};
use http_body_util::{BodyExt, Empty};
use serde_json::{Value, json};
use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler;
use wasmtime_wasi_http::p2::bindings::http::types::{
    self, ErrorCode, HostResponseOutparam as Outparam,
};
use wasmtime_wasi_http::p2::body::HostFutureTrailers;
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostIncomingResponse, HostOutgoingRequest, HostOutgoingResponse,
    HostResponseOutparam,
};
use wasmtime_wasi_http::{FieldMap, RequestOptions};

type Handle = (
    Resource<HostOutgoingRequest>,
    Option<Resource<RequestOptions>>,
);
type Handled = (Sent,);
type Response = std::result::Result<Resource<HostIncomingResponse>, ErrorCode>;
type Got = (Option<std::result::Result<Response, ()>>,);
type Set = (
    Resource<HostResponseOutparam>,
    std::result::Result<Resource<HostOutgoingResponse>, ErrorCode>,
);
type Trailers = std::result::Result<Option<Resource<FieldMap>>, ErrorCode>;
type GotTrailers = (Option<std::result::Result<Trailers, ()>>,);

pub(super) fn replace<T: RespondedView + JournalView + 'static>(
    linker: &mut Linker<T>,
) -> Result<()> {
    linker.instance(wasi!("http/outgoing-handler"))?.func_wrap(
        "handle",
        |mut store: StoreContextMut<'_, T>, handle: Handle| {
            handle_request(store.data_mut(), handle)
        },
    )?;
    let mut types = linker.instance(wasi!("http/types"))?;
    types.func_wrap(
        "[method]future-incoming-response.get",
        |mut store: StoreContextMut<'_, T>, (future,): (Resource<HostFutureIncomingResponse>,)| {
            response(store.data_mut(), future)
        },
    )?;
    types.func_wrap(
        "[method]future-trailers.get",
        |mut store: StoreContextMut<'_, T>, (future,): (Resource<HostFutureTrailers>,)| {
            trailers(store.data_mut(), future)
        },
    )?;
    types.func_wrap(
        "http-error-code",
        |mut store: StoreContextMut<'_, T>,
         (error,): (Resource<wasmtime_wasi::p2::IoError>,)|
         -> Result<(Option<ErrorCode>,)> { Ok((error_code(store.data_mut(), error)?,)) },
    )?;
    types.func_wrap(
        "[static]response-outparam.set",
        |mut store: StoreContextMut<'_, T>, (out, response): Set| {
            let state = store.data_mut();
            respond(state, &response)?;
            if response.is_ok() {
                state.has_responded();
            }
            Outparam::set(&mut state.http(), out, response)
        },
    )
}

/// Why a stream of a body has failed.
fn error_code<T: RespondedView + JournalView>(
    state: &mut T,
    error: Resource<wasmtime_wasi::p2::IoError>,
) -> Result<Option<ErrorCode>> {
    let journal = state.journal().cloned();
    let name = "wasi:http/types#http-error-code";
    let begun = match &journal {
        Some(journal) => Some((journal, journal.begin(name, |_| Value::Null)?)),
        None => None,
    };
    if let Some((_, begun)) = &begun
        && let Some(answered) = begun.answered()
    {
        return Ok(code(answered));
    }
    let known = types::Host::http_error_code(&mut state.http(), error)?;
    if let Some((journal, begun)) = &begun {
        journal.end(begun, |journal| {
            let known = known.as_ref().map(code_value).unwrap_or_default();
            journal.encoder.error_code(known)
        })?;
    }
    Ok(known)
}

/// Sends a request. What the guest asked for is compared, and not sent again: [`Outgoing`] knows.
///
/// [`Outgoing`]: crate::capability::http::Outgoing
fn handle_request<T: RespondedView + JournalView>(
    state: &mut T,
    (request, options): Handle,
) -> Result<Handled> {
    let Some(journal) = state.journal().cloned() else {
        return Ok((send(state, request, options)?,));
    };
    let http = state.http();
    let asked = http.table.get(&request)?;
    let headers: http::HeaderMap = asked.headers.clone().into();
    let name = "wasi:http/outgoing-handler#handle";
    let begun = journal.begin(name, |journal| {
        let encoder = &mut journal.encoder;
        // First of all, so that what is learned of them is left out of the others.
        let headers = encoder.headers(&headers, Sender::Guest);
        let path = asked.path_with_query.as_deref();
        let path = path.map(|path| encoder.target(path));
        json!({
            "method": encoder.text(&format!("{:?}", asked.method)),
            "scheme": asked.scheme.as_ref().map(|scheme| encoder.text(&format!("{scheme:?}"))),
            "authority": asked.authority.as_deref().map(|text| encoder.text(text)),
            "path": path,
            "headers": headers,
        })
    })?;
    let handled = send(state, request, options)?;
    journal.end(&begun, |_| match &handled {
        Ok(_) => json!({ "ok": null }),
        Err(error) => json!({ "error": code_value(error) }),
    })?;
    Ok((handled,))
}

type Sent = std::result::Result<Resource<HostFutureIncomingResponse>, ErrorCode>;

fn send<T: RespondedView>(
    state: &mut T,
    request: Resource<HostOutgoingRequest>,
    options: Option<Resource<RequestOptions>>,
) -> Result<Sent> {
    match outgoing_handler::Host::handle(&mut state.http(), request, options) {
        Ok(future) => Ok(Ok(future)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

/// The response to a request, if it is there.
fn response<T: RespondedView + JournalView>(
    state: &mut T,
    future: Resource<HostFutureIncomingResponse>,
) -> Result<Got> {
    let Some(journal) = state.journal().cloned() else {
        return Ok((types::HostFutureIncomingResponse::get(
            &mut state.http(),
            future,
        )?,));
    };
    let name = "wasi:http/types#future-incoming-response.get";
    let begun = journal.begin(name, |_| Value::Null)?;
    if let Some(answered) = begun.answered() {
        return match answered {
            Value::Null => Ok((None,)),
            Value::String(_) => Ok((Some(Err(())),)),
            _ => match answered.get("error") {
                Some(error) => {
                    let code = code(error).ok_or_else(|| journal.unreadable())?;
                    // It is consumed.
                    *state.http().table.get_mut(&future)? = HostFutureIncomingResponse::Consumed;
                    Ok((Some(Ok(Err(code))),))
                }
                None => {
                    let made = made(answered).ok_or_else(|| journal.unreadable())?;
                    let worker = wasmtime_wasi::runtime::spawn(async {});
                    let http = state.http();
                    *http.table.get_mut(&future)? =
                        HostFutureIncomingResponse::Ready(Ok((made, worker)));
                    Ok((types::HostFutureIncomingResponse::get(
                        &mut state.http(),
                        future,
                    )?,))
                }
            },
        };
    }
    let got = types::HostFutureIncomingResponse::get(&mut state.http(), future)?;
    let http = state.http();
    let head = match &got {
        Some(Ok(Ok(response))) => {
            let response = http.table.get(response)?;
            let headers: http::HeaderMap = response.headers.clone().into();
            Some((response.status, headers))
        }
        _ => None,
    };
    journal.end(&begun, |journal| match (&got, &head) {
        (None, _) => Value::Null,
        (Some(Err(())), _) => json!("consumed"),
        (Some(Ok(Err(error))), _) => json!({ "error": code_value(error) }),
        (Some(Ok(Ok(_))), head) => {
            let (status, headers) = head.clone().unwrap_or_default();
            json!({ "status": status, "headers": journal.encoder.headers(&headers, Sender::Outside) })
        }
    })?;
    Ok((got,))
}

/// A response as it was recorded. Its body is read from the recording.
fn made(
    answered: &Value,
) -> Option<http::Response<wasmtime_wasi_http::p2::body::HyperIncomingBody>> {
    let status = u16::try_from(answered.get("status")?.as_u64()?).ok()?;
    let body = Empty::new().map_err(|never| match never {});
    let mut response = http::Response::new(body.boxed_unsync());
    *response.status_mut() = http::StatusCode::from_u16(status).ok()?;
    *response.headers_mut() = crate::journal::Encoder::headers_of(answered.get("headers")?)?;
    Some(response)
}

/// The trailers of a body, if they are there.
fn trailers<T: RespondedView + JournalView>(
    state: &mut T,
    future: Resource<HostFutureTrailers>,
) -> Result<GotTrailers> {
    let Some(journal) = state.journal().cloned() else {
        return Ok((types::HostFutureTrailers::get(&mut state.http(), future)?,));
    };
    let name = "wasi:http/types#future-trailers.get";
    let begun = journal.begin(name, |_| Value::Null)?;
    if let Some(answered) = begun.answered() {
        return match answered {
            Value::Null => Ok((None,)),
            Value::String(text) if text == "none" => Ok((Some(Ok(Ok(None))),)),
            Value::String(_) => Ok((Some(Err(())),)),
            _ => match (answered.get("error"), answered.get("trailers")) {
                (Some(error), _) => {
                    let code = code(error).ok_or_else(|| journal.unreadable())?;
                    Ok((Some(Ok(Err(code))),))
                }
                (None, Some(fields)) => {
                    let fields = crate::journal::Encoder::headers_of(fields);
                    let fields = fields.ok_or_else(|| journal.unreadable())?;
                    let http = state.http();
                    let fields = FieldMap::new_immutable(http.hooks, fields);
                    Ok((Some(Ok(Ok(Some(http.table.push(fields)?)))),))
                }
                (None, None) => Err(journal.unreadable()),
            },
        };
    }
    let got = types::HostFutureTrailers::get(&mut state.http(), future)?;
    let http = state.http();
    let fields: http::HeaderMap = match &got {
        Some(Ok(Ok(Some(fields)))) => http.table.get(fields)?.clone().into(),
        _ => http::HeaderMap::new(),
    };
    journal.end(&begun, |journal| match &got {
        None => Value::Null,
        Some(Err(())) => json!("consumed"),
        Some(Ok(Err(error))) => json!({ "error": code_value(error) }),
        Some(Ok(Ok(None))) => json!("none"),
        Some(Ok(Ok(Some(_)))) => {
            json!({ "trailers": journal.encoder.headers(&fields, Sender::Outside) })
        }
    })?;
    Ok((got,))
}

/// The head of the guest's response is compared.
fn respond<T: RespondedView + JournalView>(
    state: &mut T,
    response: &std::result::Result<Resource<HostOutgoingResponse>, ErrorCode>,
) -> Result<()> {
    if state.journal().is_none() {
        return Ok(());
    }
    let head = match response {
        Ok(response) => {
            let http = state.http();
            let response = http.table.get(response)?;
            let headers: http::HeaderMap = response.headers.clone().into();
            Ok((response.status.as_u16(), headers))
        }
        Err(error) => Err(code_value(error)),
    };
    let name = "wasi:http/types#response-outparam.set";
    compared(state, name, |journal| match &head {
        Ok((status, headers)) => {
            let headers = journal.encoder.headers(headers, Sender::Guest);
            json!({ "status": status, "headers": headers })
        }
        Err(error) => journal.encoder.error(json!({ "error": error })),
    })
}
