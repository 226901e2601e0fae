//! The servers that a function may send HTTP requests to: those that the operator grants its
//! tenant, and of them those that the function's own list names.

use std::fs;
use std::net::TcpListener;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, guest};

use super::Node;

/// A server on this machine, and its address.
fn neighbour() -> (Server, String) {
    let server = Serve::new(guest("hello")).start();
    let address = server.address().to_string();
    (server, address)
}

/// What the function `app` is told of a request to this server.
fn asked(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn list(node: &Node, hosts: &Value) -> Reply {
    let body = json!({ "hosts": hosts });
    node.send_json(Method::PUT, "/functions/app/outgoing-http", &body)
}

#[test]
fn the_list_of_a_function_takes_servers_away_and_holds_after_a_restart() {
    let ((_one, first), (_two, second)) = (neighbour(), neighbour());
    let options = [
        format!("--allow-http={first}"),
        format!("--allow-http={second}"),
    ];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let node = Node::start(&options);
    let shown = node.deploy("app", "outgoing");
    assert_eq!(shown["outgoing_hosts"], json!([first, second]));
    node.deploy("other", "outgoing");
    let ask = |node: &Node, to: &str| asked(&node.server.get(&format!("/f/app/{to}")));
    assert_eq!(ask(&node, &first)["status"], 200);
    assert_eq!(ask(&node, &second)["status"], 200);

    let set = list(&node, &json!([first]));
    assert_eq!(set.status, 200, "{}", set.text());
    let expected = json!({"hosts": [first], "granted": [first, second]});
    assert_eq!(set.json(), expected);
    let denied = json!({"error": "ErrorCode::HttpRequestDenied"});
    let check = |node: &Node| {
        assert_eq!(ask(node, &first)["status"], 200);
        assert_eq!(ask(node, &second), denied);
        let other = asked(&node.server.get(&format!("/f/other/{second}")));
        assert_eq!(other["status"], 200, "another function has no list");
        let shown = node.server.get("/functions/app").json();
        assert_eq!(shown["outgoing_hosts"], json!([first]));
    };
    check(&node);
    node.deploy("app", "outgoing");
    check(&node);
    let node = node.restart(&options);
    check(&node);
    assert_eq!(
        node.server.get("/functions/app/outgoing-http").json(),
        expected
    );

    assert_eq!(list(&node, &json!([])).status, 200);
    assert_eq!(ask(&node, &first), denied);
    assert_eq!(list(&node, &Value::Null).status, 200);
    assert_eq!(ask(&node, &second)["status"], 200);

    // What the operator takes away, the list does not give back.
    assert_eq!(list(&node, &json!([first, second])).status, 200);
    let node = node.restart(&options[1..]);
    assert_eq!(ask(&node, &first), denied);
    assert_eq!(ask(&node, &second)["status"], 200);
    let shown = node.server.get("/functions/app").json();
    assert_eq!(shown["outgoing_hosts"], json!([second]));
}

#[test]
fn a_name_that_leads_to_this_machine_is_refused_unless_the_grant_names_the_address() {
    let (_server, address) = neighbour();
    let port = address.rsplit(':').next().unwrap();
    // The resolver takes them for this machine, as it would take a name that somebody has in DNS.
    let names = [format!("127.1:{port}"), format!("2130706433:{port}")];
    let options: Vec<String> = [format!("localhost:{port}"), address.clone()]
        .iter()
        .chain(&names)
        .map(|name| format!("--allow-http={name}"))
        .collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let node = Node::start(&options);
    node.deploy("app", "outgoing");
    for name in &names {
        let seen = asked(&node.server.get(&format!("/f/app/{name}")));
        assert_eq!(
            seen,
            json!({"error": "ErrorCode::DestinationIpProhibited"}),
            "{name}"
        );
    }
    for name in [format!("localhost:{port}"), address] {
        let seen = asked(&node.server.get(&format!("/f/app/{name}")));
        assert_eq!(seen["status"], 200, "{name}");
    }
}

#[test]
fn a_list_that_asks_for_more_than_the_operator_grants_changes_nothing() {
    let node = Node::start(&["--allow-http=api.example", "--allow-http=b.example:8443"]);
    node.deploy("app", "hello");
    let refused = list(&node, &json!(["api.example", "c.example"]));
    refused.assert_error(403, "host_not_granted");
    let text = refused.text();
    for part in ["c.example", "api.example, b.example:8443"] {
        assert!(text.contains(part), "{text}");
    }
    list(&node, &json!(["b.example"])).assert_error(403, "host_not_granted");
    list(&node, &json!(["api.example:8443"])).assert_error(403, "host_not_granted");
    for wrong in [
        json!(["http://api.example/"]),
        json!(["user@api.example"]),
        json!(["*"]),
        json!([1]),
        json!("api.example"),
        json!(vec!["api.example"; 65]),
    ] {
        list(&node, &wrong).assert_error(400, "invalid_request");
    }
    let nothing = node.send_json(Method::PUT, "/functions/app/outgoing-http", &json!({}));
    nothing.assert_error(400, "invalid_request");
    let shown = node.server.get("/functions/app/outgoing-http").json();
    assert_eq!(shown["hosts"], Value::Null);
    assert_eq!(
        list(&node, &json!(["api.example:443", "b.example:8443"])).status,
        200
    );
    node.server
        .get("/functions/none/outgoing-http")
        .assert_error(404, "function_not_found");
}

#[test]
fn tenants_have_servers_of_their_own_also_where_they_share_a_component() {
    let ((_one, first), (_two, second)) = (neighbour(), neighbour());
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("config.toml");
    let text = format!(
        "allow-http = [\"{first}\"]\n\
         [tenants.7]\nallow-http = [\"{second}\"]\n\
         [tenants.8]\nallow-http = []\n"
    );
    fs::write(&config, text).unwrap();
    let configured = |serve: Serve| {
        serve
            .arg(format!("--config={}", config.display()))
            .arg("--policy")
            .arg(guest("policy_admits_as"))
            .arg("--audit-log=none")
            .start()
    };
    let node = configured(Serve::node(folder.path().join("data").as_path()));
    let application = configured(Serve::new(guest("outgoing")));
    let send = |server: &Server, tenant: u64, method: Method, path: &str, body: Vec<u8>| {
        let request = server.request(method, path);
        let request = request.header("x-tensorwasm-tenant", tenant.to_string());
        let request = request.header("content-type", "application/wasm");
        server.send(request.body(body))
    };
    let component = fs::read(guest("outgoing")).unwrap();
    for (tenant, reaches) in [(1, Some(&first)), (7, Some(&second)), (8, None)] {
        let path = "/functions?name=app";
        let deployed = send(&node, tenant, Method::POST, path, component.clone());
        let granted: Vec<&String> = reaches.into_iter().collect();
        assert_eq!(deployed.json()["outgoing_hosts"], json!(granted));
        for (server, prefix) in [(&node, "/f/app"), (&application, "")] {
            for address in [&first, &second] {
                let path = format!("{prefix}/{address}");
                let seen = asked(&send(server, tenant, Method::GET, &path, Vec::new()));
                let expected = match reaches == Some(address) {
                    true => json!({"status": 200}),
                    false => json!({"error": "ErrorCode::HttpRequestDenied"}),
                };
                assert_eq!(seen, expected, "{tenant} {path}");
            }
        }
    }
}

#[test]
fn functions_share_the_connections_that_their_tenant_may_have() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let option = format!("--allow-http={address}");
    let node = Node::start(&[&option, "--max-http-connections=5", "--request-timeout=60s"]);
    node.deploy("app", "outgoing");
    node.deploy("other", "outgoing");
    let hold = |name: &str, requests: u32, refused: u32| {
        let path = format!("/f/{name}/hold/{requests}/{refused}/{address}");
        asked(&node.server.get(&path))
    };
    std::thread::scope(|scope| {
        let holding = scope.spawn(|| hold("app", 5, 5));
        let held: Vec<_> = (0..5).map(|_| listener.accept().unwrap()).collect();
        let seen = hold("other", 1, 1);
        assert_eq!(
            seen["errors"],
            json!(["ErrorCode::ConnectionLimitReached"]),
            "{seen}"
        );
        drop(held);
        assert_eq!(holding.join().unwrap()["open"], 0);
    });
}
