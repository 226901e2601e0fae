//! Traffic, settings, secrets and outgoing hosts of functions.

use std::fs;

use serde_json::{Value, json};

use super::{Answer, Client, Received, Server, cells, function};

fn body(request: &Received) -> Value {
    assert_eq!(request.headers["content-type"], "application/json");
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn traffic_is_shown_or_divided() {
    let server = Server::answering(|_| {
        let mut function = function("image", 2, 2);
        function["traffic"] = json!({"1": 90, "2": 10});
        Answer::json(200, &function)
    });
    let shown = server.run(&["traffic", "image"]).succeeds();
    assert_eq!(shown.text(), "image: 1: 90%, 2: 10%\n");
    assert_eq!(server.lines(), ["GET /functions/image"]);
    let set = server.run(&["traffic", "image", "1=90", "2=10%"]);
    assert_eq!(set.succeeds().text(), "image: 1: 90%, 2: 10%\n");
    let request = server.received().pop().unwrap();
    assert_eq!(
        (&*request.method, &*request.target),
        ("PUT", "/functions/image/traffic")
    );
    assert_eq!(body(&request), json!({"versions": {"1": 90, "2": 10}}));
    server
        .run(&["traffic", "image", "1=50", "1=50"])
        .fails(5, &["version 1 is named twice"]);
    server
        .run(&["traffic", "image", "half"])
        .fails(2, &["such as 2=10"]);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn activate_directs_all_requests_to_a_version() {
    let server = Server::answering(|_| Answer::json(200, &function("image", 3, 1)));
    let run = server.run(&["activate", "image", "1"]).succeeds();
    assert_eq!(run.text(), "image: version 1 gets all requests\n");
    assert_eq!(
        server.lines(),
        ["POST /functions/image/versions/1/activate"]
    );
    server.run(&["activate", "image", "x"]).fails(2, &["x"]);
}

#[test]
fn settings_are_changed_one_by_one_and_the_others_stay() {
    let server = Server::answering(|request| match request.method.as_str() {
        "GET" => Answer::json(
            200,
            &json!({"values": {"a": "1", "b": "2\u{1b}"}, "secrets": ["KEY"]}),
        ),
        _ => {
            let values = body(request)["values"].clone();
            Answer::json(200, &json!({"values": values, "secrets": ["KEY"]}))
        }
    });
    let shown = server.run(&["settings", "show", "image"]).succeeds();
    assert_eq!(cells(shown.text()), ["a 1", "b 2\\u{1b}", "KEY (secret)"]);
    let set = server.run(&["settings", "set", "image", "b=3=4", "c="]);
    assert_eq!(
        cells(set.succeeds().text()),
        ["a 1", "b 3=4", "c", "KEY (secret)"]
    );
    let request = server.received().pop().unwrap();
    assert_eq!(
        (&*request.method, &*request.target),
        ("PUT", "/functions/image/config")
    );
    assert_eq!(
        body(&request),
        json!({"values": {"a": "1", "b": "3=4", "c": ""}})
    );
    let unset = server.run(&["settings", "unset", "image", "b"]);
    assert_eq!(cells(unset.succeeds().text()), ["a 1", "KEY (secret)"]);
    let before = server.received().len();
    let missing = server.run(&["settings", "unset", "image", "a", "KEY"]);
    missing.fails(5, &["no value `KEY`", "tensor-wasm secrets delete"]);
    server
        .run(&["settings", "set", "image", "a"])
        .fails(2, &["NAME=VALUE"]);
    let new = server.lines().split_off(before);
    assert_eq!(
        new,
        ["GET /functions/image/config"],
        "nothing is changed by halves"
    );
}

#[test]
fn a_secret_comes_from_standard_input_a_file_or_a_variable_and_is_shown_nowhere() {
    let server = Server::answering(|_| Answer::new(204, ""));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "hush from a file\n").unwrap();
    let set = |more: &[&str]| {
        let arguments = [&["secrets", "set", "image", "API_KEY"][..], more].concat();
        Client::new(&arguments).at(&server)
    };
    let runs = [
        (
            set(&[]).input("hush from input\nof two lines\r\n"),
            "hush from input\nof two lines",
        ),
        (set(&["--from", path.to_str().unwrap()]), "hush from a file"),
        (
            set(&["--from-env", "MY_KEY"]).env("MY_KEY", "hush from a variable\n"),
            "hush from a variable\n",
        ),
    ];
    for (run, secret) in runs {
        let run = run.run().succeeds();
        assert_eq!(run.text(), "");
        let request = server.received().pop().unwrap();
        assert_eq!(
            (&*request.method, &*request.target),
            ("PUT", "/functions/image/secrets/API_KEY")
        );
        assert_eq!(body(&request), json!({ "value": secret }));
    }
    let sent = server.received().len();
    set(&["--from-env", "NOT_SET"])
        .run()
        .fails(5, &["NOT_SET is not set"]);
    set(&["--from", "nowhere"])
        .run()
        .fails(1, &["can't read nowhere"]);
    set(&[]).input([0xff_u8]).run().fails(5, &["UTF-8"]);
    set(&[]).input("\n").run().fails(5, &["is empty"]);
    set(&[])
        .input(vec![b'h'; 100_000])
        .run()
        .fails(5, &["longer than 61440 bytes"]);
    // No argument takes one.
    set(&["hush"]).run().fails(2, &["unexpected argument"]);
    assert_eq!(server.received().len(), sent);
}

#[test]
fn secrets_are_listed_by_name_and_deleted() {
    let server = Server::answering(|request| match request.method.as_str() {
        "GET" => Answer::json(200, &json!({"values": {"a": "1"}, "secrets": ["A", "B"]})),
        _ => Answer::new(204, ""),
    });
    let listed = server.run(&["secrets", "list", "image"]).succeeds();
    assert_eq!(listed.text(), "A\nB\n");
    server
        .run(&["secrets", "delete", "image", "a/b"])
        .succeeds();
    assert_eq!(
        server.lines(),
        [
            "GET /functions/image/config",
            "DELETE /functions/image/secrets/a%2Fb"
        ]
    );
}

#[test]
fn outgoing_hosts_are_shown_and_set() {
    let server = Server::answering(|request| {
        let hosts = match request.method.as_str() {
            "GET" => Value::Null,
            _ => body(request)["hosts"].clone(),
        };
        Answer::json(200, &json!({"hosts": hosts, "granted": ["a", "b:81"]}))
    });
    for (options, allowed, sent) in [
        (&[][..], "all that are granted", None),
        (
            &["--allow", "a", "--allow=b:81"],
            "a, b:81",
            Some(json!(["a", "b:81"])),
        ),
        (&["--none"], "none", Some(json!([]))),
        (&["--all"], "all that are granted", Some(Value::Null)),
    ] {
        let run = server.run(&[&["outgoing", "image"][..], options].concat());
        let expected = format!("allowed {allowed}");
        assert_eq!(
            cells(run.succeeds().text()),
            [&*expected, "granted a, b:81"]
        );
        let request = server.received().pop().unwrap();
        assert_eq!(request.target, "/functions/image/outgoing-http");
        match sent {
            None => assert_eq!(request.method, "GET"),
            Some(hosts) => assert_eq!(body(&request), json!({ "hosts": hosts })),
        }
    }
    server
        .run(&["outgoing", "image", "--none", "--all"])
        .fails(2, &["--all"]);
}
