//! The functions of `wasi:http/types` that make the host hold bytes for as long as the guest
//! likes, linked by hand: each reserves the bytes in the instance's account, and then does what
//! the library's function does.

use super::held::{self, RESOURCE_BYTES};
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceTable};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p2::body::HostOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostOutgoingRequest, HostOutgoingResponse};
use wasmtime_wasi_http::p3::bindings::http::types as p3;
use wasmtime_wasi_http::{FieldMap, WasiHttpView};

use super::limits::HttpLimits;

/// A store whose instance has an account.
pub(crate) trait HttpAccountView: WasiHttpView {
    /// What follows from the limit of the account.
    fn http_limits(&self) -> HttpLimits;

    /// Reserves bytes that the host is to hold for the instance, until they are found to be held
    /// no longer.
    ///
    /// # Errors
    ///
    /// Where the instance would hold more than it may: the guest is ended.
    fn reserve(&mut self, bytes: usize) -> Result<()>;
}

/// How many bytes the host holds for the resources of a table, about.
pub(crate) fn held_bytes(table: &mut ResourceTable, limits: HttpLimits) -> usize {
    held::by_table(table, limits)
}

/// Replaces the library's functions.
pub(super) fn replace<T: HttpAccountView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    let replaced = replace_all(linker);
    linker.allow_shadowing(false);
    replaced
}

fn replace_all<T: HttpAccountView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    let mut types = linker.instance("wasi:http/types@0.2.12")?;
    fields_of_0_2(&mut types)?;
    outgoing_of_0_2(&mut types)?;
    let mut types = linker.instance("wasi:http/types@0.3.0")?;
    fields_of_0_3(&mut types)?;
    requests_of_0_3(&mut types)
}

/// The bytes of a method or a text that a guest sets.
fn text(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

/// Header fields, which both versions of the interface have alike, and each with types of its
/// own.
macro_rules! fields {
    ($name:ident, $types:ident) => {
        fn $name<T: HttpAccountView + 'static>(types: &mut LinkerInstance<'_, T>) -> Result<()> {
            type Fields = Resource<FieldMap>;
            type Changed = (Result<(), $types::HeaderError>,);
            type Made = (Result<Fields, $types::HeaderError>,);

            types.func_wrap(
                "[constructor]fields",
                |mut store: StoreContextMut<'_, T>, (): ()| -> Result<(Fields,)> {
                    store.data_mut().reserve(RESOURCE_BYTES)?;
                    Ok(($types::HostFields::new(&mut store.data_mut().http())?,))
                },
            )?;
            types.func_wrap(
                "[static]fields.from-list",
                |mut store: StoreContextMut<'_, T>,
                 (entries,): (Vec<(String, Vec<u8>)>,)|
                 -> Result<Made> {
                    let fields = entries.iter();
                    let bytes = fields.map(|(name, value)| held::of_field(name, value));
                    store
                        .data_mut()
                        .reserve(bytes.sum::<usize>() + RESOURCE_BYTES)?;
                    let mut http = store.data_mut().http();
                    Ok((match $types::HostFields::from_list(&mut http, entries) {
                        Ok(made) => Ok(made),
                        Err(error) => Err(error.downcast()?),
                    },))
                },
            )?;
            types.func_wrap(
                "[method]fields.set",
                |mut store: StoreContextMut<'_, T>,
                 (fields, name, values): (Fields, String, Vec<Vec<u8>>)|
                 -> Result<Changed> {
                    let bytes = values.iter().map(|value| held::of_field(&name, value));
                    store.data_mut().reserve(bytes.sum())?;
                    let mut http = store.data_mut().http();
                    Ok((
                        match $types::HostFields::set(&mut http, fields, name, values) {
                            Ok(()) => Ok(()),
                            Err(error) => Err(error.downcast()?),
                        },
                    ))
                },
            )?;
            types.func_wrap(
                "[method]fields.append",
                |mut store: StoreContextMut<'_, T>,
                 (fields, name, value): (Fields, String, Vec<u8>)|
                 -> Result<Changed> {
                    store.data_mut().reserve(held::of_field(&name, &value))?;
                    let mut http = store.data_mut().http();
                    Ok((
                        match $types::HostFields::append(&mut http, fields, name, value) {
                            Ok(()) => Ok(()),
                            Err(error) => Err(error.downcast()?),
                        },
                    ))
                },
            )?;
            types.func_wrap(
                "[method]fields.clone",
                |mut store: StoreContextMut<'_, T>, (fields,): (Fields,)| -> Result<(Fields,)> {
                    // Copied when one of the two is changed.
                    let bytes = held::of_fields(store.data_mut().http().table.get(&fields)?);
                    store.data_mut().reserve(bytes + RESOURCE_BYTES)?;
                    let mut http = store.data_mut().http();
                    Ok(($types::HostFields::clone(&mut http, fields)?,))
                },
            )
        }
    };
}

