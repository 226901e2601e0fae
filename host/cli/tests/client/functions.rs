//! Deploying, listing, showing, rolling back and deleting functions, and what they used.

use std::fs;

use serde_json::json;

use super::{Answer, Client, Server, cells, function};

#[test]
fn deploy_sends_the_file_as_it_is_with_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("My_Image.wasm");
    let bytes: Vec<u8> = (0..1_000_000u32).map(|number| number as u8).collect();
    fs::write(&path, &bytes).unwrap();
    let server = Server::answering(|_| Answer::json(201, &function("my-image", 1, 1)));
    let run = Client::new(&["deploy", path.to_str().unwrap(), "--tenant", "7"])
        .at(&server)
        .env("TENSOR_WASM_TOKEN", "hush-hush")
        .run()
        .succeeds();
    let request = server.only();
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/functions?name=my-image");
    assert_eq!(request.headers["content-type"], "application/wasm");
    assert_eq!(request.headers["content-length"], "1000000");
    assert_eq!(request.headers["authorization"], "Bearer hush-hush");
    assert_eq!(request.headers["x-tensorwasm-tenant"], "7");
    assert_eq!(request.headers["host"], server.address.to_string());
    assert!(request.body == bytes, "the body is not the file");
    let shown = cells(run.text());
    for line in [
        "name my-image",
        "id fn_my-image",
        "version 1",
        "granted tensor:gpu/kernels@0.1.0",
        "denied -",
    ] {
        assert!(shown.iter().any(|other| other == line), "{shown:?}");
    }
    assert!(!run.text().contains("hush"), "{}", run.text());
}

#[test]
fn deploy_takes_standard_input_and_needs_a_name_for_it() {
    let server = Server::answering(|_| Answer::json(201, &function("a", 1, 1)));
    Client::new(&["deploy", "-", "--name", "a b&c"])
        .at(&server)
        .input("component")
        .run()
        .succeeds();
    let request = server.only();
    assert_eq!(
        request.target, "/functions?name=a%20b%26c",
        "the node checks names"
    );
    assert_eq!(request.body, b"component");
    assert!(!request.headers.contains_key("authorization"));
    assert!(!request.headers.contains_key("x-tensorwasm-tenant"));
    server.run(&["deploy", "-"]).fails(5, &["--name"]);
    server.run(&["deploy", "___.wasm"]).fails(5, &["--name"]);
    let missing = server.run(&["deploy", "nowhere.wasm"]);
    missing.fails(1, &["can't read nowhere.wasm", "No such file"]);
    server.run(&["deploy", "/"]).fails(5, &["--name"]);
    let folder = server.run(&["deploy", "/tmp", "--name=a"]);
    folder.fails(1, &["can't read /tmp", "directory"]);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn json_is_the_node_s_own() {
    // Not as any library of JSON would write it.
    let text = serde_json::to_string_pretty(&function("a", 1, 1)).unwrap();
    let text = text.replace("  ", "\t") + " \n";
    let answer = text.clone();
    let server = Server::answering(move |_| Answer::new(200, answer.clone()));
    for command in [
        &["deploy", "-", "--name=a", "--json"][..],
        &["show", "a", "--json"],
        &["rollback", "a", "--to=1", "--json"],
    ] {
        assert_eq!(server.run(command).succeeds().text(), text, "{command:?}");
    }
}

#[test]
fn list_asks_for_every_page() {
    let server = Server::answering(|request| {
        let page = |names: &[&str], next| {
            let functions = names.iter().map(|name| function(name, 1, 1));
            json!({"functions": functions.collect::<Vec<_>>(), "next": next})
        };
        let page = match request.target.as_str() {
            "/functions" => page(&["a", "b"], json!("b/+")),
            "/functions?after=b%2F%2B" => page(&["c"], json!(null)),
            other => panic!("{other}"),
        };
        Answer::json(200, &page)
    });
    let run = server.run(&["list"]).succeeds();
    let lines = cells(run.text());
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[0].starts_with("NAME ID VERSION"), "{lines:?}");
    for (line, name) in lines[1..].iter().zip(["a", "b", "c"]) {
        let expected = format!("{name} fn_{name} 1 1: 100% 2.0 KiB 2026-11-30T09:00:01.000Z gpu");
        assert_eq!(*line, expected);
    }
    let json = server.run(&["list", "--json"]).succeeds();
    let documents = serde_json::Deserializer::from_str(json.text());
    let pages: Vec<serde_json::Value> = documents.into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[1]["functions"][0]["name"], "c");

    let empty = Server::answering(|_| Answer::json(200, &json!({"functions": [], "next": null})));
    assert_eq!(empty.run(&["list"]).succeeds().text(), "no functions\n");
}

