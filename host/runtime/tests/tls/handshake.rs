//! Who gets through the handshake, and who the handler takes them for.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use rcgen::{DnType, date_time_ymd};
use tensor_wasm_runtime::server::{ClientCertificates, Tls};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::authority::{Authority, Files};
use super::client::{Client, get, get_and_stay, hello, rest};
use super::server::Running;

#[tokio::test]
async fn a_client_that_agrees_on_http_1_speaks_it_and_so_does_one_that_agrees_on_nothing() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    for protocols in [vec!["http/1.1"], vec![]] {
        let client = Client {
            protocols,
            ..files.authority.client()
        };
        let mut connection = client.connect(server.address).await.unwrap();
        for _ in 0..2 {
            connection.send(&get_and_stay("/")).await.unwrap();
            let answer = connection.until("nobody.").await;
            assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        }
    }
}

#[tokio::test]
async fn http_2_is_agreed_on_with_those_who_know_both() {
    let files = Files::new();
    let clients = Authority::new();
    let tls = files.with_clients(&clients, ClientCertificates::Required);
    let server = Running::start(Tls::load(tls).unwrap()).await;
    let client = Client {
        protocols: vec!["http/1.1", "h2"],
        ..files.authority.client().showing(clients.issue("alice"))
    };
    let connection = client.connect(server.address).await.unwrap();
    assert_eq!(connection.protocol(), Some(&b"h2"[..]));
    let io = hyper_util::rt::TokioIo::new(connection.0);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut send, http) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(http);
    for _ in 0..2 {
        let request = Request::get(format!("https://{}/", server.address));
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = send.send_request(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "you are CN=alice.");
    }
}

#[tokio::test]
async fn both_current_versions_of_tls_are_spoken() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    for version in rustls::ALL_VERSIONS {
        let client = Client {
            versions: std::slice::from_ref(version),
            ..files.authority.client()
        };
        let mut connection = client.connect(server.address).await.unwrap();
        let spoken = connection.0.get_ref().1.protocol_version();
        assert_eq!(spoken, Some(version.version));
        connection.send(&get("/")).await.unwrap();
        assert!(connection.rest().await.unwrap().ends_with("nobody."));
    }
}

#[tokio::test]
async fn the_subject_of_a_clients_certificate_reaches_the_handler_whether_required_or_not() {
    let files = Files::new();
    let clients = Authority::new();
    for asked in [ClientCertificates::Required, ClientCertificates::Optional] {
        let tls = Tls::load(files.with_clients(&clients, asked)).unwrap();
        let server = Running::start(tls).await;
        for version in rustls::ALL_VERSIONS {
            let alice = clients.issue_with("alice", |params| {
                let name = &mut params.distinguished_name;
                name.push(DnType::OrganizationName, "Example");
            });
            let client = Client {
                versions: std::slice::from_ref(version),
                ..files.authority.client().showing(alice)
            };
            let answer = client.ask(server.address).await.unwrap();
            assert!(answer.ends_with("you are O=Example,CN=alice."), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_gets_in_only_where_none_is_required() {
    let files = Files::new();
    let clients = Authority::new();
    let anonymous = files.authority.client();

    let tls = files.with_clients(&clients, ClientCertificates::Optional);
    let server = Running::start(Tls::load(tls).unwrap()).await;
    let answer = anonymous.ask(server.address).await.unwrap();
    assert!(answer.ends_with("you are nobody."), "{answer}");

    let tls = files.with_clients(&clients, ClientCertificates::Required);
    let server = Running::start(Tls::load(tls).unwrap()).await;
    for version in rustls::ALL_VERSIONS {
        let anonymous = Client {
            versions: std::slice::from_ref(version),
            ..anonymous.clone()
        };
        anonymous.ask(server.address).await.unwrap_err();
    }
    assert_eq!(server.calls(), 0);
    let alice = anonymous.showing(clients.issue("alice"));
    assert!(alice.ask(server.address).await.unwrap().ends_with("alice."));
}

#[tokio::test]
async fn a_certificate_of_a_strange_authority_or_of_the_past_gets_nobody_in() {
    let files = Files::new();
    let clients = Authority::new();
    for asked in [ClientCertificates::Required, ClientCertificates::Optional] {
        let tls = Tls::load(files.with_clients(&clients, asked)).unwrap();
        let server = Running::start(tls).await;
        let strange = Authority::new().issue("alice");
        let past = clients.issue_with("alice", |params| {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        });
        for issued in [strange, past] {
            let client = files.authority.client().showing(issued);
            client.ask(server.address).await.unwrap_err();
        }
        assert_eq!(server.calls(), 0);
    }
}

#[tokio::test]
async fn a_certificate_means_nothing_where_no_authority_of_clients_is_known() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let client = files.authority.client();
    let client = client.showing(files.authority.issue("alice"));
    let answer = client.ask(server.address).await.unwrap();
    assert!(answer.ends_with("you are nobody."), "{answer}");
}

#[tokio::test]
async fn plain_http_is_closed_without_an_answer_and_the_server_lives_on() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(get("/").as_bytes()).await.unwrap();
    let answer = rest(&mut plain).await;
    // An alert of TLS at most: its type is 21.
    assert!(matches!(answer.first(), None | Some(21)), "{answer:?}");
    assert_eq!(server.calls(), 0);
    let answer = files.authority.client().ask(server.address).await.unwrap();
    assert!(answer.ends_with("nobody."), "{answer}");
}

#[tokio::test]
async fn garbage_in_place_of_a_handshake_is_closed_and_the_server_lives_on() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let hello = hello(&files.authority);
    let mut garbage = vec![
        vec![0; 64],
        vec![0xff; 64],
        // A record that is longer than records may be.
        vec![22, 3, 1, 0xff, 0xff],
        // A handshake message that never was, and an alert.
        vec![22, 3, 1, 0, 4, 99, 0, 0, 0],
        vec![21, 3, 1, 0, 2, 2, 40],
        // Data before there are keys.
        vec![23, 3, 3, 0, 1, 0],
        // A first message twice.
        [&hello[..], &hello[..]].concat(),
    ];
    // A first message with one byte of it changed, all along its length.
    for place in (0..hello.len()).step_by(7) {
        let mut changed = hello.clone();
        changed[place] ^= 0xa5;
        garbage.push(changed);
    }
    for bytes in garbage {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        // It may hang up before it has read all.
        let _ = client.write_all(&bytes).await;
        let _ = client.shutdown().await;
        rest(&mut client).await;
    }
    assert_eq!(server.calls(), 0);
    let answer = files.authority.client().ask(server.address).await.unwrap();
    assert!(answer.ends_with("nobody."), "{answer}");
}