fields!(fields_of_0_2, p2);
fields!(fields_of_0_3, p3);

type Set = (Result<(), ()>,);
type Body = (Result<Resource<HostOutgoingBody>, ()>,);

/// Requests and responses that a guest of WASI 0.2 makes.
fn outgoing_of_0_2<T: HttpAccountView + 'static>(types: &mut LinkerInstance<'_, T>) -> Result<()> {
    use p2::{HostOutgoingRequest as OfRequest, HostOutgoingResponse as OfResponse};
    type Request = Resource<HostOutgoingRequest>;
    type Response = Resource<HostOutgoingResponse>;

    types.func_wrap(
        "[method]outgoing-request.body",
        |mut store: StoreContextMut<'_, T>, (request,): (Request,)| -> Result<Body> {
            reserve_body(store.data_mut())?;
            Ok((OfRequest::body(&mut store.data_mut().http(), request)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-response.body",
        |mut store: StoreContextMut<'_, T>, (response,): (Response,)| -> Result<Body> {
            reserve_body(store.data_mut())?;
            Ok((OfResponse::body(&mut store.data_mut().http(), response)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: StoreContextMut<'_, T>,
         (request, method): (Request, p2::Method)|
         -> Result<Set> {
            store.data_mut().reserve(held::of_method(&method))?;
            Ok((OfRequest::set_method(
                &mut store.data_mut().http(),
                request,
                method,
            )?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-scheme",
        |mut store: StoreContextMut<'_, T>,
         (request, scheme): (Request, Option<p2::Scheme>)|
         -> Result<Set> {
            store.data_mut().reserve(held::of_scheme(scheme.as_ref()))?;
            Ok((OfRequest::set_scheme(
                &mut store.data_mut().http(),
                request,
                scheme,
            )?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: StoreContextMut<'_, T>,
         (request, authority): (Request, Option<String>)|
         -> Result<Set> {
            store.data_mut().reserve(text(authority.as_ref()))?;
            let mut http = store.data_mut().http();
            Ok((OfRequest::set_authority(&mut http, request, authority)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |mut store: StoreContextMut<'_, T>,
         (request, path): (Request, Option<String>)|
         -> Result<Set> {
            store.data_mut().reserve(text(path.as_ref()))?;
            let mut http = store.data_mut().http();
            Ok((OfRequest::set_path_with_query(&mut http, request, path)?,))
        },
    )
}

fn reserve_body<T: HttpAccountView>(state: &mut T) -> Result<()> {
    let bytes = state.http_limits().body_bytes();
    state.reserve(bytes + RESOURCE_BYTES)
}

/// Requests that a guest of WASI 0.3 makes. Their bodies are streams of the guest, of which the
/// host holds a chunk while they are sent.
fn requests_of_0_3<T: HttpAccountView + 'static>(types: &mut LinkerInstance<'_, T>) -> Result<()> {
    use p3::HostRequest as OfRequest;
    type Request = Resource<wasmtime_wasi_http::p3::Request>;

    types.func_wrap(
        "[method]request.set-method",
        |mut store: StoreContextMut<'_, T>,
         (request, method): (Request, p3::Method)|
         -> Result<Set> {
            let bytes = match &method {
                p3::Method::Other(name) => name.len(),
                _ => 0,
            };
            store.data_mut().reserve(bytes)?;
            Ok((OfRequest::set_method(
                &mut store.data_mut().http(),
                request,
                method,
            )?,))
        },
    )?;
    types.func_wrap(
        "[method]request.set-scheme",
        |mut store: StoreContextMut<'_, T>,
         (request, scheme): (Request, Option<p3::Scheme>)|
         -> Result<Set> {
            let bytes = match &scheme {
                Some(p3::Scheme::Other(name)) => name.len(),
                _ => 0,
            };
            store.data_mut().reserve(bytes)?;
            Ok((OfRequest::set_scheme(
                &mut store.data_mut().http(),
                request,
                scheme,
            )?,))
        },
    )?;
    types.func_wrap(
        "[method]request.set-authority",
        |mut store: StoreContextMut<'_, T>,
         (request, authority): (Request, Option<String>)|
         -> Result<Set> {
            store.data_mut().reserve(text(authority.as_ref()))?;
            let mut http = store.data_mut().http();
            Ok((OfRequest::set_authority(&mut http, request, authority)?,))
        },
    )?;
    types.func_wrap(
        "[method]request.set-path-with-query",
        |mut store: StoreContextMut<'_, T>,
         (request, path): (Request, Option<String>)|
         -> Result<Set> {
            store.data_mut().reserve(text(path.as_ref()))?;
            let mut http = store.data_mut().http();
            Ok((OfRequest::set_path_with_query(&mut http, request, path)?,))
        },
    )
}
