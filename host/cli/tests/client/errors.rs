//! Errors of a node: their exit codes, and what people are told.

use serde_json::json;

use super::{Answer, Server};

/// Every kind that a node and its policy answer with.
const KINDS: [(u16, &str, i32); 37] = [
    (400, "invalid_request", 5),
    (400, "invalid_name", 5),
    (400, "missing_tenant", 5),
    (400, "invalid_tenant", 5),
    (401, "unauthorized", 3),
    (401, "invalid_auth", 3),
    (403, "tenant_scope_denied", 3),
    (403, "gpu_refused", 3),
    (403, "host_not_granted", 3),
    (404, "not_found", 4),
    (404, "function_not_found", 4),
    (404, "version_not_found", 4),
    (404, "job_not_found", 4),
    (404, "secret_not_found", 4),
    (404, "asset_not_found", 4),
    (404, "job_has_no_result", 4),
    (405, "method_not_allowed", 5),
    (408, "body_stalled", 6),
    (409, "idempotency_conflict", 5),
    (409, "job_not_finished", 5),
    (409, "conflict", 5),
    (410, "job_result_expired", 4),
    (413, "body_too_large", 5),
    (415, "unsupported_media_type", 5),
    (422, "invalid_component", 5),
    (429, "tenant_capacity_exhausted", 6),
    (429, "rate_limited", 6),
    (500, "internal", 1),
    (500, "asset_damaged", 1),
    (500, "policy_misconfigured", 1),
    (502, "guest_trap", 7),
    (502, "guest_no_response", 7),
    (503, "capacity_exhausted", 6),
    (503, "storage_unavailable", 6),
    (503, "overloaded", 6),
    (504, "invoke_timeout", 7),
    (507, "storage_full", 6),
];

#[test]
fn each_kind_of_error_has_its_exit_code_in_every_command() {
    let server = Server::answering(|request| {
        let (status, kind) = request.headers["x-kind"].split_once(' ').unwrap();
        Answer::error(status.parse().unwrap(), kind)
    });
    // Commands can't send headers of their own but for `invoke`, which is asked for each.
    for (status, kind, code) in KINDS {
        let header = format!("x-kind: {status} {kind}");
        let run = server.run(&["invoke", "image", "--header", &header]);
        let run = run.fails(code, &[&format!("error: {kind}: what is wrong\n")]);
        assert!(run.err.contains("\nrequest id: abc\n"), "{}", run.err);
        assert_eq!(run.text(), "", "an error is no result");
    }
}

#[test]
fn every_command_ends_with_the_code_of_the_node_s_error() {
    let server = Server::answering(|_| Answer::error(403, "tenant_scope_denied"));
    for command in [
        &["deploy", "-", "--name=image"][..],
        &["list"],
        &["show", "image"],
        &["rollback", "image"],
        &["rollback", "image", "--to=1"],
        &["activate", "image", "1"],
        &["traffic", "image"],
        &["traffic", "image", "1=100"],
        &["settings", "show", "image"],
        &["settings", "set", "image", "a=b"],
        &["settings", "unset", "image", "a"],
        &["secrets", "list", "image"],
        &["secrets", "set", "image", "A", "--from=Cargo.toml"],
        &["secrets", "delete", "image", "A"],
        &["outgoing", "image"],
        &["assets", "list", "image"],
        &["assets", "put", "image", "a", "Cargo.toml"],
        &["assets", "delete", "image", "a"],
        &["delete", "image"],
        &["invoke", "image"],
        &["invoke", "image", "--async"],
        &["jobs", "list"],
        &["jobs", "show", "job_1"],
        &["jobs", "result", "job_1"],
        &["jobs", "cancel", "job_1"],
        &["jobs", "wait", "job_1"],
        &["usage"],
        &["verify"],
    ] {
        let run = server.run(command);
        run.fails(
            3,
            &["tenant_scope_denied", "--tenant", "TENSOR_WASM_TENANT"],
        );
    }
}

#[test]
fn an_error_says_what_to_do_next() {
    for (status, kind, words) in [
        (
            401,
            "unauthorized",
            &["TENSOR_WASM_TOKEN", "--token-from"][..],
        ),
        (404, "function_not_found", &["tensor-wasm list"]),
        (404, "not_found", &["--server"]),
        (422, "invalid_component", &["tensor-wasm inspect"]),
        (429, "tenant_capacity_exhausted", &["try again in 7 s"]),
        (503, "capacity_exhausted", &["try again in 7 s"]),
        (500, "internal", &["the node's log", "request id: abc"]),
    ] {
        let server =
            Server::answering(move |_| Answer::error(status, kind).header("retry-after", "7"));
        let run = server.run(&["show", "image"]);
        for word in words {
            assert!(run.err.contains(word), "{kind}: {}", run.err);
        }
    }
}

#[test]
fn a_trap_is_named() {
    let server = Server::answering(|_| {
        let error = json!({
            "kind": "guest_trap", "message": "it trapped",
            "request_id": "abc", "trap": "unreachable",
        });
        Answer::json(502, &json!({ "error": error })).header("x-request-id", "abc")
    });
    let run = server.run(&["invoke", "image"]);
    run.fails(7, &["guest_trap: it trapped", "trap: unreachable"]);
}

#[test]
fn what_a_server_says_can_not_control_the_terminal() {
    let server = Server::answering(|_| {
        let error = json!({"kind": "a\u{1b}[2J", "message": "b\u{7}\nc", "request_id": "d\u{1b}"});
        Answer::json(404, &json!({ "error": error }))
    });
    let run = server.run(&["show", "image"]).fails(4, &["a\\u{1b}[2J"]);
    let is_control = |letter: char| letter.is_control() && letter != '\n';
    assert!(!run.err.contains(is_control), "{:?}", run.err);
}

#[test]
fn an_answer_that_is_none_of_a_node_s_is_told_as_such() {
    for answer in [
        || Answer::new(200, "<html>welcome</html>"),
        || Answer::new(200, "{}"),
        || Answer::new(404, "not here"),
        || Answer::new(302, "").header("location", "http://elsewhere/"),
    ] {
        let server = Server::answering(move |_| answer());
        for command in [&["list"][..], &["show", "image"], &["usage"]] {
            let run = server.run(command);
            run.fails(1, &["is no node of this version", "--server"]);
        }
        assert_eq!(server.received().len(), 3, "no redirection is followed");
    }
}

#[test]
fn help_lists_the_exit_codes() {
    let server = Server::answering(|_| Answer::new(200, ""));
    for command in [
        &["deploy"][..],
        &["list"],
        &["show"],
        &["rollback"],
        &["activate"],
        &["traffic"],
        &["settings"],
        &["settings", "show"],
        &["settings", "set"],
        &["settings", "unset"],
        &["secrets"],
        &["secrets", "list"],
        &["secrets", "set"],
        &["secrets", "delete"],
        &["outgoing"],
        &["assets"],
        &["assets", "list"],
        &["assets", "put"],
        &["assets", "delete"],
        &["delete"],
        &["invoke"],
        &["jobs"],
        &["jobs", "list"],
        &["jobs", "show"],
        &["jobs", "result"],
        &["jobs", "cancel"],
        &["jobs", "wait"],
        &["usage"],
        &["verify"],
    ] {
        let help = server.run(&[command, &["--help"]].concat()).succeeds();
        for line in ["Exit codes:", "  3  refused", "  7  the function failed"] {
            assert!(help.text().contains(line), "{command:?}: {}", help.text());
        }
    }
}