#[test]
fn a_node_that_repeats_its_cursor_does_not_keep_the_client_for_ever() {
    let server = Server::answering(|_| Answer::json(200, &json!({"functions": [], "next": "a"})));
    server.run(&["list"]).succeeds();
    assert_eq!(server.lines(), ["GET /functions", "GET /functions?after=a"]);
}

#[test]
fn show_lists_the_versions() {
    let server = Server::answering(|_| Answer::json(200, &function("a", 3, 2)));
    let run = server.run(&["show", "a/../b"]).succeeds();
    assert_eq!(server.lines(), ["GET /functions/a%2F..%2Fb"]);
    let lines = cells(run.text());
    let time = "2026-11-30T09:00:00.123Z";
    for line in [
        "traffic 2: 100%".to_owned(),
        "VERSION TRAFFIC SIZE ASSETS CREATED BY DIGEST".to_owned(),
        format!("3 - 2.0 KiB - {time} - blake3:3"),
        format!("2 100% 2.0 KiB - {time} - blake3:2"),
        format!("1 - 2.0 KiB - {time} alice blake3:1"),
    ] {
        assert!(lines.contains(&line), "no {line:?} in {lines:#?}");
    }
}

#[test]
fn rollback_activates_the_version_below_the_active_ones() {
    let server = Server::answering(|request| {
        Answer::json(
            200,
            &match request.method.as_str() {
                "GET" => function("a", 4, 3),
                _ => function("a", 4, 2),
            },
        )
    });
    let run = server.run(&["rollback", "a"]).succeeds();
    assert_eq!(run.text(), "a: version 2 gets all requests\n");
    let activate = "POST /functions/a/versions/2/activate";
    assert_eq!(server.lines(), ["GET /functions/a", activate]);

    let server = Server::answering(|_| Answer::json(200, &function("a", 4, 4)));
    server.run(&["rollback", "a", "--to", "4"]).succeeds();
    assert_eq!(server.lines(), ["POST /functions/a/versions/4/activate"]);

    let server = Server::answering(|_| Answer::json(200, &function("a", 2, 1)));
    server
        .run(&["rollback", "a"])
        .fails(5, &["no version", "--to"]);
    assert_eq!(server.lines(), ["GET /functions/a"]);
}

#[test]
fn a_script_deletes_without_a_question() {
    let server = Server::answering(|_| Answer::new(204, ""));
    for command in [&["delete", "a"][..], &["delete", "a", "--yes"]] {
        assert_eq!(server.run(command).succeeds().text(), "");
    }
    assert_eq!(
        server.lines(),
        ["DELETE /functions/a", "DELETE /functions/a"]
    );
}

#[test]
fn usage_shows_whatever_the_node_meters() {
    let server = Server::answering(|_| {
        let record = json!({
            "hour": "2026-11-30T09:00:00Z", "function": "a",
            "requests": 3, "device_seconds": 0.25,
        });
        Answer::json(200, &json!({"usage": [record]}))
    });
    let run = server.run(&["usage", "--from", "2026-11-01", "--to=2026-12-01T00:00:00Z"]);
    let times = "from=2026-11-01T00%3A00%3A00Z&to=2026-12-01T00%3A00%3A00Z";
    assert_eq!(server.lines(), [format!("GET /usage?{times}")]);
    assert_eq!(
        cells(run.succeeds().text()),
        [
            "HOUR FUNCTION REQUESTS DEVICE_SECONDS",
            "2026-11-30T09:00:00Z a 3 0.25"
        ]
    );
    server
        .run(&["usage", "--from", "yesterday"])
        .fails(2, &["yesterday"]);
}
