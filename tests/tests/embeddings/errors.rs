//! What it answers where a request is not as it should be: OpenAI's form, which its clients show.

use serde_json::{Value, json};
use tensor_wasm_tests::Reply;

use super::{SERVER, TINY, models, post, serve};

/// Asserts that it is an error of this status, with the field to blame and its code, whose message has
/// this in it.
#[track_caller]
pub fn assert_error(reply: &Reply, status: u16, [param, code]: [Value; 2], text: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let error = &reply.json()["error"];
    let kind = match status {
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    assert_eq!(error["type"], kind, "{error}");
    assert_eq!(error["param"], param, "{error}");
    assert_eq!(error["code"], code, "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(text), "{text:?} is not in {message:?}");
}

#[test]
fn a_wrong_input_is_an_error_that_says_what_it_may_be() {
    let server = SERVER.get();
    let field = || [json!("input"), Value::Null];
    for (input, text) in [
        (json!(""), "index 0 is empty"),
        (json!([]), "1 to 2048 texts"),
        (json!(["a", ""]), "index 1 is empty"),
        (json!([[1], []]), "index 1 is empty"),
        (json!(5), "a list of strings"),
        (Value::Null, "a list of strings"),
        (json!({ "text": "a" }), "a list of strings"),
        (json!(["a", 5]), "token ids stand beside texts"),
        (json!(["a", null]), "a string, a token id"),
        (json!([[5, "a"]]), "u32"),
        (json!([1.5]), "a string, a token id"),
        (json!([-1]), "a string, a token id"),
        (json!([99_999]), "the token id 99999"),
        (json!([4_294_967_296_u64]), "below 2^32"),
        (json!(vec![1; 10_000]), "8192 token ids"),
        (json!(vec!["a"; 10_000]), "2048 texts"),
        (json!(vec![vec![vec![1]]]), "u32"),
    ] {
        let reply = post(&server, &json!({ "model": TINY, "input": input }));
        assert_error(&reply, 400, field(), text);
    }
}

#[test]
fn other_wrong_fields_are_errors_that_name_them() {
    let server = SERVER.get();
    let field = |name: &str| [json!(name), Value::Null];
    for (body, param, text) in [
        (json!({ "model": TINY }), field("input"), "missing"),
        (json!({ "input": "a" }), field("model"), "missing"),
        (
            json!({ "input": "a", "model": 5 }),
            field("model"),
            "a string",
        ),
        (
            json!({ "input": "a", "model": TINY, "encoding_format": "hex" }),
            field("encoding_format"),
            "base64",
        ),
        (
            json!({ "input": "a", "model": TINY, "dimensions": "many" }),
            field("dimensions"),
            "u64",
        ),
        (
            json!({ "input": "a", "model": TINY, "dimensions": 32 }),
            field("dimensions"),
            "64 numbers",
        ),
        (
            json!({ "input": "a", "model": TINY, "inputs": "b" }),
            [Value::Null, Value::Null],
            "inputs",
        ),
        (json!([]), [Value::Null, Value::Null], "in JSON"),
    ] {
        assert_error(&post(&server, &body), 400, param, text);
    }
    let whole = json!({ "input": "a", "model": TINY, "dimensions": 64 });
    assert_eq!(post(&server, &whole).status, 200);
}

#[test]
fn a_body_that_is_no_json_or_no_utf8_is_an_error() {
    let server = SERVER.get();
    let invalid = [
        &b"{\"model\":\"tiny\",\"input\":\"caf"[..],
        &[0xe9, 0xff],
        b"\"}",
    ]
    .concat();
    for body in [&b""[..], b"{", b"\xff\xfe", &invalid] {
        let reply = server.post("/v1/embeddings", body.to_vec());
        assert_eq!(reply.status, 400, "{}", reply.text());
        let error = &reply.json()["error"];
        assert_eq!(error["type"], "invalid_request_error");
    }
}

#[test]
fn a_body_beyond_the_limit_is_an_error_whatever_it_says() {
    let server = SERVER.get();
    let long = json!({ "model": TINY, "input": "a ".repeat(9 << 20) });
    let none = || [Value::Null, Value::Null];
    assert_error(&post(&server, &long), 413, none(), "16777216 bytes");
    // Within the limit, what would take more memory than an instance has ends at its bound.
    let many = format!(
        r#"{{"model":"tiny","input":[{}1]}}"#,
        "[1],".repeat(3 << 20)
    );
    let field = [json!("input"), Value::Null];
    assert_error(&server.post("/v1/embeddings", many), 400, field, "2048");
}

#[test]
fn what_is_not_there_is_an_error() {
    let server = SERVER.get();
    let no_model = || [json!("model"), json!("model_not_found")];
    for model in [
        "gpt-4",
        "",
        "..",
        "tiny/../tiny",
        "/models/tiny",
        "tiny\0",
        "tiny\\",
    ] {
        let reply = post(&server, &json!({ "model": model, "input": "a" }));
        assert_error(&reply, 404, no_model(), "GET /v1/models");
    }
    let reply = server.get("/v1/models/none");
    assert_error(&reply, 404, no_model(), "\"none\"");
    let reply = server.get("/v1/chat/completions");
    let code = [Value::Null, json!("unknown_url")];
    assert_error(&reply, 404, code, "POST /v1/embeddings");
    let reply = server.get("/v1/embeddings");
    let code = [Value::Null, json!("method_not_supported")];
    assert_error(&reply, 405, code, "takes POST");
    assert_eq!(reply.header("allow"), Some("POST"));
}

#[test]
fn without_a_device_there_are_models_but_no_embeddings() {
    let server = serve(&models()).args(["--gpu", "deny"]).start();
    assert_eq!(server.get("/v1/models").status, 200);
    let reply = post(&server, &json!({ "model": TINY, "input": "a" }));
    assert_error(&reply, 503, [Value::Null, json!("denied")], "");
}

#[test]
fn without_a_folder_of_models_there_are_none() {
    let empty = tempfile::tempdir().unwrap();
    let server = serve(empty.path()).start();
    assert_eq!(server.get("/v1/models").json()["data"], json!([]));
    let reply = post(&server, &json!({ "model": TINY, "input": "a" }));
    let code = [json!("model"), json!("model_not_found")];
    assert_error(&reply, 404, code, "there is no model");
}
