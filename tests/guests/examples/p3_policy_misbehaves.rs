//! A policy of WASI 0.3 that does what no policy should, by the path of the request.

use tensor_wasm_test_guests::policy_p3::{
    body_of_response, changed, copy, decision, forward, no_trailers, path, text, with_body,
};
use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen as rt, wit_future, wit_stream};

/// In nanoseconds.
const HOUR: u64 = 3_600_000_000_000;

struct Misbehaves;

impl Guest for Misbehaves {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = path(&request);
        match path.as_str() {
            "/trap-undecided" => std::process::abort(),
            "/undecided" => return forward(request).await,
            "/answer-undecided" => return Ok(text(200, "nobody decided")),
            "/refuse-and-forward" => {
                decision::refuse(None, "closed");
                return forward(request).await;
            }
            _ => decision::admit(None, 0),
        }
        match path.as_str() {
            "/trap-before" => std::process::abort(),
            "/trap-while" => {
                rt::spawn_local(async {
                    // The call is on its way by then.
                    rt::yield_async().await;
                    std::process::abort()
                });
                forward(request).await
            }
            "/trap-after" => {
                let _response = forward(request).await?;
                std::process::abort()
            }
            "/trap-in-body" => {
                let (body, _) = body_of_response(forward(request).await?);
                let body = changed(body, |_| std::process::abort());
                Ok(Response::new(Fields::new(), Some(body), no_trailers()).0)
            }
            "/never" => {
                wait_for(HOUR).await;
                forward(request).await
            }
            "/drop-request" => {
                drop(request);
                Ok(text(200, "the request was dropped"))
            }
            "/drop-response" => {
                drop(forward(request).await?);
                Ok(text(200, "the response was dropped"))
            }
            "/cancel" => {
                let mut call = Box::pin(forward(request));
                std::future::poll_fn(|cx| {
                    let _ = call.as_mut().poll(cx);
                    std::task::Poll::Ready(())
                })
                .await;
                drop(call);
                Ok(text(200, "the call was cancelled"))
            }
            "/fail" => Err(ErrorCode::DestinationUnavailable),
            "/fail-after" => {
                drop(forward(request).await?);
                Err(ErrorCode::HttpResponseIncomplete)
            }
            "/twice" => {
                let headers = copy(&request.get_headers());
                let second = with_body(&request, headers, None, no_trailers());
                let first = forward(request).await?;
                match forward(second).await {
                    Ok(_) => Ok(text(200, "both were forwarded")),
                    Err(_) => Ok(first),
                }
            }
            "/short" | "/long" | "/broken" | "/dropped" | "/stalled" => {
                Ok(forward(faulty(&path, &request)).await?)
            }
            "/response-short" | "/response-broken" => {
                drop(forward(request).await?);
                let headers = Fields::new();
                let _ = headers.append("content-length", b"10");
                let (mut sender, body) = wit_stream::new();
                let (end, trailers) = wit_future::new(|| Ok(None));
                let breaks = path == "/response-broken";
                rt::spawn_local(async move {
                    let _ = sender.write_all(b"half\n".to_vec()).await;
                    drop(sender);
                    if breaks {
                        let _ = end.write(Err(ErrorCode::HttpResponseIncomplete)).await;
                    }
                });
                Ok(Response::new(headers, Some(body), trailers).0)
            }
            _ => forward(request).await,
        }
    }
}

/// A request whose body is not what its head says.
fn faulty(path: &str, request: &Request) -> Request {
    let headers = Fields::new();
    if path != "/broken" && path != "/dropped" && path != "/stalled" {
        let _ = headers.append("content-length", b"10");
    }
    let (mut sender, body) = wit_stream::new();
    let (end, trailers) = wit_future::new(|| Ok(None));
    let path = path.to_owned();
    rt::spawn_local(async move {
        let bytes: &[u8] = match path.as_str() {
            "/long" => b"more than ten bytes",
            _ => b"half\n",
        };
        let _ = sender.write_all(bytes.to_vec()).await;
        match path.as_str() {
            "/stalled" => wait_for(HOUR).await,
            "/broken" => {
                drop(sender);
                let _ = end.write(Err(ErrorCode::HttpRequestBodySize(None))).await;
            }
            _ => {}
        }
    });
    with_body(request, headers, Some(body), trailers)
}

wasip3::http::service::export!(Misbehaves);
